//! Owns `epoll_wait` with its kin and `epoll_ctl`: the reactor's parks, what became ready,
//! and what is registered. It must not know which runtime calls.

use std::ffi::c_int;
use std::slice;

use libc::{epoll_event, sigset_t, timespec};
use wakeline_executor::observe::{mask, new_ids};
use wakeline_wire::{detail, kind, operation_kind, operation_outcome, source_kind, Source};

use super::real::{errno, interposed, set_errno};
use super::sources::{self, Connect, Registered};
use super::{is_own_process, session};
use crate::dictionary::Living;
use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::{seen, Session};
use crate::this_thread::{used, with_recorder};

/// The same number on every processor; the lowest libc crate has no name for it.
const SYS_EPOLL_PWAIT2: libc::c_long = 441;
/// What the kernel's signal sets take, in bytes.
const SIGNAL_SET_BYTES: usize = 8;
/// Events whose sources are looked up under one lock, so that a registration on another
/// thread waits for no more than that.
const EVENTS_AT_ONCE: usize = 32;

pub(super) fn lean(session: &'static Session, record: impl FnOnce(&mut Recorder)) {
    if detail_of(gate()) >= detail::LEAN {
        with_recorder(session, record);
    }
}

interposed! {
    /// The library's `epoll_wait`, with a park before it and an unpark and readiness after it.
    fn epoll_wait(epfd: c_int, events: *mut epoll_event, most: c_int, timeout_ms: c_int) -> c_int
        as EpollWait, "epoll_wait";
    system libc::syscall(libc::SYS_epoll_pwait, epfd, events, most, timeout_ms, 0_usize, SIGNAL_SET_BYTES);
    recorded |call| wait(epfd, events, timeout_of(timeout_ms), call);

    /// The library's `epoll_pwait`; see `epoll_wait`.
    fn epoll_pwait(
        epfd: c_int, events: *mut epoll_event, most: c_int, timeout_ms: c_int, mask: *const sigset_t,
    ) -> c_int
        as EpollPwait, "epoll_pwait";
    system libc::syscall(libc::SYS_epoll_pwait, epfd, events, most, timeout_ms, mask, SIGNAL_SET_BYTES);
    recorded |call| wait(epfd, events, timeout_of(timeout_ms), call);

    /// The library's `epoll_pwait2`; see `epoll_wait`.
    fn epoll_pwait2(
        epfd: c_int, events: *mut epoll_event, most: c_int, timeout: *const timespec, mask: *const sigset_t,
    ) -> c_int
        as EpollPwait2, "epoll_pwait2";
    system libc::syscall(SYS_EPOLL_PWAIT2, epfd, events, most, timeout, mask, SIGNAL_SET_BYTES);
    recorded |call| {
        // SAFETY: null, or a time of the caller's.
        let timeout = unsafe { timeout.as_ref() };
        let timeout_ns = timeout.map_or(0, |time| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
            seconds.saturating_mul(1_000_000_000).saturating_add(rest + 1)
        });
        wait(epfd, events, timeout_ns, call)
    };

    /// The library's `epoll_ctl`, with the source and its registration before it, so that no
    /// readiness of it can be told first.
    fn epoll_ctl(epfd: c_int, operation: c_int, fd: c_int, event: *mut epoll_event) -> c_int
        as EpollCtl, "epoll_ctl";
    system libc::syscall(libc::SYS_epoll_ctl, epfd, operation, fd, event);
    recorded |call| control(epfd, operation, fd, event, call);
}

/// A time-out as the wire has it: 0 stands for none, so one is told plus 1.
fn timeout_of(timeout_ms: c_int) -> u64 {
    u64::try_from(timeout_ms).map_or(0, |ms| ms * 1_000_000 + 1)
}

#[inline]
fn wait(
    epfd: c_int,
    events: *mut epoll_event,
    timeout_ns: u64,
    call: impl FnOnce() -> c_int,
) -> c_int {
    let Some(session) = session(epfd).filter(|_| !sources::is_left_alone(epfd)) else {
        return call();
    };
    let before = errno();
    with_recorder(session, |r| {
        r.foreign_park(detail_of(gate()) >= detail::LEAN, timeout_ns);
    });
    set_errno(before);
    let count = call();
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
    for part in ready.chunks(EVENTS_AT_ONCE) {
        let mut found = [None; EVENTS_AT_ONCE];
        let mut locked = sources::lock();
        for (place, event) in found.iter_mut().zip(part) {
            *place = locked.by_token(event.u64);
        }
        drop(locked);
        for (found, event) in found.iter().zip(part) {
            if let Some((fd, registered)) = found {
                tell_one(session, *fd, registered, mask_of(event.events));
            }
        }
    }
}

