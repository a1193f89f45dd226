//! Records what the async code of this program does, for Wakeline.
//!
//! One line at the start of `main`:
//!
//! ```
//! wakeline::init!();
//! wakeline_executor::block_on(async { /* … */ });
//! ```
//!
//! Where `WAKELINE` is not in the environment this does nothing: the program runs as it
//! would without it. Where it is, every poll, wake, wait, reactor turn, timer and blocking
//! job of the executor is sent to the collector that listens there. The program never
//! waits for the collector, and a collector that is gone, slow or unwilling changes nothing
//! but the trace.
//!
//! With the feature `tokio` one attribute records a tokio program, `#[wakeline::main]`, which takes what
//! tokio's own takes, or the same line in a `main` that builds its runtimes by hand. Put
//! `wakeline::spawn`, `spawn_local`, `spawn_blocking`, `JoinSet`, `LocalSet` and `task::Builder`
//! where the program has tokio's, which they are otherwise the same as, and see the module
//! `tokio` for the rest. On any executor, [`traced`] records a future as a task, and [`span()`]
//! and [`marker`] tell of sections and instants of the program's own. On Linux the reactor is
//! seen where the runtime calls the C library (feature `reactor`, part of `tokio`): its waits,
//! what became ready, and reads and writes. What cannot be seen so is told to the viewer as not
//! recorded.
//!
//! With the feature `tracing`, in a program that is built with
//! `RUSTFLAGS="--cfg tokio_unstable"`, tokio tells of all its tasks itself, those that
//! libraries spawn included, and nothing needs to be replaced: see the module `tracing`.
//!
//! With the feature `await-sites`, in a debug build (`debug = 2`) on 64-bit Linux, each wait
//! of a task has the line of its await and of every await above it.
//!
//! Owns how recording is asked for. It must not know what is recorded or how.
//!
//! Environment:
//!
//! | Variable | Meaning |
//! |---|---|
//! | `WAKELINE` | `unix:<path>` or `tcp://127.0.0.1:<port>`: where the collector listens |
//! | `WAKELINE_TOKEN` | 32 hexadecimal digits that the collector expects |
//! | `WAKELINE_LAUNCH` | which debug session started this program |
//! | `WAKELINE_MEMORY_MIB` | size of the rings, 8 when not given |
//! | `WAKELINE_EXIT_MS` | how many ms the program's end may wait for the collector to take what is left, 300 when not given; more where all must arrive on a machine that is busy |
//! | `WAKELINE_GREETING_MS` | how many ms the start of a program that a debugger has launched may wait until the collector knows of it, 100 when not given: whoever stops at its first line then sees it in the list |
//! | `WAKELINE_AWAIT_SITES` | with the feature `await-sites`: how many ms the program's end may wait for where tasks awaited that has not been read yet, 100 when not given; `0` to not read it |
//! | `WAKELINE_AWAIT_FRAMES` | `1`, with the feature `stacks`, in a program built with `RUSTFLAGS="-C force-frame-pointers=yes"`: where tasks await is told by where their wakers are cloned, in release builds too |
//! | `WAKELINE_LONG_POLL_MS` | with the feature `stacks`: from how many milliseconds on a poll is long, 10 when not given, 0 for never |
//! | `WAKELINE_FILE` | record into this file, with no viewer and no token; `%p` in it is the process's id |
//! | `WAKELINE_FILE_MIB` | how long the file may get, 1024 when not given; the recording ends there |
//! | `WAKELINE_LISTEN` | `unix:<path>` or `tcp://127.0.0.1:<port>`: listen there, record while a collector with the token is attached |
//! | `WAKELINE_LISTEN_REMOTE` | `1`: the address may be one that other machines reach |
//! | `WAKELINE_FLIGHT_MIB` | keep the last so many MiB in memory, and write them when asked |
//! | `WAKELINE_FLIGHT_SIGNAL` | the signal that asks: `USR1`, `USR2`, `HUP`, `QUIT` or `WINCH` |
//! | `WAKELINE_FLIGHT_ON_PANIC` | `1`: the first panic asks too |
//! | `WAKELINE_FLIGHT_FILE` | where signal and panic write, `wakeline-flight-%p-%n.wakeline` when not given; `%n` counts |
//!
//! On Windows there is no `unix:` address and no signal: each of them is an error that names what
//! else to give.
//!
//! Of several ways the one that was asked for most plainly is taken: the file, else
//! listening, else the memory, else the collector.

