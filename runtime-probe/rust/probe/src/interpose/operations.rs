//! Owns the reads, writes, connects, accepts and shutdowns that a program makes on sources, one
//! buffer or connection at a time, and what is recorded of any operation. It must not know what is
//! read or written; and where the descriptor is registered already it takes no lock, because
//! a signal handler may write.

use std::ffi::c_int;

use libc::{c_void, iovec, off64_t, off_t, size_t, sockaddr, socklen_t, ssize_t};
use wakeline_wire::{detail, operation_kind, operation_outcome, source_kind};

use super::closing::given_out;
use super::real::{errno, interposed, set_errno};
use super::sources::{self, Connect};
use super::{files, session};
use crate::gate::{detail_of, gate};
use crate::this_thread::with_free_recorder;

/// Records what a call gave, if its descriptor is a source: how many bytes, or an error.
#[inline]
pub(super) fn told(fd: c_int, operation: u64, result: ssize_t) -> ssize_t {
    if let Some(source) = source_of_data(fd) {
        tell(source, operation, result);
    }
    result
}

/// The same of a call that may be one on a file, too.
#[inline]
fn moved(fd: c_int, operation: u64, call: impl FnOnce() -> ssize_t) -> ssize_t {
    match !sources::is_known(fd) && files::may_be_on_pool() {
        true => files::on_pool(fd, operation, call),
        false => told(fd, operation, call()),
    }
}

/// The descriptor's source. An eventfd is none: it is how a runtime interrupts its own
/// reactor, no one's data.
#[inline]
fn source_of_data(fd: c_int) -> Option<u64> {
    let (source, kind) = sources::source_of(fd)?;
    (kind != source_kind::EVENT_FD).then_some(source)
}

fn tell(source: u64, operation: u64, result: ssize_t) {
    if detail_of(gate()) < detail::FULL {
        return;
    }
    let error = errno();
    let (outcome, bytes) = match u64::try_from(result) {
        Ok(bytes) => (operation_outcome::DONE, bytes),
        Err(_) if matches!(error, libc::EAGAIN | libc::EINPROGRESS) => {
            (operation_outcome::WOULD_BLOCK, 0)
        }
        Err(_) => (operation_outcome::ERROR, u64::from(error.unsigned_abs())),
    };
    with_free_recorder(|r| {
        let maker = r.operation_maker();
        r.operation(source, operation, [outcome, bytes], maker);
    });
    set_errno(error);
}

/// A look at what is there copies nothing for good, and the queue of errors is not data.
#[inline]
pub(super) fn told_unless_peek(fd: c_int, flags: c_int, result: ssize_t) -> ssize_t {
    match flags & (libc::MSG_PEEK | libc::MSG_ERRQUEUE) {
        0 => told(fd, operation_kind::READ, result),
        _ => result,
    }
}

const NOBODY: *const sockaddr = std::ptr::null();

