//! Owns what is remembered of each living span: a table without locks, whose keys are the
//! span ids that the runtime keeps. It must not know what is recorded of a span.
//!
//! A key holds what the span is, a place and the place's generation, and no pointer: the
//! runtime still names a task's span when it wakes a task whose span is closed.
//!
//! ```text
//!   63            28    27     26    24 23           0
//!   generation (36)   clone (1) kind (3)  place + 1 (24)
//! ```
//!
//! Nothing here needs a count of a span's handles: a key that outlives its span finds nothing.
//! So a span is over with its first handle, which whoever makes it keeps, and clones of it,
//! of which the runtime makes four for each wait, are keys that close nothing. Only where a
//! clone lives longer are handles counted.

use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

const PLACE_BITS: u32 = 24;
const KIND_BITS: u32 = 3;
const CLONE: u64 = 1 << (PLACE_BITS + KIND_BITS);
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
const GENERATION_SHIFT: u32 = PLACE_BITS + KIND_BITS + 1;
const GENERATION_MASK: u64 = u64::MAX >> GENERATION_SHIFT;
/// Places are made by the thousand: 64 KiB at once, and their addresses stay.
const BLOCK: usize = 1024;
/// Spans that live at one time: 4 Mi, which is 256 MiB. Those beyond are not recorded.
const BLOCKS: usize = 4096;

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A task that wakers of the runtime name.
    Task,
    /// A future given to `block_on`, whose wakes nobody tells.
    Root,
    Job,
    Resource,
    /// An operation on a resource: the key is the resource's but for the kind.
    Operation,
    /// Recorded by other means, or not at all.
    Unseen,
}

/// The name of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) u64);

impl Key {
    /// No span.
    pub(crate) const NONE: Self = Self(0);
    /// All spans of which nothing is remembered.
    pub(crate) const UNSEEN: Self = Self::new(0, Kind::Unseen, 0);

    const fn new(place: usize, kind: Kind, generation: u64) -> Self {
        // What is above the mask is shifted out.
        Self(generation << GENERATION_SHIFT | (kind as u64) << PLACE_BITS | (place as u64 + 1))
    }

    /// What the span is. A number that is no key of ours is unseen.
    #[inline]
    pub(crate) fn kind(self) -> Kind {
        match self.0 >> PLACE_BITS & ((1 << KIND_BITS) - 1) {
            0 => Kind::Task,
            1 => Kind::Root,
            2 => Kind::Job,
            3 => Kind::Resource,
            4 => Kind::Operation,
            _ => Kind::Unseen,
        }
    }

    /// The same place as another kind.
    pub(crate) fn as_kind(self, kind: Kind) -> Self {
        let rest = self.0 & !(((1 << KIND_BITS) - 1) << PLACE_BITS);
        Self(rest | (kind as u64) << PLACE_BITS)
    }

    /// A key for one more handle, which closes nothing.
    fn as_clone(self) -> Self {
        Self(self.0 | CLONE)
    }

    fn is_clone(self) -> bool {
        self.0 & CLONE != 0
    }

    /// The first handle's key.
    #[inline]
    pub(crate) fn first(self) -> Self {
        Self(self.0 & !CLONE)
    }

    #[inline]
    fn place(self) -> usize {
        (self.0 & PLACE_MASK).wrapping_sub(1) as usize
    }

    #[inline]
    fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }
}

/// What is remembered of one span. Which of the words mean something depends on its kind.
#[derive(Debug, Default)]
pub(crate) struct Span {
    /// Of the key that names it now.
    generation: AtomicU64,
    /// The next free place plus 1, while this one is free.
    next_free: AtomicU32,
    pub(crate) flags: AtomicU32,
    /// The id in the trace: of the task, job, resource or timer.
    pub(crate) id: AtomicU64,
    /// A task's polls begun; a job's entries; a resource's kind.
    pub(crate) count: AtomicU64,
    /// A task: its last wake and the drops of its wakers, see `wakers`. A resource: the key of
    /// the one it is a part of.
    pub(crate) link: AtomicU64,
    /// A task: the timer that it waits for. A timer: its deadline.
    pub(crate) due: AtomicU64,
    /// A task: clones of its waker made in its own polls, which need no locked instruction.
    pub(crate) own_clones: AtomicU32,
    /// A task: all others. A resource: how many handles there are, where they are counted.
    pub(crate) clones: AtomicU32,
    /// Of both, and of the drops, what the trace has.
    pub(crate) told_clones: AtomicU32,
    pub(crate) told_drops: AtomicU32,
}

