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
///
/// Its functions of their own take and give its parts one by one, in registers: as a whole it
/// would be written to memory by its parts and read by its halves, which takes 2 ns a time.
pub(super) struct OpenPoll<'a> {
    record: Option<&'a mut TaskRecord>,
    begun: Begun,
}

/// What a poll has begun: two words.
struct Begun {
    /// Of a poll whose beginning was recorded.
    intercept: Option<BorrowedIntercept>,
    /// To be closed between the records of the poll's end and of the task's. Nothing for a future
    /// that is not recorded, or is polled after its end: that is the caller's mistake, and the
    /// future's to answer.
    opened: Option<PollOpened>,
}

impl Begun {
    const NOTHING: Self = Self {
        intercept: None,
        opened: None,
    };

    /// A poll while recording is off. Its waker is the executor's own: ours would cost
    /// about 6 ns.
    #[inline(always)]
    fn untold(task: u64, epoch: u64) -> Self {
        Self {
            intercept: None,
            opened: Some(open_poll(task, epoch, 0)),
        }
    }
}

impl<'a> OpenPoll<'a> {
    #[inline(always)]
    pub(super) fn begin(record: Option<&'a mut TaskRecord>, waker: &Waker) -> Self {
        let Some(record) = record else {
            return Self {
                record: None,
                begun: Begun::NOTHING,
            };
        };
        let off_polls = &record.off_polls;
        let counted = match detail_of(gate()) < detail::LEAN {
            true => off_polls.begins(),
            false => None,
        };
        let begun = match counted {
            Some(epoch) => Begun::untold(off_polls.task, epoch),
            None => begin_slowly(record, waker),
        };
        Self {
            record: Some(record),
            begun,
        }
    }

    /// Of a recorded poll, what the future is to be polled with. It has no count of its own, for
    /// the time of the poll: whoever keeps it clones it.
    #[inline(always)]
    pub(super) fn waker(&self) -> Option<ManuallyDrop<Waker>> {
        self.begun.intercept.as_ref().map(BorrowedIntercept::waker)
    }

    /// Clones of a recorded poll's waker are looked at, on the stack above this address.
    #[cfg(wakeline_stacks)]
    #[inline(always)]
    pub(super) fn shows_clones(&self, base: usize) {
        if let (Some(record), Some(_)) = (&self.record, &self.begun.intercept) {
            frames::poll_begins(record.off_polls.task, base);
        }
    }

    /// The poll is over, which is all that there is to it if this is true: else there is
    /// something to be told.
    #[inline(always)]
    pub(super) fn ends(&mut self, is_pending: bool) -> bool {
        let (Some(record), Some(_)) = (&self.record, &self.begun.opened) else {
            return true;
        };
        let was_told = self.begun.intercept.is_some();
        if was_told || !is_pending || detail_of(gate()) >= detail::LEAN {
            return false;
        }
        record.off_polls.ends();
        self.begun.opened = None;
        true
    }

    /// By what the future is recorded.
    #[inline(always)]
    pub(super) fn session(&self) -> Option<&'static Session> {
        Some(self.record.as_ref()?.identity.session)
    }

    /// What is left to tell of the poll.
    #[inline(always)]
    pub(super) fn tell(&mut self, is_pending: bool) {
        let outcome = match is_pending {
            true => poll_outcome::PENDING,
            false => poll_outcome::READY,
        };
        if let (Some(record), Some(opened)) = (&mut self.record, self.begun.opened.take()) {
            tell_end(record, self.begun.intercept.is_some(), opened, outcome);
        }
    }
}

impl Drop for OpenPoll<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let (Some(record), Some(opened)) = (&mut self.record, self.begun.opened.take()) {
            tell_panic(record, self.begun.intercept.is_some(), opened);
        }
    }
}

/// A poll that is recorded, or the first while recording is off.
#[inline(never)]
fn begin_slowly(record: &mut TaskRecord, waker: &Waker) -> Begun {
    let identity = &record.identity;
    identity.count_here(&record.off_polls);
    let epoch = identity.epoch.load(Ordering::Relaxed) + 1;
    if epoch & ENDED != 0 {
        return Begun::NOTHING;
    }
    let now = gate();
    if detail_of(now) < detail::LEAN {
        identity.count_elsewhere(&record.off_polls, epoch - 1);
        record.intercept = None;
        let counted = record.off_polls.begins();
        let untold = |epoch| Begun::untold(record.off_polls.task, epoch);
        return counted.map_or(Begun::NOTHING, untold);
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
    let opened = Some(open_poll(identity.task, epoch, start));
    if has_conditions(now) {
        breakpoints::poll_starts(identity.task);
    }
    Begun {
        intercept: Some(intercept),
        opened,
    }
}

#[inline(never)]
fn tell_end(record: &mut TaskRecord, was_told: bool, opened: PollOpened, outcome: u64) {
    if !was_told {
        return tell_spanning(record, opened, outcome);
    }
    let identity = &record.identity;
    let now = gate();
    let is_recorded = detail_of(now) >= detail::LEAN;
    with_recorder(identity.session, |r| r.poll_end(is_recorded, outcome));
    if has_conditions(now) {
        breakpoints::poll_ends(identity.session);
    }
    drop(opened);
    if identity.end_after(outcome) {
        identity.tell_dropped();
        record.intercept = None;
        return;
    }
    // Ordering: none needed; a snapshot that reads the epoch before says "running".
    let epoch = identity.epoch.load(Ordering::Relaxed);
    identity.left.store(epoch << 1, Ordering::Relaxed);
    if record.is_forgotten() {
        record.intercept = None;
    }
}

/// A poll that began while recording was off: it is the task's last, or recording is on by
/// now, and the thread's context has named the poll as open.
#[cold]
#[inline(never)]
fn tell_spanning(record: &TaskRecord, opened: PollOpened, outcome: u64) {
    let identity = &record.identity;
    identity.count_here(&record.off_polls);
    if detail_of(gate()) >= detail::LEAN {
        with_recorder(identity.session, |r| r.poll_end(true, outcome));
    }
    drop(opened);
    identity.end_after(outcome);
}

#[cold]
#[inline(never)]
fn tell_panic(record: &mut TaskRecord, was_told: bool, opened: PollOpened) {
    tell_end(record, was_told, opened, poll_outcome::PANICKED);
}
