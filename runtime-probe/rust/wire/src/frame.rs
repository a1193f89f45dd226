//! Owns what stands around payloads: preamble, reply, recording head, frame heads.
//! It must not know what a payload means.

use crate::codec::DecodeError;
use crate::generated::{limits, WIRE_VERSION};

/// The first bytes of a preamble and of a recording.
pub const MAGIC: [u8; 8] = *b"WAKELINE";
/// Bytes of a preamble.
pub const PREAMBLE_BYTES: usize = 28;
/// Bytes at the head of a recording, before its first frame.
pub const RECORDING_HEAD_BYTES: usize = 16;
/// Bytes at the head of a frame: kind, then payload byte count.
pub const FRAME_HEAD_BYTES: usize = 5;
/// Bytes at the head of a reply, before its message.
pub const REPLY_HEAD_BYTES: usize = 4;

/// What opens a connection to the collector; never recorded.
pub fn preamble(role: u64, token: &[u8; limits::TOKEN_BYTES as usize]) -> [u8; PREAMBLE_BYTES] {
    let mut bytes = [0; PREAMBLE_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&WIRE_VERSION.to_le_bytes());
    bytes[10] = role as u8;
    bytes[12..].copy_from_slice(token);
    bytes
}

/// Reads a token: 32 hexadecimal digits.
pub fn parse_token(text: &str) -> Option<[u8; limits::TOKEN_BYTES as usize]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * limits::TOKEN_BYTES as usize {
        return None;
    }
    let mut token = [0; limits::TOKEN_BYTES as usize];
    for (byte, pair) in token.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(token)
}

/// The head of a recording.
pub fn recording_head() -> [u8; RECORDING_HEAD_BYTES] {
    let mut bytes = [0; RECORDING_HEAD_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&WIRE_VERSION.to_le_bytes());
    bytes
}

/// Checks the head of a recording and gives its version.
///
/// # Errors
/// When it is cut, not a recording, or of a version that this reader does not know.
pub fn read_recording_head(bytes: &[u8]) -> Result<u16, DecodeError> {
    let head = bytes
        .get(..RECORDING_HEAD_BYTES)
        .ok_or_else(|| DecodeError::new("the head of a recording is cut off", bytes.len()))?;
    if head[..8] != MAGIC {
        return Err(DecodeError::new("this is not a Wakeline recording", 0));
    }
    let version = u16::from_le_bytes([head[8], head[9]]);
    if version == 0 || version > WIRE_VERSION {
        return Err(DecodeError::new(
            format!(
                "version {version} of the wire is not known, only up to {WIRE_VERSION}; update Wakeline"
            ),
            8,
        ));
    }
    Ok(version)
}

/// Appends a frame whose payload `fill` writes. Gives the payload's byte count.
pub fn append_frame(out: &mut Vec<u8>, kind: u64, fill: impl FnOnce(&mut Vec<u8>)) -> usize {
    let head = out.len();
    out.extend_from_slice(&[kind as u8, 0, 0, 0, 0]);
    fill(out);
    let payload = out.len() - head - FRAME_HEAD_BYTES;
    debug_assert!(payload as u64 <= limits::FRAME_BYTES);
    out[head + 1..head + FRAME_HEAD_BYTES].copy_from_slice(&(payload as u32).to_le_bytes());
    payload
}

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its kind.
    pub kind: u64,
    /// Its payload.
    pub payload: &'a [u8],
}

/// The first whole frame of these bytes and how many bytes it takes; `None` when it is not whole yet.
///
/// # Errors
/// When its payload is over the limit.
pub fn first_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, DecodeError> {
    let Some(head) = bytes.get(..FRAME_HEAD_BYTES) else {
        return Ok(None);
    };
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if u64::from(length) > limits::FRAME_BYTES {
        return Err(DecodeError::new(
            format!(
                "a frame of {length} bytes is over the limit of {}; the stream is not Wakeline's or is damaged",
                limits::FRAME_BYTES
            ),
            0,
        ));
    }
    let end = FRAME_HEAD_BYTES + length as usize;
    Ok(bytes.get(FRAME_HEAD_BYTES..end).map(|payload| {
        (
            Frame {
                kind: u64::from(head[0]),
                payload,
            },
            end,
        )
    }))
}

/// Takes bytes in pieces of any size and hands out whole frames. Holds one
/// unfinished frame at most.
#[derive(Debug, Default)]
pub struct FrameSplitter {
    pending: Vec<u8>,
    consumed_bytes: u64,
}

impl FrameSplitter {
    /// A splitter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of whole frames handed out so far: where a cut stream is cut.
    pub fn consumed_bytes(&self) -> u64 {
        self.consumed_bytes
    }

    /// Bytes of the frame that is not whole yet.
    pub fn unfinished_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Hands out every frame that is whole with these bytes.
    ///
    /// # Errors
    /// When a frame is over the limit or `on_frame` says so; the stream cannot be read on then.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut on_frame: impl FnMut(Frame<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.pending.extend_from_slice(bytes);
        let mut position = 0;
        let result = loop {
            match first_frame(&self.pending[position..]) {
                Ok(Some((frame, length))) => {
                    position += length;
                    self.consumed_bytes += length as u64;
                    if let Err(error) = on_frame(frame) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.pending.drain(..position);
        result
    }
}
