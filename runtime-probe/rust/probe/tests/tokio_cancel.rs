//! A task that is dropped while it is pending says by whom: the poll that dropped it, an abort,
//! or a runtime that shut down; and where tokio does not tell, the thread and no more.

mod support;

use std::collections::HashMap;
use std::future::{pending, poll_fn, Future};
use std::task::Poll;

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{yield_now, JoinHandle};
use wakeline_wire::{cause_kind, end_outcome, visibility, DictionaryRecord, EventRecord};

fn trace_of(test: &str, program: impl FnOnce()) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        return None;
    }
    let collector = Collector::start();
    let command = connected(child(test, "program"), &collector);
    let output = finish({ command }.spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    Some(trace)
}

/// By whom each named task was cancelled; as often as there are tasks of the name.
fn cancelled(trace: &Trace) -> HashMap<&str, Vec<(u64, u64)>> {
    let mut all: HashMap<&str, Vec<(u64, u64)>> = HashMap::new();
    for record in &trace.dictionary {
        let DictionaryRecord::Task(task) = record else {
            continue;
        };
        for event in trace.all() {
            match event {
                EventRecord::TaskEnd(end)
                    if end.task == task.id && end.outcome == end_outcome::CANCELLED =>
                {
                    let by = all.entry(trace.text(task.name)).or_default();
                    by.push((end.by_kind, end.by_id));
                }
                _ => {}
            }
        }
    }
    all
}

fn id_of(trace: &Trace, name: &str) -> u64 {
    let task = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    });
    task.unwrap_or_else(|| panic!("there is no task {name}"))
}

fn spawn(name: &str) -> JoinHandle<()> {
    let builder = wakeline::task::Builder::new();
    builder.name(name).spawn(pending::<()>()).unwrap()
}

/// Aborts tasks: one that waits, one that was never polled, one in its own poll.
async fn abort_some() {
    let waits = spawn("aborted while it waits");
    yield_now().await;
    yield_now().await;
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());

    let never = spawn("aborted before its first poll");
    never.abort();
    assert!(never.await.unwrap_err().is_cancelled());

    let (give, take) = tokio::sync::oneshot::channel::<JoinHandle<()>>();
    let builder = wakeline::task::Builder::new();
    let itself = async move {
        take.await.unwrap().abort();
        pending::<()>().await;
    };
    let itself = builder
        .name("aborted in its own poll")
        .spawn(itself)
        .unwrap();
    give.send(itself).unwrap();
    for _ in 0..5 {
        yield_now().await;
    }
}

