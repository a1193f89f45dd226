//! Owns the records of runtimes that have no hooks of ours: which events they make and what
//! they change of the thread's context. It must not know of wakers or of system calls.
//!
//! Such a runtime does not tell when its threads are idle, so a thread counts as quiet
//! whenever it is in no poll, job or record of ours. Where the system has the flusher's
//! barrier that costs nothing, else each first event after it reads the clock behind a fence.

// Which of these have a caller depends on the features.
#![cfg_attr(not(all(feature = "tokio", wakeline_reactor)), allow(dead_code))]

use std::sync::atomic::Ordering;

use wakeline_executor::observe::open_poll_depth;
use wakeline_wire::{
    cause_kind, end_outcome, kind, operation_maker, park_kind, thread_role, wake_effect,
};

use crate::held::DroppedBy;
use crate::recorder::{outside, Recorder, RuntimeSeen, ToldWake};

/// One wake of a wrapped future.
pub(crate) struct ForeignWake {
    pub(crate) stamp: u64,
    pub(crate) task: u64,
    /// Polls begun, read before the runtime's own wake was called, and after.
    pub(crate) epoch: u64,
    pub(crate) epoch_after: u64,
    /// The future was over when the wake began.
    pub(crate) ended: bool,
}

/// Whether what runs here, outside of any poll of ours, is the runtime and no code of the
/// program's; false where that is not known.
fn runs_runtime_code() -> bool {
    #[cfg(feature = "tokio")]
    return crate::tokio::present::is_runtimes_own();
    #[cfg(not(feature = "tokio"))]
    false
}

fn note_park() {
    #[cfg(feature = "tokio")]
    crate::tokio::present::is_between_tasks();
}

impl Recorder {
    /// The runtime has dropped the future of a task that it had to itself.
    #[inline]
    pub(crate) fn runtime_dropped(&mut self, task: u64) {
        if open_poll_depth() == 0 {
            self.set_outside(outside::AFTER_TASK | task);
        }
    }

    pub(crate) fn foreign_wake(&mut self, wake: &ForeignWake) {
        let effect = match wake.ended {
            true => wake_effect::AFTER_COMPLETION,
            false => wake_effect::UNKNOWN,
        };
        let (cause, id) = match self.outside() {
            outside::NOTHING => (cause_kind::UNKNOWN, 0),
            outside::TURN => (cause_kind::TURN, 0),
            after if after & outside::AFTER_TASK != 0 => {
                // Its end wakes one at most.
                self.set_outside(outside::NOTHING);
                match runs_runtime_code() {
                    true => (cause_kind::POLL, after & !outside::AFTER_TASK),
                    false => (cause_kind::UNKNOWN, 0),
                }
            }
            job => (cause_kind::JOB, job),
        };
        let told = ToldWake {
            task: wake.task,
            epoch: wake.epoch,
            effect,
            cause,
            cause_id: id,
            epoch_after: wake.epoch_after,
        };
        self.wake(wake.stamp, &told);
    }

    /// A wake in this epoch of which nothing more is known.
    pub(crate) fn unseen_wake(&mut self, task: u64, epoch: u64) {
        let (effect, cause) = (wake_effect::UNKNOWN, cause_kind::UNKNOWN);
        let fields = [task, epoch, effect, cause, 0, epoch + 1];
        self.event(kind::WAKE_FROM, fields);
    }

    /// A future was dropped before it was ready: by the poll that runs here, by code outside
    /// of any, or by its runtime, whose reason is told where it is known.
    pub(crate) fn foreign_cancelled(&mut self, task: u64, dropped_by: DroppedBy) {
        let poll = self.current_task();
        // Ordering: Acquire pairs with the store by the thread that drops the runtime.
        let closes = |runtime: &RuntimeSeen| runtime.is_closing.load(Ordering::Acquire);
        let (by, id) = match dropped_by {
            DroppedBy::Abort(by) => (cause_kind::ABORT, by),
            DroppedBy::Shutdown => (cause_kind::SHUTDOWN, poll),
            _ if poll != 0 => (cause_kind::POLL, poll),
            DroppedBy::Runtime if self.runtime().is_some_and(closes) => (cause_kind::SHUTDOWN, 0),
            DroppedBy::Runtime | DroppedBy::Program => (cause_kind::THREAD, self.thread()),
        };
        self.event(kind::TASK_END, [task, end_outcome::CANCELLED, by, id]);
    }

