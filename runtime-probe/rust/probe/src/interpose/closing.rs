//! Owns the calls by which a descriptor's number loses its meaning, `close` and
//! `close_range`, and what is done about such a number. It must not know what the source
//! was used for.
//!
//! The number may mean something else as soon as the call returns, on another thread even
//! before that, so the source's end is told first.

use std::ffi::{c_int, c_uint};

use super::real::{errno, interposed, set_errno};
use super::{epoll, is_own_process, session, sources};
use crate::session::Session;
use crate::this_thread::used;

/// The same number on every processor; the lowest libc crate has no name for it.
const SYS_CLOSE_RANGE: libc::c_long = 436;
/// Nothing is closed now.
const CLOSE_RANGE_CLOEXEC: c_int = 4;

interposed! {
    /// The library's `close`. A source that is closed is one no more.
    fn close(fd: c_int) -> c_int
        as Close, "close";
    system libc::syscall(libc::SYS_close, fd);
    recorded |call| {
        closing(fd);
        call()
    };

    /// The library's `close_range`.
    fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int
        as CloseRange, "close_range";
    system libc::syscall(SYS_CLOSE_RANGE, first, last, flags);
    recorded |call| {
        if flags & CLOSE_RANGE_CLOEXEC == 0 {
            for fd in sources::numbers_in_use(first, last) {
                closing(fd);
            }
        }
        call()
    };
}

/// The number is about to mean nothing, if it means something to us.
#[inline]
pub(super) fn closing(fd: c_int) {
    if sources::is_known(fd) {
        close_known(fd);
    }
}

#[cold]
fn close_known(fd: c_int) {
    let Some(session) = session(fd) else {
        // After the recording, or in a signal handler inside a recorder, which may hold the
        // lock of the sources: the number alone is forgotten, which takes none. A fork's
        // child has a table of its own, a vfork's child has not.
        if Session::current().is_none_or(is_own_process) {
            sources::forget_number(fd);
        }
        return;
    };
    if !is_own_process(session) {
        return;
    }
    if sources::source_of(fd).is_some() {
        used(|| epoll::deregister(session, fd));
    } else {
        sources::forget_number(fd);
    }
}

/// A call has just given this number out. Where it means something it was closed unseen.
#[inline]
pub(super) fn given_out(fd: c_int) {
    if sources::is_known(fd) {
        let error = errno();
        close_known(fd);
        set_errno(error);
    }
}
