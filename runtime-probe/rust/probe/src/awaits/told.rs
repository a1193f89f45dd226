//! Owns the waits that a poll's end records, and what is known of whether it can. It must not
//! know how futures are laid out or how events are written.

mod late;

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};

use wakeline_await_sites::{
    answered_by, are_kept, chains, is_own, keep, Frame, FutureType, Unreadable,
};
use wakeline_executor::observe::innermost_poll;
use wakeline_wire::{detail, kind, visibility};

use crate::dictionary::Place;
use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::Session;
use crate::this_thread::with_recorder;

/// Chains that a thread remembers, so that an await in a loop does not take the
/// dictionary's lock. A chain of four levels takes 100 bytes.
const CHAINS: usize = 256;

/// Where the reading of debug information stands: one of [`state`], or a reason's number
/// above them.
static STATE: AtomicU8 = AtomicU8::new(state::BEGINS);

mod state {
    pub(super) const BEGINS: u8 = 0;
    /// The debug information is there; no future was found in it yet.
    pub(super) const OPEN: u8 = 1;
    /// Futures are read.
    pub(super) const READS: u8 = 2;
    /// Something was asked for, and nothing of it could be read.
    pub(super) const NOTHING_FOUND: u8 = 3;
    /// No thread could be started.
    pub(super) const NO_THREAD: u8 = 4;
    pub(super) const SWITCHED_OFF: u8 = 5;
    /// The first of [`REASONS`](super::REASONS).
    pub(super) const UNREADABLE: u8 = 16;
}

const REASONS: [Unreadable; 5] = [
    Unreadable::Platform,
    Unreadable::File,
    Unreadable::Format,
    Unreadable::NoDebugInfo,
    Unreadable::NotInside,
];

/// Starts the thread that reads. Nothing waits for it: what polls until it has read is kept
/// and told later.
pub(crate) fn begin(session: &'static Session) {
    if session.await_patience.is_zero() {
        STATE.store(state::SWITCHED_OFF, Ordering::Relaxed);
        return;
    }
    let thread = std::thread::Builder::new()
        .name("wakeline-awaits".into())
        .spawn(move || late::serve(session));
    match thread {
        Ok(thread) => {
            answered_by(thread.thread().clone());
        }
        Err(_) => STATE.store(state::NO_THREAD, Ordering::Relaxed),
    }
}

/// Whether futures were kept of which it is not told yet where they awaited.
pub(crate) fn are_pending() -> bool {
    are_kept()
}

/// What the hello says: whether waits can have a site, and what a reader must know of it.
pub(crate) fn visibility() -> (u64, &'static str) {
    let not = |note| (visibility::NOT_RECORDED, note);
    match STATE.load(Ordering::Relaxed) {
        state::READS => (
            visibility::RECORDED,
            "read from the futures' own state by the program's debug information, where that tells it",
        ),
        state::BEGINS | state::OPEN => not("the debug information is still being read"),
        state::NOTHING_FOUND => not("no future was found in the debug information: build with debug = 2"),
        state::NO_THREAD => not("the system gave no thread to read the debug information"),
        state::SWITCHED_OFF => not("switched off by the program or its environment"),
        reason => {
            let place = usize::from(reason - state::UNREADABLE);
            not(REASONS[place.min(REASONS.len() - 1)].reason())
        }
    }
}

/// [`told_at`] for a future of this type.
///
/// # Safety
/// As there.
#[inline]
pub(crate) unsafe fn told<F: Future>(session: &'static Session, future: *const F) {
    let FutureType { poll, size_bytes } = FutureType::of::<F>();
    // SAFETY: told to the caller.
    unsafe { told_at(session, poll, size_bytes, future.cast()) };
}

/// Records where a task awaits whose poll is about to end as pending.
///
/// # Safety
/// `future` is the task's future of the type that `poll` polls; it is alive and pending, and
/// nobody else uses it during the call.
#[inline]
pub(crate) unsafe fn told_at(
    session: &'static Session,
    poll: usize,
    size_bytes: usize,
    future: *const u8,
) {
    if detail_of(gate()) < detail::LEAN {
        return;
    }
    let mut found = Found::default();
    let mut tell = |chain: &[Option<&'static Frame>]| {
        let known = KNOWN.try_with(|known| match known.try_borrow_mut() {
            Ok(mut known) => known.chain(session, chain),
            Err(_) => (0, 0),
        });
        found.add(known.unwrap_or_default());
    };
    let of = FutureType { poll, size_bytes };
    // SAFETY: told to the caller.
    let is_all = unsafe { chains(of, future, &mut tell) };
    if !is_all {
        let open = innermost_poll();
        // SAFETY: as above.
        if open.is_some_and(|open| unsafe { keep(of, future, open.task, open.epoch) }) {
            // Told late, and whole.
            return;
        }
    }
    match found.each() {
        [] => {}
        [Chain {
            stack, count: 1, ..
        }] => with_recorder(session, |r: &mut Recorder| r.poll_ends_at(*stack)),
        several => {
            for chain in several {
                let count = told_count(chain.count);
                with_recorder(session, |r: &mut Recorder| {
                    r.event(kind::WAIT_START, [0, 0, count, 0, chain.site, chain.stack]);
                });
            }
        }
    }
}