fn tell_one(session: &'static Session, fd: c_int, registered: &Registered, mask: u8) {
    // A connection has been made, or refused, since the socket was registered.
    if !registered.has_peer && describe(session, fd, registered) {
        sources::lock().set_peer_known(fd);
    }
    let mut waiting = 0;
    if mask & mask::READABLE != 0 && detail_of(gate()) >= detail::FULL {
        waiting = sources::waiting_bytes(fd, registered).map_or(0, |bytes| bytes + 1);
    }
    let fields = [registered.source, u64::from(mask), waiting];
    lean(session, |r| r.event(kind::READINESS, fields));
}

#[inline]
fn control(
    epfd: c_int,
    operation: c_int,
    fd: c_int,
    event: *mut epoll_event,
    call: impl FnOnce() -> c_int,
) -> c_int {
    let is_recorded = |session: &&Session| {
        !sources::is_left_alone(epfd) && !super::is_impossible(fd) && is_own_process(session)
    };
    let Some(session) = session(epfd).filter(is_recorded) else {
        return call();
    };
    if operation == libc::EPOLL_CTL_DEL {
        used(|| deregister(session, fd));
        return call();
    }
    // SAFETY: the caller hands in an event; a null one is refused by the kernel.
    let Some(event) = (unsafe { event.as_ref() }).copied() else {
        return call();
    };
    // A runtime that is not ours is at work, also where none of its tasks is wrapped.
    session.saw(seen::WRAPPED);
    session.saw(seen::REACTOR);
    let is_new = used(|| register(session, fd, &event));
    let result = call();
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
    let identity = sources::identity_of(fd);
    let mut known = sources::lock().get(fd);
    if known.is_some_and(|known| known.identity != identity) {
        // Closed in a way that was not seen, and its number given to something else.
        deregister(session, fd);
        known = None;
    }
    let source = match known {
        Some(registered) => {
            sources::lock().set_token(fd, token);
            registered.source
        }
        None => {
            let registered = make_source(session, fd, identity);
            let connect = sources::take_connect(fd);
            let mut locked = sources::lock();
            locked.insert(fd, registered);
            locked.set_token(fd, token);
            drop(locked);
            if let Some(connect) = connect {
                tell_connect(session, registered.source, connect);
            }
            registered.source
        }
    };
    let fields = [source, u64::from(mask_of(bits)), token];
    lean(session, |r| r.event(kind::SOURCE_REGISTER, fields));
    set_errno(error);
    known.is_none()
}

/// The connect that was made before the socket was registered, some µs ago.
fn tell_connect(session: &'static Session, source: u64, connect: Connect) {
    let outcome = match connect {
        Connect::Begun => operation_outcome::WOULD_BLOCK,
        Connect::Done => operation_outcome::DONE,
    };
    if detail_of(gate()) >= detail::FULL {
        with_recorder(session, |r| {
            let maker = r.operation_maker();
            r.operation(source, operation_kind::CONNECT, [outcome, 0], maker);
        });
    }
}

fn make_source(session: &'static Session, fd: c_int, identity: sources::Identity) -> Registered {
    let kind = sources::kind_of(fd);
    let mut registered = Registered::of(new_ids::source(), kind, identity);
    let has_peer = describe(session, fd, &registered);
    // Only a stream that still connects gets a peer later.
    registered.has_peer = has_peer || kind != source_kind::TCP_STREAM;
    registered
}

/// The call before has made `new` a copy of `old`, which is a source: one more of its kind.
pub(super) fn copy(session: &'static Session, old: c_int, new: c_int) {
    let mut locked = sources::lock();
    let (of_old, of_new) = (locked.get(old), locked.get(new));
    drop(locked);
    if of_new.is_some() {
        // Closed in a signal handler, which forgot no more than the number.
        deregister(session, new);
    }
    let Some(Registered { kind, identity, .. }) = of_old else {
        return;
    };
    // The number may have been given to something else, unseen.
    if sources::identity_of(new) != identity {
        return;
    }
    let mut registered = Registered::of(new_ids::source(), kind, identity);
    let has_peer = describe(session, new, &registered);
    registered.has_peer = has_peer || kind != source_kind::TCP_STREAM;
    sources::lock().insert(new, registered);
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
    let removed = sources::lock().remove(fd);
    if let Some(removed) = removed {
        let source = removed.source;
        if removed.has_token() {
            lean(session, |r| r.event(kind::SOURCE_DEREGISTER, [source]));
        }
        session.dictionary.ended(Living::Source(source));
    }
    set_errno(error);
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
