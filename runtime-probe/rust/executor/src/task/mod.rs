//! Owns one task: its identity, its state machine's use, and the order in which a
//! poll, a wake and an end are carried out and told to the observer. It must not
//! know queues or threads: it asks its runtime to schedule it.

mod body;
mod state;
mod waker;

use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;

pub(crate) use body::{drop_quietly, store_waker, tell_pending, Body, Packet};
pub(crate) use state::Start;

use crate::observe::{self, AliveTask, End, EndedBy, Outcome, TaskEnded, TaskInfo, TaskKind, Wake};
use crate::scheduler::{Parker, Shared};
use crate::{context, ids, lock};
use state::{AfterPoll, TaskState};
use waker::BorrowedWaker;

/// `aborted_by` while nobody has aborted.
const NOT_ABORTED: u64 = u64::MAX;
/// `aborted_by` when `abort` was called outside of any poll.
const ABORTED_BY_THREAD: u64 = 0;

/// A task. It is kept alive by its runtime until it ends, by the queue it is in,
/// and by its wakers. The future inside may hold wakers of this same task; that
/// circle is broken when the task ends, because then the body is taken out.
pub(crate) struct Task {
    pub(crate) id: u64,
    pub(crate) shared: Arc<Shared>,
    state: TaskState,
    /// Touched by the thread that polls, cancels or shuts down; the state machine
    /// lets only one do so, hence the lock is never contended. Always `None` for a
    /// root task, whose future stays with `block_on`.
    body: Mutex<Option<Body>>,
    /// For the root of a multi-threaded runtime: the thread that polls it.
    root_parker: Option<Arc<Parker>>,
    waker_clones: AtomicU32,
    waker_drops: AtomicU32,
    aborted_by: AtomicU64,
}

/// How a task is presented to the observer.
pub(crate) struct Identity<'a> {
    pub(crate) kind: TaskKind,
    pub(crate) name: Option<&'a str>,
    pub(crate) site: &'static Location<'static>,
    pub(crate) type_name: &'static str,
    pub(crate) future_bytes: usize,
}

