//! Owns functions with the names of the C library's system calls, which the program's
//! runtime then calls in their place: each calls the library's own and records what it did.
//! It must not know of tasks, wakers or runtimes.
//!
//! What must hold for every one of them:
//! - The result and `errno` are the system's; nothing is retried, delayed or refused.
//! - Nothing is recorded inside a recorder (a signal handler may have interrupted it), in a
//!   fork's or vfork's child, or before and after the recording.
//! - Descriptors that were never given to `epoll_ctl` cost one load.

mod closing;
mod copies;
mod epoll;
mod export;
mod files;
mod messages;
mod operations;
mod real;
mod sight;
mod sources;

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[cfg(feature = "tokio")]
pub(crate) use files::started_by_runtime;
use real::Symbol;
pub(crate) use sight::{prepare, sight};
pub(crate) use sources::leave_alone;
#[cfg(all(test, not(loom)))]
pub(crate) use sources::taken as sources_taken;

use crate::session::Session;
use crate::this_thread::is_in_use;

/// The symbol whose self-test runs, by its number; [`NO_TEST`] when none runs.
static TESTED: AtomicUsize = AtomicUsize::new(NO_TEST);
const NO_TEST: usize = usize::MAX;
/// Nothing is recorded: something else in the program watches the same functions.
static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Whether no descriptor can have this number.
#[inline(always)]
fn is_impossible<T: TryInto<c_int>>(fd: T) -> bool {
    !matches!(fd.try_into(), Ok(0..))
}

/// Whether a call with an impossible descriptor is one of the self-test's.
#[cold]
fn is_self_test(symbol: Symbol) -> bool {
    // Ordering: none needed; the self-test reads it on its own thread. A program's own such
    // call at that moment gets the answer that the system would give.
    let test = TESTED.compare_exchange(
        symbol as usize,
        NO_TEST,
        Ordering::Relaxed,
        Ordering::Relaxed,
    );
    test.is_ok()
}

/// The session, where this thread may record now.
fn session(fd: c_int) -> Option<&'static Session> {
    Session::current().filter(|_| fd >= 0 && !is_in_use() && !IS_OFF.load(Ordering::Relaxed))
}

/// Whether this is the process that records. A vfork's child shares all memory with it, the
/// tables too, and closes descriptors that stay open in the parent. It is asked only before
/// something registered is changed: 40–100 ns.
fn is_own_process(session: &Session) -> bool {
    std::process::id() == session.pid
}