// No panic comes out of the probe: the few that tokio's own functions make are allowed where
// they stand.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod address;
mod awaits;
mod barrier;
mod batch;
mod breakpoints;
mod clock;
mod connection;
mod destination;
mod dictionary;
mod file;
mod flight;
mod flight_triggers;
mod flusher;
mod foreign;
#[cfg(unix)]
mod fork;
#[cfg(wakeline_stacks)]
mod frames;
mod gate;
mod held;
mod hello;
#[cfg(wakeline_reactor)]
mod interpose;
#[cfg(target_os = "linux")]
mod left_over;
mod link;
mod listener;
mod observer;
mod recorder;
mod ring;
mod session;
mod snapshot;
mod socket;
mod spans;
pub mod task;
mod this_thread;
mod threads;
#[cfg(feature = "tokio")]
pub mod tokio;
mod traced;
#[cfg(feature = "tracing")]
pub mod tracing;
mod type_names;
#[cfg(wakeline_stacks)]
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use address::{Address, Token};
use destination::Destination;
use file::RecordingFile;
use flight::Flight;
use listener::Listener;
use wakeline_executor::observe::Observer;

#[cfg(feature = "tokio")]
#[doc(hidden)]
pub use crate::tokio::entry as private;
#[cfg(feature = "tokio")]
pub use crate::tokio::{
    block_in_place, spawn, spawn_blocking, spawn_local, AbortHandle, JoinSet, LocalSet,
};
pub use session::InitError;
use session::{Session, Start, DEFAULT_LONG_POLL_MS, DEFAULT_MEMORY_MIB};
pub use spans::{marker, span, InSpan, Span, SpanGuard};
pub use traced::{traced, Traced};
#[cfg(feature = "tokio")]
pub use wakeline_macros::main;

/// Starts recording if the environment says where to, and tells the viewer that relative
/// source paths start at the calling crate. Gives a [`Recording`], which may be ignored.
#[macro_export]
macro_rules! init {
    () => {
        $crate::init_at(env!("CARGO_MANIFEST_DIR"))
    };
}

/// A recording, or none. Recording goes on when this is dropped, to the end of the
/// process, which sends what is left.
#[derive(Debug, Clone, Copy)]
pub struct Recording {
    session: Option<SessionRef>,
}

#[derive(Clone, Copy)]
struct SessionRef(&'static Session);

impl std::fmt::Debug for SessionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Recording {
    /// Whether a recording was started.
    pub fn is_active(&self) -> bool {
        self.session.is_some()
    }

    /// The hooks that record, for an executor of one's own and for benchmarks; the executor
    /// of this workspace calls them already.
    pub fn observer(self) -> Option<&'static dyn Observer> {
        let observer: &'static dyn Observer = self.session?.0.observer()?;
        Some(observer)
    }

    /// Sets how much is recorded: a value of the wire's `detail`. The collector may ask for
    /// another level at any time.
    ///
    /// 1, off: nothing. 2, lean: tasks, polls, wakes, waits, the reactor's turns, timers and
    /// blocking jobs. 3, full, which is what recording starts with: also reads and writes
    /// with their bytes, the parts of tasks, counts of wakers, and who holds a lock.
    pub fn set_detail(self, detail: u64) {
        if let Some(SessionRef(session)) = self.session {
            session.ask_detail(detail);
        }
    }

    /// How many peers came to a program that listens and were refused: strangers without the
    /// token, and who came while another collector was attached.
    pub fn refused_peers(self) -> u64 {
        listener::refused()
    }

    /// Ends the recording now: sends what is left and waits for that 300 ms at most, or
    /// `WAKELINE_EXIT_MS`. Of use
    /// before a process ends in a way that runs no exit handlers.
    pub fn finish(self) {
        if let Some(SessionRef(session)) = self.session {
            session.finish();
        }
    }
}

