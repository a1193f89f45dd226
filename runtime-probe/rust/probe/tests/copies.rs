//! Descriptors that are copies of one another, and sockets that are shut down: each copy is a
//! source of its own while its number lasts, and a shutdown is told with its side.
#![cfg(wakeline_reactor)] // A sanitizer, for one, takes these calls itself.

#[path = "support/epoll.rs"]
mod epoll;
mod support;

use std::ffi::c_int;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use epoll::Epoll;
use support::reactor::{bytes, operations, sources, trace_of};
use support::Trace;
use wakeline_wire::{
    operation_kind, operation_outcome, source_kind, DictionaryRecord, EventRecord, Source,
};

extern "C" {
    // The libc crate does not know it.
    fn fcntl64(fd: c_int, command: c_int, ...) -> c_int;
}

/// Numbers that nothing else of the test gets by itself.
const FAR: c_int = 700;

/// A way to make a copy of a descriptor.
type Way = fn(c_int) -> c_int;

// SAFETY: (all of them) numbers only; nothing that Rust owns is replaced.
const WAYS: [Way; 6] = [
    |fd| unsafe { libc::dup(fd) },
    |fd| unsafe { libc::dup2(fd, FAR) },
    |fd| unsafe { libc::dup3(fd, FAR + 1, libc::O_CLOEXEC) },
    |fd| unsafe { libc::fcntl(fd, libc::F_DUPFD, FAR + 2) },
    |fd| unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, FAR + 3) },
    |fd| unsafe { fcntl64(fd, libc::F_DUPFD_CLOEXEC, FAR + 4) },
];

fn owned(fd: c_int) -> OwnedFd {
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: just made, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// All sources of a kind, as the dictionary tells them at last.
fn records(trace: &Trace, kind: u64) -> Vec<Source> {
    let of_kind = |record: &DictionaryRecord| match record {
        DictionaryRecord::Source(source) if source.source_kind == kind => Some(*source),
        _ => None,
    };
    trace.dictionary.iter().filter_map(of_kind).collect()
}

/// Each copy writes a number of bytes of its own.
#[test]
fn a_copy_is_a_source_of_the_same_kind_and_addresses() {
    let test = "a_copy_is_a_source_of_the_same_kind_and_addresses";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut other, _) = listener.accept().unwrap();
        // No source yet, so neither is its copy.
        drop(owned(WAYS[0](stream.as_raw_fd())));
        assert_eq!(epoll.add(stream.as_raw_fd(), 1), 0);
        let mut expected = 0;
        for (index, way) in WAYS.iter().enumerate() {
            let mut copy = TcpStream::from(owned(way(stream.as_raw_fd())));
            copy.write_all(&vec![7; index + 1]).unwrap();
            expected += index + 1;
            // What the library of Rust calls itself.
            drop(copy.try_clone().unwrap());
        }
        other.read_exact(&mut vec![0; expected]).unwrap();
        stream.write_all(&[7; 100]).unwrap();
        assert!(WAYS.iter().all(|way| way(9_999) == -1), "copies of nothing");
    });
    let Some(trace) = trace else { return };
    let all = records(&trace, source_kind::TCP_STREAM);
    let (first, copies) = all.split_first().expect("the stream itself");
    assert_eq!(copies.len(), 2 * WAYS.len(), "{all:?}");
    for copy in copies {
        let text = |id| trace.text(id);
        assert_eq!(text(copy.local), text(first.local));
        assert_eq!(text(copy.peer), text(first.peer));
        assert_ne!((copy.id, copy.fd), (first.id, first.fd));
    }
    let numbers: Vec<_> = copies
        .iter()
        .step_by(2)
        .skip(1)
        .map(|copy| copy.fd)
        .collect();
    let far = i64::from(FAR);
    assert_eq!(numbers, [far, far + 1, far + 2, far + 3, far + 4]);
    let written: Vec<_> = operations(&trace, operation_kind::WRITE)
        .iter()
        .map(|write| (write.source, write.bytes))
        .collect();
    let mut expected: Vec<_> = (1..)
        .zip(copies.iter().step_by(2))
        .map(|(bytes, copy)| (copy.id, bytes))
        .collect();
    expected.push((first.id, 100));
    assert_eq!(written, expected);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 1, "the copies were registered with no reactor");
}

