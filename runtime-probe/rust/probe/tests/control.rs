//! The collector sets how much is recorded and asks what is alive.

mod support;

use std::time::Duration;

use support::{child, connected, finish, role, Collector, Trace};
use wakeline_executor::time::sleep;
use wakeline_executor::{join, spawn_named, yield_now, Runtime};
use wakeline_wire::payload::Control;
use wakeline_wire::{detail, task_state, DictionaryRecord, EventRecord, SnapshotTask};

/// One task that waits for long, one that is polled all the time, frames in both.
fn program() {
    wakeline::init!();
    let go = std::path::PathBuf::from(std::env::var(support::GO).unwrap());
    let runtime = Runtime::single().build().unwrap();
    runtime.block_on(async {
        let waits = spawn_named("waits", async { sleep(Duration::from_secs(60)).await });
        let busy = spawn_named("busy", async move {
            while !go.exists() {
                join(yield_now(), sleep(Duration::from_micros(200))).await;
            }
        });
        busy.await.unwrap();
        waits.abort();
    });
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
    let running = connected(child(name, "control"), &collector)
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
    // What was on its way when recording went off.
    std::thread::sleep(Duration::from_millis(50));
    let before = Trace::decode(&collector.recording()).all().count();
    std::thread::sleep(Duration::from_millis(100));
    let silent = Trace::decode(&collector.recording()).all().count();
    assert_eq!(before, silent, "nothing is recorded while recording is off");
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
    let named = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if task.name != 0 && trace.text(task.name) == "waits" => {
            Some(task.id)
        }
        _ => None,
    });
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
