//! Owns the flight recorder's memory: the last frames, bounded in bytes, and what of the
//! dictionary only they name. It must not know when or why they are written.

use std::collections::{HashMap, VecDeque};

use wakeline_wire::frame::{append_frame, first_frame};
use wakeline_wire::payload::{decode_watermarks, encode_watermarks, ChunkHead, Watermark};
use wakeline_wire::{frame_kind, Reader};

/// Size of the memory when what is given is no number.
pub(crate) const DEFAULT_FLIGHT_MIB: usize = 16;

/// What came of one turn of the flusher.
struct Kept {
    /// Chunk frames.
    chunks: Vec<u8>,
    /// Dictionary records of what was forgotten then: what came up to here may name it.
    dead: Vec<u8>,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.chunks.capacity() + self.dead.capacity() + size_of::<Self>()
    }
}

/// The last that was recorded.
pub(crate) struct Flight {
    kept: VecDeque<Kept>,
    bytes: usize,
    limit_bytes: usize,
    /// The newest watermarks.
    watermarks: Vec<Watermark>,
    /// Where a signal or a panic writes to.
    pub(crate) pattern: String,
    /// Files written by signals and panics so far.
    pub(crate) written: u64,
}

impl Flight {
    pub(crate) fn new(limit_mib: usize, pattern: String) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            limit_bytes: limit_mib.clamp(1, 4096) << 20,
            watermarks: Vec::new(),
            pattern,
            written: 0,
        }
    }

    /// Keeps the frames of one turn, and forgets the oldest beyond the bound.
    pub(crate) fn keep(&mut self, frames: &[u8], dead: Vec<u8>) {
        let mut chunks = Vec::new();
        each_frame(frames, |kind, payload, frame| match kind {
            frame_kind::CHUNK => chunks.extend_from_slice(frame),
            frame_kind::WATERMARKS => {
                self.watermarks = decode_watermarks(payload).unwrap_or_default();
            }
            _ => {}
        });
        if chunks.is_empty() && dead.is_empty() {
            return;
        }
        chunks.shrink_to_fit();
        let kept = Kept { chunks, dead };
        self.bytes += kept.bytes();
        self.kept.push_back(kept);
        while self.bytes > self.limit_bytes {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes();
        }
    }

    /// Appends what is kept, for behind a dictionary of what lives. Each thread begins with
    /// the first byte of a slot: what came before it is a gap for the reader. Gives the
    /// threads of which something is left, with the last slot of each.
    pub(crate) fn append(&self, out: &mut Vec<u8>) -> HashMap<u64, u64> {
        for kept in self.kept.iter().filter(|kept| !kept.dead.is_empty()) {
            append_frame(out, frame_kind::DICTIONARY, |out| {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&kept.dead);
            });
        }
        let mut told: HashMap<u64, u64> = HashMap::new();
        for kept in &self.kept {
            each_frame(&kept.chunks, |_, payload, frame| {
                let Ok(head) = ChunkHead::decode(&mut Reader::new(payload)) else {
                    return;
                };
                let follows = told.get(&head.thread) == Some(&head.sequence);
                if head.offset == 0 || follows {
                    told.insert(head.thread, head.sequence);
                    out.extend_from_slice(frame);
                }
            });
        }
        let mut watermarks = self.watermarks.clone();
        for watermark in &mut watermarks {
            // Nothing may be claimed as told that is not.
            if told.get(&watermark.thread) != Some(&watermark.sequence) {
                (watermark.sequence, watermark.end) = (0, 0);
            }
        }
        append_frame(out, frame_kind::WATERMARKS, |out| {
            encode_watermarks(&watermarks, out);
        });
        told
    }
}

/// Calls `each` with kind, payload and whole bytes of every frame.
fn each_frame(mut bytes: &[u8], mut each: impl FnMut(u64, &[u8], &[u8])) {
    // Our own frames: they are whole.
    while let Ok(Some((frame, length))) = first_frame(bytes) {
        each(frame.kind, frame.payload, &bytes[..length]);
        bytes = &bytes[length..];
    }
}
