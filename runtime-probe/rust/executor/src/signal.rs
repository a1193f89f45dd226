//! Owns the arrival of signals as a source: the handler writes a byte into a pipe, and
//! the reactor sees the pipe readable. It must not know what a signal is for.
//!
//! A handler may run at any instant on any thread, so all that it does is to write to
//! descriptors from a table of atomics. A pipe's writing end is in that table for ever:
//! were it closed, a handler that had just read its number could write into whatever
//! file has the number next. A signal's pipes are used again instead.

use std::future::Future;
use std::io::{self, Read as _};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use std::sync::Mutex;
use std::task::{Context, Poll};

use mio::Interest;

use crate::descriptor::Descriptor;
use crate::lock;
use crate::observe::{Address, OperationKind, OperationResult, SourceKind};
use crate::reactor::Direction;
use crate::source::{fd_of, Operation, Source, SourceIdentity};

/// Signals have numbers below this on every system that there is.
const SIGNAL_NUMBERS: usize = 128;

/// How many listeners one signal can have at once.
const LISTENERS: usize = 16;

/// How many arrivals one read takes out of the pipe; they all count as one.
const ARRIVALS_PER_READ: usize = 64;

/// Where the handler writes, by signal and listener; −1 where there is no pipe.
static WRITE_ENDS: [[AtomicI32; LISTENERS]; SIGNAL_NUMBERS] =
    [const { [const { AtomicI32::new(-1) }; LISTENERS] }; SIGNAL_NUMBERS];

/// What was to be done before our handler, by signal; it is still done, after ours.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNAL_NUMBERS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNAL_NUMBERS];

/// A pipe for one listener of one signal.
struct Pipe {
    signal: i32,
    listener: usize,
    read_end: RawFd,
    in_use: bool,
}

/// All pipes that were ever made.
static PIPES: Mutex<Vec<Pipe>> = Mutex::new(Vec::new());

/// Which signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalKind(i32);

impl SignalKind {
    /// SIGINT: what Ctrl+C sends.
    pub const INTERRUPT: SignalKind = SignalKind(libc::SIGINT);
    /// SIGTERM: a request to end.
    pub const TERMINATE: SignalKind = SignalKind(libc::SIGTERM);
    /// SIGHUP: the terminal is gone, or, to a server: read the configuration again.
    pub const HANGUP: SignalKind = SignalKind(libc::SIGHUP);
    /// SIGCHLD: a child process ended.
    pub const CHILD: SignalKind = SignalKind(libc::SIGCHLD);
    /// SIGUSR1: for the program's own use.
    pub const USER_1: SignalKind = SignalKind(libc::SIGUSR1);
    /// SIGUSR2: for the program's own use.
    pub const USER_2: SignalKind = SignalKind(libc::SIGUSR2);

    /// The signal with this number.
    pub const fn from_raw(number: i32) -> Self {
        SignalKind(number)
    }

    fn name(self) -> String {
        let known = [
            (Self::INTERRUPT, "SIGINT"),
            (Self::TERMINATE, "SIGTERM"),
            (Self::HANGUP, "SIGHUP"),
            (Self::CHILD, "SIGCHLD"),
            (Self::USER_1, "SIGUSR1"),
            (Self::USER_2, "SIGUSR2"),
        ];
        let name = known.iter().find(|(kind, _)| *kind == self);
        name.map_or_else(|| format!("signal {}", self.0), |(_, name)| (*name).into())
    }
}

