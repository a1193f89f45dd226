//! Owns the proof, by every interleaving of an owner and the threads that have clones, that
//! one of them is told to be the last, and that no other uses what is held after that.
//! Compiled with `--cfg loom` only, run by `npm run sanitize -- loom`.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

use super::Holders;

/// What is held: used by each holder, ended by the last one.
struct Held {
    holders: Holders,
    value: UnsafeCell<bool>,
    ends: AtomicUsize,
}

impl Held {
    fn use_it(&self) {
        // SAFETY: loom checks that nobody writes meanwhile.
        self.value.with(|value| unsafe { assert!(*value) });
    }

    fn end_if(&self, is_last: bool) {
        if is_last {
            // SAFETY: loom checks that nobody reads or writes meanwhile.
            self.value.with_mut(|value| unsafe { *value = false });
            self.ends.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn held() -> Arc<Held> {
    Arc::new(Held {
        holders: Holders::new(),
        value: UnsafeCell::new(true),
        ends: AtomicUsize::new(0),
    })
}

/// Wakes with a clone, and lets go of it.
fn wakes(held: Arc<Held>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        held.use_it();
        held.end_if(held.holders.remove());
    })
}

#[test]
fn one_holder_is_the_last_whoever_that_is() {
    loom::model(|| {
        let held = held();
        held.holders.add_in_poll();
        let first = wakes(Arc::clone(&held));
        // A second clone is taken from what is paid, a third pays again, while the first goes.
        held.holders.add_in_poll();
        let second = wakes(Arc::clone(&held));
        held.use_it();
        held.end_if(held.holders.release());
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(held.ends.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_clone_may_be_cloned_while_the_owner_lets_go() {
    loom::model(|| {
        let held = held();
        held.holders.add_in_poll();
        let other = {
            let held = Arc::clone(&held);
            thread::spawn(move || {
                held.holders.add();
                held.end_if(held.holders.remove());
                held.use_it();
                held.end_if(held.holders.remove());
            })
        };
        held.end_if(held.holders.release());
        other.join().unwrap();
        assert_eq!(held.ends.load(Ordering::Relaxed), 1);
    });
}
