//! The counterparts of tokio's sets and builder: they take what tokio's take, and what they
//! spawn is recorded.
#![forbid(unsafe_code)]
#![deny(warnings)]

mod support;

use std::collections::HashMap;
use std::future::{pending, Future};
use std::rc::Rc;

use support::{child, connected, finish, role, Collector, Trace};
use tokio::runtime::Handle;
use tokio::task::{yield_now, JoinHandle};
use wakeline_wire::{cause_kind, end_outcome, task_kind, DictionaryRecord, EventRecord, Task};

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

/// How tasks ended, by their names; tasks of one name in the order of their ids.
fn ends(trace: &Trace) -> HashMap<String, Vec<(u64, u64, u64)>> {
    let mut tasks: Vec<Task> = trace
        .dictionary
        .iter()
        .filter_map(|record| match record {
            DictionaryRecord::Task(task) => Some(*task),
            _ => None,
        })
        .collect();
    tasks.sort_by_key(|task| task.id);
    tasks.dedup_by_key(|task| task.id);
    let mut ends: HashMap<String, Vec<(u64, u64, u64)>> = HashMap::new();
    for task in tasks {
        let end = trace.all().find_map(|event| match event {
            EventRecord::TaskEnd(end) if end.task == task.id => {
                Some((end.outcome, end.by_kind, end.by_id))
            }
            _ => None,
        });
        let name = trace.text(task.name).to_owned();
        ends.entry(name).or_default().push(end.unwrap_or_default());
    }
    ends
}

fn id_of(trace: &Trace, name: &str) -> u64 {
    let task = trace.dictionary.iter().find_map(|record| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    });
    task.unwrap_or_else(|| panic!("there is no task {name}"))
}

/// The lines at which tasks of this kind were spawned, in the order of their ids.
fn lines(trace: &Trace, kind: u64) -> Vec<u64> {
    let line = |site: u64| {
        let found = trace.dictionary.iter().find_map(|record| match record {
            DictionaryRecord::Site(known) if known.id == site => Some(known.line),
            _ => None,
        });
        found.expect("a site")
    };
    let tasks = trace.dictionary.iter().filter_map(|record| match record {
        DictionaryRecord::Task(task) if task.task_kind == kind => Some(line(task.site)),
        _ => None,
    });
    tasks.collect()
}

/// All that tokio's set does, on ours.
async fn use_a_set() -> Vec<u64> {
    let mut set: wakeline::JoinSet<u64> = (1..=3).map(|number| async move { number }).collect();
    let _handle: wakeline::AbortHandle = set.spawn(async { 4 });
    set.spawn_on(async { 5 }, &Handle::current());
    set.spawn_blocking(|| 6);
    set.spawn_blocking_on(|| 7, &Handle::current());
    set.extend([std::future::ready(8)]);
    assert_eq!((set.len(), set.is_empty()), (8, false));
    let mut all = vec![set.join_next().await.unwrap().unwrap()];
    all.append(&mut set.join_all().await);
    all.sort_unstable();
    all
}

#[test]
fn a_join_set_does_what_tokios_does_and_its_tasks_are_recorded() {
    let test = "a_join_set_does_what_tokios_does_and_its_tasks_are_recorded";
    let program = || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        assert_eq!(runtime.block_on(use_a_set()), (1..=8).collect::<Vec<_>>());
    };
    // The same without a recording.
    program();
    let Some(trace) = trace_of(test, program) else {
        return;
    };
    let all: Vec<_> = ends(&trace).into_values().flatten().collect();
    assert_eq!(all, [(end_outcome::COMPLETED, 0, 0); 6]);
    let jobs = trace.count(|event| matches!(event, EventRecord::JobEnd(_)));
    assert_eq!(jobs, 2);
    // Each at its call; what `collect` spawns is spawned by the standard library.
    let spawned = lines(&trace, task_kind::TASK);
    let first = spawned[3];
    assert_eq!(spawned[3..], [first, first + 1, first + 4]);
}

#[test]
fn a_task_of_a_set_says_that_it_was_aborted_and_in_whose_poll() {
    let test = "a_task_of_a_set_says_that_it_was_aborted_and_in_whose_poll";
    let trace = trace_of(test, || {
        // What is aborted by its set, and what goes on.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let builder = wakeline::task::Builder::new();
        let aborter = builder.name("aborter");
        runtime.block_on(async move {
            let task = aborter.spawn(async {
                let mut dropped = wakeline::JoinSet::new();
                dropped.spawn(never("in a dropped set"));
                let mut shut_down = wakeline::JoinSet::new();
                shut_down.spawn(never("in a set that is shut down"));
                let mut aborted = wakeline::JoinSet::new();
                aborted.spawn(never("in a set before its abort"));
                let mut detached = wakeline::JoinSet::new();
                detached.spawn(ends_later("detached"));
                yield_now().await;
                drop(dropped);
                shut_down.shutdown().await;
                aborted.abort_all();
                aborted.spawn(ends_later("in a set after its abort"));
                detached.detach_all();
                drop(detached);
                while aborted.join_next().await.is_some() {}
                for _ in 0..5 {
                    yield_now().await;
                }
            });
            task.unwrap().await.unwrap();
        });
    });
    let Some(trace) = trace else { return };
    let aborter = id_of(&trace, "aborter");
    let ended = ends(&trace);
    let never = &ended["tokio_sets::never"];
    assert_eq!(
        never,
        &[(end_outcome::CANCELLED, cause_kind::ABORT, aborter); 3]
    );
    let later = &ended["tokio_sets::ends_later"];
    assert_eq!(later, &[(end_outcome::COMPLETED, 0, 0); 2]);
}