interposed! {
    /// The library's `read`, its result recorded.
    fn read(fd: c_int, buffer: *mut c_void, size: size_t) -> ssize_t
        as Read, "read";
    system libc::syscall(libc::SYS_read, fd, buffer, size);
    recorded |call| moved(fd, operation_kind::READ, call);

    /// The library's `write`, its result recorded.
    fn write(fd: c_int, buffer: *const c_void, size: size_t) -> ssize_t
        as Write, "write";
    system libc::syscall(libc::SYS_write, fd, buffer, size);
    recorded |call| moved(fd, operation_kind::WRITE, call);

    /// The library's `readv`, its result recorded.
    fn readv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t
        as Readv, "readv";
    system libc::syscall(libc::SYS_readv, fd, parts, count);
    recorded |call| moved(fd, operation_kind::READ, call);

    /// The library's `writev`, its result recorded.
    fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t
        as Writev, "writev";
    system libc::syscall(libc::SYS_writev, fd, parts, count);
    recorded |call| moved(fd, operation_kind::WRITE, call);

    /// The library's `recv`, its result recorded unless it was a mere look.
    fn recv(fd: c_int, buffer: *mut c_void, size: size_t, flags: c_int) -> ssize_t
        as Recv, "recv";
    system libc::syscall(libc::SYS_recvfrom, fd, buffer, size, flags, NOBODY, NOBODY);
    recorded |call| told_unless_peek(fd, flags, call());

    /// The library's `send`, its result recorded.
    fn send(fd: c_int, buffer: *const c_void, size: size_t, flags: c_int) -> ssize_t
        as Send, "send";
    system libc::syscall(libc::SYS_sendto, fd, buffer, size, flags, NOBODY, 0);
    recorded |call| told(fd, operation_kind::WRITE, call());

    /// The library's `recvfrom`; see `recv`.
    fn recvfrom(
        fd: c_int, buffer: *mut c_void, size: size_t, flags: c_int, from: *mut sockaddr, from_size: *mut socklen_t,
    ) -> ssize_t
        as Recvfrom, "recvfrom";
    system libc::syscall(libc::SYS_recvfrom, fd, buffer, size, flags, from, from_size);
    recorded |call| told_unless_peek(fd, flags, call());

    /// The library's `sendto`, its result recorded.
    fn sendto(
        fd: c_int, buffer: *const c_void, size: size_t, flags: c_int, to: *const sockaddr, to_size: socklen_t,
    ) -> ssize_t
        as Sendto, "sendto";
    system libc::syscall(libc::SYS_sendto, fd, buffer, size, flags, to, to_size);
    recorded |call| told(fd, operation_kind::WRITE, call());

    /// The library's `sendfile`: a write of what never was in the program.
    fn sendfile(to: c_int, from: c_int, offset: *mut off_t, size: size_t) -> ssize_t
        as Sendfile, "sendfile";
    system libc::syscall(libc::SYS_sendfile, to, from, offset, size);
    recorded |call| told(to, operation_kind::WRITE, call());

    /// The library's `sendfile64`, which is the same where a pointer has 64 bits.
    fn sendfile64(to: c_int, from: c_int, offset: *mut off64_t, size: size_t) -> ssize_t
        as Sendfile64, "sendfile64";
    system libc::syscall(libc::SYS_sendfile, to, from, offset, size);
    recorded |call| told(to, operation_kind::WRITE, call());

    /// The library's `splice`: a read and a write, of which one end at least is a pipe.
    fn splice(
        from: c_int, from_offset: *mut off64_t, to: c_int, to_offset: *mut off64_t, size: size_t, flags: u32,
    ) -> ssize_t
        as Splice, "splice";
    system libc::syscall(libc::SYS_splice, from, from_offset, to, to_offset, size, flags);
    recorded |call| {
        let result = call();
        let both = source_of_data(from).is_some() && source_of_data(to).is_some();
        // Which of two ends would block the system does not say.
        if !both || result >= 0 {
            told(from, operation_kind::READ, result);
            told(to, operation_kind::WRITE, result);
        }
        result
    };

    /// The library's `connect`, its result recorded.
    fn connect(fd: c_int, to: *const sockaddr, to_size: socklen_t) -> c_int
        as Connect, "connect";
    system libc::syscall(libc::SYS_connect, fd, to, to_size);
    recorded |call| {
        let result = call();
        connected(fd, result);
        result
    };

    /// The library's `accept`, its result recorded.
    fn accept(fd: c_int, from: *mut sockaddr, from_size: *mut socklen_t) -> c_int
        as Accept, "accept";
    system libc::syscall(libc::SYS_accept4, fd, from, from_size, 0);
    recorded |call| accepted(fd, call());

    /// The library's `accept4`, its result recorded.
    fn accept4(fd: c_int, from: *mut sockaddr, from_size: *mut socklen_t, flags: c_int) -> c_int
        as Accept4, "accept4";
    system libc::syscall(libc::SYS_accept4, fd, from, from_size, flags);
    recorded |call| accepted(fd, call());

    /// The library's `shutdown`, told with which side it shut.
    fn shutdown(fd: c_int, how: c_int) -> c_int
        as Shutdown, "shutdown";
    system libc::syscall(libc::SYS_shutdown, fd, how);
    recorded |call| {
        let result = call();
        let side = match how {
            libc::SHUT_RD => operation_kind::SHUTDOWN_READ,
            libc::SHUT_WR => operation_kind::SHUTDOWN_WRITE,
            _ => operation_kind::SHUTDOWN_BOTH,
        };
        told(fd, side, without_bytes(result));
        result
    };
}

#[inline]
fn accepted(fd: c_int, result: c_int) -> c_int {
    given_out(result);
    told(fd, operation_kind::ACCEPT, without_bytes(result));
    result
}

/// The result of a call that gives a descriptor or nothing, as one that moves no bytes.
#[inline]
fn without_bytes(result: c_int) -> ssize_t {
    result.min(0) as ssize_t
}

/// A runtime connects first and registers then, so what is no source yet is remembered and
/// told when it becomes one, which is in the same poll.
#[inline]
fn connected(fd: c_int, result: c_int) {
    if sources::source_of(fd).is_some() {
        told(fd, operation_kind::CONNECT, without_bytes(result));
    } else if session(fd).is_some() {
        if result == 0 {
            sources::set_connect(fd, Connect::Done);
        } else if errno() == libc::EINPROGRESS {
            sources::set_connect(fd, Connect::Begun);
        }
    }
}
