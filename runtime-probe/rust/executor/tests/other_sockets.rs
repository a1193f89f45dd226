//! UDP and Unix sockets: each wait is readiness, wake, poll and the operation again.
#![cfg(unix)]

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{has_told, record, Event};
use wakeline_executor::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use wakeline_executor::observe::{OperationKind, OperationResult, SourceKind, WaitTarget};
use wakeline_executor::time::sleep;
use wakeline_executor::{block_on, join, spawn, yield_now, Runtime};

/// A path of its own per test, removed with what is there when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wakeline-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Place(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_datagram_over_udp_is_waited_for_and_read_whole() {
    let ((id, address, line), trace) = record(|| {
        block_on(async {
            let here = UdpSocket::bind("127.0.0.1:0").unwrap();
            let there = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = here.local_addr().unwrap();
            let id = here.source_id();
            let (from, to) = (there.local_addr().unwrap(), address);
            let sender = spawn(async move {
                yield_now().await; // The receiver waits by now.
                assert_eq!(there.send_to(b"hello", to).await.unwrap(), 5);
                there.connect(to).unwrap();
                assert_eq!(there.send(b"again").await.unwrap(), 5);
            });
            let mut buffer = [0; 64];
            let line = line!() + 1;
            let (bytes, sender_address) = here.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..bytes], sender_address), (&b"hello"[..], from));
            let (bytes, _) = here.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..bytes], b"again");
            sender.await.unwrap();
            (id, address, line)
        })
    });
    trace.check();
    let local = address.to_string();
    let kind = SourceKind::UdpSocket;
    assert_eq!(trace.registered(id), (kind, Some(local.as_str()), None));
    let read = OperationResult::Bytes(5);
    assert_eq!(trace.readable_chain(id, OperationKind::Read, read), line);
}

#[test]
fn many_datagrams_on_several_workers_all_arrive() {
    const SENDERS: u8 = 8;
    // 200 kB are what a socket's buffer holds by default, so the senders must wait too.
    const EACH: usize = 60;
    const BYTES: usize = 10_000;
    const ALL: usize = SENDERS as usize * EACH;
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let is_blocked = |event: &Event| matches!(event, Event::Wait { target, .. } if matches!(target, WaitTarget::SourceWritable(_)));
    let (sums, trace) = record(|| {
        let runtime = Runtime::multi(3).build().unwrap();
        runtime.block_on(async {
            let mut pairs = Vec::new();
            for number in 0..SENDERS {
                let (here, there) = UnixDatagram::pair().unwrap();
                let sender = spawn(async move {
                    for _ in 0..EACH {
                        there.send(&[number; BYTES]).await.unwrap();
                        WRITTEN.fetch_add(1, Ordering::SeqCst);
                    }
                });
                let receiver = spawn(async move {
                    // The buffer fills, or all was sent.
                    while !has_told(is_blocked) && WRITTEN.load(Ordering::SeqCst) < ALL {
                        sleep(Duration::from_millis(1)).await;
                    }
                    let mut sum = 0;
                    let mut buffer = vec![0; BYTES + 1];
                    for _ in 0..EACH {
                        let (bytes, from) = here.recv_from(&mut buffer).await.unwrap();
                        assert_eq!((bytes, from), (BYTES, None));
                        sum += usize::from(buffer[BYTES - 1]);
                    }
                    sum
                });
                pairs.push((sender, receiver));
            }
            let mut sums = Vec::new();
            for (sender, receiver) in pairs {
                sender.await.unwrap();
                sums.push(receiver.await.unwrap());
            }
            sums
        })
    });
    trace.check();
    let expected: Vec<_> = (0..usize::from(SENDERS)).map(|n| n * EACH).collect();
    assert_eq!(sums, expected);
    assert!(
        trace.count(is_blocked) > 0,
        "the senders never had to wait: this system's buffers hold more than {EACH} of {BYTES} bytes"
    );
}

#[test]
fn a_unix_listener_accepts_and_both_ends_talk() {
    let place = Place::new("unix-listener");
    let ((listener_id, client_id, server_id), trace) = record(|| {
        block_on(async {
            let listener = UnixListener::bind(&place.0).unwrap();
            let listener_id = listener.source_id();
            let path = place.0.clone();
            let client = spawn(async move {
                yield_now().await;
                let stream = UnixStream::connect(&path).unwrap();
                stream.write_all(b"ping").await.unwrap();
                let reply = stream.read_to_end().await.unwrap();
                (stream.source_id(), reply)
            });
            let stream = listener.accept().await.unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(&request, b"ping");
            yield_now().await;
            stream.write_all(&[b'x'; 30_000]).await.unwrap();
            let server_id = stream.source_id();
            drop(stream);
            let (client_id, reply) = client.await.unwrap();
            assert_eq!(reply, vec![b'x'; 30_000]);
            (listener_id, client_id, server_id)
        })
    });
    trace.check();
    let path = place.0.to_str().unwrap();
    let listens = (SourceKind::UnixListener, Some(path), None);
    assert_eq!(trace.registered(listener_id), listens);
    let connected = (SourceKind::UnixStream, None, Some(path));
    assert_eq!(trace.registered(client_id), connected);
    let accepted = (SourceKind::UnixStream, Some(path), None);
    assert_eq!(trace.registered(server_id), accepted);
    let accept = OperationKind::Accept;
    trace.readable_chain(listener_id, accept, OperationResult::Done);
    let connect = Event::Operation {
        source: client_id,
        kind: OperationKind::Connect,
        result: OperationResult::Done,
    };
    assert_eq!(trace.count(|event| *event == connect), 1);
}

#[test]
fn unix_datagrams_go_to_a_path_and_name_their_sender() {
    let (place, other) = (Place::new("datagram-a"), Place::new("datagram-b"));
    let (id, trace) = record(|| {
        block_on(async {
            let here = UnixDatagram::bind(&place.0).unwrap();
            let there = UnixDatagram::bind(&other.0).unwrap();
            let id = here.source_id();
            let mut buffer = [0; 8];
            let (received, sent) = join(here.recv_from(&mut buffer), async {
                yield_now().await;
                there.send_to(b"abc", &place.0).await
            })
            .await;
            assert_eq!(received.unwrap(), (3, Some(other.0.clone())));
            assert_eq!(sent.unwrap(), 3);
            id
        })
    });
    trace.check();
    let told = (SourceKind::UnixDatagram, place.0.to_str(), None);
    assert_eq!(trace.registered(id), told);
    trace.readable_chain(id, OperationKind::Read, OperationResult::Bytes(3));
}

#[test]
fn what_the_system_refuses_is_an_error() {
    let place = Place::new("refused");
    let ((), trace) = record(|| {
        block_on(async {
            let missing = UnixStream::connect(&place.0).unwrap_err();
            assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
            let _listener = UnixListener::bind(&place.0).unwrap();
            let taken = UnixListener::bind(&place.0).unwrap_err();
            assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
            let nobody = UnixDatagram::pair().unwrap().0;
            assert!(nobody.send(b"x").await.is_err());
        });
    });
    trace.check();
}
