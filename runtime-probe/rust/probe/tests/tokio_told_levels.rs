//! What tokio is asked to tell follows the level of detail, and what is recorded stays right.
//! Needs `--cfg tokio_unstable`; without it there is nothing here.
#![cfg(tokio_unstable)]

mod support;
#[path = "support/told.rs"]
mod told;

use std::future::{poll_fn, Future};
use std::sync::Arc;
use std::time::Duration;

use support::{child, connected, finish, role, wait_to_hear, Collector, Trace};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use told::{hear, lives, resources, waits_on};
use wakeline_wire::payload::Control;
use wakeline_wire::{
    cause_kind, detail, end_outcome, resource_kind, DictionaryRecord, EventRecord,
};

const FILE: &str = "tokio_told_levels.rs";

fn wait_for(collector: &Collector, what: &str, is: impl Fn(&Trace) -> bool) {
    collector.wait_until(what, |connections| {
        is(&Trace::decode(&connections.concat()))
    });
}

fn set(collector: &Collector, detail: u64, before: usize) {
    let control = Control {
        detail,
        snapshot: false,
    };
    collector.send_control(control);
    wait_for(collector, "a change of detail", |trace| {
        trace.count(|event| matches!(event, EventRecord::DetailChange(_))) > before
    });
}

/// A wait for each kind of thing, by tasks of one thread: the first to run waits.
fn waiting_program() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        let held = lock.lock().await;
        let own = Arc::clone(&lock);
        let locks = tokio::spawn(async move { drop(own.lock().await) });
        let (sender, mut receiver) = mpsc::channel::<u64>(1);
        let sends = tokio::spawn(async move {
            for value in 0..4 {
                sender.send(value).await.unwrap();
            }
        });
        let (gives, takes) = tokio::sync::oneshot::channel::<u64>();
        let takes = tokio::spawn(takes);
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop(held);
        locks.await.unwrap();
        for _ in 0..4 {
            receiver.recv().await.unwrap();
        }
        sends.await.unwrap();
        gives.send(7).unwrap();
        assert_eq!(takes.await.unwrap().unwrap(), 7);
    });
}

fn check_lean(test: &str, by: &str) {
    if let Some(role) = role() {
        hear(&role);
        support::wait_for_go();
        return waiting_program();
    }
    let collector = Collector::start();
    let running = connected(child(test, by), &collector).spawn().unwrap();
    wait_for(&collector, "a greeting", |trace| !trace.hellos.is_empty());
    set(&collector, detail::LEAN, 0);
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    for kind in [resource_kind::MUTEX, resource_kind::ONESHOT] {
        let [resource] = resources(&trace, FILE, kind)[..] else {
            panic!("one resource of kind {kind}");
        };
        let waits = waits_on(&trace, cause_kind::RESOURCE, resource);
        assert_eq!(waits.len(), 1, "kind {kind}");
    }
    // tokio tells no place of a channel; there is no other one.
    let channel = |record: &DictionaryRecord| match record {
        DictionaryRecord::Resource(each) if each.resource_kind == resource_kind::CHANNEL => {
            Some(each.id)
        }
        _ => None,
    };
    let channels: Vec<u64> = trace.dictionary.iter().filter_map(channel).collect();
    let [channel] = channels[..] else {
        panic!("one channel: {channels:?}");
    };
    assert!(!waits_on(&trace, cause_kind::RESOURCE, channel).is_empty());
    let fired = trace.count(|event| matches!(event, EventRecord::TimerFire(_)));
    assert_eq!(fired, 1);
    let is_full = |event: &EventRecord| {
        matches!(
            event,
            EventRecord::ResourceAcquire(_)
                | EventRecord::ResourceRelease(_)
                | EventRecord::WakerCounts(_)
        )
    };
    assert_eq!(trace.count(is_full), 0);
    assert_eq!(lives(&trace).len(), 4, "the root and three tasks");
}

#[test]
fn at_lean_detail_the_subscriber_tells_each_wait() {
    check_lean(
        "at_lean_detail_the_subscriber_tells_each_wait",
        "subscriber",
    );
}

