//! Owns the list of threads that record, and what the flusher may read of each. It must not
//! know what they record.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the flusher may read of a thread.
///
/// In cache lines of its own, of which processors fetch two at once: each thread writes its
/// own at every poll.
#[repr(align(128))]
pub(crate) struct ThreadShared {
    pub(crate) id: u32,
    /// Set while the thread is parked or outside of all that it flags: whatever it
    /// publishes next has a later tick than a clock read before this was seen set.
    pub(crate) quiet: AtomicBool,
    /// Events dropped so far.
    pub(crate) dropped: AtomicU64,
    /// The thread has ended; it publishes nothing more.
    pub(crate) closed: AtomicBool,
    /// A tick before its first event.
    pub(crate) opened_tick: AtomicU64,
    /// The poll that is open on it.
    #[cfg(wakeline_stacks)]
    pub(crate) watched: crate::watch::Watched,
}

impl ThreadShared {
    /// Of the calling thread.
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            quiet: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            opened_tick: AtomicU64::new(0),
            #[cfg(wakeline_stacks)]
            watched: crate::watch::Watched::new(),
        }
    }
}

/// The threads that record.
#[derive(Default)]
pub(crate) struct Threads {
    last_id: AtomicU32,
    alive: Mutex<Vec<Arc<ThreadShared>>>,
}

impl Threads {
    /// A new thread, listed from now on.
    pub(crate) fn register(&self) -> Arc<ThreadShared> {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let shared = Arc::new(ThreadShared::new(id));
        alive.push(Arc::clone(&shared));
        shared
    }

    /// Takes the list's lock, as a thread that begins to record does.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn taken(&self) -> impl Sized + '_ {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All threads that were not removed.
    pub(crate) fn list(&self, into: &mut Vec<Arc<ThreadShared>>) {
        into.clear();
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        into.extend(alive.iter().cloned());
    }

    /// Forgets threads that have ended and are sent.
    pub(crate) fn remove(&self, ids: &[u32]) {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|thread| !ids.contains(&thread.id));
    }
}
