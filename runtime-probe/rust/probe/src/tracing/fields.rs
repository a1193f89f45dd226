//! Owns which of tokio's callsites are of interest, and reads their fields. It must not know
//! what is recorded of them.

use std::fmt::{Debug, Write};

use tracing_core::field::{Field, Visit};
use tracing_core::Metadata;
use wakeline_wire::detail;

/// What a callsite tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callsite {
    Waker,
    Spawn,
    SpawnBlocking,
    Resource,
    Operation,
    PollOp,
    ResourceState,
    OperationState,
    Other,
}

/// What this callsite tells of. The most frequent one is asked for first.
#[inline]
pub(crate) fn callsite(metadata: &Metadata<'_>) -> Callsite {
    match metadata.target() {
        "tokio::task::waker" => Callsite::Waker,
        "runtime::resource::poll_op" => Callsite::PollOp,
        "runtime::resource::state_update" => Callsite::ResourceState,
        "runtime::resource::async_op::state_update" => Callsite::OperationState,
        "tokio::task" if is_spawn(metadata) => Callsite::Spawn,
        "tokio::task::blocking" if is_spawn(metadata) => Callsite::SpawnBlocking,
        target if target.starts_with("tokio::") => match metadata.name() {
            "runtime.resource" => Callsite::Resource,
            "runtime.resource.async_op" => Callsite::Operation,
            _ => Callsite::Other,
        },
        _ => Callsite::Other,
    }
}

/// A span of an older tokio has another name and tells too little.
fn is_spawn(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == "runtime.spawn"
}

/// What is done to a waker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum WakerOp {
    #[default]
    Unknown,
    Clone,
    Drop,
    Wake,
    WakeByRef,
}

/// From which level of detail on anything is told of what comes from here; none where never.
/// What is refused by that costs tokio one load, what is heard and then left 5 to 10 ns.
pub(crate) fn least_detail(metadata: &Metadata<'_>) -> Option<u64> {
    let has = |names: &[&str]| {
        names
            .iter()
            .any(|name| metadata.fields().field(name).is_some())
    };
    match callsite(metadata) {
        Callsite::Spawn | Callsite::SpawnBlocking | Callsite::Resource => Some(detail::OFF),
        Callsite::Waker | Callsite::PollOp => Some(detail::LEAN),
        // A timer that is set.
        Callsite::ResourceState if has(&["duration"]) => Some(detail::LEAN),
        Callsite::ResourceState if has(&HELD_FIELDS) => Some(detail::FULL),
        Callsite::OperationState if has(&["permits_obtained"]) => Some(detail::FULL),
        // Only who is handed something is told by an operation: a wait is the resource's.
        Callsite::Operation => Some(detail::FULL),
        _ => None,
    }
}

/// Fields of a resource's state that say who holds it.
const HELD_FIELDS: [&str; 6] = [
    "permits",
    "locked",
    "write_locked",
    "current_readers",
    "value_sent",
    "value_received",
];

/// The fields of a waker's event.
#[derive(Default)]
pub(crate) struct WakerFields {
    pub(crate) op: WakerOp,
    pub(crate) span: u64,
}

impl Visit for WakerFields {
    #[inline]
    fn record_str(&mut self, _field: &Field, value: &str) {
        self.op = match value {
            "waker.clone" => WakerOp::Clone,
            "waker.wake" => WakerOp::Wake,
            "waker.wake_by_ref" => WakerOp::WakeByRef,
            "waker.drop" => WakerOp::Drop,
            _ => WakerOp::Unknown,
        };
    }

    #[inline]
    fn record_u64(&mut self, _field: &Field, value: u64) {
        self.span = value;
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

/// The fields of the spans of spawns and resources.
#[derive(Default)]
pub(crate) struct SpanFields {
    /// `kind`: how a task came to be, or what family a resource is of.
    pub(crate) kind: Text<16>,
    pub(crate) name: Text<128>,
    /// The type of a blocking closure.
    pub(crate) function: Text<512>,
    /// What a resource is.
    pub(crate) concrete: Text<32>,
    pub(crate) is_internal: bool,
    pub(crate) file: Text<256>,
    /// Where the file's name stands: one of the binary's constants, so it tells it apart.
    pub(crate) file_address: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "loc.file" => {
                self.file_address = value.as_ptr() as usize;
                self.file.set(value);
            }
            "kind" => self.kind.set(value),
            "concrete_type" => self.concrete.set(value),
            "task.name" => self.name.set(value),
            "fn" => self.function.set(value),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "loc.line" => self.line = value as u32,
            "loc.col" => self.column = value as u32,
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "is_internal" {
            self.is_internal = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text: &mut dyn Write = match field.name() {
            "kind" => &mut self.kind,
            "task.name" => &mut self.name,
            "fn" => &mut self.function,
            _ => return,
        };
        let _ = write!(text, "{value:?}");
    }
}

/// Whether what was polled is ready: the only truth value of such an event.
#[derive(Default)]
pub(crate) struct PollOpFields {
    pub(crate) is_ready: Option<bool>,
}

impl Visit for PollOpFields {
    #[inline]
    fn record_str(&mut self, _field: &Field, _value: &str) {}

    #[inline]
    fn record_bool(&mut self, _field: &Field, value: bool) {
        self.is_ready = Some(value);
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

/// What a resource's or operation's events tell.
#[derive(Default)]
pub(crate) struct StateFields {
    pub(crate) locked: Option<bool>,
    pub(crate) write_locked: Option<bool>,
    pub(crate) value_sent: Option<bool>,
    pub(crate) value_received: Option<bool>,
    pub(crate) current_readers: Option<u64>,
    pub(crate) permits: Option<u64>,
    pub(crate) permits_obtained: Option<u64>,
    pub(crate) duration: Option<u64>,
    pub(crate) op: Change,
}

/// How a state's number changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Change {
    #[default]
    Set,
    Add,
    Sub,
}

impl Visit for StateFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name().ends_with(".op") {
            self.op = match value {
                "add" => Change::Add,
                "sub" => Change::Sub,
                _ => Change::Set,
            };
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "locked" => self.locked = Some(value),
            "write_locked" => self.write_locked = Some(value),
            "value_sent" => self.value_sent = Some(value),
            "value_received" => self.value_received = Some(value),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "permits" => self.permits = Some(value),
            "permits_obtained" => self.permits_obtained = Some(value),
            "current_readers" => self.current_readers = Some(value),
            "duration" => self.duration = Some(value),
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, value.max(0) as u64);
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

/// A text on the stack; what is longer is cut.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }
}

impl<const N: usize> Text<N> {
    fn set(&mut self, text: &str) {
        self.length = 0;
        let _ = self.write_str(text);
    }

    pub(crate) fn get(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let mut fits = text.len().min(N - self.length);
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.bytes[self.length..self.length + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        Ok(())
    }
}
