//! Owns the proof, by every interleaving of two or three threads, that the state machine loses
//! no wake, queues no task twice and drops a future once. Run by `npm run sanitize -- loom`.
//! It must not know queues: a model's queue is one flag.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::sync::Arc;
use loom::thread;

use super::{AfterPoll, Start, TaskState};
use crate::observe::WakeEffect;

/// A task, its place in the only queue, and what its wakers have brought.
struct Model {
    state: TaskState,
    is_queued: AtomicBool,
    /// One bit for each waker, set before it wakes. Relaxed, so that only the state machine
    /// orders it.
    brought: AtomicU64,
    /// The future. loom fails where two threads are in it at once, or where one does not see
    /// what the last has done.
    future: UnsafeCell<u64>,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: TaskState::new(),
            is_queued: AtomicBool::new(true),
            brought: AtomicU64::new(0),
            future: UnsafeCell::new(0),
        })
    }

    fn queue(&self) {
        let was_queued = self.is_queued.swap(true, Ordering::AcqRel);
        assert!(!was_queued, "a task is in a queue twice");
    }

    /// What a waker does. Gives the epoch whose next poll it asked for, where it took effect.
    fn wake(&self, waker: u64) -> Option<u64> {
        self.brought.fetch_or(1 << waker, Ordering::Relaxed);
        let (epoch, effect) = self.state.wake();
        if effect == WakeEffect::Scheduled {
            self.queue();
        }
        (effect != WakeEffect::AfterCompletion).then_some(epoch)
    }

    /// Takes the task from the queue, if it is there, and polls it until it waits. The future
    /// is ready once it sees `all`. Gives the epoch of the last poll.
    fn work(&self, all: u64) -> Worked {
        if !self.is_queued.swap(false, Ordering::AcqRel) {
            return Worked::Nothing;
        }
        match self.state.start() {
            Start::Gone => Worked::Nothing,
            Start::Aborted => {
                self.drop_future();
                Worked::Dropped
            }
            Start::Poll { epoch } => {
                // SAFETY: only the thread that began the poll is here, which loom checks.
                self.future.with_mut(|polls| unsafe { *polls += 1 });
                if self.brought.load(Ordering::Relaxed) == all {
                    self.state.complete();
                    self.drop_future();
                    return Worked::Ready { epoch };
                }
                if self.state.finish_pending() == AfterPoll::Reschedule {
                    self.queue();
                }
                Worked::Waits
            }
        }
    }

    fn drop_future(&self) {
        // SAFETY: as in `work`.
        self.future.with_mut(|polls| unsafe {
            assert_ne!(*polls, u64::MAX, "the future is dropped twice");
            *polls = u64::MAX;
        });
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Worked {
    Nothing,
    Waits,
    Ready { epoch: u64 },
    Dropped,
}

/// After all wakers are done, whatever is queued still is worked off.
fn work_to_the_end(model: &Model, all: u64) -> Worked {
    loop {
        match model.work(all) {
            Worked::Waits => {}
            end => return end,
        }
    }
}

#[test]
fn a_wake_is_followed_by_a_poll_that_sees_what_it_brought() {
    loom::model(|| {
        let model = Model::new();
        let wakers: Vec<_> = (0..2)
            .map(|waker| {
                let model = Arc::clone(&model);
                thread::spawn(move || model.wake(waker))
            })
            .collect();
        let first = model.work(0b11);
        let asked: Vec<_> = wakers
            .into_iter()
            .filter_map(|waker| waker.join().unwrap())
            .collect();
        let last = match first {
            Worked::Ready { .. } => first,
            _ => work_to_the_end(&model, 0b11),
        };
        let Worked::Ready { epoch } = last else {
            panic!("a wake was lost: {last:?}");
        };
        // Not one more: a poll may see what was brought before the wake that tells of it.
        for asked in asked {
            assert!(epoch >= asked, "a wake in poll {asked} came too early");
        }
    });
}

#[test]
fn two_workers_never_poll_one_task_at_once() {
    loom::model(|| {
        let model = Model::new();
        let other = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.wake(0);
                model.work(0b1)
            })
        };
        let here = model.work(0b1);
        let there = other.join().unwrap();
        let rest = work_to_the_end(&model, 0b1);
        let ends = [here, there, rest];
        let ready = ends
            .iter()
            .filter(|each| matches!(each, Worked::Ready { .. }));
        assert_eq!(ready.count(), 1, "{ends:?}");
    });
}

#[test]
fn an_abort_drops_the_future_once_whatever_else_happens() {
    loom::model(|| {
        let model = Model::new();
        let waker = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.wake(0);
            })
        };
        let aborter = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                if model.state.abort() {
                    model.queue();
                }
            })
        };
        let first = model.work(0b1);
        waker.join().unwrap();
        aborter.join().unwrap();
        let rest = work_to_the_end(&model, 0b1);
        let ends = [first, rest];
        let ended = ends
            .iter()
            .filter(|each| matches!(each, Worked::Ready { .. } | Worked::Dropped));
        assert_eq!(ended.count(), 1, "{ends:?}");
    });
}

#[test]
fn a_shutdown_and_a_worker_do_not_both_drop_the_future() {
    loom::model(|| {
        let model = Model::new();
        let waker = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.wake(0);
            })
        };
        // The runtime shuts a task down when no worker is left, so after the last poll, while
        // wakers may still come.
        let first = model.work(0b1);
        if model.state.shut_down() {
            model.drop_future();
        } else {
            assert!(matches!(first, Worked::Ready { .. }));
        }
        waker.join().unwrap();
        assert_eq!(work_to_the_end(&model, 0b1), Worked::Nothing);
    });
}
