//! Owns the calls that move whole messages, one or several: datagrams mostly. It must not
//! know what they carry.

use std::ffi::{c_int, c_uint};
use std::slice;

use libc::{mmsghdr, msghdr, ssize_t, timespec};
use wakeline_wire::operation_kind;

use super::operations::{told, told_unless_peek};
use super::real::interposed;

interposed! {
    /// The library's `recvmsg`; see `recv`.
    fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t
        as Recvmsg, "recvmsg";
    system libc::syscall(libc::SYS_recvmsg, fd, message, flags);
    recorded |call| told_unless_peek(fd, flags, call());

    /// The library's `sendmsg`, its result recorded.
    fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t
        as Sendmsg, "sendmsg";
    system libc::syscall(libc::SYS_sendmsg, fd, message, flags);
    recorded |call| told(fd, operation_kind::WRITE, call());

    /// The library's `recvmmsg`: one operation with the bytes of all messages.
    fn recvmmsg(fd: c_int, messages: *mut mmsghdr, most: c_uint, flags: c_int, timeout: *mut timespec) -> c_int
        as Recvmmsg, "recvmmsg";
    system libc::syscall(libc::SYS_recvmmsg, fd, messages, most, flags, timeout);
    recorded |call| {
        let result = call();
        told_unless_peek(fd, flags, bytes_of(messages, result));
        result
    };

    /// The library's `sendmmsg`; see `recvmmsg`.
    fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int
        as Sendmmsg, "sendmmsg";
    system libc::syscall(libc::SYS_sendmmsg, fd, messages, count, flags);
    recorded |call| {
        let result = call();
        told(fd, operation_kind::WRITE, bytes_of(messages, result));
        result
    };
}

/// The bytes of the messages that a call says it has moved; less than 0 for its error.
#[inline]
fn bytes_of(messages: *const mmsghdr, moved: c_int) -> ssize_t {
    let Ok(count) = usize::try_from(moved) else {
        return -1;
    };
    if count == 0 {
        return 0;
    }
    // SAFETY: the kernel has written the length of so many messages of the caller's.
    let messages = unsafe { slice::from_raw_parts(messages, count) };
    messages.iter().map(|each| each.msg_len as ssize_t).sum()
}