    pub(crate) fn foreign_ended(&mut self, task: u64, outcome: u64) {
        self.event(kind::TASK_END, [task, outcome, cause_kind::UNKNOWN, 0]);
    }

    pub(crate) fn foreign_job_start(&mut self, recorded: bool, job: u64, queued: u64) {
        self.take_role(thread_role::POOL);
        self.job_start(recorded, job, queued);
    }

    /// The job's closure has returned. Until this thread does something else, what it
    /// wakes it wakes because the job is done.
    pub(crate) fn foreign_job_end(&mut self, recorded: bool, job: u64, outcome: u64) {
        self.job_end(recorded, job, outcome, 0);
        self.set_outside(job);
    }

    /// A job begins of which nothing was told so far. False inside of one that is told already,
    /// which it is a part of. The thread's role is not told, which would take a lock.
    #[cfg(wakeline_reactor)]
    pub(crate) fn job_seen(&mut self, job: u64, job_kind: u64) -> bool {
        let is_free = self.is_outside();
        if is_free {
            let runtime = self.runtime_id();
            self.begin_seen_job([job, job_kind, runtime]);
        }
        is_free
    }

    /// The end of such a job. What is woken next may be woken by something else on this thread.
    #[cfg(wakeline_reactor)]
    pub(crate) fn seen_job_ends(&mut self, recorded: bool, job: u64, bytes: u64) {
        self.job_end(recorded, job, end_outcome::COMPLETED, bytes);
    }

    /// Who makes what happens on this thread now.
    pub(crate) fn operation_maker(&self) -> u64 {
        if self.current_task() != 0 {
            operation_maker::POLL
        } else if self.outside() == outside::TURN {
            operation_maker::TURN
        } else {
            operation_maker::THREAD
        }
    }

    /// The thread enters the kernel's wait for readiness.
    pub(crate) fn foreign_park(&mut self, recorded: bool, timeout_ns: u64) {
        self.set_outside(outside::NOTHING);
        note_park();
        self.take_role(thread_role::WORKER);
        self.leave_lock(recorded);
        self.count_in_reactor(1);
        self.park(recorded, [park_kind::REACTOR, timeout_ns, 0]);
    }

    fn count_in_reactor(&self, change: i32) {
        if let Some(runtime) = self.runtime() {
            // Ordering: none needed; it is a guess that a later call corrects.
            runtime
                .in_reactor
                .fetch_add(change as u32, Ordering::Relaxed);
        }
    }

    /// The runtime is about to park this thread, on a lock or in the reactor: it does not
    /// say which. While another thread has the reactor it is the lock.
    pub(crate) fn runtime_parks(&mut self, recorded: bool) {
        self.set_outside(outside::NOTHING);
        note_park();
        let is_taken = |runtime: &RuntimeSeen| runtime.in_reactor.load(Ordering::Relaxed) > 0;
        if recorded && self.runtime().is_some_and(is_taken) {
            self.take_role(thread_role::WORKER);
            self.set_parked_on_lock(true);
            self.park(true, [park_kind::CONDVAR, 0, 0]);
        }
    }

    /// The runtime goes on with this thread. Dispatch is over.
    pub(crate) fn runtime_unparked(&mut self, recorded: bool) {
        self.leave_lock(recorded);
        self.set_outside(outside::NOTHING);
    }

    /// Ends a park on a lock, if one is open; also when it turns out to be none.
    fn leave_lock(&mut self, recorded: bool) {
        if self.set_parked_on_lock(false) {
            self.resume();
            if recorded {
                self.event(kind::UNPARK, [park_kind::CONDVAR, 0]);
            }
        }
    }

    /// The kernel's wait is over: what follows is dispatch, up to the next poll.
    pub(crate) fn foreign_unpark(&mut self, recorded: bool, events: u64) {
        self.count_in_reactor(-1);
        self.resume();
        if recorded {
            self.reactor_unpark_event(events);
        }
        self.set_outside(outside::TURN);
    }
}
