//! The golden vectors that both languages read: each decodes, and encodes to the same bytes
//! again. `rust-all-kinds` is written here (`UPDATE_GOLDEN=1` rewrites it).

mod support;

use wakeline_wire::frame::{read_recording_head, recording_head, RECORDING_HEAD_BYTES};
use wakeline_wire::payload::own_shapes;
use wakeline_wire::stream::{Item, StreamDecoder};

fn decode(bytes: &[u8]) -> Vec<Item> {
    read_recording_head(bytes).unwrap();
    let mut items = Vec::new();
    let mut decoder = StreamDecoder::new();
    decoder
        .push(&bytes[RECORDING_HEAD_BYTES..], |item| items.push(item))
        .unwrap();
    items
}

#[test]
fn every_vector_decodes_and_encodes_to_the_same_bytes() {
    let mut checked = 0;
    for entry in std::fs::read_dir(support::vectors_folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "wakeline")
        {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let items = decode(&bytes);
        let own = items.iter().all(|item| match item {
            Item::Hello(hello) => hello.shapes == own_shapes(),
            _ => true,
        });
        // Short forms are written by probes only: a decoded one is the whole event.
        let is_short = path.ends_with("rust-short-forms.wakeline");
        // A stream of other shapes has fields that this version does not keep.
        if own && !is_short {
            let mut again = recording_head().to_vec();
            items.iter().for_each(|item| item.encode(&mut again));
            assert!(
                again == bytes,
                "{} does not encode to itself",
                path.display()
            );
        }
        checked += usize::from(own);
    }
    assert!(checked > 5, "only {checked} vectors were found");
}

#[test]
fn the_vector_of_this_language_is_up_to_date() {
    let bytes = support::recording(&support::items());
    let golden = support::checked_vector("rust-all-kinds", &bytes);
    assert_eq!(decode(&golden), support::items());
}