#[test]
fn a_copy_outlives_its_original_and_may_be_registered_itself() {
    let test = "a_copy_outlives_its_original_and_may_be_registered_itself";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (stream, mut other) = UnixStream::pair().unwrap();
        assert_eq!(epoll.add(stream.as_raw_fd(), 1), 0);
        let mut copy = stream.try_clone().unwrap();
        drop(stream);
        other.write_all(b"123").unwrap();
        copy.read_exact(&mut [0; 3]).unwrap();
        // A reactor of its own: the first still has what both share.
        let second = Epoll::new();
        assert_eq!(second.add(copy.as_raw_fd(), 2), 0);
        other.write_all(b"4567").unwrap();
        assert_eq!(second.wait(-1), 1);
        copy.read_exact(&mut [0; 4]).unwrap();
    });
    let Some(trace) = trace else { return };
    let ids: Vec<_> = sources(&trace, source_kind::UNIX_STREAM)
        .iter()
        .map(|each| each.0)
        .collect();
    assert_eq!(ids.len(), 2);
    let reads = operations(&trace, operation_kind::READ);
    assert!(reads.iter().all(|read| read.source == ids[1]), "{reads:?}");
    assert_eq!(bytes(&reads), 7);
    let registered: Vec<_> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::SourceRegister(each) => Some(each.source),
            _ => None,
        })
        .collect();
    assert_eq!(registered, ids);
    let ready: Vec<_> = support::reactor::readiness(&trace)
        .iter()
        .map(|each| each.source)
        .collect();
    assert_eq!(ready, [ids[1]]);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 2);
}

/// The number of a copy is closed and then means a file.
#[test]
fn a_copys_number_means_the_source_no_longer_than_it_is_open() {
    let test = "a_copys_number_means_the_source_no_longer_than_it_is_open";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (stream, mut other) = UnixStream::pair().unwrap();
        assert_eq!(epoll.add(stream.as_raw_fd(), 1), 0);
        let file = File::open("/proc/self/exe").unwrap();
        for way in WAYS {
            let mut copy = UnixStream::from(owned(way(stream.as_raw_fd())));
            other.write_all(b"12").unwrap();
            copy.read_exact(&mut [0; 2]).unwrap();
            let number = copy.as_raw_fd();
            drop(copy);
            let mut again = File::from(owned(file_under(&file, number)));
            again.read_exact(&mut [0; 50]).unwrap();
            drop(again);
            // Closed behind the probe's back, and given to a file by the next call.
            let copy = UnixStream::from(owned(way(stream.as_raw_fd())));
            let number = copy.as_raw_fd();
            // SAFETY: the socket is forgotten, so it is closed once.
            unsafe { libc::syscall(libc::SYS_close, number) };
            std::mem::forget(copy);
            let mut again = File::from(owned(file_under(&file, number)));
            again.read_exact(&mut [0; 50]).unwrap();
        }
    });
    let Some(trace) = trace else { return };
    let reads = operations(&trace, operation_kind::READ);
    assert_eq!(bytes(&reads), 2 * WAYS.len() as u64, "{reads:?}");
}

/// A copy of the file with this number, which is free.
fn file_under(file: &File, number: c_int) -> c_int {
    // SAFETY: it takes no pointer.
    let copy = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, number) };
    assert_eq!(copy, number);
    copy
}

