//! Owns what the threads of one runtime share: the run queues, who is idle and how
//! they are woken, and the set of tasks that are alive. It must not know how a
//! worker spends its time (worker.rs) or how a poll goes (task).
//!
//! No wake is lost between a thread that queues a task and a worker that goes to
//! sleep, because each does its two steps in the opposite order, and the queue's
//! lock stands between them:
//!
//! ```text
//!   waker:   push to a queue      then look for an idle worker
//!   worker:  say that it is idle  then look into every queue
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};

use crate::fs::Files;
use crate::observe::{AliveTask, Flavor};
use crate::pool::Pool;
use crate::reactor::Reactor;
use crate::ring::Ring;
use crate::task::Task;
use crate::timers::Timers;
use crate::{context, lock};

/// A queue of tasks to poll, first in, first out.
#[derive(Default)]
pub(crate) struct RunQueue(Mutex<VecDeque<Arc<Task>>>);

impl RunQueue {
    fn push(&self, task: Arc<Task>) {
        lock(&self.0).push_back(task);
    }

    pub(crate) fn pop(&self) -> Option<Arc<Task>> {
        lock(&self.0).pop_front()
    }

    fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Takes the older half, rounded up: the thief polls what has waited longest.
    fn take_half(&self) -> VecDeque<Arc<Task>> {
        let mut queue = lock(&self.0);
        let half = queue.len().div_ceil(2);
        let rest = queue.split_off(half);
        std::mem::replace(&mut *queue, rest)
    }
}

/// Where a thread sleeps until another unparks it. An unpark that comes first is
/// remembered, so the order of the two does not matter.
#[derive(Default)]
pub(crate) struct Parker {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    pub(crate) fn park(&self) {
        let mut notified = lock(&self.notified);
        while !*notified {
            notified = self
                .changed
                .wait(notified)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *notified = false;
    }

    pub(crate) fn unpark(&self) {
        *lock(&self.notified) = true;
        self.changed.notify_one();
    }
}

/// The workers that sleep or are about to.
#[derive(Default)]
struct Idle {
    /// Those that nobody has woken yet.
    workers: Vec<usize>,
    /// The one that sleeps in the reactor; the others sleep on their parkers. Set
    /// and cleared by the holder of the reactor only.
    in_reactor: Option<usize>,
}

#[derive(Default)]
struct Alive {
    closed: bool,
    tasks: HashMap<u64, Arc<Task>>,
    /// Root tasks, which `block_on` keeps alive: here only to be found by a snapshot.
    roots: Vec<Weak<Task>>,
}

/// The runtimes of the process; those that are gone are removed when one is added.
static RUNTIMES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Every task that is alive in the process, oldest first.
pub(crate) fn alive_tasks() -> Vec<AliveTask> {
    let runtimes: Vec<_> = lock(&RUNTIMES).iter().filter_map(Weak::upgrade).collect();
    let mut tasks = Vec::new();
    for runtime in runtimes {
        let alive = lock(&runtime.alive);
        tasks.extend(alive.tasks.values().filter_map(|task| task.peek()));
        let roots = alive.roots.iter().filter_map(Weak::upgrade);
        tasks.extend(roots.filter_map(|task| task.peek()));
    }
    tasks.sort_unstable_by_key(|task| task.task);
    tasks
}

/// One runtime, as its threads share it.
pub(crate) struct Shared {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) flavor: Flavor,
    pub(crate) reactor: Reactor,
    pub(crate) timers: Timers,
    pub(crate) pool: Pool,
    /// Pool, threads or ring: what it became, not what was asked for.
    pub(crate) files: Files,
    /// With `Files::IoUring` only.
    pub(crate) ring: Option<Ring>,
    /// Tasks queued by threads that are no worker of this runtime.
    pub(crate) injection: RunQueue,
    /// One queue per worker: tasks that it woke or spawned itself. Others steal.
    pub(crate) locals: Box<[RunQueue]>,
    parkers: Box<[Parker]>,
    idle: Mutex<Idle>,
    /// `idle.workers.len()`, readable without the lock.
    idle_count: AtomicUsize,
    alive: Mutex<Alive>,
    stopping: AtomicBool,
}

impl Shared {
    #[allow(clippy::too_many_arguments)] // The parts of a runtime, each used once.
    pub(crate) fn new(
        id: u64,
        name: String,
        flavor: Flavor,
        workers: usize,
        reactor: Reactor,
        pool: Pool,
        ring: Option<Ring>,
        files: Files,
    ) -> Self {
        Shared {
            id,
            name,
            flavor,
            reactor,
            timers: Timers::default(),
            pool,
            files,
            ring,
            injection: RunQueue::default(),
            locals: (0..workers).map(|_| RunQueue::default()).collect(),
            parkers: (0..workers).map(|_| Parker::default()).collect(),
            idle: Mutex::new(Idle::default()),
            idle_count: AtomicUsize::new(0),
            alive: Mutex::new(Alive::default()),
            stopping: AtomicBool::new(false),
        }
    }

    /// Makes the runtime's tasks known to [`alive_tasks`].
    pub(crate) fn list(self: &Arc<Self>) {
        let mut runtimes = lock(&RUNTIMES);
        runtimes.retain(|runtime| runtime.strong_count() > 0);
        runtimes.push(Arc::downgrade(self));
    }

