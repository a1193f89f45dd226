//! Owns a task's state machine: one atomic word that holds the phase, the abort
//! request and the poll epoch. It must not know queues, futures or observers.
//!
//! ```text
//!  bits 63..8  epoch: polls of the task started so far
//!  bit  3      abort requested
//!  bits 2..0   phase
//!
//!              wake                start              finish_pending
//!       Idle ───────► Scheduled ──────────► Running ─────────────────► Idle
//!                         ▲                    │ wake
//!                         │  finish_pending    ▼
//!                         └──────────── RunningNotified
//!       Running, RunningNotified ── complete ──► Complete
//!       Scheduled with abort ────── start ─────► Complete
//!       any ── shut_down (no worker is left) ──► Complete
//! ```
//!
//! Because phase and epoch share a word, a wake learns in one step what it did and
//! after how many polls it did so; nothing has to be read twice.

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

use crate::observe::{TaskPhase, WakeEffect};

/// The task waits: it is in no queue and its future is not touched. Impossible
/// before the first poll.
const IDLE: u64 = 0;
/// The task is in exactly one run queue, or about to be put there by the thread
/// that set this. A new task begins so, with epoch 0.
const SCHEDULED: u64 = 1;
/// One thread polls the future. Never with the task in a queue.
const RUNNING: u64 = 2;
/// As `RUNNING`, and at least one wake came since that poll began.
const RUNNING_NOTIFIED: u64 = 3;
/// The future is gone or about to be dropped by the thread that set this. Final.
const COMPLETE: u64 = 4;

const PHASE: u64 = 0b111;
/// Set once by an abort, in any phase but `COMPLETE`, and never cleared; looked at
/// by `start`, so it takes effect at the next point where the task would be polled.
const ABORT: u64 = 1 << 3;
const EPOCH_SHIFT: u32 = 8;
const ONE_POLL: u64 = 1 << EPOCH_SHIFT;

/// What the thread that took the task from its queue must do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Poll the future; this is poll number `epoch`.
    Poll { epoch: u64 },
    /// Drop the future: the task was aborted. It counts as complete already.
    Aborted,
    /// Nothing: the runtime was shut down while the task was queued.
    Gone,
}

/// What follows a poll that returned `Pending`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AfterPoll {
    /// The task waits for a wake.
    Idle,
    /// It was woken meanwhile: the caller queues it again.
    Reschedule,
}

pub(crate) struct TaskState(AtomicU64);

impl TaskState {
    /// A new task is scheduled: its spawn is the cause of its first poll.
    pub(crate) fn new() -> Self {
        TaskState(AtomicU64::new(SCHEDULED))
    }

