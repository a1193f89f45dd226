//! Owns the table of the futures that were seen, by the address of their poll function. It
//! must not know how a plan is made: a thread of the probe fills in what is asked for here.
//!
//! A poll looks up a plan with one load in the common case, and never waits: a future that
//! is not in the table is entered by one exchange, and told from its next poll on.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::OnceLock;
use std::thread::Thread;

use crate::node::Node;

/// Types of futures that can be told apart: 4,096 × 24 bytes. The table is never cleared; a
/// program with more spawned or boxed types is told without the rest.
pub(crate) const SLOTS: usize = 4096;
/// How far from its place an entry may stand.
const PROBES: usize = 32;

struct Slot {
    /// Address of the poll function; 0 for an empty slot.
    poll: AtomicUsize,
    size_bytes: AtomicUsize,
    node: AtomicPtr<Node>,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        poll: AtomicUsize::new(0),
        size_bytes: AtomicUsize::new(0),
        node: AtomicPtr::new(std::ptr::null_mut()),
    }
}; SLOTS];

/// Something was asked for that has no answer yet.
static ASKED: AtomicBool = AtomicBool::new(false);
/// Who answers.
static READER: OnceLock<Thread> = OnceLock::new();
/// Nobody answers any more.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// In a slot: there is no plan, for good.
fn no_plan() -> *mut Node {
    std::ptr::without_provenance_mut(1)
}

/// How a future is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Planned {
    Made(&'static Node),
    /// It cannot be read.
    Not,
    /// It was asked for and has no answer yet.
    Later,
}

/// The plan of the future with this poll function.
#[inline]
pub(crate) fn plan_of(poll: usize, size_bytes: usize) -> Planned {
    let Some(slot) = find(poll, size_bytes) else {
        return Planned::Not;
    };
    // Ordering: Acquire pairs with the store in `answer`.
    let node = slot.node.load(Ordering::Acquire);
    if node.is_null() {
        return match is_answered() {
            true => Planned::Later,
            false => Planned::Not,
        };
    }
    if node == no_plan() {
        return Planned::Not;
    }
    // SAFETY: a node that `answer` was given, which lives for good.
    let node: &'static Node = unsafe { &*node };
    match node.size_bytes == size_bytes {
        true => Planned::Made(node),
        false => Planned::Not,
    }
}

#[inline]
fn find(poll: usize, size_bytes: usize) -> Option<&'static Slot> {
    // Functions are aligned to 16 bytes mostly; the multiplication spreads the rest.
    let start = (poll >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    for probe in 0..PROBES {
        let slot = &TABLE[start.wrapping_add(probe) % SLOTS];
        // Ordering: none needed; the plan is published by its own store.
        match slot.poll.load(Ordering::Relaxed) {
            known if known == poll => return Some(slot),
            0 => match enter(slot, poll, size_bytes) {
                Entered::Here => return Some(slot),
                Entered::Another => {}
                Entered::Nobody => return None,
            },
            _ => {}
        }
    }
    None
}

enum Entered {
    /// The slot is this future's.
    Here,
    /// Another future took it.
    Another,
    /// Nobody answers, so nothing is asked.
    Nobody,
}

#[cold]
#[inline(never)]
fn enter(slot: &Slot, poll: usize, size_bytes: usize) -> Entered {
    if poll == 0 || !is_answered() {
        return Entered::Nobody;
    }
    let entered = slot
        .poll
        .compare_exchange(0, poll, Ordering::Relaxed, Ordering::Relaxed);
    match entered {
        Ok(_) => {
            // The size is for the reader alone, which takes a slot only when it is there.
            // Ordering: Release pairs with its load.
            slot.size_bytes.store(size_bytes + 1, Ordering::Release);
            notify();
            Entered::Here
        }
        Err(other) if other == poll => Entered::Here,
        Err(_) => Entered::Another,
    }
}

/// This thread answers; it is unparked when there is something to do.
pub(crate) fn answered_by(thread: Thread) -> bool {
    READER.set(thread).is_ok()
}

/// From here on nothing is asked.
pub(crate) fn close() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// Whether somebody answers.
pub(crate) fn is_answered() -> bool {
    READER.get().is_some() && !CLOSED.load(Ordering::Relaxed)
}

/// Has whoever answers look.
pub(crate) fn notify() {
    // Ordering: Release pairs with `answer`.
    if !ASKED.swap(true, Ordering::Release) {
        if let Some(reader) = READER.get() {
            reader.unpark();
        }
    }
}

/// Enters a future with its plan before anybody asks. False when its place is taken.
pub(crate) fn enter_answered(poll: usize, node: &'static Node) -> bool {
    let Some(slot) = find(poll, node.size_bytes) else {
        return false;
    };
    // Ordering: as in `answer`.
    slot.node
        .store(std::ptr::from_ref(node).cast_mut(), Ordering::Release);
    true
}

/// Answers everything that was asked so far, with `None` for what has no plan.
pub(crate) fn answer(mut plan: impl FnMut(usize, usize) -> Option<&'static Node>) {
    // Ordering: Acquire; what was entered before the flag was set is seen.
    if !ASKED.swap(false, Ordering::Acquire) {
        return;
    }
    for slot in &TABLE {
        let size_bytes = slot.size_bytes.load(Ordering::Acquire);
        if size_bytes == 0 || !slot.node.load(Ordering::Relaxed).is_null() {
            continue;
        }
        let poll = slot.poll.load(Ordering::Relaxed);
        let node = match plan(poll, size_bytes - 1) {
            Some(node) => std::ptr::from_ref(node).cast_mut(),
            None => no_plan(),
        };
        // Ordering: Release, the node is whole before.
        slot.node.store(node, Ordering::Release);
    }
}
