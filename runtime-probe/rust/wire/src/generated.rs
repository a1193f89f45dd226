// Generated from runtime-probe/protocol/schema.json by `npm run generate`. Do not edit.
//! Constants, records and shapes of the wire; the codec beside it is written by hand.

use crate::codec::{DecodeError, Reader, Writer};

/// Version of the wire.
pub const WIRE_VERSION: u16 = 1;

/// Limits that hold on the wire.
pub mod limits {
    /// The longest frame payload a reader accepts, in bytes.
    pub const FRAME_BYTES: u64 = 1048576;
    /// The size of one slot of the shared-memory rings, header included, in bytes.
    pub const SLOT_BYTES: u64 = 8192;
    /// The size of a slot's header, in bytes.
    pub const SLOT_HEADER_BYTES: u64 = 64;
    /// The size of the header of a ring file, in bytes.
    pub const RING_HEADER_BYTES: u64 = 4096;
    /// The longest text on the wire, in bytes of UTF-8.
    pub const TEXT_BYTES: u64 = 65536;
    /// The most polls that a chunk can state as open at its start (polls nest only where a runtime is run inside a poll).
    pub const OPEN_POLLS: u64 = 16;
    /// The most frames that a chunk can state as entered at its start.
    pub const OPEN_FRAMES: u64 = 256;
    /// The most items of a list field.
    pub const LIST_ITEMS: u64 = 4096;
    /// The size of the connection token, in bytes (128 bits).
    pub const TOKEN_BYTES: u64 = 16;
}

/// Codes of field types in the shapes of a hello.
pub mod type_code {
    /// Unsigned LEB128, at most 2^53 - 1.
    pub const UINT: u64 = 1;
    /// Zigzag-coded signed LEB128, within ±(2^53 - 1).
    pub const SINT: u64 = 2;
    /// uint byte count, then UTF-8.
    pub const TEXT: u64 = 3;
    /// uint item count, then that many uint.
    pub const LIST: u64 = 4;
    /// Unsigned LEB128 of up to 64 bits; used where 2^53 is too small.
    pub const WIDE: u64 = 5;
}

/// Who opens a connection to the collector.
pub mod role {
    /// A traced program: a stream follows.
    pub const PROGRAM: u64 = 1;
    /// A Wakeline front end: requests follow.
    pub const VIEWER: u64 = 2;
    /// A collector that has come to a program which listens: it sends control frames only.
    pub const COLLECTOR: u64 = 3;
}

/// What a frame of the stream holds.
pub mod frame_kind {
    /// Who speaks, the clock, what is recorded, the shape of every record kind. First frame of every connection.
    pub const HELLO: u64 = 1;
    /// Dictionary records, lossless.
    pub const DICTIONARY: u64 = 2;
    /// Events of one thread.
    pub const CHUNK: u64 = 3;
    /// Up to which tick each thread has published everything.
    pub const WATERMARKS: u64 = 4;
    /// A later pair of ticks and wall time, used only to merge processes.
    pub const ANCHOR: u64 = 5;
    /// The program closed its stream on purpose; totals to check against.
    pub const END: u64 = 6;
    /// Collector to program: recording on or off, detail, snapshot.
    pub const CONTROL: u64 = 7;
}

/// Why a stream ended.
pub mod end_reason {
    /// The program ended normally.
    pub const EXIT: u64 = 1;
    /// Recording was switched off.
    pub const DETACHED: u64 = 2;
    /// This process is a fork's child and stops recording.
    pub const FORK: u64 = 3;
    /// The file has reached its bound; the program goes on unrecorded.
    pub const FULL: u64 = 4;
    /// What was kept in memory was written; the program may go on.
    pub const FLIGHT: u64 = 5;
}

/// How much a program records.
pub mod detail {
    /// Nothing.
    pub const OFF: u64 = 1;
    /// Polls, wakes, waits, reactor, timers, jobs; the program's own spans and markers.
    pub const LEAN: u64 = 2;
    /// Everything the tier can see.
    pub const FULL: u64 = 3;
    /// Node only, below lean: callbacks of the loop, reactor, timers, jobs; promises are not looked at.
    pub const NATIVE: u64 = 4;
}

/// Whether a capability's records can appear in this stream.
pub mod visibility {
    /// Recorded; absence means that it did not happen.
    pub const RECORDED: u64 = 1;
    /// Derived by the reader by a named rule.
    pub const INFERRED: u64 = 2;
    /// The tier cannot see it; absence means nothing.
    pub const NOT_RECORDED: u64 = 3;
}

/// Which executor a runtime is.
pub mod runtime_flavor {
    /// Not known.
    pub const UNKNOWN: u64 = 0;
    /// wakeline-executor, one thread is worker and reactor by turns.
    pub const WAKELINE_SINGLE: u64 = 1;
    /// wakeline-executor, several workers.
    pub const WAKELINE_MULTI: u64 = 2;
    /// Wakeline's TypeScript executor on Node's loop.
    pub const WAKELINE_NODE: u64 = 3;
    /// tokio current_thread.
    pub const TOKIO_CURRENT_THREAD: u64 = 4;
    /// tokio multi_thread.
    pub const TOKIO_MULTI_THREAD: u64 = 5;
    /// Node's own promises and callbacks.
    pub const NODE: u64 = 6;
    /// smol / async-executor.
    pub const SMOL: u64 = 7;
    /// Another executor.
    pub const OTHER: u64 = 8;
}

/// What a thread does.
pub mod thread_role {
    /// Not known, or a thread that no runtime owns.
    pub const UNKNOWN: u64 = 0;
    /// Runs polls of a runtime; may park in the reactor.
    pub const WORKER: u64 = 1;
    /// Runs blocking jobs.
    pub const POOL: u64 = 2;
    /// The thread that runs block_on, or Node's main thread.
    pub const MAIN: u64 = 3;
    /// Not a thread of the program: records that the collector adds (debugger stops).
    pub const COLLECTOR: u64 = 4;
}

/// How a task came to be.
pub mod task_kind {
    /// Spawned, may move between workers.
    pub const TASK: u64 = 1;
    /// Spawned on one thread, never moves (non-Send).
    pub const LOCAL: u64 = 2;
    /// The future given to block_on, or a root async context.
    pub const ROOT: u64 = 3;
    /// A blocking closure that its runtime counts as a task.
    pub const BLOCKING: u64 = 4;
    /// A root whose wakes the tier cannot see: a poll of it without a wake is not spurious.
    pub const ROOT_UNHEARD: u64 = 5;
}

/// What kind of thing is registered with the reactor.
pub mod source_kind {
    /// Not known.
    pub const UNKNOWN: u64 = 0;
    /// A connected or connecting TCP socket.
    pub const TCP_STREAM: u64 = 1;
    /// A listening TCP socket.
    pub const TCP_LISTENER: u64 = 2;
    /// A UDP socket.
    pub const UDP_SOCKET: u64 = 3;
    /// A connected Unix socket.
    pub const UNIX_STREAM: u64 = 4;
    /// A listening Unix socket.
    pub const UNIX_LISTENER: u64 = 5;
    /// A Unix datagram socket.
    pub const UNIX_DATAGRAM: u64 = 6;
    /// A pipe or FIFO.
    pub const PIPE: u64 = 7;
    /// A signal source.
    pub const SIGNAL: u64 = 8;
    /// A child process.
    pub const CHILD: u64 = 9;
    /// An eventfd, often the reactor's own waker.
    pub const EVENT_FD: u64 = 10;
    /// A completion ring.
    pub const IO_URING: u64 = 11;
    /// A message port between Node threads.
    pub const MESSAGE_PORT: u64 = 12;
    /// A timer of the kernel's, read through a descriptor.
    pub const TIMER_FD: u64 = 13;
}

/// What kind of thing inside the program is waited for.
pub mod resource_kind {
    /// Not known.
    pub const UNKNOWN: u64 = 0;
    /// Mutual exclusion, one holder.
    pub const MUTEX: u64 = 1;
    /// Readers and writer.
    pub const RW_LOCK: u64 = 2;
    /// Counted permits.
    pub const SEMAPHORE: u64 = 3;
    /// A bare notification.
    pub const NOTIFY: u64 = 4;
    /// A queue between tasks.
    pub const CHANNEL: u64 = 5;
    /// A channel for one value.
    pub const ONESHOT: u64 = 6;
    /// A value with change notification.
    pub const WATCH: u64 = 7;
    /// A channel whose messages reach all receivers.
    pub const BROADCAST: u64 = 8;
    /// Waits for a number of tasks.
    pub const BARRIER: u64 = 9;
}

/// What a frame inside a task is.
pub mod frame_kind_of_task {
    /// One call of an async function.
    pub const ASYNC_CALL: u64 = 1;
    /// One branch of a join.
    pub const JOIN_BRANCH: u64 = 2;
    /// One branch of a select.
    pub const SELECT_BRANCH: u64 = 3;
    /// A future wrapped by hand.
    pub const TRACED: u64 = 4;
}

/// How a poll (of a task or a frame) ended.
pub mod poll_outcome {
    /// It returned its value.
    pub const READY: u64 = 1;
    /// It stored a waker somewhere and returned.
    pub const PENDING: u64 = 2;
    /// It panicked or threw.
    pub const PANICKED: u64 = 3;
    /// It returned, and the tier cannot see yet whether it was ready: pending, unless a pollSettled of that poll follows.
    pub const RETURNED: u64 = 4;
    /// Only in pollSettled: it was no poll. The runtime entered the future once more to drop it.
    pub const NONE: u64 = 5;
}

/// How a task or frame ended for good.
pub mod end_outcome {
    /// It returned its value.
    pub const COMPLETED: u64 = 1;
    /// It panicked, threw or rejected.
    pub const PANICKED: u64 = 2;
    /// It was dropped before it was done.
    pub const CANCELLED: u64 = 3;
    /// It is gone; the tier cannot see how it ended.
    pub const UNKNOWN: u64 = 4;
}

/// What a wake did to its target; the state change that the executor itself made.
pub mod wake_effect {
    /// The tier cannot see it.
    pub const UNKNOWN: u64 = 0;
    /// The target was idle and is now in a run queue. Exactly one such wake precedes each poll that was not made by whileRunning.
    pub const SCHEDULED: u64 = 1;
    /// The target was scheduled already.
    pub const REDUNDANT: u64 = 2;
    /// The target was being polled; it is scheduled again when that poll ends.
    pub const WHILE_RUNNING: u64 = 3;
    /// The target had ended; nothing happened.
    pub const AFTER_COMPLETION: u64 = 4;
}