/// The most different chains of one future that are told.
const TOLD_CHAINS: usize = 16;

/// A chain of awaits: the ids of its await and of the whole, and how many futures await there.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    site: u64,
    stack: u64,
    count: u64,
}

/// As the wire has it: nothing for one.
fn told_count(count: u64) -> u64 {
    match count {
        1 => 0,
        several => several,
    }
}

/// The different chains of one future.
struct Found {
    chains: [Chain; TOLD_CHAINS],
    count: usize,
}

impl Default for Found {
    #[inline]
    fn default() -> Self {
        Self {
            chains: [Chain::default(); TOLD_CHAINS],
            count: 0,
        }
    }
}

impl Found {
    #[inline]
    fn add(&mut self, (site, stack): (u64, u64)) {
        if stack == 0 {
            // There are too many different ones.
            return;
        }
        let known = self.chains[..self.count].iter_mut();
        if let Some(same) = known.rev().find(|each| each.stack == stack) {
            same.count += 1;
        } else if let Some(place) = self.chains.get_mut(self.count) {
            let count = 1;
            *place = Chain { site, stack, count };
            self.count += 1;
        }
    }

    #[inline]
    fn each(&self) -> &[Chain] {
        &self.chains[..self.count]
    }
}

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Known([const { None }; CHAINS])) };
}

/// One thread's memory of chains and their ids.
struct Known([Option<KnownChain>; CHAINS]);

struct KnownChain {
    /// Outermost first.
    frames: Box<[Option<&'static Frame>]>,
    site: u64,
    stack: u64,
}

impl Known {
    /// The ids of the await and of the whole chain.
    #[inline]
    fn chain(
        &mut self,
        session: &'static Session,
        frames: &[Option<&'static Frame>],
    ) -> (u64, u64) {
        let place = &mut self.0[place_of(frames)];
        match place {
            Some(known) if is_same(&known.frames, frames) => (known.site, known.stack),
            _ => {
                let known = place.insert(learn(session, frames));
                (known.site, known.stack)
            }
        }
    }
}

/// By the addresses of the frames, of which there is one for each place.
#[inline]
fn place_of(frames: &[Option<&'static Frame>]) -> usize {
    let mut hash = 0_usize;
    for frame in frames.iter().flatten() {
        let address = std::ptr::from_ref::<Frame>(frame) as usize;
        hash = (hash.rotate_left(5) ^ address).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize);
    }
    hash >> (usize::BITS - 8)
}

#[inline]
fn is_same(known: &[Option<&'static Frame>], frames: &[Option<&'static Frame>]) -> bool {
    let address = |frame: &Option<&'static Frame>| frame.map(std::ptr::from_ref::<Frame>);
    known.len() == frames.len()
        && known
            .iter()
            .zip(frames)
            .all(|(a, b)| address(a) == address(b))
}

#[cold]
fn learn(session: &'static Session, frames: &[Option<&'static Frame>]) -> KnownChain {
    let (site, stack) = chain_of(session, frames);
    KnownChain {
        frames: frames.into(),
        site,
        stack,
    }
}

/// The dictionary's ids of the await that is shown and of the chain.
fn chain_of(session: &'static Session, frames: &[Option<&'static Frame>]) -> (u64, u64) {
    // Innermost first, as the wire has it.
    let inwards: Vec<&'static Frame> = frames.iter().rev().flatten().copied().collect();
    let places = inwards.iter().map(|frame| Place {
        file: &frame.file,
        line: frame.line,
        column: 0,
        function: &frame.function,
    });
    let places: Vec<Place<'_>> = places.collect();
    let own = |frame: &&Frame| frame.line > 0 && is_own(&frame.defined_in);
    let own = inwards.iter().position(own);
    let shown = own.or_else(|| inwards.iter().position(|frame| frame.line > 0));
    session.dictionary.chain(&places, shown)
}