const _: () = assert!(size_of::<Span>() == 64, "a span is a cache line");

/// All living spans.
pub(crate) struct Spans {
    blocks: [AtomicPtr<[Span; BLOCK]>; BLOCKS],
    /// Places that were ever handed out.
    made: AtomicU32,
    /// The first free place plus 1 in the low half; above it a number that changes with
    /// every change, so that a place that was taken and freed meanwhile is noticed.
    free: AtomicU64,
}

impl Spans {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: [const { AtomicPtr::new(std::ptr::null_mut()) }; BLOCKS],
            made: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    #[inline]
    fn at(&self, place: usize) -> Option<&Span> {
        // Ordering: Acquire, the block was filled before.
        let block = self.blocks.get(place / BLOCK)?.load(Ordering::Acquire);
        // SAFETY: a block that is there is never freed.
        unsafe { block.as_ref() }?.get(place % BLOCK)
    }

    /// The span that this key names, while it lives.
    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&Span> {
        if key.kind() == Kind::Unseen {
            return None;
        }
        let span = self.at(key.place())?;
        // Ordering: Acquire, what was written for this generation came before.
        let generation = span.generation.load(Ordering::Acquire) & GENERATION_MASK;
        (generation == key.generation()).then_some(span)
    }

    /// A place for a new span that `fill` writes; none where there are too many.
    pub(crate) fn add(&self, kind: Kind, fill: impl FnOnce(&Span)) -> Option<Key> {
        let place = match self.take_free() {
            Some(place) => place,
            None => self.make()?,
        };
        let span = self.at(place)?;
        for word in [&span.id, &span.count, &span.link, &span.due] {
            word.store(0, Ordering::Relaxed);
        }
        for word in [&span.own_clones, &span.clones, &span.flags] {
            word.store(0, Ordering::Relaxed);
        }
        for word in [&span.told_clones, &span.told_drops] {
            word.store(0, Ordering::Relaxed);
        }
        fill(span);
        let generation = span.generation.load(Ordering::Relaxed) + 1;
        // Ordering: Release pairs with `get`.
        span.generation.store(generation, Ordering::Release);
        Some(Key::new(place, kind, generation))
    }

