//! A real program on the real executor, recorded over a real socket: what the trace says is
//! what the program did.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use support::{child, connected, finish, ring_files, role, say, wait_to_hear, Collector, Trace};
use wakeline_executor::net::{TcpListener, TcpStream};
use wakeline_executor::sync::{channel, oneshot};
use wakeline_executor::time::sleep;
use wakeline_executor::{join, spawn, Runtime};
use wakeline_wire::{
    cause_kind, operation_outcome, poll_outcome, wake_effect, DictionaryRecord, EventRecord,
};

const CLIENTS: u64 = 20;

fn program() {
    wakeline::init!();
    let runtime = Runtime::single()
        .name("test")
        .pool_limit(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(async move {
            for _ in 0..CLIENTS {
                let (stream, _) = listener.accept().await.unwrap();
                spawn(async move {
                    let mut request = [0; 4];
                    stream.read_exact(&mut request).await.unwrap();
                    sleep(Duration::from_millis(5)).await;
                    stream.write_all(&request).await.unwrap();
                });
            }
        });
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(b"ping").await.unwrap();
                let mut reply = [0; 4];
                stream.read_exact(&mut reply).await.unwrap();
            }));
        }
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
        let path = std::env::temp_dir().join(format!("wakeline-e2e-{}", std::process::id()));
        wakeline_executor::fs::write(&path, vec![1; 1000])
            .await
            .unwrap();
        std::fs::remove_file(path).unwrap();
    });
    drop(runtime);
    println!("the program's own output");
}

#[test]
fn the_trace_holds_what_the_program_did() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let command = child("the_trace_holds_what_the_program_did", "program");
    let running = connected(command, &collector).spawn().unwrap();
    let pid = running.id();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();

    let end = trace.end.as_ref().expect("the stream is closed on purpose");
    assert!(
        end.threads.iter().all(|thread| thread.dropped == 0),
        "{end:?}"
    );
    assert_eq!(
        ring_files(pid),
        Vec::<std::path::PathBuf>::new(),
        "the ring file is removed"
    );

    let polls = every_poll_has_its_wake(&trace);
    let ends = trace.count(|event| matches!(event, EventRecord::PollEnd(_)));
    assert_eq!(polls, ends, "every poll that starts ends");
    let tasks = trace.count(|event| matches!(event, EventRecord::TaskSpawn(_)));
    assert_eq!(
        tasks as u64,
        2 + 2 * CLIENTS,
        "root, server, clients and connections"
    );
    let ready = trace.count(
        |event| matches!(event, EventRecord::PollEnd(end) if end.outcome == poll_outcome::READY),
    );
    assert_eq!(ready, tasks);

    // Readiness, the wake that names its source, and the bytes that the poll then read.
    let ready_wakes = trace.count(|event| {
        matches!(event, EventRecord::WakeFrom(wake) if wake.cause_kind == cause_kind::SOURCE)
    });
    assert!(ready_wakes as u64 >= CLIENTS, "{ready_wakes}");
    let bytes: u64 = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::Operation(o) if o.outcome == operation_outcome::DONE => Some(o.bytes),
            _ => None,
        })
        .sum();
    assert_eq!(
        bytes,
        CLIENTS * 16,
        "4 bytes written and read on either side"
    );
    let jobs = trace.count(|event| matches!(event, EventRecord::JobStart(_)));
    assert_eq!(jobs, 1);

    let named = trace.dictionary.iter().any(|record| {
        matches!(record, DictionaryRecord::Runtime(runtime) if trace.text(runtime.name) == "test")
    });
    assert!(named, "the runtime is in the dictionary");
    let hello = &trace.hellos[0];
    assert_eq!(hello.pid, u64::from(pid));
    assert!(
        hello.ring_file.starts_with("/dev/shm/wakeline-"),
        "{}",
        hello.ring_file
    );
    assert!(
        hello.source_root.ends_with("runtime-probe/rust"),
        "{}",
        hello.source_root
    );
}

/// Each poll after the first has the one wake that asked for it. Gives the polls' number.
fn every_poll_has_its_wake(trace: &Trace) -> usize {
    let mut wakes: HashMap<(u64, u64), u64> = HashMap::new();
    for event in trace.all() {
        let (task, epoch, effect) = match event {
            EventRecord::Wake(wake) => (wake.task, wake.epoch, wake.effect),
            EventRecord::WakeFrom(wake) => (wake.task, wake.epoch, wake.effect),
            _ => continue,
        };
        if matches!(effect, wake_effect::SCHEDULED | wake_effect::WHILE_RUNNING) {
            *wakes.entry((task, epoch)).or_default() += 1;
        }
    }
    let mut polls = 0;
    for event in trace.all() {
        if let EventRecord::PollStart(poll) = event {
            polls += 1;
            if poll.epoch > 1 {
                assert_eq!(
                    wakes.get(&(poll.task, poll.epoch - 1)),
                    Some(&1),
                    "{poll:?}"
                );
            }
        }
    }
    polls
}

#[test]
fn without_a_collector_the_program_is_the_same() {
    if role().is_some() {
        return program();
    }
    let name = "without_a_collector_the_program_is_the_same";
    let plain = finish(child(name, "program").spawn().unwrap());
    assert!(plain.status.success(), "{plain:?}");

    let nobody = Collector::stopped();
    let alone = finish(connected(child(name, "program"), &nobody).spawn().unwrap());
    let nonsense = |address: &str| {
        let mut command = child(name, "program");
        command
            .env("WAKELINE", address)
            .env("WAKELINE_TOKEN", "short");
        finish(command.spawn().unwrap())
    };
    for output in [alone, nonsense("unix:"), nonsense("carrier pigeon")] {
        assert_eq!(output.status.code(), plain.status.code());
        let text = |bytes: &[u8]| without_times(&String::from_utf8_lossy(bytes));
        assert_eq!(text(&output.stdout), text(&plain.stdout));
        assert_eq!(text(&output.stderr), text(&plain.stderr));
    }
}

