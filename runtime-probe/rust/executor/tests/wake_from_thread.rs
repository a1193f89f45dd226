//! A wake may come from any thread, at any time.

mod support;

use std::future::poll_fn;
use std::sync::{mpsc, Arc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use support::{record, wait_until, Event, Told};
use wakeline_executor::observe::{WaitTarget, WakeCause, WakeEffect};
use wakeline_executor::sync::Notify;
use wakeline_executor::{block_on, spawn_named, Either, Runtime};

#[test]
fn a_plain_thread_wakes_a_parked_runtime() {
    for build in [Runtime::single(), Runtime::multi(2)] {
        let ((), trace) = record(|| {
            let notify = Arc::new(Notify::new());
            let from_thread = Arc::clone(&notify);
            let other = thread::spawn(move || {
                wait_until("the task waits and its worker parks", |told| {
                    let waits = told.iter().position(|told| {
                        matches!(
                            told.event,
                            Event::Wait {
                                target: WaitTarget::Resource(_),
                                ..
                            }
                        )
                    });
                    waits.is_some_and(|waits| {
                        told[waits..].iter().any(|each| {
                            each.thread == told[waits].thread
                                && matches!(each.event, Event::Park { .. })
                        })
                    })
                });
                from_thread.notify_one();
            });
            let runtime = build.build().unwrap();
            runtime.block_on(async move {
                let waiting = spawn_named("waiting", async move { notify.notified().await });
                waiting.await.unwrap();
            });
            other.join().unwrap();
        });
        trace.check();
        let waiting = trace.task_named("waiting");
        assert_eq!(
            trace.wakes(waiting),
            [(1, WakeEffect::Scheduled, WakeCause::Context)]
        );
        // The thread that woke is none that the runtime told of.
        let wake = trace.position(
            0,
            |event| matches!(event, Event::Wake { task, .. } if *task == waiting),
        );
        let waker_thread = trace.0[wake].thread;
        assert!(!trace
            .0
            .iter()
            .any(|told| matches!(told.event, Event::ThreadStarted { .. })
                && told.thread == waker_thread));
    }
}

#[test]
fn a_late_wake_after_completion_does_no_harm() {
    let ((), trace) = record(|| {
        let (send_waker, late) = mpsc::channel::<Waker>();
        block_on(async move {
            let task = spawn_named("short", async move {
                poll_fn(move |cx| {
                    send_waker.send(cx.waker().clone()).unwrap();
                    Poll::Ready(())
                })
                .await;
            });
            task.await.unwrap();
            let waker = late.recv().unwrap();
            waker.wake_by_ref();
            thread::spawn(move || waker.wake()).join().unwrap();
        });
    });
    trace.check();
    let task = trace.task_named("short");
    let after = (1, WakeEffect::AfterCompletion, WakeCause::Context);
    assert_eq!(trace.wakes(task), [after, after]);
    assert_eq!(trace.polls(task), 1);
}

#[test]
fn a_waker_outlives_its_runtime() {
    let ((), trace) = record(|| {
        let (send_waker, late) = mpsc::channel::<Waker>();
        let runtime = Runtime::multi(1).build().unwrap();
        let handle = runtime.handle();
        drop(handle.spawn_named("abandoned", async move {
            poll_fn(|cx| {
                send_waker.send(cx.waker().clone()).unwrap();
                Poll::<()>::Pending
            })
            .await;
        }));
        let waker = late.recv().unwrap();
        drop(runtime);
        waker.wake();
    });
    trace.check();
    let task = trace.task_named("abandoned");
    assert_eq!(
        trace.wakes(task),
        [(1, WakeEffect::AfterCompletion, WakeCause::Context)]
    );
}

#[test]
fn clones_and_drops_of_wakers_balance() {
    let ((), trace) = record(|| {
        block_on(async {
            let cloning = spawn_named("cloning", async {
                poll_fn(|cx| {
                    let wakers: Vec<_> = (0..10).map(|_| cx.waker().clone()).collect();
                    drop(wakers);
                    Poll::Ready(())
                })
                .await;
            });
            cloning.await.unwrap();
        });
    });
    let task = trace.task_named("cloning");
    let counts = trace.count(|event| {
        *event
            == Event::WakerCounts {
                task,
                clones: 10,
                drops: 10,
            }
    });
    assert_eq!(counts, 1);
}

#[test]
fn a_wake_does_not_wait_for_a_time_out() {
    let (first, trace) = record(|| {
        let runtime = Runtime::single().build().unwrap();
        let handle = runtime.handle();
        let other = thread::spawn(move || {
            wait_until("the thread parks for the timer", |told| {
                let is_park =
                    |told: &Told| matches!(told.event, Event::Park { timer, .. } if timer != 0);
                told.iter().any(is_park)
            });
            handle.spawn_named("injected", async {})
        });
        runtime.block_on(async {
            let far = wakeline_executor::time::sleep(Duration::from_secs(60));
            let near = wakeline_executor::spawn_blocking(move || other.join().unwrap());
            wakeline_executor::select(far, async {
                near.await.unwrap().await.unwrap();
            })
            .await
        })
    });
    trace.check();
    assert!(
        matches!(first, Either::Right(())),
        "the far timer came first"
    );
}
