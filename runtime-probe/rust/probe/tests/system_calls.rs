//! Each replaced system call, made by hand: its result and errno stay the system's, it is
//! told once, and a descriptor's number never stands for the source that had it before.
#![cfg(wakeline_reactor)] // A sanitizer, for one, takes these calls itself.

#[path = "support/epoll.rs"]
mod epoll;
mod support;

use std::ffi::c_int;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use epoll::Epoll;
use support::reactor::{bytes, operations, readiness, sources, trace_of};
use wakeline_wire::{operation_kind, operation_outcome, park_kind, source_kind, EventRecord};

extern "C" {
    // The lowest libc crate that the probe builds with does not know these two.
    fn epoll_pwait2(
        epfd: c_int,
        events: *mut libc::epoll_event,
        most: c_int,
        timeout: *const libc::timespec,
        mask: *const libc::sigset_t,
    ) -> c_int;
    fn close_range(first: u32, last: u32, flags: c_int) -> c_int;
}

fn errno() -> Option<i32> {
    std::io::Error::last_os_error().raw_os_error()
}

fn message(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: all zero is a valid value of this plain structure.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

fn part(buffer: &mut [u8]) -> libc::iovec {
    libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    }
}

/// Two datagram sockets, both registered; the first sends to the second.
fn datagrams(epoll: &Epoll) -> (UdpSocket, UdpSocket) {
    let (a, b) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    b.set_nonblocking(true).unwrap();
    assert_eq!(epoll.add(a.as_raw_fd(), 1), 0);
    assert_eq!(epoll.add(b.as_raw_fd(), 2), 0);
    a.connect(b.local_addr().unwrap()).unwrap();
    (a, b)
}

#[test]
fn messages_are_told_with_their_bytes_and_a_look_is_not() {
    let trace = trace_of(
        "messages_are_told_with_their_bytes_and_a_look_is_not",
        || {
            let epoll = Epoll::new();
            let (a, b) = datagrams(&epoll);
            let mut buffer = *b"seven..";
            let mut one = part(&mut buffer);
            let mut head = message(&mut one);
            // SAFETY: the message refers to buffers of ours.
            let sent = unsafe { libc::sendmsg(a.as_raw_fd(), &head, 0) };
            assert_eq!(sent, 7);
            assert_eq!(epoll.wait(1_000), 1);
            for (flags, expected) in [(libc::MSG_PEEK, 7), (0, 7), (0, -1)] {
                // SAFETY: the message refers to buffers of ours.
                let got = unsafe { libc::recvmsg(b.as_raw_fd(), &mut head, flags) };
                assert_eq!(got, expected);
            }
            assert_eq!(errno(), Some(libc::EAGAIN));

            let (mut first, mut second) = (*b"ab", *b"cde");
            let (mut first, mut second) = (part(&mut first), part(&mut second));
            let mut several = [&mut first, &mut second].map(|part| libc::mmsghdr {
                msg_hdr: message(part),
                msg_len: 0,
            });
            let several = several.as_mut_ptr();
            // SAFETY: two messages that refer to buffers of ours.
            assert_eq!(unsafe { libc::sendmmsg(a.as_raw_fd(), several, 2, 0) }, 2);
            let none = std::ptr::null_mut();
            // SAFETY: two messages that refer to buffers of ours.
            let got = unsafe { libc::recvmmsg(b.as_raw_fd(), several, 2, 0, none) };
            assert_eq!(got, 2);
            // SAFETY: two messages that refer to buffers of ours.
            let got = unsafe { libc::recvmmsg(b.as_raw_fd(), several, 2, 0, none) };
            assert_eq!((got, errno()), (-1, Some(libc::EAGAIN)));
        },
    );
    let Some(trace) = trace else { return };
    let told = |kind| -> Vec<(u64, u64)> {
        let all = operations(&trace, kind);
        all.iter().map(|each| (each.outcome, each.bytes)).collect()
    };
    let (done, blocked) = (operation_outcome::DONE, operation_outcome::WOULD_BLOCK);
    assert_eq!(told(operation_kind::WRITE), [(done, 7), (done, 5)]);
    assert_eq!(
        told(operation_kind::READ),
        [(done, 7), (blocked, 0), (done, 5), (blocked, 0)]
    );
}

