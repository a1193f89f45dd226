//! Owns the calls that make one more descriptor of what another one means: `dup`, `dup2`,
//! `dup3` and `fcntl` with F_DUPFD. It must not know what is read or written by either.
//!
//! A copy of a source is a source of its own, with the same kind and the same addresses:
//! numbers are closed one by one, and the trace tells what went through which. It is
//! registered with no reactor until the program does so.

use std::ffi::c_int;

use super::closing::{closing, given_out};
use super::real::{errno, interposed, set_errno};
use super::{epoll, is_own_process, session, sources};
use crate::this_thread::used;

interposed! {
    /// The library's `dup`.
    fn dup(old: c_int) -> c_int
        as Dup, "dup";
    system libc::syscall(libc::SYS_dup, old);
    recorded |call| copied(old, call());

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
        copied(old, call())
    };

    /// The library's `dup3`; see `dup2`.
    fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int
        as Dup3, "dup3";
    system libc::syscall(libc::SYS_dup3, old, new, flags);
    recorded |call| {
        replacing(old, new);
        copied(old, call())
    };

    /// The library's `fcntl`, whose commands F_DUPFD and F_DUPFD_CLOEXEC make copies.
    fn fcntl(fd: c_int, command: c_int; argument: usize) -> c_int
        as Fcntl, "fcntl";
    system libc::syscall(libc::SYS_fcntl, fd, command, argument);
    recorded |call| controlled(fd, command, call());

    /// The library's `fcntl64`, which is the same where a pointer has 64 bits.
    fn fcntl64(fd: c_int, command: c_int; argument: usize) -> c_int
        as Fcntl64, "fcntl64";
    system libc::syscall(libc::SYS_fcntl, fd, command, argument);
    recorded |call| controlled(fd, command, call());
}

#[inline]
fn controlled(fd: c_int, command: c_int, result: c_int) -> c_int {
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => copied(fd, result),
        _ => result,
    }
}

/// The number that a copy replaces is about to be closed, if the copy can be made.
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

/// The call has made `new` a copy of `old`, unless it failed.
#[inline]
fn copied(old: c_int, new: c_int) -> c_int {
    if new >= 0 && old != new {
        given_out(new);
        if sources::is_known(old) {
            let error = errno();
            copy_known(old, new);
            set_errno(error);
        }
    }
    new
}

#[cold]
fn copy_known(old: c_int, new: c_int) {
    let Some(session) = session(new).filter(|session| is_own_process(session)) else {
        return;
    };
    if sources::is_left_alone(old) {
        sources::leave_alone(new);
    } else if sources::source_of(old).is_some() {
        used(|| epoll::copy(session, old, new));
    }
}