/// What made a wake, a readiness or a poll happen; also what a wait is for.
pub mod cause_kind {
    /// Not known.
    pub const UNKNOWN: u64 = 0;
    /// The poll of the task with this id (as a wait: the end of that task).
    pub const POLL: u64 = 1;
    /// The source with this id (as a wait: see interest).
    pub const SOURCE: u64 = 2;
    /// The timer with this id.
    pub const TIMER: u64 = 3;
    /// The blocking job with this id.
    pub const JOB: u64 = 4;
    /// Code outside any poll on the thread with this id.
    pub const THREAD: u64 = 5;
    /// The reactor turn that encloses it; the id is 0.
    pub const TURN: u64 = 6;
    /// The resource with this id.
    pub const RESOURCE: u64 = 7;
    /// The io_uring submission with this id.
    pub const SUBMISSION: u64 = 8;
    /// The frame with this id.
    pub const FRAME: u64 = 9;
    /// An abort, asked for in the poll of the task with this id; 0 when not known.
    pub const ABORT: u64 = 10;
    /// The end of a runtime or of a set of tasks, in the poll of the task with this id; 0 when outside any.
    pub const SHUTDOWN: u64 = 11;
}

/// In what a thread parks.
pub mod park_kind {
    /// In the readiness wait of the operating system (epoll_wait). Also with time-out 0, which is a look without a wait.
    pub const REACTOR: u64 = 1;
    /// On a lock; another thread has the reactor.
    pub const CONDVAR: u64 = 2;
}

/// Which operation was made on a source.
pub mod operation_kind {
    /// Bytes from the operating system's buffer into the program's.
    pub const READ: u64 = 1;
    /// Bytes into the operating system's buffer.
    pub const WRITE: u64 = 2;
    /// A connection taken from a listener.
    pub const ACCEPT: u64 = 3;
    /// A connection begun, or found to be made.
    pub const CONNECT: u64 = 4;
    /// Bytes that a turn read earlier handed to the task: no system call.
    pub const TAKE: u64 = 5;
    /// The source was closed.
    pub const CLOSE: u64 = 6;
    /// The look whether a child process has ended, which takes its exit status; wouldBlock while it runs.
    pub const COLLECT: u64 = 7;
    /// The reading side was shut down: what comes is no longer read.
    pub const SHUTDOWN_READ: u64 = 8;
    /// The writing side was shut down: the peer reads the end of the stream.
    pub const SHUTDOWN_WRITE: u64 = 9;
    /// Both sides were shut down.
    pub const SHUTDOWN_BOTH: u64 = 10;
}

/// What an operation gave.
pub mod operation_outcome {
    /// It succeeded; bytes says how many where it moves any, 0 at end of stream.
    pub const DONE: u64 = 1;
    /// Nothing was there; the operating system said so.
    pub const WOULD_BLOCK: u64 = 2;
    /// It failed; bytes is the operating system's error number.
    pub const ERROR: u64 = 3;
}

/// Who made the operation's system call.
pub mod operation_maker {
    /// The poll that encloses it.
    pub const POLL: u64 = 1;
    /// The reactor's or loop's turn, outside any poll.
    pub const TURN: u64 = 2;
    /// Other code on this thread.
    pub const THREAD: u64 = 3;
}

/// What a blocking job does.
pub mod job_kind {
    /// A closure given by the program.
    pub const OTHER: u64 = 1;
    /// Writes a file.
    pub const FILE_WRITE: u64 = 2;
    /// Reads a file.
    pub const FILE_READ: u64 = 3;
    /// Another file operation.
    pub const FILE_OTHER: u64 = 4;
    /// Name look-up.
    pub const DNS: u64 = 5;
    /// Cryptography.
    pub const CRYPTO: u64 = 6;
    /// Compression.
    pub const COMPRESSION: u64 = 7;
    /// A question to a name server, over sockets of the resolver's own: no thread of a pool runs it.
    pub const QUERY: u64 = 8;
}

/// The state of a task at a snapshot.
pub mod task_state {
    /// Not being polled; whether it waits or stands in a run queue the tier cannot see.
    pub const UNKNOWN: u64 = 0;
    /// Pending, a waker is stored.
    pub const IDLE: u64 = 1;
    /// In a run queue.
    pub const SCHEDULED: u64 = 2;
    /// Being polled.
    pub const RUNNING: u64 = 3;
}

/// What an io_uring submission asks.
pub mod submission_operation {
    /// Something else.
    pub const OTHER: u64 = 1;
    /// Write.
    pub const WRITE: u64 = 2;
    /// Read.
    pub const READ: u64 = 3;
    /// Flush to the device.
    pub const SYNC: u64 = 4;
    /// Open.
    pub const OPEN: u64 = 5;
    /// Close.
    pub const CLOSE: u64 = 6;
    /// Ask for the end of a submission whose future was dropped; that one completes with ECANCELED, or as it would have.
    pub const CANCEL: u64 = 7;
}

/// Why a debugger stopped the program.
pub mod stop_reason {
    /// Not known.
    pub const UNKNOWN: u64 = 0;
    /// A breakpoint.
    pub const BREAKPOINT: u64 = 1;
    /// A step ended.
    pub const STEP: u64 = 2;
    /// The user paused.
    pub const PAUSE: u64 = 3;
    /// An exception or signal.
    pub const EXCEPTION: u64 = 4;
    /// Stop on entry.
    pub const ENTRY: u64 = 5;
}

/// Bits of a readiness field.
pub mod readiness_bit {
    /// readable.
    pub const READABLE: u64 = 1;
    /// writable.
    pub const WRITABLE: u64 = 2;
    /// readClosed.
    pub const READ_CLOSED: u64 = 4;
    /// writeClosed.
    pub const WRITE_CLOSED: u64 = 8;
    /// error.
    pub const ERROR: u64 = 16;
    /// priority.
    pub const PRIORITY: u64 = 32;
}

/// Bits of a interest field.
pub mod interest_bit {
    /// readable.
    pub const READABLE: u64 = 1;
    /// writable.
    pub const WRITABLE: u64 = 2;
}

/// Kinds of dictionary records and events.
pub mod kind {
    /// A text that other records name by id.
    pub const TEXT: u64 = 1;
    /// A place in the source.
    pub const SITE: u64 = 2;
    /// A list of places, innermost first.
    pub const STACK: u64 = 3;
    /// One executor of the program.
    pub const RUNTIME: u64 = 4;
    /// A thread that records events.
    pub const THREAD: u64 = 5;
    /// A spawned unit with an id that is never reused in a session.
    pub const TASK: u64 = 6;
    /// A thing whose readiness the reactor watches.
    pub const SOURCE: u64 = 7;
    /// A thing inside the program that tasks wait for.
    pub const RESOURCE: u64 = 8;
    /// The task exists from this tick on. Its dictionary record came before.
    pub const TASK_SPAWN: u64 = 32;
    /// A poll of a task begins on this thread. Nests only where a runtime is run inside a poll.
    pub const POLL_START: u64 = 33;
    /// The innermost open poll of this thread ends.
    pub const POLL_END: u64 = 34;
    /// A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes.
    pub const WAKE: u64 = 35;
    /// A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made.
    pub const WAKE_FROM: u64 = 36;
    /// How often the task's waker was cloned and dropped since the last such record of that task.
    pub const WAKER_COUNTS: u64 = 37;
    /// The task is over. At most one per task.
    pub const TASK_END: u64 = 38;
    /// As pollEnd with the outcome pending, of a task that awaits in one place: a waitStart of unknown kind with that stack, just before the end, in one record.
    pub const POLL_END_AT: u64 = 39;
    /// A frame (async call, branch, wrapped future) begins inside a task.
    pub const FRAME_OPEN: u64 = 40;
    /// The frame is polled, inside the open poll. Nests.
    pub const FRAME_ENTER: u64 = 41;
    /// The innermost entered frame of this thread is left.
    pub const FRAME_LEAVE: u64 = 42;
    /// The frame is over.
    pub const FRAME_END: u64 = 43;
    /// A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. Of unknown kind and with a stack, just before the poll's end: where the task awaits, as its future says; the chain of a wait that was told before, else a wait by itself.
    pub const WAIT_START: u64 = 44;
    /// A frame's promise held a value and no error, told after a frameEnd of unknown outcome.
    pub const SETTLE: u64 = 45;
    /// A frame's promise held an error. Told after its frameEnd, whatever outcome that had, and after what awaited it went on.
    pub const REJECT: u64 = 46;
    /// Where a task awaits since a poll of it returned pending, found out later and by another thread: as a waitStart of unknown kind with that stack, just before the poll's end. A poll has either these or those. Orders nothing and causes nothing.
    pub const WAIT_FOUND: u64 = 47;
    /// A task holds the resource (or took a permit, or received a value).
    pub const RESOURCE_ACQUIRE: u64 = 48;
    /// The holder gave it back (or a value was sent).
    pub const RESOURCE_RELEASE: u64 = 49;
    /// The resource is gone.
    pub const RESOURCE_DROP: u64 = 50;
    /// The source is registered with the reactor.
    pub const SOURCE_REGISTER: u64 = 51;
    /// The source leaves the reactor.
    pub const SOURCE_DEREGISTER: u64 = 52;
    /// This thread parks. Between park and unpark it records nothing.
    pub const PARK: u64 = 53;
    /// The park ended; the turn that follows lasts to the next park of this thread.
    pub const UNPARK: u64 = 54;
    /// The kernel reports a source ready. Belongs to the turn that encloses it.
    pub const READINESS: u64 = 55;
    /// An operation on a source, stamped at its end.
    pub const OPERATION: u64 = 56;
    /// An operation was put into a completion ring.
    pub const SUBMISSION: u64 = 57;
    /// The kernel finished a submission.
    pub const COMPLETION: u64 = 58;
    /// A timer is put into the queue.
    pub const TIMER_SET: u64 = 59;
    /// The timer's deadline passed and its waker is called.
    pub const TIMER_FIRE: u64 = 60;
    /// The timer left the queue before its deadline.
    pub const TIMER_CANCEL: u64 = 61;
    /// A blocking job is handed to the pool.
    pub const JOB_SUBMIT: u64 = 62;
    /// A pool thread begins the job. Absent where the pool's threads cannot be seen.
    pub const JOB_START: u64 = 63;
    /// The job is done, on the thread that ran it, else where its completion was noticed.
    pub const JOB_END: u64 = 64;
    /// The blocking pool changed its size or queue.
    pub const POOL_STATE: u64 = 65;
    /// The thread begins to work for its runtime.
    pub const THREAD_START: u64 = 66;
    /// The thread stops to work for its runtime; the last event it records.
    pub const THREAD_STOP: u64 = 67;
    /// Processor time this thread has used so far.
    pub const THREAD_CPU: u64 = 68;
    /// The runtime is shut down.
    pub const RUNTIME_STOP: u64 = 69;
    /// A span of the user's begins.
    pub const SPAN_OPEN: u64 = 70;
    /// It ends.
    pub const SPAN_CLOSE: u64 = 71;
    /// An instant that the user marked.
    pub const MARKER: u64 = 72;
    /// A debugger stopped the program. Written by the collector, on its own thread.
    pub const DEBUGGER_STOP: u64 = 73;
    /// The program goes on.
    pub const DEBUGGER_CONTINUE: u64 = 74;
    /// Recording begins late: what is alive follows, up to snapshotEnd of the same thread.
    pub const SNAPSHOT_START: u64 = 75;
    /// A task that was alive when recording began. Its earlier life is not known.
    pub const SNAPSHOT_TASK: u64 = 76;
    /// All that was alive has been told.
    pub const SNAPSHOT_END: u64 = 77;
    /// What is recorded changed at this tick.
    pub const DETAIL_CHANGE: u64 = 78;
    /// How an ended poll of outcome returned turned out. On the thread of that poll, after its end and before the task's.
    pub const POLL_SETTLED: u64 = 84;
    /// A poll that is open for long, looked at: by a watchdog, on a thread of its own, while the poll goes on; and once more by the poll's own thread as the poll ends. Orders nothing and causes nothing.
    pub const POLL_SAMPLE: u64 = 90;
    /// What the frame awaits was settled, so that it is to go on. Beside the wake of its task, which may be told later: a task has one wake at a time, its frames may each have one.
    pub const FRAME_WAKE: u64 = 92;
    /// A pool thread begins a job whose submission the tier does not see: no jobSubmit of it is told, so how long it was queued is not known.
    pub const JOB_SEEN: u64 = 94;
    /// Why the job failed; its jobEnd follows on the same thread, with the outcome panicked or cancelled.
    pub const JOB_ERROR: u64 = 96;
    /// The other end of the operation that follows on this thread at the same source: datagrams come from many, and go to many.
    pub const OPERATION_PEER: u64 = 97;
    /// What a frame awaited was rejected, so that its await threw. Told after the frame went on; not where it awaited a frame, whose reject says the same.
    pub const WAIT_REJECTED: u64 = 98;
}

