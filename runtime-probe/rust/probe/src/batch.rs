//! Owns turning published slots into frames: whole slots as they are, pieces of a slot that
//! is still written by walking its records. It must not know of sockets or threads.

use std::collections::HashMap;

use wakeline_wire::frame::append_frame;
use wakeline_wire::payload::{ChunkHead, Context, OpenPoll};
use wakeline_wire::{frame_kind, kind, limits, short_kind, DecodeError, Reader, SHAPES};

use crate::ring::{Ring, SlotIndex, SlotView};

/// How far one slot was sent, and what is open there.
#[derive(Debug, Clone, Default)]
struct Progress {
    sequence: u64,
    /// Event bytes sent.
    offset: usize,
    tick: u64,
    context: Context,
}

/// How far one thread was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ThreadProgress {
    /// The slot that comes next, or is being sent.
    pub(crate) next_sequence: u64,
    /// The last slot of which something was sent, and up to where.
    pub(crate) sequence: u64,
    pub(crate) end: u64,
    pub(crate) last_tick: u64,
    /// Events dropped before that slot.
    pub(crate) dropped: u64,
}

/// What was put into the frames of one send. Taken over by `commit` when they are
/// written, dropped when the connection breaks.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    slots: Vec<(SlotIndex, Option<Progress>)>,
    threads: HashMap<u32, ThreadProgress>,
    /// Threads of which more is published than fitted.
    pub(crate) cut: Vec<u32>,
}

impl Pieces {
    /// Whether there is any event in them.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// Where sending stands.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    slots: HashMap<SlotIndex, Progress>,
    threads: HashMap<u32, ThreadProgress>,
}

/// Brings the slots' headers into the order in which their threads wrote them, and to one
/// moment: a slot that another one follows was sealed since its header was read.
///
/// Before the dictionary is taken: what is read here may refer to its newest records.
pub(crate) fn settle(ring: &Ring, views: &mut [SlotView]) {
    views.sort_unstable_by_key(|view| (view.thread, view.sequence));
    for at in 1..views.len() {
        let before = views[at - 1];
        if before.thread == views[at].thread && !before.sealed {
            views[at - 1] = ring.slot(before.index).view().unwrap_or(before);
        }
    }
}

impl Sender {
    /// Where a thread stands, with what these pieces add.
    pub(crate) fn thread(&self, thread: u32, pieces: &Pieces) -> ThreadProgress {
        let known = pieces
            .threads
            .get(&thread)
            .or_else(|| self.threads.get(&thread));
        known.copied().unwrap_or_default()
    }

    /// The connection broke: what the collector has of slots that are still here is not
    /// known, so they are sent from their start again.
    pub(crate) fn restart_slots(&mut self) {
        self.slots.clear();
    }

    /// Another session begins: nothing of what was sent before is its.
    pub(crate) fn begin_session(&mut self) {
        for thread in self.threads.values_mut() {
            (thread.sequence, thread.end) = (0, 0);
        }
    }

    /// Forgets a thread that has ended.
    pub(crate) fn remove(&mut self, thread: u32) -> ThreadProgress {
        self.threads.remove(&thread).unwrap_or_default()
    }

