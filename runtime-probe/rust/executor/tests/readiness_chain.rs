//! Readiness is not data: readiness, wake, poll, and only then the read.

mod support;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;

use support::{record, wait_for_wait, wait_until, Event, PATIENCE};
use wakeline_executor::net::{TcpListener, TcpStream};
use wakeline_executor::observe::{
    mask, OperationKind, OperationResult, Outcome, ParkKind, SourceKind, WaitTarget, WakeCause,
    WakeEffect,
};
use wakeline_executor::time::timeout;
use wakeline_executor::{block_on, join, join_all, spawn, Runtime};

fn is_read(target: &WaitTarget) -> bool {
    matches!(target, WaitTarget::SourceReadable(_))
}

/// A plain blocking server that says `hello` to one client after it has waited.
fn late_server(wait: fn()) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        wait();
        stream.write_all(b"hello").unwrap();
    });
    (address, server)
}

#[test]
fn a_late_answer_is_read_by_the_poll_that_readiness_caused() {
    let (source, trace) = record(|| {
        let (address, server) = late_server(|| wait_for_wait(is_read));
        let source = block_on(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut buffer = [0; 16];
            let bytes = stream.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..bytes], b"hello");
            stream.source_id()
        });
        server.join().unwrap();
        source
    });
    trace.check();
    let root = trace.root();
    let read = |result| {
        move |event: &Event| {
            *event
                == Event::Operation {
                    source,
                    kind: OperationKind::Read,
                    result,
                }
        }
    };
    let blocked = trace.position(0, read(OperationResult::WouldBlock));
    let wait = trace.position(blocked, |event| {
        matches!(event, Event::Wait { target, .. } if *target == WaitTarget::SourceReadable(source))
    });
    let pending = trace.position(wait, |event| {
        *event
            == Event::PollEnd {
                task: root,
                outcome: Outcome::Pending,
            }
    });
    let park = trace.position(pending, |event| {
        matches!(
            event,
            Event::Park {
                kind: ParkKind::Reactor,
                ..
            }
        )
    });
    let unpark = trace.position(
        park,
        |event| matches!(event, Event::Unpark { events, .. } if *events >= 1),
    );
    let ready = trace.position(unpark, |event| {
        matches!(event, Event::Readiness { source: id, mask } if *id == source && mask & mask::READABLE != 0)
    });
    let wake = trace.position(
        ready,
        |event| matches!(event, Event::Wake { cause, .. } if *cause == WakeCause::Source(source)),
    );
    let poll = trace.position(wake, |event| matches!(event, Event::PollStart { .. }));
    let bytes = trace.position(poll, read(OperationResult::Bytes(5)));
    let order = [
        blocked, wait, pending, park, unpark, ready, wake, poll, bytes,
    ];
    assert!(order.is_sorted(), "{order:?}");
    // Nothing comes between readiness, wake, poll and read: one thread, one cause.
    assert_eq!([wake, poll, bytes], [ready + 1, ready + 2, ready + 3]);
}

#[test]
fn a_registration_is_told_before_its_readiness_and_undone_before_its_close() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"x").await.unwrap();
            });
            let stream = TcpStream::connect(address).await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            server.await.unwrap();
        });
    });
    trace.check();
    let mut registered = 0;
    for (at, told) in trace.0.iter().enumerate() {
        if let Event::Readiness { source, .. } = told.event {
            let from = trace.position(0, |event| {
                matches!(event, Event::SourceRegistered { source: id, .. } if *id == source)
            });
            assert!(from < at);
        }
        if let Event::SourceRegistered {
            source,
            kind,
            interest,
            local: Some(_),
            ref peer,
        } = told.event
        {
            registered += 1;
            let listens = kind == SourceKind::TcpListener;
            assert_eq!(peer.is_some(), !listens);
            assert_eq!(interest & mask::WRITABLE == 0, listens);
            trace.position(
                at,
                |event| matches!(event, Event::SourceDeregistered { source: id } if *id == source),
            );
        }
    }
    assert_eq!(registered, 3, "a listener and both ends");
}

