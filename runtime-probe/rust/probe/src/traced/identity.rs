//! Owns what is known of a wrapped future by those who do not have it: its wakers, a snapshot.
//! It must not know how a poll is recorded.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use wakeline_wire::{detail, end_outcome, poll_outcome};

use super::alive;
use super::off_polls::{OffPolls, OffState};
use crate::breakpoints;
use crate::dictionary::Living;
use crate::foreign::ForeignWake;
use crate::gate::{detail_of, gate, has_conditions};
use crate::held::Held;
use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;

/// In `Identity::epoch`: the future is over. Polls of one task do not reach this bit.
pub(super) const ENDED: u64 = 1 << 63;
/// In `Identity::epoch`: polls are counted beside the future, see [`OffPolls`]; the epoch is the
/// last before that.
pub(super) const ELSEWHERE: u64 = 1 << 62;

/// In `Identity::left`: the executor's own waker was given to the poll.
pub(super) const UNTOLD: u64 = 1;

/// What wakers know of the task.
pub(super) struct Identity {
    pub(super) session: &'static Session,
    pub(super) task: u64,
    /// Polls begun so far, [`ENDED`] and [`ELSEWHERE`].
    pub(super) epoch: AtomicU64,
    /// The epoch of the last wake that was made through our waker.
    pub(super) woken_at: AtomicU64,
    /// The epoch of the last recorded poll that is over, times two, and [`UNTOLD`]; 0 while the
    /// future is dropped.
    pub(super) left: AtomicU64,
    pub(super) held: Held,
    /// Where polls are counted, with [`ELSEWHERE`]: beside the future, which is pinned.
    off_polls: AtomicPtr<OffPolls>,
    /// It is given to `block_on` by itself,
    is_root: bool,
    /// and this has been told to its thread.
    is_root_begun: AtomicBool,
}

impl Identity {
    pub(super) fn new(session: &'static Session, task: u64, held: Held, is_root: bool) -> Self {
        Self {
            session,
            task,
            epoch: AtomicU64::new(0),
            woken_at: AtomicU64::new(u64::MAX),
            left: AtomicU64::new(0),
            held,
            off_polls: AtomicPtr::default(),
            is_root,
            is_root_begun: AtomicBool::new(false),
        }
    }

    /// Polls are counted at this place from now on. For the owner, as what changes it.
    pub(super) fn count_elsewhere(&self, off_polls: &OffPolls, epoch: u64) {
        off_polls.enter(epoch);
        let place = std::ptr::from_ref(off_polls).cast_mut();
        self.off_polls.store(place, Ordering::Relaxed);
        // Ordering: Release; who sees the bit sees the place, and what stands there.
        self.epoch.store(epoch | ELSEWHERE, Ordering::Release);
    }

    /// Polls are counted here again, if they were not.
    pub(super) fn count_here(&self, off_polls: &OffPolls) {
        let Some(OffState { epoch, .. }) = off_polls.look() else {
            return;
        };
        let left = epoch << 1 | UNTOLD;
        self.left.store(left, Ordering::Relaxed);
        // Ordering: Release, as in a recorded poll.
        self.epoch.store(epoch, Ordering::Release);
        off_polls.leave();
    }

    /// What is counted beside the future, if its polls are; else the epoch.
    ///
    /// # Safety
    /// The future is on the list of those alive, which is locked: it is not given up meanwhile.
    pub(super) unsafe fn look(&self) -> Result<OffState, u64> {
        loop {
            // Ordering: Acquire pairs with the stores.
            let epoch = self.epoch.load(Ordering::Acquire);
            if epoch & ELSEWHERE == 0 {
                return Err(epoch);
            }
            // SAFETY: it stands beside a pinned future that is not given up.
            let off_polls = unsafe { &*self.off_polls.load(Ordering::Relaxed) };
            if let Some(state) = off_polls.look() {
                return Ok(state);
            }
            // The owner has just begun to count here again.
        }
    }

    /// Polls begun so far, and [`ENDED`].
    #[inline]
    fn epoch_now(&self) -> u64 {
        // Ordering: Acquire pairs with the store in a poll.
        let epoch = self.epoch.load(Ordering::Acquire);
        match epoch & ELSEWHERE {
            0 => epoch,
            _ => self.epoch_elsewhere(),
        }
    }

