//! Owns the hooks: everything the executor tells about itself, one method per
//! kind of record. It must not know who listens, how a record is encoded or
//! where it goes; with no observer set a hook site is one load and one branch.
//!
//! All ids are `u64`, start at 1 and are never reused; 0 means "none". Hooks are
//! called on the thread where the thing happens, and never while a lock is held
//! that another worker may wait for.
//!
//! The order of hooks for a read that has to wait, on one thread:
//!
//! ```text
//! poll_start ─ operation(WouldBlock) ─ wait_started(SourceReadable) ─ poll_end(Pending)
//!   ─ park(Reactor) ─ unpark ─ readiness(source) ─ wake(Source)
//!   ─ poll_start ─ operation(Bytes) ─ poll_end(Ready)
//! ```

pub mod new_ids;
mod open_polls;
mod records;

pub use open_polls::{
    close_poll, innermost_poll, is_innermost_poll, open_poll, open_poll_depth, open_polls,
    OpenPoll, PollOpened,
};
pub use records::*;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static OBSERVER: OnceLock<&'static dyn Observer> = OnceLock::new();

/// Whether the hooks of polls, wakes and frames are called: one of [`level`].
static LEVEL: AtomicU8 = AtomicU8::new(level::UNOBSERVED);

/// What is done at each poll, wake and frame.
mod level {
    /// Nothing: there is no observer.
    pub(super) const UNOBSERVED: u8 = 0;
    /// It is kept what is open; the observer is not called.
    pub(super) const PAUSED: u8 = 1;
    /// The observer is called.
    pub(super) const OBSERVED: u8 = 2;
}

/// Sets the process's observer. It stays for the life of the process.
///
/// Set it before the first runtime is built: what began earlier is not reported
/// again.
///
/// # Errors
///
/// [`ObserverAlreadySet`] when there is one already; that one stays.
pub fn set_observer(observer: &'static dyn Observer) -> Result<(), ObserverAlreadySet> {
    OBSERVER.set(observer).map_err(|_| ObserverAlreadySet)?;
    set_paused(false);
    Ok(())
}

/// Pauses the observer or goes on: while it is paused, the hooks of polls, wakes, wakers'
/// counts and frames are not called; all others are. What was told to begin is told to end
/// in a pause too. Async-signal-safe.
pub fn set_paused(paused: bool) {
    let to = if paused {
        level::PAUSED
    } else {
        level::OBSERVED
    };
    // Ordering: Release, so that a thread that finds the observer paused knows what was done
    // before.
    LEVEL.store(to, Ordering::Release);
}

/// The observer, unless it is paused or there is none: one load and one branch.
#[cfg(feature = "runtime")]
#[inline(always)]
pub(crate) fn unpaused_observer() -> Option<&'static dyn Observer> {
    // Ordering: Acquire pairs with `set_paused`.
    if LEVEL.load(Ordering::Acquire) != level::OBSERVED {
        return None;
    }
    observer()
}

/// Whether it is to be kept which polls are open.
#[cfg(feature = "runtime")]
#[inline(always)]
pub(crate) fn keeps_open_polls() -> bool {
    LEVEL.load(Ordering::Relaxed) != level::UNOBSERVED
}

/// The observer, if one is set: one acquire load and one branch.
#[cfg(feature = "runtime")]
#[inline]
pub(crate) fn observer() -> Option<&'static dyn Observer> {
    OBSERVER.get().copied()
}

/// Every task that is alive now, in all runtimes of the process, oldest first: for an
/// observer that begins to record late. Tasks go on meanwhile, so two of them may be told
/// as of two moments.
pub fn alive_tasks() -> Vec<AliveTask> {
    #[cfg(feature = "runtime")]
    return crate::scheduler::alive_tasks();
    #[cfg(not(feature = "runtime"))]
    Vec::new()
}

/// [`set_observer`] was called twice in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObserverAlreadySet;

impl fmt::Display for ObserverAlreadySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an observer is already set for this process; set it once, before the first runtime is built")
    }
}

impl std::error::Error for ObserverAlreadySet {}

/// Listens to the executor. Every method has an empty body to start from.
///
/// Methods run inside the executor, on its threads: they must be quick, must not
/// block and must not panic.
#[allow(unused_variables)] // The names document the default, empty bodies.
pub trait Observer: Sync {
    /// Reads the observer's clock. Called where a time must be taken before an
    /// effect becomes visible to other threads; handed back with that record.
    #[inline]
    fn stamp(&self) -> u64 {
        0
    }

