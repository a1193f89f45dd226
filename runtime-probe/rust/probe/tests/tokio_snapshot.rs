//! What is alive when recording begins late: the tasks of a tokio program, each with what it
//! does, as far as that can be known.

mod support;

use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use support::{child, connected, finish, role, say, wait_to_hear, Collector, Trace, GO, PATIENCE};
use tokio::sync::Notify;
use tokio::task::yield_now;
use wakeline_wire::payload::Control;
use wakeline_wire::{detail, task_state, DictionaryRecord, EventRecord};

/// In the child: blocks the poll that calls it until the test says so.
fn block_until(stage: &str) {
    let file = PathBuf::from(std::env::var(GO).unwrap()).with_extension(stage);
    let end = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < end, "the test does not say {stage}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tasks in every state, while the poll of the root holds the one thread.
#[wakeline::main(flavor = "current_thread")]
async fn program() {
    let named = |name| wakeline::task::Builder::new().name(name);
    static NOTIFY: Notify = Notify::const_new();
    static BELL: Notify = Notify::const_new();
    named("idle").spawn(pending::<()>()).unwrap();
    named("woken").spawn(NOTIFY.notified()).unwrap();
    let polled_off = named("polled while off").spawn(async {
        BELL.notified().await;
        pending::<()>().await;
    });
    polled_off.unwrap();
    let ended = named("ended").spawn(async {});
    ended.unwrap().await.unwrap();
    named("aborted").spawn(pending::<()>()).unwrap().abort();
    yield_now().await;
    yield_now().await;

    // From here to the next await nothing changes.
    named("new").spawn(pending::<()>()).unwrap();
    let held = named("held").traced(pending::<()>());
    NOTIFY.notify_one();
    block_until("first");

    // Recording is off.
    BELL.notify_one();
    yield_now().await;
    yield_now().await;
    say("polled");
    block_until("second");
    drop(held);
}

/// The states that the snapshot of this number tells, by the tasks' names.
fn snapshot(trace: &Trace, number: usize) -> HashMap<String, (u64, u64)> {
    let flusher = trace.events.values().find(|events| {
        let starts = |event: &EventRecord| matches!(event, EventRecord::SnapshotStart(_));
        events.iter().any(|timed| starts(&timed.event))
    });
    let mut seen = 0;
    let mut told = HashMap::new();
    for timed in flusher.expect("a snapshot") {
        match &timed.event {
            EventRecord::SnapshotStart(_) => seen += 1,
            EventRecord::SnapshotTask(task) if seen == number => {
                let name = trace.dictionary.iter().find_map(|record| match record {
                    DictionaryRecord::Task(known) if known.id == task.task => {
                        Some(trace.text(known.name).to_owned())
                    }
                    _ => None,
                });
                let name = name.expect("the dictionary knows the task");
                assert_eq!(told.insert(name, (task.epoch, task.state)), None);
            }
            _ => {}
        }
    }
    told
}

#[test]
fn a_snapshot_tells_what_each_task_does() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let name = "a_snapshot_tells_what_each_task_does";
    let mut running = connected(child(name, "program"), &collector)
        .spawn()
        .unwrap();
    let spawned = |trace: &Trace, name: &str| {
        trace.dictionary.iter().any(|record| {
            matches!(record, DictionaryRecord::Task(task) if trace.text(task.name) == name)
        })
    };
    let ends = |trace: &Trace| trace.count(|event| matches!(event, EventRecord::SnapshotEnd(_)));
    let wait_for = |what: &str, is: &dyn Fn(&Trace) -> bool| {
        collector.wait_until(what, |connections| {
            is(&Trace::decode(&connections.concat()))
        });
    };
    let go_on = |stage: &str| {
        std::fs::write(collector.go_file().with_extension(stage), "").unwrap();
    };
    wait_for("the last task", &|trace| spawned(trace, "held"));
    // The wake that follows it is made before the poll blocks.
    wait_for("the wake", &|trace| {
        trace.all().any(|event| {
            matches!(event, EventRecord::Wake(wake) if trace.dictionary.iter().any(|record| {
                matches!(record, DictionaryRecord::Task(task)
                    if task.id == wake.task && trace.text(task.name) == "woken")
            }))
        })
    });
    let ask = |detail, snapshot| collector.send_control(Control { detail, snapshot });
    ask(detail::FULL, true);
    wait_for("the first snapshot", &|trace| ends(trace) == 1);
    ask(detail::OFF, false);
    wait_for("silence", &|trace| {
        trace.all().any(|event| {
            matches!(event, EventRecord::DetailChange(change) if change.detail == detail::OFF)
        })
    });
    go_on("first");
    let _output = wait_to_hear(&mut running, "polled");
    ask(detail::FULL, false);
    wait_for("the second snapshot", &|trace| ends(trace) == 2);
    go_on("second");
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");

    let trace = collector.trace();
    trace.check();
    let first = snapshot(&trace, 1);
    let state = |name: &str| first.get(name).copied();
    assert_eq!(state("idle"), Some((1, task_state::IDLE)));
    assert_eq!(state("woken"), Some((1, task_state::SCHEDULED)));
    assert_eq!(state("polled while off"), Some((1, task_state::IDLE)));
    assert_eq!(state("new"), Some((0, task_state::SCHEDULED)));
    assert_eq!(state("held"), Some((0, task_state::UNKNOWN)));
    assert_eq!(
        state("program").map(|(_, state)| state),
        Some(task_state::RUNNING)
    );
    assert_eq!(first.len(), 6, "{first:?}");

    let second = snapshot(&trace, 2);
    let state = |name: &str| second.get(name).copied();
    // Not polled since, and every waker of it would tell.
    assert_eq!(state("idle"), Some((1, task_state::IDLE)));
    assert_eq!(state("woken"), None, "it has ended");
    assert_eq!(state("polled while off"), Some((2, task_state::UNKNOWN)));
    assert_eq!(state("new"), Some((1, task_state::UNKNOWN)));
    assert_eq!(
        state("program").map(|(_, state)| state),
        Some(task_state::RUNNING)
    );
    assert_eq!(second.len(), 5, "{second:?}");
}

