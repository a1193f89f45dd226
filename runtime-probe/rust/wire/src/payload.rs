//! Owns the payloads of frames, encoder and decoder: hello, chunk head, watermarks,
//! anchor, end, control. It must not know what one payload means for the next.

use crate::codec::{DecodeError, Reader, Writer};
use crate::generated::{limits, SHAPES};

/// The most capabilities, shapes or fields of a shape that a hello may have.
const HELLO_ITEMS: u64 = 1024;
/// The most threads that a watermarks or end frame may name: what fits a frame at
/// four bytes and more each.
const THREADS: u64 = limits::FRAME_BYTES / 4;

/// What a stream can see, for the viewer's "not recorded".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Its name: `polls`, `wakes`, …
    pub name: String,
    /// A value of `visibility`.
    pub visibility: u64,
    /// What limits it; may be empty.
    pub note: String,
}

/// Which fields the writer puts into records of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Kind on the wire.
    pub kind: u64,
    /// Name in the writer's schema.
    pub name: String,
    /// Type codes, in order.
    pub fields: Vec<u8>,
}

/// The shapes of this version.
pub fn own_shapes() -> Vec<Shape> {
    SHAPES
        .iter()
        .map(|shape| Shape {
            kind: shape.kind,
            name: shape.name.to_owned(),
            fields: shape.fields.to_vec(),
        })
        .collect()
}

/// Who speaks: first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// 32 hexadecimal digits, the same after a reconnection.
    pub session: String,
    /// Ticks per second.
    pub tick_rate: u64,
    /// The clock's raw value that is tick 0.
    pub origin_tick: u64,
    /// `CLOCK_MONOTONIC` at tick 0 in ns; 0 for none.
    pub anchor_monotonic_ns: u64,
    /// Wall clock at tick 0 in µs since 1970.
    pub anchor_wall_us: u64,
    /// Process id.
    pub pid: u64,
    /// `rust` or `node`.
    pub language: String,
    /// Path of the executable.
    pub program: String,
    /// Absolute path.
    pub working_folder: String,
    /// Where relative site paths start from; may be empty.
    pub source_root: String,
    /// Name and version of the probe.
    pub probe: String,
    /// What kind of instrumentation.
    pub tier: String,
    /// Which debug session started the program; may be empty.
    pub launch: String,
    /// Path of the ring file; may be empty.
    pub ring_file: String,
    /// A value of `detail`.
    pub detail: u64,
    /// What is and what is not recorded.
    pub capabilities: Vec<Capability>,
    /// The shape of every kind that the writer may use.
    pub shapes: Vec<Shape>,
    /// The other processes and threads of the same program; none where the writer knows of
    /// no others.
    pub family: Option<Family>,
}

/// Which processes and threads belong together: those that one start of a program brought
/// about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// 32 hexadecimal digits, the same in all members.
    pub group: String,
    /// Session of the process that started this one or whose thread this is; may be empty.
    pub parent: String,
    /// What this is of the program, in words; empty for the program itself.
    pub part: String,
}

