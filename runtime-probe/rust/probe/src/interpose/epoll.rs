//! Owns `epoll_wait` and `epoll_ctl`: the reactor's parks, what became ready, and what is
//! registered. It must not know which runtime calls.

use std::ffi::c_int;
use std::slice;

use libc::epoll_event;
use wakeline_executor::observe::{mask, new_ids};
use wakeline_wire::{detail, kind, source_kind, Source};

use super::real::{errno, real, set_errno};
use super::sources::{self, Registered};
use crate::dictionary::Living;
use crate::gate::{detail_of, gate};
use crate::session::Session;
use crate::this_thread::{is_in_use, used, with_recorder};

/// The session, where this thread may record now.
fn session(fd: c_int) -> Option<&'static Session> {
    Session::current().filter(|_| fd >= 0 && !is_in_use())
}

fn lean(session: &'static Session, record: impl FnOnce(&mut crate::recorder::Recorder)) {
    if detail_of(gate()) >= detail::LEAN {
        with_recorder(session, record);
    }
}

/// The library's `epoll_wait`, with a park before it and an unpark and readiness after it.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn epoll_wait(
    epfd: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout_ms: c_int,
) -> c_int {
    let wait = || {
        real!(
            c"epoll_wait",
            fn(c_int, *mut epoll_event, c_int, c_int) -> c_int,
            epfd,
            events,
            most,
            timeout_ms
        )
    };
    let Some(session) = session(epfd).filter(|_| !sources::is_left_alone(epfd)) else {
        return wait();
    };
    // 0 stands for none, so a time-out is told plus 1.
    let timeout_ns = u64::try_from(timeout_ms).map_or(0, |ms| ms * 1_000_000 + 1);
    let before = errno();
    with_recorder(session, |r| {
        r.foreign_park(detail_of(gate()) >= detail::LEAN, timeout_ns);
    });
    set_errno(before);
    let count = wait();
    let error = errno();
    let ready = match usize::try_from(count) {
        // SAFETY: the kernel has written so many events to the caller's buffer.
        Ok(count) if count > 0 => unsafe { slice::from_raw_parts(events, count) },
        _ => &[],
    };
    with_recorder(session, |r| {
        r.foreign_unpark(detail_of(gate()) >= detail::LEAN, ready.len() as u64);
    });
    if !ready.is_empty() {
        used(|| tell_readiness(session, ready));
    }
    set_errno(error);
    count
}

fn tell_readiness(session: &'static Session, ready: &[epoll_event]) {
    let mut locked = sources::lock();
    for event in ready {
        let (bits, token) = (event.events, event.u64);
        let Some((fd, registered)) = locked.by_token(token) else {
            continue;
        };
        if !registered.has_peer {
            // A connection has been made, or refused, since the socket was registered.
            if describe(session, fd, &registered) {
                locked.set_peer_known(fd);
            }
        }
        let fields = [registered.source, u64::from(mask_of(bits)), 0];
        lean(session, |r| r.event(kind::READINESS, fields));
    }
}

/// The library's `epoll_ctl`, with the source and its registration before it, so that no
/// readiness of it can be told first.
///
/// # Safety
/// As the library's.
#[no_mangle]
unsafe extern "C" fn epoll_ctl(
    epfd: c_int,
    operation: c_int,
    fd: c_int,
    event: *mut epoll_event,
) -> c_int {
    let control = || {
        real!(
            c"epoll_ctl",
            fn(c_int, c_int, c_int, *mut epoll_event) -> c_int,
            epfd,
            operation,
            fd,
            event
        )
    };
    let Some(session) = session(epfd).filter(|_| !sources::is_left_alone(epfd)) else {
        return control();
    };
    if operation == libc::EPOLL_CTL_DEL {
        used(|| deregister(session, fd));
        return control();
    }
    // SAFETY: the caller hands in an event; a null one is refused by the kernel.
    let Some(event) = (unsafe { event.as_ref() }).copied() else {
        return control();
    };
    let is_new = used(|| register(session, fd, &event));
    let result = control();
    if result != 0 && is_new {
        let error = errno();
        used(|| deregister(session, fd));
        set_errno(error);
    }
    result
}

/// True when the descriptor was not registered before.
fn register(session: &'static Session, fd: c_int, event: &epoll_event) -> bool {
    let error = errno();
    let (bits, token) = (event.events, event.u64);
    let mut locked = sources::lock();
    let known = locked.get(fd);
    let source = match known {
        Some(registered) => {
            locked.set_token(fd, token);
            registered.source
        }
        None => {
            let kind = sources::kind_of(fd);
            let mut registered = Registered::of(new_ids::source(), kind);
            let has_peer = describe(session, fd, &registered);
            // Only a stream that still connects gets a peer later.
            registered.has_peer = has_peer || kind != source_kind::TCP_STREAM;
            locked.insert(fd, registered, token);
            registered.source
        }
    };
    drop(locked);
    let fields = [source, u64::from(mask_of(bits)), token];
    lean(session, |r| r.event(kind::SOURCE_REGISTER, fields));
    set_errno(error);
    known.is_none()
}

/// Tells what the descriptor is. True when the other end is known.
fn describe(session: &'static Session, fd: c_int, registered: &Registered) -> bool {
    let (local, peer) = (sources::local_address(fd), sources::peer_address(fd));
    let record = Source {
        id: registered.source,
        fd: i64::from(fd),
        source_kind: registered.kind,
        ..Source::default()
    };
    session.dictionary.source(record, None, &local, &peer);
    !peer.is_empty()
}

/// The descriptor leaves its reactor, by request or because it is closed.
pub(super) fn deregister(session: &'static Session, fd: c_int) {
    let error = errno();
    if let Some(Registered { source, .. }) = sources::lock().remove(fd) {
        lean(session, |r| r.event(kind::SOURCE_DEREGISTER, [source]));
        session.dictionary.ended(Living::Source(source));
    }
    set_errno(error);
}

/// `close`, for a descriptor that is registered or a reactor.
pub(super) fn closing(fd: c_int) {
    match session(fd) {
        Some(session) if sources::source_of(fd).is_some() => used(|| deregister(session, fd)),
        _ => sources::forget_number(fd),
    }
}

fn mask_of(bits: u32) -> u8 {
    let pairs = [
        (libc::EPOLLIN, mask::READABLE),
        (libc::EPOLLOUT, mask::WRITABLE),
        (libc::EPOLLRDHUP, mask::READ_CLOSED),
        (libc::EPOLLHUP, mask::READ_CLOSED | mask::WRITE_CLOSED),
        (libc::EPOLLERR, mask::ERROR),
    ];
    let set = |(bit, _): &(c_int, u8)| bits & *bit as u32 != 0;
    pairs
        .iter()
        .filter(|pair| set(pair))
        .fold(0, |all, pair| all | pair.1)
}
