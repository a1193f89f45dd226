//! Owns where wakers are cloned inside of polls: the stack of each clone, walked by frame
//! pointers, as the place where the task awaits. Switched on by the program or its environment.
//! It must not know how frames are walked or named.
//!
//! ```text
//!   base ─ poll of `Traced`   begins a poll's list
//!            └ the program's futures
//!                └ a leaf clones the waker ─► `cloned`: addresses from here to base
//!   after the poll: `told`, if it is pending
//! ```
//!
//! What a stack is called is found out once, by a thread of its own, and told late; a stack
//! that is known by then is told with the poll's end. A leaf that already has the waker clones
//! no other one: of such a poll nothing is told.

mod naming;

pub(crate) use naming::are_unnamed;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, Ordering};

use wakeline_executor::observe::innermost_poll;
use wakeline_stacks::{frame_pointers_hold, return_addresses};
use wakeline_wire::{detail, kind, visibility};

use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;

/// Frames of one stack that are kept: the leaf's own ones and some levels of awaits.
const FRAMES: usize = 24;
/// Stacks of one poll that are kept.
const STACKS: usize = 8;

static STATE: AtomicU8 = AtomicU8::new(state::OFF);

mod state {
    /// Not asked for.
    pub(super) const OFF: u8 = 0;
    pub(super) const ON: u8 = 1;
    /// The program was built without frame pointers.
    pub(super) const NO_FRAMES: u8 = 2;
    pub(super) const NO_THREAD: u8 = 3;
}

/// Begins to look at clones, if the program can be walked. True where this was asked for at
/// all.
pub(crate) fn begin(session: &'static Session, wanted: bool) -> bool {
    if wanted {
        let now = match frame_pointers_hold() {
            false => state::NO_FRAMES,
            true if naming::begin(session) => state::ON,
            true => state::NO_THREAD,
        };
        STATE.store(now, Ordering::Relaxed);
    }
    wanted
}

/// What the hello says of await sites, if stacks of clones were asked for.
pub(crate) fn visibility() -> Option<(u64, &'static str)> {
    match STATE.load(Ordering::Relaxed) {
        state::OFF => None,
        state::ON => Some((
            visibility::RECORDED,
            "where wakers are cloned, by frame pointers; a future that keeps its waker is told once",
        )),
        state::NO_FRAMES => Some((
            visibility::NOT_RECORDED,
            "the program has no frame pointers: build with RUSTFLAGS=\"-C force-frame-pointers=yes\"",
        )),
        _ => Some((
            visibility::NOT_RECORDED,
            "the system gave no thread to name stacks",
        )),
    }
}

#[inline(always)]
fn is_on() -> bool {
    STATE.load(Ordering::Relaxed) == state::ON
}

/// Return addresses, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stack {
    addresses: [u64; FRAMES],
    count: usize,
}

impl Stack {
    const EMPTY: Self = Self {
        addresses: [0; FRAMES],
        count: 0,
    };

    fn known(&self) -> &[u64] {
        &self.addresses[..self.count]
    }

    /// Never 0.
    fn hash(&self) -> u64 {
        let mut hash = 0_u64;
        for address in self.known() {
            hash = (hash.rotate_left(5) ^ address).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        hash.max(1)
    }
}

/// The clones of the poll that is open on this thread.
struct Clones {
    task: u64,
    base: usize,
    stacks: [Stack; STACKS],
    count: usize,
}

thread_local! {
    static CLONES: RefCell<Clones> = const {
        RefCell::new(Clones { task: 0, base: 0, stacks: [Stack::EMPTY; STACKS], count: 0 })
    };
}

/// A poll begins whose frames end at the address of this local of its caller. One inside of
/// another ends the other's list: what the outer one clones after it is not told.
#[inline(always)]
pub(crate) fn poll_begins(task: u64, base: usize) {
    if is_on() {
        let _ = CLONES.try_with(|clones| {
            if let Ok(mut clones) = clones.try_borrow_mut() {
                (clones.task, clones.base, clones.count) = (task, base, 0);
            }
        });
    }
}

/// The task's waker is cloned on this thread.
#[inline(always)]
pub(crate) fn cloned(task: u64) {
    if is_on() {
        keep_clone(task);
    }
}

#[inline(never)]
fn keep_clone(task: u64) {
    let here = 0_usize;
    let _ = CLONES.try_with(|clones| {
        let Ok(mut clones) = clones.try_borrow_mut() else {
            return;
        };
        // Only inside of the task's own poll, and on the stack on which that began.
        if clones.task != task || clones.count == STACKS || (&raw const here).addr() >= clones.base
        {
            return;
        }
        let mut stack = Stack::EMPTY;
        let Some(count) = return_addresses(clones.base, &mut stack.addresses) else {
            return;
        };
        stack.count = count;
        let at = clones.count;
        if !clones.stacks[..at].contains(&stack) {
            clones.stacks[at] = stack;
            clones.count += 1;
        }
    });
}

/// The poll that is open returned pending: tells where it cloned its waker.
#[inline(always)]
pub(crate) fn told(session: &'static Session) {
    if is_on() && detail_of(gate()) >= detail::LEAN {
        tell(session);
    }
}

#[inline(never)]
fn tell(session: &'static Session) {
    let Some(poll) = innermost_poll() else { return };
    let _ = CLONES.try_with(|clones| {
        let Ok(mut clones) = clones.try_borrow_mut() else {
            return;
        };
        if clones.task != poll.task {
            return;
        }
        clones.task = 0;
        let stacks = &clones.stacks[..clones.count];
        let named = stacks.iter().map(|stack| naming::named(stack.hash()));
        if named.clone().any(|id| id.is_none()) {
            for stack in stacks {
                naming::name(poll.task, poll.epoch, stack);
            }
            return;
        }
        // Two clones of one place, as of a leaf and what wraps it, may have one name.
        let mut told = [0_u64; STACKS];
        let mut count = 0;
        for id in named.flatten().filter(|id| *id != 0) {
            if !told[..count].contains(&id) {
                told[count] = id;
                count += 1;
            }
        }
        match &told[..count] {
            [only] => with_recorder(session, |r: &mut Recorder| r.poll_ends_at(*only)),
            several => {
                for id in several {
                    with_recorder(session, |r: &mut Recorder| {
                        r.event(kind::WAIT_START, [0, 0, 0, 0, 0, *id]);
                    });
                }
            }
        }
    });
}