#[test]
fn a_number_that_an_accept_gives_is_not_what_it_was_before() {
    let test = "a_number_that_an_accept_gives_is_not_what_it_was_before";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (before, _other) = UnixStream::pair().unwrap();
        let number = before.as_raw_fd();
        assert_eq!(epoll.add(number, 1), 0);
        // SAFETY: the socket is forgotten, so it is closed once.
        unsafe { libc::syscall(libc::SYS_close, number) };
        std::mem::forget(before);
        let (mut served, _) = listener.accept().unwrap();
        assert_eq!(served.as_raw_fd(), number, "the lowest free number");
        client.write_all(b"123").unwrap();
        served.read_exact(&mut [0; 3]).unwrap();
    });
    let Some(trace) = trace else { return };
    assert_eq!(operations(&trace, operation_kind::READ), []);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 1);
}

#[test]
fn a_shutdown_is_told_with_its_side() {
    let test = "a_shutdown_is_told_with_its_side";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let pairs: [(UnixStream, UnixStream); 3] = [(); 3].map(|()| UnixStream::pair().unwrap());
        let sides = [Shutdown::Read, Shutdown::Write, Shutdown::Both];
        for ((socket, other), side) in pairs.iter().zip(sides) {
            assert_eq!(epoll.add(socket.as_raw_fd(), 1), 0);
            socket.shutdown(side).unwrap();
            other.shutdown(side).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(epoll.add(stream.as_raw_fd(), 2), 0);
        let (fd, bad) = (stream.as_raw_fd(), 77);
        // SAFETY: it takes no pointer.
        assert_eq!(unsafe { libc::shutdown(fd, bad) }, -1);
        let error = std::io::Error::last_os_error().raw_os_error();
        assert_eq!(error, Some(libc::EINVAL));
    });
    let Some(trace) = trace else { return };
    let shutdowns: Vec<_> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::Operation(each) if each.operation_kind != operation_kind::CONNECT => {
                Some((each.operation_kind, each.outcome, each.bytes))
            }
            _ => None,
        })
        .collect();
    let (done, error) = (operation_outcome::DONE, operation_outcome::ERROR);
    let expected = [
        (operation_kind::SHUTDOWN_READ, done, 0),
        (operation_kind::SHUTDOWN_WRITE, done, 0),
        (operation_kind::SHUTDOWN_BOTH, done, 0),
        (operation_kind::SHUTDOWN_BOTH, error, libc::EINVAL as u64),
    ];
    assert_eq!(shutdowns, expected);
}

/// A variadic function is replaced by one that is not: what its callers give must arrive.
#[test]
fn other_commands_of_fcntl_go_through_with_their_arguments() {
    let test = "other_commands_of_fcntl_go_through_with_their_arguments";
    let trace = trace_of(test, || {
        let (stream, _other) = UnixStream::pair().unwrap();
        let fd = stream.as_raw_fd();
        // SAFETY: numbers only.
        unsafe {
            let flags = libc::fcntl(fd, libc::F_GETFL);
            assert_eq!(libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK), 0);
            assert_eq!(fcntl64(fd, libc::F_GETFL), flags | libc::O_NONBLOCK);
            assert_eq!(fcntl64(fd, libc::F_SETFD, 0), 0);
            assert_eq!(libc::fcntl(fd, libc::F_GETFD), 0);
            assert_eq!(libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC), 0);
            assert_eq!(libc::fcntl(fd, libc::F_GETFD), libc::FD_CLOEXEC);
        }
        let file = File::open("/proc/self/exe").unwrap();
        // SAFETY: all zero is a valid value of this plain structure.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = libc::F_RDLCK as libc::c_short;
        lock.l_len = 12;
        let pointer = std::ptr::from_mut(&mut lock);
        // SAFETY: the lock is ours, and outlives both calls.
        unsafe {
            assert_eq!(libc::fcntl(file.as_raw_fd(), libc::F_SETLK, pointer), 0);
            assert_eq!(libc::fcntl(file.as_raw_fd(), libc::F_GETLK, pointer), 0);
        }
        assert_eq!(
            c_int::from(lock.l_type),
            libc::F_UNLCK,
            "nobody else has it"
        );
    });
    let Some(trace) = trace else { return };
    assert_eq!(
        trace.count(|event| matches!(event, EventRecord::Operation(_))),
        0
    );
}
