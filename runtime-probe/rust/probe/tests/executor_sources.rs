//! Sockets of every kind, signals and child processes of our executor, on the wire: each
//! source is in the dictionary with its kind and ends, and what was done on it adds up.
#![cfg(unix)]

mod support;

use std::process::Stdio;

use support::{child, connected, finish, role, Collector};
use wakeline_executor::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use wakeline_executor::process::Command;
use wakeline_executor::signal::{signal, SignalKind};
use wakeline_executor::{block_on, spawn, yield_now};
use wakeline_wire::{
    operation_kind, operation_outcome, source_kind, DictionaryRecord, EventRecord,
};

/// Uses one of each; the counts that the test expects are those of this function.
async fn scenario() -> std::io::Result<()> {
    let (here, there) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    let to = here.local_addr()?;
    let sender = spawn(async move {
        yield_now().await;
        there.send_to(&[1; 100], to).await
    });
    assert_eq!(here.recv_from(&mut [0; 200]).await?.0, 100);
    sender.await.expect("the sender does not panic")?;

    let (one, other) = UnixDatagram::pair()?;
    one.send(&[2; 30]).await?;
    assert_eq!(other.recv_from(&mut [0; 64]).await?.0, 30);

    let path = std::env::temp_dir().join(format!("wakeline-sources-{}", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let client = UnixStream::connect(&path)?;
    let server = listener.accept().await?;
    std::fs::remove_file(&path)?;
    client.write_all(&[3; 500]).await?;
    server.read_exact(&mut [0; 500]).await?;

    let user = signal(SignalKind::USER_1)?;
    // SAFETY: a plain call; there is a handler for the signal.
    unsafe { libc::raise(libc::SIGUSR1) };
    user.recv().await?;

    let mut echo = Command::new("sh");
    let mut echo = echo
        .args(["-c", "printf 0123456789"])
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = echo.stdout.take().expect("it was asked for");
    assert_eq!(stdout.read_to_end().await?, b"0123456789");
    assert!(echo.wait().await?.success());
    Ok(())
}

#[test]
fn sources_of_every_kind_arrive_with_their_ends_and_operations() {
    if role().is_some() {
        wakeline::init!();
        block_on(scenario()).unwrap();
        return;
    }
    let collector = Collector::start();
    let name = "sources_of_every_kind_arrive_with_their_ends_and_operations";
    let program = connected(child(name, "sources"), &collector);
    let output = finish({ program }.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();

    let mut sources: Vec<_> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Source(source) => Some(*source),
            _ => None,
        })
        .collect();
    sources.sort_by_key(|source| source.id);
    sources.dedup_by_key(|source| source.id);
    let of_kind = |kind: u64| sources.iter().filter(move |each| each.source_kind == kind);
    let bytes = |kind: u64, operation: u64| -> u64 {
        let moved = trace.all().filter_map(|event| match event {
            EventRecord::Operation(each)
                if each.operation_kind == operation
                    && each.outcome == operation_outcome::DONE
                    && of_kind(kind).any(|source| source.id == each.source) =>
            {
                Some(each.bytes)
            }
            _ => None,
        });
        moved.sum()
    };
    let (read, write) = (operation_kind::READ, operation_kind::WRITE);
    for (kind, count, written, read_back) in [
        (source_kind::UDP_SOCKET, 2, 100, 100),
        (source_kind::UNIX_DATAGRAM, 2, 30, 30),
        (source_kind::UNIX_STREAM, 2, 500, 500),
        (source_kind::UNIX_LISTENER, 1, 0, 0),
        (source_kind::PIPE, 1, 0, 10),
    ] {
        assert_eq!(of_kind(kind).count(), count, "sources of kind {kind}");
        assert_eq!(bytes(kind, write), written, "bytes written to {kind}");
        assert_eq!(bytes(kind, read), read_back, "bytes read from {kind}");
    }
    let signals: Vec<_> = of_kind(source_kind::SIGNAL)
        .map(|source| trace.text(source.local))
        .collect();
    let children = of_kind(source_kind::CHILD).count();
    // Where there are no process descriptors, SIGCHLD stands for the child.
    match children {
        1 => assert_eq!(signals, ["SIGUSR1"]),
        _ => assert_eq!(signals, ["SIGUSR1", "SIGCHLD"]),
    }
    let collected = trace.count(|event| {
        matches!(event, EventRecord::Operation(each)
            if each.operation_kind == operation_kind::COLLECT
                && each.outcome == operation_outcome::DONE)
    });
    assert_eq!(collected, children);
    let listens: Vec<_> = of_kind(source_kind::UNIX_LISTENER).collect();
    let connected: Vec<_> = of_kind(source_kind::UNIX_STREAM)
        .filter(|source| source.peer != 0)
        .map(|source| trace.text(source.peer))
        .collect();
    assert_eq!(connected, [trace.text(listens[0].local)]);
    assert!(sources
        .iter()
        .all(|source| source.fd >= 0 && source.site != 0));
}
