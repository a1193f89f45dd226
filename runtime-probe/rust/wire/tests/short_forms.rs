//! Short forms: each decodes to the very event that it stands for, as the schema says it, also
//! in the golden vector `rust-short-forms`, which the other language reads (`UPDATE_GOLDEN=1`
//! rewrites it).

mod support;

use wakeline_wire::codec::UINT_MAX;
use wakeline_wire::frame::{append_frame, recording_head, RECORDING_HEAD_BYTES};
use wakeline_wire::payload::{ChunkHead, Context};
use wakeline_wire::stream::{Item, Shapes, StreamDecoder, TimedEvent};
use wakeline_wire::{
    frame_kind, EventRecord, FieldOfShort, Reader, ShortForm, Writer, SHAPES, SHORT_FORMS,
};

/// Numbers of one, two and eight bytes.
const VALUES: [u64; 3] = [5, 300, UINT_MAX];

/// What is written of a short form, and the fields of the event that it stands for.
fn fields(form: &ShortForm, variant: usize) -> (Vec<u64>, Vec<u64>) {
    let shape = SHAPES.iter().find(|shape| shape.kind == form.kind).unwrap();
    let value = |place: usize| VALUES[(variant + place) % VALUES.len()];
    let written: Vec<u64> = (0..shape.fields.len()).map(value).collect();
    let whole = form.fields.iter().map(|field| match field {
        FieldOfShort::Written(place) => written[*place],
        FieldOfShort::Fixed(value) => *value,
    });
    let whole = whole.collect();
    (written, whole)
}

fn put(out: &mut Vec<u8>, kind: u64, values: &[u64]) {
    out.uint(kind);
    out.uint(1);
    values.iter().for_each(|value| out.uint(*value));
}

/// Each short form, with the whole event behind it.
fn pairs() -> Vec<u8> {
    let mut bytes = Vec::new();
    for form in SHORT_FORMS {
        for variant in 0..VALUES.len() {
            let (written, whole) = fields(form, variant);
            put(&mut bytes, form.kind, &written);
            put(&mut bytes, form.of, &whole);
        }
    }
    bytes
}

fn assert_pairs(events: &[TimedEvent]) {
    assert_eq!(events.len(), SHORT_FORMS.len() * VALUES.len() * 2);
    for pair in events.chunks(2) {
        assert_eq!(pair[0].event, pair[1].event);
        assert_eq!(pair[0].tick + 1, pair[1].tick);
    }
}

#[test]
fn a_short_form_decodes_to_what_it_stands_for() {
    let bytes = pairs();
    let events = Shapes::default().events(&mut Reader::new(&bytes), 0);
    assert_pairs(&events.unwrap());
}

#[test]
fn a_cut_short_form_is_an_error() {
    for form in SHORT_FORMS {
        let (written, _) = fields(form, 0);
        let mut bytes = Vec::new();
        written.iter().for_each(|value| bytes.uint(*value));
        let decode = |bytes: &[u8]| EventRecord::decode_fields(form.kind, &mut Reader::new(bytes));
        assert!(decode(&bytes).is_ok());
        if let Some(cut) = bytes.len().checked_sub(1) {
            assert!(decode(&bytes[..cut]).is_err());
        }
    }
}

#[test]
fn the_vector_of_short_forms_is_up_to_date() {
    let mut bytes = recording_head().to_vec();
    Item::Hello(Box::new(support::hello(""))).encode(&mut bytes);
    append_frame(&mut bytes, frame_kind::CHUNK, |out| {
        let head = ChunkHead {
            thread: 1,
            sequence: 1,
            offset: 0,
            dropped: 0,
            first_tick: 10,
            last_tick: 10 + (SHORT_FORMS.len() * VALUES.len() * 2) as u64,
            context: Context::default(),
        };
        head.encode(out);
        out.extend_from_slice(&pairs());
    });
    let golden = support::checked_vector("rust-short-forms", &bytes);
    let mut decoder = StreamDecoder::new();
    let mut chunks = 0;
    let take = |item| {
        if let Item::Chunk { events, .. } = item {
            assert_pairs(&events);
            chunks += 1;
        }
    };
    decoder.push(&golden[RECORDING_HEAD_BYTES..], take).unwrap();
    assert_eq!(chunks, 1);
}
