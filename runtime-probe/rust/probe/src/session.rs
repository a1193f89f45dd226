//! Owns the one recording session of the process: its parts, how it begins and ends.
//! It must not know how events are written or frames are sent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};
use std::{fmt, io};

use wakeline_wire::detail;
use wakeline_wire::payload::Family;

use crate::barrier;
use crate::clock::Clock;
use crate::destination::Destination;
use crate::dictionary::Dictionary;
use crate::flight_triggers::Requests;
use crate::flusher::Flusher;
use crate::gate::{open_gate, shut_gate};
use crate::observer::ProbeObserver;
use crate::ring::Ring;
use crate::threads::Threads;

/// How long the end of the program may be delayed for what was not sent yet.
pub(crate) const EXIT_DELAY: Duration = Duration::from_millis(300);
/// How much of it may be waited for the names of what was seen last, unless told otherwise: a
/// first look at a large program's line tables takes longer, and is not worth the end of the
/// trace.
pub(crate) const LAST_NAMES: Duration = Duration::from_millis(100);
/// How long `init` waits, in a program that a debugger has launched, until the collector
/// has been greeted, unless told otherwise. A breakpoint stops the flusher too, so a first stop within the 10 ms
/// that the clock is calibrated for would come before the collector knows of the program.
/// With a collector it takes 11 ms; one that stalls costs no more than this.
pub(crate) const GREETING_DELAY: Duration = Duration::from_millis(100);
/// Used slots, in parts of 256, from which on the flusher is woken before its time: a
/// quarter, which is 2 MiB of the default 8.
const NUDGE_LEVEL: usize = 64;
/// Size of the rings unless told otherwise.
pub(crate) const DEFAULT_MEMORY_MIB: usize = 8;
/// From how long on a poll is long, unless told otherwise. 10 ms is what other tools call
/// long, a hundred times what a poll should take, and above what a busy machine adds to one.
pub(crate) const DEFAULT_LONG_POLL_MS: u64 = 10;

static SESSION: OnceLock<&'static Session> = OnceLock::new();
/// Whether a session was started, or is about to be.
static STARTED: AtomicBool = AtomicBool::new(false);

/// What `init` starts a session with.
pub(crate) struct Start {
    pub(crate) destination: Destination,
    pub(crate) launch: String,
    pub(crate) family: Option<Family>,
    pub(crate) memory_mib: usize,
    pub(crate) shared_memory: bool,
    /// The absolute path of the file that the program itself writes; empty when it writes none.
    pub(crate) recording: String,
    pub(crate) source_root: Option<PathBuf>,
    /// How long the end may wait for the collector.
    pub(crate) exit_delay: Duration,
    pub(crate) greeting_delay: Duration,
    /// From how long on a poll is long; zero: polls are not watched.
    #[cfg_attr(not(wakeline_stacks), allow(dead_code))]
    pub(crate) long_poll: Duration,
    /// How long the end may wait for where tasks awaited; zero: that is not read.
    pub(crate) await_patience: Duration,
}

/// Everything of one recording. Leaked: threads refer to it until the process ends.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) pid: u32,
    pub(crate) clock: Clock,
    /// The flusher raises a barrier on all threads before it asks who is quiet.
    pub(crate) has_barrier: bool,
    pub(crate) ring: &'static Ring,
    pub(crate) dictionary: Dictionary,
    pub(crate) threads: Threads,
    pub(crate) launch: String,
    /// The processes that started this one, where one of them is recorded too.
    pub(crate) family: Option<Family>,
    pub(crate) source_root: Option<PathBuf>,
    observer: OnceLock<&'static ProbeObserver>,
    flusher: OnceLock<Thread>,
    nudged: AtomicBool,
    /// A level of detail that the program asks for; 0 for none.
    asked_detail: AtomicU64,
    /// Of the clock, once it is known.
    pub(crate) tick_rate: AtomicU64,
    /// What kinds of runtime were seen at work: bits of [`seen`].
    runtimes_seen: AtomicU8,
    pub(crate) flight_requests: Requests,
    /// The first file that a signal or a panic asked for is there.
    pub(crate) flight_written: Latch,
    greeted: Latch,
    /// How long a launched program's `init` may wait for that.
    greeting_delay: Duration,
    finish: Finish,
    /// How long the end may wait for the collector.
    pub(crate) exit_delay: Duration,
    /// How long the end may wait for where tasks awaited; zero: that is not read.
    pub(crate) await_patience: Duration,
    /// From how long on a poll is looked at; not set where none is.
    #[cfg(wakeline_stacks)]
    pub(crate) long_poll: OnceLock<Duration>,
    #[cfg(wakeline_stacks)]
    pub(crate) pending_looks: crate::watch::Pending,
}

