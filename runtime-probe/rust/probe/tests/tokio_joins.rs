//! Waits for the end of a task on tokio: the wake names the task whose end it was, where it is
//! certain that tokio itself made it, and no task otherwise.

mod support;

use std::future::{poll_fn, Future};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use wakeline_wire::{cause_kind, DictionaryRecord, EventRecord};

/// Runs `program` in a child of this test with a collector, and gives the trace.
fn trace_of(test: &str, program: impl FnOnce()) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        return None;
    }
    let collector = Collector::start();
    let running = connected(child(test, "program"), &collector).spawn();
    let output = finish(running.unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    Some(trace)
}

fn task(trace: &Trace, name: &str) -> u64 {
    let named = trace.dictionary.iter().filter_map(|record| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    });
    let ids: Vec<u64> = named.collect();
    assert_eq!(ids.len(), 1, "tasks of the name {name}");
    ids[0]
}

/// What the wakes of this task say of their cause, in the order of each thread; unknown is
/// what ran on the thread.
fn causes(trace: &Trace, task: u64) -> Vec<(u64, u64)> {
    let cause = |event: &EventRecord| match event {
        EventRecord::Wake(wake) if wake.task == task => Some((cause_kind::UNKNOWN, 0)),
        EventRecord::WakeFrom(wake) if wake.task == task => Some((wake.cause_kind, wake.cause_id)),
        _ => None,
    };
    trace.all().filter_map(cause).collect()
}

fn named(name: &str) -> wakeline::task::Builder<'_> {
    wakeline::task::Builder::new().name(name)
}

/// Tells when the future has been polled and is pending.
async fn telling<F: Future>(is_pending: Arc<AtomicBool>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            is_pending.store(true, Ordering::Release);
        }
        polled
    })
    .await
}

/// One task waits for the end of another that is told to end only then.
async fn joined() {
    let (go, told) = oneshot::channel::<()>();
    let ends = named("ends").spawn(async move { told.await.unwrap() });
    let waits = Arc::new(AtomicBool::new(false));
    let joins = telling(Arc::clone(&waits), ends.unwrap());
    let joins = named("joins").spawn(joins).unwrap();
    while !waits.load(Ordering::Acquire) {
        yield_now().await;
    }
    go.send(()).unwrap();
    joins.await.unwrap().unwrap();
}

fn check_joined(trace: &Trace) {
    let by_end = (cause_kind::POLL, task(trace, "ends"));
    assert_eq!(causes(trace, task(trace, "joins")), [by_end]);
}

/// Runs a root on the main thread, and its tasks on a worker that has parked before: until then
/// it is not known what on its thread is tokio itself.
fn on_a_worker(root: impl Future<Output = ()>) {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        // It fires in the worker's park.
        tokio::time::sleep(Duration::from_millis(1)).await;
        root.await;
    });
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

#[cfg(wakeline_reactor)] // Whether a turn of the reactor came between is not seen otherwise.
#[test]
fn the_end_of_a_task_wakes_who_joins_it_on_a_worker() {
    let test = "the_end_of_a_task_wakes_who_joins_it_on_a_worker";
    // Also where the root is not recorded: it runs on another thread than tasks.
    if let Some(trace) = trace_of(test, || on_a_worker(joined())) {
        check_joined(&trace);
    }
}

#[test]
fn the_end_of_a_task_wakes_who_joins_it_on_one_thread() {
    let test = "the_end_of_a_task_wakes_who_joins_it_on_one_thread";
    let program = || current_thread().block_on(wakeline::tokio::root(joined()));
    if let Some(trace) = trace_of(test, program) {
        check_joined(&trace);
    }
}

#[cfg(wakeline_reactor)] // Whether a turn of the reactor came between is not seen otherwise.
#[test]
fn an_abort_wakes_who_joins_the_task() {
    let program = || {
        on_a_worker(async {
            let ends = named("ends").spawn(std::future::pending::<()>()).unwrap();
            let abort = ends.abort_handle();
            let waits = Arc::new(AtomicBool::new(false));
            let joins = telling(Arc::clone(&waits), ends);
            let joins = named("joins").spawn(joins).unwrap();
            while !waits.load(Ordering::Acquire) {
                yield_now().await;
            }
            abort.abort();
            assert!(joins.await.unwrap().unwrap_err().is_cancelled());
        });
    };
    if let Some(trace) = trace_of("an_abort_wakes_who_joins_the_task", program) {
        check_joined(&trace);
    }
}

/// Waits until `wakes` has run, which is code that the probe does not see.
async fn woken_by(wakes: impl FnOnce(oneshot::Sender<()>)) {
    let (go, told) = oneshot::channel::<()>();
    let waits = Arc::new(AtomicBool::new(false));
    let sleeps = telling(Arc::clone(&waits), told);
    let sleeps = named("sleeps").spawn(sleeps).unwrap();
    while !waits.load(Ordering::Acquire) {
        yield_now().await;
    }
    // The last thing that the runtime does before the wake is to end this task.
    let ends = named("ends").spawn(async {}).unwrap();
    ends.await.unwrap();
    wakes(go);
    sleeps.await.unwrap().unwrap();
}

fn check_nobody_named(trace: &Trace) {
    let by_end = (cause_kind::POLL, task(trace, "ends"));
    let told = causes(trace, task(trace, "sleeps"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_ne!(told, [by_end]);
}

#[test]
fn what_an_unseen_root_wakes_is_not_taken_for_the_end_of_a_task() {
    let test = "what_an_unseen_root_wakes_is_not_taken_for_the_end_of_a_task";
    let program = || current_thread().block_on(woken_by(|go| go.send(()).unwrap()));
    if let Some(trace) = trace_of(test, program) {
        check_nobody_named(&trace);
    }
}

#[test]
fn what_an_unseen_task_wakes_is_not_taken_for_the_end_of_a_task() {
    let test = "what_an_unseen_task_wakes_is_not_taken_for_the_end_of_a_task";
    let program = || {
        on_a_worker(async {
            let unseen = tokio::spawn(woken_by(|go| go.send(()).unwrap()));
            unseen.await.unwrap();
        });
    };
    if let Some(trace) = trace_of(test, program) {
        check_nobody_named(&trace);
    }
}
