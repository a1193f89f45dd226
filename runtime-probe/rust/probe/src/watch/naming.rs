//! Owns the thread `wakeline-names`: it turns the addresses of a look into a stack of the
//! dictionary, and then records the look. It must not know when polls are looked at.
//!
//! A thread of its own, because the first question reads the line tables of the whole program:
//! 0.1 s and more, in which the watchdog must go on looking.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender, TrySendError};

use wakeline_stacks::{Frame, Symbols};

use super::{spawn_quietly, Look};
use crate::dictionary::Place;
use crate::session::Session;

/// Looks that wait for their names. Beyond it they are recorded without a stack.
const WAITING: usize = 64;
/// The most frames of a stack that is sent.
const FRAMES: usize = 64;

/// Where the functions stand that poll a task: frames from there on outwards are the executor's
/// and the thread's own.
const POLLING: [&str; 4] = [
    "wakeline::traced::",
    "wakeline_executor::task::",
    "tokio::runtime::task::core::",
    "tokio::runtime::task::harness::",
];

/// Looks that were taken and are not recorded yet.
#[derive(Debug, Default)]
pub(crate) struct Pending(AtomicUsize);

impl Pending {
    /// Whether there are any.
    pub(crate) fn are_some(&self) -> bool {
        // Ordering: Acquire pairs with the release after a look was recorded.
        self.0.load(Ordering::Acquire) > 0
    }
}

/// The way to the thread, which is started at the first look.
pub(super) struct Naming {
    session: &'static Session,
    thread: Option<SyncSender<(Look, Vec<u64>)>>,
}

impl Naming {
    pub(super) fn new(session: &'static Session) -> Self {
        Self {
            session,
            thread: None,
        }
    }

    /// Records the look with the names of its addresses; later, or without where that is not
    /// possible.
    pub(super) fn name(&mut self, look: Look, addresses: Vec<u64>) {
        let session = self.session;
        if addresses.is_empty() {
            return look.record(session, 0);
        }
        if self.thread.is_none() {
            let (sender, receiver) = sync_channel(WAITING);
            let started = spawn_quietly("wakeline-names", move || run(session, &receiver));
            self.thread = started.ok().map(|()| sender);
        }
        let Some(thread) = &self.thread else {
            return look.record(session, 0);
        };
        session.pending_looks.0.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full((look, _)) | TrySendError::Disconnected((look, _))) =
            thread.try_send((look, addresses))
        {
            look.record(session, 0);
            session.pending_looks.0.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Ends with the watchdog, which has the other end of the channel.
fn run(session: &'static Session, looks: &Receiver<(Look, Vec<u64>)>) {
    // Names can wait; the program's threads come first. The call is for this thread only.
    const NICE: libc::c_int = 10;
    // SAFETY: it takes no pointer; a refusal changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    let mut symbols = Symbols::default();
    while let Ok((look, addresses)) = looks.recv() {
        let frames = symbols.frames(&addresses);
        let places: Vec<Place<'_>> = inside_poll(&frames).iter().map(place).collect();
        let stack = session.dictionary.stack(&places);
        look.record(session, stack);
        // Ordering: Release, the look is recorded.
        session.pending_looks.0.fetch_sub(1, Ordering::Release);
    }
}

/// The frames inside of the innermost poll; all, where no frame says that it is one.
fn inside_poll(frames: &[Frame]) -> &[Frame] {
    let begins_poll = |frame: &Frame| {
        let name = frame.function.trim_start_matches('<');
        let polls = |rest: &str| rest.contains("::poll");
        POLLING
            .iter()
            .any(|module| name.strip_prefix(module).is_some_and(polls))
    };
    let end = frames.iter().position(begins_poll).filter(|end| *end > 0);
    &frames[..end.unwrap_or(frames.len()).min(FRAMES)]
}

fn place(frame: &Frame) -> Place<'_> {
    Place {
        file: &frame.file,
        line: frame.line,
        column: frame.column,
        function: &frame.function,
    }
}
