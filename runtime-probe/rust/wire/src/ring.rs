//! Owns the layout of rings in shared memory: where each header field stands, and
//! reading a ring file after its program stopped. It must not map memory or write slots:
//! that needs atomics and belongs to the probe.

use crate::codec::{DecodeError, Reader};
use crate::generated::{limits, WIRE_VERSION};
use crate::payload::Context;

/// The first bytes of a ring file.
pub const RING_MAGIC: [u8; 8] = *b"WAKERING";
/// Bytes of a slot.
pub const SLOT_BYTES: usize = limits::SLOT_BYTES as usize;
/// Bytes of a slot's header.
pub const SLOT_HEADER_BYTES: usize = limits::SLOT_HEADER_BYTES as usize;
/// Bytes of the file's header.
pub const RING_HEADER_BYTES: usize = limits::RING_HEADER_BYTES as usize;
/// Bytes of a slot that hold context and events, or dictionary records.
pub const SLOT_PAYLOAD_BYTES: usize = SLOT_BYTES - SLOT_HEADER_BYTES;

/// Values of a slot's state.
pub mod slot_state {
    /// Nobody writes it.
    pub const FREE: u32 = 0;
    /// It holds dictionary records.
    pub const DICTIONARY: u32 = 1;
    /// It holds events of one thread.
    pub const EVENTS: u32 = 2;
}

/// Where the fields of a slot's header stand, in bytes from its start.
pub mod slot_offset {
    /// `u32`, see [`super::slot_state`].
    pub const STATE: usize = 0;
    /// `u32`, 0 for dictionary.
    pub const THREAD: usize = 4;
    /// `u64`.
    pub const SEQUENCE: usize = 8;
    /// `u64`.
    pub const DROPPED: usize = 16;
    /// `u64`.
    pub const FIRST_TICK: usize = 24;
    /// `u64`, 0 until sealed.
    pub const LAST_TICK: usize = 32;
    /// `u32`, bytes of the payload that are whole.
    pub const COMMITTED: usize = 40;
    /// `u32`, 1 when the writer has left the slot.
    pub const SEALED: usize = 44;
    /// `u32`, bytes of the payload that are context.
    pub const CONTEXT_BYTES: usize = 48;
}

/// Where the path of the program's own recording stands in a ring file's header, behind its
/// byte count of 2 bytes.
const RECORDING_AT: usize = 56;
/// The longest such path that the header has room for.
const RECORDING_BYTES: usize = RING_HEADER_BYTES - RECORDING_AT - 2;

/// The fields of a ring file's header; the rest of its [`RING_HEADER_BYTES`] is zero.
/// `recording` is the absolute path of the recording that the program itself writes; empty
/// when it writes none. A path that is too long is left out.
pub fn ring_header(slot_count: u32, session: &str, recording: &str) -> Vec<u8> {
    let mut bytes = vec![0; RECORDING_AT];
    bytes[..8].copy_from_slice(&RING_MAGIC);
    bytes[8..10].copy_from_slice(&WIRE_VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&slot_count.to_le_bytes());
    bytes[16..20].copy_from_slice(&(SLOT_BYTES as u32).to_le_bytes());
    let session = session.as_bytes();
    let length = session.len().min(32);
    bytes[24..24 + length].copy_from_slice(&session[..length]);
    if recording.len() <= RECORDING_BYTES {
        bytes.extend((recording.len() as u16).to_le_bytes());
        bytes.extend(recording.as_bytes());
    }
    bytes
}

/// The path of the recording that the program wrote itself, from the header of its ring;
/// `None` when it wrote none, or the header is not whole.
pub fn ring_recording(header: &[u8]) -> Option<&str> {
    let head = header.get(..RING_HEADER_BYTES)?;
    let length = usize::from(u16_at(head, RECORDING_AT));
    let path = head.get(RECORDING_AT + 2..RECORDING_AT + 2 + length)?;
    std::str::from_utf8(path)
        .ok()
        .filter(|path| !path.is_empty())
}