async fn never(_what: &str) {
    pending().await
}

async fn ends_later(_what: &str) {
    yield_now().await;
    yield_now().await;
}

#[test]
fn a_local_set_does_what_tokios_does_and_its_tasks_are_recorded() {
    let test = "a_local_set_does_what_tokios_does_and_its_tasks_are_recorded";
    let program = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let local = wakeline::LocalSet::new();
        let shared = Rc::new(1);
        let theirs = Rc::clone(&shared);
        let task = local.spawn_local(async move { *theirs + 1 });
        let sum = local.block_on(&runtime, async {
            let theirs = Rc::clone(&shared);
            let inner = wakeline::spawn_local(async move { *theirs + 2 });
            task.await.unwrap() + inner.await.unwrap()
        });
        assert_eq!(sum, 5);
        let run = local.run_until(async { wakeline::spawn_local(async { 7 }).await.unwrap() });
        assert_eq!(runtime.block_on(run), 7);
        let mut set = wakeline::JoinSet::new();
        set.spawn_local_on(async { 8 }, &local);
        runtime.block_on(local.run_until(async {
            set.spawn_local(async { 9 });
            assert_eq!(set.join_all().await.iter().sum::<i32>(), 17);
        }));
        // All that is in it is run when it is awaited; what is left is dropped with it.
        local.spawn_local(async {});
        runtime.block_on(local);
        let last = wakeline::LocalSet::new();
        last.spawn_local(never("left behind"));
        let both = last.run_until(yield_now());
        runtime.block_on(both);
        drop(last);
    };
    program();
    let Some(trace) = trace_of(test, program) else {
        return;
    };
    assert_eq!(lines(&trace, task_kind::LOCAL).len(), 7);
    assert_eq!(lines(&trace, task_kind::ROOT).len(), 1);
    let ended = ends(&trace);
    let never = &ended["tokio_sets::never"];
    assert_eq!(never, &[(end_outcome::CANCELLED, cause_kind::SHUTDOWN, 0)]);
    let completed = ended
        .values()
        .flatten()
        .filter(|end| end.0 == end_outcome::COMPLETED);
    assert_eq!(completed.count(), 7);
}

/// Every method gives what tokio's gives: a handle, in a result.
async fn use_a_builder(local: &wakeline::LocalSet) -> [JoinHandle<u32>; 6] {
    let named = |name| wakeline::task::Builder::new().name(name);
    let handle = Handle::current();
    [
        named("spawn").spawn(async { 1 }).unwrap(),
        named("spawn_on").spawn_on(async { 2 }, &handle).unwrap(),
        named("spawn_local").spawn_local(async { 3 }).unwrap(),
        named("spawn_local_on")
            .spawn_local_on(async { 4 }, local)
            .unwrap(),
        named("spawn_blocking").spawn_blocking(|| 5).unwrap(),
        named("spawn_blocking_on")
            .spawn_blocking_on(|| 6, &handle)
            .unwrap(),
    ]
}

#[test]
fn a_builder_names_tasks_and_jobs() {
    let trace = trace_of("a_builder_names_tasks_and_jobs", || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let local = wakeline::LocalSet::new();
        let sum = runtime.block_on(local.run_until(async {
            let mut sum = 0;
            for task in use_a_builder(&local).await {
                sum += task.await.unwrap();
            }
            sum
        }));
        assert_eq!(sum, 21);
    });
    let Some(trace) = trace else { return };
    for name in ["spawn", "spawn_on", "spawn_local", "spawn_local_on"] {
        assert_eq!(ends(&trace)[name], [(end_outcome::COMPLETED, 0, 0)]);
    }
    let jobs: Vec<_> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::JobSubmit(job) => Some(trace.text(job.name)),
            _ => None,
        })
        .collect();
    assert_eq!(jobs, ["spawn_blocking", "spawn_blocking_on"]);
}

#[test]
fn blocking_in_place_is_a_span_of_the_task_that_does_it() {
    let test = "blocking_in_place_is_a_span_of_the_task_that_does_it";
    let trace = trace_of(test, || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            let blocks = async { wakeline::block_in_place(|| 3) + 1 };
            let task = wakeline::task::Builder::new().name("blocks").spawn(blocks);
            assert_eq!(task.unwrap().await.unwrap(), 4);
        });
    });
    let Some(trace) = trace else { return };
    let spans: Vec<_> = trace
        .all()
        .filter_map(|event| match event {
            EventRecord::SpanOpen(span) => Some((span.task, trace.text(span.name))),
            _ => None,
        })
        .collect();
    assert_eq!(spans, [(id_of(&trace, "blocks"), "block_in_place")]);
}

/// What a future must be, so that the counterparts may stand where tokio's stand.
#[test]
fn what_is_send_stays_send() {
    fn is_send<T: Send>(_: T) {}
    is_send(wakeline::JoinSet::<u8>::new());
    is_send(wakeline::span("send").wrap(async {}));
    fn is_future<F: Future<Output = ()>>(_: F) {}
    is_future(wakeline::LocalSet::new());
}
