//! Owns the signal by which a thread copies its own registers and stack for another one. It
//! must not know how a stack is read.
//!
//! There is one request for the whole process, and one buffer. Who asks fills in the request
//! and then makes it valid by its state; the handler claims it by a change of that state, so
//! that a request that was given up is never answered:
//!
//! ```text
//!            ask            the handler          done
//!   IDLE ─────────► ASKED ─────────────► TAKING ──────► TAKEN or MISSED ──► IDLE
//!                     └── given up ──► IDLE
//! ```

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::registers::{of_context, Registers};
use super::thread;

/// How much of a stack is copied, from its innermost end: a deep chain of futures in a debug
/// build has 100 frames of some 300 bytes.
const STACK_BYTES: usize = 64 << 10;
/// How often an answer is looked for.
const LOOK_EVERY: Duration = Duration::from_micros(50);

/// What a state is; the rest of its word is the number of the request.
mod phase {
    pub(super) const IDLE: u64 = 0;
    pub(super) const ASKED: u64 = 1;
    pub(super) const TAKING: u64 = 2;
    pub(super) const TAKEN: u64 = 3;
    pub(super) const MISSED: u64 = 4;
    pub(super) const MASK: u64 = 7;
    pub(super) const NEXT: u64 = 8;
}

/// Registers and stack of a thread at one instant.
pub struct Capture {
    pub(crate) registers: Registers,
    /// Of the bytes that are a copy.
    length: usize,
    bytes: [u8; STACK_BYTES],
}

impl Capture {
    /// The eight bytes that the thread had at this address of its stack.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.registers.sp())?).ok()?;
        let end = offset.checked_add(8)?;
        let bytes = self.bytes[..self.length].get(offset..end)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("registers", &self.registers)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Which thread is asked, and what must still hold when it answers.
#[derive(Debug)]
pub struct Target<'a> {
    /// The system's id of the thread.
    pub os_id: u64,
    /// Its stack, as [`own_stack`](super::own_stack) gave it there.
    pub stack: &'a Range<usize>,
    /// A word that only the thread itself changes.
    pub guard: &'a AtomicU64,
    /// What the word must be when the thread is interrupted; else it copies nothing.
    pub expected: u64,
}

/// Why there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoSample {
    /// The guard had changed, or the thread ran on another stack than its own.
    Missed,
    /// The thread did not answer in time, blocks the signal, or is gone.
    NoAnswer,
    /// The program has taken the signal for itself.
    SignalTaken,
}

struct Request {
    state: AtomicU64,
    os_id: AtomicI32,
    stack_start: AtomicUsize,
    stack_end: AtomicUsize,
    guard: AtomicPtr<AtomicU64>,
    expected: AtomicU64,
    capture: UnsafeCell<Capture>,
}

// SAFETY: `capture` is written by who has the state TAKING, and read by the sampler after it.
unsafe impl Sync for Request {}

static REQUEST: Request = Request {
    state: AtomicU64::new(phase::IDLE),
    os_id: AtomicI32::new(0),
    stack_start: AtomicUsize::new(0),
    stack_end: AtomicUsize::new(0),
    guard: AtomicPtr::new(std::ptr::null_mut()),
    expected: AtomicU64::new(0),
    capture: UnsafeCell::new(Capture {
        registers: Registers::NONE,
        length: 0,
        bytes: [0; STACK_BYTES],
    }),
};

/// One sampler may exist per process, as there is one signal and one buffer.
static EXISTS: AtomicBool = AtomicBool::new(false);

/// Takes stacks of this process's threads.
#[derive(Debug)]
pub struct Sampler {
    signal: libc::c_int,
}

impl Sampler {
    /// Takes a real-time signal that the program does not use. `None` when there is none, or
    /// a sampler exists.
    pub fn install() -> Option<Self> {
        if EXISTS.swap(true, Ordering::AcqRel) {
            return None;
        }
        // From the top: programs count theirs from the bottom.
        let signal = (libc::SIGRTMIN()..=libc::SIGRTMAX())
            .rev()
            .find(|signal| handler_of(*signal) == Some(libc::SIG_DFL) && take(*signal));
        signal.map(|signal| Self { signal })
    }