/// Kinds that stand for an event in fewer bytes. Readers put the whole event in their place.
pub mod short_kind {
    /// pollEnd of a poll that is pending.
    pub const POLL_PENDING: u64 = 104;
    /// wake whose effect the tier cannot see.
    pub const WAKE_UNHEARD: u64 = 105;
    /// wake that has put its target into a run queue.
    pub const WAKE_SCHEDULED: u64 = 106;
    /// wakeFrom by the turn that encloses it, its effect not seen and its epoch the same after it.
    pub const WAKE_IN_TURN: u64 = 107;
    /// operation: a read by the poll that encloses it, done.
    pub const READ_DONE: u64 = 108;
    /// operation: a write by the poll that encloses it, done.
    pub const WRITE_DONE: u64 = 109;
    /// operation: a read by the poll that encloses it, with nothing there.
    pub const READ_BLOCKED: u64 = 110;
    /// park in the reactor, its timer none or not known.
    pub const PARK_IN_REACTOR: u64 = 111;
    /// unpark from the reactor.
    pub const UNPARK_IN_REACTOR: u64 = 112;
}

/// A text that other records name by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// From 1; 0 elsewhere means no text.
    pub id: u64,
    /// The text.
    pub text: String,
}

impl Text {
    /// Kind on the wire.
    pub const KIND: u64 = 1;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.text(&self.text);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            text: reader.text()?,
        })
    }
}

/// A place in the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Site {
    /// From 1; 0 elsewhere means not known.
    pub id: u64,
    /// Path as the compiler or the runtime gave it: absolute, or relative to where the build ran; 0 when only the function is known.
    pub file: u64,
    /// From 1; 0 when only the function is known.
    pub line: u64,
    /// From 1; 0 when not known.
    pub column: u64,
    /// The enclosing function's name; 0 when not known.
    pub function: u64,
}

impl Site {
    /// Kind on the wire.
    pub const KIND: u64 = 2;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.uint(self.file);
        writer.uint(self.line);
        writer.uint(self.column);
        writer.uint(self.function);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            file: reader.uint()?,
            line: reader.uint()?,
            column: reader.uint()?,
            function: reader.uint()?,
        })
    }
}

/// A list of places, innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// From 1; 0 elsewhere means not captured.
    pub id: u64,
    /// Innermost first.
    pub sites: Vec<u64>,
    /// Of a chain of awaits the one of them to show: the innermost await in the program's own code, else the innermost that has a line; 0 when not told.
    pub site: u64,
}

impl Stack {
    /// Kind on the wire.
    pub const KIND: u64 = 3;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.list(&self.sites);
        writer.uint(self.site);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            sites: reader.list()?,
            site: reader.uint()?,
        })
    }
}

/// One executor of the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runtime {
    /// From 1; 0 elsewhere means no runtime.
    pub id: u64,
    /// Its name; 0 when it has none.
    pub name: u64,
    /// Which executor.
    pub flavor: u64,
    /// How many threads poll its tasks.
    pub workers: u64,
    /// The most threads its blocking pool may have; 0 when it has none or it is not known.
    pub pool_limit: u64,
}

impl Runtime {
    /// Kind on the wire.
    pub const KIND: u64 = 4;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.uint(self.name);
        writer.uint(self.flavor);
        writer.uint(self.workers);
        writer.uint(self.pool_limit);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            name: reader.uint()?,
            flavor: reader.uint()?,
            workers: reader.uint()?,
            pool_limit: reader.uint()?,
        })
    }
}

/// A thread that records events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thread {
    /// From 1, never reused. Chunks name it.
    pub id: u64,
    /// The operating system's thread id (Linux: tid), which debuggers show; 0 when there is none.
    pub os_id: u64,
    /// Its name; 0 when it has none.
    pub name: u64,
    /// The runtime that owns it; 0 when none does.
    pub runtime: u64,
    /// What it does.
    pub role: u64,
}

impl Thread {
    /// Kind on the wire.
    pub const KIND: u64 = 5;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.uint(self.os_id);
        writer.uint(self.name);
        writer.uint(self.runtime);
        writer.uint(self.role);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            os_id: reader.uint()?,
            name: reader.uint()?,
            runtime: reader.uint()?,
            role: reader.uint()?,
        })
    }
}

/// A spawned unit with an id that is never reused in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Task {
    /// From 1; 0 elsewhere means no task.
    pub id: u64,
    /// The task whose poll spawned it; 0 when it was spawned outside any poll.
    pub parent: u64,
    /// Where it was spawned; 0 when not known.
    pub site: u64,
    /// Name given by the program, else the future's type; 0 when neither is known.
    pub name: u64,
    /// How it came to be.
    pub task_kind: u64,
    /// Who owns it; 0 when not known.
    pub runtime: u64,
}

impl Task {
    /// Kind on the wire.
    pub const KIND: u64 = 6;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.uint(self.parent);
        writer.uint(self.site);
        writer.uint(self.name);
        writer.uint(self.task_kind);
        writer.uint(self.runtime);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            parent: reader.uint()?,
            site: reader.uint()?,
            name: reader.uint()?,
            task_kind: reader.uint()?,
            runtime: reader.uint()?,
        })
    }
}

/// A thing whose readiness the reactor watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Source {
    /// From 1, never reused (fds are).
    pub id: u64,
    /// File descriptor; -1 when there is none or it is not known.
    pub fd: i64,
    /// What it is.
    pub source_kind: u64,
    /// Local address; 0 when there is none or it is not known.
    pub local: u64,
    /// Peer's address; 0 when there is none or it is not known.
    pub peer: u64,
    /// Where it was made; 0 when not known.
    pub site: u64,
}

impl Source {
    /// Kind on the wire.
    pub const KIND: u64 = 7;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.sint(self.fd);
        writer.uint(self.source_kind);
        writer.uint(self.local);
        writer.uint(self.peer);
        writer.uint(self.site);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            fd: reader.sint()?,
            source_kind: reader.uint()?,
            local: reader.uint()?,
            peer: reader.uint()?,
            site: reader.uint()?,
        })
    }
}

/// A thing inside the program that tasks wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resource {
    /// From 1, never reused.
    pub id: u64,
    /// What it is.
    pub resource_kind: u64,
    /// Its name; 0 when it has none.
    pub name: u64,
    /// Where it was made; 0 when not known.
    pub site: u64,
}

impl Resource {
    /// Kind on the wire.
    pub const KIND: u64 = 8;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.id);
        writer.uint(self.resource_kind);
        writer.uint(self.name);
        writer.uint(self.site);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            id: reader.uint()?,
            resource_kind: reader.uint()?,
            name: reader.uint()?,
            site: reader.uint()?,
        })
    }
}

/// The task exists from this tick on. Its dictionary record came before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskSpawn {
    /// The new task.
    pub task: u64,
    /// As in the dictionary; 0 when none.
    pub parent: u64,
}

impl TaskSpawn {
    /// Kind on the wire.
    pub const KIND: u64 = 32;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.parent);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            parent: reader.uint()?,
        })
    }
}

/// A poll of a task begins on this thread. Nests only where a runtime is run inside a poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollStart {
    /// The task polled.
    pub task: u64,
    /// How many polls of the task have begun, this one included: the first poll has epoch 1.
    pub epoch: u64,
}

impl PollStart {
    /// Kind on the wire.
    pub const KIND: u64 = 33;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
        })
    }
}

/// The innermost open poll of this thread ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollEnd {
    /// How it ended.
    pub outcome: u64,
}

impl PollEnd {
    /// Kind on the wire.
    pub const KIND: u64 = 34;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.outcome);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            outcome: reader.uint()?,
        })
    }
}

/// A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wake {
    /// The target.
    pub task: u64,
    /// How many polls of the target had begun when the wake was made, read before the state change: the wake asks for poll epoch + 1. 0 before the first poll.
    pub epoch: u64,
    /// What it did.
    pub effect: u64,
}

impl Wake {
    /// Kind on the wire.
    pub const KIND: u64 = 35;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.effect);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            effect: reader.uint()?,
        })
    }
}

/// A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WakeFrom {
    /// The target.
    pub task: u64,
    /// As in wake.
    pub epoch: u64,
    /// As in wake.
    pub effect: u64,
    /// What called the waker. unknown: what runs on this thread, as in wake.
    pub cause_kind: u64,
    /// Id of that kind; 0 for turn and unknown.
    pub cause_id: u64,
    /// Epoch read again after the wake. Where it differs from epoch the wake asked for one of the polls epoch + 1 … epochAfter + 1, and the link is ambiguous.
    pub epoch_after: u64,
}

