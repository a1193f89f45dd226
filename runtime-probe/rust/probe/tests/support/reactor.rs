//! Owns what the tests of the reactor share: an epoll by hand, and what a trace says of
//! sources and operations. It must not know what a test expects.

use std::ffi::c_int;

use wakeline_wire::{operation_outcome, DictionaryRecord, EventRecord, Operation, Readiness};

use super::{child, connected, finish, role, Collector, Trace};

/// Runs `program` in a child of this test with a collector, and gives the trace.
pub fn trace_of(test: &str, program: impl FnOnce()) -> Option<Trace> {
    if role().is_some() {
        assert!(wakeline::init().is_active());
        program();
        return None;
    }
    let collector = Collector::start();
    let command = child(test, "program");
    let output = finish(connected(command, &collector).spawn().unwrap());
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

/// An epoll by hand: no runtime is needed for what is below it.
pub struct Epoll(pub c_int);

impl Epoll {
    pub fn new() -> Self {
        // SAFETY: it takes no pointer.
        Self(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
    }

    pub fn add(&self, fd: c_int, token: u64) -> c_int {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: the event is ours.
        unsafe { libc::epoll_ctl(self.0, libc::EPOLL_CTL_ADD, fd, &mut event) }
    }

    pub fn wait(&self, timeout_ms: c_int) -> c_int {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        // SAFETY: the buffer is ours and of the size stated.
        unsafe { libc::epoll_wait(self.0, events.as_mut_ptr(), 4, timeout_ms) }
    }
}
