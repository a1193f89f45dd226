//! Owns one poll of a wrapped future, from its beginning to its end: what is told of it, and
//! which waker the future sees. It must not know the future.
//!
//! What a poll does that is not recorded is small and becomes a part of each future's own poll;
//! what a recorded one does is in functions of their own, of which a program has one each.

use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;
use std::task::Waker;

use wakeline_executor::observe::{open_poll, PollOpened};
use wakeline_wire::{detail, poll_outcome, thread_role};

use super::identity::ENDED;
use super::intercept::BorrowedIntercept;
use super::record::TaskRecord;
use crate::breakpoints;
#[cfg(wakeline_stacks)]
use crate::frames;
use crate::gate::{detail_of, gate, has_conditions};
use crate::session::Session;
use crate::this_thread::with_recorder;

/// One poll. Dropped when the future panics: its end is told then too.
pub(super) struct OpenPoll<'a> {
    /// Nothing of a future that is not recorded, or is polled after its end: that is the
    /// caller's mistake, and the future's to answer.
    record: Option<&'a mut TaskRecord>,
    /// Of a poll whose beginning was recorded.
    intercept: Option<BorrowedIntercept>,
    /// Closed between the records of the poll's end and of the task's.
    opened: Option<PollOpened>,
}

impl<'a> OpenPoll<'a> {
    #[inline(always)]
    pub(super) fn begin(record: Option<&'a mut TaskRecord>, waker: &Waker) -> Self {
        let Some(record) = record else {
            return Self::new(None, None, None);
        };
        if detail_of(gate()) < detail::LEAN {
            if let Some(epoch) = record.off_polls.begins() {
                return Self::untold(record, epoch);
            }
        }
        Self::begin_slowly(record, waker)
    }

    #[inline(always)]
    fn new(
        record: Option<&'a mut TaskRecord>,
        intercept: Option<BorrowedIntercept>,
        opened: Option<PollOpened>,
    ) -> Self {
        Self {
            record,
            intercept,
            opened,
        }
    }

    /// A poll while recording is off. Its waker is the executor's own: ours would cost
    /// about 6 ns.
    #[inline(always)]
    fn untold(record: &'a mut TaskRecord, epoch: u64) -> Self {
        let opened = open_poll(record.off_polls.task, epoch, 0);
        Self::new(Some(record), None, Some(opened))
    }

    /// A poll that is recorded, or the first while recording is off.
    #[inline(never)]
    fn begin_slowly(record: &'a mut TaskRecord, waker: &Waker) -> Self {
        let identity = &record.identity;
        identity.count_here(&record.off_polls);
        let epoch = identity.epoch.load(Ordering::Relaxed) + 1;
        if epoch & ENDED != 0 {
            return Self::new(None, None, None);
        }
        let now = gate();
        if detail_of(now) < detail::LEAN {
            identity.count_elsewhere(&record.off_polls, epoch - 1);
            record.intercept = None;
            return match record.off_polls.begins() {
                Some(epoch) => Self::untold(record, epoch),
                None => Self::new(None, None, None),
            };
        }
        if record.off_polls.gave_plain_waker() {
            record.tell_unseen_wake(epoch);
        }
        let intercept = record.intercept_around(waker);
        let identity = &record.identity;
        // Ordering: Release; a wake that reads the new epoch comes after this poll began.
        // A wake that caused this poll has read the old one: the executor lets a poll begin
        // only after the wake took effect.
        identity.epoch.store(epoch, Ordering::Release);
        let start = with_recorder(identity.session, |r| {
            r.take_role(thread_role::WORKER);
            r.poll_start(true, identity.task, epoch)
        });
        let opened = open_poll(identity.task, epoch, start);
        if has_conditions(now) {
            breakpoints::poll_starts(identity.task);
        }
        Self::new(Some(record), Some(intercept), Some(opened))
    }

    /// Of a recorded poll, what the future is to be polled with. It has no count of its own, for
    /// the time of the poll: whoever keeps it clones it.
    #[inline(always)]
    pub(super) fn waker(&self) -> Option<ManuallyDrop<Waker>> {
        self.intercept.as_ref().map(BorrowedIntercept::waker)
    }

    /// Clones of a recorded poll's waker are looked at, on the stack above this address.
    #[cfg(wakeline_stacks)]
    #[inline(always)]
    pub(super) fn shows_clones(&self, base: usize) {
        if let (Some(record), Some(_)) = (&self.record, &self.intercept) {
            frames::poll_begins(record.off_polls.task, base);
        }
    }

    /// The poll is over. Gives back one of which something is to be told.
    #[inline(always)]
    pub(super) fn ends(mut self, is_pending: bool) -> Option<Self> {
        let Some(record) = &self.record else {
            std::mem::forget(self);
            return None;
        };
        let was_told = self.intercept.is_some();
        if was_told || !is_pending || detail_of(gate()) >= detail::LEAN {
            return Some(self);
        }
        record.off_polls.ends();
        self.opened = None;
        std::mem::forget(self);
        None
    }

    /// Of what the future is recorded by.
    #[inline(always)]
    pub(super) fn session(&self) -> Option<&'static Session> {
        Some(self.record.as_ref()?.identity.session)
    }

    /// What is left to tell of the poll.
    #[inline(never)]
    pub(super) fn tell(mut self, is_pending: bool) {
        self.tell_end(match is_pending {
            true => poll_outcome::PENDING,
            false => poll_outcome::READY,
        });
        if let (Some(record), Some(_)) = (&mut self.record, &self.intercept) {
            if !is_pending || record.is_forgotten() {
                record.intercept = None;
            }
        }
        std::mem::forget(self);
    }

    #[inline(always)]
    fn tell_end(&mut self, outcome: u64) {
        let Some(record) = &self.record else { return };
        let identity = &record.identity;
        let now = gate();
        let is_recorded = detail_of(now) >= detail::LEAN;
        if self.intercept.is_none() {
            identity.count_here(&record.off_polls);
            if is_recorded {
                // The thread's context has named the poll as open.
                with_recorder(identity.session, |r| r.poll_end(true, outcome));
            }
            self.opened = None;
            identity.end_after(outcome);
            return;
        }
        with_recorder(identity.session, |r| r.poll_end(is_recorded, outcome));
        if has_conditions(now) {
            breakpoints::poll_ends(identity.session);
        }
        self.opened = None;
        if identity.end_after(outcome) {
            identity.tell_dropped();
        } else {
            // Ordering: none needed; a snapshot that reads the epoch before says "running".
            let epoch = identity.epoch.load(Ordering::Relaxed);
            identity.left.store(epoch << 1, Ordering::Relaxed);
        }
    }
}

impl Drop for OpenPoll<'_> {
    #[cold]
    fn drop(&mut self) {
        self.tell_end(poll_outcome::PANICKED);
    }
}
