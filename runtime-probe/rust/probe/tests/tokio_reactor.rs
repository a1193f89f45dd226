//! What is seen from below: system calls on registered descriptors, whoever makes them.
#![cfg(wakeline_reactor)] // Where it is not seen from below there is nothing to compare.

#[path = "support/epoll.rs"]
mod epoll;
mod support;

use std::ffi::c_int;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use epoll::Epoll;
use support::reactor::{bytes, operations, sources, trace_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Builder;
use wakeline_wire::{
    operation_kind, operation_maker, operation_outcome, source_kind, EventRecord, Operation,
};

#[test]
fn without_a_wrapped_task_the_reactor_is_told_as_tokios_and_a_second_init_changes_nothing() {
    let test =
        "without_a_wrapped_task_the_reactor_is_told_as_tokios_and_a_second_init_changes_nothing";
    let trace = trace_of(test, || {
        assert!(wakeline::init().is_active(), "the recording that runs");
        assert!(wakeline::init_with(wakeline::Config::from_env()).is_err());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(address).await.unwrap();
            let (mut served, _) = listener.accept().await.unwrap();
            client.write_all(b"four").await.unwrap();
            let mut four = [0; 4];
            served.read_exact(&mut four).await.unwrap();
        });
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.hellos.last().unwrap().tier, "tokio stable");
    assert_eq!(sources(&trace, source_kind::TCP_STREAM).len(), 2);
    assert_eq!(bytes(&operations(&trace, operation_kind::READ)), 4);
    assert_eq!(
        trace.count(|event| matches!(event, EventRecord::PollStart(_))),
        0
    );
}

#[test]
fn an_echo_server_and_its_client_are_seen_with_addresses_and_bytes() {
    const MESSAGE: &[u8] = b"sixteen bytes...";
    let test = "an_echo_server_and_its_client_are_seen_with_addresses_and_bytes";
    let trace = trace_of(test, || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.unwrap().block_on(wakeline::tokio::root(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = wakeline::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; MESSAGE.len()];
                stream.read_exact(&mut buffer).await.unwrap();
                stream.write_all(&buffer).await.unwrap();
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(MESSAGE).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, MESSAGE);
            server.await.unwrap();

            let a = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let b = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            a.send_to(b"abc", b.local_addr().unwrap()).await.unwrap();
            assert_eq!(b.recv_from(&mut [0; 8]).await.unwrap().0, 3);
        }));
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.broken_watermarks, []);
    let streams = sources(&trace, source_kind::TCP_STREAM);
    let listeners = sources(&trace, source_kind::TCP_LISTENER);
    let (listener, ..) = &listeners[0];
    let address = &listeners[0].1;
    assert!(
        streams.iter().any(|(_, local, _)| local == address),
        "{streams:?}"
    );
    assert!(
        streams.iter().any(|(_, _, peer)| peer == address),
        "{streams:?}"
    );
    assert_eq!(sources(&trace, source_kind::UDP_SOCKET).len(), 2);

    let accepts = operations(&trace, operation_kind::ACCEPT);
    assert!(accepts.iter().all(|each| each.source == *listener));
    let done = |each: &&Operation| each.outcome == operation_outcome::DONE;
    assert_eq!(accepts.iter().filter(done).count(), 1);
    let (reads, writes) = (
        operations(&trace, operation_kind::READ),
        operations(&trace, operation_kind::WRITE),
    );
    assert_eq!(bytes(&writes), 2 * MESSAGE.len() as u64 + 3);
    assert_eq!(bytes(&reads), 2 * MESSAGE.len() as u64 + 3);
    for operation in reads.iter().chain(&writes) {
        assert_eq!(operation.made_by, operation_maker::POLL);
    }
    let registered = trace.count(|event| matches!(event, EventRecord::SourceRegister(_)));
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert!(gone >= 5 && gone <= registered, "{gone} of {registered}");
}

