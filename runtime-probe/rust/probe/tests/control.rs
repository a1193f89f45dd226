//! The collector sets how much is recorded and asks what is alive.

mod support;

use std::time::Duration;

use support::{child, connected, finish, role, wait_to_hear, Collector, Trace};
use wakeline_executor::time::sleep;
use wakeline_executor::{join, spawn_named, yield_now, Runtime};
use wakeline_wire::payload::Control;
use wakeline_wire::{detail, task_state, DictionaryRecord, EventRecord, SnapshotTask};

/// Rounds, of two polls or more each, that are made while recording is off.
const ROUNDS_OFF: u64 = 100;

/// One task that waits for long, one that is polled all the time, frames in both.
fn program() {
    wakeline::init!();
    let go = std::path::PathBuf::from(std::env::var(support::GO).unwrap());
    let runtime = Runtime::single().build().unwrap();
    runtime.block_on(async {
        let waits = spawn_named("waits", async { sleep(Duration::from_secs(3600)).await });
        let busy = spawn_named("busy", async move {
            let round = || join(yield_now(), sleep(Duration::from_micros(200)));
            while !go.with_extension("off").exists() {
                round().await;
            }
            for _ in 0..ROUNDS_OFF {
                round().await;
            }
            support::say("rounds are over");
            while !go.exists() {
                round().await;
            }
        });
        busy.await.unwrap();
        waits.abort();
    });
}

fn task_named(trace: &Trace, name: &str) -> Option<u64> {
    trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if task.name != 0 && trace.text(task.name) == name => {
            Some(task.id)
        }
        _ => None,
    })
}

fn control(collector: &Collector, detail: u64, snapshot: bool) {
    collector.send_control(Control { detail, snapshot });
}

fn wait_for(collector: &Collector, what: &str, is: impl Fn(&Trace) -> bool) {
    collector.wait_until(what, |connections| {
        is(&Trace::decode(&connections.concat()))
    });
}

fn changes(trace: &Trace) -> Vec<u64> {
    let details = trace.all().filter_map(|event| match event {
        EventRecord::DetailChange(change) => Some(change.detail),
        _ => None,
    });
    details.collect()
}

fn snapshots(trace: &Trace) -> usize {
    trace.count(|event| matches!(event, EventRecord::SnapshotEnd(_)))
}

#[test]
fn recording_goes_off_and_on_and_tells_what_is_alive() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let name = "recording_goes_off_and_on_and_tells_what_is_alive";
    let mut running = connected(child(name, "control"), &collector)
        .spawn()
        .unwrap();
    let waits = |trace: &Trace| trace.count(|event| matches!(event, EventRecord::WaitStart(_)));
    wait_for(&collector, "the first waits", |trace| waits(trace) > 20);

    control(&collector, detail::FULL, true);
    wait_for(&collector, "a snapshot", |trace| snapshots(trace) == 1);
    control(&collector, detail::OFF, false);
    wait_for(&collector, "silence", |trace| {
        changes(trace) == [detail::OFF]
    });
    std::fs::write(collector.go_file().with_extension("off"), "").unwrap();
    let _output = wait_to_hear(&mut running, "rounds are over");
    control(&collector, detail::LEAN, false);
    wait_for(&collector, "a snapshot unasked", |trace| {
        snapshots(trace) == 2
    });
    control(&collector, detail::FULL, false);
    wait_for(&collector, "full detail", |trace| changes(trace).len() == 3);
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");

    let trace = collector.trace();
    trace.check();
    assert_eq!(changes(&trace), [detail::OFF, detail::LEAN, detail::FULL]);
    let named = task_named(&trace, "waits");
    // Of the polls that were made while recording was off none is there, and all were counted.
    let busy = task_named(&trace, "busy");
    let mut epochs: Vec<u64> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::PollStart(start) if Some(start.task) == busy => Some(start.epoch),
            _ => None,
        })
        .collect();
    epochs.sort_unstable();
    let longest_gap = epochs.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest_gap > Some(ROUNDS_OFF), "{longest_gap:?}");
    let told: Vec<SnapshotTask> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::SnapshotTask(task) => Some(*task),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 6, "root and two tasks, twice: {told:?}");
    let waiting: Vec<_> = told
        .iter()
        .filter(|task| Some(task.task) == named)
        .collect();
    for task in &waiting {
        assert_eq!((task.epoch, task.state), (1, task_state::IDLE));
    }
    assert_eq!(waiting.len(), 2);
    polls_are_in_step(&trace);
}

/// Each slot states what is open at its start, so that polls and frames pair up though
/// some were not recorded.
fn polls_are_in_step(trace: &Trace) {
    for (thread, events) in &trace.events {
        let mut slots = trace
            .chunks
            .iter()
            .filter(|c| c.thread == *thread && c.offset == 0);
        let mut next = slots.next();
        let mut open = 0_i64;
        for timed in events {
            // A slot that was sent in pieces is listed once, by its first piece.
            while let Some(slot) = next.filter(|slot| timed.tick >= slot.first_tick) {
                open = slot.context.open_polls.len() as i64;
                next = slots.next();
            }
            match timed.event {
                EventRecord::PollStart(_) => open += 1,
                EventRecord::PollEnd(_) => open -= 1,
                _ => {}
            }
            assert!((0..=1).contains(&open), "thread {thread} at {}", timed.tick);
        }
    }
}