    /// Appends chunk frames of what these slots, settled before, have published and was not
    /// sent, up to about `limit` bytes.
    pub(crate) fn collect(
        &self,
        ring: &Ring,
        views: &[SlotView],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Pieces {
        let mut pieces = Pieces::default();
        let start = out.len();
        for view in views {
            let mut thread = self.thread(view.thread, &pieces);
            // Slots go out in order: one that was taken while the pool was being read
            // may be missing here, and comes the next time.
            let expected = thread.next_sequence.max(1);
            if out.len() - start > limit || view.sequence != expected {
                pieces.cut.push(view.thread);
                continue;
            }
            let progress = self.append_piece(ring, view, out, &mut thread);
            if let Some(progress) = progress {
                pieces.slots.push((view.index, progress));
                pieces.threads.insert(view.thread, thread);
            }
        }
        pieces
    }

    /// Appends one chunk frame. `None`: nothing new in this slot. `Some(None)`: the slot is
    /// sealed and all of it is in the frame.
    fn append_piece(
        &self,
        ring: &Ring,
        view: &SlotView,
        out: &mut Vec<u8>,
        thread: &mut ThreadProgress,
    ) -> Option<Option<Progress>> {
        let known = self
            .slots
            .get(&view.index)
            .filter(|p| p.sequence == view.sequence);
        let slot = ring.slot(view.index);
        let end = view.committed - view.context_bytes;
        let whole = known.is_none() && view.sealed;
        let before = known.cloned().unwrap_or_else(|| Progress {
            sequence: view.sequence,
            offset: 0,
            tick: view.first_tick,
            context: read_context(slot.published(0, view.context_bytes)),
        });
        if end == before.offset && !view.sealed {
            return None;
        }
        let events = slot.published(view.context_bytes + before.offset, view.committed);
        let mut after = before.clone();
        if whole {
            after.tick = view.last_tick;
        } else {
            walk(events, &mut after);
        }
        after.offset = end;
        if !events.is_empty() {
            append_frame(out, frame_kind::CHUNK, |out| {
                let head = ChunkHead {
                    thread: u64::from(view.thread),
                    sequence: view.sequence,
                    offset: before.offset as u64,
                    dropped: view.dropped,
                    first_tick: before.tick,
                    last_tick: after.tick,
                    context: before.context,
                };
                head.encode(out);
                out.extend_from_slice(events);
            });
        }
        if events.is_empty() && before.offset == 0 {
            // A number that the thread has left out: nothing of this slot is told.
            thread.next_sequence = view.sequence + u64::from(view.sealed);
            return Some((!view.sealed).then_some(after));
        }
        *thread = ThreadProgress {
            next_sequence: view.sequence + u64::from(view.sealed),
            sequence: view.sequence,
            end: end as u64,
            last_tick: after.tick,
            dropped: view.dropped,
        };
        Some((!view.sealed).then_some(after))
    }

    /// The pieces are written to the socket: slots that are through go back to the pool.
    pub(crate) fn commit(&mut self, ring: &Ring, pieces: Pieces) {
        for (index, progress) in pieces.slots {
            match progress {
                Some(progress) => {
                    self.slots.insert(index, progress);
                }
                None => {
                    self.slots.remove(&index);
                    ring.free(index);
                }
            }
        }
        self.threads.extend(pieces.threads);
    }
}

fn read_context(bytes: &[u8]) -> Context {
    // Our own bytes: they decode, or a chunk starts with nothing open.
    Context::decode(&mut Reader::new(bytes)).unwrap_or_default()
}

/// Follows ticks and what is open over these events, which this process has written.
fn walk(events: &[u8], progress: &mut Progress) {
    let r = &mut Reader::new(events);
    while !r.at_end() {
        if walk_event(r, progress).is_err() {
            debug_assert!(false, "an event of our own cannot be read");
            return;
        }
    }
}

fn walk_event(r: &mut Reader<'_>, progress: &mut Progress) -> Result<(), DecodeError> {
    let kind = r.uint()?;
    progress.tick += r.uint()?;
    let shape = SHAPES.iter().find(|shape| shape.kind == kind);
    let fields = shape.map_or(0, |shape| shape.fields.len());
    let mut values = [0; 2];
    for index in 0..fields {
        let value = r.uint()?;
        if let Some(place) = values.get_mut(index) {
            *place = value;
        }
    }
    let context = &mut progress.context;
    match kind {
        kind::POLL_START if context.open_polls.len() < limits::OPEN_POLLS as usize => {
            context.open_polls.push(OpenPoll {
                task: values[0],
                epoch: values[1],
                start_tick: progress.tick,
            });
        }
        kind::POLL_END | kind::POLL_END_AT | short_kind::POLL_PENDING => {
            context.open_polls.pop();
            if context.open_polls.is_empty() {
                context.open_frames.clear();
            }
        }
        kind::FRAME_ENTER if context.open_frames.len() < limits::OPEN_FRAMES as usize => {
            context.open_frames.push(values[0]);
        }
        kind::FRAME_LEAVE => {
            context.open_frames.pop();
        }
        kind::JOB_START | kind::JOB_SEEN => context.open_job = values[0],
        kind::JOB_END if context.open_job == values[0] => context.open_job = 0,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{walk, Progress};
    use wakeline_wire::kind;

    /// What a piece that is sent in the middle of a job must name.
    #[test]
    fn a_job_is_open_from_its_beginning_to_its_own_end_whoever_submitted_it() {
        // Kind, delta, then the fields: all below 128, so a byte each.
        let event = |bytes: &[u64]| bytes.iter().map(|each| *each as u8).collect::<Vec<u8>>();
        let mut progress = Progress::default();
        let mut open_after = |bytes: &[u64]| {
            walk(&event(bytes), &mut progress);
            progress.context.open_job
        };
        assert_eq!(open_after(&[kind::JOB_START, 1, 5, 0]), 5);
        assert_eq!(open_after(&[kind::JOB_END, 1, 5, 1, 0]), 0);
        assert_eq!(open_after(&[kind::JOB_SEEN, 1, 6, 3, 1]), 6);
        assert_eq!(open_after(&[kind::JOB_END, 1, 5, 1, 0]), 6, "another's");
        assert_eq!(open_after(&[kind::JOB_END, 1, 6, 1, 0]), 0);
    }
}