    /// Asks the thread for its registers and stack, and waits that long for them.
    ///
    /// # Errors
    /// When there was no answer; the thread has not been changed in any case.
    pub fn sample(
        &mut self,
        target: &Target<'_>,
        patience: Duration,
    ) -> Result<&Capture, NoSample> {
        if handler_of(self.signal) != Some(handler_address()) {
            return Err(NoSample::SignalTaken);
        }
        let os_id = libc::pid_t::try_from(target.os_id).map_err(|_| NoSample::NoAnswer)?;
        if thread::blocks(target.os_id, self.signal) {
            return Err(NoSample::NoAnswer);
        }
        let asked = self.ask(os_id, target);
        if !queue(os_id, self.signal) {
            return self.give_up(asked, NoSample::NoAnswer);
        }
        let end = Instant::now() + patience;
        while REQUEST.state.load(Ordering::Acquire) == asked {
            if Instant::now() >= end {
                return self.give_up(asked, NoSample::NoAnswer);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.answer()
    }

    /// Makes the request valid; gives its state.
    fn ask(&self, os_id: libc::pid_t, target: &Target<'_>) -> u64 {
        let number = (REQUEST.state.load(Ordering::Relaxed) & !phase::MASK) + phase::NEXT;
        REQUEST.os_id.store(os_id, Ordering::Relaxed);
        REQUEST
            .stack_start
            .store(target.stack.start, Ordering::Relaxed);
        REQUEST.stack_end.store(target.stack.end, Ordering::Relaxed);
        let guard = std::ptr::from_ref(target.guard).cast_mut();
        REQUEST.guard.store(guard, Ordering::Relaxed);
        REQUEST.expected.store(target.expected, Ordering::Relaxed);
        let asked = number | phase::ASKED;
        // Ordering: Release, the rest of the request comes before.
        REQUEST.state.store(asked, Ordering::Release);
        asked
    }

    /// Takes the request back, unless it is being answered.
    fn give_up(&self, asked: u64, why: NoSample) -> Result<&Capture, NoSample> {
        let idle = asked & !phase::MASK | phase::IDLE;
        // Ordering: Acquire on failure, as the answer is read then.
        let taken_back =
            REQUEST
                .state
                .compare_exchange(asked, idle, Ordering::Relaxed, Ordering::Acquire);
        match taken_back {
            Ok(_) => Err(why),
            Err(_) => self.answer(),
        }
    }

    /// Waits for the end of the handler, which has begun.
    fn answer(&self) -> Result<&Capture, NoSample> {
        loop {
            // Ordering: Acquire pairs with the handler's Release: the copy is whole.
            match REQUEST.state.load(Ordering::Acquire) & phase::MASK {
                phase::TAKING => std::thread::sleep(LOOK_EVERY),
                // SAFETY: the handler is done, and nobody writes before the next request,
                // which needs this sampler, of which there is one, for itself.
                phase::TAKEN => return Ok(unsafe { &*REQUEST.capture.get() }),
                _ => return Err(NoSample::Missed),
            }
        }
    }
}

fn handler_address() -> libc::sighandler_t {
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
    handler as libc::sighandler_t
}

fn handler_of(signal: libc::c_int) -> Option<libc::sighandler_t> {
    // SAFETY: all zero is a valid value of this plain struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null pointer asks only; the other is to a struct of ours.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    (result == 0).then_some(action.sa_sigaction)
}

/// Installs the handler.
fn take(signal: libc::c_int) -> bool {
    // SAFETY: as in `handler_of`.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler_address();
    // Calls that the signal interrupts go on by themselves where the system can do that. On a
    // thread with an alternative stack the handler needs nothing of the other one.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the handler keeps to what a signal handler may do; the struct is ours.
    unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) == 0 }
}

/// A queued signal's information, as the kernel lays it out where pointers have 64 bits.
#[repr(C)]
struct QueuedInfo {
    signal: libc::c_int,
    errno: libc::c_int,
    code: libc::c_int,
    padding: libc::c_int,
    pid: libc::pid_t,
    uid: libc::uid_t,
    value: *mut libc::c_void,
    rest: [u64; 12],
}