/// Of many tasks on several threads none is missing and none is told twice.
#[test]
fn a_snapshot_holds_every_task_once() {
    const TASKS: usize = 5000;
    static POLLED: AtomicUsize = AtomicUsize::new(0);
    let test = "a_snapshot_holds_every_task_once";
    if role().is_some() {
        assert!(wakeline::init().is_active());
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).build().unwrap();
        runtime.block_on(async {
            for number in 0..TASKS {
                let name = number.to_string();
                let task = wakeline::task::Builder::new().name(&name);
                task.spawn(poll_fn(|_| {
                    POLLED.fetch_add(1, Ordering::Relaxed);
                    Poll::<()>::Pending
                }))
                .unwrap();
                // Others come and go.
                wakeline::spawn(yield_now()).await.unwrap();
            }
        });
        while POLLED.load(Ordering::Relaxed) < TASKS {
            std::thread::sleep(Duration::from_millis(1));
        }
        wakeline::task::Builder::new().name("all").traced(async {});
        block_until("first");
        return;
    }
    let collector = Collector::start();
    let running = connected(child(test, "program"), &collector)
        .spawn()
        .unwrap();
    collector.wait_until("all tasks", |connections| {
        let trace = Trace::decode(&connections.concat());
        trace.dictionary.iter().any(|record| {
            matches!(record, DictionaryRecord::Task(task) if trace.text(task.name) == "all")
        })
    });
    // Each has begun its one poll; the last may not have ended at the first snapshot.
    let are_idle = (1..=100).any(|number| {
        collector.send_control(Control {
            detail: detail::FULL,
            snapshot: true,
        });
        collector.wait_until("a snapshot", |connections| {
            let trace = Trace::decode(&connections.concat());
            trace.count(|event| matches!(event, EventRecord::SnapshotEnd(_))) == number
        });
        let told = snapshot(&Trace::decode(&collector.recording()), number);
        assert_eq!(told.len(), TASKS);
        told.values().all(|(_, state)| *state == task_state::IDLE)
    });
    assert!(are_idle);
    std::fs::write(collector.go_file().with_extension("first"), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let told = snapshot(&trace, 1);
    for number in 0..TASKS {
        assert!(told.contains_key(&number.to_string()), "{number}");
    }
}