/// The test harness prints how long it took.
fn without_times(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("finished in"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_wrong_token_does_not_touch_the_program() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let mut command = connected(
        child("a_wrong_token_does_not_touch_the_program", "program"),
        &collector,
    );
    command.env("WAKELINE_TOKEN", "ffffffffffffffffffffffffffffffff");
    let running = command.spawn().unwrap();
    let pid = running.id();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("the program's own output"));
    assert_eq!(collector.refused(), 1, "one try, and no second one");
    assert_eq!(ring_files(pid), Vec::<std::path::PathBuf>::new());
}

const HAND_OFFS: usize = 20_000;
const PLAIN_THREADS: usize = 50;

/// Two workers hand values to each other, and plain threads wake tasks and end.
fn threads_program() {
    wakeline::init!();
    let runtime = Runtime::multi(2).name("pair").build().unwrap();
    runtime.block_on(async {
        let (to_b, mut from_a) = channel(1);
        let (to_a, mut from_b) = channel(1);
        let a = spawn(async move {
            for number in 0..HAND_OFFS {
                to_b.send(number).await.unwrap();
                assert_eq!(from_b.recv().await, Some(number));
            }
        });
        let b = spawn(async move {
            while let Some(number) = from_a.recv().await {
                to_a.send(number).await.unwrap();
            }
        });
        for number in 0..PLAIN_THREADS {
            let (sender, receiver) = oneshot();
            let (go, wait) = std::sync::mpsc::channel();
            let thread = std::thread::Builder::new().name(format!("plain {number}"));
            let send = move || {
                wait.recv().unwrap();
                sender.send(number).unwrap();
            };
            let handle = thread.spawn(send).unwrap();
            // The second branch has its turn when the first one waits: each thread wakes.
            let (received, ()) = join(receiver, async { go.send(()).unwrap() }).await;
            assert_eq!(received, Ok(number));
            handle.join().unwrap();
        }
        a.await.unwrap();
        b.await.unwrap();
    });
}

#[test]
fn threads_that_wake_each_other_are_in_order_by_epochs() {
    if role().is_some() {
        return threads_program();
    }
    let collector = Collector::start();
    let command = child(
        "threads_that_wake_each_other_are_in_order_by_epochs",
        "threads",
    );
    // All of it fits, however seldom the flusher has its turn.
    let mut command = connected(command, &collector);
    let output = finish(command.env("WAKELINE_MEMORY_MIB", "64").spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    every_poll_has_its_wake(&trace);
    // A plain thread that woke a task says when it stops, so that no reader waits for it.
    let mut stopped = 0;
    for (thread, events) in &trace.events {
        let name = trace.thread_name(*thread);
        if name.starts_with("plain") || name.contains("worker") {
            let last = events.last().map(|last| &last.event);
            assert!(
                matches!(last, Some(EventRecord::ThreadStop(_))),
                "{name}: {last:?}"
            );
            stopped += 1;
        }
    }
    assert_eq!(
        stopped,
        2 + PLAIN_THREADS,
        "both workers, all plain threads"
    );
}

/// Ends as soon as it has done something.
fn short_program() {
    wakeline::init!();
    wakeline_executor::block_on(async { wakeline_executor::yield_now().await });
    std::process::exit(7);
}

#[test]
fn a_program_that_exits_at_once_is_recorded_whole() {
    if role().is_some() {
        return short_program();
    }
    let collector = Collector::start();
    let command = child("a_program_that_exits_at_once_is_recorded_whole", "short");
    let output = finish(connected(command, &collector).spawn().unwrap());
    assert_eq!(
        output.status.code(),
        Some(7),
        "the exit code is the program's"
    );
    let trace = collector.trace();
    trace.check();
    assert!(trace.end.is_some());
    let polls = trace.count(|event| matches!(event, EventRecord::PollStart(_)));
    assert_eq!(polls, 2);
    every_poll_has_its_wake(&trace);
}

/// Has more to send than a stalled collector takes, then ends.
fn stalled_program() {
    wakeline::init!();
    wakeline_executor::block_on(async {
        for _ in 0..100_000 {
            wakeline_executor::yield_now().await;
        }
    });
    say("done");
}

#[test]
fn a_stalled_collector_does_not_keep_the_program_from_its_end() {
    if role().is_some() {
        return stalled_program();
    }
    let collector = Collector::start();
    collector.set_stalled(true);
    let command = child(
        "a_stalled_collector_does_not_keep_the_program_from_its_end",
        "stalled",
    );
    // It waits as long as it does in use.
    let mut command = connected(command, &collector);
    let mut running = command.env_remove("WAKELINE_EXIT_MS").spawn().unwrap();
    let _output = wait_to_hear(&mut running, "done");
    let pid = running.id();
    // Nothing is read meanwhile: it ends all the same.
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    // The rest is in the ring file, for the collector to read and to remove.
    let files = ring_files(pid);
    assert_eq!(files.len(), 1);
    std::fs::remove_file(&files[0]).unwrap();
    collector.set_stalled(false);
}