impl Task {
    /// Makes a task and tells of it. It is not queued yet.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        identity: &Identity<'_>,
        root_parker: Option<Arc<Parker>>,
        make_body: impl FnOnce(u64) -> Option<Body>,
    ) -> Arc<Task> {
        let id = ids::TASKS.next();
        if let Some(observer) = observe::observer() {
            observer.task_spawned(&TaskInfo {
                task: id,
                parent: context::task(),
                site: identity.site,
                name: identity.name,
                type_name: identity.type_name,
                future_bytes: identity.future_bytes,
                kind: identity.kind,
                runtime: shared.id,
            });
        }
        Arc::new(Task {
            id,
            shared: Arc::clone(shared),
            state: TaskState::new(),
            body: Mutex::new(make_body(id)),
            root_parker,
            waker_clones: AtomicU32::new(0),
            waker_drops: AtomicU32::new(0),
            aborted_by: AtomicU64::new(NOT_ABORTED),
        })
    }

    /// What an observer that begins late is told; `None` when the task is over.
    pub(crate) fn peek(&self) -> Option<AliveTask> {
        let (epoch, phase) = self.state.peek()?;
        let task = self.id;
        Some(AliveTask { task, epoch, phase })
    }

    pub(crate) fn start(&self) -> Start {
        self.state.start()
    }

    /// Does what a task taken from a run queue needs: a poll, or its cancellation.
    pub(crate) fn run(self: &Arc<Self>) {
        match self.state.start() {
            Start::Gone => {}
            Start::Aborted => {
                let by = match self.aborted_by.load(Ordering::Relaxed) {
                    ABORTED_BY_THREAD | NOT_ABORTED => EndedBy::Thread,
                    task => EndedBy::Task(task),
                };
                self.cancel(by);
            }
            Start::Poll { epoch } => {
                let outcome = self.poll_with(epoch, |cx| {
                    let mut body = lock(&self.body);
                    let Some(body) = body.as_mut() else {
                        unreachable!("a scheduled task has its body");
                    };
                    body.poll(cx)
                });
                if outcome == Outcome::Pending {
                    self.after_pending();
                } else {
                    let body = lock(&self.body).take();
                    drop_quietly(body);
                    self.finish(outcome);
                }
            }
        }
    }

    /// Runs one poll between its two records, with this thread's context set.
    pub(crate) fn poll_with(
        self: &Arc<Self>,
        epoch: u64,
        poll: impl FnOnce(&mut Context<'_>) -> Outcome,
    ) -> Outcome {
        let entered = context::enter_task(self.id);
        let observer = observe::unpaused_observer();
        let start = observer.map_or(0, |observer| observer.poll_start(self.id, epoch));
        let open = observe::keeps_open_polls().then(|| observe::open_poll(self.id, epoch, start));
        let waker = BorrowedWaker::new(self);
        let outcome = poll(&mut Context::from_waker(waker.get()));
        // A poll that began in a pause is told to end when the pause is over: the observer
        // has found it open.
        if let Some(observer) = observer.or_else(observe::unpaused_observer) {
            self.report_waker_counts(observer);
            observer.poll_end(self.id, outcome);
        }
        drop(open);
        drop(entered);
        outcome
    }

    /// After a poll that returned `Pending`: waits for a wake, or is queued again
    /// because one came during the poll.
    pub(crate) fn after_pending(self: &Arc<Self>) {
        if self.state.finish_pending() == AfterPoll::Reschedule {
            self.schedule();
        }
    }

    /// After the last poll.
    pub(crate) fn finish(&self, outcome: Outcome) {
        let end = match outcome {
            Outcome::Panicked => End::Panicked,
            _ => End::Completed,
        };
        self.end(end, EndedBy::Task(self.id), self.id);
        self.state.complete();
    }

    /// Drops the future of a task that is complete by abort.
    fn cancel(&self, by: EndedBy) {
        let during_poll_of = context::task();
        let body = lock(&self.body).take();
        if let Some(mut body) = body {
            // The destructors of the future run on this task's behalf.
            let _entered = context::enter_task(self.id);
            body.cancel();
            drop_quietly(body);
        }
        self.end(End::Cancelled, by, during_poll_of);
    }

    /// Cancels the task if it is alive; only when no worker can poll it any more.
    pub(crate) fn shut_down(&self) {
        if self.state.shut_down() {
            self.cancel(EndedBy::RuntimeShutdown);
        }
    }

    fn end(&self, end: End, by: EndedBy, during_poll_of: u64) {
        if let Some(observer) = observe::observer() {
            self.report_waker_counts(observer);
            observer.task_ended(&TaskEnded {
                task: self.id,
                end,
                by,
                during_poll_of,
            });
        }
        self.shared.forget(self.id);
    }

    /// Requests a poll: the waker's one act.
    ///
    /// The record is written after the state changed, when the effect is known, and
    /// before the task is queued, so that it precedes the poll in any order of
    /// publication; its stamp is from before the change.
    fn wake(self: &Arc<Self>) {
        let observer = observe::unpaused_observer();
        let stamp = observer.map_or(0, |observer| observer.stamp());
        let (epoch, effect) = self.state.wake();
        if let Some(observer) = observer {
            observer.wake(&Wake {
                stamp,
                task: self.id,
                epoch,
                epoch_after: epoch,
                effect,
                cause: context::cause(),
            });
        }
        if effect == observe::WakeEffect::Scheduled {
            self.schedule();
        }
    }

    /// Requests the task's end at the next point where it would be polled.
    pub(crate) fn abort(self: &Arc<Self>) {
        // The first abort's author stays.
        let _ = self.aborted_by.compare_exchange(
            NOT_ABORTED,
            context::task(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if self.state.abort() {
            self.schedule();
        }
    }

    fn schedule(self: &Arc<Self>) {
        match &self.root_parker {
            Some(parker) => parker.unpark(),
            None => self.shared.schedule(Arc::clone(self)),
        }
    }

    fn count_waker_clone(&self) {
        if observe::unpaused_observer().is_some() {
            self.waker_clones.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count_waker_drop(&self) {
        if observe::unpaused_observer().is_some() {
            self.waker_drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn report_waker_counts(&self, observer: &dyn observe::Observer) {
        let clones = self.waker_clones.swap(0, Ordering::Relaxed);
        let drops = self.waker_drops.swap(0, Ordering::Relaxed);
        if clones != 0 || drops != 0 {
            observer.waker_counts(self.id, clones, drops);
        }
    }
}