impl WakeFrom {
    /// Kind on the wire.
    pub const KIND: u64 = 36;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.effect);
        writer.uint(self.cause_kind);
        writer.uint(self.cause_id);
        writer.uint(self.epoch_after);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            effect: reader.uint()?,
            cause_kind: reader.uint()?,
            cause_id: reader.uint()?,
            epoch_after: reader.uint()?,
        })
    }
}

/// How often the task's waker was cloned and dropped since the last such record of that task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WakerCounts {
    /// Whose waker.
    pub task: u64,
    /// Clones.
    pub clones: u64,
    /// Drops of clones. Clones minus drops over a task's life are the wakers still stored.
    pub drops: u64,
}

impl WakerCounts {
    /// Kind on the wire.
    pub const KIND: u64 = 37;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.clones);
        writer.uint(self.drops);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            clones: reader.uint()?,
            drops: reader.uint()?,
        })
    }
}

/// The task is over. At most one per task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskEnd {
    /// Which.
    pub task: u64,
    /// How.
    pub outcome: u64,
    /// Who cancelled it: poll (of task byId), thread, abort or shutdown; unknown unless cancelled. thread where the runtime dropped it and does not tell why.
    pub by_kind: u64,
    /// Id of that kind; 0 when not known.
    pub by_id: u64,
}

impl TaskEnd {
    /// Kind on the wire.
    pub const KIND: u64 = 38;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.outcome);
        writer.uint(self.by_kind);
        writer.uint(self.by_id);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            outcome: reader.uint()?,
            by_kind: reader.uint()?,
            by_id: reader.uint()?,
        })
    }
}

/// As pollEnd with the outcome pending, of a task that awaits in one place: a waitStart of unknown kind with that stack, just before the end, in one record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollEndAt {
    /// The chain of awaits.
    pub stack: u64,
}

impl PollEndAt {
    /// Kind on the wire.
    pub const KIND: u64 = 39;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.stack);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            stack: reader.uint()?,
        })
    }
}

/// A frame (async call, branch, wrapped future) begins inside a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameOpen {
    /// From 1, never reused.
    pub frame: u64,
    /// The enclosing frame; 0 for the task itself.
    pub parent: u64,
    /// Whose.
    pub task: u64,
    /// What it is.
    pub frame_kind: u64,
    /// Where; 0 when not known.
    pub site: u64,
    /// Function or branch name; 0 when not known.
    pub name: u64,
}

impl FrameOpen {
    /// Kind on the wire.
    pub const KIND: u64 = 40;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.parent);
        writer.uint(self.task);
        writer.uint(self.frame_kind);
        writer.uint(self.site);
        writer.uint(self.name);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            parent: reader.uint()?,
            task: reader.uint()?,
            frame_kind: reader.uint()?,
            site: reader.uint()?,
            name: reader.uint()?,
        })
    }
}

/// The frame is polled, inside the open poll. Nests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameEnter {
    /// Which.
    pub frame: u64,
}

impl FrameEnter {
    /// Kind on the wire.
    pub const KIND: u64 = 41;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
        })
    }
}

/// The innermost entered frame of this thread is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameLeave {
    /// How.
    pub outcome: u64,
}

impl FrameLeave {
    /// Kind on the wire.
    pub const KIND: u64 = 42;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.outcome);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            outcome: reader.uint()?,
        })
    }
}

/// The frame is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameEnd {
    /// Which.
    pub frame: u64,
    /// How.
    pub outcome: u64,
}

impl FrameEnd {
    /// Kind on the wire.
    pub const KIND: u64 = 43;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.outcome);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            outcome: reader.uint()?,
        })
    }
}

/// A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. Of unknown kind and with a stack, just before the poll's end: where the task awaits, as its future says; the chain of a wait that was told before, else a wait by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitStart {
    /// The innermost frame; 0 for the task itself.
    pub frame: u64,
    /// What it waits for.
    pub on_kind: u64,
    /// Id of that kind. Of unknown kind with a stack: how many of the futures that the task polls await there, as of a join; 0 for one.
    pub on_id: u64,
    /// For a source: which readiness; else 0.
    pub interest: u64,
    /// The await; 0 when not known.
    pub site: u64,
    /// The chain of awaits; 0 when not captured.
    pub stack: u64,
}

impl WaitStart {
    /// Kind on the wire.
    pub const KIND: u64 = 44;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.on_kind);
        writer.uint(self.on_id);
        writer.uint(self.interest);
        writer.uint(self.site);
        writer.uint(self.stack);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            on_kind: reader.uint()?,
            on_id: reader.uint()?,
            interest: reader.uint()?,
            site: reader.uint()?,
            stack: reader.uint()?,
        })
    }
}

/// A frame's promise held a value and no error, told after a frameEnd of unknown outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settle {
    /// Which.
    pub frame: u64,
}

impl Settle {
    /// Kind on the wire.
    pub const KIND: u64 = 45;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
        })
    }
}

/// A frame's promise held an error. Told after its frameEnd, whatever outcome that had, and after what awaited it went on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reject {
    /// Which.
    pub frame: u64,
    /// The error's name; 0 when not recorded.
    pub error: u64,
}

impl Reject {
    /// Kind on the wire.
    pub const KIND: u64 = 46;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.error);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            error: reader.uint()?,
        })
    }
}

/// Where a task awaits since a poll of it returned pending, found out later and by another thread: as a waitStart of unknown kind with that stack, just before the poll's end. A poll has either these or those. Orders nothing and causes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitFound {
    /// Whose poll.
    pub task: u64,
    /// Which poll of the task.
    pub epoch: u64,
    /// The chain of awaits.
    pub stack: u64,
    /// How many of the futures that the task polls await there; 0 for one.
    pub count: u64,
}

impl WaitFound {
    /// Kind on the wire.
    pub const KIND: u64 = 47;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.stack);
        writer.uint(self.count);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            stack: reader.uint()?,
            count: reader.uint()?,
        })
    }
}

/// A task holds the resource (or took a permit, or received a value).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResourceAcquire {
    /// Which.
    pub resource: u64,
    /// The holder; 0 outside any task.
    pub task: u64,
    /// Permits or values; 1 for a mutex.
    pub amount: u64,
}

impl ResourceAcquire {
    /// Kind on the wire.
    pub const KIND: u64 = 48;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.resource);
        writer.uint(self.task);
        writer.uint(self.amount);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            resource: reader.uint()?,
            task: reader.uint()?,
            amount: reader.uint()?,
        })
    }
}

/// The holder gave it back (or a value was sent).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResourceRelease {
    /// Which.
    pub resource: u64,
    /// Who; 0 outside any task.
    pub task: u64,
    /// Permits or values.
    pub amount: u64,
}

impl ResourceRelease {
    /// Kind on the wire.
    pub const KIND: u64 = 49;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.resource);
        writer.uint(self.task);
        writer.uint(self.amount);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            resource: reader.uint()?,
            task: reader.uint()?,
            amount: reader.uint()?,
        })
    }
}

/// The resource is gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResourceDrop {
    /// Which.
    pub resource: u64,
}

impl ResourceDrop {
    /// Kind on the wire.
    pub const KIND: u64 = 50;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.resource);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            resource: reader.uint()?,
        })
    }
}

/// The source is registered with the reactor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceRegister {
    /// Which.
    pub source: u64,
    /// What is asked.
    pub interest: u64,
    /// The reactor's key; 0 when not known.
    pub token: u64,
}

impl SourceRegister {
    /// Kind on the wire.
    pub const KIND: u64 = 51;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.source);
        writer.uint(self.interest);
        writer.uint(self.token);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: reader.uint()?,
            interest: reader.uint()?,
            token: reader.uint()?,
        })
    }
}

/// The source leaves the reactor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceDeregister {
    /// Which.
    pub source: u64,
}

impl SourceDeregister {
    /// Kind on the wire.
    pub const KIND: u64 = 52;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.source);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: reader.uint()?,
        })
    }
}

/// This thread parks. Between park and unpark it records nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Park {
    /// In what.
    pub park_kind: u64,
    /// Time-out in ns plus 1; 1 for a look without a wait; 0 for none (until something happens), or, where the capability parkTimeouts is not recorded, not known.
    pub timeout_ns: u64,
    /// The timer whose deadline is the time-out; 0 when there is none or it is not known.
    pub timer: u64,
}

impl Park {
    /// Kind on the wire.
    pub const KIND: u64 = 53;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.park_kind);
        writer.uint(self.timeout_ns);
        writer.uint(self.timer);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            park_kind: reader.uint()?,
            timeout_ns: reader.uint()?,
            timer: reader.uint()?,
        })
    }
}

/// The park ended; the turn that follows lasts to the next park of this thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpark {
    /// As in park.
    pub park_kind: u64,
    /// Readiness events that came with it; 0 also where the tier cannot count them.
    pub events: u64,
}

impl Unpark {
    /// Kind on the wire.
    pub const KIND: u64 = 54;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.park_kind);
        writer.uint(self.events);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            park_kind: reader.uint()?,
            events: reader.uint()?,
        })
    }
}

/// The kernel reports a source ready. Belongs to the turn that encloses it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Which; 0 when the token is not known.
    pub source: u64,
    /// What.
    pub mask: u64,
    /// Bytes in the operating system's buffer plus 1; 0 when not asked.
    pub waiting_bytes: u64,
}

impl Readiness {
    /// Kind on the wire.
    pub const KIND: u64 = 55;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.source);
        writer.uint(self.mask);
        writer.uint(self.waiting_bytes);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: reader.uint()?,
            mask: reader.uint()?,
            waiting_bytes: reader.uint()?,
        })
    }
}

/// An operation on a source, stamped at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operation {
    /// Which; 0 when not known.
    pub source: u64,
    /// Which operation.
    pub operation_kind: u64,
    /// What came of it.
    pub outcome: u64,
    /// Bytes moved; for error the error number; else 0.
    pub bytes: u64,
    /// Who made the system call.
    pub made_by: u64,
}

impl Operation {
    /// Kind on the wire.
    pub const KIND: u64 = 56;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.source);
        writer.uint(self.operation_kind);
        writer.uint(self.outcome);
        writer.uint(self.bytes);
        writer.uint(self.made_by);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: reader.uint()?,
            operation_kind: reader.uint()?,
            outcome: reader.uint()?,
            bytes: reader.uint()?,
            made_by: reader.uint()?,
        })
    }
}

/// An operation was put into a completion ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Submission {
    /// From 1, never reused.
    pub submission: u64,
    /// The ring.
    pub source: u64,
    /// What it asks.
    pub operation: u64,
    /// Bytes asked for.
    pub bytes: u64,
    /// Operations in flight, this one included.
    pub depth: u64,
}

