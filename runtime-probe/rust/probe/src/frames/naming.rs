//! Owns the names of stacks: which are known, and the thread that finds out the others. It
//! must not know when a stack is taken.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::OnceLock;

use wakeline_stacks::{Frame, Symbols};
use wakeline_wire::kind;

use super::Stack;
use crate::dictionary::Place;
use crate::session::Session;
use crate::this_thread::with_recorder;
use crate::type_names;
use crate::watch::spawn_quietly;

/// Stacks whose names can be known at once. A program has some hundred places that await.
const SLOTS: usize = 4096;
/// The waker's function that is called for a clone.
const CLONE: &str = "wakeline::traced::intercept::clone";
/// How far from its place an entry may stand.
const PROBES: usize = 16;
/// Stacks that wait for their names; beyond it the waits are not told.
const WAITING: usize = 1024;
/// In a slot beside the hash: there is no name.
const NAMELESS: u64 = u64::MAX;

/// The hash of a stack; 0 for an empty slot.
static HASHES: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
/// The dictionary's id of the stack; 0 until it is known.
static IDS: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];

static THREAD: OnceLock<SyncSender<Unnamed>> = OnceLock::new();
static UNNAMED: AtomicUsize = AtomicUsize::new(0);

struct Unnamed {
    task: u64,
    epoch: u64,
    stack: Stack,
}

/// Starts the thread. False where the system gives none.
pub(super) fn begin(session: &'static Session) -> bool {
    let (sender, receiver) = sync_channel(WAITING);
    let started = spawn_quietly("wakeline-frames", move || run(session, &receiver));
    started.is_ok() && THREAD.set(sender).is_ok()
}

fn slots_of(hash: u64) -> impl Iterator<Item = usize> {
    let start = (hash >> 32) as usize;
    (0..PROBES).map(move |probe| start.wrapping_add(probe) % SLOTS)
}

/// The dictionary's id of a stack that was named: 0 where there is none to tell. `None` while
/// that is not known.
pub(super) fn named(hash: u64) -> Option<u64> {
    // Ordering: Acquire pairs with `learn`: a hash that is seen has its id.
    let slot = slots_of(hash).find(|slot| HASHES[*slot].load(Ordering::Acquire) == hash)?;
    match IDS[slot].load(Ordering::Relaxed) {
        NAMELESS => Some(0),
        id => Some(id),
    }
}

/// Has the wait of this poll told as soon as the stack has its name.
pub(super) fn name(task: u64, epoch: u64, stack: &Stack) {
    let stack = *stack;
    let Some(thread) = THREAD.get() else { return };
    UNNAMED.fetch_add(1, Ordering::Relaxed);
    if thread.try_send(Unnamed { task, epoch, stack }).is_err() {
        UNNAMED.fetch_sub(1, Ordering::Release);
    }
}

/// Whether there are stacks without a name yet.
pub(crate) fn are_unnamed() -> bool {
    // Ordering: Acquire pairs with the release after a wait was recorded.
    UNNAMED.load(Ordering::Acquire) > 0
}

fn run(session: &'static Session, stacks: &Receiver<Unnamed>) {
    // SAFETY: it takes no pointer; a refusal changes nothing. For this thread only.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 10) };
    let mut symbols = Symbols::default();
    while let Ok(Unnamed { task, epoch, stack }) = stacks.recv() {
        let hash = stack.hash();
        let id = named(hash).unwrap_or_else(|| {
            let id = id_of(session, &symbols.frames(stack.known()));
            learn(hash, id);
            id
        });
        if id != 0 {
            with_recorder(session, |r| r.event(kind::WAIT_FOUND, [task, epoch, id, 0]));
        }
        UNNAMED.fetch_sub(1, Ordering::Release);
    }
}

fn learn(hash: u64, id: u64) {
    let free = |slot: &usize| HASHES[*slot].load(Ordering::Relaxed) == 0;
    if let Some(slot) = slots_of(hash).find(free) {
        IDS[slot].store(if id == 0 { NAMELESS } else { id }, Ordering::Relaxed);
        // Ordering: Release, the id is there before. This thread alone writes.
        HASHES[slot].store(hash, Ordering::Release);
    }
}

/// The dictionary's id of the program's part of the stack: without the clone itself, and up to
/// our own poll.
fn id_of(session: &'static Session, frames: &[Frame]) -> u64 {
    let clone = |frame: &Frame| frame.function == CLONE;
    let Some(clone) = frames.iter().rposition(clone) else {
        return 0;
    };
    let of_waker = |frame: &&Frame| {
        let name = frame.function.trim_start_matches('<');
        name.starts_with("core::task::wake::")
    };
    let inside = frames[clone + 1..].iter().skip_while(of_waker);
    let own_poll = |frame: &&Frame| {
        frame
            .function
            .trim_start_matches('<')
            .starts_with("wakeline::")
    };
    let inside: Vec<&Frame> = inside.take_while(|frame| !own_poll(frame)).collect();
    let names: Vec<String> = inside
        .iter()
        .map(|frame| readable(&frame.function))
        .collect();
    let places = inside.iter().zip(&names).map(|(frame, name)| Place {
        file: &frame.file,
        line: frame.line,
        column: frame.column,
        function: name,
    });
    let places: Vec<Place<'_>> = places.collect();
    let own = |frame: &&Frame| frame.line > 0 && is_own(&frame.file);
    let shown = inside.iter().position(own);
    session.dictionary.chain(&places, shown).1
}

/// A function of an async one has a part of its own in its name: `{async_fn#0}`.
fn readable(function: &str) -> String {
    let parts = function
        .split("::")
        .filter(|part| !part.starts_with("{async_"));
    type_names::readable(&parts.collect::<Vec<_>>().join("::"))
}

/// Whether a source file is of no package from a registry or a repository, nor of the
/// standard library.
fn is_own(file: &str) -> bool {
    let others = [
        "/registry/src/",
        "/git/checkouts/",
        "/rustlib/src/rust/",
        "/rustc/",
    ];
    !others.iter().any(|each| file.contains(each))
}