/// Kinds of runtime, by how the probe sees their tasks.
pub(crate) mod seen {
    /// The workspace's own executor, which tells everything.
    pub(crate) const EXECUTOR: u8 = 1;
    /// Any other, through wrapped futures.
    pub(crate) const WRAPPED: u8 = 2;
    /// No runtime: one of them registers with its reactor through the C library.
    #[cfg_attr(not(wakeline_reactor), allow(dead_code))]
    pub(crate) const REACTOR: u8 = 8;
    /// No runtime: where futures await is read from now on.
    #[cfg_attr(not(feature = "await-sites"), allow(dead_code))]
    pub(crate) const AWAITS: u8 = 128;
    /// tokio, by what it tells itself.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(crate) const TRACING: u8 = 4;
}

/// Something that happens once, and can be waited for.
#[derive(Default)]
pub(crate) struct Latch {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    pub(crate) fn set(&self) {
        *self.happened.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until it has happened, or the time is over.
    pub(crate) fn wait(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut happened = self.happened.lock().unwrap_or_else(PoisonError::into_inner);
        while !*happened {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            happened = match self.changed.wait_timeout(happened, left) {
                Ok((happened, _)) => happened,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

/// How the end is asked for and told.
#[derive(Default)]
struct Finish {
    asked: AtomicBool,
    done: Latch,
}

/// Why recording could not begin. The program is not affected.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// A recording runs in this process already.
    AlreadyStarted,
    /// Another observer is set on the executor.
    ObserverTaken,
    /// `WAKELINE` or `WAKELINE_TOKEN` is not what it should be.
    BadEnvironment(String),
    /// The file of `WAKELINE_FILE` cannot be written.
    File(PathBuf, io::Error),
    /// The address of `WAKELINE_LISTEN` cannot be listened at.
    Listen(String, io::Error),
    /// The system gave no memory or no thread.
    System(io::Error),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted => {
                f.write_str("wakeline records this process already; call init once, at the start of main")
            }
            Self::ObserverTaken => {
                f.write_str("the executor has another observer already, so wakeline cannot see it; set one only")
            }
            Self::BadEnvironment(what) => f.write_str(what),
            Self::File(path, error) => {
                let path = path.display();
                write!(f, "cannot record into {path}: {error}; give WAKELINE_FILE a path that can be written")
            }
            Self::Listen(address, error) => {
                write!(f, "cannot listen at {address}: {error}; give WAKELINE_LISTEN another address")
            }
            Self::System(error) => write!(f, "wakeline cannot record: {error}"),
        }
    }
}

impl std::error::Error for InitError {}

impl Session {
    /// Starts the process's session: from here on events are recorded.
    pub(crate) fn start(start: Start) -> Result<&'static Self, InitError> {
        // Ordering: none needed; who comes second learns only that.
        if STARTED.swap(true, Ordering::Relaxed) {
            return Err(InitError::AlreadyStarted);
        }
        Self::start_first(start).inspect_err(|_| STARTED.store(false, Ordering::Relaxed))
    }