/// What [`init_with`] starts with. [`Config::from_env`] is the usual start.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Config {
    /// Where the collector listens, as in `WAKELINE`. With none of this, `file` and `listen`
    /// nothing is recorded.
    pub collector: Option<String>,
    /// The file to record into, as in `WAKELINE_FILE`: what a collector would have written.
    /// `%p` is the process's id, `%%` a percent sign.
    pub file: Option<String>,
    /// How many MiB the file may get; 1024 when not given.
    pub file_mib: Option<usize>,
    /// Where to listen for a collector, as in `WAKELINE_LISTEN`. Nothing is recorded while
    /// none is attached.
    pub listen: Option<String>,
    /// How many MiB of the newest records to keep in memory, for
    /// [`write_flight_recording`], as in `WAKELINE_FLIGHT_MIB`. The rings and what lives in
    /// the dictionary come on top.
    pub flight_mib: Option<usize>,
    /// Where a signal or a panic writes what is kept, as in `WAKELINE_FLIGHT_FILE`.
    pub flight_file: Option<String>,
    /// Which signal asks for that, as in `WAKELINE_FLIGHT_SIGNAL`.
    pub flight_signal: Option<String>,
    /// Whether the first panic does, as in `WAKELINE_FLIGHT_ON_PANIC`.
    pub flight_on_panic: bool,
    /// Whether `listen` may be an address that other machines reach. The token goes over the
    /// connection in clear.
    pub listen_remote: bool,
    /// The collector's token, as in `WAKELINE_TOKEN`.
    pub token: String,
    /// Which debug session started this program; may be empty.
    pub launch: String,
    /// Size of the rings in MiB; 8 when not given.
    pub memory_mib: Option<usize>,
    /// From how many milliseconds on a poll is long, so that its stack and processor time are
    /// recorded (feature `stacks`): 10 when not given; 0: none is.
    pub long_poll_ms: Option<u64>,
    /// Where relative source paths start: the folder where the compiler ran.
    pub source_root: Option<PathBuf>,
    /// Whether to keep the rings out of the shared-memory file, so that nothing is read
    /// from them after a kill.
    pub private_memory: bool,
    /// How many ms the program's end may wait for the collector to take what is left, as in
    /// `WAKELINE_EXIT_MS`; 300 when not given.
    pub exit_ms: Option<u64>,
    /// How many ms the start of a program that a debugger has launched may wait until the
    /// collector knows of it, as in `WAKELINE_GREETING_MS`; 100 when not given.
    pub greeting_ms: Option<u64>,
    /// With the feature `await-sites`: how many ms the program's end may wait for where tasks
    /// awaited that has not been read yet, 100 when not given. 0: it is not read.
    pub await_sites_ms: Option<u64>,
    /// With the feature `stacks`, in a program that is built with
    /// `-C force-frame-pointers=yes`: where tasks await is told by where their wakers are
    /// cloned, which needs line tables alone, so in release builds too. Instead of what the
    /// feature `await-sites` reads; for futures that are wrapped.
    pub await_frames: bool,
}

