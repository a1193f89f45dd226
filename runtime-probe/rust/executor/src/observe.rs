//! Owns the hooks: everything the executor tells about itself, one method per
//! kind of record. It must not know who listens, how a record is encoded or
//! where it goes; with no observer set a hook site is one load and one branch.
//!
//! All ids are `u64`, start at 1 and are never reused; 0 means "none". Hooks are
//! called on the thread where the thing happens, and never while a lock is held
//! that another worker may wait for.
//!
//! The order of hooks for a read that has to wait, on one thread:
//!
//! ```text
//! poll_start ─ operation(WouldBlock) ─ wait_started(SourceReadable) ─ poll_end(Pending)
//!   ─ park(Reactor) ─ unpark ─ readiness(source) ─ wake(Source)
//!   ─ poll_start ─ operation(Bytes) ─ poll_end(Ready)
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static OBSERVER: OnceLock<&'static dyn Observer> = OnceLock::new();

/// Sets the process's observer. It stays for the life of the process.
///
/// Set it before the first runtime is built: what began earlier is not reported
/// again.
///
/// # Errors
///
/// [`ObserverAlreadySet`] when there is one already; that one stays.
pub fn set_observer(observer: &'static dyn Observer) -> Result<(), ObserverAlreadySet> {
    OBSERVER.set(observer).map_err(|_| ObserverAlreadySet)
}

/// The observer, if one is set: one acquire load and one branch.
#[inline]
pub(crate) fn observer() -> Option<&'static dyn Observer> {
    OBSERVER.get().copied()
}

/// [`set_observer`] was called twice in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObserverAlreadySet;

impl fmt::Display for ObserverAlreadySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an observer is already set for this process; set it once, before the first runtime is built")
    }
}

impl std::error::Error for ObserverAlreadySet {}

/// How a runtime runs its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// One thread is worker and reactor by turns; it may run non-`Send` futures.
    Single,
    /// Several workers share the tasks; one at a time parks in the reactor.
    Multi,
}

/// A runtime, as told when it starts.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeInfo<'a> {
    /// Its id.
    pub runtime: u64,
    /// Its name, as given to the builder.
    pub name: &'a str,
    /// Single- or multi-threaded.
    pub flavor: Flavor,
    /// Number of worker threads; 1 for [`Flavor::Single`].
    pub workers: usize,
    /// The most threads that its blocking pool may have.
    pub pool_limit: usize,
}

/// What a thread does for a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThreadRole {
    /// Polls tasks, and parks in the reactor when it is its turn.
    Worker,
    /// Runs blocking jobs.
    Pool,
    /// The caller of `block_on` on a multi-threaded runtime: polls only its root task.
    BlockOn,
}

/// A thread, as told on that thread when it begins to serve a runtime.
#[derive(Debug, Clone, Copy)]
pub struct ThreadInfo<'a> {
    /// The thread's name; empty when it has none.
    pub name: &'a str,
    /// What it does.
    pub role: ThreadRole,
    /// For which runtime.
    pub runtime: u64,
    /// The worker's index in its runtime, for [`ThreadRole::Worker`].
    pub worker: Option<usize>,
}

/// How a task came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// The future given to `block_on`.
    Root,
    /// Spawned, may move between workers.
    Task,
    /// Spawned with `spawn_local`: stays on its thread.
    Local,
}

/// A task, as told when it is spawned.
#[derive(Debug, Clone, Copy)]
pub struct TaskInfo<'a> {
    /// Its id.
    pub task: u64,
    /// The task whose poll spawned it; 0 when it was spawned outside of any poll.
    pub parent: u64,
    /// The line of the spawn.
    pub site: &'static Location<'static>,
    /// The name given to it, if any.
    pub name: Option<&'a str>,
    /// The future's type.
    pub type_name: &'static str,
    /// The future's size in bytes.
    pub future_bytes: usize,
    /// Root, task or local.
    pub kind: TaskKind,
    /// The runtime that owns it.
    pub runtime: u64,
}

/// How a poll of a task or a frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has its result.
    Ready,
    /// It stored a waker somewhere and waits.
    Pending,
    /// It panicked.
    Panicked,
}

