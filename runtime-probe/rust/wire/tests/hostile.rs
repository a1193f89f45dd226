//! Bytes from elsewhere: whatever they are, decoding gives an answer or an error that says
//! where, takes no memory for counts that are not there, and never panics.

mod support;

use wakeline_wire::codec::{unzigzag, zigzag, UINT_MAX};
use wakeline_wire::frame::{append_frame, first_frame, parse_token, read_recording_head};
use wakeline_wire::payload::{ChunkHead, Hello};
use wakeline_wire::ring::{read_ring, ring_header, RING_HEADER_BYTES, SLOT_BYTES};
use wakeline_wire::stream::{Item, StreamDecoder};
use wakeline_wire::{frame_kind, limits, DecodeError, Reader, Writer};

fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    support::items()
        .iter()
        .for_each(|item| item.encode(&mut bytes));
    bytes
}

fn decode(bytes: &[u8]) -> (Vec<Item>, Result<(), DecodeError>) {
    let mut items = Vec::new();
    let result = StreamDecoder::new().push(bytes, |item| items.push(item));
    (items, result)
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn a_cut_at_any_byte_gives_the_whole_frames_before_it() {
    let bytes = stream();
    let whole = support::items();
    for cut in 0..bytes.len() {
        let (items, result) = decode(&bytes[..cut]);
        assert_eq!(result, Ok(()), "cut at {cut}");
        assert!(items.len() < whole.len());
        assert!(items == whole[..items.len()], "cut at {cut}");
    }
}

#[test]
fn any_split_gives_the_same() {
    let bytes = stream();
    for piece in [1, 2, 3, 5, 64, 1000] {
        let mut items = Vec::new();
        let mut decoder = StreamDecoder::new();
        for part in bytes.chunks(piece) {
            decoder.push(part, |item| items.push(item)).unwrap();
        }
        assert_eq!(decoder.consumed_bytes(), bytes.len() as u64);
        assert!(items == support::items(), "pieces of {piece}");
    }
}

#[test]
fn a_payload_cut_inside_is_an_error_not_a_panic() {
    for item in support::items() {
        let mut frame = Vec::new();
        item.encode(&mut frame);
        let (kind, payload) = (u64::from(frame[0]), &frame[5..]);
        for cut in 0..payload.len() {
            let mut bytes = Vec::new();
            append_frame(&mut bytes, kind, |out| {
                out.extend_from_slice(&payload[..cut])
            });
            // Where records end, a cut payload is a shorter valid one.
            let (items, result) = decode(&bytes);
            assert_eq!(items.len(), usize::from(result.is_ok()), "cut at {cut}");
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let random = &mut Random(0x9e37_79b9_7f4a_7c15);
    let valid = stream();
    for round in 0..20_000 {
        // Half of them noise, half of them a valid stream with some bytes changed.
        let bytes = if round % 2 == 0 {
            let length = random.next() % 300;
            (0..length).map(|_| random.next() as u8).collect()
        } else {
            let mut bytes = valid[..valid.len().min(3000)].to_vec();
            for _ in 0..1 + random.next() % 4 {
                let at = random.next() as usize % bytes.len();
                bytes[at] = random.next() as u8;
            }
            bytes
        };
        let _ = decode(&bytes);
        let _ = Hello::decode(&bytes);
        let _ = ChunkHead::decode(&mut Reader::new(&bytes));
        let _ = read_recording_head(&bytes);
        // As the payload of each kind of frame.
        for kind in 1..=7 {
            let mut frame = Vec::new();
            append_frame(&mut frame, kind, |out| out.extend_from_slice(&bytes));
            let _ = decode(&frame);
        }
    }
}

#[test]
fn random_rings_never_panic() {
    let random = &mut Random(77);
    let mut bytes = vec![0; RING_HEADER_BYTES + 2 * SLOT_BYTES];
    let header = ring_header(2, "0123456789abcdef0123456789abcdef", "/a/b.wakeline");
    bytes[..header.len()].copy_from_slice(&header);
    assert_eq!(read_ring(&bytes).unwrap(), []);
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..20 {
            let slot = RING_HEADER_BYTES + (random.next() % 2) as usize * SLOT_BYTES;
            let at = slot + random.next() as usize % 100;
            damaged[at] = if random.next() % 3 == 0 {
                2
            } else {
                random.next() as u8
            };
        }
        let _ = read_ring(&damaged);
    }
    for cut in [
        0,
        1,
        RING_HEADER_BYTES - 1,
        RING_HEADER_BYTES,
        bytes.len() - 1,
    ] {
        assert!(read_ring(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn counts_and_sizes_are_checked_before_memory_is_taken() {
    let mut frame = vec![frame_kind::CHUNK as u8];
    frame.extend_from_slice(&(limits::FRAME_BYTES as u32 + 1).to_le_bytes());
    assert!(first_frame(&frame)
        .unwrap_err()
        .what
        .contains("over the limit"));

    let mut text = Vec::new();
    text.uint(limits::TEXT_BYTES + 1);
    assert!(Reader::new(&text)
        .text()
        .unwrap_err()
        .what
        .contains("over the limit"));

    let mut list = Vec::new();
    list.uint(4000);
    list.uint(1);
    assert!(Reader::new(&list)
        .list()
        .unwrap_err()
        .what
        .contains("cut off"));
}

#[test]
fn numbers_over_their_range_are_errors() {
    assert!(Reader::new(&[0xff; 8]).uint().is_err(), "more than 8 bytes");
    let above = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    assert!(Reader::new(&above).uint().is_err(), "2^53");
    assert!(
        Reader::new(&[0xff; 10]).wide().is_err(),
        "more than 64 bits"
    );
    for value in [0, 1, -1, 63, -64, 1 << 40, -(1 << 52) + 1, (1 << 52) - 1] {
        assert_eq!(unzigzag(zigzag(value)), value);
    }
    assert!(zigzag(i64::MIN) <= UINT_MAX && zigzag(i64::MAX) <= UINT_MAX);
}

#[test]
fn tokens_are_32_hexadecimal_digits() {
    let token = parse_token("00112233445566778899aAbBcCdDeEfF").unwrap();
    assert_eq!(token[..2], [0x00, 0x11]);
    assert_eq!(token[15], 0xff);
    for wrong in [
        "",
        "0011",
        &"g".repeat(32),
        &"0".repeat(33),
        &"é".repeat(16),
    ] {
        assert_eq!(parse_token(wrong), None, "{wrong}");
    }
}
