//! Owns functions with the names of the C library's system calls, which the program's
//! runtime then calls in their place: each calls the library's own and records what it did.
//! It must not know of tasks, wakers or runtimes.
//!
//! What must hold for every one of them:
//! - The result and `errno` are the system's; nothing is retried, delayed or refused.
//! - Nothing is recorded inside a recorder (a signal handler may have interrupted it), in a
//!   fork's child, or before and after the recording.
//! - Descriptors that were never given to `epoll_ctl` cost one load.

mod epoll;
mod operations;
mod real;
mod sources;

use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use sources::leave_alone;

/// Calls of the self-test that came here; `NO_TEST` when none runs.
static TESTED: AtomicU32 = AtomicU32::new(NO_TEST);
const NO_TEST: u32 = u32::MAX;
/// How many of the symbols were found to be ours.
static EFFECTIVE: AtomicU32 = AtomicU32::new(0);

/// Whether a call with an impossible descriptor is one of the self-test's.
#[cold]
fn is_self_test() -> bool {
    // Ordering: none needed; the self-test reads it on its own thread. A program's own such
    // call at that moment gets the answer that the system would give.
    TESTED
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count != NO_TEST).then(|| count + 1)
        })
        .is_ok()
}

/// Finds the library's functions, so that no call has to look for them in a signal handler,
/// and proves symbol by symbol that a call of the program comes here. In a shared library
/// it may not: there the program's own symbols win.
pub(crate) fn prepare() {
    const BAD: libc::c_int = -1;
    let nothing = std::ptr::null_mut::<libc::c_void>();
    let saved = real::errno();
    // SAFETY: a descriptor of -1 makes each of these fail with EBADF (or EINVAL) before it
    // looks at anything else; none touches memory.
    let calls: [&dyn Fn() -> isize; CALLS as usize] = unsafe {
        [
            &|| libc::epoll_wait(BAD, nothing.cast(), 1, 0) as isize,
            &|| libc::epoll_ctl(BAD, libc::EPOLL_CTL_DEL, BAD, nothing.cast()) as isize,
            &|| libc::read(BAD, nothing, 0),
            &|| libc::write(BAD, nothing, 0),
            &|| libc::readv(BAD, nothing.cast(), 0),
            &|| libc::writev(BAD, nothing.cast(), 0),
            &|| libc::recv(BAD, nothing, 0, 0),
            &|| libc::send(BAD, nothing, 0, 0),
            &|| libc::recvfrom(BAD, nothing, 0, 0, nothing.cast(), nothing.cast()),
            &|| libc::sendto(BAD, nothing, 0, 0, nothing.cast(), 0),
            &|| libc::accept4(BAD, nothing.cast(), nothing.cast(), 0) as isize,
            &|| libc::close(BAD) as isize,
        ]
    };
    let mut effective = 0;
    for call in calls {
        TESTED.store(0, Ordering::Relaxed);
        std::hint::black_box(call());
        if TESTED.swap(NO_TEST, Ordering::Relaxed) != 0 {
            effective += 1;
        }
    }
    real::set_errno(saved);
    EFFECTIVE.store(effective, Ordering::Relaxed);
}

/// How many functions are replaced.
const CALLS: u32 = 12;

/// Whether all of them come here.
pub(crate) fn is_effective() -> bool {
    EFFECTIVE.load(Ordering::Relaxed) == CALLS
}