    /// Requests a poll. Returns the epoch at which the request took effect. After
    /// [`WakeEffect::Scheduled`] the caller must queue the task.
    pub(crate) fn wake(&self) -> (u64, WakeEffect) {
        // Ordering: a release, also where the word does not change, so that the poll
        // that this wake ends up in sees what the waker wrote before. Acquire, so
        // that the waker sees what the last poll wrote.
        let result = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                match word & PHASE {
                    IDLE => Some(word - IDLE + SCHEDULED),
                    RUNNING => Some(word - RUNNING + RUNNING_NOTIFIED),
                    SCHEDULED | RUNNING_NOTIFIED => Some(word),
                    _ => None,
                }
            });
        match result {
            Err(word) => (word >> EPOCH_SHIFT, WakeEffect::AfterCompletion),
            Ok(word) => {
                let effect = match word & PHASE {
                    IDLE => WakeEffect::Scheduled,
                    RUNNING => WakeEffect::WhileRunning,
                    _ => WakeEffect::Redundant,
                };
                (word >> EPOCH_SHIFT, effect)
            }
        }
    }

    /// Begins a poll, by the thread that took the task from its queue.
    pub(crate) fn start(&self) -> Start {
        // Ordering: acquire, to see what wakers and the last poll wrote.
        let result = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                if word & PHASE != SCHEDULED {
                    None
                } else if word & ABORT != 0 {
                    Some(word - SCHEDULED + COMPLETE)
                } else {
                    Some(word - SCHEDULED + RUNNING + ONE_POLL)
                }
            });
        match result {
            Err(_) => Start::Gone,
            Ok(word) if word & ABORT != 0 => Start::Aborted,
            Ok(word) => Start::Poll {
                epoch: (word >> EPOCH_SHIFT) + 1,
            },
        }
    }

    /// Ends a poll that returned `Pending`, by the thread that ran it.
    pub(crate) fn finish_pending(&self) -> AfterPoll {
        // Ordering: release, so that the next poll, on any thread, sees this one's writes.
        let result = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                match word & PHASE {
                    RUNNING => Some(word - RUNNING + IDLE),
                    RUNNING_NOTIFIED => Some(word - RUNNING_NOTIFIED + SCHEDULED),
                    _ => None,
                }
            });
        match result {
            Ok(word) if word & PHASE == RUNNING_NOTIFIED => AfterPoll::Reschedule,
            _ => AfterPoll::Idle,
        }
    }

    /// Ends the task, by the thread that polled it.
    pub(crate) fn complete(&self) {
        // Ordering: release, so that a late waker sees a task whose future is gone.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                Some((word & !PHASE) | COMPLETE)
            });
    }

    /// Epoch and phase at one moment; `None` when the task is over.
    pub(crate) fn peek(&self) -> Option<(u64, TaskPhase)> {
        // Ordering: none needed, nothing is done with the task.
        let word = self.0.load(Ordering::Relaxed);
        let phase = match word & PHASE {
            IDLE => TaskPhase::Idle,
            SCHEDULED => TaskPhase::Scheduled,
            RUNNING | RUNNING_NOTIFIED => TaskPhase::Running,
            _ => return None,
        };
        Some((word >> EPOCH_SHIFT, phase))
    }

    /// Requests an abort. Returns whether the caller must queue the task, so that a
    /// worker finds the request.
    pub(crate) fn abort(&self) -> bool {
        // Ordering: release, so that the worker sees who aborted.
        let result = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                match word & PHASE {
                    COMPLETE => None,
                    IDLE => Some((word - IDLE + SCHEDULED) | ABORT),
                    RUNNING => Some((word - RUNNING + RUNNING_NOTIFIED) | ABORT),
                    _ => Some(word | ABORT),
                }
            });
        matches!(result, Ok(word) if word & PHASE == IDLE)
    }

    /// Ends the task because its runtime ends and no worker is left to poll it.
    /// Returns whether it was still alive; then the caller drops its future.
    pub(crate) fn shut_down(&self) -> bool {
        // Ordering: acquire, to see what the last poll wrote before dropping its future.
        let result = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
                (word & PHASE != COMPLETE).then_some((word & !PHASE) | COMPLETE)
            });
        result.is_ok()
    }
}

#[cfg(all(test, loom))]
mod interleavings;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{AfterPoll, Start, TaskState};
    use crate::observe::WakeEffect::{AfterCompletion, Redundant, Scheduled, WhileRunning};

    #[test]
    fn a_task_goes_through_its_phases_and_counts_its_polls() {
        let state = TaskState::new();
        assert_eq!(state.wake(), (0, Redundant));
        assert_eq!(state.start(), Start::Poll { epoch: 1 });
        assert_eq!(state.finish_pending(), AfterPoll::Idle);
        assert_eq!(state.wake(), (1, Scheduled));
        assert_eq!(state.wake(), (1, Redundant));
        assert_eq!(state.start(), Start::Poll { epoch: 2 });
        assert_eq!(state.wake(), (2, WhileRunning));
        assert_eq!(state.wake(), (2, Redundant));
        assert_eq!(state.finish_pending(), AfterPoll::Reschedule);
        assert_eq!(state.start(), Start::Poll { epoch: 3 });
        state.complete();
        assert_eq!(state.wake(), (3, AfterCompletion));
        assert_eq!(state.start(), Start::Gone);
    }

    #[test]
    fn an_abort_takes_effect_where_the_task_would_be_polled() {
        let idle = TaskState::new();
        assert_eq!(idle.start(), Start::Poll { epoch: 1 });
        assert_eq!(idle.finish_pending(), AfterPoll::Idle);
        assert!(idle.abort(), "an idle task must be queued to be dropped");
        assert!(!idle.abort(), "a second abort has nothing to queue");
        assert_eq!(idle.wake(), (1, Redundant));
        assert_eq!(idle.start(), Start::Aborted);
        assert_eq!(idle.wake(), (1, AfterCompletion));

        let running = TaskState::new();
        assert_eq!(running.start(), Start::Poll { epoch: 1 });
        assert!(!running.abort(), "the polling thread queues it");
        assert_eq!(running.finish_pending(), AfterPoll::Reschedule);
        assert_eq!(running.start(), Start::Aborted);
        assert!(!running.abort());
    }

    #[test]
    fn a_shut_down_task_is_over_once() {
        let state = TaskState::new();
        assert!(state.shut_down());
        assert!(!state.shut_down());
        assert_eq!(state.start(), Start::Gone);
    }
}