/// Listens to a signal from now on. What the signal did to the process by default it no
/// longer does, also after all listeners are gone.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use wakeline_executor::signal::{signal, SignalKind};
///
/// wakeline_executor::block_on(async {
///     let reload = signal(SignalKind::HANGUP)?;
///     # unsafe extern "C" { fn raise(signal: i32) -> i32; }
///     # // SAFETY: there is a handler for it, which writes to a pipe.
///     # unsafe { raise(1); }
///     reload.recv().await
/// })
/// # }
/// ```
///
/// # Errors
///
/// When the signal has no number that can be handled, has 16 listeners already, or the
/// system refuses a pipe.
///
/// # Panics
///
/// Outside of a runtime.
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let site = Location::caller();
    let lease = Lease::take(kind.0)?;
    install(kind.0)?;
    // SAFETY: the descriptor is open for ever; the copy is ours alone.
    let copy = unsafe { libc::fcntl(lease.read_end, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above.
    let pipe = Descriptor::new(unsafe { OwnedFd::from_raw_fd(copy) })?;
    let name = kind.name();
    let identity = SourceIdentity {
        fd: fd_of(&pipe),
        kind: SourceKind::Signal,
        local: Some(Address::Named(&name)),
        peer: None,
        site,
    };
    Ok(Signal {
        source: Source::register(pipe, Interest::READABLE, &identity)?,
        _lease: lease,
    })
}

/// The right to one pipe of a signal, until dropped.
#[derive(Debug)]
struct Lease {
    signal: i32,
    listener: usize,
    read_end: RawFd,
}

impl Lease {
    fn take(signal: i32) -> io::Result<Self> {
        let forbidden = [
            libc::SIGKILL,
            libc::SIGSTOP,
            libc::SIGILL,
            libc::SIGFPE,
            libc::SIGSEGV,
            libc::SIGBUS,
        ];
        let known = usize::try_from(signal).is_ok_and(|n| (1..SIGNAL_NUMBERS).contains(&n));
        if !known || forbidden.contains(&signal) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("signal {signal} cannot be listened to"),
            ));
        }
        let mut pipes = lock(&PIPES);
        let mut of_signal = pipes.iter_mut().filter(|pipe| pipe.signal == signal);
        if let Some(pipe) = of_signal.find(|pipe| !pipe.in_use) {
            pipe.in_use = true;
            let lease = Lease {
                signal,
                listener: pipe.listener,
                read_end: pipe.read_end,
            };
            drop(pipes);
            lease.drain();
            return Ok(lease);
        }
        let listener = pipes.iter().filter(|pipe| pipe.signal == signal).count();
        if listener >= LISTENERS {
            return Err(io::Error::other(format!(
                "signal {signal} has {LISTENERS} listeners already; share one of them"
            )));
        }
        // Neither end blocks, in the handler least of all.
        let (writer, reader) = mio::unix::pipe::new()?;
        let (read_end, write_end) = (reader.into_raw_fd(), writer.into_raw_fd());
        pipes.push(Pipe {
            signal,
            listener,
            read_end,
            in_use: true,
        });
        // Ordering: a handler that finds the number finds the pipe behind it.
        WRITE_ENDS[signal as usize][listener].store(write_end, Ordering::Release);
        Ok(Lease {
            signal,
            listener,
            read_end,
        })
    }

    /// Takes out what came for the listener before.
    fn drain(&self) {
        let mut bytes = [0_u8; ARRIVALS_PER_READ];
        // SAFETY: the descriptor is open for ever and does not block; the buffer is
        // as long as it is said to be.
        while unsafe { libc::read(self.read_end, bytes.as_mut_ptr().cast(), bytes.len()) } > 0 {}
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut pipes = lock(&PIPES);
        let own = |pipe: &&mut Pipe| pipe.signal == self.signal && pipe.listener == self.listener;
        if let Some(pipe) = pipes.iter_mut().find(own) {
            pipe.in_use = false;
        }
    }
}