    fn start_first(start: Start) -> Result<&'static Self, InitError> {
        let id = session_id();
        let ring = Ring::new(start.memory_mib, &id, start.shared_memory, &start.recording)
            .map_err(InitError::System)?;
        let ring: &'static Ring = Box::leak(Box::new(ring));
        let session: &'static Self = Box::leak(Box::new(Self {
            id,
            pid: std::process::id(),
            clock: Clock::start(),
            has_barrier: barrier::prepare(),
            ring,
            dictionary: Dictionary::new(ring, matches!(start.destination, Destination::Flight(_))),
            threads: Threads::default(),
            launch: start.launch,
            family: start.family,
            source_root: start.source_root,
            observer: OnceLock::new(),
            flusher: OnceLock::new(),
            nudged: AtomicBool::new(false),
            asked_detail: AtomicU64::new(0),
            tick_rate: AtomicU64::new(0),
            runtimes_seen: AtomicU8::new(0),
            flight_requests: Requests::default(),
            flight_written: Latch::default(),
            greeted: Latch::default(),
            greeting_delay: start.greeting_delay,
            finish: Finish::default(),
            exit_delay: start.exit_delay,
            await_patience: start.await_patience,
            #[cfg(wakeline_stacks)]
            long_poll: OnceLock::new(),
            #[cfg(wakeline_stacks)]
            pending_looks: crate::watch::Pending::default(),
        }));
        #[cfg(wakeline_stacks)]
        let watchdog = session.watchdog(start.long_poll);
        let begun = session.begin(start.destination);
        #[cfg(wakeline_stacks)]
        if let (Ok(_), Some(watchdog)) = (&begun, watchdog) {
            // Without it nothing is missing but samples.
            let _ = watchdog.start(session);
        }
        begun.inspect_err(|error| {
            // The session that two threads began at once goes on with one of them.
            if !matches!(error, InitError::AlreadyStarted) {
                shut_gate();
            }
            ring.remove_file();
        })
    }

    /// The watchdog that the greeting will tell of.
    #[cfg(wakeline_stacks)]
    fn watchdog(&self, long_poll: Duration) -> Option<crate::watch::Watchdog> {
        if long_poll.is_zero() {
            return None;
        }
        let watchdog = crate::watch::Watchdog::prepare(long_poll)?;
        let _ = self.long_poll.set(long_poll);
        Some(watchdog)
    }

    fn begin(&'static self, destination: Destination) -> Result<&'static Self, InitError> {
        SESSION.set(self).map_err(|_| InitError::AlreadyStarted)?;
        let observer: &'static ProbeObserver = Box::leak(Box::new(ProbeObserver::new(self)));
        let _ = self.observer.set(observer);
        wakeline_executor::observe::set_observer(observer).map_err(|_| InitError::ObserverTaken)?;
        #[cfg(wakeline_reactor)]
        crate::interpose::prepare(runtime_code());
        open_gate(match destination.is_listener() {
            true => detail::OFF,
            false => detail::FULL,
        });
        let flusher = Flusher::new(self, destination);
        let thread = std::thread::Builder::new()
            .name("wakeline-flush".into())
            .spawn(move || flusher.run())
            .map_err(InitError::System)?;
        let _ = self.flusher.set(thread.thread().clone());
        #[cfg(unix)]
        crate::fork::prepare(self);
        // SAFETY: the function is of the right type, takes nothing and never unwinds.
        unsafe { libc::atexit(at_exit) };
        if !self.launch.is_empty() {
            self.greeted.wait(self.greeting_delay);
        }
        Ok(self)
    }

    /// Whether this process has a session, though it may have ended.
    pub(crate) fn was_started() -> bool {
        SESSION.get().is_some()
    }

    /// The process's session, if it records.
    #[inline]
    pub(crate) fn current() -> Option<&'static Self> {
        if crate::gate::gate() == 0 {
            return None;
        }
        SESSION.get().copied()
    }

    /// A runtime of this kind is at work.
    #[inline]
    pub(crate) fn saw(&self, kind: u8) {
        if self.runtimes_seen.load(Ordering::Relaxed) & kind == 0 {
            self.runtimes_seen.fetch_or(kind, Ordering::Relaxed);
        }
    }

    /// The kinds seen so far.
    pub(crate) fn runtimes_seen(&self) -> u8 {
        self.runtimes_seen.load(Ordering::Relaxed)
    }

    /// The hooks of this session.
    pub(crate) fn observer(&self) -> Option<&'static ProbeObserver> {
        self.observer.get().copied()
    }

    /// Wakes the flusher before its time when the rings fill up.
    pub(crate) fn nudge_flusher(&self) {
        if self.ring.fill_level() < NUDGE_LEVEL || self.nudged.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(flusher) = self.flusher.get() {
            flusher.unpark();
        }
    }

    /// The flusher is awake: it may be nudged again.
    pub(crate) fn rearm_nudge(&self) {
        self.nudged.store(false, Ordering::Relaxed);
    }

    /// Asks the flusher for another level of detail.
    pub(crate) fn ask_detail(&self, detail: u64) {
        self.asked_detail.store(detail, Ordering::Relaxed);
        self.wake_flusher();
    }

    /// There is something to do before the flusher's next turn.
    pub(crate) fn wake_flusher(&self) {
        if let Some(flusher) = self.flusher.get() {
            flusher.unpark();
        }
    }

    /// The level that was asked for since the last call; 0 for none.
    pub(crate) fn take_asked_detail(&self) -> u64 {
        self.asked_detail.swap(0, Ordering::Relaxed)
    }

    /// Whether the flusher should send the rest and end.
    pub(crate) fn is_finishing(&self) -> bool {
        self.finish.asked.load(Ordering::Acquire)
    }

    /// Whether this is a process that the recorded one has forked.
    pub(crate) fn is_in_child(&self) -> bool {
        std::process::id() != self.pid
    }

    /// Ends the recording: sends the rest and the end frame. Waits 300 ms at most, unless the
    /// program has asked for more patience.
    pub(crate) fn finish(&self) {
        if self.is_in_child() {
            return;
        }
        // Ordering: Release pairs with `is_finishing`.
        self.finish.asked.store(true, Ordering::Release);
        if let Some(flusher) = self.flusher.get() {
            flusher.unpark();
        }
        let more = self.await_patience.saturating_sub(LAST_NAMES);
        self.finish.done.wait(self.exit_delay + more);
    }

    /// The flusher has greeted the collector, or tried to.
    pub(crate) fn greeted(&self) {
        self.greeted.set();
    }

    /// The flusher has ended.
    pub(crate) fn finished(&self) {
        self.greeted.set();
        self.finish.done.set();
    }
}

