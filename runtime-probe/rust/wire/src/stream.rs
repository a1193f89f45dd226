//! Owns decoding and encoding a whole stream, record by record, by the shapes of its
//! hello. It must not know what records mean: no state of tasks, no time but ticks.

use std::collections::HashMap;

use crate::codec::{DecodeError, Reader, Writer, UINT_MAX};
use crate::frame::{append_frame, Frame, FrameSplitter};
use crate::generated::{frame_kind, DictionaryRecord, EventRecord, SHAPES};
use crate::payload::{
    decode_watermarks, encode_watermarks, Anchor, ChunkHead, Control, End, Hello, Watermark,
};

/// An event with its tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedEvent {
    /// Ticks since the session's origin.
    pub tick: u64,
    /// The event.
    pub event: EventRecord,
    /// The byte behind it, counted from the start of the piece's events.
    pub end: usize,
}

/// A frame, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Who speaks.
    Hello(Box<Hello>),
    /// Records that events refer to.
    Dictionary {
        /// As in a chunk; of use in rings only.
        sequence: u64,
        /// As in a chunk; of use in rings only.
        offset: u64,
        /// The records of known kinds.
        records: Vec<DictionaryRecord>,
    },
    /// Events of one thread.
    Chunk {
        /// What stands before them.
        head: ChunkHead,
        /// The events of known kinds.
        events: Vec<TimedEvent>,
    },
    /// Up to where threads have published.
    Watermarks(Vec<Watermark>),
    /// A pair of ticks and wall time.
    Anchor(Anchor),
    /// Closed on purpose.
    End(End),
    /// Collector to program.
    Control(Control),
}

impl Item {
    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => append_frame(out, frame_kind::HELLO, |out| hello.encode(out)),
            Self::Dictionary {
                sequence,
                offset,
                records,
            } => append_frame(out, frame_kind::DICTIONARY, |out| {
                out.uint(*sequence);
                out.uint(*offset);
                for record in records {
                    out.uint(record.kind());
                    record.encode_fields(out);
                }
            }),
            Self::Chunk { head, events } => append_frame(out, frame_kind::CHUNK, |out| {
                head.encode(out);
                let mut tick = head.first_tick;
                for each in events {
                    out.uint(each.event.kind());
                    out.uint(each.tick.saturating_sub(tick));
                    each.event.encode_fields(out);
                    tick = each.tick;
                }
            }),
            Self::Watermarks(each) => append_frame(out, frame_kind::WATERMARKS, |out| {
                encode_watermarks(each, out);
            }),
            Self::Anchor(anchor) => append_frame(out, frame_kind::ANCHOR, |out| anchor.encode(out)),
            Self::End(end) => append_frame(out, frame_kind::END, |out| end.encode(out)),
            Self::Control(each) => append_frame(out, frame_kind::CONTROL, |out| each.encode(out)),
        };
    }
}

/// Which fields a writer puts into each kind: this version's until a hello says otherwise.
#[derive(Debug, Clone)]
pub struct Shapes {
    by_kind: HashMap<u64, Vec<u8>>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            by_kind: SHAPES.iter().map(|s| (s.kind, s.fields.to_vec())).collect(),
        }
    }
}

impl Shapes {
    /// The shapes of a hello; kinds that it does not list are this version's.
    pub fn of(hello: &Hello) -> Self {
        let mut shapes = Self::default();
        for shape in &hello.shapes {
            shapes.by_kind.insert(shape.kind, shape.fields.clone());
        }
        shapes
    }

