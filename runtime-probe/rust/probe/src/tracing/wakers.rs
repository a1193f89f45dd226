//! Owns what is counted of a task's wakers: in which epoch it was woken last, and how many of
//! them are kept somewhere. It must not know what is recorded.
//!
//! A poll that ends pending mostly has cloned its waker once, and a wake gives that clone up:
//! both are counted with one locked instruction, which costs as much as half an event.
//!
//! ```text
//!   clones in the task's own polls    a word that only its poll writes
//!   all other clones                  a counter
//!   Span::link: 63       20 19     0  exchanged
//!               epoch (44)   drops, the lowest 20 bits of their number
//! ```

use std::sync::atomic::Ordering;

use super::spans::Span;

const DROPS_BITS: u32 = 20;
const DROPS_MASK: u32 = (1 << DROPS_BITS) - 1;

impl Span {
    /// Whether the task was woken since its poll of this epoch began.
    #[inline]
    pub(super) fn is_woken_in(&self, epoch: u64) -> bool {
        self.link.load(Ordering::Relaxed) >> DROPS_BITS == epoch
    }

    /// The task is woken in this epoch, by a waker that is given up or not.
    #[inline]
    pub(super) fn count_wake(&self, epoch: u64, gives_up: bool) {
        // Ordering: none needed. Whoever polls the task for this wake has synchronised with
        // it, and a late wake never hides a newer one.
        let mut was = self.link.load(Ordering::Relaxed);
        loop {
            let epoch = epoch.max(was >> DROPS_BITS);
            let drops = (was as u32).wrapping_add(u32::from(gives_up)) & DROPS_MASK;
            let new = epoch << DROPS_BITS | u64::from(drops);
            if new == was {
                return;
            }
            let order = Ordering::Relaxed;
            match self.link.compare_exchange_weak(was, new, order, order) {
                Ok(_) => return,
                Err(now) => was = now,
            }
        }
    }

    /// A waker is dropped.
    pub(super) fn count_drop(&self) {
        self.count_wake(0, true);
    }

    /// A waker is cloned, inside of the task's own poll or not.
    #[inline]
    pub(super) fn count_clone(&self, is_in_poll: bool) {
        if is_in_poll {
            // Ordering: none needed; polls of one task come one after the other, and the
            // runtime makes each see what the one before did.
            let clones = self.own_clones.load(Ordering::Relaxed);
            self.own_clones
                .store(clones.wrapping_add(1), Ordering::Relaxed);
        } else {
            self.clones.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn all_clones(&self) -> u32 {
        let own = self.own_clones.load(Ordering::Relaxed);
        own.wrapping_add(self.clones.load(Ordering::Relaxed))
    }

    fn all_drops(&self) -> u32 {
        self.link.load(Ordering::Relaxed) as u32 & DROPS_MASK
    }

    /// Whether no waker of the task is kept anywhere.
    pub(super) fn is_waker_kept(&self) -> bool {
        self.all_clones().wrapping_sub(self.all_drops()) & DROPS_MASK != 0
    }

    /// Clones and drops since this was asked last, if there are any. Where `only_if_changed`,
    /// those that leave as many wakers as there were are kept for the next time. Only for who
    /// polls the task, or ends it.
    pub(super) fn waker_counts(&self, only_if_changed: bool) -> Option<(u32, u32)> {
        /// The drops must not go around between two records.
        const MOST: u32 = DROPS_MASK / 2;
        let (clones, drops) = (self.all_clones(), self.all_drops());
        let new_clones = clones.wrapping_sub(self.told_clones.load(Ordering::Relaxed));
        let new_drops = drops.wrapping_sub(self.told_drops.load(Ordering::Relaxed)) & DROPS_MASK;
        let is_due = match only_if_changed {
            true => new_clones != new_drops || new_drops > MOST,
            false => new_clones | new_drops != 0,
        };
        if !is_due {
            return None;
        }
        self.told_clones.store(clones, Ordering::Relaxed);
        self.told_drops.store(drops, Ordering::Relaxed);
        Some((new_clones, new_drops))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_wake_hides_no_newer_one() {
        let span = Span::default();
        span.count_wake(7, true);
        span.count_wake(6, true);
        assert!(span.is_woken_in(7));
        assert!(!span.is_woken_in(8));
    }

    #[test]
    fn counts_are_told_when_the_number_of_kept_wakers_changes_and_in_sum() {
        let span = Span::default();
        span.count_clone(true);
        assert!(span.is_waker_kept());
        assert_eq!(span.waker_counts(true), Some((1, 0)));
        for epoch in 0..10 {
            span.count_wake(epoch, true);
            span.count_clone(true);
            assert_eq!(span.waker_counts(true), None);
        }
        span.count_clone(false);
        assert_eq!(span.waker_counts(true), Some((11, 10)));
        span.count_drop();
        span.count_drop();
        assert!(!span.is_waker_kept());
        assert_eq!(span.waker_counts(false), Some((0, 2)));
        assert_eq!(span.waker_counts(false), None);
    }

    #[test]
    fn drops_that_go_around_leave_the_epoch() {
        let span = Span::default();
        span.count_wake(3, false);
        for _ in 0..=DROPS_MASK {
            span.count_clone(true);
            span.count_drop();
        }
        assert!(span.is_woken_in(3));
        assert!(!span.is_waker_kept());
    }
}
