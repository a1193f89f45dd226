//! Owns the timer queue: deadlines in order, each with the waker of who waits. It
//! must not know the reactor; a worker reads the next deadline as its time-out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::observe::{self, WakeCause};
use crate::task::store_waker;
use crate::{context, ids, lock};

/// A timer in the queue, as the queue and its future share it.
pub(crate) struct TimerEntry {
    pub(crate) id: u64,
    deadline: Instant,
    state: Mutex<TimerState>,
}

#[derive(Default)]
struct TimerState {
    fired: bool,
    waker: Option<Waker>,
}

impl TimerEntry {
    /// Ready once the queue has fired the timer, not merely when its time has come:
    /// so each timer is either fired or cancelled, and a firing precedes its poll.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.fired {
            return Poll::Ready(());
        }
        store_waker(&mut state.waker, cx.waker());
        Poll::Pending
    }
}

/// The timers of one runtime. The id keeps timers of one deadline apart, in the
/// order in which they were set.
#[derive(Default)]
pub(crate) struct Timers(Mutex<BTreeMap<(Instant, u64), Arc<TimerEntry>>>);

impl Timers {
    /// Puts a timer into the queue. The flag says that it is now the first.
    pub(crate) fn set(&self, deadline: Instant) -> (Arc<TimerEntry>, bool) {
        let id = ids::TIMERS.next();
        let entry = Arc::new(TimerEntry {
            id,
            deadline,
            state: Mutex::default(),
        });
        if let Some(observer) = observe::observer() {
            observer.timer_set(id, deadline);
        }
        let mut queue = lock(&self.0);
        queue.insert((deadline, id), Arc::clone(&entry));
        let first = queue.keys().next() == Some(&(deadline, id));
        drop(queue);
        (entry, first)
    }

    /// Takes a timer out of the queue, unless it has left it by itself.
    pub(crate) fn cancel(&self, entry: &TimerEntry) {
        let removed = lock(&self.0).remove(&(entry.deadline, entry.id));
        if removed.is_some() {
            if let Some(observer) = observe::observer() {
                observer.timer_cancelled(entry.id);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// The time from `now` to the next deadline, which is how long a worker may
    /// park, and the timer that it is the deadline of.
    pub(crate) fn until_next(&self, now: Instant) -> Option<(Duration, u64)> {
        let queue = lock(&self.0);
        let (deadline, timer) = queue.keys().next()?;
        Some((deadline.saturating_duration_since(now), *timer))
    }

    /// Fires what is due. The wakers are called without the queue's lock.
    pub(crate) fn fire_due(&self, now: Instant) {
        loop {
            let entry = {
                let mut queue = lock(&self.0);
                match queue.first_entry() {
                    Some(first) if first.key().0 <= now => first.remove(),
                    _ => return,
                }
            };
            if let Some(observer) = observe::observer() {
                let lateness = now.saturating_duration_since(entry.deadline);
                observer.timer_fired(entry.id, lateness);
            }
            let waker = {
                let mut state = lock(&entry.state);
                state.fired = true;
                state.waker.take()
            };
            if let Some(waker) = waker {
                let _cause = context::enter_cause(WakeCause::Timer(entry.id));
                waker.wake();
            }
        }
    }
}
