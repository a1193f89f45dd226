//! Streams of other versions: shapes of the hello say what a reader may skip.

mod support;

use wakeline_wire::frame::append_frame;
use wakeline_wire::payload::{ChunkHead, Family, Hello, Shape};
use wakeline_wire::stream::{Item, StreamDecoder};
use wakeline_wire::{
    frame_kind, kind, type_code, EventRecord, PollStart, TimerCancel, Wake, Writer,
};

/// Decodes the events of one chunk after a hello with these shapes changed.
fn events(changes: &[(u64, &[u64])], bytes: &[u8]) -> Result<Vec<EventRecord>, String> {
    let mut hello = support::hello("");
    for (kind, fields) in changes {
        hello.shapes.retain(|shape| shape.kind != *kind);
        hello.shapes.push(Shape {
            kind: *kind,
            name: "changed".into(),
            fields: fields.iter().map(|code| *code as u8).collect(),
        });
    }
    let mut stream = Vec::new();
    Item::Hello(Box::new(hello)).encode(&mut stream);
    append_frame(&mut stream, frame_kind::CHUNK, |out| {
        ChunkHead {
            thread: 1,
            sequence: 1,
            ..ChunkHead::default()
        }
        .encode(out);
        out.extend_from_slice(bytes);
    });
    let mut found = Vec::new();
    let take = |item| {
        if let Item::Chunk { events, .. } = item {
            found.extend(events.into_iter().map(|timed| timed.event));
        }
    };
    StreamDecoder::new()
        .push(&stream, take)
        .map_err(|error| error.what)?;
    Ok(found)
}

/// An event of a kind that every version has, to show that the reader is in step.
fn landmark(out: &mut Vec<u8>, timer: u64) {
    out.uint(kind::TIMER_CANCEL);
    out.uint(1);
    out.uint(timer);
}

#[test]
fn unknown_kinds_are_skipped_by_their_shape() {
    let mut bytes = Vec::new();
    bytes.uint(120);
    bytes.uint(5);
    bytes.text("from the future");
    bytes.list(&[1, 2, 3]);
    bytes.wide(u64::MAX);
    bytes.sint(-7);
    landmark(&mut bytes, 9);
    let types = [
        type_code::TEXT,
        type_code::LIST,
        type_code::WIDE,
        type_code::SINT,
    ];
    let landmark = EventRecord::TimerCancel(TimerCancel { timer: 9 });
    assert_eq!(events(&[(120, &types)], &bytes), Ok(vec![landmark]));
}

#[test]
fn a_kind_in_no_shape_is_an_error() {
    let mut bytes = Vec::new();
    bytes.uint(120);
    bytes.uint(5);
    assert_eq!(
        events(&[], &bytes),
        Err("record kind 120 is in no shape".into())
    );
}

#[test]
fn fields_that_are_not_known_are_skipped_and_missing_ones_read_as_zero() {
    let mut bytes = Vec::new();
    bytes.uint(kind::POLL_START);
    bytes.uint(1);
    bytes.uint(10);
    bytes.uint(20);
    bytes.text("a field of version 2");
    bytes.uint(kind::WAKE);
    bytes.uint(1);
    bytes.uint(30);
    landmark(&mut bytes, 9);
    let (uint, text) = (type_code::UINT, type_code::TEXT);
    let changes: [(u64, &[u64]); 2] = [
        (kind::POLL_START, &[uint, uint, text]),
        (kind::WAKE, &[uint]),
    ];
    let expected = vec![
        EventRecord::PollStart(PollStart {
            task: 10,
            epoch: 20,
        }),
        EventRecord::Wake(Wake {
            task: 30,
            epoch: 0,
            effect: 0,
        }),
        EventRecord::TimerCancel(TimerCancel { timer: 9 }),
    ];
    assert_eq!(events(&changes, &bytes), Ok(expected));
}

#[test]
fn a_field_of_another_type_than_is_known_is_an_error() {
    let changes: [(u64, &[u64]); 1] = [(kind::POLL_START, &[type_code::TEXT, type_code::UINT])];
    assert!(events(&changes, &[]).is_err());
}

#[test]
fn a_hello_is_read_as_it_was_written_and_a_longer_one_too() {
    let hello = support::hello("nobody samples it");
    let mut bytes = Vec::new();
    hello.encode(&mut bytes);
    assert_eq!(Hello::decode(&bytes), Ok(hello.clone()));
    let of_a_group = Hello {
        family: Some(Family {
            group: "fedcba9876543210fedcba9876543210".into(),
            parent: String::new(),
            part: "child process".into(),
        }),
        ..hello
    };
    bytes.clear();
    of_a_group.encode(&mut bytes);
    bytes.text("a field of version 2");
    assert_eq!(Hello::decode(&bytes), Ok(of_a_group));
}