    /// Only where recording is on again, the task was not polled since, and somebody has a waker
    /// from before it was off.
    #[cold]
    #[inline(never)]
    fn epoch_elsewhere(&self) -> u64 {
        // SAFETY: it is called for what is on the list, which is locked.
        let looked = alive::while_alive(self.task, || unsafe { self.look() });
        match looked {
            Some(Ok(state)) => state.epoch,
            Some(Err(epoch)) => epoch,
            // Over: the owner counts here before it is.
            None => self.epoch.load(Ordering::Acquire) & !ELSEWHERE,
        }
    }

    pub(super) fn end(&self, record: impl FnOnce(&mut Recorder, u64)) {
        // Ordering: Release as for the epochs before it.
        self.epoch.fetch_or(ENDED, Ordering::Release);
        alive::end(self);
        let now = detail_of(gate());
        if now >= detail::LEAN {
            with_recorder(self.session, |r| record(r, self.task));
        }
        if now != 0 {
            self.session.dictionary.ended(Living::Task(self.task));
        }
    }

    /// Calls the executor's own wake, and tells of it with the epochs before and after.
    #[inline]
    pub(super) fn wake(&self, wake: impl FnOnce()) {
        let now = gate();
        if detail_of(now) < detail::LEAN {
            return self.wake_untold(wake);
        }
        let epoch = self.epoch_now();
        // Ordering: none needed; only the poll in which this wake is made asks.
        self.woken_at.store(epoch, Ordering::Relaxed);
        if has_conditions(now) {
            breakpoints::wakes(self.task);
        }
        let _told = WakeTold {
            identity: self,
            epoch,
            stamp: with_recorder(self.session, Recorder::stamp),
        };
        wake();
    }

    /// While recording is off. What polls that are counted elsewhere do is not known then, so
    /// nothing needs to be remembered of their wakes.
    #[cold]
    fn wake_untold(&self, wake: impl FnOnce()) {
        // Ordering: as in `wake`.
        let epoch = self.epoch.load(Ordering::Acquire);
        if epoch & ELSEWHERE == 0 {
            self.woken_at.store(epoch, Ordering::Relaxed);
        }
        wake();
    }

    /// Tells the thread that it runs a root, once.
    pub(super) fn begins_on_thread(&self) {
        if self.is_root && !self.is_root_begun.swap(true, Ordering::Relaxed) {
            #[cfg(feature = "tokio")]
            crate::tokio::present::own_root_begins();
        }
    }

    /// The future is dropped.
    pub(super) fn leaves_thread(&self) {
        #[cfg(feature = "tokio")]
        if self.is_root_begun.load(Ordering::Relaxed) {
            crate::tokio::present::own_root_ends();
        }
    }

    /// Whoever waits for the task's end is woken next, if a runtime has the future.
    pub(super) fn tell_dropped(&self) {
        if self.held.is_a_runtimes() && detail_of(gate()) >= detail::LEAN {
            with_recorder(self.session, |r| r.runtime_dropped(self.task));
        }
    }

    /// The task is over if its poll ended so.
    pub(super) fn end_after(&self, outcome: u64) -> bool {
        let ended = match outcome {
            poll_outcome::PENDING => return false,
            poll_outcome::READY => end_outcome::COMPLETED,
            _ => end_outcome::PANICKED,
        };
        self.end(|r, task| r.foreign_ended(task, ended));
        true
    }
}

/// Tells of a wake when it is over, also when the executor's waker panicked.
struct WakeTold<'a> {
    identity: &'a Identity,
    epoch: u64,
    stamp: u64,
}

impl Drop for WakeTold<'_> {
    #[inline]
    fn drop(&mut self) {
        // The end that the wake caused is no epoch.
        let after = self.identity.epoch_now() & !ENDED;
        let wake = ForeignWake {
            stamp: self.stamp,
            task: self.identity.task,
            epoch: self.epoch & !ENDED,
            epoch_after: after,
            ended: self.epoch & ENDED != 0,
        };
        with_recorder(self.identity.session, |r| r.foreign_wake(&wake));
    }
}