/// What a wake did to the task's state; known from the state machine's own
/// compare-and-swap, so it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WakeEffect {
    /// The task was idle and is now queued.
    Scheduled,
    /// The task was already queued, or already marked to be queued after its poll.
    Redundant,
    /// The task was being polled: it is queued again when that poll is over.
    WhileRunning,
    /// The task was over; nothing happened.
    AfterCompletion,
}

/// Who made a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WakeCause {
    /// Whatever runs now on this thread: a poll, a job's own code, or a plain thread.
    Context,
    /// The reactor's dispatch of this source's readiness.
    Source(u64),
    /// The firing of this timer.
    Timer(u64),
    /// The completion of this blocking job.
    Job(u64),
}

/// One wake of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// [`Observer::stamp`] taken before the state changed, so before the poll
    /// that the wake causes could begin on any thread.
    pub stamp: u64,
    /// The task that was woken.
    pub task: u64,
    /// How many polls of the task had started when the wake took effect. State
    /// and epoch are one atomic word, so this is exact: a wake that is
    /// [`WakeEffect::Scheduled`] or [`WakeEffect::WhileRunning`] causes poll `epoch + 1`.
    pub epoch: u64,
    /// The epoch after the wake; differs from `epoch` only where a probe cannot
    /// read both at once. This executor can, so here they are always equal.
    pub epoch_after: u64,
    /// What it did.
    pub effect: WakeEffect,
    /// Who made it.
    pub cause: WakeCause,
}

/// How a task or a frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// With its result.
    Completed,
    /// By a panic in its poll.
    Panicked,
    /// It was dropped before it was ready.
    Cancelled,
}

/// Who ended a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// This task: itself when it completed or panicked, the caller of `abort` otherwise.
    Task(u64),
    /// `abort`, called outside of any poll.
    Thread,
    /// The runtime was dropped while the task was alive.
    RuntimeShutdown,
}

/// The end of a task; its future is gone when this is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskEnded {
    /// The task.
    pub task: u64,
    /// How.
    pub end: End,
    /// By whom.
    pub by: EndedBy,
    /// The task in whose poll the future was dropped; 0 when in none. A task that
    /// completes or panics ends in its own last poll.
    pub during_poll_of: u64,
}

/// What kind of part of a task a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// One future of a `join` or `join_all`.
    JoinBranch,
    /// One future of a `select`.
    SelectBranch,
    /// A future wrapped with `traced`.
    Traced,
}

/// A frame, as told at its first poll.
#[derive(Debug, Clone, Copy)]
pub struct FrameInfo<'a> {
    /// Its id.
    pub frame: u64,
    /// The frame around it; 0 when that is the task itself.
    pub parent_frame: u64,
    /// The task in which it is polled.
    pub task: u64,
    /// Join branch, select branch or traced future.
    pub kind: FrameKind,
    /// The line of the join, select or traced call.
    pub site: &'static Location<'static>,
    /// Its name, if it was given one.
    pub name: Option<&'a str>,
    /// The branch's place among its siblings, from 0.
    pub branch: u32,
    /// The future's type.
    pub type_name: &'static str,
}

/// What a leaf future waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitTarget {
    /// A source that is not readable.
    SourceReadable(u64),
    /// A source that is not writable.
    SourceWritable(u64),
    /// A timer.
    Timer(u64),
    /// A blocking job.
    Job(u64),
    /// The end of another task.
    Task(u64),
    /// A lock, channel, notify or semaphore.
    Resource(u64),
}

/// What kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// An async mutex.
    Mutex,
    /// A notify.
    Notify,
    /// A bounded channel.
    Channel,
    /// A channel for one value.
    Oneshot,
    /// A counting semaphore.
    Semaphore,
}

/// What kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A connected or connecting TCP socket.
    TcpStream,
    /// A listening TCP socket.
    TcpListener,
}

