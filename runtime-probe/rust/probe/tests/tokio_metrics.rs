//! tokio's own metrics as an outside witness: what `RuntimeMetrics` counts, the trace counts.
//!
//! Where the two may differ is said at each comparison, and why.
#![cfg(wakeline_reactor)] // Where it is not seen from below there is nothing to compare.

mod support;

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::thread;

use support::{child, connected, finish, role, say, Collector, Trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;
use wakeline_wire::{park_kind, DictionaryRecord, EventRecord};

const CLIENTS: usize = 20;
const ROUNDS: usize = 25;
/// Clients that are aborted while they wait.
const ABORTED: usize = 3;

/// What tokio and the program have counted, printed by the child and read by the test.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    parks: u64,
    polls: u64,
    alive: u64,
    alive_later: u64,
}

impl Counted {
    fn say(&self) {
        say(&format!(
            "counted {} {} {} {}",
            self.parks, self.polls, self.alive, self.alive_later
        ));
    }

    fn heard(output: &str) -> Self {
        let said = output
            .lines()
            .find_map(|line| line.strip_prefix("counted "));
        let numbers: Vec<u64> = said
            .expect("the child says what it counted")
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        Self {
            parks: numbers[0],
            polls: numbers[1],
            alive: numbers[2],
            alive_later: numbers[3],
        }
    }
}

/// An echo server on plain threads, which never touches the runtime.
fn server() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            });
        }
    });
    address
}

async fn client(address: std::net::SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for round in 0..ROUNDS {
        stream.write_all(&[round as u8]).await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte[0], round as u8);
        yield_now().await;
    }
}

/// Sockets, yields, a wake from a thread, an abort: all that makes tokio poll or park. No
/// timer, because a timer that is due makes it park for 0 ms, as a look without waiting is.
async fn work() -> (u64, u64) {
    let address = server();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| wakeline::spawn(client(address)))
        .collect();
    let aborted: Vec<_> = (0..ABORTED)
        .map(|_| wakeline::spawn(std::future::pending::<()>()))
        .collect();
    let alive = alive_and_marked("first mark").await;
    for client in clients {
        client.await.unwrap();
    }
    let (sender, receiver) = channel();
    let woken = wakeline::spawn(async {
        let (tell, told) = tokio::sync::oneshot::channel();
        let metrics = Handle::current().metrics();
        let before = metrics.worker_park_count(0);
        thread::spawn(move || {
            while metrics.worker_park_count(0) == before {
                thread::sleep(std::time::Duration::from_millis(1));
            }
            tell.send(()).unwrap();
            sender.send(()).unwrap();
        });
        told.await.unwrap();
    });
    woken.await.unwrap();
    receiver.recv().unwrap();
    for task in aborted {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    (alive, alive_and_marked("second mark").await)
}

/// tokio's number of living tasks, with a task of this name spawned at that moment: its
/// record marks the place in the trace.
async fn alive_and_marked(name: &str) -> u64 {
    let alive = Handle::current().metrics().num_alive_tasks() as u64;
    let mark = wakeline::task::Builder::new().name(name).spawn(async {});
    mark.unwrap().await.unwrap();
    alive
}

fn program(runtime: Runtime) {
    let (alive, alive_later) = runtime.block_on(wakeline::tokio::root(work()));
    let metrics = runtime.metrics();
    // Until then a worker may park once more, and both would count it or one of them.
    drop(runtime);
    let counted = Counted {
        parks: metrics.worker_park_count(0),
        polls: polls_counted_by_tokio(&metrics),
        alive,
        alive_later,
    };
    counted.say();
}

/// tokio counts polls only when it is built with `--cfg tokio_unstable`; 0 without.
#[cfg(tokio_unstable)]
fn polls_counted_by_tokio(metrics: &tokio::runtime::RuntimeMetrics) -> u64 {
    metrics.worker_poll_count(0)
}

#[cfg(not(tokio_unstable))]
fn polls_counted_by_tokio(_metrics: &tokio::runtime::RuntimeMetrics) -> u64 {
    0
}

