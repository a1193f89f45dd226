//! Owns a stream with every record kind at its edges, made from the shapes alone, so that
//! a new kind is in it without a change here. It must not know what kinds mean.
#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use std::path::PathBuf;

use wakeline_wire::codec::UINT_MAX;
use wakeline_wire::payload::{
    own_shapes, Anchor, Capability, ChunkHead, Context, End, Hello, OpenPoll, ThreadTotal,
    Watermark,
};
use wakeline_wire::stream::{Item, TimedEvent};
use wakeline_wire::{
    detail, end_reason, frame::recording_head, visibility, DictionaryRecord, EventRecord, Reader,
    StaticShape, Writer, SHAPES, SHORT_FORMS,
};

/// Unsigned numbers where a coder may go wrong: each length of LEB128, 32 bits, the end.
const EDGES: [u64; 9] = [
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    u32::MAX as u64,
    1 << 32,
    UINT_MAX,
];
const SIGNED_EDGES: [i64; 7] = [0, -1, 1, -64, 64, -((1 << 52) - 1), (1 << 52) - 1];
const TEXTS: [&str; 4] = ["", "a", "src/main.rs", "naïve – 🦀 \u{0} \"quoted\""];

/// Kinds from here on are events.
const FIRST_EVENT: u64 = 32;

/// The bytes of a record's fields, `variant` choosing which edges.
fn fields(shape: &StaticShape, variant: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, code) in shape.fields.iter().enumerate() {
        let at = variant + place;
        match code {
            1 => bytes.uint(EDGES[at % EDGES.len()]),
            2 => bytes.sint(SIGNED_EDGES[at % SIGNED_EDGES.len()]),
            3 => bytes.text(TEXTS[at % TEXTS.len()]),
            4 => bytes.list(&EDGES[..at % EDGES.len()]),
            5 => bytes.wide([0, 1, u64::MAX][at % 3]),
            other => panic!("type {other} is new: give it edges here"),
        }
    }
    bytes
}

fn dictionary() -> Vec<DictionaryRecord> {
    let shapes = SHAPES.iter().filter(|shape| shape.kind < FIRST_EVENT);
    let records = shapes.flat_map(|shape| {
        (0..EDGES.len()).map(move |variant| {
            let bytes = fields(shape, variant);
            let record = DictionaryRecord::decode_fields(shape.kind, &mut Reader::new(&bytes));
            record.unwrap().unwrap()
        })
    });
    records.collect()
}

fn events() -> Vec<TimedEvent> {
    // What a short form decodes to is another record, see `short_forms`.
    let is_short = |kind| SHORT_FORMS.iter().any(|form| form.kind == kind);
    let shapes = SHAPES
        .iter()
        .filter(|shape| shape.kind >= FIRST_EVENT && !is_short(shape.kind));
    let mut tick = 10;
    let mut end = 0;
    let mut events = Vec::new();
    for (place, shape) in shapes.enumerate() {
        for (variant, edge) in EDGES.into_iter().enumerate() {
            // Deltas of every length; the greatest once, as ticks end at 2^53 - 1 too.
            let delta = match (place, variant) {
                (0, 8) => 1 << 50,
                (_, 8) => 0,
                _ => edge,
            };
            tick += delta;
            let bytes = fields(shape, variant);
            let event = EventRecord::decode_fields(shape.kind, &mut Reader::new(&bytes));
            let mut head = Vec::new();
            head.uint(shape.kind);
            head.uint(delta);
            end += head.len() + bytes.len();
            events.push(TimedEvent {
                tick,
                event: event.unwrap().unwrap(),
                end,
            });
        }
    }
    events
}

/// A stream that has every frame and every record.
pub fn items() -> Vec<Item> {
    let events = events();
    let last_tick = events[events.len() - 1].tick;
    let end = events[events.len() - 1].end as u64;
    let open_polls = |count: u64| {
        let poll = |task| OpenPoll {
            task,
            epoch: task * 1000,
            start_tick: task,
        };
        (1..=count).map(poll).collect()
    };
    vec![
        Item::Hello(Box::new(hello(""))),
        Item::Dictionary {
            sequence: 1,
            offset: 0,
            records: dictionary(),
        },
        Item::Chunk {
            head: ChunkHead {
                thread: 1,
                sequence: 1,
                offset: 0,
                dropped: 0,
                first_tick: 10,
                last_tick,
                context: Context::default(),
            },
            events,
        },
        // A piece without events whose head is as full as it may be.
        Item::Chunk {
            head: ChunkHead {
                thread: 2,
                sequence: 7,
                offset: 300,
                dropped: 12_345,
                first_tick: 20,
                last_tick: 20,
                context: Context {
                    open_polls: open_polls(16),
                    open_frames: (1..=256).collect(),
                    open_job: 9,
                },
            },
            events: Vec::new(),
        },
        Item::Watermarks(vec![
            Watermark {
                thread: 1,
                tick: last_tick,
                sequence: 1,
                end,
            },
            Watermark {
                thread: 2,
                tick: UINT_MAX,
                sequence: 7,
                end: 300,
            },
        ]),
        Item::Anchor(Anchor {
            tick: 1 << 40,
            monotonic_ns: u64::MAX,
            wall_us: 1_795_000_000_000_000,
        }),
        Item::End(End {
            reason: end_reason::EXIT,
            threads: vec![ThreadTotal {
                thread: 1,
                sequence: 1,
                end,
                dropped: 0,
            }],
        }),
    ]
}

/// A hello; the text form in which the other language keeps its vectors has no notes, so
/// the vector is made without one.
pub fn hello(note: &str) -> Hello {
    Hello {
        session: "0123456789abcdef0123456789abcdef".into(),
        tick_rate: 2_399_999_999,
        origin_tick: u64::MAX,
        anchor_monotonic_ns: 1_234_567_890_123,
        anchor_wall_us: 1_795_000_000_000_000,
        pid: 4_194_304,
        language: "rust".into(),
        program: "/home/someone/naïve project/target/debug/server".into(),
        working_folder: "/home/someone/naïve project".into(),
        source_root: String::new(),
        probe: "wakeline-wire test".into(),
        tier: "test".into(),
        launch: String::new(),
        ring_file: String::new(),
        detail: detail::FULL,
        capabilities: vec![
            Capability {
                name: "polls".into(),
                visibility: visibility::RECORDED,
                note: String::new(),
            },
            Capability {
                name: "cpuTime".into(),
                visibility: visibility::NOT_RECORDED,
                note: note.into(),
            },
        ],
        shapes: own_shapes(),
        family: None,
    }
}

/// Where the vectors are that both languages read.
pub fn vectors_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../protocol/vectors")
}

/// The golden vector of that name, which must be what this version writes; `UPDATE_GOLDEN=1`
/// makes it so.
pub fn checked_vector(name: &str, written: &[u8]) -> Vec<u8> {
    let path = vectors_folder().join(format!("{name}.wakeline"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, written).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    assert!(
        golden == written,
        "{} differs from what this version writes; UPDATE_GOLDEN=1 rewrites it",
        path.display()
    );
    golden
}

/// A recording of these frames.
pub fn recording(items: &[Item]) -> Vec<u8> {
    let mut bytes = recording_head().to_vec();
    for item in items {
        item.encode(&mut bytes);
    }
    bytes
}