    /// A runtime was built; its workers start after this.
    #[inline]
    fn runtime_started(&self, info: &RuntimeInfo<'_>) {}
    /// A runtime is about to register sources through this file descriptor, or to wait on
    /// it. These hooks tell of all that happens there: an observer that sees system calls
    /// by other means must not tell it twice.
    #[inline]
    fn reactor_opened(&self, fd: i32) {}
    /// A runtime was dropped; its tasks and threads are gone.
    #[inline]
    fn runtime_stopped(&self, runtime: u64) {}

    /// This thread begins to serve a runtime.
    #[inline]
    fn thread_started(&self, info: &ThreadInfo<'_>) {}
    /// This thread no longer serves it.
    #[inline]
    fn thread_stopped(&self) {}

    /// A task was spawned; it is queued after this.
    #[inline]
    fn task_spawned(&self, info: &TaskInfo<'_>) {}
    /// A poll begins. `epoch` counts the task's polls, this one included. Gives the time of
    /// it on a clock of the observer's own, which [`open_polls`] then tells.
    #[inline]
    fn poll_start(&self, task: u64, epoch: u64) -> u64 {
        0
    }
    /// The poll that runs on this thread is over; it is among [`open_polls`] still.
    #[inline]
    fn poll_end(&self, task: u64, outcome: Outcome) {}
    /// The poll that runs on this thread has polled the task's future, which is pending: it
    /// says by its own state where it awaits. Told before `poll_end`.
    #[inline]
    fn future_pending(&self, future: &PendingFuture) {}
    /// A task was woken. Told after the state changed and, for
    /// [`WakeEffect::Scheduled`], before the task is queued.
    #[inline]
    fn wake(&self, wake: &Wake) {}
    /// Clones and drops of the task's waker since the last report; told before
    /// `poll_end` and before the task's end, when there were any.
    #[inline]
    fn waker_counts(&self, task: u64, clones: u32, drops: u32) {}
    /// A task is over and its future is gone.
    #[inline]
    fn task_ended(&self, ended: &TaskEnded) {}

    /// A frame is about to be polled for the first time.
    #[inline]
    fn frame_opened(&self, info: &FrameInfo<'_>) {}
    /// A frame is polled.
    #[inline]
    fn frame_entered(&self, frame: u64) {}
    /// The frame's poll is over.
    #[inline]
    fn frame_left(&self, frame: u64, outcome: Outcome) {}
    /// A frame's future is gone.
    #[inline]
    fn frame_ended(&self, frame: u64, end: End) {}

    /// A leaf future, in the poll that runs on this thread, stored the task's
    /// waker and returns `Pending`. `frame` is the innermost frame, 0 for the task itself.
    #[inline]
    fn wait_started(&self, frame: u64, target: WaitTarget, site: &'static Location<'static>) {}

    /// A lock, channel, notify or semaphore was made.
    #[inline]
    fn resource_created(
        &self,
        resource: u64,
        kind: ResourceKind,
        site: &'static Location<'static>,
    ) {
    }
    /// A task (0: code outside of any poll) got the lock or a permit, took a value out of
    /// a channel, or was notified.
    #[inline]
    fn resource_acquired(&self, resource: u64, task: u64) {}
    /// The lock or a permit was given back, a value was put into a channel, or a notify was
    /// notified, by what runs on this thread. Told before the wake that it causes.
    #[inline]
    fn resource_released(&self, resource: u64) {}
    /// The resource is gone.
    #[inline]
    fn resource_dropped(&self, resource: u64) {}

    /// A source was registered with the reactor.
    #[inline]
    fn source_registered(&self, info: &SourceInfo<'_>) {}
    /// A source left the reactor; it is closed after this.
    #[inline]
    fn source_deregistered(&self, source: u64) {}
    /// This thread parks. Each wait in the kernel is one park and one unpark, a
    /// mere look (`Some(0)`) too. `None`: until something happens. `timer` is the one
    /// whose deadline is the time-out; 0 when there is none.
    #[inline]
    fn park(&self, kind: ParkKind, timeout: Option<Duration>, timer: u64) {}
    /// This thread goes on. `events` is what the kernel returned, an interrupt by
    /// another thread included (that one has no readiness record).
    #[inline]
    fn unpark(&self, kind: ParkKind, events: u32) {}
    /// The kernel said that a source is ready ([`mask`] bits). Told after
    /// `unpark`, before the wakes that it causes.
    #[inline]
    fn readiness(&self, source: u64, mask: u8) {}
    /// The poll that runs on this thread made a system call on a source.
    /// `requested` is the buffer's size in bytes, 0 for accept and connect.
    #[inline]
    fn operation(
        &self,
        source: u64,
        kind: OperationKind,
        result: OperationResult,
        requested: usize,
    ) {
    }

    /// A submission is about to be put into an io_uring; the kernel gets to see it when
    /// this thread next has no task to poll, or earlier.
    #[inline]
    fn submitted(&self, info: &SubmissionInfo) {}
    /// The kernel completed a submission: bytes, a descriptor or 0, or the negated error
    /// number. Told after the ring's readiness, before the wake that it causes.
    #[inline]
    fn completed(&self, submission: u64, result: i32) {}

    /// A timer was put into the queue.
    #[inline]
    fn timer_set(&self, timer: u64, deadline: Instant) {}
    /// A timer left the queue because its deadline had passed, this much ago.
    #[inline]
    fn timer_fired(&self, timer: u64, lateness: Duration) {}
    /// A timer left the queue because its future was dropped.
    #[inline]
    fn timer_cancelled(&self, timer: u64) {}

    /// A blocking job is about to be queued.
    #[inline]
    fn job_submitted(&self, info: &JobInfo<'_>) {}
    /// This pool thread begins a job; `queue_depth` jobs still wait.
    #[inline]
    fn job_started(&self, job: u64, queue_depth: usize) {}
    /// The job is over; told before its completion wakes anyone. `bytes` is what
    /// it read or wrote, 0 for other jobs.
    #[inline]
    fn job_ended(&self, job: u64, outcome: JobOutcome, bytes: u64) {}
    /// The pool of a runtime changed: its threads, those without a job, and the
    /// jobs not started.
    #[inline]
    fn pool_state(&self, runtime: u64, threads: usize, idle: usize, queued: usize) {}
}
