//! Owns what a thread's recorder remembers for runtimes that have no hooks of ours: whom it
//! serves, and on whose behalf it runs outside of polls. It must not know which records
//! follow from that.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
#[cfg(any(feature = "tokio", wakeline_stacks))]
use std::sync::Arc;

use wakeline_executor::observe::open_poll_depth;
#[cfg(wakeline_stacks)]
use wakeline_executor::observe::{innermost_poll, open_polls, OpenPoll};
use wakeline_wire::detail;

use super::Recorder;
use crate::gate::{detail_of, gate};

/// What `Recorder::outside` may be, besides the id of a job.
pub(crate) mod outside {
    /// Not known: plain code of this thread.
    pub(crate) const NOTHING: u64 = 0;
    /// The reactor's dispatch: from its return from the kernel to the first poll after it.
    pub(crate) const TURN: u64 = u64::MAX;
    /// With the id of a task: its future has just been dropped by its runtime, which then
    /// wakes who waits for the task's end, if anybody does, and goes on to something else.
    pub(crate) const AFTER_TASK: u64 = 1 << 63;
}

/// A runtime whose threads tell when they start and park.
#[cfg_attr(not(all(feature = "tokio", wakeline_reactor)), allow(dead_code))]
pub(crate) struct RuntimeSeen {
    pub(crate) id: u64,
    /// Its threads that are in the reactor's wait: one at most, but for the moment in which
    /// one leaves and the next enters.
    pub(crate) in_reactor: AtomicU32,
    /// It is being dropped: whatever its threads drop outside of polls, they drop for that.
    pub(crate) is_closing: AtomicBool,
}

/// What the records of runtimes without hooks need of the thread's context; which of it
/// depends on the features.
#[cfg_attr(not(all(feature = "tokio", wakeline_reactor)), allow(dead_code))]
impl Recorder {
    #[inline]
    pub(crate) fn outside(&self) -> u64 {
        // Not where the level of detail has changed since the last event: polls that were
        // not told may have ended what this thread did then.
        match (open_poll_depth(), self.job) {
            (0, 0) if self.gate == gate() => self.outside,
            _ => outside::NOTHING,
        }
    }

    /// Whether the thread is in no poll and no job.
    #[cfg(any(feature = "tracing", wakeline_reactor))]
    pub(crate) fn is_outside(&self) -> bool {
        (open_poll_depth(), self.job) == (0, 0)
    }

    #[inline]
    pub(crate) fn set_outside(&mut self, outside: u64) {
        self.outside = outside;
    }

    /// This thread belongs to a runtime whose builder was told of us.
    #[cfg(feature = "tokio")]
    pub(crate) fn set_runtime(&mut self, runtime: &Arc<RuntimeSeen>) {
        self.runtime = Some(Arc::clone(runtime));
    }

    /// The runtime of this thread; 0 when it is not known.
    pub(crate) fn runtime_id(&self) -> u64 {
        self.runtime.as_ref().map_or(0, |runtime| runtime.id)
    }

    /// The runtime of this thread.
    pub(crate) fn runtime(&self) -> Option<&RuntimeSeen> {
        self.runtime.as_deref()
    }

    /// Sets whether the open park was told as one on a lock; gives what it was.
    pub(crate) fn set_parked_on_lock(&mut self, is_parked: bool) -> bool {
        std::mem::replace(&mut self.parked_on_lock, is_parked)
    }

    /// After a park: what was open before it is open again, and nothing more.
    pub(crate) fn resume(&mut self) {
        if self.parked_holds != 0 {
            // Ordering: SeqCst as in `hold`; the clock is read by a later event.
            self.shared.quiet.store(false, Ordering::SeqCst);
        }
        self.holds |= self.parked_holds;
        self.parked_holds = 0;
    }

    /// The thread was seen to do what only such a thread does. The first role stays.
    #[inline]
    pub(crate) fn take_role(&mut self, role: u64) {
        if !self.started {
            self.begin_role(role);
        }
    }

    #[cold]
    fn begin_role(&mut self, role: u64) {
        if detail_of(gate()) >= detail::LEAN {
            let runtime = self.runtime_id();
            self.thread_start(true, "", runtime, role, false);
        }
    }
}

/// What the watchdog reads and is told.
#[cfg(wakeline_stacks)]
impl Recorder {
    /// Shows the poll that begins.
    #[inline(always)]
    pub(super) fn show_poll(&self, poll: OpenPoll) {
        let watched = &self.shared.watched;
        // The words of one poll are never seen with the start of another.
        watched.close();
        watched.open(poll);
    }

    /// Shows what the innermost poll, which ends, is inside of: mostly nothing.
    #[inline(always)]
    pub(super) fn show_enclosing_poll(&self) {
        self.shared.watched.close();
        let enclosing = open_poll_depth().checked_sub(2);
        if let Some(poll) = enclosing.and_then(|place| open_polls().nth(place)) {
            self.shared.watched.open(poll);
        }
    }

    /// The innermost poll, which ends, was looked at.
    #[cold]
    pub(super) fn tell_poll(&mut self) {
        if let Some(poll) = innermost_poll() {
            let shared = Arc::clone(&self.shared);
            crate::watch::tell_end(self, &shared.watched, poll);
        }
    }

    pub(crate) fn session(&self) -> &'static crate::session::Session {
        self.session
    }
}
