//! The timer queue's next deadline is the park's time-out; its firing wakes the task.

mod support;

use std::time::{Duration, Instant};

use support::{record, wait_until, Event, Told};
use wakeline_executor::observe::{ParkKind, WaitTarget, WakeCause, WakeEffect};
use wakeline_executor::time::{interval, sleep, sleep_until, timeout};
use wakeline_executor::{block_on, join, join_all, select, spawn, yield_now, Either, Runtime};

#[test]
fn the_park_lasts_until_the_next_deadline() {
    // Where the machine stands still until both are due, there is no park for the second.
    let is_enough = |scale: u64| parks_until(Duration::from_millis(20 * scale)) >= 2;
    assert!([1, 10, 100].into_iter().any(is_enough));
}

/// Sleeps for this time and for more than twice as long at once: how often it parked.
fn parks_until(first: Duration) -> usize {
    let ((), trace) = record(|| {
        block_on(async {
            join(sleep(first * 5 / 2), sleep(first)).await;
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
    parks
}

#[test]
fn without_timers_the_park_has_no_time_out() {
    let ((), trace) = record(|| {
        block_on(async {
            let until_it_parks = || {
                wait_until("the thread parks", |told| {
                    let is_park = |told: &Told| matches!(told.event, Event::Park { .. });
                    told.iter().any(is_park)
                });
            };
            wakeline_executor::spawn_blocking(until_it_parks)
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
    const LONG: Duration = Duration::from_secs(60);
    let ((), trace) = record(|| {
        let runtime = Runtime::multi(2).build().unwrap();
        runtime.block_on(async {
            let long = spawn(sleep(LONG));
            let parks_for_it = || {
                wait_until("someone parks for the long one", |told| {
                    let is_park =
                        |told: &Told| matches!(told.event, Event::Park { timer, .. } if timer != 0);
                    told.iter().any(is_park)
                });
            };
            wakeline_executor::spawn_blocking(parks_for_it)
                .await
                .unwrap();
            spawn(async { sleep(Duration::from_millis(5)).await })
                .await
                .unwrap();
            drop(long);
        });
    });
    trace.check();
    // Else the long one would have been due first.
    let fired = trace.count(|event| matches!(event, Event::TimerFired { .. }));
    let cancelled = trace.count(|event| matches!(event, Event::TimerCancelled { .. }));
    assert_eq!((fired, cancelled), (1, 1));
}

#[test]
fn each_tick_of_an_interval_is_a_timer_at_the_line_that_awaits_it() {
    const PERIOD: Duration = Duration::from_millis(4);
    let ((set_for, line), trace) = record(|| {
        block_on(async {
            let mut ticks = interval(PERIOD);
            let mut set_for = Vec::new();
            let line = line!() + 2;
            for _ in 0..5 {
                set_for.push(ticks.tick().await);
            }
            // One that is given up uses no tick up.
            let given_up = select(ticks.tick(), async {}).await;
            assert!(matches!(given_up, Either::Right(_)));
            std::thread::sleep(PERIOD * 3); // Three ticks pass unseen.
            set_for.push(ticks.tick().await);
            set_for.push(ticks.tick().await);
            (set_for, line)
        })
    });
    trace.check();
    for pair in set_for[..6].windows(2) {
        let after = pair[1] - pair[0];
        // In step, whatever the machine did in between.
        assert!(after >= PERIOD && after.as_nanos() % PERIOD.as_nanos() == 0);
    }
    assert!(set_for[6] - set_for[5] >= PERIOD * 3, "{set_for:?}");
    let mut waits = 0;
    for event in trace.events() {
        if let Event::Wait {
            target: WaitTarget::Timer(timer),
            line: at,
            ..
        } = event
        {
            waits += usize::from(*at == line);
            let ends = trace.count(|event| {
                matches!(event, Event::TimerFired { timer: id, .. } | Event::TimerCancelled { timer: id } if id == timer)
            });
            assert_eq!(ends, 1, "timer {timer}");
        }
    }
    assert_eq!(waits, 5);
}

#[test]
fn a_timer_that_is_given_up_is_cancelled_and_a_late_one_says_by_how_much() {
    let ((), trace) = record(|| {
        block_on(async {
            timeout(Duration::from_secs(60), yield_now()).await.unwrap();
            join(sleep(Duration::from_millis(2)), async {
                // The timer is set by now, in this poll.
                std::thread::sleep(Duration::from_millis(12));
            })
            .await;
        });
    });
    trace.check();
    let cancelled = trace.count(|event| matches!(event, Event::TimerCancelled { .. }));
    assert_eq!(cancelled, 1);
    let late = trace.events().find_map(|event| match event {
        Event::TimerFired { lateness, .. } => Some(*lateness),
        _ => None,
    });
    // It was set before the 12 ms for which the same poll held the thread.
    assert!(late.unwrap() >= Duration::from_millis(10), "{late:?}");
}
