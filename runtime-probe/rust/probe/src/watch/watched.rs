//! Owns the words by which a thread shows which poll it has open. It must not know who looks.
//!
//! They are written at each poll's start and end, as plain stores into the line that the
//! recorder writes anyway: that is all that a poll pays for being watched.

use std::ops::Range;
use std::sync::atomic::{fence, AtomicU64, Ordering};

use wakeline_executor::observe::OpenPoll;
use wakeline_stacks::{own_cpu_ns, own_stack};

use crate::ring::os_thread_id;

/// The innermost open poll of one thread.
pub(crate) struct Watched {
    /// When it began; 0 while none is open. No two polls of a thread begin at one tick.
    start_tick: AtomicU64,
    task: AtomicU64,
    epoch: AtomicU64,
    /// The start of the poll that the watchdog has looked at; 0 for none.
    looked_at: AtomicU64,
    /// From when on, and with how much used by then, its processor time is counted.
    base_tick: AtomicU64,
    base_cpu_ns: AtomicU64,
    pub(crate) os_id: u64,
    pub(crate) stack: Range<usize>,
}

/// From when on processor time is counted, and what the thread had used by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) tick: u64,
    pub(crate) cpu_ns: u64,
}

impl Watched {
    /// Of the calling thread.
    pub(crate) fn new() -> Self {
        Self {
            start_tick: AtomicU64::new(0),
            task: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
            base_tick: AtomicU64::new(0),
            base_cpu_ns: AtomicU64::new(0),
            os_id: os_thread_id(),
            stack: own_stack(),
        }
    }

    /// A poll begins, or goes on after one inside of it; with a start of 0 it is not watched.
    #[inline(always)]
    pub(crate) fn open(&self, poll: OpenPoll) {
        // Ordering: Release for each, so that who sees one of the words sees the zero that
        // was stored before it.
        self.task.store(poll.task, Ordering::Release);
        self.epoch.store(poll.epoch, Ordering::Release);
        self.start_tick.store(poll.start, Ordering::Release);
    }

    /// The poll that was shown is not the innermost any more.
    #[inline(always)]
    pub(crate) fn close(&self) {
        self.start_tick.store(0, Ordering::Relaxed);
    }

    /// Whether the watchdog has looked at a poll of this thread since this was last false.
    #[inline(always)]
    pub(crate) fn is_looked_at(&self) -> bool {
        self.looked_at.load(Ordering::Relaxed) != 0
    }

    /// At the end of the poll that began at that tick: what the watchdog counts from, and the
    /// processor time now, if it has looked at this very poll.
    #[cold]
    pub(crate) fn end_of_looked_at(&self, start_tick: u64) -> Option<(Base, u64)> {
        // Ordering: Acquire pairs with `look`.
        let looked_at = self.looked_at.swap(0, Ordering::Acquire);
        let cpu_ns = own_cpu_ns().filter(|_| looked_at == start_tick)?;
        let base = Base {
            tick: self.base_tick.load(Ordering::Relaxed),
            cpu_ns: self.base_cpu_ns.load(Ordering::Relaxed),
        };
        Some((base, cpu_ns))
    }

    /// The watchdog looks at the poll: its end shall tell the processor time.
    pub(crate) fn look(&self, start_tick: u64, base: Base) {
        self.base_tick.store(base.tick, Ordering::Relaxed);
        self.base_cpu_ns.store(base.cpu_ns, Ordering::Relaxed);
        // Ordering: Release, the base comes before.
        self.looked_at.store(start_tick, Ordering::Release);
    }

    /// The poll that is open now, seen from another thread.
    pub(crate) fn now(&self) -> Option<OpenPoll> {
        // Ordering: Acquire pairs with `open`; the fence makes the second reading of the
        // start come after the other words, so that it tells whether they belong to it.
        let start_tick = self.start_tick.load(Ordering::Acquire);
        let task = self.task.load(Ordering::Relaxed);
        let epoch = self.epoch.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let same = self.start_tick.load(Ordering::Relaxed) == start_tick;
        (start_tick != 0 && same).then_some(OpenPoll {
            start: start_tick,
            task,
            epoch,
        })
    }

    /// The word that changes with the poll, for the sampler.
    pub(crate) fn guard(&self) -> &AtomicU64 {
        &self.start_tick
    }
}