#[test]
fn at_lean_detail_the_layer_tells_each_wait() {
    check_lean("at_lean_detail_the_layer_tells_each_wait", "layer");
}

/// Polls that are made while recording is off.
const ROUNDS_OFF: u64 = 100;

/// A task that yields and sleeps before, while and after recording is off. Without the sleep it
/// would make events faster than a busy machine takes them.
fn yielding_program() {
    let go = std::path::PathBuf::from(std::env::var(support::GO).unwrap());
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let work = async move {
            let round = async || {
                yield_now().await;
                tokio::time::sleep(Duration::from_micros(200)).await;
            };
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
        };
        let mut work = Box::pin(work);
        let mut polls = 0_u64;
        let counted = poll_fn(move |cx| {
            polls += 1;
            work.as_mut().poll(cx).map(|()| polls)
        });
        let polls = tokio::spawn(counted).await.unwrap();
        support::say(&format!("polls {polls}"));
    });
}

fn check_off(test: &str, by: &str) {
    if let Some(role) = role() {
        hear(&role);
        return yielding_program();
    }
    let collector = Collector::start();
    let mut running = connected(child(test, by), &collector).spawn().unwrap();
    wait_for(&collector, "polls", |trace| {
        trace.count(|event| matches!(event, EventRecord::PollStart(_))) > 20
    });
    set(&collector, detail::OFF, 0);
    std::fs::write(collector.go_file().with_extension("off"), "").unwrap();
    let output = wait_to_hear(&mut running, "rounds are over");
    set(&collector, detail::FULL, 1);
    let recorded = |trace: &Trace| {
        let polls = |event: &EventRecord| matches!(event, EventRecord::PollStart(_));
        trace.count(polls)
    };
    let before = std::cell::OnceCell::new();
    wait_for(&collector, "polls again", |trace| {
        recorded(trace) > before.get_or_init(|| recorded(trace)) + 20
    });
    std::fs::write(collector.go_file(), "").unwrap();
    let said = std::io::read_to_string(output).unwrap();
    assert!(running.wait().unwrap().success());
    let polls: u64 = said
        .lines()
        .find_map(|line| line.strip_prefix("polls ")?.parse().ok())
        .expect("the number of polls");
    let trace = collector.trace();
    trace.check();
    let end = trace.end.as_ref().expect("the stream is closed on purpose");
    assert!(end.threads.iter().all(|thread| thread.dropped == 0));
    check_polls(&trace, polls);
}

/// None of the polls while recording was off is there, all were counted, and each that is there
/// has a wake: one that was not heard is told as such.
fn check_polls(trace: &Trace, polls: u64) {
    let tasks: Vec<u64> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Task(task) if task.task_kind == wakeline_wire::task_kind::TASK => {
                Some(task.id)
            }
            _ => None,
        })
        .collect();
    let [task] = tasks[..] else {
        panic!("one task: {tasks:?}");
    };
    let mut epochs = Vec::new();
    for event in trace.all() {
        if let EventRecord::PollStart(start) = event {
            if start.task == task {
                epochs.push(start.epoch);
            }
        }
    }
    assert!(epochs.is_sorted());
    let gap = epochs.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(gap > Some(ROUNDS_OFF), "{gap:?}");
    // Each poll after the first has a wake: `lives` looks.
    let life = &lives(trace)[&task];
    // A busy machine may take too long from the last poll's return to the drop.
    let ends = [Some(end_outcome::COMPLETED), Some(end_outcome::UNKNOWN)];
    assert!(
        ends.contains(&life.end),
        "{life:?} {:?} {polls}",
        epochs.last()
    );
    assert_eq!(epochs.last(), Some(&polls));
}

#[test]
fn polls_while_off_are_counted_and_not_told_by_the_subscriber() {
    check_off(
        "polls_while_off_are_counted_and_not_told_by_the_subscriber",
        "subscriber",
    );
}

#[test]
fn polls_while_off_are_counted_and_not_told_by_the_layer() {
    check_off(
        "polls_while_off_are_counted_and_not_told_by_the_layer",
        "layer",
    );
}
