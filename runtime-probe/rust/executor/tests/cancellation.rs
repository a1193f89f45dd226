//! Dropping a future cancels it; dropping a join handle does not.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use support::{has_told, record, Event};
use wakeline_executor::observe::{End, EndedBy};
use wakeline_executor::sync::Notify;
use wakeline_executor::time::{sleep, timeout, Elapsed};
use wakeline_executor::{block_on, spawn_named, yield_now, Runtime};

/// Sets its flag when it is dropped.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn flag() -> (SetOnDrop, Arc<AtomicBool>) {
    let flag = Arc::new(AtomicBool::new(false));
    (SetOnDrop(Arc::clone(&flag)), flag)
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_dropped_runtime_cancels_what_is_alive() {
    for build in [Runtime::single(), Runtime::multi(2)] {
        let (guard, dropped) = flag();
        let ((), trace) = record(|| {
            let runtime = build.build().unwrap();
            runtime.block_on(async {
                let task = spawn_named("sleeper", async move {
                    let _guard = guard;
                    sleep(LONG).await;
                });
                while !has_told(|event| matches!(event, Event::TimerSet { .. })) {
                    yield_now().await;
                }
                drop(task);
            });
            assert!(!dropped.load(Ordering::SeqCst), "detached, not cancelled");
        });
        trace.check();
        assert!(dropped.load(Ordering::SeqCst));
        assert_eq!(
            trace.end(trace.task_named("sleeper")),
            Some((End::Cancelled, EndedBy::RuntimeShutdown))
        );
        assert_eq!(
            trace.count(|event| matches!(event, Event::TimerCancelled { .. })),
            1
        );
    }
}

#[test]
fn a_detached_task_goes_on() {
    let (guard, dropped) = flag();
    let ((), trace) = record(|| {
        block_on(async {
            let done = Arc::new(Notify::new());
            let signal = Arc::clone(&done);
            drop(spawn_named("detached", async move {
                yield_now().await;
                drop(guard);
                signal.notify_one();
            }));
            done.notified().await;
        });
    });
    trace.check();
    assert!(dropped.load(Ordering::SeqCst));
    let task = trace.task_named("detached");
    assert_eq!(trace.end(task), Some((End::Completed, EndedBy::Task(task))));
}

#[test]
fn an_aborted_task_is_dropped_and_names_who_aborted_it() {
    for build in [Runtime::single(), Runtime::multi(2)] {
        let (guard, dropped) = flag();
        let ((), trace) = record(|| {
            let runtime = build.build().unwrap();
            runtime.block_on(async {
                let task = spawn_named("victim", async move {
                    let _guard = guard;
                    sleep(LONG).await;
                });
                // In the first poll of `victim`, or after it.
                while !has_told(|event| matches!(event, Event::TimerSet { .. })) {
                    yield_now().await;
                }
                task.abort();
                let error = task.await.unwrap_err();
                assert!(error.is_cancelled() && !error.is_panic());
            });
        });
        trace.check();
        assert!(dropped.load(Ordering::SeqCst));
        let victim = trace.task_named("victim");
        assert_eq!(trace.polls(victim), 1, "an abort is no poll");
        assert_eq!(
            trace.end(victim),
            Some((End::Cancelled, EndedBy::Task(trace.root())))
        );
    }
}

#[test]
fn a_task_can_be_aborted_before_its_first_poll_and_after_its_end() {
    let ((), trace) = record(|| {
        block_on(async {
            let unborn = spawn_named("unborn", async {});
            unborn.abort();
            assert!(unborn.await.unwrap_err().is_cancelled());
            let done = spawn_named("done", async { 5 });
            yield_now().await;
            assert!(done.is_finished());
            done.abort();
            assert_eq!(done.await.unwrap(), 5);
        });
    });
    trace.check();
    assert_eq!(trace.polls(trace.task_named("unborn")), 0);
}

#[test]
fn a_task_that_aborts_itself_ends_where_it_would_be_polled_again() {
    let ((), trace) = record(|| {
        block_on(async {
            let (sender, receiver) = wakeline_executor::sync::oneshot();
            let task = spawn_named("own", async move {
                let handle: wakeline_executor::AbortHandle = receiver.await.unwrap();
                handle.abort();
                yield_now().await;
                panic!("polled after its abort");
            });
            assert!(sender.send(task.abort_handle()).is_ok());
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
    trace.check();
    let own = trace.task_named("own");
    assert_eq!(trace.end(own), Some((End::Cancelled, EndedBy::Task(own))));
}

#[test]
fn a_time_out_drops_its_future() {
    let (guard, dropped) = flag();
    let (outcome, trace) = record(|| {
        block_on(timeout(Duration::from_millis(2), async move {
            let _guard = guard;
            sleep(LONG).await;
        }))
    });
    trace.check();
    assert_eq!(outcome, Err(Elapsed));
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(
        trace.count(|event| matches!(event, Event::TimerFired { .. })),
        1
    );
    assert_eq!(
        trace.count(|event| matches!(event, Event::TimerCancelled { .. })),
        1
    );
}

#[test]
fn a_task_spawned_on_a_runtime_that_is_over_is_cancelled_at_once() {
    let (error, trace) = record(|| {
        let runtime = Runtime::single().build().unwrap();
        let handle = runtime.handle();
        drop(runtime);
        let late = handle.spawn_named("late", async {});
        block_on(late).unwrap_err()
    });
    trace.check();
    assert!(error.is_cancelled());
}