impl Hello {
    /// Writes the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.text(&self.session);
        out.wide(self.tick_rate);
        out.wide(self.origin_tick);
        out.wide(self.anchor_monotonic_ns);
        out.wide(self.anchor_wall_us);
        out.uint(self.pid);
        for text in [
            &self.language,
            &self.program,
            &self.working_folder,
            &self.source_root,
            &self.probe,
            &self.tier,
            &self.launch,
            &self.ring_file,
        ] {
            out.text(text);
        }
        out.uint(self.detail);
        out.uint(self.capabilities.len() as u64);
        for capability in &self.capabilities {
            out.text(&capability.name);
            out.uint(capability.visibility);
            out.text(&capability.note);
        }
        out.uint(self.shapes.len() as u64);
        for shape in &self.shapes {
            out.uint(shape.kind);
            out.text(&shape.name);
            out.uint(shape.fields.len() as u64);
            for code in &shape.fields {
                out.uint(u64::from(*code));
            }
        }
        if let Some(family) = &self.family {
            for text in [&family.group, &family.parent, &family.part] {
                out.text(text);
            }
        }
    }

    /// Reads the payload; bytes behind the last known field are ignored.
    ///
    /// # Errors
    /// When a field is malformed, the session is no session or the rate is none that a clock has.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(payload);
        let hello = Self {
            session: r.text()?,
            tick_rate: r.wide()?,
            origin_tick: r.wide()?,
            anchor_monotonic_ns: r.wide()?,
            anchor_wall_us: r.wide()?,
            pid: r.uint()?,
            language: r.text()?,
            program: r.text()?,
            working_folder: r.text()?,
            source_root: r.text()?,
            probe: r.text()?,
            tier: r.text()?,
            launch: r.text()?,
            ring_file: r.text()?,
            detail: r.uint()?,
            capabilities: r.repeat(HELLO_ITEMS, "list of capabilities", |r| {
                Ok(Capability {
                    name: r.text()?,
                    visibility: r.uint()?,
                    note: r.text()?,
                })
            })?,
            shapes: r.repeat(HELLO_ITEMS, "list of shapes", decode_shape)?,
            family: match r.at_end() {
                true => None,
                false => Some(Family {
                    group: r.text()?,
                    parent: r.text()?,
                    part: r.text()?,
                }),
            },
        };
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if hello.session.len() != 32 || !hello.session.bytes().all(hexadecimal) {
            return Err(DecodeError::new("a session is 32 hexadecimal digits", 0));
        }
        if !(1_000..=100_000_000_000).contains(&hello.tick_rate) {
            return Err(DecodeError::new(
                format!(
                    "a tick rate of {} per second is none that a clock has",
                    hello.tick_rate
                ),
                0,
            ));
        }
        Ok(hello)
    }
}

fn decode_shape(r: &mut Reader<'_>) -> Result<Shape, DecodeError> {
    let kind = r.uint()?;
    let name = r.text()?;
    let fields = r.repeat(HELLO_ITEMS, "list of fields", |r| {
        let code = r.uint()?;
        u8::try_from(code)
            .ok()
            .filter(|code| (1..=5).contains(code))
            .ok_or_else(|| {
                r.error(format!(
                    "a field of type {code} cannot be skipped by this reader; update Wakeline"
                ))
            })
    })?;
    let own = SHAPES.iter().find(|shape| shape.kind == kind);
    for (written, known) in fields.iter().zip(own.map_or(&[][..], |shape| shape.fields)) {
        if written != known {
            return Err(r.error(format!(
                "record kind {kind} ({name}) has a field of type {written} where {known} is known"
            )));
        }
    }
    Ok(Shape { kind, name, fields })
}

/// A poll that was open at the start of a chunk or slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenPoll {
    /// The task polled.
    pub task: u64,
    /// Its epoch.
    pub epoch: u64,
    /// When the poll began.
    pub start_tick: u64,
}

/// What is open at the start of a chunk, and at the start of a ring slot's payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Outermost first.
    pub open_polls: Vec<OpenPoll>,
    /// Outermost first.
    pub open_frames: Vec<u64>,
    /// 0 for none.
    pub open_job: u64,
}

impl Context {
    /// Writes the three fields.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.open_polls.len() as u64);
        for poll in &self.open_polls {
            out.uint(poll.task);
            out.uint(poll.epoch);
            out.uint(poll.start_tick);
        }
        out.list(&self.open_frames);
        out.uint(self.open_job);
    }

    /// Reads the three fields.
    ///
    /// # Errors
    /// When one is malformed or over its limit.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            open_polls: r.repeat(limits::OPEN_POLLS, "list of open polls", |r| {
                Ok(OpenPoll {
                    task: r.uint()?,
                    epoch: r.uint()?,
                    start_tick: r.uint()?,
                })
            })?,
            open_frames: r.repeat(limits::OPEN_FRAMES, "list of open frames", Reader::uint)?,
            open_job: r.uint()?,
        })
    }
}

/// What stands before the events of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkHead {
    /// Dictionary id of the thread.
    pub thread: u64,
    /// Number of the slot in its thread, from 1.
    pub sequence: u64,
    /// Where in the slot's event bytes this piece begins.
    pub offset: u64,
    /// Events of this thread dropped before this slot, since its start.
    pub dropped: u64,
    /// The first record's delta counts from here.
    pub first_tick: u64,
    /// Tick of the last record of the piece.
    pub last_tick: u64,
    /// What is open at its start.
    pub context: Context,
}

