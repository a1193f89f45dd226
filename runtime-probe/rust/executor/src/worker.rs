//! Owns how a worker spends its time: which task is next, and how it parks when
//! there is none. It must not know what the tasks or the sources are.
//!
//! One turn: own queue, then the injection queue, then other workers' queues; if
//! all are empty it parks: in the reactor if that is free, else on its condition
//! variable. Whoever returns from the reactor calls the wakers of ready sources
//! and fires the timers that are due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::observe::{self, ParkKind};
use crate::reactor::{Ready, Turn};
use crate::scheduler::Shared;
use crate::task::Task;

/// After this many polls without a park a worker looks into the injection queue
/// first and at the reactor and the timers without waiting, so that tasks that
/// wake each other for ever do not starve the rest. One look costs about a third
/// of a microsecond; spread over 61 polls that is a few nanoseconds each. A prime,
/// so as not to fall into step with a loop of tasks.
const POLLS_PER_LOOK: u32 = 61;

/// One worker of a runtime, on its own thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    polls_since_look: u32,
    had_reactor: bool,
    /// Reused between turns.
    ready: Vec<Ready>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Worker {
            shared,
            index,
            polls_since_look: 0,
            had_reactor: false,
            ready: Vec::new(),
        }
    }

    /// Polls tasks until the runtime stops.
    pub(crate) fn run(&mut self) {
        while !self.shared.is_stopping() {
            if let Some(task) = self.next() {
                task.run();
            }
        }
    }

    /// The next task to poll; `None` after a park, when the caller's own condition
    /// may have changed.
    pub(crate) fn next(&mut self) -> Option<Arc<Task>> {
        let mut task = None;
        if self.polls_since_look >= POLLS_PER_LOOK {
            self.look_at_reactor();
            task = self.shared.injection.pop();
        }
        let shared = &self.shared;
        let task = task
            .or_else(|| shared.locals[self.index].pop())
            .or_else(|| shared.injection.pop())
            .or_else(|| shared.steal(self.index));
        match task {
            Some(task) => {
                if std::mem::take(&mut self.had_reactor) {
                    self.shared.hand_over_reactor();
                }
                self.polls_since_look += 1;
                Some(task)
            }
            None => {
                self.park();
                None
            }
        }
    }

    /// Asks the reactor without waiting, if it is free and has anything to tell.
    fn look_at_reactor(&mut self) {
        self.polls_since_look = 0;
        let shared = Arc::clone(&self.shared);
        if let Some(ring) = &shared.ring {
            ring.flush();
        }
        if shared.reactor.is_unused() && shared.timers.is_empty() {
            return;
        }
        let turn = shared.reactor.try_take();
        if let Some(turn) = turn {
            self.wait_in_reactor(turn, Some((Duration::ZERO, 0)));
            self.after_reactor();
        }
    }

    fn park(&mut self) {
        self.polls_since_look = 0;
        let shared = Arc::clone(&self.shared);
        if let Some(ring) = &shared.ring {
            ring.flush();
        }
        // In this order: a worker that lets go of the reactor after this attempt failed
        // finds this one among the idle when it hands over.
        shared.enter_idle(self.index);
        let turn = shared.reactor.try_take();
        if turn.is_some() {
            shared.enter_reactor(self.index);
        }
        if shared.has_work() || shared.is_stopping() {
            shared.leave_idle(self.index);
            self.had_reactor |= turn.is_some();
            return;
        }
        match turn {
            Some(turn) => {
                // Read after `enter_reactor`: whoever sets an earlier deadline from now
                // on finds this worker in the reactor and interrupts it.
                let timeout = shared.timers.until_next(Instant::now());
                self.wait_in_reactor(turn, timeout);
                self.after_reactor();
            }
            None => {
                let observer = observe::observer();
                if let Some(observer) = observer {
                    observer.park(ParkKind::Condvar, None, 0);
                }
                shared.park_on_condvar(self.index);
                if let Some(observer) = observer {
                    observer.unpark(ParkKind::Condvar, 0);
                }
                shared.leave_idle(self.index);
            }
        }
    }

    /// One wait in the kernel, no longer than until the timer given. The reactor is
    /// free again before any waker is called.
    fn wait_in_reactor(&mut self, mut turn: Turn<'_>, until: Option<(Duration, u64)>) {
        let observer = observe::observer();
        let timeout = until.map(|(timeout, _)| timeout);
        if let Some(observer) = observer {
            observer.park(
                ParkKind::Reactor,
                timeout,
                until.map_or(0, |(_, timer)| timer),
            );
        }
        let events = turn.wait(timeout, &mut self.ready);
        if let Some(observer) = observer {
            observer.unpark(ParkKind::Reactor, events);
        }
        self.shared.leave_idle(self.index);
        drop(turn);
        self.had_reactor = true;
    }

    fn after_reactor(&mut self) {
        let shared = &self.shared;
        let ring = shared.ring.as_ref();
        let completed = ring.filter(|ring| self.ready.iter().any(|each| ring.is_source(each.id())));
        shared.reactor.dispatch(&mut self.ready);
        if let Some(ring) = completed {
            ring.reap();
        }
        self.shared.timers.fire_due(Instant::now());
    }
}