#[test]
fn errors_stay_what_the_system_said_and_leave_no_source() {
    let trace = trace_of(
        "errors_stay_what_the_system_said_and_leave_no_source",
        || {
            let errno = || std::io::Error::last_os_error().raw_os_error();
            let epoll = Epoll::new();
            let file = std::fs::File::open("/proc/self/exe").unwrap();
            assert_eq!(epoll.add(file.as_raw_fd(), 1), -1);
            assert_eq!(errno(), Some(libc::EPERM), "a file has no readiness");
            assert_eq!(epoll.add(9_999, 1), -1);
            assert_eq!(errno(), Some(libc::EBADF));
            let (stream, _other) = StdUnixStream::pair().unwrap();
            stream.set_nonblocking(true).unwrap();
            assert_eq!(epoll.add(stream.as_raw_fd(), 2), 0);
            assert_eq!(epoll.add(stream.as_raw_fd(), 2), -1);
            assert_eq!(errno(), Some(libc::EEXIST));
            assert_eq!(
                (&stream).read(&mut [0; 4]).unwrap_err().kind(),
                std::io::ErrorKind::WouldBlock
            );
            assert_eq!(epoll.wait(0), 0);
            // SAFETY: an impossible descriptor touches nothing.
            assert_eq!(unsafe { libc::close(-1) }, -1);
            assert_eq!(errno(), Some(libc::EBADF));
        },
    );
    let Some(trace) = trace else { return };
    let blocked = operations(&trace, operation_kind::READ);
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0].outcome, operation_outcome::WOULD_BLOCK);
    assert_eq!(blocked[0].made_by, operation_maker::THREAD);
    let live = trace.count(|event| matches!(event, EventRecord::SourceRegister(_)));
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!((live, gone), (4, 3));
}

#[test]
fn a_closed_number_that_means_something_else_is_no_source() {
    let test = "a_closed_number_that_means_something_else_is_no_source";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (mut stream, mut other) = StdUnixStream::pair().unwrap();
        let number = stream.as_raw_fd();
        assert_eq!(epoll.add(number, 1), 0);
        other.write_all(b"12").unwrap();
        assert_eq!(epoll.wait(-1), 1);
        stream.read_exact(&mut [0; 2]).unwrap();
        drop(stream);
        let mut file = std::fs::File::open("/proc/self/exe").unwrap();
        assert_eq!(
            file.as_raw_fd(),
            number,
            "the lowest free number is used again"
        );
        file.read_exact(&mut [0; 100]).unwrap();
    });
    let Some(trace) = trace else { return };
    assert_eq!(bytes(&operations(&trace, operation_kind::READ)), 2);
    let ready = trace.count(|event| matches!(event, EventRecord::Readiness(_)));
    assert_eq!(ready, 1);
    let gone = trace.count(|event| matches!(event, EventRecord::SourceDeregister(_)));
    assert_eq!(gone, 1);
}

static SIGNALLED: AtomicI32 = AtomicI32::new(-1);
static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn on_alarm(_: c_int) {
    let byte = [0_u8; 1];
    // SAFETY: one byte of ours to a descriptor that stays open.
    unsafe { libc::write(SIGNALLED.load(Ordering::Relaxed), byte.as_ptr().cast(), 1) };
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// As tokio's own signal handler does: it writes to a registered socket, wherever the
/// thread happens to be, in the middle of writing an event too.
#[test]
fn a_signal_handler_may_write_while_an_event_is_written() {
    const TASKS: usize = 4;
    let test = "a_signal_handler_may_write_while_an_event_is_written";
    let trace = trace_of(test, || {
        let epoll = Epoll::new();
        let (sender, receiver) = StdUnixStream::pair().unwrap();
        sender.set_nonblocking(true).unwrap();
        receiver.set_nonblocking(true).unwrap();
        assert_eq!(epoll.add(sender.as_raw_fd(), 1), 0);
        SIGNALLED.store(sender.as_raw_fd(), Ordering::Relaxed);
        // SAFETY: the handler only writes.
        unsafe { libc::signal(libc::SIGALRM, on_alarm as extern "C" fn(c_int) as usize) };
        // SAFETY: it takes nothing.
        let worker = unsafe { libc::pthread_self() };
        let is_over = Arc::new(AtomicBool::new(false));
        let alarm = Arc::clone(&is_over);
        let alarm = std::thread::spawn(move || {
            while !alarm.load(Ordering::Relaxed) {
                // SAFETY: the thread ends only after this one was joined.
                unsafe { libc::pthread_kill(worker, libc::SIGALRM) };
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let work = || async {
                for _ in 0..50_000 {
                    tokio::task::yield_now().await;
                }
            };
            let tasks: Vec<_> = (0..TASKS).map(|_| wakeline::spawn(work())).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        // Thousands have come, unless the other thread had no turn.
        while SIGNALS.load(Ordering::Relaxed) < 20 {
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
        alarm.join().unwrap();
        let mut received = Vec::new();
        let _ = (&receiver).read_to_end(&mut received);
        assert!(received.len() > 10, "only {} signals", received.len());
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.broken_watermarks, []);
    let polls = trace.count(|event| matches!(event, EventRecord::PollStart(_)));
    assert_eq!(polls, TASKS * 50_001);
    // Of the writes those are recorded that did not interrupt the recorder.
    let writes = operations(&trace, operation_kind::WRITE);
    assert!(!writes.is_empty());
}
