//! Owns the threads for work that blocks: files have no readiness, so an "async"
//! file write is a job here whose completion wakes the task. It must not know what
//! a job does.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::{catch_unwind, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use crate::join_handle::JoinError;
use crate::observe::{
    self, JobInfo, JobKind, JobOutcome, ThreadInfo, ThreadRole, WaitTarget, WakeCause,
};
use crate::scheduler::Shared;
use crate::task::Packet;
use crate::{context, ids, lock};

/// What to do with a job that has left the queue.
enum Fate {
    Run { queue_depth: usize },
    Cancel,
}

type Job = Box<dyn FnOnce(Fate) + Send>;

#[derive(Default)]
struct PoolState {
    queue: VecDeque<Job>,
    /// Threads that exist or are being started.
    threads: usize,
    /// Threads that wait for a job; one that was notified counts until it runs, and
    /// so does the job that it will take.
    idle: usize,
    stopping: bool,
    next_thread: usize,
    /// Threads that were started for one job each; those that are over are let go of when
    /// one is added.
    own_threads: Vec<thread::JoinHandle<()>>,
    handles: HashMap<usize, thread::JoinHandle<()>>,
}

/// The blocking pool of one runtime. Threads start when a job finds none idle, up
/// to the limit, and leave after they had nothing to do for a while.
pub(crate) struct Pool {
    pub(crate) limit: usize,
    idle_timeout: Duration,
    state: Mutex<PoolState>,
    changed: Condvar,
    /// Jobs submitted and not started.
    queued: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(limit: usize, idle_timeout: Duration) -> Self {
        Pool {
            limit,
            idle_timeout,
            state: Mutex::default(),
            changed: Condvar::new(),
            queued: AtomicUsize::new(0),
        }
    }

    /// Queues a job, and starts a thread for it if none is idle and one may be.
    fn submit(&self, shared: &Arc<Shared>, job: Job) {
        let start = {
            let mut state = lock(&self.state);
            if state.stopping {
                drop(state);
                self.queued.fetch_sub(1, Ordering::Relaxed);
                job(Fate::Cancel);
                return;
            }
            state.queue.push_back(job);
            let start = state.queue.len() > state.idle && state.threads < self.limit;
            if start {
                state.threads += 1;
            }
            start
        };
        self.changed.notify_one();
        self.report(shared.id);
        if start {
            self.start_thread(shared);
        }
    }

    fn start_thread(&self, shared: &Arc<Shared>) {
        let mut state = lock(&self.state);
        let index = state.next_thread;
        state.next_thread += 1;
        let for_thread = Arc::clone(shared);
        // The lock is held until the handle is kept; a thread that leaves looks for it there.
        let started = thread::Builder::new()
            .name(format!("{}-pool-{index}", shared.name))
            .spawn(move || pool_thread(&for_thread, index));
        match started {
            Ok(handle) => {
                state.handles.insert(index, handle);
            }
            Err(error) => {
                state.threads -= 1;
                let alone = state.threads == 0;
                drop(state);
                // With other threads the job only waits longer.
                assert!(
                    !alone,
                    "no thread could be started for blocking work: {error}"
                );
            }
        }
    }

    /// Starts a thread for this job alone. When the system refuses one, the job is
    /// cancelled, which is what its future then says.
    fn run_on_own_thread(&self, shared: &Arc<Shared>, job: Job) {
        let mut state = lock(&self.state);
        let index = state.next_thread;
        state.next_thread += 1;
        // Taken by the thread, or left here when it cannot be started.
        let hand_over = Arc::new(Mutex::new(Some(job)));
        let for_thread = (Arc::clone(shared), Arc::clone(&hand_over));
        let started = match state.stopping {
            true => None,
            false => thread::Builder::new()
                .name(format!("{}-file-{index}", shared.name))
                .spawn(move || own_thread(&for_thread.0, &for_thread.1))
                .ok(),
        };
        if let Some(handle) = started {
            state.own_threads.retain(|thread| !thread.is_finished());
            state.own_threads.push(handle);
            return;
        }
        drop(state);
        let refused = lock(&hand_over).take();
        if let Some(job) = refused {
            job(Fate::Cancel);
        }
    }

    /// The next job with the number still queued; `None` when this thread must leave.
    fn next_job(&self, runtime: u64, thread: usize) -> Option<(Job, usize)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                let queue_depth = self.queued.fetch_sub(1, Ordering::Relaxed) - 1;
                return Some((job, queue_depth));
            }
            if state.stopping {
                return None;
            }
            state.idle += 1;
            drop(state);
            self.report(runtime);
            let (woken, timeout) = self
                .changed
                .wait_timeout_while(lock(&self.state), self.idle_timeout, |state| {
                    state.queue.is_empty() && !state.stopping
                })
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                let own_handle = state.handles.remove(&thread);
                drop(state);
                drop(own_handle);
                self.report(runtime);
                return None;
            }
        }
    }

    fn report(&self, runtime: u64) {
        if let Some(observer) = observe::observer() {
            let (threads, idle) = {
                let state = lock(&self.state);
                (state.threads, state.idle)
            };
            let queued = self.queued.load(Ordering::Relaxed);
            observer.pool_state(runtime, threads, idle, queued);
        }
    }

    /// Cancels the queued jobs, waits for those that run, and ends the threads.
    pub(crate) fn stop(&self) {
        let (queue, handles, own_threads) = {
            let mut state = lock(&self.state);
            state.stopping = true;
            (
                std::mem::take(&mut state.queue),
                std::mem::take(&mut state.handles),
                std::mem::take(&mut state.own_threads),
            )
        };
        self.changed.notify_all();
        for job in queue {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            job(Fate::Cancel);
        }
        for handle in handles.into_values().chain(own_threads) {
            // A job's panic was caught; there is no other result to look at.
            let _ = handle.join();
        }
    }
}