/// The bits of a readiness or interest mask.
pub mod mask {
    /// The source may be read (or accepted from).
    pub const READABLE: u8 = 1;
    /// The source may be written.
    pub const WRITABLE: u8 = 2;
    /// The peer closed its writing half.
    pub const READ_CLOSED: u8 = 4;
    /// The writing half is closed.
    pub const WRITE_CLOSED: u8 = 8;
    /// The source has an error to report.
    pub const ERROR: u8 = 16;
}

/// A source, as told when it is registered with the reactor.
#[derive(Debug, Clone, Copy)]
pub struct SourceInfo {
    /// Its id.
    pub source: u64,
    /// Its file descriptor; −1 where the system has none.
    pub fd: i32,
    /// Stream or listener.
    pub kind: SourceKind,
    /// The local address, if the system tells it.
    pub local: Option<SocketAddr>,
    /// The remote address: the one connected to, or the one that connected.
    pub peer: Option<SocketAddr>,
    /// What the reactor was asked to report ([`mask`] bits).
    pub interest: u8,
    /// The token under which the kernel reports it.
    pub token: u64,
    /// The line of the bind, connect or accept.
    pub site: &'static Location<'static>,
}

/// Where a worker parks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParkKind {
    /// In the kernel's wait for readiness (`epoll_wait` on Linux).
    Reactor,
    /// On a condition variable, because another worker has the reactor.
    Condvar,
}

/// An operation on a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// `read`.
    Read,
    /// `write`.
    Write,
    /// `accept`.
    Accept,
    /// The check whether a `connect` is done.
    Connect,
}

/// What an operation gave. All are made by a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationResult {
    /// This many bytes were copied; 0 from a read means the end of the stream.
    Bytes(usize),
    /// Nothing yet: the future stores a waker and waits for readiness.
    WouldBlock,
    /// The system's error number; 0 when it gave none.
    Error(i32),
    /// Accepted or connected.
    Done,
}

/// What a blocking job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Writes a file.
    FileWrite,
    /// Reads a file.
    FileRead,
    /// Runs the user's function.
    Other,
}

/// A blocking job, as told just before it is queued.
#[derive(Debug, Clone, Copy)]
pub struct JobInfo<'a> {
    /// Its id.
    pub job: u64,
    /// What it does.
    pub kind: JobKind,
    /// The line that asked for it.
    pub site: &'static Location<'static>,
    /// Its name: the file's path, or the function's type.
    pub name: &'a str,
    /// Jobs queued and not started, this one included.
    pub queue_depth: usize,
    /// The runtime whose pool runs it.
    pub runtime: u64,
}

/// How a blocking job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobOutcome {
    /// It returned.
    Completed,
    /// It returned an I/O error with this number (0 when it has none).
    Failed(i32),
    /// It panicked.
    Panicked,
    /// The runtime was dropped while the job was still queued.
    Cancelled,
}

/// Listens to the executor. Every method has an empty body to start from.
///
/// Methods run inside the executor, on its threads: they must be quick, must not
/// block and must not panic.
#[allow(unused_variables)] // The names document the default, empty bodies.
pub trait Observer: Sync {
    /// Reads the observer's clock. Called where a time must be taken before an
    /// effect becomes visible to other threads; handed back with that record.
    #[inline]
    fn stamp(&self) -> u64 {
        0
    }