#[test]
fn a_file_sent_and_a_pipe_spliced_count_at_their_sources() {
    let test = "a_file_sent_and_a_pipe_spliced_count_at_their_sources";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (here, mut there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        assert_eq!(epoll.add(here.as_raw_fd(), 1), 0);
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let nowhere = std::ptr::null_mut();
        // SAFETY: both are open, and no offset is asked for.
        let sent = unsafe { libc::sendfile(here.as_raw_fd(), file.as_raw_fd(), nowhere, 100) };
        assert_eq!(sent, 100);
        // SAFETY: as above.
        let sent = unsafe { libc::sendfile64(here.as_raw_fd(), file.as_raw_fd(), nowhere, 10) };
        assert_eq!(sent, 10);
        there.read_exact(&mut [0; 110]).unwrap();
        there.write_all(b"twelve bytes").unwrap();
        let mut ends = [0; 2];
        // SAFETY: the pointer is to two numbers of ours.
        let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) };
        assert_eq!(made, 0);
        // SAFETY: just made, and nobody else's.
        let [from, to] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        let splice = |from: c_int, to: c_int| {
            let flags = libc::SPLICE_F_NONBLOCK;
            // SAFETY: no offset is asked for.
            unsafe { libc::splice(from, nowhere, to, nowhere, 100, flags) }
        };
        assert_eq!(splice(here.as_raw_fd(), to.as_raw_fd()), 12);
        assert_eq!(splice(here.as_raw_fd(), to.as_raw_fd()), -1);
        assert_eq!(errno(), Some(libc::EAGAIN));
        assert_eq!(splice(from.as_raw_fd(), here.as_raw_fd()), 12);
    });
    let Some(trace) = trace else { return };
    assert_eq!(
        bytes(&operations(&trace, operation_kind::WRITE)),
        100 + 10 + 12
    );
    let reads = operations(&trace, operation_kind::READ);
    assert_eq!(bytes(&reads), 12);
    assert_eq!(reads.len(), 2, "one found nothing");
}

#[test]
fn a_connect_that_takes_its_time_is_told_when_its_socket_is_registered() {
    let test = "a_connect_that_takes_its_time_is_told_when_its_socket_is_registered";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(epoll.add(listener.as_raw_fd(), 1), 0);
        let port = listener.local_addr().unwrap().port();
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
        // SAFETY: it takes no pointer.
        let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
        // SAFETY: just made, and nobody else's.
        let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
        // SAFETY: all zero is a valid value of this plain structure.
        let mut to: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        to.sin_family = libc::AF_INET as libc::sa_family_t;
        to.sin_port = port.to_be();
        to.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let size = std::mem::size_of_val(&to) as libc::socklen_t;
        // SAFETY: the address is ours and of the size stated.
        let result = unsafe { libc::connect(fd, std::ptr::from_ref(&to).cast(), size) };
        assert_eq!((result, errno()), (-1, Some(libc::EINPROGRESS)));
        assert_eq!(epoll.add(stream.as_raw_fd(), 2), 0);
        // SAFETY: nothing is asked about who it is.
        let accepted = unsafe {
            libc::accept(
                listener.as_raw_fd(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        assert!(accepted >= 0);
        // A blocking connect makes no source.
        drop(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        // SAFETY: the test's own.
        unsafe { libc::close(accepted) };
    });
    let Some(trace) = trace else { return };
    let connects = operations(&trace, operation_kind::CONNECT);
    assert_eq!(connects.len(), 1, "{connects:?}");
    assert_eq!(connects[0].outcome, operation_outcome::WOULD_BLOCK);
    let streams = sources(&trace, source_kind::TCP_STREAM);
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0].0, connects[0].source);
    assert_eq!(operations(&trace, operation_kind::ACCEPT).len(), 1);
}

#[test]
fn bytes_that_wait_are_told_with_the_readiness() {
    let test = "bytes_that_wait_are_told_with_the_readiness";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (here, mut there) = UnixStream::pair().unwrap();
        there.write_all(b"twelve bytes").unwrap();
        assert_eq!(epoll.add(here.as_raw_fd(), 1), 0);
        assert_eq!(epoll.wait(1_000), 1);
        (&here).read_exact(&mut [0; 12]).unwrap();
        drop(there);
        assert_eq!(epoll.wait(1_000), 1, "the end of the stream");
        drop(here);
        let (a, b) = UnixDatagram::pair().unwrap();
        a.send(b"abc").unwrap();
        a.send(b"defgh").unwrap();
        assert_eq!(epoll.add(b.as_raw_fd(), 2), 0);
        assert_eq!(epoll.wait(1_000), 1);
        drop(b);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(epoll.add(listener.as_raw_fd(), 3), 0);
        let _waits = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(epoll.wait(1_000), 1);
    });
    let Some(trace) = trace else { return };
    let waiting: Vec<_> = readiness(&trace)
        .iter()
        .map(|each| each.waiting_bytes)
        .collect();
    // Plus 1 each; a Unix datagram socket tells the next datagram's, a listener nothing.
    assert_eq!(waiting, [12 + 1, 1, 3 + 1, 0]);
}

#[test]
fn each_way_to_wait_is_a_park_with_its_timeout() {
    let test = "each_way_to_wait_is_a_park_with_its_timeout";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        let events = events.as_mut_ptr();
        let no_mask = std::ptr::null();
        assert_eq!(epoll.wait(1), 0);
        // SAFETY: the buffer is ours and of the size stated.
        let result = unsafe { libc::epoll_pwait(epoll.0, events, 4, 2, no_mask) };
        assert_eq!(result, 0);
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 3_000_500,
        };
        // SAFETY: the buffer is ours and of the size stated.
        let result = unsafe { epoll_pwait2(epoll.0, events, 4, &time, no_mask) };
        // A kernel before 5.11 does not have it.
        assert!(result == 0 || errno() == Some(libc::ENOSYS));
    });
    let Some(trace) = trace else { return };
    let timeouts: Vec<_> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::Park(park) if park.park_kind == park_kind::REACTOR => {
                Some(park.timeout_ns)
            }
            _ => None,
        })
        .collect();
    assert_eq!(timeouts, [1_000_001, 2_000_001, 3_000_501]);
}