impl Submission {
    /// Kind on the wire.
    pub const KIND: u64 = 57;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.submission);
        writer.uint(self.source);
        writer.uint(self.operation);
        writer.uint(self.bytes);
        writer.uint(self.depth);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            submission: reader.uint()?,
            source: reader.uint()?,
            operation: reader.uint()?,
            bytes: reader.uint()?,
            depth: reader.uint()?,
        })
    }
}

/// The kernel finished a submission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Completion {
    /// Which.
    pub submission: u64,
    /// Bytes, or the negated error number.
    pub result: i64,
}

impl Completion {
    /// Kind on the wire.
    pub const KIND: u64 = 58;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.submission);
        writer.sint(self.result);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            submission: reader.uint()?,
            result: reader.sint()?,
        })
    }
}

/// A timer is put into the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerSet {
    /// From 1, never reused.
    pub timer: u64,
    /// For whom; 0 when outside any task.
    pub task: u64,
    /// From this event to the deadline, in ns; 0 when it has passed.
    pub delay_ns: u64,
}

impl TimerSet {
    /// Kind on the wire.
    pub const KIND: u64 = 59;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.timer);
        writer.uint(self.task);
        writer.uint(self.delay_ns);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            timer: reader.uint()?,
            task: reader.uint()?,
            delay_ns: reader.uint()?,
        })
    }
}

/// The timer's deadline passed and its waker is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerFire {
    /// Which.
    pub timer: u64,
    /// How long after its deadline, in ns.
    pub lateness_ns: u64,
}

impl TimerFire {
    /// Kind on the wire.
    pub const KIND: u64 = 60;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.timer);
        writer.uint(self.lateness_ns);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            timer: reader.uint()?,
            lateness_ns: reader.uint()?,
        })
    }
}

/// The timer left the queue before its deadline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerCancel {
    /// Which.
    pub timer: u64,
}

impl TimerCancel {
    /// Kind on the wire.
    pub const KIND: u64 = 61;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.timer);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            timer: reader.uint()?,
        })
    }
}

/// A blocking job is handed to the pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobSubmit {
    /// From 1, never reused.
    pub job: u64,
    /// What it does.
    pub job_kind: u64,
    /// Who submitted it; 0 outside any task.
    pub task: u64,
    /// Where; 0 when not known.
    pub site: u64,
    /// For a file its path; 0 when it has none.
    pub name: u64,
    /// Jobs waiting for a thread after this one was added.
    pub queued: u64,
    /// Whose pool; 0 when not known.
    pub runtime: u64,
}

impl JobSubmit {
    /// Kind on the wire.
    pub const KIND: u64 = 62;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.job);
        writer.uint(self.job_kind);
        writer.uint(self.task);
        writer.uint(self.site);
        writer.uint(self.name);
        writer.uint(self.queued);
        writer.uint(self.runtime);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            job: reader.uint()?,
            job_kind: reader.uint()?,
            task: reader.uint()?,
            site: reader.uint()?,
            name: reader.uint()?,
            queued: reader.uint()?,
            runtime: reader.uint()?,
        })
    }
}

/// A pool thread begins the job. Absent where the pool's threads cannot be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobStart {
    /// Which.
    pub job: u64,
    /// Jobs that still wait.
    pub queued: u64,
}

impl JobStart {
    /// Kind on the wire.
    pub const KIND: u64 = 63;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.job);
        writer.uint(self.queued);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            job: reader.uint()?,
            queued: reader.uint()?,
        })
    }
}

/// The job is done, on the thread that ran it, else where its completion was noticed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobEnd {
    /// Which.
    pub job: u64,
    /// How.
    pub outcome: u64,
    /// Bytes moved; 0 when it moves none or it is not known.
    pub bytes: u64,
}

impl JobEnd {
    /// Kind on the wire.
    pub const KIND: u64 = 64;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.job);
        writer.uint(self.outcome);
        writer.uint(self.bytes);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            job: reader.uint()?,
            outcome: reader.uint()?,
            bytes: reader.uint()?,
        })
    }
}

/// The blocking pool changed its size or queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Whose pool.
    pub runtime: u64,
    /// Threads it has.
    pub threads: u64,
    /// Of these, waiting for work.
    pub idle: u64,
    /// Jobs that wait.
    pub queued: u64,
}

impl PoolState {
    /// Kind on the wire.
    pub const KIND: u64 = 65;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.runtime);
        writer.uint(self.threads);
        writer.uint(self.idle);
        writer.uint(self.queued);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            runtime: reader.uint()?,
            threads: reader.uint()?,
            idle: reader.uint()?,
            queued: reader.uint()?,
        })
    }
}

/// The thread begins to work for its runtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadStart;

impl ThreadStart {
    /// Kind on the wire.
    pub const KIND: u64 = 66;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, _writer: &mut impl Writer) {}

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// The thread stops to work for its runtime; the last event it records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadStop;

impl ThreadStop {
    /// Kind on the wire.
    pub const KIND: u64 = 67;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, _writer: &mut impl Writer) {}

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// Processor time this thread has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadCpu {
    /// In ns, since the thread began.
    pub cpu_ns: u64,
}

impl ThreadCpu {
    /// Kind on the wire.
    pub const KIND: u64 = 68;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.cpu_ns);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            cpu_ns: reader.uint()?,
        })
    }
}

/// The runtime is shut down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuntimeStop {
    /// Which.
    pub runtime: u64,
}

impl RuntimeStop {
    /// Kind on the wire.
    pub const KIND: u64 = 69;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.runtime);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            runtime: reader.uint()?,
        })
    }
}

/// A span of the user's begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpanOpen {
    /// From 1, never reused.
    pub span: u64,
    /// In which task; 0 outside any.
    pub task: u64,
    /// Its name.
    pub name: u64,
    /// Where; 0 when not known.
    pub site: u64,
}

impl SpanOpen {
    /// Kind on the wire.
    pub const KIND: u64 = 70;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.span);
        writer.uint(self.task);
        writer.uint(self.name);
        writer.uint(self.site);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            span: reader.uint()?,
            task: reader.uint()?,
            name: reader.uint()?,
            site: reader.uint()?,
        })
    }
}

/// It ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpanClose {
    /// Which.
    pub span: u64,
}

impl SpanClose {
    /// Kind on the wire.
    pub const KIND: u64 = 71;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.span);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            span: reader.uint()?,
        })
    }
}

/// An instant that the user marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub name: u64,
    /// In which task; 0 outside any.
    pub task: u64,
    /// A number of the user's; 0 when none was given.
    pub value: i64,
}

impl Marker {
    /// Kind on the wire.
    pub const KIND: u64 = 72;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.name);
        writer.uint(self.task);
        writer.sint(self.value);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: reader.uint()?,
            task: reader.uint()?,
            value: reader.sint()?,
        })
    }
}

/// A debugger stopped the program. Written by the collector, on its own thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DebuggerStop {
    /// Why.
    pub reason: u64,
    /// The stopped thread's operating-system id; 0 when not known.
    pub os_thread: u64,
}

impl DebuggerStop {
    /// Kind on the wire.
    pub const KIND: u64 = 73;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.reason);
        writer.uint(self.os_thread);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: reader.uint()?,
            os_thread: reader.uint()?,
        })
    }
}

/// The program goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DebuggerContinue;

impl DebuggerContinue {
    /// Kind on the wire.
    pub const KIND: u64 = 74;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, _writer: &mut impl Writer) {}

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// Recording begins late: what is alive follows, up to snapshotEnd of the same thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotStart;

impl SnapshotStart {
    /// Kind on the wire.
    pub const KIND: u64 = 75;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, _writer: &mut impl Writer) {}

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// A task that was alive when recording began. Its earlier life is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotTask {
    /// Which.
    pub task: u64,
    /// Polls begun so far.
    pub epoch: u64,
    /// Its state.
    pub state: u64,
    /// When idle, what it waits for; unknown when not known.
    pub on_kind: u64,
    /// Id of that kind.
    pub on_id: u64,
    /// The await; 0 when not known.
    pub site: u64,
}

impl SnapshotTask {
    /// Kind on the wire.
    pub const KIND: u64 = 76;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.state);
        writer.uint(self.on_kind);
        writer.uint(self.on_id);
        writer.uint(self.site);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            state: reader.uint()?,
            on_kind: reader.uint()?,
            on_id: reader.uint()?,
            site: reader.uint()?,
        })
    }
}

/// All that was alive has been told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SnapshotEnd;

impl SnapshotEnd {
    /// Kind on the wire.
    pub const KIND: u64 = 77;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, _writer: &mut impl Writer) {}

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(_reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// What is recorded changed at this tick.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DetailChange {
    /// The new level.
    pub detail: u64,
}

impl DetailChange {
    /// Kind on the wire.
    pub const KIND: u64 = 78;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.detail);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            detail: reader.uint()?,
        })
    }
}

/// How an ended poll of outcome returned turned out. On the thread of that poll, after its end and before the task's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollSettled {
    /// Whose.
    pub task: u64,
    /// Which poll of it.
    pub epoch: u64,
    /// ready, or none when it was no poll.
    pub outcome: u64,
}

impl PollSettled {
    /// Kind on the wire.
    pub const KIND: u64 = 84;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.outcome);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            outcome: reader.uint()?,
        })
    }
}

/// A poll that is open for long, looked at: by a watchdog, on a thread of its own, while the poll goes on; and once more by the poll's own thread as the poll ends. Orders nothing and causes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollSample {
    /// Whose poll.
    pub task: u64,
    /// Which poll of the task.
    pub epoch: u64,
    /// From the poll's start to the look, in ns. The event itself may be written later.
    pub wall_ns: u64,
    /// For how long before the look, in ns, the thread's processor time was measured; 0 when it was not. Less than wallNs, as the watchdog notices a poll only some ms after its start.
    pub watched_ns: u64,
    /// Processor time that the thread used in watchedNs, in ns.
    pub cpu_ns: u64,
    /// What the poll was doing; 0 when it was not captured, as at the poll's end.
    pub stack: u64,
}

impl PollSample {
    /// Kind on the wire.
    pub const KIND: u64 = 90;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.task);
        writer.uint(self.epoch);
        writer.uint(self.wall_ns);
        writer.uint(self.watched_ns);
        writer.uint(self.cpu_ns);
        writer.uint(self.stack);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            task: reader.uint()?,
            epoch: reader.uint()?,
            wall_ns: reader.uint()?,
            watched_ns: reader.uint()?,
            cpu_ns: reader.uint()?,
            stack: reader.uint()?,
        })
    }
}

