//! Owns what the tests of the reactor share: what a trace says of sources and operations. It
//! must not know what a test expects.

use wakeline_wire::{operation_outcome, DictionaryRecord, EventRecord, Operation, Readiness};

use super::{child, connected, finish, role, wait_for_go, Collector, Trace};

/// Runs `program` in a child of this test with a collector, and gives the trace.
pub fn trace_of(test: &str, program: impl FnOnce()) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        // The flusher has its descriptors by then, and takes no number away.
        wait_for_go();
        program();
        return None;
    }
    let collector = Collector::start();
    let command = child(test, "program");
    let running = connected(command, &collector).spawn().unwrap();
    collector.wait_until("the hello", |connections| {
        !Trace::decode(&connections.concat()).hellos.is_empty()
    });
    std::fs::write(collector.go_file(), "").unwrap();
    let output = finish(running);
    assert!(output.status.success(), "{output:?}");
    let trace = collector.trace();
    trace.check();
    Some(trace)
}

pub fn operations(trace: &Trace, kind: u64) -> Vec<Operation> {
    let of_kind = |event: &EventRecord| match event {
        EventRecord::Operation(operation) if operation.operation_kind == kind => Some(*operation),
        _ => None,
    };
    trace.all().filter_map(of_kind).collect()
}

pub fn bytes(operations: &[Operation]) -> u64 {
    let done = |each: &&Operation| each.outcome == operation_outcome::DONE;
    operations.iter().filter(done).map(|each| each.bytes).sum()
}

/// Ids of the sources of this kind with their local and peer addresses.
pub fn sources(trace: &Trace, kind: u64) -> Vec<(u64, String, String)> {
    let text = |id| match id {
        0 => String::new(),
        id => trace.text(id).to_owned(),
    };
    let of_kind = |record: &DictionaryRecord| match record {
        DictionaryRecord::Source(source) if source.source_kind == kind => {
            Some((source.id, text(source.local), text(source.peer)))
        }
        _ => None,
    };
    trace.dictionary.iter().filter_map(of_kind).collect()
}

/// What the kernel reported, in order.
pub fn readiness(trace: &Trace) -> Vec<Readiness> {
    let only = |event: &EventRecord| match event {
        EventRecord::Readiness(readiness) => Some(*readiness),
        _ => None,
    };
    trace.all().filter_map(only).collect()
}
