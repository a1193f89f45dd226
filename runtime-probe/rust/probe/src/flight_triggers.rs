//! Owns how a flight recording is asked for: by the program, by a signal, by a panic. It must
//! not know what is written.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::session::Session;

/// Set by the signal's handler and by the panic hook.
static ASKED: AtomicBool = AtomicBool::new(false);
/// What the signal did before.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();
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

/// Lets this signal ask for a file. The handler that the program had is called after ours.
///
/// # Errors
/// When the system does not allow it.
pub(crate) fn listen_to_signal(name: &str) -> Result<(), String> {
    let signal = signal_of(name).ok_or_else(|| {
        format!("WAKELINE_FLIGHT_SIGNAL={name} is not known; give USR1, USR2, HUP, QUIT or WINCH")
    })?;
    let failed = || format!("the signal {name}: {}", io::Error::last_os_error());
    // SAFETY: all zero is a valid sigaction, which the call fills.
    let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a sigaction of ours.
    if unsafe { libc::sigaction(signal, std::ptr::null(), &mut previous) } != 0 {
        return Err(failed());
    }
    // Before the handler that reads it. One session in a process, so it is set once.
    let _ = PREVIOUS.set(previous);
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
    ours.sa_sigaction = on_signal as extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) as usize;
    // Of the flags before, those that say on which stack and whether calls go on.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | previous.sa_flags & libc::SA_ONSTACK;
    ours.sa_mask = previous.sa_mask;
    // SAFETY: the handler stores and calls what was there before, nothing else.
    if unsafe { libc::sigaction(signal, &ours, std::ptr::null_mut()) } != 0 {
        return Err(failed());
    }
    Ok(())
}

fn signal_of(name: &str) -> Option<i32> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        "HUP" => libc::SIGHUP,
        "QUIT" => libc::SIGQUIT,
        "WINCH" => libc::SIGWINCH,
        _ => return None,
    })
}

extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    ASKED.store(true, Ordering::Relaxed);
    let Some(previous) = PREVIOUS.get() else {
        return;
    };
    let handler = previous.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: the program's own handler, of the type that its flags say.
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) =
            unsafe { std::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: as above.
        let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
        handler(signal);
    }
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