/// A slot that a stopped program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot<'a> {
    /// Dictionary or events.
    pub state: u32,
    /// The thread; 0 for dictionary.
    pub thread: u64,
    /// Its number in its thread.
    pub sequence: u64,
    /// Events dropped before it.
    pub dropped: u64,
    /// The first record's delta counts from here.
    pub first_tick: u64,
    /// What was open at its start.
    pub context: Context,
    /// Published events or dictionary records.
    pub records: &'a [u8],
}

/// Reads every slot in use of a ring file, in no order.
///
/// # Errors
/// When the file is not a ring, its size is not what its header says, or a slot's
/// header is impossible.
pub fn read_ring(bytes: &[u8]) -> Result<Vec<Slot<'_>>, DecodeError> {
    let slot_count = checked_slot_count(bytes)?;
    let mut slots = Vec::new();
    for index in 0..slot_count {
        let start = RING_HEADER_BYTES + index * SLOT_BYTES;
        let slot = &bytes[start..start + SLOT_BYTES];
        slots.extend(read_slot(slot).map_err(|error| DecodeError {
            what: format!("slot {index}: {}", error.what),
            at_byte: start + error.at_byte,
        })?);
    }
    Ok(slots)
}

fn checked_slot_count(bytes: &[u8]) -> Result<usize, DecodeError> {
    let Some(head) = bytes.get(..RING_HEADER_BYTES) else {
        return Err(DecodeError::new("a ring file's header is cut off", 0));
    };
    if head[..8] != RING_MAGIC || u16_at(head, 8) != WIRE_VERSION {
        return Err(DecodeError::new(
            format!("this is not a ring file of version {WIRE_VERSION}"),
            0,
        ));
    }
    let slot_count = u32_at(head, 12) as usize;
    if u32_at(head, 16) as usize != SLOT_BYTES {
        return Err(DecodeError::new(
            format!("a slot has {SLOT_BYTES} bytes, not {}", u32_at(head, 16)),
            16,
        ));
    }
    let slots_bytes = bytes.len() - RING_HEADER_BYTES;
    if slots_bytes / SLOT_BYTES != slot_count || slots_bytes % SLOT_BYTES != 0 {
        return Err(DecodeError::new(
            format!("{slot_count} slots are announced, {slots_bytes} bytes are there"),
            12,
        ));
    }
    Ok(slot_count)
}

fn read_slot(slot: &[u8]) -> Result<Option<Slot<'_>>, DecodeError> {
    let state = u32_at(slot, slot_offset::STATE);
    if state == slot_state::FREE {
        return Ok(None);
    }
    if state > slot_state::EVENTS {
        return Err(DecodeError::new(
            format!("state {state} is none that a slot has"),
            0,
        ));
    }
    let committed = u32_at(slot, slot_offset::COMMITTED) as usize;
    let context_bytes = u32_at(slot, slot_offset::CONTEXT_BYTES) as usize;
    if committed > SLOT_PAYLOAD_BYTES || context_bytes > committed {
        return Err(DecodeError::new(
            format!("{committed} bytes with {context_bytes} of context do not fit a slot"),
            slot_offset::COMMITTED,
        ));
    }
    let payload = &slot[SLOT_HEADER_BYTES..SLOT_HEADER_BYTES + committed];
    let context = if state == slot_state::EVENTS {
        Context::decode(&mut Reader::new(&payload[..context_bytes]))?
    } else {
        Context::default()
    };
    Ok(Some(Slot {
        state,
        thread: u64::from(u32_at(slot, slot_offset::THREAD)),
        sequence: u64_at(slot, slot_offset::SEQUENCE),
        dropped: u64_at(slot, slot_offset::DROPPED),
        first_tick: u64_at(slot, slot_offset::FIRST_TICK),
        context,
        records: &payload[context_bytes..],
    }))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
