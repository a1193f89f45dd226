//! Owns the waiting line that locks, semaphores, channels and notifies share:
//! permits are handed to waiters in their order, one wake each, so a wake always
//! finds its permit there. It must not know what a permit stands for, and tells the
//! observer nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use crate::lock;

/// A place in the line; a future keeps one and gives it up when dropped.
#[derive(Debug, Default)]
pub(super) struct Ticket(Option<u64>);

/// The line was closed: there will be no more permits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// What a waiter that leaves with a permit in hand does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Granted {
    /// Hands it to the next.
    PassOn,
    /// Lets it go: all waiters got one of their own.
    OwnOnly,
}

#[derive(Debug)]
struct State {
    free: usize,
    closed: bool,
    next_ticket: u64,
    line: VecDeque<(u64, Waker)>,
    granted: HashMap<u64, Granted>,
}

#[derive(Debug)]
pub(super) struct Permits {
    /// More free permits than this are not kept.
    most_free: usize,
    state: Mutex<State>,
}

impl Permits {
    pub(super) fn new(free: usize, most_free: usize) -> Self {
        Permits {
            most_free,
            state: Mutex::new(State {
                free,
                closed: false,
                next_ticket: 0,
                line: VecDeque::new(),
                granted: HashMap::new(),
            }),
        }
    }

    /// Takes a permit if one is free; nobody is overtaken, as there is no line then.
    pub(super) fn try_acquire(&self) -> bool {
        let mut state = lock(&self.state);
        let free = state.free > 0 && !state.closed;
        if free {
            state.free -= 1;
        }
        free
    }

    /// Takes a permit or stands in line.
    pub(super) fn poll_acquire(
        &self,
        ticket: &mut Ticket,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        let mut state = lock(&self.state);
        if let Some(number) = ticket.0 {
            if state.granted.remove(&number).is_some() {
                ticket.0 = None;
                return Poll::Ready(Ok(()));
            }
        }
        if state.closed {
            ticket.0 = None;
            return Poll::Ready(Err(Closed));
        }
        let Some(number) = ticket.0 else {
            if state.free > 0 {
                state.free -= 1;
                return Poll::Ready(Ok(()));
            }
            let number = state.next_ticket;
            state.next_ticket += 1;
            state.line.push_back((number, cx.waker().clone()));
            ticket.0 = Some(number);
            return Poll::Pending;
        };
        let place = state.line.iter_mut().find(|(other, _)| *other == number);
        if let Some((_, waker)) = place {
            if !waker.will_wake(cx.waker()) {
                waker.clone_from(cx.waker());
            }
        }
        Poll::Pending
    }

    /// Gives a permit to the first in line, or keeps it free.
    pub(super) fn release(&self) {
        let waker = {
            let mut state = lock(&self.state);
            match state.line.pop_front() {
                Some((number, waker)) => {
                    state.granted.insert(number, Granted::PassOn);
                    Some(waker)
                }
                None => {
                    state.free = (state.free + 1).min(self.most_free);
                    None
                }
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Gives one permit to each who stands in line now.
    pub(super) fn release_all_waiting(&self) {
        let line = {
            let mut state = lock(&self.state);
            let line = std::mem::take(&mut state.line);
            for (number, _) in &line {
                state.granted.insert(*number, Granted::OwnOnly);
            }
            line
        };
        for (_, waker) in line {
            waker.wake();
        }
    }

    /// Leaves the line; a permit that was granted meanwhile goes to the next.
    pub(super) fn leave(&self, ticket: &mut Ticket) {
        let Some(number) = ticket.0.take() else {
            return;
        };
        let (granted, left) = {
            let mut state = lock(&self.state);
            let granted = state.granted.remove(&number);
            let place = state.line.iter().position(|(other, _)| *other == number);
            (granted, place.and_then(|place| state.line.remove(place)))
        };
        drop(left);
        if granted == Some(Granted::PassOn) {
            self.release();
        }
    }

    /// Turns all waiters away, now and later.
    pub(super) fn close(&self) {
        let line = {
            let mut state = lock(&self.state);
            state.closed = true;
            std::mem::take(&mut state.line)
        };
        for (_, waker) in line {
            waker.wake();
        }
    }

    pub(super) fn free(&self) -> usize {
        lock(&self.state).free
    }
}