const _: () = assert!(size_of::<QueuedInfo>() == size_of::<libc::siginfo_t>());

/// By this value the handler knows its own signals.
fn mark() -> *mut libc::c_void {
    std::ptr::from_ref(&REQUEST).cast_mut().cast()
}

fn queue(os_id: libc::pid_t, signal: libc::c_int) -> bool {
    // SAFETY: both calls take nothing and cannot fail.
    let (pid, uid) = unsafe { (libc::getpid(), libc::getuid()) };
    let info = QueuedInfo {
        signal,
        errno: 0,
        code: libc::SI_QUEUE,
        padding: 0,
        pid,
        uid,
        value: mark(),
        rest: [0; 12],
    };
    // SAFETY: the information is as large as the kernel reads; a thread that is gone, or a
    // full queue, is an error.
    unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, os_id, signal, &info) == 0 }
}

extern "C" fn on_signal(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the location of the thread's own errno; it is put back as it was.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel gives a handler with SA_SIGINFO both, valid for its time.
    let (info, context) = unsafe { (&*info, &*context.cast::<libc::ucontext_t>()) };
    // SAFETY: the code says that it is a queued signal, which has these fields.
    let is_ours = info.si_code == libc::SI_QUEUE
        && unsafe { info.si_pid() == libc::getpid() && info.si_value().sival_ptr == mark() };
    if is_ours {
        answer(context);
    } else {
        do_as_without_us(signal);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// The signal was nobody's when we took it: it ends the process. It is delivered again as soon
/// as this handler has returned.
fn do_as_without_us(signal: libc::c_int) {
    // SAFETY: both may be called from a handler.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Answers the request, if it is to this thread and still stands. Only loads, stores and a
/// copy: no lock, no memory, no thread-local.
fn answer(context: &libc::ucontext_t) {
    // Ordering: Acquire pairs with `ask`.
    let asked = REQUEST.state.load(Ordering::Acquire);
    // SAFETY: takes nothing and cannot fail.
    let os_id = unsafe { libc::syscall(libc::SYS_gettid) } as libc::pid_t;
    if asked & phase::MASK != phase::ASKED || REQUEST.os_id.load(Ordering::Relaxed) != os_id {
        return;
    }
    let number = asked & !phase::MASK;
    // Ordering: Acquire, what follows reads the request that was claimed.
    let claimed = REQUEST.state.compare_exchange(
        asked,
        number | phase::TAKING,
        Ordering::Acquire,
        Ordering::Relaxed,
    );
    if claimed.is_err() {
        return;
    }
    // SAFETY: who asked keeps the guard alive until the state is no longer TAKING.
    let guard = unsafe { &*REQUEST.guard.load(Ordering::Relaxed) };
    let stands = guard.load(Ordering::Relaxed) == REQUEST.expected.load(Ordering::Relaxed);
    let registers = of_context(context);
    // SAFETY: this thread has the state TAKING, and with it the buffer.
    let capture = unsafe { &mut *REQUEST.capture.get() };
    let start = REQUEST.stack_start.load(Ordering::Relaxed);
    let end = REQUEST.stack_end.load(Ordering::Relaxed);
    let taken = stands && copy_stack(&registers, start..end, capture);
    let phase = if taken { phase::TAKEN } else { phase::MISSED };
    // Ordering: Release, the copy comes before.
    REQUEST.state.store(number | phase, Ordering::Release);
}

/// False where the thread runs on another stack, as coroutines do: that one's end is not known.
fn copy_stack(registers: &Registers, stack: Range<usize>, capture: &mut Capture) -> bool {
    let sp = registers.sp() as usize;
    if !stack.contains(&sp) {
        return false;
    }
    let length = (stack.end - sp).min(STACK_BYTES);
    capture.registers = *registers;
    capture.length = length;
    let from = std::ptr::with_exposed_provenance::<u8>(sp);
    // SAFETY: from the stack pointer up to its end a thread's stack can be read, and only this
    // thread writes it, which is here.
    unsafe { from.copy_to_nonoverlapping(capture.bytes.as_mut_ptr(), length) };
    true
}