/// What the frame awaits was settled, so that it is to go on. Beside the wake of its task, which may be told later: a task has one wake at a time, its frames may each have one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameWake {
    /// Which goes on.
    pub frame: u64,
    /// Who settled it: a frame, else as in wakeFrom.
    pub cause_kind: u64,
    /// Id of that kind; 0 for turn and unknown.
    pub cause_id: u64,
}

impl FrameWake {
    /// Kind on the wire.
    pub const KIND: u64 = 92;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.cause_kind);
        writer.uint(self.cause_id);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            cause_kind: reader.uint()?,
            cause_id: reader.uint()?,
        })
    }
}

/// A pool thread begins a job whose submission the tier does not see: no jobSubmit of it is told, so how long it was queued is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobSeen {
    /// From 1, never reused.
    pub job: u64,
    /// What it does.
    pub job_kind: u64,
    /// Whose pool; 0 when not known.
    pub runtime: u64,
}

impl JobSeen {
    /// Kind on the wire.
    pub const KIND: u64 = 94;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.job);
        writer.uint(self.job_kind);
        writer.uint(self.runtime);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            job: reader.uint()?,
            job_kind: reader.uint()?,
            runtime: reader.uint()?,
        })
    }
}

/// Why the job failed; its jobEnd follows on the same thread, with the outcome panicked or cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobError {
    /// Which.
    pub job: u64,
    /// The error's name.
    pub error: u64,
}

impl JobError {
    /// Kind on the wire.
    pub const KIND: u64 = 96;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.job);
        writer.uint(self.error);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            job: reader.uint()?,
            error: reader.uint()?,
        })
    }
}

/// The other end of the operation that follows on this thread at the same source: datagrams come from many, and go to many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OperationPeer {
    /// Which.
    pub source: u64,
    /// The other end's address.
    pub peer: u64,
}

impl OperationPeer {
    /// Kind on the wire.
    pub const KIND: u64 = 97;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.source);
        writer.uint(self.peer);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            source: reader.uint()?,
            peer: reader.uint()?,
        })
    }
}

/// What a frame awaited was rejected, so that its await threw. Told after the frame went on; not where it awaited a frame, whose reject says the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitRejected {
    /// Which awaited.
    pub frame: u64,
    /// How long before this event the frameWake was that ended the wait, in ns.
    pub since_ns: u64,
    /// The error's name; 0 when not recorded.
    pub error: u64,
}

impl WaitRejected {
    /// Kind on the wire.
    pub const KIND: u64 = 98;

    /// Writes the fields, without kind and tick.
    #[inline]
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        writer.uint(self.frame);
        writer.uint(self.since_ns);
        writer.uint(self.error);
    }

    /// Reads the fields, without kind and tick.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            frame: reader.uint()?,
            since_ns: reader.uint()?,
            error: reader.uint()?,
        })
    }
}

/// Any dictionary record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DictionaryRecord {
    /// A text that other records name by id.
    Text(Text),
    /// A place in the source.
    Site(Site),
    /// A list of places, innermost first.
    Stack(Stack),
    /// One executor of the program.
    Runtime(Runtime),
    /// A thread that records events.
    Thread(Thread),
    /// A spawned unit with an id that is never reused in a session.
    Task(Task),
    /// A thing whose readiness the reactor watches.
    Source(Source),
    /// A thing inside the program that tasks wait for.
    Resource(Resource),
}

impl DictionaryRecord {
    /// Kind on the wire.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Text(_) => Text::KIND,
            Self::Site(_) => Site::KIND,
            Self::Stack(_) => Stack::KIND,
            Self::Runtime(_) => Runtime::KIND,
            Self::Thread(_) => Thread::KIND,
            Self::Task(_) => Task::KIND,
            Self::Source(_) => Source::KIND,
            Self::Resource(_) => Resource::KIND,
        }
    }

    /// Writes the fields, without kind and tick.
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        match self {
            Self::Text(record) => record.encode_fields(writer),
            Self::Site(record) => record.encode_fields(writer),
            Self::Stack(record) => record.encode_fields(writer),
            Self::Runtime(record) => record.encode_fields(writer),
            Self::Thread(record) => record.encode_fields(writer),
            Self::Task(record) => record.encode_fields(writer),
            Self::Source(record) => record.encode_fields(writer),
            Self::Resource(record) => record.encode_fields(writer),
        }
    }

    /// Reads the fields of a record of this kind; `None` when the kind is not known.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(kind: u64, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            Text::KIND => Self::Text(Text::decode_fields(reader)?),
            Site::KIND => Self::Site(Site::decode_fields(reader)?),
            Stack::KIND => Self::Stack(Stack::decode_fields(reader)?),
            Runtime::KIND => Self::Runtime(Runtime::decode_fields(reader)?),
            Thread::KIND => Self::Thread(Thread::decode_fields(reader)?),
            Task::KIND => Self::Task(Task::decode_fields(reader)?),
            Source::KIND => Self::Source(Source::decode_fields(reader)?),
            Resource::KIND => Self::Resource(Resource::decode_fields(reader)?),
            _ => return Ok(None),
        }))
    }
}

/// Any event, without its tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventRecord {
    /// The task exists from this tick on. Its dictionary record came before.
    TaskSpawn(TaskSpawn),
    /// A poll of a task begins on this thread. Nests only where a runtime is run inside a poll.
    PollStart(PollStart),
    /// The innermost open poll of this thread ends.
    PollEnd(PollEnd),
    /// A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes.
    Wake(Wake),
    /// A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made.
    WakeFrom(WakeFrom),
    /// How often the task's waker was cloned and dropped since the last such record of that task.
    WakerCounts(WakerCounts),
    /// The task is over. At most one per task.
    TaskEnd(TaskEnd),
    /// As pollEnd with the outcome pending, of a task that awaits in one place: a waitStart of unknown kind with that stack, just before the end, in one record.
    PollEndAt(PollEndAt),
    /// A frame (async call, branch, wrapped future) begins inside a task.
    FrameOpen(FrameOpen),
    /// The frame is polled, inside the open poll. Nests.
    FrameEnter(FrameEnter),
    /// The innermost entered frame of this thread is left.
    FrameLeave(FrameLeave),
    /// The frame is over.
    FrameEnd(FrameEnd),
    /// A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. Of unknown kind and with a stack, just before the poll's end: where the task awaits, as its future says; the chain of a wait that was told before, else a wait by itself.
    WaitStart(WaitStart),
    /// A frame's promise held a value and no error, told after a frameEnd of unknown outcome.
    Settle(Settle),
    /// A frame's promise held an error. Told after its frameEnd, whatever outcome that had, and after what awaited it went on.
    Reject(Reject),
    /// Where a task awaits since a poll of it returned pending, found out later and by another thread: as a waitStart of unknown kind with that stack, just before the poll's end. A poll has either these or those. Orders nothing and causes nothing.
    WaitFound(WaitFound),
    /// A task holds the resource (or took a permit, or received a value).
    ResourceAcquire(ResourceAcquire),
    /// The holder gave it back (or a value was sent).
    ResourceRelease(ResourceRelease),
    /// The resource is gone.
    ResourceDrop(ResourceDrop),
    /// The source is registered with the reactor.
    SourceRegister(SourceRegister),
    /// The source leaves the reactor.
    SourceDeregister(SourceDeregister),
    /// This thread parks. Between park and unpark it records nothing.
    Park(Park),
    /// The park ended; the turn that follows lasts to the next park of this thread.
    Unpark(Unpark),
    /// The kernel reports a source ready. Belongs to the turn that encloses it.
    Readiness(Readiness),
    /// An operation on a source, stamped at its end.
    Operation(Operation),
    /// An operation was put into a completion ring.
    Submission(Submission),
    /// The kernel finished a submission.
    Completion(Completion),
    /// A timer is put into the queue.
    TimerSet(TimerSet),
    /// The timer's deadline passed and its waker is called.
    TimerFire(TimerFire),
    /// The timer left the queue before its deadline.
    TimerCancel(TimerCancel),
    /// A blocking job is handed to the pool.
    JobSubmit(JobSubmit),
    /// A pool thread begins the job. Absent where the pool's threads cannot be seen.
    JobStart(JobStart),
    /// The job is done, on the thread that ran it, else where its completion was noticed.
    JobEnd(JobEnd),
    /// The blocking pool changed its size or queue.
    PoolState(PoolState),
    /// The thread begins to work for its runtime.
    ThreadStart(ThreadStart),
    /// The thread stops to work for its runtime; the last event it records.
    ThreadStop(ThreadStop),
    /// Processor time this thread has used so far.
    ThreadCpu(ThreadCpu),
    /// The runtime is shut down.
    RuntimeStop(RuntimeStop),
    /// A span of the user's begins.
    SpanOpen(SpanOpen),
    /// It ends.
    SpanClose(SpanClose),
    /// An instant that the user marked.
    Marker(Marker),
    /// A debugger stopped the program. Written by the collector, on its own thread.
    DebuggerStop(DebuggerStop),
    /// The program goes on.
    DebuggerContinue(DebuggerContinue),
    /// Recording begins late: what is alive follows, up to snapshotEnd of the same thread.
    SnapshotStart(SnapshotStart),
    /// A task that was alive when recording began. Its earlier life is not known.
    SnapshotTask(SnapshotTask),
    /// All that was alive has been told.
    SnapshotEnd(SnapshotEnd),
    /// What is recorded changed at this tick.
    DetailChange(DetailChange),
    /// How an ended poll of outcome returned turned out. On the thread of that poll, after its end and before the task's.
    PollSettled(PollSettled),
    /// A poll that is open for long, looked at: by a watchdog, on a thread of its own, while the poll goes on; and once more by the poll's own thread as the poll ends. Orders nothing and causes nothing.
    PollSample(PollSample),
    /// What the frame awaits was settled, so that it is to go on. Beside the wake of its task, which may be told later: a task has one wake at a time, its frames may each have one.
    FrameWake(FrameWake),
    /// A pool thread begins a job whose submission the tier does not see: no jobSubmit of it is told, so how long it was queued is not known.
    JobSeen(JobSeen),
    /// Why the job failed; its jobEnd follows on the same thread, with the outcome panicked or cancelled.
    JobError(JobError),
    /// The other end of the operation that follows on this thread at the same source: datagrams come from many, and go to many.
    OperationPeer(OperationPeer),
    /// What a frame awaited was rejected, so that its await threw. Told after the frame went on; not where it awaited a frame, whose reject says the same.
    WaitRejected(WaitRejected),
}

