//! Owns which polls are open on this thread, for an observer that begins to record in the
//! middle of them. It must not know who asks, or what a poll does.
//!
//! Kept apart from the observer so that it costs one store or two per poll while nothing is
//! recorded, and so that any executor can keep it. Copies, no pointers: what a poll that is
//! never left leaves behind is a wrong answer at worst.

use std::cell::Cell;
use std::num::NonZeroUsize;

/// How many are kept; polls inside of more are counted only. As many as a chunk may name.
const KEPT: usize = 16;

/// One open poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenPoll {
    /// The task that is polled.
    pub task: u64,
    /// Which of its polls it is, from 1.
    pub epoch: u64,
    /// When it began, as the observer says; 0 where it was not told.
    pub start: u64,
}

struct Open {
    depth: Cell<usize>,
    polls: [Cell<OpenPoll>; KEPT],
}

thread_local! {
    // Without a destructor, so that it may be used at any time of a thread's life.
    static OPEN: Open = const {
        Open {
            depth: Cell::new(0),
            polls: [const { Cell::new(OpenPoll { task: 0, epoch: 0, start: 0 }) }; KEPT],
        }
    };
}

/// A poll that is open until this is dropped. To be dropped in reverse order, on the same
/// thread.
#[derive(Debug)]
#[must_use = "the poll is open until this is dropped"]
pub struct PollOpened {
    /// One more than before: never 0, so that an `Option` of it is one word too.
    depth_inside: NonZeroUsize,
}

/// Opens a poll on this thread: after the observer was told that it begins.
#[inline(always)]
pub fn open_poll(task: u64, epoch: u64, start: u64) -> PollOpened {
    OPEN.with(|open| {
        let depth_before = open.depth.get();
        if let Some(place) = open.polls.get(depth_before) {
            place.set(OpenPoll { task, epoch, start });
        }
        let depth_inside = NonZeroUsize::MIN.saturating_add(depth_before);
        open.depth.set(depth_inside.get());
        PollOpened { depth_inside }
    })
}

/// Closes the innermost poll, where what [`open_poll`] gave was forgotten: for runtimes that
/// tell of the two ends of a poll by two calls.
#[inline]
pub fn close_poll() {
    OPEN.with(|open| open.depth.set(open.depth.get().saturating_sub(1)));
}

impl Drop for PollOpened {
    #[inline(always)]
    fn drop(&mut self) {
        OPEN.with(|open| open.depth.set(self.depth_inside.get() - 1));
    }
}

/// How many polls are open on this thread, one inside of the other.
#[inline]
pub fn open_poll_depth() -> usize {
    OPEN.with(|open| open.depth.get())
}

/// The innermost open poll of this thread. Inside of more than 16, the sixteenth.
#[inline]
pub fn innermost_poll() -> Option<OpenPoll> {
    OPEN.with(|open| {
        let depth = open.depth.get().min(KEPT);
        Some(open.polls.get(depth.checked_sub(1)?)?.get())
    })
}

/// Whether the innermost open poll of this thread is one of this task. Inside of more than 16
/// it is not known, and said to be another's.
#[inline]
pub fn is_innermost_poll(task: u64) -> bool {
    OPEN.with(|open| {
        let place = open.depth.get().wrapping_sub(1);
        let innermost = open.polls.get(place);
        innermost.is_some_and(|poll| poll.get().task == task)
    })
}

/// The open polls of this thread, outermost first; sixteen at the most.
pub fn open_polls() -> impl Iterator<Item = OpenPoll> {
    let depth = open_poll_depth().min(KEPT);
    (0..depth).map(|place| OPEN.with(|open| open.polls[place].get()))
}