fn pool_thread(shared: &Arc<Shared>, index: usize) {
    let _runtime = context::enter_runtime(Arc::clone(shared), None);
    let observer = observe::observer();
    if let Some(observer) = observer {
        observer.thread_started(&ThreadInfo {
            name: thread::current().name().unwrap_or_default(),
            role: ThreadRole::Pool,
            runtime: shared.id,
            worker: None,
        });
    }
    while let Some((job, queue_depth)) = shared.pool.next_job(shared.id, index) {
        shared.pool.report(shared.id);
        job(Fate::Run { queue_depth });
    }
    if let Some(observer) = observer {
        observer.thread_stopped();
    }
}

fn own_thread(shared: &Arc<Shared>, job: &Mutex<Option<Job>>) {
    let _runtime = context::enter_runtime(Arc::clone(shared), None);
    let observer = observe::observer();
    if let Some(observer) = observer {
        observer.thread_started(&ThreadInfo {
            name: thread::current().name().unwrap_or_default(),
            role: ThreadRole::Pool,
            runtime: shared.id,
            worker: None,
        });
    }
    let job = lock(job).take();
    if let Some(job) = job {
        job(Fate::Run { queue_depth: 0 });
    }
    if let Some(observer) = observer {
        observer.thread_stopped();
    }
}

/// Where a job runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a thread of the pool, when one is free.
    Pool,
    /// On a thread that is started for it.
    OwnThread,
}

/// What a job gave, and how that is told to the observer.
pub(crate) struct JobResult<T> {
    pub(crate) value: T,
    pub(crate) outcome: JobOutcome,
    pub(crate) bytes: u64,
}

/// Queues `work` on the runtime's pool, or starts a thread for it.
pub(crate) fn submit<T: Send + 'static>(
    shared: &Arc<Shared>,
    place: Place,
    kind: JobKind,
    name: &str,
    site: &'static Location<'static>,
    work: impl FnOnce() -> JobResult<T> + Send + 'static,
) -> JobHandle<T> {
    let job = ids::JOBS.next();
    let packet = Packet::new();
    let pool = &shared.pool;
    let queue_depth = match place {
        Place::Pool => pool.queued.fetch_add(1, Ordering::Relaxed) + 1,
        Place::OwnThread => 0,
    };
    if let Some(observer) = observe::observer() {
        observer.job_submitted(&JobInfo {
            job,
            kind,
            site,
            name,
            queue_depth,
            runtime: shared.id,
        });
    }
    let for_job = Arc::clone(&packet);
    let run: Job = Box::new(move |fate| run_job(job, fate, work, &for_job));
    match place {
        Place::Pool => pool.submit(shared, run),
        Place::OwnThread => pool.run_on_own_thread(shared, run),
    }
    JobHandle { job, packet }
}

fn run_job<T>(job: u64, fate: Fate, work: impl FnOnce() -> JobResult<T>, packet: &Packet<T>) {
    let observer = observe::observer();
    let (outcome, bytes, result) = match fate {
        Fate::Cancel => {
            crate::task::drop_quietly(work);
            (JobOutcome::Cancelled, 0, Err(JoinError::cancelled(job)))
        }
        Fate::Run { queue_depth } => {
            if let Some(observer) = observer {
                observer.job_started(job, queue_depth);
            }
            match catch_unwind(AssertUnwindSafe(work)) {
                Ok(done) => (done.outcome, done.bytes, Ok(done.value)),
                Err(payload) => (
                    JobOutcome::Panicked,
                    0,
                    Err(JoinError::panicked(job, payload)),
                ),
            }
        }
    };
    if let Some(observer) = observer {
        observer.job_ended(job, outcome, bytes);
    }
    let _cause = context::enter_cause(WakeCause::Job(job));
    packet.complete(result);
}

/// The right to a blocking job's result; await it for `Result<T, JoinError>`.
/// Dropping it does not stop the job.
pub struct JobHandle<T> {
    job: u64,
    packet: Arc<Packet<T>>,
}

impl<T> JobHandle<T> {
    /// The job's id, as the observer knows it.
    pub fn id(&self) -> u64 {
        self.job
    }

    /// Waits for the job, reported as waiting at `site`.
    pub(crate) fn wait_at(self, site: &'static Location<'static>) -> JobFuture<T> {
        JobFuture { handle: self, site }
    }
}

impl<T> fmt::Debug for JobHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle").field("id", &self.job).finish()
    }
}

impl<T> IntoFuture for JobHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = JobFuture<T>;

    #[track_caller]
    fn into_future(self) -> JobFuture<T> {
        self.wait_at(Location::caller())
    }
}

/// Waits for a blocking job; made by awaiting a [`JobHandle`].
#[derive(Debug)]
pub struct JobFuture<T> {
    handle: JobHandle<T>,
    site: &'static Location<'static>,
}

impl<T> Future for JobFuture<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.handle.packet.poll(cx);
        if polled.is_pending() {
            if let Some(observer) = observe::observer() {
                let target = WaitTarget::Job(self.handle.job);
                observer.wait_started(context::frame(), target, self.site);
            }
        }
        polled
    }
}