    /// Reads the fields of a record as this version knows it: fields that it does not
    /// know are skipped, fields that the writer did not send read as 0 or empty.
    fn record<T>(
        &self,
        kind: u64,
        r: &mut Reader<'_>,
        decode: impl Fn(u64, &mut Reader<'_>) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let Some(written) = self.by_kind.get(&kind) else {
            return Err(r.error(format!("record kind {kind} is in no shape")));
        };
        let Some(known) = SHAPES.iter().find(|shape| shape.kind == kind) else {
            written.iter().try_for_each(|code| r.skip(*code))?;
            return Ok(None);
        };
        if written.len() >= known.fields.len() {
            let record = decode(kind, r)?;
            for code in &written[known.fields.len()..] {
                r.skip(*code)?;
            }
            return Ok(record);
        }
        // A zero byte is 0 of every number type and the empty text and list, so the
        // missing fields are appended as zero bytes.
        let rest = r.rest();
        let start = r.position();
        written.iter().try_for_each(|code| r.skip(*code))?;
        let mut padded = rest[..r.position() - start].to_vec();
        padded.resize(padded.len() + known.fields.len() - written.len(), 0);
        decode(kind, &mut Reader::new(&padded))
    }

    /// Reads dictionary records to the end of the bytes.
    ///
    /// # Errors
    /// When a record is malformed or of a kind that is in no shape.
    pub fn dictionary(&self, r: &mut Reader<'_>) -> Result<Vec<DictionaryRecord>, DecodeError> {
        let mut records = Vec::new();
        while !r.at_end() {
            let kind = r.uint()?;
            records.extend(self.record(kind, r, DictionaryRecord::decode_fields)?);
        }
        Ok(records)
    }

    /// Reads events to the end of the bytes, ticks counted from `first_tick`.
    ///
    /// # Errors
    /// When an event is malformed, of a kind that is in no shape, or its tick is above 2^53 − 1.
    pub fn events(
        &self,
        r: &mut Reader<'_>,
        first_tick: u64,
    ) -> Result<Vec<TimedEvent>, DecodeError> {
        let start = r.position();
        let mut tick = first_tick;
        let mut events = Vec::new();
        while !r.at_end() {
            let kind = r.uint()?;
            tick += r.uint()?;
            if tick > UINT_MAX {
                return Err(r.error("a tick is above 2^53 - 1"));
            }
            let event = self.record(kind, r, EventRecord::decode_fields)?;
            let end = r.position() - start;
            events.extend(event.map(|event| TimedEvent { tick, event, end }));
        }
        Ok(events)
    }
}

/// Decodes a stream that comes in pieces of any size.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    splitter: FrameSplitter,
    shapes: Shapes,
}

impl StreamDecoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of whole frames so far: where a cut stream is cut.
    pub fn consumed_bytes(&self) -> u64 {
        self.splitter.consumed_bytes()
    }

    /// Hands out every frame that is whole with these bytes; frames of unknown kinds are passed over.
    ///
    /// # Errors
    /// When a frame is malformed; the stream cannot be read on then.
    pub fn push(&mut self, bytes: &[u8], mut on_item: impl FnMut(Item)) -> Result<(), DecodeError> {
        let shapes = &mut self.shapes;
        self.splitter.push(bytes, |frame| {
            if let Some(item) = decode_frame(frame, shapes)? {
                if let Item::Hello(hello) = &item {
                    *shapes = Shapes::of(hello);
                }
                on_item(item);
            }
            Ok(())
        })
    }
}

fn decode_frame(frame: Frame<'_>, shapes: &Shapes) -> Result<Option<Item>, DecodeError> {
    let r = &mut Reader::new(frame.payload);
    Ok(Some(match frame.kind {
        frame_kind::HELLO => Item::Hello(Box::new(Hello::decode(frame.payload)?)),
        frame_kind::DICTIONARY => Item::Dictionary {
            sequence: r.uint()?,
            offset: r.uint()?,
            records: shapes.dictionary(r)?,
        },
        frame_kind::CHUNK => {
            let head = ChunkHead::decode(r)?;
            let events = shapes.events(r, head.first_tick)?;
            Item::Chunk { head, events }
        }
        frame_kind::WATERMARKS => Item::Watermarks(decode_watermarks(frame.payload)?),
        frame_kind::ANCHOR => Item::Anchor(Anchor::decode(frame.payload)?),
        frame_kind::END => Item::End(End::decode(frame.payload)?),
        frame_kind::CONTROL => Item::Control(Control::decode(frame.payload)?),
        _ => return Ok(None),
    }))
}