/// The number of a source, made to mean a file in one way or another, and read.
#[test]
fn a_number_taken_over_is_no_source_however_that_came() {
    let test = "a_number_taken_over_is_no_source_however_that_came";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let mut file = std::fs::File::open("/proc/self/exe").unwrap();
        // SAFETY: (all three) the number is the test's own, and nothing is kept by it.
        let ways: [fn(c_int, c_int); 3] = [
            |file, number| assert_eq!(unsafe { libc::dup2(file, number) }, number),
            |file, number| assert_eq!(unsafe { libc::dup3(file, number, 0) }, number),
            |file, number| unsafe {
                assert_eq!(close_range(number as u32, number as u32, 0), 0);
                assert_eq!(libc::dup(file), number);
            },
        ];
        for (token, take_over) in ways.iter().enumerate() {
            let (mut stream, mut other) = UnixStream::pair().unwrap();
            // The lowest free number, so that `dup` gives it.
            let number = stream.as_raw_fd();
            assert_eq!(epoll.add(number, token as u64), 0);
            other.write_all(b"12").unwrap();
            stream.read_exact(&mut [0; 2]).unwrap();
            // SAFETY: a copy onto itself closes nothing, and one of nothing is refused.
            unsafe {
                assert_eq!(libc::dup2(number, number), number);
                assert_eq!(libc::dup2(9_999, number), -1);
            }
            other.write_all(b"3").unwrap();
            stream.read_exact(&mut [0; 1]).unwrap();
            take_over(file.as_raw_fd(), number);
            // By hand, because a socket's own reading is `recv`, which refuses a file.
            let mut buffer = [0_u8; 100];
            // SAFETY: the buffer is ours and of the size stated.
            let got = unsafe { libc::read(number, buffer.as_mut_ptr().cast(), 100) };
            assert_eq!(got, 100);
        }
        file.read_exact(&mut [0; 10]).unwrap();
    });
    let Some(trace) = trace else { return };
    assert_eq!(bytes(&operations(&trace, operation_kind::READ)), 3 * 3);
    assert_eq!(sources(&trace, source_kind::UNIX_STREAM).len(), 3);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 3);
}

#[test]
fn a_number_closed_unseen_and_registered_again_is_another_source() {
    let test = "a_number_closed_unseen_and_registered_again_is_another_source";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (first, _other) = UnixStream::pair().unwrap();
        let number = first.as_raw_fd();
        assert_eq!(epoll.add(number, 1), 0);
        // SAFETY: the socket is forgotten, so it is closed once.
        unsafe { libc::syscall(libc::SYS_close, number) };
        std::mem::forget(first);
        let datagram = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(datagram.as_raw_fd(), number);
        assert_eq!(epoll.add(number, 2), 0);
    });
    let Some(trace) = trace else { return };
    assert_eq!(sources(&trace, source_kind::UNIX_STREAM).len(), 1);
    assert_eq!(sources(&trace, source_kind::UDP_SOCKET).len(), 1);
}

#[test]
fn what_the_kernel_makes_without_a_file_has_its_kind() {
    let test = "what_the_kernel_makes_without_a_file_has_its_kind";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let mut signals = std::mem::MaybeUninit::uninit();
        // SAFETY: the set is written before it is read.
        let made = unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            [
                libc::eventfd(0, 0),
                libc::timerfd_create(libc::CLOCK_MONOTONIC, 0),
                libc::signalfd(-1, signals.as_ptr(), 0),
            ]
        };
        for (token, fd) in made.into_iter().enumerate() {
            assert_eq!(epoll.add(fd, token as u64), 0);
        }
    });
    let Some(trace) = trace else { return };
    for kind in [
        source_kind::EVENT_FD,
        source_kind::TIMER_FD,
        source_kind::SIGNAL,
    ] {
        assert_eq!(sources(&trace, kind).len(), 1, "kind {kind}");
    }
}

/// A vfork's child shares memory with its parent, and closes what stays open in that.
#[test]
fn a_vforks_child_that_closes_takes_no_source_from_its_parent() {
    let test = "a_vforks_child_that_closes_takes_no_source_from_its_parent";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (mut stream, mut other) = UnixStream::pair().unwrap();
        let number = stream.as_raw_fd();
        assert_eq!(epoll.add(number, 1), 0);
        // SAFETY: the child closes its own copy and ends, in a function that does not return.
        #[allow(deprecated)]
        let child = unsafe {
            let child = libc::vfork();
            if child == 0 {
                libc::close(number);
                libc::_exit(0);
            }
            child
        };
        assert!(child > 0);
        // SAFETY: no status is asked for.
        let ended = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
        assert_eq!(ended, child);
        other.write_all(b"12345").unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
    });
    let Some(trace) = trace else { return };
    assert_eq!(bytes(&operations(&trace, operation_kind::READ)), 5);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 1, "by the parent alone");
}
