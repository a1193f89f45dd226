//! Owns the calls by which a descriptor's number loses its meaning: `close`, `close_range`,
//! `dup2` and `dup3`. It must not know what the source was used for.
//!
//! The number may mean something else as soon as the call returns, on another thread even
//! before that, so the source's end is told first.

use std::ffi::{c_int, c_uint};

use super::real::{errno, interposed, set_errno};
use super::{epoll, is_own_process, session, sources};
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

    /// The library's `dup2`. It closes the number that it makes a copy under.
    fn dup2(old: c_int, new: c_int) -> c_int
        as Dup2, "dup2";
    system match old == new {
        // `dup3` refuses what `dup2` allows: a copy onto itself, if it is open.
        true => match libc::fcntl(old, libc::F_GETFD) {
            -1 => -1,
            _ => libc::c_long::from(new),
        },
        false => libc::syscall(libc::SYS_dup3, old, new, 0),
    };
    recorded |call| {
        replacing(old, new);
        call()
    };

    /// The library's `dup3`; see `dup2`.
    fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int
        as Dup3, "dup3";
    system libc::syscall(libc::SYS_dup3, old, new, flags);
    recorded |call| {
        replacing(old, new);
        call()
    };
}

/// The number is about to mean nothing, if it means something to us.
#[inline]
fn closing(fd: c_int) {
    if sources::is_known(fd) {
        close_known(fd);
    }
}

#[cold]
fn close_known(fd: c_int) {
    let Some(session) = session(fd) else {
        // After the recording, or inside a recorder; a fork's child has a table of its own,
        // a vfork's child has not.
        if crate::gate::gate() == 0 {
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

fn replacing(old: c_int, new: c_int) {
    if old == new || !sources::is_known(new) {
        return;
    }
    let error = errno();
    // SAFETY: it takes no pointer.
    let is_open = unsafe { libc::fcntl(old, libc::F_GETFD) } != -1;
    set_errno(error);
    if is_open {
        closing(new);
    }
}