impl ChunkHead {
    /// Writes the head; the events follow.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_before_context(out);
        self.context.encode(out);
    }

    /// Writes the head without what is open: for a whole slot, whose payload begins with it.
    pub fn encode_before_context(&self, out: &mut Vec<u8>) {
        for value in [
            self.thread,
            self.sequence,
            self.offset,
            self.dropped,
            self.first_tick,
            self.last_tick,
        ] {
            out.uint(value);
        }
    }

    /// Reads the head; the reader stands at the events then.
    ///
    /// # Errors
    /// When a field is malformed or no thread or no sequence is named.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let head = Self {
            thread: r.uint()?,
            sequence: r.uint()?,
            offset: r.uint()?,
            dropped: r.uint()?,
            first_tick: r.uint()?,
            last_tick: r.uint()?,
            context: Context::decode(r)?,
        };
        if head.thread == 0 || head.sequence == 0 {
            return Err(r.error("a chunk names no thread or no sequence"));
        }
        Ok(head)
    }
}

/// Up to where one thread has published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermark {
    /// The thread.
    pub thread: u64,
    /// It publishes nothing more below this tick.
    pub tick: u64,
    /// Its current slot.
    pub sequence: u64,
    /// Event bytes that it has published of that slot.
    pub end: u64,
}

/// Writes the payload of a watermarks frame.
pub fn encode_watermarks(watermarks: &[Watermark], out: &mut Vec<u8>) {
    out.uint(watermarks.len() as u64);
    for each in watermarks {
        for value in [each.thread, each.tick, each.sequence, each.end] {
            out.uint(value);
        }
    }
}

/// Reads the payload of a watermarks frame.
///
/// # Errors
/// When it is malformed or over a limit.
pub fn decode_watermarks(payload: &[u8]) -> Result<Vec<Watermark>, DecodeError> {
    Reader::new(payload).repeat(THREADS, "list of watermarks", |r| {
        Ok(Watermark {
            thread: r.uint()?,
            tick: r.uint()?,
            sequence: r.uint()?,
            end: r.uint()?,
        })
    })
}

/// A later pair of ticks and wall time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The tick.
    pub tick: u64,
    /// `CLOCK_MONOTONIC` at that tick, in ns.
    pub monotonic_ns: u64,
    /// Wall clock at that tick, in µs since 1970.
    pub wall_us: u64,
}

impl Anchor {
    /// Writes the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.tick);
        out.wide(self.monotonic_ns);
        out.wide(self.wall_us);
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When a field is malformed.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(payload);
        Ok(Self {
            tick: r.uint()?,
            monotonic_ns: r.wide()?,
            wall_us: r.wide()?,
        })
    }
}

/// Totals of one thread, to check against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadTotal {
    /// The thread.
    pub thread: u64,
    /// Its last slot; 0 when it had none.
    pub sequence: u64,
    /// Event bytes of that slot.
    pub end: u64,
    /// Events that it dropped in all.
    pub dropped: u64,
}

/// The program closed its stream on purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// A value of `end_reason`.
    pub reason: u64,
    /// Every thread that recorded.
    pub threads: Vec<ThreadTotal>,
}

impl End {
    /// Writes the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.reason);
        out.uint(self.threads.len() as u64);
        for each in &self.threads {
            for value in [each.thread, each.sequence, each.end, each.dropped] {
                out.uint(value);
            }
        }
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When a field is malformed or over a limit.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(payload);
        Ok(Self {
            reason: r.uint()?,
            threads: r.repeat(THREADS, "list of threads", |r| {
                Ok(ThreadTotal {
                    thread: r.uint()?,
                    sequence: r.uint()?,
                    end: r.uint()?,
                    dropped: r.uint()?,
                })
            })?,
        })
    }
}

/// Collector to program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// A value of `detail`.
    pub detail: u64,
    /// Whether a snapshot of what is alive is asked for.
    pub snapshot: bool,
}

impl Control {
    /// Writes the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.detail);
        out.uint(u64::from(self.snapshot));
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// When a field is malformed.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(payload);
        Ok(Self {
            detail: r.uint()?,
            snapshot: r.uint()? != 0,
        })
    }
}
