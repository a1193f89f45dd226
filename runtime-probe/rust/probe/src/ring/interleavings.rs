//! Owns the proof, by every interleaving of writers and the flusher, that the ring hands out
//! a slot to one writer at a time and that what it says is published can be read. Compiled
//! with `--cfg loom` only, run by `npm run sanitize -- loom`.
//!
//! loom's atomics cannot lie in shared memory, so here a slot's base points to its header as
//! loom knows it. A payload is a cell for each byte, of which loom sees who reads and writes.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::*;

/// A slot's header: one atomic for each offset that is used.
struct Header {
    u32s: [AtomicU32; SLOT_HEADER_BYTES / 4],
    u64s: [AtomicU64; SLOT_HEADER_BYTES / 8],
}

impl Header {
    fn new() -> Self {
        Self {
            u32s: std::array::from_fn(|_| AtomicU32::new(0)),
            u64s: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Slot {
    fn header(&self) -> &Header {
        let header = self.base.as_ptr().cast::<Header>();
        // SAFETY: in a model each base is that of a header that the model keeps alive.
        unsafe { &*header }
    }

    pub(super) fn header_u32(&self, offset: usize) -> &AtomicU32 {
        &self.header().u32s[offset / 4]
    }

    pub(super) fn header_u64(&self, offset: usize) -> &AtomicU64 {
        &self.header().u64s[offset / 8]
    }
}

pub(super) fn slot_start(index: SlotIndex) -> usize {
    index * size_of::<Header>()
}

/// Events that fit a model's slot, one byte each.
const EVENTS: usize = 2;

/// A ring of few slots in memory that loom sees.
struct Model {
    ring: Ring,
    /// What the ring's memory is.
    _headers: Box<[Header]>,
    payloads: Box<[[UnsafeCell<u64>; EVENTS]]>,
}

impl Model {
    fn new(slots: usize) -> Arc<Self> {
        let headers: Box<[Header]> = (0..slots).map(|_| Header::new()).collect();
        let ring = Ring {
            memory: NonNull::from(&*headers).cast(),
            bytes: 0,
            slot_count: slots,
            file: None,
            used: vec![AtomicU64::new(0)],
            used_count: AtomicUsize::new(0),
            hint: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        };
        Arc::new(Self {
            ring,
            _headers: headers,
            payloads: (0..slots)
                .map(|_| std::array::from_fn(|_| UnsafeCell::new(0)))
                .collect(),
        })
    }

    /// What a recorder does with a slot: opens it, publishes event after event, seals it.
    /// Gives how many events were written, and how many were dropped for want of a slot.
    fn write(&self, thread: u32, slots: u64) -> (u64, u64) {
        let (mut sequence, mut dropped) = (0, 0);
        for _ in 0..slots {
            let Some(slot) = self.ring.take() else {
                dropped += EVENTS as u64;
                continue;
            };
            sequence += 1;
            slot.open_events(thread, sequence, dropped, sequence * 10, 0);
            for (at, event) in self.payloads[slot.index].iter().enumerate() {
                // SAFETY: the slot's only writer; loom fails where it is not.
                event.with_mut(|event| unsafe { *event = event_value(thread, sequence, at) });
                slot.commit(at + 1);
            }
            slot.seal(sequence * 10 + EVENTS as u64);
        }
        (sequence * EVENTS as u64, dropped)
    }

    /// What the flusher does in a round: reads what is published, frees what is sealed.
    fn flush(&self, seen: &mut Seen) {
        let mut views = Vec::new();
        self.ring.event_slots(&mut views);
        for view in views {
            assert!(
                view.sequence > 0 && view.first_tick == view.sequence * 10,
                "{view:?}"
            );
            for at in 0..view.committed {
                // SAFETY: published, so that nobody writes it; loom fails where somebody does.
                let event = self.payloads[view.index][at].with(|event| unsafe { *event });
                assert_eq!(event, event_value(view.thread, view.sequence, at));
            }
            if view.sealed {
                assert_eq!(view.committed, EVENTS, "a sealed slot is whole");
                assert_eq!(view.last_tick, view.first_tick + EVENTS as u64);
                let thread = &mut seen.threads[view.thread as usize];
                thread.events += EVENTS as u64;
                thread.dropped = view.dropped.max(thread.dropped);
                self.ring.free(view.index);
            }
        }
    }
}

fn event_value(thread: u32, sequence: u64, at: usize) -> u64 {
    u64::from(thread) * 1000 + sequence * 10 + at as u64
}

/// What the flusher has read of each thread.
#[derive(Default)]
struct Seen {
    threads: [ThreadSeen; 2],
}

#[derive(Default)]
struct ThreadSeen {
    events: u64,
    dropped: u64,
}

#[test]
fn a_writer_that_takes_a_slot_again_never_meets_the_flusher_in_it() {
    loom::model(|| {
        let model = Model::new(1);
        // The flusher is the other thread: loom runs this one first, and finds the interleavings
        // by what a later load could have read.
        let flusher = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let mut seen = Seen::default();
                model.flush(&mut seen);
                model.flush(&mut seen);
                seen
            })
        };
        let (written, dropped) = model.write(0, 2);
        let mut seen = flusher.join().unwrap();
        model.flush(&mut seen);
        assert_eq!(
            seen.threads[0].events, written,
            "a published event was not read"
        );
        assert_eq!(written + dropped, 2 * EVENTS as u64);
        assert!(seen.threads[0].dropped <= dropped);
        assert_eq!(model.ring.used_count.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn two_writers_never_get_one_slot() {
    loom::model(|| {
        let model = Model::new(2);
        let writer = {
            let model = Arc::clone(&model);
            thread::spawn(move || model.write(0, 1))
        };
        let here = model.write(1, 1);
        let there = writer.join().unwrap();
        assert_eq!((here, there), ((EVENTS as u64, 0), (EVENTS as u64, 0)));
        let mut seen = Seen::default();
        model.flush(&mut seen);
        assert!(seen
            .threads
            .iter()
            .all(|thread| thread.events == EVENTS as u64));
    });
}
