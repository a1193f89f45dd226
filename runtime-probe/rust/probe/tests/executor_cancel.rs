//! Tasks of our own executor that end before they are ready say by whom: an abort, with the
//! task in whose poll it was asked for, or the end of their runtime.

mod support;

use std::collections::HashMap;
use std::future::pending;

use support::{child, connected, finish, role, Collector, Trace};
use wakeline_executor::{spawn_named, yield_now, Runtime};
use wakeline_wire::{cause_kind, end_outcome, DictionaryRecord, EventRecord};

fn program() {
    wakeline::init!();
    for (runtime, left) in [
        (Runtime::single(), "left by one thread"),
        (Runtime::multi(2), "left by two workers"),
    ] {
        let runtime = runtime.build().unwrap();
        runtime.block_on(async {
            // Detached: nobody ends it.
            drop(spawn_named(left, pending::<()>()));
            yield_now().await;
        });
    }
    let runtime = Runtime::single().build().unwrap();
    let handle = runtime.block_on(async {
        let victim = spawn_named("aborted by a task", pending::<()>());
        let aborts = spawn_named("aborts", async move {
            victim.abort();
            assert!(victim.await.unwrap_err().is_cancelled());
        });
        aborts.await.unwrap();
        spawn_named("aborted by a thread", pending::<()>())
    });
    handle.abort();
    runtime.block_on(async { assert!(handle.await.unwrap_err().is_cancelled()) });
}

#[test]
fn an_abort_and_the_end_of_a_runtime_are_told_apart() {
    if role().is_some() {
        return program();
    }
    let collector = Collector::start();
    let test = "an_abort_and_the_end_of_a_runtime_are_told_apart";
    let running = connected(child(test, "program"), &collector).spawn();
    let output = finish(running.unwrap());
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let by = cancelled(&trace);
    let aborts = task(&trace, "aborts");
    assert_eq!(
        by[&task(&trace, "aborted by a task")],
        (cause_kind::ABORT, aborts)
    );
    assert_eq!(
        by[&task(&trace, "aborted by a thread")],
        (cause_kind::ABORT, 0)
    );
    for left in ["left by one thread", "left by two workers"] {
        assert_eq!(by[&task(&trace, left)], (cause_kind::SHUTDOWN, 0), "{left}");
    }
    assert_eq!(by.len(), 4);
}

fn task(trace: &Trace, name: &str) -> u64 {
    let id = |record: &DictionaryRecord| match record {
        DictionaryRecord::Task(task) if trace.text(task.name) == name => Some(task.id),
        _ => None,
    };
    trace.dictionary.iter().find_map(id).expect(name)
}

fn cancelled(trace: &Trace) -> HashMap<u64, (u64, u64)> {
    let end = |event: &EventRecord| match event {
        EventRecord::TaskEnd(end) if end.outcome == end_outcome::CANCELLED => {
            Some((end.task, (end.by_kind, end.by_id)))
        }
        _ => None,
    };
    trace.all().filter_map(end).collect()
}
