//! The timer queue's next deadline is the park's time-out; its firing wakes the task.

mod support;

use std::time::{Duration, Instant};

use support::{record, Event};
use wakeline_executor::observe::{ParkKind, WakeCause, WakeEffect};
use wakeline_executor::time::{sleep, sleep_until};
use wakeline_executor::{block_on, join, join_all, spawn, Runtime};

#[test]
fn the_park_lasts_until_the_next_deadline() {
    let ((), trace) = record(|| {
        block_on(async {
            join(
                sleep(Duration::from_millis(50)),
                sleep(Duration::from_millis(20)),
            )
            .await;
        });
    });
    trace.check();
    let mut deadlines = Vec::new();
    for event in trace.events() {
        if let Event::TimerSet { timer, deadline } = event {
            deadlines.push((*deadline, *timer));
        }
    }
    deadlines.sort();
    let mut fired = 0;
    let mut parks = 0;
    let mut before = trace.0[0].at;
    for told in &trace.0 {
        match &told.event {
            Event::TimerFired { timer, .. } => {
                assert_eq!(*timer, deadlines[fired].1, "timers fire in order");
                fired += 1;
            }
            Event::Park {
                kind,
                timeout,
                timer,
            } => {
                parks += 1;
                let (deadline, next) = deadlines[fired];
                assert_eq!((*kind, *timer), (ParkKind::Reactor, next));
                // It was computed between the record before and this one.
                let timeout = timeout.expect("a timer is set");
                assert!(timeout >= deadline.saturating_duration_since(told.at));
                assert!(timeout <= deadline.saturating_duration_since(before));
            }
            _ => {}
        }
        before = told.at;
    }
    assert_eq!(fired, 2);
    assert!(parks >= 2);
}

#[test]
fn without_timers_the_park_has_no_time_out() {
    let ((), trace) = record(|| {
        block_on(async {
            wakeline_executor::spawn_blocking(|| std::thread::sleep(Duration::from_millis(10)))
                .await
                .unwrap();
        });
    });
    trace.check();
    let endless = trace.count(|event| {
        matches!(
            event,
            Event::Park {
                timeout: None,
                timer: 0,
                ..
            }
        )
    });
    assert!(endless >= 1);
}

#[test]
fn a_firing_precedes_its_wake_and_its_poll() {
    let ((), trace) = record(|| block_on(sleep(Duration::from_millis(3))));
    trace.check();
    let set = trace.position(0, |event| matches!(event, Event::TimerSet { .. }));
    let Event::TimerSet { timer, .. } = trace.0[set].event else {
        unreachable!("found above");
    };
    let fired = trace.position(
        set,
        |event| matches!(event, Event::TimerFired { timer: id, .. } if *id == timer),
    );
    let wake = trace.position(fired, |event| matches!(event, Event::Wake { .. }));
    let poll = trace.position(wake, |event| matches!(event, Event::PollStart { .. }));
    assert_eq!((wake, poll), (fired + 1, fired + 2));
    assert_eq!(
        trace.wakes(trace.root()),
        [(1, WakeEffect::Scheduled, WakeCause::Timer(timer))]
    );
}

#[test]
fn no_timer_fires_early_and_a_past_deadline_still_yields() {
    let (elapsed, trace) = record(|| {
        let start = Instant::now();
        block_on(async {
            sleep_until(start).await;
            join_all((0..20).map(|n| sleep(Duration::from_millis(n % 5)))).await;
        });
        start.elapsed()
    });
    trace.check();
    assert!(elapsed >= Duration::from_millis(4));
    for told in &trace.0 {
        if let Event::TimerFired { timer, .. } = told.event {
            let deadline = trace
                .events()
                .find_map(|event| match event {
                    Event::TimerSet {
                        timer: id,
                        deadline,
                    } if *id == timer => Some(*deadline),
                    _ => None,
                })
                .expect("set before it fired");
            assert!(deadline <= told.at);
        }
    }
    assert_eq!(
        trace.count(|event| matches!(event, Event::TimerFired { .. })),
        21
    );
}

#[test]
fn an_earlier_deadline_shortens_a_park_that_has_begun() {
    let start = Instant::now();
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let long = spawn(sleep(Duration::from_secs(60)));
            sleep(Duration::from_millis(10)).await; // Someone parks for the long one.
            spawn(async { sleep(Duration::from_millis(5)).await })
                .await
                .unwrap();
            drop(long);
        });
    });
    trace.check();
    assert!(start.elapsed() < Duration::from_secs(30));
}