impl Config {
    /// What the environment says.
    pub fn from_env() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            collector: text("WAKELINE"),
            file: text("WAKELINE_FILE"),
            file_mib: text("WAKELINE_FILE_MIB").and_then(|text| text.parse().ok()),
            listen: text("WAKELINE_LISTEN"),
            flight_mib: text("WAKELINE_FLIGHT_MIB")
                .map(|text| text.parse().unwrap_or(flight::DEFAULT_FLIGHT_MIB)),
            flight_file: text("WAKELINE_FLIGHT_FILE"),
            flight_signal: text("WAKELINE_FLIGHT_SIGNAL"),
            flight_on_panic: text("WAKELINE_FLIGHT_ON_PANIC").is_some_and(|text| text == "1"),
            listen_remote: text("WAKELINE_LISTEN_REMOTE").is_some_and(|text| text == "1"),
            token: text("WAKELINE_TOKEN").unwrap_or_default(),
            launch: text("WAKELINE_LAUNCH").unwrap_or_default(),
            memory_mib: text("WAKELINE_MEMORY_MIB").and_then(|text| text.parse().ok()),
            long_poll_ms: text("WAKELINE_LONG_POLL_MS").and_then(|text| text.parse().ok()),
            source_root: None,
            private_memory: false,
            exit_ms: text("WAKELINE_EXIT_MS").and_then(|text| text.parse().ok()),
            greeting_ms: text("WAKELINE_GREETING_MS").and_then(|text| text.parse().ok()),
            await_frames: text("WAKELINE_AWAIT_FRAMES").is_some_and(|text| text == "1"),
            await_sites_ms: text("WAKELINE_AWAIT_SITES").and_then(|text| text.parse().ok()),
        }
    }
}

/// Starts recording if the environment says where to. Whatever is wrong, the program goes
/// on unrecorded; [`init_with`] tells what it was. Where the environment asks for a file or
/// for listening, it is told on stderr too. Called again, it gives the recording that runs.
pub fn init() -> Recording {
    init_from(Config::from_env())
}

/// [`init()`] with the folder of the calling crate; what [`init!`] expands to.
pub fn init_at(manifest_folder: &str) -> Recording {
    let mut config = Config::from_env();
    if config.asks_for_recording() {
        config.source_root = Some(source_root(manifest_folder.into()));
    }
    init_from(config)
}

fn init_from(config: Config) -> Recording {
    let is_told = config.file.is_some() || config.listen.is_some() || config.flight_mib.is_some();
    let session = match init_with(config) {
        Ok(recording) => return recording,
        Err(InitError::AlreadyStarted) => Session::current().map(SessionRef),
        Err(error) => {
            if is_told {
                session::complain(&error.to_string());
            }
            None
        }
    };
    Recording { session }
}

/// Starts recording with this configuration.
///
/// # Errors
/// When address or token are malformed, the file cannot be written, the process is recorded
/// already, the executor has another observer, or the system gives no memory or thread. The
/// program may go on then.
pub fn init_with(config: Config) -> Result<Recording, InitError> {
    if !config.asks_for_recording() {
        return Ok(Recording { session: None });
    }
    // One at a time: the file or socket of a session that runs is not opened again.
    static STARTING: Mutex<()> = Mutex::new(());
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if Session::was_started() {
        return Err(InitError::AlreadyStarted);
    }
    let destination = config.destination()?;
    let is_flight = matches!(destination, Destination::Flight(_));
    let recording = destination.recording();
    // Who attaches comes to a session that has another name by then. A ring whose recording
    // cannot be named would be found by nobody.
    let is_found = match destination {
        Destination::Collector(..) => true,
        Destination::File(_) => !recording.is_empty(),
        Destination::Listener(_) | Destination::Flight(_) => false,
    };
    let session = Session::start(Start {
        shared_memory: !config.private_memory && is_found,
        recording,
        destination,
        launch: config.launch,
        family: std::env::var("WAKELINE_FAMILY")
            .ok()
            .and_then(|text| hello::family_of(&text)),
        memory_mib: config.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB),
        source_root: config.source_root,
        exit_delay: config
            .exit_ms
            .map_or(session::EXIT_DELAY, Duration::from_millis),
        greeting_delay: config
            .greeting_ms
            .map_or(session::GREETING_DELAY, Duration::from_millis),
        await_patience: config
            .await_sites_ms
            .map_or(session::LAST_NAMES, Duration::from_millis),
        long_poll: std::time::Duration::from_millis(
            config.long_poll_ms.unwrap_or(DEFAULT_LONG_POLL_MS),
        ),
    })?;
    if is_flight {
        // A wrong name is told and no more: the program may ask by itself.
        let signal = config.flight_signal.as_deref();
        if let Some(Err(why)) = signal.map(flight_triggers::listen_to_signal) {
            session::complain_of(&why);
        }
        if config.flight_on_panic {
            flight_triggers::listen_to_panics(session);
        }
    }
    #[cfg(feature = "tracing")]
    tracing::begin(session);
    #[cfg(wakeline_stacks)]
    let by_frames = frames::begin(session, config.await_frames);
    #[cfg(not(wakeline_stacks))]
    let by_frames = false;
    if !by_frames {
        awaits::begin(session);
    }
    Ok(Recording {
        session: Some(SessionRef(session)),
    })
}

