//! Child processes: their end and their pipes are sources.
#![cfg(unix)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use support::{record, Event};
use wakeline_executor::observe::{OperationKind, OperationResult, SourceKind};
use wakeline_executor::process::Command;
use wakeline_executor::{block_on, join, join_all, spawn, Runtime};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

#[test]
fn the_end_of_a_child_is_readiness_wake_poll_and_its_exit_status() {
    let ((id, pid, line), trace) = record(|| {
        block_on(async {
            let mut child = shell("read line; exit 7")
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            let (id, pid) = (child.source_id(), child.id());
            let stdin = child.stdin.take();
            // It is polled when this one waits for the child's end.
            spawn(async move { drop(stdin) });
            let line = line!() + 1;
            let status = child.wait().await.unwrap();
            assert_eq!(status.code(), Some(7));
            // Asked again it says the same.
            assert_eq!(child.wait().await.unwrap(), status);
            (id, pid, line)
        })
    });
    trace.check();
    let (kind, _, peer) = trace.registered(id);
    if kind == SourceKind::Child {
        assert_eq!(peer, Some(format!("process {pid}").as_str()));
        let collected = OperationResult::Done;
        assert_eq!(
            trace.readable_chain(id, OperationKind::Collect, collected),
            line
        );
    } else {
        // No process descriptors on this system: the arrival of SIGCHLD stands for it.
        println!("run without process descriptors");
        assert_eq!(kind, SourceKind::Signal);
        trace.readable_chain(id, OperationKind::Read, OperationResult::Bytes(1));
    }
}

#[test]
fn by_signal_each_of_several_children_is_found() {
    let (ids, trace) = record(|| {
        block_on(async {
            let children = (0..5).map(|number| {
                let script = format!("sleep 0.0{number}; exit {number}");
                let mut child = shell(&script).end_by_signal().spawn().unwrap();
                let id = child.source_id();
                spawn(async move { (id, child.wait().await.unwrap().code()) })
            });
            let mut ids = Vec::new();
            for (number, ended) in join_all(children).await.into_iter().enumerate() {
                let (id, code) = ended.unwrap();
                assert_eq!(code, Some(i32::try_from(number).unwrap()));
                ids.push(id);
            }
            ids
        })
    });
    trace.check();
    for id in ids {
        let told = (SourceKind::Signal, Some("SIGCHLD"), None);
        assert_eq!(trace.registered(id), told);
    }
}

#[test]
fn pipes_carry_bytes_both_ways() {
    const BYTES: usize = 300_000; // More than a pipe holds, so both sides wait.
    let ((stdin, stdout, stderr), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let mut child = shell("cat; echo done >&2")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let stdin = child.stdin.take().unwrap();
            let stdout = child.stdout.take().unwrap();
            let stderr = child.stderr.take().unwrap();
            let ids = (stdin.source_id(), stdout.source_id(), stderr.source_id());
            let writer = spawn(async move {
                stdin.write_all(&[b'y'; BYTES]).await.unwrap();
            });
            let (read, said) = join(stdout.read_to_end(), stderr.read_to_end()).await;
            assert_eq!(read.unwrap(), vec![b'y'; BYTES]);
            assert_eq!(said.unwrap(), b"done\n");
            writer.await.unwrap();
            assert!(child.wait().await.unwrap().success());
            ids
        })
    });
    trace.check();
    let moved = |source: u64, kind: OperationKind| -> usize {
        let moved = trace.events().filter_map(|event| match event {
            Event::Operation {
                source: id,
                kind: each,
                result: OperationResult::Bytes(bytes),
            } if *id == source && *each == kind => Some(*bytes),
            _ => None,
        });
        moved.sum()
    };
    assert_eq!(moved(stdin, OperationKind::Write), BYTES);
    assert_eq!(moved(stdout, OperationKind::Read), BYTES);
    assert_eq!(moved(stderr, OperationKind::Read), 5);
    let (kind, _, peer) = trace.registered(stdout);
    assert_eq!(kind, SourceKind::Pipe);
    assert!(peer.unwrap().starts_with("stdout of process "));
}

#[test]
fn a_child_that_is_killed_says_so_and_waiting_closes_its_stdin() {
    let ((), trace) = record(|| {
        block_on(async {
            let mut endless = shell("exec sleep 60").spawn().unwrap();
            endless.kill().unwrap();
            let status = endless.wait().await.unwrap();
            assert_eq!(status.signal(), Some(libc::SIGKILL));
            // `cat` ends only when its input does.
            let mut reader = shell("cat").stdin(Stdio::piped()).spawn().unwrap();
            assert!(reader.wait().await.unwrap().success());
        });
    });
    trace.check();
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let (error, trace) = record(|| {
        block_on(async {
            Command::new("/nowhere/at/all")
                .spawn()
                .map(drop)
                .unwrap_err()
        })
    });
    trace.check();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_hundred_children_at_once() {
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let children = (0..100).map(|number: i32| {
                spawn(async move {
                    let mut child = Command::new("sh")
                        .args(["-c", &format!("exit {number}")])
                        .spawn()
                        .unwrap();
                    assert_eq!(child.wait().await.unwrap().code(), Some(number));
                })
            });
            for child in join_all(children).await {
                child.unwrap();
            }
        });
    });
    trace.check();
}