/// The address of a function of the runtime, where one is known.
#[cfg(wakeline_reactor)]
fn runtime_code() -> Option<*const libc::c_void> {
    #[cfg(feature = "tokio")]
    return Some(crate::tokio::runtime_code());
    #[cfg(not(feature = "tokio"))]
    return None;
}

extern "C" fn at_exit() {
    if let Some(session) = SESSION.get() {
        session.finish();
    }
}

/// Tells the user, once, why the recording that was asked for is not made or ends.
pub(crate) fn complain(why: &str) {
    complain_of(&format!("{why}; the program goes on unrecorded"));
}

/// Tells the user of something that went wrong.
pub(crate) fn complain_of(what: &str) {
    use io::Write;
    // Not by a macro: that panics where nobody can hear.
    let _ = writeln!(io::stderr(), "wakeline: {what}");
}

/// 32 hexadecimal digits that no other process has.
pub(crate) fn session_id() -> String {
    let mut bytes = [0_u8; 16];
    let random = std::fs::File::open("/dev/urandom")
        .and_then(|mut file| io::Read::read_exact(&mut file, &mut bytes));
    if random.is_err() {
        // Keys of the standard hasher are random per process; the time tells apart
        // processes that got the same ones.
        use std::hash::{BuildHasher, RandomState};
        let high = RandomState::new().hash_one(std::process::id());
        let low = RandomState::new().hash_one(std::time::SystemTime::now());
        bytes[..8].copy_from_slice(&high.to_le_bytes());
        bytes[8..].copy_from_slice(&low.to_le_bytes());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