impl EventRecord {
    /// Kind on the wire.
    pub fn kind(&self) -> u64 {
        match self {
            Self::TaskSpawn(_) => TaskSpawn::KIND,
            Self::PollStart(_) => PollStart::KIND,
            Self::PollEnd(_) => PollEnd::KIND,
            Self::Wake(_) => Wake::KIND,
            Self::WakeFrom(_) => WakeFrom::KIND,
            Self::WakerCounts(_) => WakerCounts::KIND,
            Self::TaskEnd(_) => TaskEnd::KIND,
            Self::PollEndAt(_) => PollEndAt::KIND,
            Self::FrameOpen(_) => FrameOpen::KIND,
            Self::FrameEnter(_) => FrameEnter::KIND,
            Self::FrameLeave(_) => FrameLeave::KIND,
            Self::FrameEnd(_) => FrameEnd::KIND,
            Self::WaitStart(_) => WaitStart::KIND,
            Self::Settle(_) => Settle::KIND,
            Self::Reject(_) => Reject::KIND,
            Self::WaitFound(_) => WaitFound::KIND,
            Self::ResourceAcquire(_) => ResourceAcquire::KIND,
            Self::ResourceRelease(_) => ResourceRelease::KIND,
            Self::ResourceDrop(_) => ResourceDrop::KIND,
            Self::SourceRegister(_) => SourceRegister::KIND,
            Self::SourceDeregister(_) => SourceDeregister::KIND,
            Self::Park(_) => Park::KIND,
            Self::Unpark(_) => Unpark::KIND,
            Self::Readiness(_) => Readiness::KIND,
            Self::Operation(_) => Operation::KIND,
            Self::Submission(_) => Submission::KIND,
            Self::Completion(_) => Completion::KIND,
            Self::TimerSet(_) => TimerSet::KIND,
            Self::TimerFire(_) => TimerFire::KIND,
            Self::TimerCancel(_) => TimerCancel::KIND,
            Self::JobSubmit(_) => JobSubmit::KIND,
            Self::JobStart(_) => JobStart::KIND,
            Self::JobEnd(_) => JobEnd::KIND,
            Self::PoolState(_) => PoolState::KIND,
            Self::ThreadStart(_) => ThreadStart::KIND,
            Self::ThreadStop(_) => ThreadStop::KIND,
            Self::ThreadCpu(_) => ThreadCpu::KIND,
            Self::RuntimeStop(_) => RuntimeStop::KIND,
            Self::SpanOpen(_) => SpanOpen::KIND,
            Self::SpanClose(_) => SpanClose::KIND,
            Self::Marker(_) => Marker::KIND,
            Self::DebuggerStop(_) => DebuggerStop::KIND,
            Self::DebuggerContinue(_) => DebuggerContinue::KIND,
            Self::SnapshotStart(_) => SnapshotStart::KIND,
            Self::SnapshotTask(_) => SnapshotTask::KIND,
            Self::SnapshotEnd(_) => SnapshotEnd::KIND,
            Self::DetailChange(_) => DetailChange::KIND,
            Self::PollSettled(_) => PollSettled::KIND,
            Self::PollSample(_) => PollSample::KIND,
            Self::FrameWake(_) => FrameWake::KIND,
            Self::JobSeen(_) => JobSeen::KIND,
            Self::JobError(_) => JobError::KIND,
            Self::OperationPeer(_) => OperationPeer::KIND,
            Self::WaitRejected(_) => WaitRejected::KIND,
        }
    }

    /// Writes the fields, without kind and tick.
    pub fn encode_fields(&self, writer: &mut impl Writer) {
        match self {
            Self::TaskSpawn(record) => record.encode_fields(writer),
            Self::PollStart(record) => record.encode_fields(writer),
            Self::PollEnd(record) => record.encode_fields(writer),
            Self::Wake(record) => record.encode_fields(writer),
            Self::WakeFrom(record) => record.encode_fields(writer),
            Self::WakerCounts(record) => record.encode_fields(writer),
            Self::TaskEnd(record) => record.encode_fields(writer),
            Self::PollEndAt(record) => record.encode_fields(writer),
            Self::FrameOpen(record) => record.encode_fields(writer),
            Self::FrameEnter(record) => record.encode_fields(writer),
            Self::FrameLeave(record) => record.encode_fields(writer),
            Self::FrameEnd(record) => record.encode_fields(writer),
            Self::WaitStart(record) => record.encode_fields(writer),
            Self::Settle(record) => record.encode_fields(writer),
            Self::Reject(record) => record.encode_fields(writer),
            Self::WaitFound(record) => record.encode_fields(writer),
            Self::ResourceAcquire(record) => record.encode_fields(writer),
            Self::ResourceRelease(record) => record.encode_fields(writer),
            Self::ResourceDrop(record) => record.encode_fields(writer),
            Self::SourceRegister(record) => record.encode_fields(writer),
            Self::SourceDeregister(record) => record.encode_fields(writer),
            Self::Park(record) => record.encode_fields(writer),
            Self::Unpark(record) => record.encode_fields(writer),
            Self::Readiness(record) => record.encode_fields(writer),
            Self::Operation(record) => record.encode_fields(writer),
            Self::Submission(record) => record.encode_fields(writer),
            Self::Completion(record) => record.encode_fields(writer),
            Self::TimerSet(record) => record.encode_fields(writer),
            Self::TimerFire(record) => record.encode_fields(writer),
            Self::TimerCancel(record) => record.encode_fields(writer),
            Self::JobSubmit(record) => record.encode_fields(writer),
            Self::JobStart(record) => record.encode_fields(writer),
            Self::JobEnd(record) => record.encode_fields(writer),
            Self::PoolState(record) => record.encode_fields(writer),
            Self::ThreadStart(record) => record.encode_fields(writer),
            Self::ThreadStop(record) => record.encode_fields(writer),
            Self::ThreadCpu(record) => record.encode_fields(writer),
            Self::RuntimeStop(record) => record.encode_fields(writer),
            Self::SpanOpen(record) => record.encode_fields(writer),
            Self::SpanClose(record) => record.encode_fields(writer),
            Self::Marker(record) => record.encode_fields(writer),
            Self::DebuggerStop(record) => record.encode_fields(writer),
            Self::DebuggerContinue(record) => record.encode_fields(writer),
            Self::SnapshotStart(record) => record.encode_fields(writer),
            Self::SnapshotTask(record) => record.encode_fields(writer),
            Self::SnapshotEnd(record) => record.encode_fields(writer),
            Self::DetailChange(record) => record.encode_fields(writer),
            Self::PollSettled(record) => record.encode_fields(writer),
            Self::PollSample(record) => record.encode_fields(writer),
            Self::FrameWake(record) => record.encode_fields(writer),
            Self::JobSeen(record) => record.encode_fields(writer),
            Self::JobError(record) => record.encode_fields(writer),
            Self::OperationPeer(record) => record.encode_fields(writer),
            Self::WaitRejected(record) => record.encode_fields(writer),
        }
    }

    /// Reads the fields of a record of this kind, or of one that is short for it; `None` when the kind is not known.
    ///
    /// # Errors
    /// When a field is cut, malformed or over a limit.
    pub fn decode_fields(kind: u64, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            TaskSpawn::KIND => Self::TaskSpawn(TaskSpawn::decode_fields(reader)?),
            PollStart::KIND => Self::PollStart(PollStart::decode_fields(reader)?),
            PollEnd::KIND => Self::PollEnd(PollEnd::decode_fields(reader)?),
            Wake::KIND => Self::Wake(Wake::decode_fields(reader)?),
            WakeFrom::KIND => Self::WakeFrom(WakeFrom::decode_fields(reader)?),
            WakerCounts::KIND => Self::WakerCounts(WakerCounts::decode_fields(reader)?),
            TaskEnd::KIND => Self::TaskEnd(TaskEnd::decode_fields(reader)?),
            PollEndAt::KIND => Self::PollEndAt(PollEndAt::decode_fields(reader)?),
            FrameOpen::KIND => Self::FrameOpen(FrameOpen::decode_fields(reader)?),
            FrameEnter::KIND => Self::FrameEnter(FrameEnter::decode_fields(reader)?),
            FrameLeave::KIND => Self::FrameLeave(FrameLeave::decode_fields(reader)?),
            FrameEnd::KIND => Self::FrameEnd(FrameEnd::decode_fields(reader)?),
            WaitStart::KIND => Self::WaitStart(WaitStart::decode_fields(reader)?),
            Settle::KIND => Self::Settle(Settle::decode_fields(reader)?),
            Reject::KIND => Self::Reject(Reject::decode_fields(reader)?),
            WaitFound::KIND => Self::WaitFound(WaitFound::decode_fields(reader)?),
            ResourceAcquire::KIND => Self::ResourceAcquire(ResourceAcquire::decode_fields(reader)?),
            ResourceRelease::KIND => Self::ResourceRelease(ResourceRelease::decode_fields(reader)?),
            ResourceDrop::KIND => Self::ResourceDrop(ResourceDrop::decode_fields(reader)?),
            SourceRegister::KIND => Self::SourceRegister(SourceRegister::decode_fields(reader)?),
            SourceDeregister::KIND => {
                Self::SourceDeregister(SourceDeregister::decode_fields(reader)?)
            }
            Park::KIND => Self::Park(Park::decode_fields(reader)?),
            Unpark::KIND => Self::Unpark(Unpark::decode_fields(reader)?),
            Readiness::KIND => Self::Readiness(Readiness::decode_fields(reader)?),
            Operation::KIND => Self::Operation(Operation::decode_fields(reader)?),
            Submission::KIND => Self::Submission(Submission::decode_fields(reader)?),
            Completion::KIND => Self::Completion(Completion::decode_fields(reader)?),
            TimerSet::KIND => Self::TimerSet(TimerSet::decode_fields(reader)?),
            TimerFire::KIND => Self::TimerFire(TimerFire::decode_fields(reader)?),
            TimerCancel::KIND => Self::TimerCancel(TimerCancel::decode_fields(reader)?),
            JobSubmit::KIND => Self::JobSubmit(JobSubmit::decode_fields(reader)?),
            JobStart::KIND => Self::JobStart(JobStart::decode_fields(reader)?),
            JobEnd::KIND => Self::JobEnd(JobEnd::decode_fields(reader)?),
            PoolState::KIND => Self::PoolState(PoolState::decode_fields(reader)?),
            ThreadStart::KIND => Self::ThreadStart(ThreadStart::decode_fields(reader)?),
            ThreadStop::KIND => Self::ThreadStop(ThreadStop::decode_fields(reader)?),
            ThreadCpu::KIND => Self::ThreadCpu(ThreadCpu::decode_fields(reader)?),
            RuntimeStop::KIND => Self::RuntimeStop(RuntimeStop::decode_fields(reader)?),
            SpanOpen::KIND => Self::SpanOpen(SpanOpen::decode_fields(reader)?),
            SpanClose::KIND => Self::SpanClose(SpanClose::decode_fields(reader)?),
            Marker::KIND => Self::Marker(Marker::decode_fields(reader)?),
            DebuggerStop::KIND => Self::DebuggerStop(DebuggerStop::decode_fields(reader)?),
            DebuggerContinue::KIND => {
                Self::DebuggerContinue(DebuggerContinue::decode_fields(reader)?)
            }
            SnapshotStart::KIND => Self::SnapshotStart(SnapshotStart::decode_fields(reader)?),
            SnapshotTask::KIND => Self::SnapshotTask(SnapshotTask::decode_fields(reader)?),
            SnapshotEnd::KIND => Self::SnapshotEnd(SnapshotEnd::decode_fields(reader)?),
            DetailChange::KIND => Self::DetailChange(DetailChange::decode_fields(reader)?),
            PollSettled::KIND => Self::PollSettled(PollSettled::decode_fields(reader)?),
            PollSample::KIND => Self::PollSample(PollSample::decode_fields(reader)?),
            FrameWake::KIND => Self::FrameWake(FrameWake::decode_fields(reader)?),
            JobSeen::KIND => Self::JobSeen(JobSeen::decode_fields(reader)?),
            JobError::KIND => Self::JobError(JobError::decode_fields(reader)?),
            OperationPeer::KIND => Self::OperationPeer(OperationPeer::decode_fields(reader)?),
            WaitRejected::KIND => Self::WaitRejected(WaitRejected::decode_fields(reader)?),
            104 => Self::PollEnd(PollEnd { outcome: 2 }),
            105 => {
                let task = reader.uint()?;
                let epoch = reader.uint()?;
                Self::Wake(Wake {
                    task,
                    epoch,
                    effect: 0,
                })
            }
            106 => {
                let task = reader.uint()?;
                let epoch = reader.uint()?;
                Self::Wake(Wake {
                    task,
                    epoch,
                    effect: 1,
                })
            }
            107 => {
                let task = reader.uint()?;
                let epoch = reader.uint()?;
                Self::WakeFrom(WakeFrom {
                    task,
                    epoch,
                    effect: 0,
                    cause_kind: 6,
                    cause_id: 0,
                    epoch_after: epoch,
                })
            }
            108 => {
                let source = reader.uint()?;
                let bytes = reader.uint()?;
                Self::Operation(Operation {
                    source,
                    operation_kind: 1,
                    outcome: 1,
                    bytes,
                    made_by: 1,
                })
            }
            109 => {
                let source = reader.uint()?;
                let bytes = reader.uint()?;
                Self::Operation(Operation {
                    source,
                    operation_kind: 2,
                    outcome: 1,
                    bytes,
                    made_by: 1,
                })
            }
            110 => {
                let source = reader.uint()?;
                Self::Operation(Operation {
                    source,
                    operation_kind: 1,
                    outcome: 2,
                    bytes: 0,
                    made_by: 1,
                })
            }
            111 => {
                let timeout_ns = reader.uint()?;
                Self::Park(Park {
                    park_kind: 1,
                    timeout_ns,
                    timer: 0,
                })
            }
            112 => {
                let events = reader.uint()?;
                Self::Unpark(Unpark {
                    park_kind: 1,
                    events,
                })
            }
            _ => return Ok(None),
        }))
    }
}

