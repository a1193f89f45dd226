//! Owns how the polls of a wrapped future are counted while nothing is recorded: in a word that
//! stands beside the future. It must not know what is told of a poll.
//!
//! ```text
//!   recorded       Identity::epoch = polls begun              OffPolls::word = 0 or PLAIN
//!   not recorded   Identity::epoch = polls begun | ELSEWHERE  OffPolls::word = epoch and bits
//! ```
//!
//! An identity has cache lines of its own, which a poll that is not recorded would touch for this
//! alone: that took 3 to 4 ns of it, as tokio's next locked instruction waits for the store. The
//! word is in a line that the poll of the future needs anyway.
//!
//! Others read the word through the identity, while the list of those alive is locked: a future
//! is taken off that list before its memory is given up.

use std::marker::PhantomPinned;
use std::sync::atomic::{AtomicU64, Ordering};

/// The polls are counted in this word.
const COUNTED: u64 = 1;
/// A poll is open.
const OPEN: u64 = 2;
/// A poll of it was given the executor's own waker, which may be kept and tells nothing.
const PLAIN: u64 = 4;
const EPOCH_SHIFT: u32 = 3;

/// Part of a pinned future.
pub(super) struct OffPolls {
    /// The id of the task.
    pub(super) task: u64,
    word: AtomicU64,
    /// Others read the word while the future's owner has it for itself.
    _pinned: PhantomPinned,
}

/// What the word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OffState {
    /// Polls begun so far.
    pub(super) epoch: u64,
    pub(super) is_open: bool,
}

impl OffState {
    fn of(word: u64) -> Option<Self> {
        (word & COUNTED != 0).then_some(Self {
            epoch: word >> EPOCH_SHIFT,
            is_open: word & OPEN != 0,
        })
    }
}

impl OffPolls {
    pub(super) fn new(task: u64) -> Self {
        Self {
            task,
            word: AtomicU64::new(0),
            _pinned: PhantomPinned,
        }
    }

    /// From anywhere: what is counted here, if it is here.
    pub(super) fn look(&self) -> Option<OffState> {
        // Ordering: Acquire pairs with `leave`: who sees nothing here finds it where it is told
        // otherwise.
        OffState::of(self.word.load(Ordering::Acquire))
    }

    /// Whether a poll was ever given the executor's own waker. For the owner, as what follows.
    #[inline]
    pub(super) fn gave_plain_waker(&self) -> bool {
        self.word.load(Ordering::Relaxed) & PLAIN != 0
    }

    /// Polls are counted here from now on, of which there were so many.
    pub(super) fn enter(&self, epoch: u64) {
        let word = epoch << EPOCH_SHIFT | COUNTED | PLAIN;
        self.word.store(word, Ordering::Relaxed);
    }

    /// They are counted elsewhere again, where this was stored before.
    pub(super) fn leave(&self) {
        let word = self.word.load(Ordering::Relaxed) & PLAIN;
        // Ordering: Release, see `look`.
        self.word.store(word, Ordering::Release);
    }

    /// A poll begins, the number of which this gives; if polls are counted here. None is open.
    #[inline(always)]
    pub(super) fn begins(&self) -> Option<u64> {
        let word = self.word.load(Ordering::Relaxed);
        if word & COUNTED == 0 {
            return None;
        }
        let word = word + (1 << EPOCH_SHIFT) + OPEN;
        // Ordering: Release as in a poll that is recorded.
        self.word.store(word, Ordering::Release);
        Some(word >> EPOCH_SHIFT)
    }

    /// The poll that is open is over, and polls are still counted here.
    #[inline(always)]
    pub(super) fn ends(&self) {
        let word = self.word.load(Ordering::Relaxed);
        self.word.store(word - OPEN, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_counted_from_what_there_was() {
        let polls = OffPolls::new(7);
        let state = |epoch, is_open| Some(OffState { epoch, is_open });
        assert_eq!(polls.begins(), None);
        assert!(!polls.gave_plain_waker());
        polls.enter(5);
        assert_eq!(polls.look(), state(5, false));
        assert_eq!(polls.begins(), Some(6));
        assert_eq!(polls.look(), state(6, true));
        polls.ends();
        assert_eq!(polls.begins(), Some(7));
        polls.ends();
        assert_eq!(polls.look(), state(7, false));
        polls.leave();
        assert_eq!((polls.look(), polls.begins()), (None, None));
        assert!(polls.gave_plain_waker());
    }
}