/// Writes what the flight recorder keeps (`WAKELINE_FLIGHT_MIB`) into this file: a recording
/// of the last moments, which begins in the middle and says so. Waits until it is written,
/// so not for the poll of a task that others wait for. Recording goes on.
///
/// # Errors
/// When this program keeps nothing in memory, or the file cannot be written.
pub fn write_flight_recording(path: impl AsRef<Path>) -> std::io::Result<()> {
    let unsupported = || {
        let message = "no flight recorder runs in this program; set WAKELINE_FLIGHT_MIB";
        std::io::Error::new(std::io::ErrorKind::Unsupported, message)
    };
    let session = Session::current().filter(|session| session.dictionary.keeps_dead());
    flight_triggers::write(session.ok_or_else(unsupported)?, path.as_ref())
}

impl Config {
    fn asks_for_recording(&self) -> bool {
        self.collector.is_some()
            || self.file.is_some()
            || self.listen.is_some()
            || self.flight_mib.is_some()
    }

    fn destination(&self) -> Result<Destination, InitError> {
        if let Some(pattern) = &self.file {
            let path = file::expand(pattern, None).map_err(InitError::BadEnvironment)?;
            let limit_mib = self.file_mib.unwrap_or(file::DEFAULT_FILE_MIB);
            let file = RecordingFile::create(path.clone(), limit_mib);
            let file = file.map_err(|error| InitError::File(path, error))?;
            return Ok(Destination::File(Some(file)));
        }
        let token = || Token::parse(&self.token).map_err(InitError::BadEnvironment);
        if let Some(text) = &self.listen {
            let address = Address::parse("WAKELINE_LISTEN", text, self.listen_remote)
                .map_err(InitError::BadEnvironment)?;
            let listener = Listener::bind(&address, token()?)
                .map_err(|error| InitError::Listen(text.clone(), error))?;
            return Ok(Destination::Listener(listener));
        }
        if let Some(limit_mib) = self.flight_mib {
            let usual = "wakeline-flight-%p-%n.wakeline";
            let pattern = self.flight_file.as_deref().unwrap_or(usual);
            file::expand(pattern, Some(1)).map_err(InitError::BadEnvironment)?;
            return Ok(Destination::Flight(Flight::new(limit_mib, pattern.into())));
        }
        let text = self.collector.as_deref().unwrap_or_default();
        let address = Address::parse("WAKELINE", text, false).map_err(InitError::BadEnvironment)?;
        Ok(Destination::Collector(address, token()?))
    }
}

/// Where the compiler's relative paths start: cargo runs it in the workspace's folder, which
/// is the nearest one above the crate that holds a lock file.
fn source_root(manifest_folder: PathBuf) -> PathBuf {
    let mut folders = manifest_folder.ancestors();
    let workspace = folders.find(|folder| folder.join("Cargo.lock").is_file());
    workspace.unwrap_or(&manifest_folder).to_path_buf()
}

/// The examples of the read-me run as tests.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct ReadMe;