/// The shape of one record kind: its number, its name, the type codes of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaticShape {
    /// Kind on the wire.
    pub kind: u64,
    /// Name in the schema.
    pub name: &'static str,
    /// Type code of each field, in order.
    pub fields: &'static [u8],
}

/// What a writer of this version may put on the wire, kind by kind.
pub const SHAPES: &[StaticShape] = &[
    StaticShape {
        kind: 1,
        name: "text",
        fields: &[1, 3],
    },
    StaticShape {
        kind: 2,
        name: "site",
        fields: &[1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 3,
        name: "stack",
        fields: &[1, 4, 1],
    },
    StaticShape {
        kind: 4,
        name: "runtime",
        fields: &[1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 5,
        name: "thread",
        fields: &[1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 6,
        name: "task",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 7,
        name: "source",
        fields: &[1, 2, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 8,
        name: "resource",
        fields: &[1, 1, 1, 1],
    },
    StaticShape {
        kind: 32,
        name: "taskSpawn",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 33,
        name: "pollStart",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 34,
        name: "pollEnd",
        fields: &[1],
    },
    StaticShape {
        kind: 35,
        name: "wake",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 36,
        name: "wakeFrom",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 37,
        name: "wakerCounts",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 38,
        name: "taskEnd",
        fields: &[1, 1, 1, 1],
    },
    StaticShape {
        kind: 39,
        name: "pollEndAt",
        fields: &[1],
    },
    StaticShape {
        kind: 40,
        name: "frameOpen",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 41,
        name: "frameEnter",
        fields: &[1],
    },
    StaticShape {
        kind: 42,
        name: "frameLeave",
        fields: &[1],
    },
    StaticShape {
        kind: 43,
        name: "frameEnd",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 44,
        name: "waitStart",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 45,
        name: "settle",
        fields: &[1],
    },
    StaticShape {
        kind: 46,
        name: "reject",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 47,
        name: "waitFound",
        fields: &[1, 1, 1, 1],
    },
    StaticShape {
        kind: 48,
        name: "resourceAcquire",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 49,
        name: "resourceRelease",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 50,
        name: "resourceDrop",
        fields: &[1],
    },
    StaticShape {
        kind: 51,
        name: "sourceRegister",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 52,
        name: "sourceDeregister",
        fields: &[1],
    },
    StaticShape {
        kind: 53,
        name: "park",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 54,
        name: "unpark",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 55,
        name: "readiness",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 56,
        name: "operation",
        fields: &[1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 57,
        name: "submission",
        fields: &[1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 58,
        name: "completion",
        fields: &[1, 2],
    },
    StaticShape {
        kind: 59,
        name: "timerSet",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 60,
        name: "timerFire",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 61,
        name: "timerCancel",
        fields: &[1],
    },
    StaticShape {
        kind: 62,
        name: "jobSubmit",
        fields: &[1, 1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 63,
        name: "jobStart",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 64,
        name: "jobEnd",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 65,
        name: "poolState",
        fields: &[1, 1, 1, 1],
    },
    StaticShape {
        kind: 66,
        name: "threadStart",
        fields: &[],
    },
    StaticShape {
        kind: 67,
        name: "threadStop",
        fields: &[],
    },
    StaticShape {
        kind: 68,
        name: "threadCpu",
        fields: &[1],
    },
    StaticShape {
        kind: 69,
        name: "runtimeStop",
        fields: &[1],
    },
    StaticShape {
        kind: 70,
        name: "spanOpen",
        fields: &[1, 1, 1, 1],
    },
    StaticShape {
        kind: 71,
        name: "spanClose",
        fields: &[1],
    },
    StaticShape {
        kind: 72,
        name: "marker",
        fields: &[1, 1, 2],
    },
    StaticShape {
        kind: 73,
        name: "debuggerStop",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 74,
        name: "debuggerContinue",
        fields: &[],
    },
    StaticShape {
        kind: 75,
        name: "snapshotStart",
        fields: &[],
    },
    StaticShape {
        kind: 76,
        name: "snapshotTask",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 77,
        name: "snapshotEnd",
        fields: &[],
    },
    StaticShape {
        kind: 78,
        name: "detailChange",
        fields: &[1],
    },
    StaticShape {
        kind: 84,
        name: "pollSettled",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 90,
        name: "pollSample",
        fields: &[1, 1, 1, 1, 1, 1],
    },
    StaticShape {
        kind: 92,
        name: "frameWake",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 94,
        name: "jobSeen",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 96,
        name: "jobError",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 97,
        name: "operationPeer",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 98,
        name: "waitRejected",
        fields: &[1, 1, 1],
    },
    StaticShape {
        kind: 104,
        name: "pollPending",
        fields: &[],
    },
    StaticShape {
        kind: 105,
        name: "wakeUnheard",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 106,
        name: "wakeScheduled",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 107,
        name: "wakeInTurn",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 108,
        name: "readDone",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 109,
        name: "writeDone",
        fields: &[1, 1],
    },
    StaticShape {
        kind: 110,
        name: "readBlocked",
        fields: &[1],
    },
    StaticShape {
        kind: 111,
        name: "parkInReactor",
        fields: &[1],
    },
    StaticShape {
        kind: 112,
        name: "unparkInReactor",
        fields: &[1],
    },
];

/// What a kind of [`short_kind`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortForm {
    /// Kind on the wire.
    pub kind: u64,
    /// Kind of the event that it stands for.
    pub of: u64,
    /// For each field of that event its place among the written ones, or what it holds.
    pub fields: &'static [FieldOfShort],
}

/// One field of the event that a short form stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOfShort {
    /// What is written at this place.
    Written(usize),
    /// Always this.
    Fixed(u64),
}

/// Every short form.
pub const SHORT_FORMS: &[ShortForm] = &[
    ShortForm {
        kind: 104,
        of: 34,
        fields: &[FieldOfShort::Fixed(2)],
    },
    ShortForm {
        kind: 105,
        of: 35,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Written(1),
            FieldOfShort::Fixed(0),
        ],
    },
    ShortForm {
        kind: 106,
        of: 35,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Written(1),
            FieldOfShort::Fixed(1),
        ],
    },
    ShortForm {
        kind: 107,
        of: 36,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Written(1),
            FieldOfShort::Fixed(0),
            FieldOfShort::Fixed(6),
            FieldOfShort::Fixed(0),
            FieldOfShort::Written(1),
        ],
    },
    ShortForm {
        kind: 108,
        of: 56,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Fixed(1),
            FieldOfShort::Fixed(1),
            FieldOfShort::Written(1),
            FieldOfShort::Fixed(1),
        ],
    },
    ShortForm {
        kind: 109,
        of: 56,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Fixed(2),
            FieldOfShort::Fixed(1),
            FieldOfShort::Written(1),
            FieldOfShort::Fixed(1),
        ],
    },
    ShortForm {
        kind: 110,
        of: 56,
        fields: &[
            FieldOfShort::Written(0),
            FieldOfShort::Fixed(1),
            FieldOfShort::Fixed(2),
            FieldOfShort::Fixed(0),
            FieldOfShort::Fixed(1),
        ],
    },
    ShortForm {
        kind: 111,
        of: 53,
        fields: &[
            FieldOfShort::Fixed(1),
            FieldOfShort::Written(0),
            FieldOfShort::Fixed(0),
        ],
    },
    ShortForm {
        kind: 112,
        of: 54,
        fields: &[FieldOfShort::Fixed(1), FieldOfShort::Written(0)],
    },
];
