//! A task is polled at its start and after a wake, and never otherwise.

mod support;

use std::time::Duration;

use support::{record, Event};
use wakeline_executor::observe::{Outcome, WaitTarget, WakeCause, WakeEffect};
use wakeline_executor::time::sleep;
use wakeline_executor::{block_on, spawn, spawn_named, yield_now};

#[test]
fn a_waiting_task_is_not_polled_while_others_run() {
    let ((), trace) = record(|| {
        block_on(async {
            let waiting = spawn_named("waiting", sleep(Duration::from_millis(30)));
            let busy = spawn_named("busy", async {
                for _ in 0..200 {
                    yield_now().await;
                }
            });
            busy.await.unwrap();
            waiting.await.unwrap();
        });
    });
    trace.check();
    assert_eq!(trace.polls(trace.task_named("waiting")), 2);
    assert_eq!(trace.polls(trace.task_named("busy")), 201);
}

#[test]
fn a_self_wake_is_made_while_running() {
    let ((), trace) = record(|| block_on(yield_now()));
    trace.check();
    assert_eq!(
        trace.wakes(trace.root()),
        [(1, WakeEffect::WhileRunning, WakeCause::Context)]
    );
}

#[test]
fn the_end_of_a_task_wakes_the_one_that_awaits_it() {
    let ((), trace) = record(|| {
        block_on(async {
            let child = spawn_named("child", async {});
            child.await.unwrap();
        });
    });
    trace.check();
    let child = trace.task_named("child");
    let root = trace.root();
    let waits = trace.count(|event| {
        matches!(event, Event::Wait { target: WaitTarget::Task(task), .. } if *task == child)
    });
    assert_eq!(waits, 1);
    let poll = trace.position(
        0,
        |event| matches!(event, Event::PollStart { task, .. } if *task == child),
    );
    let wake = trace.position(
        poll,
        |event| matches!(event, Event::Wake { task, epoch: 1, .. } if *task == root),
    );
    let end = trace.position(poll, |event| {
        *event
            == Event::PollEnd {
                task: child,
                outcome: Outcome::Ready,
            }
    });
    assert!(poll < wake && wake < end, "the wake is made by the poll");
}

#[test]
fn two_wakes_before_a_poll_are_one_poll() {
    let ((), trace) = record(|| {
        block_on(async {
            let (sender, mut receiver) = wakeline_executor::sync::channel(8);
            let reader = spawn_named("reader", async move {
                let mut sum = 0;
                while let Some(value) = receiver.recv().await {
                    sum += value;
                }
                sum
            });
            yield_now().await; // The reader has its first poll and waits.
            let again = sender.clone();
            spawn(async move { sender.send(1).await.unwrap() });
            spawn(async move { again.send(2).await.unwrap() });
            assert_eq!(reader.await.unwrap(), 3);
        });
    });
    trace.check();
    assert_eq!(
        trace.polls(trace.task_named("reader")),
        2,
        "both values were there at the second poll"
    );
}
