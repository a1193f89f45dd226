//! Owns the count of who holds a task's waker. It must not know what a waker does.
//!
//! A plain count costs a locked instruction (5 to 6 ns) for each clone and each drop. Nearly
//! all clones are made inside of the task's own poll, and of those there is one at a time: so
//! the owner pays for many clones at once, and a poll takes from what is paid without a lock.
//!
//! ```text
//!   all = owner (1) + paid and not taken + clones that live
//! ```

#[cfg(not(all(test, loom)))]
use std::sync::atomic::{fence, AtomicUsize, Ordering};

#[cfg(all(test, loom))]
use loom::sync::atomic::{fence, AtomicUsize, Ordering};

/// How many clones are paid for at once: one locked instruction in 64 is 0.1 ns a clone.
#[cfg(not(all(test, loom)))]
const AT_ONCE: usize = 64;
#[cfg(all(test, loom))]
const AT_ONCE: usize = 2;
/// In `paid`: the owner has let go.
const RELEASED: usize = usize::MAX;
/// Far from an overflow, however many threads add meanwhile. Only clones that are forgotten
/// come here; the standard library's own counts end the process too.
const MOST: usize = isize::MAX as usize;

/// The count of one waker's holders: its owner, and clones.
pub(super) struct Holders {
    all: AtomicUsize,
    /// Paid and not taken. Only for whoever has the owner for itself: its poll, its drop.
    paid: AtomicUsize,
}

impl Holders {
    /// The owner alone.
    pub(super) fn new() -> Self {
        Self {
            all: AtomicUsize::new(1),
            paid: AtomicUsize::new(0),
        }
    }

    /// One clone more, from anywhere.
    #[inline]
    pub(super) fn add(&self) {
        // Ordering: none needed; the caller has a clone, which keeps the count above 0.
        if self.all.fetch_add(1, Ordering::Relaxed) > MOST {
            std::process::abort();
        }
    }

    /// One clone more, inside of the poll that has the owner for itself, also when the owner
    /// has let go of this waker before.
    #[inline]
    pub(super) fn add_in_poll(&self) {
        // Ordering: none needed for `paid`; polls of one task come one after the other, and
        // the executor makes each see what the one before did.
        match self.paid.load(Ordering::Relaxed) {
            RELEASED => self.add(),
            0 => self.pay(),
            paid => self.paid.store(paid - 1, Ordering::Relaxed),
        }
    }

    #[cold]
    fn pay(&self) {
        if self.all.fetch_add(AT_ONCE, Ordering::Relaxed) > MOST {
            std::process::abort();
        }
        self.paid.store(AT_ONCE - 1, Ordering::Relaxed);
    }

    /// One clone less: whether nobody is left.
    #[inline]
    #[must_use]
    pub(super) fn remove(&self) -> bool {
        self.subtract(1)
    }

    /// Whether there is no clone. For the owner.
    #[inline]
    pub(super) fn is_owner_alone(&self) -> bool {
        self.all.load(Ordering::Relaxed) - self.paid.load(Ordering::Relaxed) == 1
    }

    /// The owner lets go: whether nobody is left. Once.
    #[must_use]
    pub(super) fn release(&self) -> bool {
        let paid = self.paid.load(Ordering::Relaxed);
        self.paid.store(RELEASED, Ordering::Relaxed);
        self.subtract(paid + 1)
    }

    #[inline]
    fn subtract(&self, count: usize) -> bool {
        // Ordering: Release, and Acquire for the last: all use of what is held comes before
        // its end.
        if self.all.fetch_sub(count, Ordering::Release) != count {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }
}

#[cfg(all(test, loom))]
mod interleavings;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_poll_takes_more_clones_than_are_paid_for_at_once() {
        let holders = Holders::new();
        for _ in 0..3 * AT_ONCE {
            holders.add_in_poll();
            assert!(!holders.is_owner_alone());
        }
        for _ in 0..3 * AT_ONCE {
            assert!(!holders.remove());
        }
        assert!(holders.is_owner_alone());
        assert!(holders.release());
    }

    #[test]
    fn the_last_clone_is_the_last_holder_after_the_owner() {
        let holders = Holders::new();
        holders.add_in_poll();
        holders.add();
        assert!(!holders.release());
        // The task is polled with another waker now, and clones this one still.
        holders.add_in_poll();
        assert!(!holders.remove());
        assert!(!holders.remove());
        assert!(holders.remove());
    }
}
