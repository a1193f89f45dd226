//! What is recorded with tokio 1.8.0 is what is recorded with the newest; what that version
//! cannot tell is missing and not made up.

#[path = "../../probe/tests/support/mod.rs"]
mod support;

use support::{child, connected, finish, role, Collector};
use wakeline_oldest_tokio::{by_hand, echoes, in_place, CLIENTS, MESSAGE};
use wakeline_wire::{
    end_outcome, operation_kind, operation_outcome, park_kind, task_kind, DictionaryRecord,
    EventRecord,
};

#[test]
fn tasks_jobs_reactor_and_operations_are_recorded() {
    if role().is_some() {
        assert_eq!(echoes().unwrap(), CLIENTS * MESSAGE.len());
        assert_eq!(by_hand().unwrap(), 3);
        assert_eq!(in_place(), 3);
        return;
    }
    let collector = Collector::start();
    let test = "tasks_jobs_reactor_and_operations_are_recorded";
    let output = finish(
        connected(child(test, "program"), &collector)
            .spawn()
            .unwrap(),
    );
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    let tasks = |kind: u64| {
        let is = |record: &&DictionaryRecord| matches!(record, DictionaryRecord::Task(task) if task.task_kind == kind);
        trace.dictionary.iter().filter(is).count()
    };
    // The roots of three runtimes; the server, its clients and theirs, and the one in place.
    assert_eq!(tasks(task_kind::ROOT), 3);
    assert_eq!(tasks(task_kind::TASK), 1 + 2 * CLIENTS + 1);
    assert_eq!(tasks(task_kind::LOCAL), 1);
    let starts = trace.count(|event| matches!(event, EventRecord::PollStart(_)));
    let ends = trace.count(|event| matches!(event, EventRecord::PollEnd(_)));
    assert_eq!(starts, ends);
    let completed = trace.count(
        |event| matches!(event, EventRecord::TaskEnd(end) if end.outcome == end_outcome::COMPLETED),
    );
    assert_eq!(completed, 3 + 1 + 2 * CLIENTS + 1 + 1);
    assert_eq!(
        trace.count(|event| matches!(event, EventRecord::JobEnd(_))),
        1
    );
    assert_eq!(
        trace.count(|event| matches!(event, EventRecord::SpanOpen(_))),
        1
    );

    let moved = |kind: u64| {
        let bytes = trace.all().filter_map(|event| match event {
            EventRecord::Operation(operation)
                if operation.operation_kind == kind
                    && operation.outcome == operation_outcome::DONE =>
            {
                Some(operation.bytes)
            }
            _ => None,
        });
        bytes.sum::<u64>()
    };
    let all = (2 * CLIENTS * MESSAGE.len()) as u64;
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        assert_eq!(moved(operation_kind::READ), all);
        assert_eq!(moved(operation_kind::WRITE), all);
        let parks = trace.count(
            |event| matches!(event, EventRecord::Park(park) if park.park_kind == park_kind::REACTOR),
        );
        assert!(parks > 0);
    }
}