#[test]
fn a_full_socket_makes_the_writer_wait_and_loses_nothing() {
    // More than the system buffers on both ends of a loopback connection.
    const BYTES: usize = 32 << 20;
    let (received, trace) = record(|| {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (read_now, may_read) = std::sync::mpsc::channel();
        let reader = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            may_read.recv().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        });
        block_on(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let data: Vec<u8> = (0..BYTES).map(|n| (n % 251) as u8).collect();
            // The second branch has its turn when the first one waits.
            let (written, ()) = join(stream.write_all(&data), async {
                read_now.send(()).unwrap();
            })
            .await;
            written.unwrap();
        });
        reader.join().unwrap()
    });
    trace.check();
    assert_eq!(received.len(), BYTES);
    assert!(received
        .iter()
        .enumerate()
        .all(|(n, byte)| *byte == (n % 251) as u8));
    let waits = trace.count(|event| {
        matches!(
            event,
            Event::Wait {
                target: WaitTarget::SourceWritable(_),
                ..
            }
        )
    });
    assert!(waits >= 1);
    let written: usize = trace
        .events()
        .filter_map(|event| match event {
            Event::Operation {
                kind: OperationKind::Write,
                result: OperationResult::Bytes(bytes),
                ..
            } => Some(*bytes),
            _ => None,
        })
        .sum();
    assert_eq!(written, BYTES);
}

/// A port that is taken, so that nobody else listens on it meanwhile.
fn bound_and_not_listening() -> (OwnedFd, SocketAddr) {
    let mut address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be(),
        },
        sin_zero: [0; 8],
    };
    let mut bytes = size_of_val(&address) as libc::socklen_t;
    // SAFETY: plain calls; the address and its length are ours and live through them, and
    // the descriptor is new and nobody else's.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        assert!(socket >= 0);
        let socket = OwnedFd::from_raw_fd(socket);
        let place = std::ptr::from_mut(&mut address).cast::<libc::sockaddr>();
        assert_eq!(libc::bind(socket.as_raw_fd(), place, bytes), 0);
        assert_eq!(libc::getsockname(socket.as_raw_fd(), place, &mut bytes), 0);
        let port = u16::from_be(address.sin_port);
        (socket, (Ipv4Addr::LOCALHOST, port).into())
    }
}

#[test]
fn a_refused_connection_is_an_error() {
    let (error, trace) = record(|| {
        let (_bound, address) = bound_and_not_listening();
        block_on(TcpStream::connect(address)).unwrap_err()
    });
    trace.check();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_stream_that_ends_early_says_how_far_it_came() {
    let (error, trace) = record(|| {
        let (address, server) = late_server(|| ());
        let error = block_on(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut buffer = [0; 64];
            stream.read_exact(&mut buffer).await.unwrap_err()
        });
        server.join().unwrap();
        error
    });
    trace.check();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("5 of 64"), "{error}");
}

#[test]
fn a_hundred_requests_are_a_hundred_sources_on_one_thread() {
    let ((), trace) = record(|| {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut streams: Vec<StdStream> =
                (0..100).map(|_| listener.accept().unwrap().0).collect();
            // Each answer is late.
            wait_until("all clients wait to read", |told| {
                let waits = told.iter().filter(
                    |told| matches!(&told.event, Event::Wait { target, .. } if is_read(target)),
                );
                waits.count() == 100
            });
            for stream in &mut streams {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                stream.write_all(&byte).unwrap();
            }
        });
        block_on(async move {
            let clients = (0..100u8).map(|n| {
                spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    stream.write_all(&[n]).await.unwrap();
                    let mut answer = [0];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, [n]);
                })
            });
            for answer in join_all(clients).await {
                answer.unwrap();
            }
        });
        server.join().unwrap();
    });
    trace.check();
    assert_eq!(
        trace.count(|event| matches!(event, Event::SourceRegistered { .. })),
        100
    );
    assert_eq!(
        trace.count(|event| matches!(event, Event::JobSubmitted { .. })),
        0
    );
    let threads: std::collections::HashSet<_> = trace.0.iter().map(|told| told.thread).collect();
    assert_eq!(threads.len(), 1);
    // Each client's last wake came from its own source.
    let by_source = trace.count(|event| {
        matches!(
            event,
            Event::Wake {
                cause: WakeCause::Source(_),
                effect: WakeEffect::Scheduled,
                ..
            }
        )
    });
    assert!(by_source >= 100, "{by_source}");
}