    fn take_free(&self) -> Option<usize> {
        // Ordering: Acquire, the place was freed before. The number above the place makes
        // the exchange fail when `next_free` may have changed meanwhile.
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let place = (head as u32).checked_sub(1)? as usize;
            let next = self.at(place)?.next_free.load(Ordering::Relaxed);
            let new = ((head >> 32).wrapping_add(1) << 32) | u64::from(next);
            let order = (Ordering::AcqRel, Ordering::Acquire);
            match self.free.compare_exchange_weak(head, new, order.0, order.1) {
                Ok(_) => return Some(place),
                Err(now) => head = now,
            }
        }
    }

    /// A place that was never used.
    fn make(&self) -> Option<usize> {
        let limit = (BLOCKS * BLOCK) as u32;
        let within = |made: u32| (made < limit).then_some(made + 1);
        let order = Ordering::Relaxed;
        let place = self.made.fetch_update(order, order, within).ok()? as usize;
        let block = &self.blocks[place / BLOCK];
        if block.load(Ordering::Acquire).is_null() {
            let new: Box<[Span; BLOCK]> = match Vec::from_iter(spans()).try_into() {
                Ok(new) => new,
                Err(_) => return None,
            };
            let new = Box::into_raw(new);
            // Ordering: Release, what the block holds comes before.
            let order = (Ordering::AcqRel, Ordering::Acquire);
            let was = block.compare_exchange(std::ptr::null_mut(), new, order.0, order.1);
            if was.is_err() {
                // SAFETY: just made, and another thread's block was put there instead.
                drop(unsafe { Box::from_raw(new) });
            }
        }
        Some(place)
    }

    /// The key for one handle more.
    #[inline]
    pub(crate) fn clone_handle(&self, key: Key) -> Key {
        match self.counts_handles(key) {
            Some(span) => {
                // Ordering: none needed; the caller has a handle already.
                span.clones.fetch_add(1, Ordering::Relaxed);
                key
            }
            None => key.as_clone(),
        }
    }

    /// One handle less: whether the span is over. It is still there, for `remove`.
    #[inline]
    pub(crate) fn drop_handle(&self, key: Key) -> bool {
        // An operation's key is the resource's, which has a handle of its own.
        if key.is_clone() || key.kind() == Kind::Operation {
            return false;
        }
        match self.counts_handles(key) {
            // Ordering: AcqRel, all uses through other handles come before the removal.
            Some(span) => span.clones.fetch_sub(1, Ordering::AcqRel) == 1,
            None => true,
        }
    }

    #[inline]
    fn counts_handles(&self, key: Key) -> Option<&Span> {
        if key.kind() != Kind::Resource {
            return None;
        }
        let is_counted = |span: &&Span| span.clones.load(Ordering::Relaxed) != 0;
        self.get(key).filter(is_counted)
    }

    /// Forgets the span: from here on its key names nothing.
    pub(crate) fn remove(&self, key: Key) {
        let (Some(span), place) = (self.get(key), key.place()) else {
            return;
        };
        // A generation that nobody has a key of, until the place is taken again.
        span.generation.fetch_add(1, Ordering::Release);
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            span.next_free.store(head as u32, Ordering::Relaxed);
            let new = ((head >> 32).wrapping_add(1) << 32) | (place as u64 + 1);
            // Ordering: Release, `next_free` comes before.
            let order = (Ordering::AcqRel, Ordering::Relaxed);
            match self.free.compare_exchange_weak(head, new, order.0, order.1) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

fn spans() -> impl Iterator<Item = Span> {
    std::iter::repeat_with(Span::default).take(BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_span_until_it_is_removed_and_never_another() {
        static SPANS: Spans = Spans::new();
        let first = SPANS.add(Kind::Task, |span| span.id.store(7, Ordering::Relaxed));
        let first = first.unwrap();
        assert_eq!(first.kind(), Kind::Task);
        assert_eq!(SPANS.get(first).unwrap().id.load(Ordering::Relaxed), 7);
        let clone = SPANS.clone_handle(first);
        assert!(std::ptr::eq(
            SPANS.get(clone).unwrap(),
            SPANS.get(first).unwrap()
        ));
        assert_eq!(clone.first(), first);
        assert!(!SPANS.drop_handle(clone));
        assert!(!SPANS.drop_handle(SPANS.clone_handle(clone)));
        assert!(SPANS.drop_handle(first));
        SPANS.remove(first);
        assert!(SPANS.get(clone).is_none());
        assert!(SPANS.get(first).is_none());
        let second = SPANS.add(Kind::Resource, |_| ()).unwrap();
        assert_eq!(second.place(), first.place());
        assert!(SPANS.get(first).is_none());
        assert_eq!(SPANS.get(second).unwrap().id.load(Ordering::Relaxed), 0);
        let operation = second.as_kind(Kind::Operation);
        assert_eq!(operation.kind(), Kind::Operation);
        assert!(std::ptr::eq(
            SPANS.get(operation).unwrap(),
            SPANS.get(second).unwrap()
        ));
        assert!(SPANS.get(Key::UNSEEN).is_none());
        assert!(SPANS.get(Key::NONE).is_none());
        assert!(SPANS.get(Key(u64::MAX)).is_none());
    }

    #[test]
    fn threads_that_add_and_remove_never_share_a_place() {
        static SPANS: Spans = Spans::new();
        let rounds = || {
            let mut held = Vec::new();
            for round in 0..20_000_u64 {
                let fill = |span: &Span| span.id.store(round, Ordering::Relaxed);
                held.push((round, SPANS.add(Kind::Task, fill).unwrap()));
                if held.len() > 5 {
                    let (was, key) = held.swap_remove(round as usize % held.len());
                    assert_eq!(SPANS.get(key).unwrap().id.load(Ordering::Relaxed), was);
                    SPANS.remove(key);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(rounds);
            }
        });
        assert!(SPANS.made.load(Ordering::Relaxed) <= 4 * 6);
    }
}