/// Tasks spawned and not ended when the task of this name was spawned; without the root,
/// which `block_on` polls and which is no task of tokio's.
fn alive_at(trace: &Trace, mark: &str) -> u64 {
    let marks = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if task.name != 0 && trace.text(task.name) == mark => {
            Some(task.id)
        }
        _ => None,
    });
    let mark = marks.expect("the mark is a task");
    let is_mark =
        |event: &EventRecord| matches!(event, EventRecord::TaskSpawn(spawn) if spawn.task == mark);
    let mut events = trace.events.values();
    let thread = events
        .find(|events| events.iter().any(|timed| is_mark(&timed.event)))
        .expect("the mark was spawned");
    let mut alive = -1_i64;
    for timed in thread.iter().take_while(|timed| !is_mark(&timed.event)) {
        match timed.event {
            EventRecord::TaskSpawn(_) => alive += 1,
            EventRecord::TaskEnd(_) => alive -= 1,
            _ => {}
        }
    }
    alive as u64
}

/// Gives what was counted and the trace, with polls compared; in a child nothing.
fn compared(test: &str, runtime: impl FnOnce() -> Runtime) -> Option<(Counted, Trace)> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program(runtime());
        return None;
    }
    let collector = Collector::start();
    let output = finish(
        connected(child(test, "program"), &collector)
            .spawn()
            .unwrap(),
    );
    assert!(output.status.success(), "{output:?}");
    let counted = Counted::heard(&String::from_utf8(output.stdout).unwrap());
    let trace = collector.trace();
    trace.check();

    assert!(counted.parks >= 1, "the program never waited: {counted:?}");
    if cfg!(tokio_unstable) {
        let root = trace.dictionary.iter().find_map(|record| match record {
            DictionaryRecord::Task(task) if task.task_kind == wakeline_wire::task_kind::ROOT => {
                Some(task.id)
            }
            _ => None,
        });
        let polls = trace.count(
            |event| matches!(event, EventRecord::PollStart(start) if Some(start.task) != root),
        );
        // An aborted task is scheduled once more to be dropped; tokio counts that as a poll,
        // and its future is not polled.
        assert_eq!((polls + ABORTED) as u64, counted.polls, "polls");
    }
    Some((counted, trace))
}

/// Waits of the reactor. tokio also calls `epoll_wait` with 0 ms to look without waiting,
/// between polls and for yields. That it does not count as a park; in the trace it is one
/// with that time-out.
fn waits(trace: &Trace) -> u64 {
    let waits = trace.count(|event| {
        matches!(event, EventRecord::Park(park) if park.park_kind == park_kind::REACTOR && park.timeout_ns == 0)
    });
    waits as u64
}

#[test]
fn on_one_thread_tokio_counts_what_the_trace_counts() {
    let compared = compared("on_one_thread_tokio_counts_what_the_trace_counts", || {
        Builder::new_current_thread().enable_all().build().unwrap()
    });
    let Some((counted, trace)) = compared else {
        return;
    };
    assert_eq!(waits(&trace), counted.parks, "parks");
    assert_eq!(counted.alive, (CLIENTS + ABORTED) as u64);
    assert_eq!(alive_at(&trace, "first mark"), counted.alive);
    assert_eq!(counted.alive_later, 0);
    assert_eq!(alive_at(&trace, "second mark"), counted.alive_later);
}

/// A worker that was notified before it parks takes the notice and goes on: tokio counts a
/// park, the thread never waited, and the trace has none. So there are at most as many waits;
/// the root is polled by the thread of `block_on`, whose parks are none of a worker's.
#[test]
fn on_a_worker_tokio_counts_what_the_trace_counts() {
    let compared = compared("on_a_worker_tokio_counts_what_the_trace_counts", || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    });
    let Some((counted, trace)) = compared else {
        return;
    };
    let waits = waits(&trace);
    assert!(waits > 0, "the worker never waited");
    assert!(waits <= counted.parks, "{waits} waits, {counted:?}");
}