    /// Queues a scheduled task and wakes a worker for it, if one sleeps.
    pub(crate) fn schedule(&self, task: Arc<Task>) {
        match context::worker_of(self) {
            Some(worker) => self.locals[worker].push(task),
            None => self.injection.push(task),
        }
        self.notify_one();
    }

    /// Wakes one sleeping worker, rather not the one in the reactor.
    fn notify_one(&self) {
        // Relaxed is enough: a worker that found the queue empty counted itself
        // before it took that queue's lock, which the caller took after it.
        if self.idle_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (worker, in_reactor) = {
            let mut idle = lock(&self.idle);
            let place = idle
                .workers
                .iter()
                .position(|worker| Some(*worker) != idle.in_reactor)
                .or_else(|| idle.workers.len().checked_sub(1));
            let Some(place) = place else { return };
            let worker = idle.workers.swap_remove(place);
            self.idle_count.store(idle.workers.len(), Ordering::Relaxed);
            (worker, idle.in_reactor == Some(worker))
        };
        if in_reactor {
            self.reactor.interrupt();
        } else {
            self.parkers[worker].unpark();
        }
    }

    /// A worker says that it goes to sleep. It must look into the queues once more after this.
    pub(crate) fn enter_idle(&self, worker: usize) {
        let mut idle = lock(&self.idle);
        idle.workers.push(worker);
        self.idle_count.store(idle.workers.len(), Ordering::Relaxed);
    }

    /// An idle worker says that it will sleep in the reactor, which it holds. It must
    /// look into the queues after this: a wake before this went to its parker.
    pub(crate) fn enter_reactor(&self, worker: usize) {
        lock(&self.idle).in_reactor = Some(worker);
    }

    /// A worker says that it is awake. The one that was in the reactor says so
    /// before it lets go of it.
    pub(crate) fn leave_idle(&self, worker: usize) {
        let mut idle = lock(&self.idle);
        idle.workers.retain(|sleeper| *sleeper != worker);
        self.idle_count.store(idle.workers.len(), Ordering::Relaxed);
        if idle.in_reactor == Some(worker) {
            idle.in_reactor = None;
        }
    }

    /// A worker that had the reactor and now goes to poll a task wakes a sleeper to
    /// take its place; else nobody would see readiness until that poll is over. The
    /// lock, not the count, is asked: a sleeper that is not in it yet will try the
    /// reactor after it is, and find it free.
    pub(crate) fn hand_over_reactor(&self) {
        if lock(&self.idle).in_reactor.is_none() {
            self.notify_one();
        }
    }

    /// The queue's first deadline is now earlier: a worker that sleeps in the
    /// reactor has computed its time-out from a later one.
    pub(crate) fn deadline_moved(&self) {
        let in_reactor = lock(&self.idle).in_reactor;
        if in_reactor.is_some_and(|sleeper| context::worker_of(self) != Some(sleeper)) {
            self.reactor.interrupt();
        }
    }

    pub(crate) fn park_on_condvar(&self, worker: usize) {
        self.parkers[worker].park();
    }

    /// Whether any queue holds a task. Takes each queue's lock; see the top of this file.
    pub(crate) fn has_work(&self) -> bool {
        !self.injection.is_empty() || self.locals.iter().any(|queue| !queue.is_empty())
    }

    /// Takes half of another worker's queue: one task to poll now, the rest into
    /// the thief's own queue. No two queues are locked at once.
    pub(crate) fn steal(&self, thief: usize) -> Option<Arc<Task>> {
        let workers = self.locals.len();
        for distance in 1..workers {
            let mut stolen = self.locals[(thief + distance) % workers].take_half();
            if let Some(first) = stolen.pop_front() {
                lock(&self.locals[thief].0).append(&mut stolen);
                return Some(first);
            }
        }
        None
    }

    /// Keeps a task until it ends. Returns false when the runtime takes no more.
    pub(crate) fn adopt(&self, task: &Arc<Task>) -> bool {
        let mut alive = lock(&self.alive);
        if !alive.closed {
            alive.tasks.insert(task.id, Arc::clone(task));
        }
        !alive.closed
    }

    /// Makes a root task known to [`alive_tasks`].
    pub(crate) fn list_root(&self, root: &Arc<Task>) {
        let roots = &mut lock(&self.alive).roots;
        roots.retain(|root| root.strong_count() > 0);
        roots.push(Arc::downgrade(root));
    }

    pub(crate) fn forget(&self, task: u64) {
        let forgotten = lock(&self.alive).tasks.remove(&task);
        drop(forgotten);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        // Ordering: pairs with `stop`; the parkers' locks order the rest.
        self.stopping.load(Ordering::Acquire)
    }

    /// Makes every worker return. Both ways to wake are remembered, so a worker
    /// that is only on its way to sleep is reached too.
    pub(crate) fn stop(&self) {
        // Ordering: a worker that sees this sees all that the runtime's owner did.
        self.stopping.store(true, Ordering::Release);
        for parker in &self.parkers {
            parker.unpark();
        }
        self.reactor.interrupt();
    }

    /// Cancels all tasks that are alive, oldest first, and refuses new ones. Only
    /// when no worker runs.
    pub(crate) fn cancel_all(&self) {
        let mut tasks: Vec<_> = {
            let mut alive = lock(&self.alive);
            alive.closed = true;
            alive.tasks.values().cloned().collect()
        };
        tasks.sort_by_key(|task| task.id);
        for task in tasks {
            task.shut_down();
        }
        while self.injection.pop().is_some() {}
        for queue in &self.locals {
            while queue.pop().is_some() {}
        }
    }
}
