//! Owns the waits that a poll's end records, and the thread that finds out how to read them.
//! It must not know how futures are laid out or how events are written.

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::thread::park;
use std::time::Duration;

use wakeline_await_sites::{chains, is_own, Frame, FutureType, Reader, Unreadable};
use wakeline_wire::{detail, kind, visibility};

use crate::dictionary::Place;
use crate::gate::{detail_of, gate};
use crate::recorder::Recorder;
use crate::session::{seen, Session};
use crate::this_thread::with_recorder;

/// Chains that a thread remembers, so that an await in a loop does not take the
/// dictionary's lock. A chain of four levels takes 100 bytes.
const CHAINS: usize = 256;
/// How the reading thread's priority stands below the program's, in the system's steps.
const NICE: i32 = 10;

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

/// Starts the thread that reads, and lets it have a start: what a task awaits that is polled
/// but once, because it hangs, is known only if it is at that poll.
pub(crate) fn begin(session: &'static Session, patience: Duration) {
    if patience.is_zero() {
        STATE.store(state::SWITCHED_OFF, Ordering::Relaxed);
        return;
    }
    let (surveyed, has_surveyed) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("wakeline-awaits".into())
        .spawn(move || serve(session, &surveyed));
    if thread.is_err() {
        STATE.store(state::NO_THREAD, Ordering::Relaxed);
    }
    // Ends at once when the thread gives up.
    let _ = has_surveyed.recv_timeout(patience);
}

fn serve(session: &'static Session, surveyed: &SyncSender<()>) {
    // SAFETY: changes the priority of this thread alone, which Linux takes 0 for.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
    let mut reader = match Reader::open() {
        Ok(reader) => reader,
        Err(why) => {
            let place = REASONS.iter().position(|reason| *reason == why);
            let reason = state::UNREADABLE + place.unwrap_or(0) as u8;
            STATE.store(reason, Ordering::Relaxed);
            session.saw(seen::AWAITS);
            return;
        }
    };
    STATE.store(state::OPEN, Ordering::Relaxed);
    if !reader.serve() {
        return;
    }
    if reader.survey() > 0 {
        STATE.store(state::READS, Ordering::Relaxed);
        session.saw(seen::AWAITS);
    }
    let _ = surveyed.try_send(());
    while !session.is_finishing() {
        let answered = reader.answer(Duration::ZERO);
        let now = match answered {
            answered if answered.made > 0 => state::READS,
            answered if answered.asked > 0 => state::NOTHING_FOUND,
            _ => state::OPEN,
        };
        if now > state::OPEN && STATE.load(Ordering::Relaxed) != state::READS {
            STATE.store(now, Ordering::Relaxed);
            session.saw(seen::AWAITS);
        }
        // Unparked by what is asked for; a thread that waits here ends with the process.
        park();
    }
}

/// What the hello says: whether waits can have a site, and what a reader must know of it.
pub(crate) fn visibility() -> (u64, &'static str) {
    let not = |note| (visibility::NOT_RECORDED, note);
    match STATE.load(Ordering::Relaxed) {
        state::READS => (
            visibility::RECORDED,
            "read from the futures' own state by the program's debug information, where that tells it; a future of a type that was not known at the start is told from its second poll on",
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
    let mut tell = |chain: &[Option<&'static Frame>]| {
        let known = KNOWN.try_with(|known| match known.try_borrow_mut() {
            Ok(mut known) => known.chain(session, chain),
            Err(_) => None,
        });
        if let Ok(Some((site, stack))) = known {
            with_recorder(session, |r: &mut Recorder| {
                r.event(kind::WAIT_START, [0, 0, 0, 0, site, stack]);
            });
        }
    };
    let of = FutureType { poll, size_bytes };
    // SAFETY: told to the caller.
    unsafe { chains(of, future, &mut tell) };
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
    ) -> Option<(u64, u64)> {
        let place = &mut self.0[place_of(frames)];
        match place {
            Some(known) if is_same(&known.frames, frames) => Some((known.site, known.stack)),
            _ => {
                let known = place.insert(learn(session, frames));
                Some((known.site, known.stack))
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
    // Innermost first, as the wire has it.
    let frames_inwards = || frames.iter().rev().flatten();
    let place = |frame: &'static Frame| Place {
        file: &frame.file,
        line: frame.line,
        column: 0,
        function: &frame.function,
    };
    let with_line = || frames_inwards().filter(|frame| frame.line > 0);
    let own = with_line().find(|frame| is_own(&frame.defined_in));
    let site = own.or_else(|| with_line().next());
    let dictionary = &session.dictionary;
    let places: Vec<Place<'_>> = frames_inwards().map(|frame| place(frame)).collect();
    KnownChain {
        frames: frames.into(),
        site: site.map_or(0, |frame| dictionary.site_of(place(frame))),
        stack: dictionary.stack(&places),
    }
}
