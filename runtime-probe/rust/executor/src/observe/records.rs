//! Owns what the hooks carry: plain values, no behaviour. It must not know when a
//! hook is called; the trait says that.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::path::Path;

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
    /// The kernel's completion of this submission.
    Submission(u64),
}

/// A task's future after a poll that returned pending, for an observer that knows how to
/// read it: it may be looked at during the call, and not changed.
#[derive(Debug, Clone, Copy)]
pub struct PendingFuture {
    /// Where it is.
    pub address: *const u8,
    /// Address of the function that polls it: in a build without optimisation no other type
    /// has the same.
    pub poll: usize,
    /// Its size.
    pub size_bytes: usize,
}

/// One wake of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// [`Observer::stamp`](super::Observer::stamp) taken before the state changed, so before the poll
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

/// What a task does at the moment of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskPhase {
    /// It waits for a wake.
    Idle,
    /// It is queued.
    Scheduled,
    /// It is being polled.
    Running,
}

/// A task that is alive, as [`super::alive_tasks`] finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AliveTask {
    /// Its id.
    pub task: u64,
    /// Polls begun so far, read together with the phase.
    pub epoch: u64,
    /// What it does.
    pub phase: TaskPhase,
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
    /// The kernel's completion of a submission.
    Submission(u64),
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
    /// A UDP socket.
    UdpSocket,
    /// A connected or connecting Unix stream socket.
    UnixStream,
    /// A listening Unix socket.
    UnixListener,
    /// A Unix datagram socket.
    UnixDatagram,
    /// A pipe from or to a child process.
    Pipe,
    /// The arrival of a signal.
    Signal,
    /// The end of a child process.
    Child,
    /// The completion queue of an io_uring.
    IoUring,
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

/// Where a source's end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// An address of the internet's protocols.
    Internet(SocketAddr),
    /// The path of a Unix socket.
    Path(&'a Path),
    /// What the end is, in words, where it has no address: a signal's or a child's name.
    Named(&'a str),
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Internet(address) => address.fmt(f),
            Address::Path(path) => path.display().fmt(f),
            Address::Named(name) => f.write_str(name),
        }
    }
}

/// A source, as told when it is registered with the reactor.
#[derive(Debug, Clone, Copy)]
pub struct SourceInfo<'a> {
    /// Its id.
    pub source: u64,
    /// Its file descriptor; −1 where the system has none.
    pub fd: i32,
    /// What it is.
    pub kind: SourceKind,
    /// The local address, if the system tells it.
    pub local: Option<Address<'a>>,
    /// The remote address: the one connected to, or the one that connected.
    pub peer: Option<Address<'a>>,
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
    /// The look whether a child process has ended, which takes its exit status.
    Collect,
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
    /// Opens a file or hands its contents to the disk.
    FileOther,
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

/// What a submission to an io_uring asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubmissionKind {
    /// `openat`.
    Open,
    /// `pwrite`.
    Write,
    /// `pread`.
    Read,
    /// `fsync`.
    Sync,
    /// `close`.
    Close,
    /// The end of a submission whose future was dropped.
    Cancel,
}

/// A submission, as told just before it is put into the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionInfo {
    /// Its id.
    pub submission: u64,
    /// The ring's source.
    pub source: u64,
    /// What it asks for.
    pub kind: SubmissionKind,
    /// Bytes asked for; 0 where none are.
    pub bytes: u64,
    /// Submissions not completed, this one included.
    pub depth: usize,
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