fn runtimes() -> [(&'static str, Runtime); 2] {
    let many = Builder::new_multi_thread().worker_threads(2).build();
    let one = Builder::new_current_thread().build();
    [("one thread", one.unwrap()), ("two workers", many.unwrap())]
}

const ABORTED: [&str; 3] = [
    "aborted while it waits",
    "aborted before its first poll",
    "aborted in its own poll",
];

#[test]
fn an_abort_and_a_shutdown_are_told_apart_where_tokio_tells() {
    let test = "an_abort_and_a_shutdown_are_told_apart_where_tokio_tells";
    let trace = trace_of(test, || {
        for (name, runtime) in runtimes() {
            runtime.block_on(async {
                wakeline::spawn(abort_some()).await.unwrap();
                spawn(&format!("left at the shutdown of {name}"));
                yield_now().await;
                yield_now().await;
            });
            drop(runtime);
        }
    });
    let Some(trace) = trace else { return };
    let by = cancelled(&trace);
    let left: Vec<_> = by.keys().filter(|name| name.starts_with("left")).collect();
    assert_eq!(left.len(), 2);
    let told = |name: &str, times: usize, why: u64| {
        assert_eq!(by[name].len(), times, "{name}");
        for (kind, id) in &by[name] {
            match cfg!(feature = "tokio-1-47") {
                true => assert_eq!((*kind, *id), (why, 0), "{name}"),
                // The thread, and no guess.
                false => assert_eq!((*kind, *id != 0), (cause_kind::THREAD, true), "{name}"),
            }
        }
    };
    for name in ABORTED {
        told(name, 2, cause_kind::ABORT);
    }
    for name in left {
        told(name, 1, cause_kind::SHUTDOWN);
    }
    // Which of the two it is, the hello has said.
    let hello = trace.hellos.last().unwrap();
    let capability = hello
        .capabilities
        .iter()
        .find(|each| each.name == "cancelCauses");
    let expected = match cfg!(feature = "tokio-1-47") {
        true => visibility::RECORDED,
        false => visibility::NOT_RECORDED,
    };
    assert_eq!(capability.unwrap().visibility, expected);
}

#[wakeline::main(flavor = "current_thread")]
async fn leaves_a_task_on_one_thread() {
    spawn("left on one thread");
    yield_now().await;
}

#[wakeline::main(worker_threads = 2)]
async fn leaves_a_task_on_two_workers() {
    spawn("left on two workers");
    yield_now().await;
    // It is polled on whichever worker, and is dropped by any.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

#[test]
fn the_runtime_of_the_attribute_says_that_it_shut_down() {
    let test = "the_runtime_of_the_attribute_says_that_it_shut_down";
    let trace = trace_of(test, || {
        leaves_a_task_on_one_thread();
        leaves_a_task_on_two_workers();
    });
    let Some(trace) = trace else { return };
    let by = cancelled(&trace);
    assert_eq!(by["left on one thread"], [(cause_kind::SHUTDOWN, 0)]);
    assert_eq!(by["left on two workers"], [(cause_kind::SHUTDOWN, 0)]);
}

#[test]
fn what_a_poll_drops_was_dropped_by_that_poll() {
    let test = "what_a_poll_drops_was_dropped_by_that_poll";
    let trace = trace_of(test, || {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let builder = wakeline::task::Builder::new();
            let dropper = async move {
                let mut part = Box::pin(builder.name("part").traced(pending::<()>()));
                poll_fn(|cx| Poll::Ready(part.as_mut().poll(cx).is_pending())).await
            };
            let dropper = builder.name("dropper").spawn(dropper).unwrap();
            assert!(dropper.await.unwrap());

            // A set of local tasks that is dropped in a poll: its end, and that poll.
            let holder = async {
                let local = wakeline::LocalSet::new();
                let builder = wakeline::task::Builder::new();
                let task = builder
                    .name("local")
                    .spawn_local_on(pending::<()>(), &local);
                local.run_until(yield_now()).await;
                drop(task);
            };
            builder.name("holder").traced(holder).await;
        });
        // By no poll at all.
        let builder = wakeline::task::Builder::new();
        drop(builder.name("by a thread").traced(pending::<()>()));
    });
    let Some(trace) = trace else { return };
    let by = cancelled(&trace);
    let (dropper, holder) = (id_of(&trace, "dropper"), id_of(&trace, "holder"));
    assert_eq!(by["part"], [(cause_kind::POLL, dropper)]);
    assert_eq!(by["local"], [(cause_kind::SHUTDOWN, holder)]);
    let [(kind, thread)] = by["by a thread"][..] else {
        panic!("{by:?}")
    };
    assert_eq!((kind, thread != 0), (cause_kind::THREAD, true));
}

/// A future whose drop panics has ended all the same.
#[test]
fn a_drop_that_panics_is_an_end_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let trace = trace_of("a_drop_that_panics_is_an_end_too", || {
        std::panic::set_hook(Box::new(|_| {}));
        let bomb = Bomb;
        let future = async move {
            let _bomb = bomb;
            pending::<()>().await;
        };
        let builder = wakeline::task::Builder::new();
        let future = builder.name("bomb").traced(future);
        let drops = std::panic::AssertUnwindSafe(|| drop(future));
        assert!(std::panic::catch_unwind(drops).is_err());
    });
    let Some(trace) = trace else { return };
    assert_eq!(cancelled(&trace)["bomb"][0].0, cause_kind::THREAD);
}
