//! Hands out ids: one counter per kind of thing, from 1, never reused in a process.
//! It must not know what the ids are for.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of ids. 2^64 of them last for ever at any rate a program can reach.
pub(crate) struct Ids(AtomicU64);

impl Ids {
    const fn new() -> Self {
        Ids(AtomicU64::new(1))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) static RUNTIMES: Ids = Ids::new();
pub(crate) static TASKS: Ids = Ids::new();
#[cfg(feature = "runtime")]
pub(crate) static FRAMES: Ids = Ids::new();
pub(crate) static RESOURCES: Ids = Ids::new();
pub(crate) static SOURCES: Ids = Ids::new();
pub(crate) static TIMERS: Ids = Ids::new();
pub(crate) static JOBS: Ids = Ids::new();
#[cfg(all(target_os = "linux", feature = "io-uring"))]
pub(crate) static SUBMISSIONS: Ids = Ids::new();