/// Puts our handler in place, once for each signal.
fn install(signal: i32) -> io::Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _turn = lock(&INSTALLING);
    let previous = &PREVIOUS[signal as usize];
    if !previous.load(Ordering::Acquire).is_null() {
        return Ok(());
    }
    // SAFETY: both structures are whole and live through the calls; zero is a value of
    // all their fields. The handler does only what a handler may.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, ptr::null(), &mut old) != 0 {
            return Err(io::Error::last_os_error());
        }
        // Before the handler can run: it looks there.
        // Ordering: whoever finds the pointer finds what it points to.
        previous.store(Box::into_raw(Box::new(old)), Ordering::Release);
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = on_signal as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigemptyset(&mut new.sa_mask);
        if libc::sigaction(signal, &new, ptr::null_mut()) != 0 {
            let error = io::Error::last_os_error();
            drop(Box::from_raw(
                previous.swap(ptr::null_mut(), Ordering::AcqRel),
            ));
            return Err(error);
        }
    }
    Ok(())
}

/// Runs at any instant on any thread: no lock, no memory, and `errno` as it was.
extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let errno = errno_location();
    // SAFETY: the location belongs to this thread.
    let saved = unsafe { *errno };
    if let Some(ends) = usize::try_from(signal).ok().and_then(|n| WRITE_ENDS.get(n)) {
        for end in ends {
            // Ordering: pairs with the store in `Lease::take`.
            let fd = end.load(Ordering::Acquire);
            if fd >= 0 {
                // SAFETY: the descriptor is open for ever; one byte is there to be
                // written. A full pipe says enough already.
                let _ = unsafe { libc::write(fd, [1_u8].as_ptr().cast(), 1) };
            }
        }
        // Ordering: pairs with the store in `install`.
        let previous = PREVIOUS[signal as usize].load(Ordering::Acquire);
        // SAFETY: what is stored there is never freed once our handler is in place.
        if let Some(previous) = unsafe { previous.as_ref() } {
            // SAFETY: the arguments are those that the system gave us.
            unsafe { call_previous(previous, signal, info, context) };
        }
    }
    // SAFETY: as above.
    unsafe { *errno = saved };
}

/// # Safety
///
/// Called by a handler, with the arguments of the system.
unsafe fn call_previous(
    previous: &libc::sigaction,
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let handler = previous.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        type WithInfo = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: with this flag the number is such a function's address.
        let handler = unsafe { std::mem::transmute::<usize, WithInfo>(handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: without the flag the number is such a function's address.
        let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(i32)>(handler) };
        handler(signal);
    }
}

#[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "redox"))]
fn errno_location() -> *mut i32 {
    // SAFETY: it only gives the address of this thread's number.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
fn errno_location() -> *mut i32 {
    // SAFETY: it only gives the address of this thread's number.
    unsafe { libc::__errno() }
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
fn errno_location() -> *mut i32 {
    // SAFETY: it only gives the address of this thread's number.
    unsafe { libc::__error() }
}

/// A listener to one signal; made by [`signal`].
#[derive(Debug)]
pub struct Signal {
    source: Source<Descriptor>,
    /// Dropped after the source, so that no other listener has the pipe before.
    _lease: Lease,
}

impl Signal {
    /// The source's id, as the observer knows it.
    pub fn source_id(&self) -> u64 {
        self.source.id()
    }

    /// Waits until the signal has arrived since the last time. Several arrivals in
    /// between count as one, as the system counts them.
    #[track_caller]
    pub fn recv(&self) -> Arrival<'_> {
        Arrival {
            signal: self,
            site: Location::caller(),
        }
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        site: &'static Location<'static>,
    ) -> Poll<io::Result<()>> {
        let operation = Operation {
            kind: OperationKind::Read,
            direction: Direction::Read,
            requested_bytes: ARRIVALS_PER_READ,
            site,
        };
        let call = |mut pipe: &Descriptor| pipe.read(&mut [0; ARRIVALS_PER_READ]);
        self.source
            .poll_operation(&operation, cx, call, |bytes| OperationResult::Bytes(*bytes))
            .map_ok(|_| ())
    }
}

/// Made by [`Signal::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Arrival<'a> {
    signal: &'a Signal,
    site: &'static Location<'static>,
}

impl Future for Arrival<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.signal.poll_recv(cx, self.site)
    }
}
