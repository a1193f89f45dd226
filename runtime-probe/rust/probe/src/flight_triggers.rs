//! Owns how a flight recording is asked for: by the program, by a signal, by a panic. It must
//! not know what is written.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::session::Session;

#[cfg(unix)]
mod signal;
#[cfg(unix)]
pub(crate) use signal::listen_to_signal;

/// Set by the signal's handler and by the panic hook.
static ASKED: AtomicBool = AtomicBool::new(false);
/// The first panic has been written.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// Writing some hundred MiB takes about a second; a disk may be slower.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a panic may be delayed by.
const PANIC_PATIENCE: Duration = Duration::from_millis(300);

/// Somebody waits for a file.
pub(crate) struct Request {
    pub(crate) path: PathBuf,
    pub(crate) answer: SyncSender<io::Result<()>>,
}

/// What the flusher is asked for.
#[derive(Default)]
pub(crate) struct Requests(Mutex<VecDeque<Request>>);

impl Requests {
    /// The next one.
    pub(crate) fn take(&self) -> Option<Request> {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.pop_front()
    }
}

/// Whether a signal or a panic asks, once for each time it did.
pub(crate) fn take_asked() -> bool {
    ASKED.load(Ordering::Relaxed) && ASKED.swap(false, Ordering::Relaxed)
}

/// Asks for a file and waits until it is written.
pub(crate) fn write(session: &Session, path: &Path) -> io::Result<()> {
    let (answer, written) = sync_channel(1);
    let request = Request {
        path: path.to_owned(),
        answer,
    };
    let requests = &session.flight_requests;
    let mut waiting = requests.0.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.push_back(request);
    drop(waiting);
    session.wake_flusher();
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the recording was not written");
    written.recv_timeout(PATIENCE).map_err(late)?
}

/// Somebody asks, who may be anywhere: this only stores.
#[cfg(unix)]
fn ask() {
    ASKED.store(true, Ordering::Relaxed);
}

/// There are no such signals to ask with.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) fn listen_to_signal(name: &str) -> Result<(), String> {
    Err(format!(
        "WAKELINE_FLIGHT_SIGNAL={name}: this system has no such signal; set WAKELINE_FLIGHT_ON_PANIC=1, or let the program call wakeline::write_flight_recording"
    ))
}

/// Lets the first panic ask for a file, after the hook that the program has.
pub(crate) fn listen_to_panics(session: &'static Session) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        if !HAS_PANICKED.swap(true, Ordering::Relaxed) {
            ASKED.store(true, Ordering::Relaxed);
            session.wake_flusher();
            session.flight_written.wait(PANIC_PATIENCE);
        }
    }));
}