/// While one worker has got `WouldBlock` and not yet stored its waker, the other one
/// sees the readiness, finds no waker, and there will be no second edge.
#[test]
fn an_edge_between_a_failed_read_and_its_stored_waker_is_not_lost() {
    let (source, trace) = record(|| {
        let (address, server) = late_server(|| {
            wait_until("the read would block", |told| {
                let is_blocked = |event: &Event| {
                    matches!(
                        event,
                        Event::Operation {
                            kind: OperationKind::Read,
                            result: OperationResult::WouldBlock,
                            ..
                        }
                    )
                };
                told.iter().any(|told| is_blocked(&told.event))
            });
        });
        let runtime = Runtime::multi(2).build().unwrap();
        let source = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            support::hold_after_would_block(true);
            let source = stream.source_id();
            let reader = spawn(async move {
                let mut answer = [0; 5];
                stream.read_exact(&mut answer).await.unwrap();
                answer
            });
            let answer = timeout(PATIENCE, reader).await;
            support::hold_after_would_block(false);
            assert_eq!(&answer.unwrap().unwrap(), b"hello");
            source
        });
        server.join().unwrap();
        source
    });
    trace.check();
    let read = |result| Event::Operation {
        source,
        kind: OperationKind::Read,
        result,
    };
    let blocked = trace.position(0, |event| *event == read(OperationResult::WouldBlock));
    let ready = trace.position(
        blocked,
        |event| matches!(event, Event::Readiness { source: id, .. } if *id == source),
    );
    let bytes = trace.position(ready, |event| *event == read(OperationResult::Bytes(5)));
    assert_ne!(trace.0[ready].thread, trace.0[bytes].thread);
    // The same poll tried again: it told of no wait, and nobody woke it.
    let told = trace.0[blocked..bytes].iter();
    assert!(!told.clone().any(|told| matches!(
        told.event,
        Event::Wait { target: WaitTarget::SourceReadable(id), .. } if id == source
    )));
    assert!(!told.clone().any(|told| matches!(
        told.event,
        Event::Wake { cause: WakeCause::Source(id), .. } if id == source
    )));
}

#[test]
fn thousands_of_round_trips_on_two_workers_lose_nothing() {
    const CONNECTIONS: usize = 4;
    const ROUND_TRIPS: u32 = 2_000;
    let (finished, trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(timeout(PATIENCE, async {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                for _ in 0..CONNECTIONS {
                    let (stream, _) = listener.accept().await.unwrap();
                    spawn(async move {
                        let mut number = [0; 4];
                        while stream.read_exact(&mut number).await.is_ok() {
                            stream.write_all(&number).await.unwrap();
                        }
                    });
                }
            });
            let clients = (0..CONNECTIONS).map(|_| {
                spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    for n in 0..ROUND_TRIPS {
                        let mut back = [0; 4];
                        stream.write_all(&n.to_be_bytes()).await.unwrap();
                        stream.read_exact(&mut back).await.unwrap();
                        assert_eq!(u32::from_be_bytes(back), n);
                    }
                })
            });
            for client in join_all(clients).await {
                client.unwrap();
            }
            server.await.unwrap();
        }))
    });
    assert!(finished.is_ok(), "a read waits for an edge that has passed");
    trace.check();
}
