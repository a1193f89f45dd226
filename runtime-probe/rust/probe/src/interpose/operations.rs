//! Owns the reads, writes and accepts that a program makes on registered descriptors. It
//! must not know what is read or written, nor take a lock: a signal handler may write.

use std::ffi::c_int;

use libc::{c_void, iovec, size_t, sockaddr, socklen_t, ssize_t};
use wakeline_wire::{detail, kind, operation_kind, operation_outcome, source_kind};

use super::real::{errno, real, set_errno};
use super::{epoll, sources};
use crate::gate::{detail_of, gate};
use crate::this_thread::with_free_recorder;

/// Records what a call gave, if its descriptor is a source.
#[inline]
fn told(fd: c_int, operation: u64, result: ssize_t) -> ssize_t {
    if let Some((source, kind)) = sources::source_of(fd) {
        // An eventfd is how a runtime interrupts its own reactor: no one's data.
        if kind != source_kind::EVENT_FD {
            tell(source, operation, result);
        }
    }
    result
}

fn tell(source: u64, operation: u64, result: ssize_t) {
    if detail_of(gate()) < detail::FULL {
        return;
    }
    let error = errno();
    let (outcome, bytes) = match u64::try_from(result) {
        // An accept gives a descriptor, not bytes.
        Ok(_) if operation == operation_kind::ACCEPT => (operation_outcome::DONE, 0),
        Ok(bytes) => (operation_outcome::DONE, bytes),
        Err(_) if error == libc::EAGAIN => (operation_outcome::WOULD_BLOCK, 0),
        Err(_) => (operation_outcome::ERROR, u64::from(error.unsigned_abs())),
    };
    with_free_recorder(|r| {
        let fields = [source, operation, outcome, bytes, r.operation_maker()];
        r.event(kind::OPERATION, fields);
    });
    set_errno(error);
}

/// Defines functions that call the library's own and record what it gave.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),*) = $symbol:literal, $operation:ident;)*) => {$(
        /// The library's function of this name, its result recorded.
        ///
        /// # Safety
        /// As the library's.
        #[no_mangle]
        unsafe extern "C" fn $name(fd: c_int, $($argument: $type),*) -> ssize_t {
            let result = real!($symbol, fn(c_int, $($type),*) -> ssize_t, fd, $($argument),*);
            told(fd, operation_kind::$operation, result)
        }
    )*};
}

operations! {
    read(buffer: *mut c_void, size: size_t) = c"read", READ;
    write(buffer: *const c_void, size: size_t) = c"write", WRITE;
    readv(parts: *const iovec, count: c_int) = c"readv", READ;
    writev(parts: *const iovec, count: c_int) = c"writev", WRITE;
    send(buffer: *const c_void, size: size_t, flags: c_int) = c"send", WRITE;
    sendto(buffer: *const c_void, size: size_t, flags: c_int, to: *const sockaddr, to_size: socklen_t) = c"sendto", WRITE;
}

/// The library's `recv`. A mere look at what is there copies nothing for good and is not
/// recorded.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn recv(fd: c_int, buffer: *mut c_void, size: size_t, flags: c_int) -> ssize_t {
    let result = real!(
        c"recv",
        fn(c_int, *mut c_void, size_t, c_int) -> ssize_t,
        fd,
        buffer,
        size,
        flags
    );
    told_unless_peek(fd, flags, result)
}

/// The library's `recvfrom`; see `recv`.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn recvfrom(
    fd: c_int,
    buffer: *mut c_void,
    size: size_t,
    flags: c_int,
    from: *mut sockaddr,
    from_size: *mut socklen_t,
) -> ssize_t {
    let result = real!(
        c"recvfrom",
        fn(c_int, *mut c_void, size_t, c_int, *mut sockaddr, *mut socklen_t) -> ssize_t,
        fd,
        buffer,
        size,
        flags,
        from,
        from_size
    );
    told_unless_peek(fd, flags, result)
}

#[inline]
fn told_unless_peek(fd: c_int, flags: c_int, result: ssize_t) -> ssize_t {
    match flags & libc::MSG_PEEK {
        0 => told(fd, operation_kind::READ, result),
        _ => result,
    }
}

/// The library's `accept4`, its result recorded.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn accept4(
    fd: c_int,
    from: *mut sockaddr,
    from_size: *mut socklen_t,
    flags: c_int,
) -> c_int {
    let result = real!(
        c"accept4",
        fn(c_int, *mut sockaddr, *mut socklen_t, c_int) -> c_int,
        fd,
        from,
        from_size,
        flags
    );
    told(fd, operation_kind::ACCEPT, result as ssize_t);
    result
}

/// The library's `close`. A source that is closed is one no more, and its number may mean
/// something else at once, so that is told before.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    epoll::closing(fd);
    real!(c"close", fn(c_int) -> c_int, fd,)
}