    /// A runtime was built; its workers start after this.
    #[inline]
    fn runtime_started(&self, info: &RuntimeInfo<'_>) {}
    /// A runtime was dropped; its tasks and threads are gone.
    #[inline]
    fn runtime_stopped(&self, runtime: u64) {}

    /// This thread begins to serve a runtime.
    #[inline]
    fn thread_started(&self, info: &ThreadInfo<'_>) {}
    /// This thread no longer serves it.
    #[inline]
    fn thread_stopped(&self) {}

    /// A task was spawned; it is queued after this.
    #[inline]
    fn task_spawned(&self, info: &TaskInfo<'_>) {}
    /// A poll begins. `epoch` counts the task's polls, this one included.
    #[inline]
    fn poll_start(&self, task: u64, epoch: u64) {}
    /// The poll that runs on this thread is over.
    #[inline]
    fn poll_end(&self, task: u64, outcome: Outcome) {}
    /// A task was woken. Told after the state changed and, for
    /// [`WakeEffect::Scheduled`], before the task is queued.
    #[inline]
    fn wake(&self, wake: &Wake) {}
    /// Clones and drops of the task's waker since the last report; told before
    /// `poll_end` and before the task's end, when there were any.
    #[inline]
    fn waker_counts(&self, task: u64, clones: u32, drops: u32) {}
    /// A task is over and its future is gone.
    #[inline]
    fn task_ended(&self, ended: &TaskEnded) {}

    /// A frame is about to be polled for the first time.
    #[inline]
    fn frame_opened(&self, info: &FrameInfo<'_>) {}
    /// A frame is polled.
    #[inline]
    fn frame_entered(&self, frame: u64) {}
    /// The frame's poll is over.
    #[inline]
    fn frame_left(&self, frame: u64, outcome: Outcome) {}
    /// A frame's future is gone.
    #[inline]
    fn frame_ended(&self, frame: u64, end: End) {}

    /// A leaf future, in the poll that runs on this thread, stored the task's
    /// waker and returns `Pending`. `frame` is the innermost frame, 0 for the task itself.
    #[inline]
    fn wait_started(&self, frame: u64, target: WaitTarget, site: &'static Location<'static>) {}

    /// A lock, channel, notify or semaphore was made.
    #[inline]
    fn resource_created(
        &self,
        resource: u64,
        kind: ResourceKind,
        site: &'static Location<'static>,
    ) {
    }
    /// A task (0: code outside of any poll) got the lock or a permit.
    #[inline]
    fn resource_acquired(&self, resource: u64, task: u64) {}
    /// The lock or a permit was given back.
    #[inline]
    fn resource_released(&self, resource: u64) {}
    /// The resource is gone.
    #[inline]
    fn resource_dropped(&self, resource: u64) {}

    /// A source was registered with the reactor.
    #[inline]
    fn source_registered(&self, info: &SourceInfo) {}
    /// A source left the reactor; it is closed after this.
    #[inline]
    fn source_deregistered(&self, source: u64) {}
    /// This thread parks. Each wait in the kernel is one park and one unpark, a
    /// mere look (`Some(0)`) too. `None`: until something happens.
    #[inline]
    fn park(&self, kind: ParkKind, timeout: Option<Duration>) {}
    /// This thread goes on. `events` is what the kernel returned, an interrupt by
    /// another thread included (that one has no readiness record).
    #[inline]
    fn unpark(&self, kind: ParkKind, events: u32) {}
    /// The kernel said that a source is ready ([`mask`] bits). Told after
    /// `unpark`, before the wakes that it causes.
    #[inline]
    fn readiness(&self, source: u64, mask: u8) {}
    /// The poll that runs on this thread made a system call on a source.
    /// `requested` is the buffer's size in bytes, 0 for accept and connect.
    #[inline]
    fn operation(
        &self,
        source: u64,
        kind: OperationKind,
        result: OperationResult,
        requested: usize,
    ) {
    }

    /// A timer was put into the queue.
    #[inline]
    fn timer_set(&self, timer: u64, deadline: Instant) {}
    /// A timer left the queue because its deadline had passed, this much ago.
    #[inline]
    fn timer_fired(&self, timer: u64, lateness: Duration) {}
    /// A timer left the queue because its future was dropped.
    #[inline]
    fn timer_cancelled(&self, timer: u64) {}

    /// A blocking job is about to be queued.
    #[inline]
    fn job_submitted(&self, info: &JobInfo<'_>) {}
    /// This pool thread begins a job; `queue_depth` jobs still wait.
    #[inline]
    fn job_started(&self, job: u64, queue_depth: usize) {}
    /// The job is over; told before its completion wakes anyone. `bytes` is what
    /// it read or wrote, 0 for other jobs.
    #[inline]
    fn job_ended(&self, job: u64, outcome: JobOutcome, bytes: u64) {}
    /// The pool of a runtime changed: its threads, those without a job, and the
    /// jobs not started.
    #[inline]
    fn pool_state(&self, runtime: u64, threads: usize, idle: usize, queued: usize) {}
}
