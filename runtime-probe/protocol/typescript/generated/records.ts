// Generated from runtime-probe/protocol/schema.json by `npm run generate`. Do not edit.
// Owns the constants, types and shapes of the wire; the codec beside it is written by hand.

export const wireVersion = 1;

/** Limits that hold on the wire. */
export const limits = {
  /** The longest frame payload a reader accepts, in bytes. */
  frameBytes: 1048576,
  /** The size of one slot of the shared-memory rings, header included, in bytes. */
  slotBytes: 8192,
  /** The size of a slot's header, in bytes. */
  slotHeaderBytes: 64,
  /** The size of the header of a ring file, in bytes. */
  ringHeaderBytes: 4096,
  /** The longest text on the wire, in bytes of UTF-8. */
  textBytes: 65536,
  /** The most polls that a chunk can state as open at its start (polls nest only where a runtime is run inside a poll). */
  openPolls: 16,
  /** The most frames that a chunk can state as entered at its start. */
  openFrames: 256,
  /** The most items of a list field. */
  listItems: 4096,
  /** The size of the connection token, in bytes (128 bits). */
  tokenBytes: 16,
} as const;

/** Codes of field types in the shapes of a hello. */
export const typeCode = {
  /** Unsigned LEB128, at most 2^53 - 1. */
  uint: 1,
  /** Zigzag-coded signed LEB128, within ±(2^53 - 1). */
  sint: 2,
  /** uint byte count, then UTF-8. */
  text: 3,
  /** uint item count, then that many uint. */
  list: 4,
  /** Unsigned LEB128 of up to 64 bits; used where 2^53 is too small. */
  wide: 5,
} as const;

/** Who opens a connection to the collector. */
export const role = {
  /** A traced program: a stream follows. */
  program: 1,
  /** A Wakeline front end: requests follow. */
  viewer: 2,
  /** A collector that has come to a program which listens: it sends control frames only. */
  collector: 3,
} as const;
export type Role = (typeof role)[keyof typeof role];

/** What a frame of the stream holds. */
export const frameKind = {
  /** Who speaks, the clock, what is recorded, the shape of every record kind. First frame of every connection. */
  hello: 1,
  /** Dictionary records, lossless. */
  dictionary: 2,
  /** Events of one thread. */
  chunk: 3,
  /** Up to which tick each thread has published everything. */
  watermarks: 4,
  /** A later pair of ticks and wall time, used only to merge processes. */
  anchor: 5,
  /** The program closed its stream on purpose; totals to check against. */
  end: 6,
  /** Collector to program: recording on or off, detail, snapshot. */
  control: 7,
} as const;
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

/** Why a stream ended. */
export const endReason = {
  /** The program ended normally. */
  exit: 1,
  /** Recording was switched off. */
  detached: 2,
  /** This process is a fork's child and stops recording. */
  fork: 3,
  /** The file has reached its bound; the program goes on unrecorded. */
  full: 4,
  /** What was kept in memory was written; the program may go on. */
  flight: 5,
} as const;
export type EndReason = (typeof endReason)[keyof typeof endReason];

/** How much a program records. */
export const detail = {
  /** Nothing. */
  off: 1,
  /** Polls, wakes, waits, reactor, timers, jobs; the program's own spans and markers. */
  lean: 2,
  /** Everything the tier can see. */
  full: 3,
  /** Node only, below lean: callbacks of the loop, reactor, timers, jobs; promises are not looked at. */
  native: 4,
} as const;
export type Detail = (typeof detail)[keyof typeof detail];

/** Whether a capability's records can appear in this stream. */
export const visibility = {
  /** Recorded; absence means that it did not happen. */
  recorded: 1,
  /** Derived by the reader by a named rule. */
  inferred: 2,
  /** The tier cannot see it; absence means nothing. */
  notRecorded: 3,
} as const;
export type Visibility = (typeof visibility)[keyof typeof visibility];

/** Which executor a runtime is. */
export const runtimeFlavor = {
  /** Not known. */
  unknown: 0,
  /** wakeline-executor, one thread is worker and reactor by turns. */
  wakelineSingle: 1,
  /** wakeline-executor, several workers. */
  wakelineMulti: 2,
  /** Wakeline's TypeScript executor on Node's loop. */
  wakelineNode: 3,
  /** tokio current_thread. */
  tokioCurrentThread: 4,
  /** tokio multi_thread. */
  tokioMultiThread: 5,
  /** Node's own promises and callbacks. */
  node: 6,
  /** smol / async-executor. */
  smol: 7,
  /** Another executor. */
  other: 8,
} as const;
export type RuntimeFlavor = (typeof runtimeFlavor)[keyof typeof runtimeFlavor];

/** What a thread does. */
export const threadRole = {
  /** Not known, or a thread that no runtime owns. */
  unknown: 0,
  /** Runs polls of a runtime; may park in the reactor. */
  worker: 1,
  /** Runs blocking jobs. */
  pool: 2,
  /** The thread that runs block_on, or Node's main thread. */
  main: 3,
  /** Not a thread of the program: records that the collector adds (debugger stops). */
  collector: 4,
} as const;
export type ThreadRole = (typeof threadRole)[keyof typeof threadRole];

/** How a task came to be. */
export const taskKind = {
  /** Spawned, may move between workers. */
  task: 1,
  /** Spawned on one thread, never moves (non-Send). */
  local: 2,
  /** The future given to block_on, or a root async context. */
  root: 3,
  /** A blocking closure that its runtime counts as a task. */
  blocking: 4,
  /** A root whose wakes the tier cannot see: a poll of it without a wake is not spurious. */
  rootUnheard: 5,
} as const;
export type TaskKind = (typeof taskKind)[keyof typeof taskKind];

/** What kind of thing is registered with the reactor. */
export const sourceKind = {
  /** Not known. */
  unknown: 0,
  /** A connected or connecting TCP socket. */
  tcpStream: 1,
  /** A listening TCP socket. */
  tcpListener: 2,
  /** A UDP socket. */
  udpSocket: 3,
  /** A connected Unix socket. */
  unixStream: 4,
  /** A listening Unix socket. */
  unixListener: 5,
  /** A Unix datagram socket. */
  unixDatagram: 6,
  /** A pipe or FIFO. */
  pipe: 7,
  /** A signal source. */
  signal: 8,
  /** A child process. */
  child: 9,
  /** An eventfd, often the reactor's own waker. */
  eventFd: 10,
  /** A completion ring. */
  ioUring: 11,
  /** A message port between Node threads. */
  messagePort: 12,
  /** A timer of the kernel's, read through a descriptor. */
  timerFd: 13,
} as const;
export type SourceKind = (typeof sourceKind)[keyof typeof sourceKind];

/** What kind of thing inside the program is waited for. */
export const resourceKind = {
  /** Not known. */
  unknown: 0,
  /** Mutual exclusion, one holder. */
  mutex: 1,
  /** Readers and writer. */
  rwLock: 2,
  /** Counted permits. */
  semaphore: 3,
  /** A bare notification. */
  notify: 4,
  /** A queue between tasks. */
  channel: 5,
  /** A channel for one value. */
  oneshot: 6,
  /** A value with change notification. */
  watch: 7,
  /** A channel whose messages reach all receivers. */
  broadcast: 8,
  /** Waits for a number of tasks. */
  barrier: 9,
} as const;
export type ResourceKind = (typeof resourceKind)[keyof typeof resourceKind];

/** What a frame inside a task is. */
export const frameKindOfTask = {
  /** One call of an async function. */
  asyncCall: 1,
  /** One branch of a join. */
  joinBranch: 2,
  /** One branch of a select. */
  selectBranch: 3,
  /** A future wrapped by hand. */
  traced: 4,
} as const;
export type FrameKindOfTask = (typeof frameKindOfTask)[keyof typeof frameKindOfTask];

/** How a poll (of a task or a frame) ended. */
export const pollOutcome = {
  /** It returned its value. */
  ready: 1,
  /** It stored a waker somewhere and returned. */
  pending: 2,
  /** It panicked or threw. */
  panicked: 3,
  /** It returned, and the tier cannot see yet whether it was ready: pending, unless a pollSettled of that poll follows. */
  returned: 4,
  /** Only in pollSettled: it was no poll. The runtime entered the future once more to drop it. */
  none: 5,
} as const;
export type PollOutcome = (typeof pollOutcome)[keyof typeof pollOutcome];

/** How a task or frame ended for good. */
export const endOutcome = {
  /** It returned its value. */
  completed: 1,
  /** It panicked, threw or rejected. */
  panicked: 2,
  /** It was dropped before it was done. */
  cancelled: 3,
  /** It is gone; the tier cannot see how it ended. */
  unknown: 4,
} as const;
export type EndOutcome = (typeof endOutcome)[keyof typeof endOutcome];

/** What a wake did to its target; the state change that the executor itself made. */
export const wakeEffect = {
  /** The tier cannot see it. */
  unknown: 0,
  /** The target was idle and is now in a run queue. Exactly one such wake precedes each poll that was not made by whileRunning. */
  scheduled: 1,
  /** The target was scheduled already. */
  redundant: 2,
  /** The target was being polled; it is scheduled again when that poll ends. */
  whileRunning: 3,
  /** The target had ended; nothing happened. */
  afterCompletion: 4,
} as const;
export type WakeEffect = (typeof wakeEffect)[keyof typeof wakeEffect];

/** What made a wake, a readiness or a poll happen; also what a wait is for. */
export const causeKind = {
  /** Not known. */
  unknown: 0,
  /** The poll of the task with this id (as a wait: the end of that task). */
  poll: 1,
  /** The source with this id (as a wait: see interest). */
  source: 2,
  /** The timer with this id. */
  timer: 3,
  /** The blocking job with this id. */
  job: 4,
  /** Code outside any poll on the thread with this id. */
  thread: 5,
  /** The reactor turn that encloses it; the id is 0. */
  turn: 6,
  /** The resource with this id. */
  resource: 7,
  /** The io_uring submission with this id. */
  submission: 8,
  /** The frame with this id. */
  frame: 9,
  /** An abort, asked for in the poll of the task with this id; 0 when not known. */
  abort: 10,
  /** The end of a runtime or of a set of tasks, in the poll of the task with this id; 0 when outside any. */
  shutdown: 11,
} as const;
export type CauseKind = (typeof causeKind)[keyof typeof causeKind];

/** In what a thread parks. */
export const parkKind = {
  /** In the readiness wait of the operating system (epoll_wait). Also with time-out 0, which is a look without a wait. */
  reactor: 1,
  /** On a lock; another thread has the reactor. */
  condvar: 2,
} as const;
export type ParkKind = (typeof parkKind)[keyof typeof parkKind];

/** Which operation was made on a source. */
export const operationKind = {
  /** Bytes from the operating system's buffer into the program's. */
  read: 1,
  /** Bytes into the operating system's buffer. */
  write: 2,
  /** A connection taken from a listener. */
  accept: 3,
  /** A connection begun, or found to be made. */
  connect: 4,
  /** Bytes that a turn read earlier handed to the task: no system call. */
  take: 5,
  /** The source was closed. */
  close: 6,
  /** The look whether a child process has ended, which takes its exit status; wouldBlock while it runs. */
  collect: 7,
  /** The reading side was shut down: what comes is no longer read. */
  shutdownRead: 8,
  /** The writing side was shut down: the peer reads the end of the stream. */
  shutdownWrite: 9,
  /** Both sides were shut down. */
  shutdownBoth: 10,
} as const;
export type OperationKind = (typeof operationKind)[keyof typeof operationKind];

/** What an operation gave. */
export const operationOutcome = {
  /** It succeeded; bytes says how many where it moves any, 0 at end of stream. */
  done: 1,
  /** Nothing was there; the operating system said so. */
  wouldBlock: 2,
  /** It failed; bytes is the operating system's error number. */
  error: 3,
} as const;
export type OperationOutcome = (typeof operationOutcome)[keyof typeof operationOutcome];

/** Who made the operation's system call. */
export const operationMaker = {
  /** The poll that encloses it. */
  poll: 1,
  /** The reactor's or loop's turn, outside any poll. */
  turn: 2,
  /** Other code on this thread. */
  thread: 3,
} as const;
export type OperationMaker = (typeof operationMaker)[keyof typeof operationMaker];

/** What a blocking job does. */
export const jobKind = {
  /** A closure given by the program. */
  other: 1,
  /** Writes a file. */
  fileWrite: 2,
  /** Reads a file. */
  fileRead: 3,
  /** Another file operation. */
  fileOther: 4,
  /** Name look-up. */
  dns: 5,
  /** Cryptography. */
  crypto: 6,
  /** Compression. */
  compression: 7,
  /** A question to a name server, over sockets of the resolver's own: no thread of a pool runs it. */
  query: 8,
} as const;
export type JobKind = (typeof jobKind)[keyof typeof jobKind];

/** The state of a task at a snapshot. */
export const taskState = {
  /** Not being polled; whether it waits or stands in a run queue the tier cannot see. */
  unknown: 0,
  /** Pending, a waker is stored. */
  idle: 1,
  /** In a run queue. */
  scheduled: 2,
  /** Being polled. */
  running: 3,
} as const;
export type TaskState = (typeof taskState)[keyof typeof taskState];

/** What an io_uring submission asks. */
export const submissionOperation = {
  /** Something else. */
  other: 1,
  /** Write. */
  write: 2,
  /** Read. */
  read: 3,
  /** Flush to the device. */
  sync: 4,
  /** Open. */
  open: 5,
  /** Close. */
  close: 6,
  /** Ask for the end of a submission whose future was dropped; that one completes with ECANCELED, or as it would have. */
  cancel: 7,
} as const;
export type SubmissionOperation = (typeof submissionOperation)[keyof typeof submissionOperation];

/** Why a debugger stopped the program. */
export const stopReason = {
  /** Not known. */
  unknown: 0,
  /** A breakpoint. */
  breakpoint: 1,
  /** A step ended. */
  step: 2,
  /** The user paused. */
  pause: 3,
  /** An exception or signal. */
  exception: 4,
  /** Stop on entry. */
  entry: 5,
} as const;
export type StopReason = (typeof stopReason)[keyof typeof stopReason];

/** Bits of a readiness field. */
export const readinessBit = {
  readable: 1,
  writable: 2,
  readClosed: 4,
  writeClosed: 8,
  error: 16,
  priority: 32,
} as const;

/** Bits of a interest field. */
export const interestBit = {
  readable: 1,
  writable: 2,
} as const;

/** Kinds of dictionary records. */
export const dictionaryKind = {
  /** A text that other records name by id. */
  text: 1,
  /** A place in the source. */
  site: 2,
  /** A list of places, innermost first. */
  stack: 3,
  /** One executor of the program. */
  runtime: 4,
  /** A thread that records events. */
  thread: 5,
  /** A spawned unit with an id that is never reused in a session. */
  task: 6,
  /** A thing whose readiness the reactor watches. */
  source: 7,
  /** A thing inside the program that tasks wait for. */
  resource: 8,
} as const;

/** Kinds of events. */
export const eventKind = {
  /** The task exists from this tick on. Its dictionary record came before. */
  taskSpawn: 32,
  /** A poll of a task begins on this thread. Nests only where a runtime is run inside a poll. */
  pollStart: 33,
  /** The innermost open poll of this thread ends. */
  pollEnd: 34,
  /** A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes. */
  wake: 35,
  /** A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made. */
  wakeFrom: 36,
  /** How often the task's waker was cloned and dropped since the last such record of that task. */
  wakerCounts: 37,
  /** The task is over. At most one per task. */
  taskEnd: 38,
  /** As pollEnd with the outcome pending, of a task that awaits in one place: a waitStart of unknown kind with that stack, just before the end, in one record. */
  pollEndAt: 39,
  /** A frame (async call, branch, wrapped future) begins inside a task. */
  frameOpen: 40,
  /** The frame is polled, inside the open poll. Nests. */
  frameEnter: 41,
  /** The innermost entered frame of this thread is left. */
  frameLeave: 42,
  /** The frame is over. */
  frameEnd: 43,
  /** A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. Of unknown kind and with a stack, just before the poll's end: where the task awaits, as its future says; the chain of a wait that was told before, else a wait by itself. */
  waitStart: 44,
  /** A frame's promise held a value and no error, told after a frameEnd of unknown outcome. */
  settle: 45,
  /** A frame's promise held an error. Told after its frameEnd, whatever outcome that had, and after what awaited it went on. */
  reject: 46,
  /** Where a task awaits since a poll of it returned pending, found out later and by another thread: as a waitStart of unknown kind with that stack, just before the poll's end. A poll has either these or those. Orders nothing and causes nothing. */
  waitFound: 47,
  /** A task holds the resource (or took a permit, or received a value). */
  resourceAcquire: 48,
  /** The holder gave it back (or a value was sent). */
  resourceRelease: 49,
  /** The resource is gone. */
  resourceDrop: 50,
  /** The source is registered with the reactor. */
  sourceRegister: 51,
  /** The source leaves the reactor. */
  sourceDeregister: 52,
  /** This thread parks. Between park and unpark it records nothing. */
  park: 53,
  /** The park ended; the turn that follows lasts to the next park of this thread. */
  unpark: 54,
  /** The kernel reports a source ready. Belongs to the turn that encloses it. */
  readiness: 55,
  /** An operation on a source, stamped at its end. */
  operation: 56,
  /** An operation was put into a completion ring. */
  submission: 57,
  /** The kernel finished a submission. */
  completion: 58,
  /** A timer is put into the queue. */
  timerSet: 59,
  /** The timer's deadline passed and its waker is called. */
  timerFire: 60,
  /** The timer left the queue before its deadline. */
  timerCancel: 61,
  /** A blocking job is handed to the pool. */
  jobSubmit: 62,
  /** A pool thread begins the job. Absent where the pool's threads cannot be seen. */
  jobStart: 63,
  /** The job is done, on the thread that ran it, else where its completion was noticed. */
  jobEnd: 64,
  /** The blocking pool changed its size or queue. */
  poolState: 65,
  /** The thread begins to work for its runtime. */
  threadStart: 66,
  /** The thread stops to work for its runtime; the last event it records. */
  threadStop: 67,
  /** Processor time this thread has used so far. */
  threadCpu: 68,
  /** The runtime is shut down. */
  runtimeStop: 69,
  /** A span of the user's begins. */
  spanOpen: 70,
  /** It ends. */
  spanClose: 71,
  /** An instant that the user marked. */
  marker: 72,
  /** A debugger stopped the program. Written by the collector, on its own thread. */
  debuggerStop: 73,
  /** The program goes on. */
  debuggerContinue: 74,
  /** Recording begins late: what is alive follows, up to snapshotEnd of the same thread. */
  snapshotStart: 75,
  /** A task that was alive when recording began. Its earlier life is not known. */
  snapshotTask: 76,
  /** All that was alive has been told. */
  snapshotEnd: 77,
  /** What is recorded changed at this tick. */
  detailChange: 78,
  /** How an ended poll of outcome returned turned out. On the thread of that poll, after its end and before the task's. */
  pollSettled: 84,
  /** A poll that is open for long, looked at: by a watchdog, on a thread of its own, while the poll goes on; and once more by the poll's own thread as the poll ends. Orders nothing and causes nothing. */
  pollSample: 90,
  /** What the frame awaits was settled, so that it is to go on. Beside the wake of its task, which may be told later: a task has one wake at a time, its frames may each have one. */
  frameWake: 92,
  /** A pool thread begins a job whose submission the tier does not see: no jobSubmit of it is told, so how long it was queued is not known. */
  jobSeen: 94,
  /** Why the job failed; its jobEnd follows on the same thread, with the outcome panicked or cancelled. */
  jobError: 96,
  /** The other end of the operation that follows on this thread at the same source: datagrams come from many, and go to many. */
  operationPeer: 97,
  /** What a frame awaited was rejected, so that its await threw. Told after the frame went on; not where it awaited a frame, whose reject says the same. */
  waitRejected: 98,
} as const;

/** Where each field of an event stands among its fields. */
export const eventField = {
  taskSpawn: { task: 0, parent: 1 },
  pollStart: { task: 0, epoch: 1 },
  pollEnd: { outcome: 0 },
  wake: { task: 0, epoch: 1, effect: 2 },
  wakeFrom: { task: 0, epoch: 1, effect: 2, causeKind: 3, causeId: 4, epochAfter: 5 },
  wakerCounts: { task: 0, clones: 1, drops: 2 },
  taskEnd: { task: 0, outcome: 1, byKind: 2, byId: 3 },
  pollEndAt: { stack: 0 },
  frameOpen: { frame: 0, parent: 1, task: 2, frameKind: 3, site: 4, name: 5 },
  frameEnter: { frame: 0 },
  frameLeave: { outcome: 0 },
  frameEnd: { frame: 0, outcome: 1 },
  waitStart: { frame: 0, onKind: 1, onId: 2, interest: 3, site: 4, stack: 5 },
  settle: { frame: 0 },
  reject: { frame: 0, error: 1 },
  waitFound: { task: 0, epoch: 1, stack: 2, count: 3 },
  resourceAcquire: { resource: 0, task: 1, amount: 2 },
  resourceRelease: { resource: 0, task: 1, amount: 2 },
  resourceDrop: { resource: 0 },
  sourceRegister: { source: 0, interest: 1, token: 2 },
  sourceDeregister: { source: 0 },
  park: { parkKind: 0, timeoutNs: 1, timer: 2 },
  unpark: { parkKind: 0, events: 1 },
  readiness: { source: 0, mask: 1, waitingBytes: 2 },
  operation: { source: 0, operationKind: 1, outcome: 2, bytes: 3, madeBy: 4 },
  submission: { submission: 0, source: 1, operation: 2, bytes: 3, depth: 4 },
  completion: { submission: 0, result: 1 },
  timerSet: { timer: 0, task: 1, delayNs: 2 },
  timerFire: { timer: 0, latenessNs: 1 },
  timerCancel: { timer: 0 },
  jobSubmit: { job: 0, jobKind: 1, task: 2, site: 3, name: 4, queued: 5, runtime: 6 },
  jobStart: { job: 0, queued: 1 },
  jobEnd: { job: 0, outcome: 1, bytes: 2 },
  poolState: { runtime: 0, threads: 1, idle: 2, queued: 3 },
  threadStart: {  },
  threadStop: {  },
  threadCpu: { cpuNs: 0 },
  runtimeStop: { runtime: 0 },
  spanOpen: { span: 0, task: 1, name: 2, site: 3 },
  spanClose: { span: 0 },
  marker: { name: 0, task: 1, value: 2 },
  debuggerStop: { reason: 0, osThread: 1 },
  debuggerContinue: {  },
  snapshotStart: {  },
  snapshotTask: { task: 0, epoch: 1, state: 2, onKind: 3, onId: 4, site: 5 },
  snapshotEnd: {  },
  detailChange: { detail: 0 },
  pollSettled: { task: 0, epoch: 1, outcome: 2 },
  pollSample: { task: 0, epoch: 1, wallNs: 2, watchedNs: 3, cpuNs: 4, stack: 5 },
  frameWake: { frame: 0, causeKind: 1, causeId: 2 },
  jobSeen: { job: 0, jobKind: 1, runtime: 2 },
  jobError: { job: 0, error: 1 },
  operationPeer: { source: 0, peer: 1 },
  waitRejected: { frame: 0, sinceNs: 1, error: 2 },
} as const;

/** A text that other records name by id. */
export interface TextRecord {
  readonly record: 'text';
  /** From 1; 0 elsewhere means no text. */
  readonly id: number;
  /** The text. */
  readonly text: string;
}

/** A place in the source. */
export interface SiteRecord {
  readonly record: 'site';
  /** From 1; 0 elsewhere means not known. */
  readonly id: number;
  /** Path as the compiler or the runtime gave it: absolute, or relative to where the build ran; 0 when only the function is known. */
  readonly file: number;
  /** From 1; 0 when only the function is known. */
  readonly line: number;
  /** From 1; 0 when not known. */
  readonly column: number;
  /** The enclosing function's name; 0 when not known. */
  readonly function: number;
}

/** A list of places, innermost first. */
export interface StackRecord {
  readonly record: 'stack';
  /** From 1; 0 elsewhere means not captured. */
  readonly id: number;
  /** Innermost first. */
  readonly sites: readonly number[];
  /** Of a chain of awaits the one of them to show: the innermost await in the program's own code, else the innermost that has a line; 0 when not told. */
  readonly site: number;
}

/** One executor of the program. */
export interface RuntimeRecord {
  readonly record: 'runtime';
  /** From 1; 0 elsewhere means no runtime. */
  readonly id: number;
  /** Its name; 0 when it has none. */
  readonly name: number;
  /** Which executor. One of runtimeFlavor. */
  readonly flavor: number;
  /** How many threads poll its tasks. */
  readonly workers: number;
  /** The most threads its blocking pool may have; 0 when it has none or it is not known. */
  readonly poolLimit: number;
}

/** A thread that records events. */
export interface ThreadRecord {
  readonly record: 'thread';
  /** From 1, never reused. Chunks name it. */
  readonly id: number;
  /** The operating system's thread id (Linux: tid), which debuggers show; 0 when there is none. */
  readonly osId: number;
  /** Its name; 0 when it has none. */
  readonly name: number;
  /** The runtime that owns it; 0 when none does. */
  readonly runtime: number;
  /** What it does. One of threadRole. */
  readonly role: number;
}

/** A spawned unit with an id that is never reused in a session. */
export interface TaskRecord {
  readonly record: 'task';
  /** From 1; 0 elsewhere means no task. */
  readonly id: number;
  /** The task whose poll spawned it; 0 when it was spawned outside any poll. */
  readonly parent: number;
  /** Where it was spawned; 0 when not known. */
  readonly site: number;
  /** Name given by the program, else the future's type; 0 when neither is known. */
  readonly name: number;
  /** How it came to be. One of taskKind. */
  readonly taskKind: number;
  /** Who owns it; 0 when not known. */
  readonly runtime: number;
}

/** A thing whose readiness the reactor watches. */
export interface SourceRecord {
  readonly record: 'source';
  /** From 1, never reused (fds are). */
  readonly id: number;
  /** File descriptor; -1 when there is none or it is not known. */
  readonly fd: number;
  /** What it is. One of sourceKind. */
  readonly sourceKind: number;
  /** Local address; 0 when there is none or it is not known. */
  readonly local: number;
  /** Peer's address; 0 when there is none or it is not known. */
  readonly peer: number;
  /** Where it was made; 0 when not known. */
  readonly site: number;
}

/** A thing inside the program that tasks wait for. */
export interface ResourceRecord {
  readonly record: 'resource';
  /** From 1, never reused. */
  readonly id: number;
  /** What it is. One of resourceKind. */
  readonly resourceKind: number;
  /** Its name; 0 when it has none. */
  readonly name: number;
  /** Where it was made; 0 when not known. */
  readonly site: number;
}

/** The task exists from this tick on. Its dictionary record came before. */
export interface TaskSpawnRecord {
  readonly record: 'taskSpawn';
  /** The new task. */
  readonly task: number;
  /** As in the dictionary; 0 when none. */
  readonly parent: number;
}

/** A poll of a task begins on this thread. Nests only where a runtime is run inside a poll. */
export interface PollStartRecord {
  readonly record: 'pollStart';
  /** The task polled. */
  readonly task: number;
  /** How many polls of the task have begun, this one included: the first poll has epoch 1. */
  readonly epoch: number;
}

/** The innermost open poll of this thread ends. */
export interface PollEndRecord {
  readonly record: 'pollEnd';
  /** How it ended. One of pollOutcome. */
  readonly outcome: number;
}

/** A wake made by what runs on this thread now: the innermost open poll, else the open job, else the thread. Stamped before the target's state changes. */
export interface WakeRecord {
  readonly record: 'wake';
  /** The target. */
  readonly task: number;
  /** How many polls of the target had begun when the wake was made, read before the state change: the wake asks for poll epoch + 1. 0 before the first poll. */
  readonly epoch: number;
  /** What it did. One of wakeEffect. */
  readonly effect: number;
}

/** A wake whose cause is told apart from what runs on this thread, or whose epoch changed while it was made. */
export interface WakeFromRecord {
  readonly record: 'wakeFrom';
  /** The target. */
  readonly task: number;
  /** As in wake. */
  readonly epoch: number;
  /** As in wake. One of wakeEffect. */
  readonly effect: number;
  /** What called the waker. unknown: what runs on this thread, as in wake. One of causeKind. */
  readonly causeKind: number;
  /** Id of that kind; 0 for turn and unknown. */
  readonly causeId: number;
  /** Epoch read again after the wake. Where it differs from epoch the wake asked for one of the polls epoch + 1 … epochAfter + 1, and the link is ambiguous. */
  readonly epochAfter: number;
}

/** How often the task's waker was cloned and dropped since the last such record of that task. */
export interface WakerCountsRecord {
  readonly record: 'wakerCounts';
  /** Whose waker. */
  readonly task: number;
  /** Clones. */
  readonly clones: number;
  /** Drops of clones. Clones minus drops over a task's life are the wakers still stored. */
  readonly drops: number;
}

/** The task is over. At most one per task. */
export interface TaskEndRecord {
  readonly record: 'taskEnd';
  /** Which. */
  readonly task: number;
  /** How. One of endOutcome. */
  readonly outcome: number;
  /** Who cancelled it: poll (of task byId), thread, abort or shutdown; unknown unless cancelled. thread where the runtime dropped it and does not tell why. One of causeKind. */
  readonly byKind: number;
  /** Id of that kind; 0 when not known. */
  readonly byId: number;
}

/** As pollEnd with the outcome pending, of a task that awaits in one place: a waitStart of unknown kind with that stack, just before the end, in one record. */
export interface PollEndAtRecord {
  readonly record: 'pollEndAt';
  /** The chain of awaits. */
  readonly stack: number;
}

/** A frame (async call, branch, wrapped future) begins inside a task. */
export interface FrameOpenRecord {
  readonly record: 'frameOpen';
  /** From 1, never reused. */
  readonly frame: number;
  /** The enclosing frame; 0 for the task itself. */
  readonly parent: number;
  /** Whose. */
  readonly task: number;
  /** What it is. One of frameKindOfTask. */
  readonly frameKind: number;
  /** Where; 0 when not known. */
  readonly site: number;
  /** Function or branch name; 0 when not known. */
  readonly name: number;
}

/** The frame is polled, inside the open poll. Nests. */
export interface FrameEnterRecord {
  readonly record: 'frameEnter';
  /** Which. */
  readonly frame: number;
}

/** The innermost entered frame of this thread is left. */
export interface FrameLeaveRecord {
  readonly record: 'frameLeave';
  /** How. One of pollOutcome. */
  readonly outcome: number;
}

/** The frame is over. */
export interface FrameEndRecord {
  readonly record: 'frameEnd';
  /** Which. */
  readonly frame: number;
  /** How. One of endOutcome. */
  readonly outcome: number;
}

/** A leaf of the open poll stored a waker. Holds until the task's next poll. One poll may have several. Of unknown kind and with a stack, just before the poll's end: where the task awaits, as its future says; the chain of a wait that was told before, else a wait by itself. */
export interface WaitStartRecord {
  readonly record: 'waitStart';
  /** The innermost frame; 0 for the task itself. */
  readonly frame: number;
  /** What it waits for. One of causeKind. */
  readonly onKind: number;
  /** Id of that kind. Of unknown kind with a stack: how many of the futures that the task polls await there, as of a join; 0 for one. */
  readonly onId: number;
  /** For a source: which readiness; else 0. Bits of interestBit. */
  readonly interest: number;
  /** The await; 0 when not known. */
  readonly site: number;
  /** The chain of awaits; 0 when not captured. */
  readonly stack: number;
}

/** A frame's promise held a value and no error, told after a frameEnd of unknown outcome. */
export interface SettleRecord {
  readonly record: 'settle';
  /** Which. */
  readonly frame: number;
}

/** A frame's promise held an error. Told after its frameEnd, whatever outcome that had, and after what awaited it went on. */
export interface RejectRecord {
  readonly record: 'reject';
  /** Which. */
  readonly frame: number;
  /** The error's name; 0 when not recorded. */
  readonly error: number;
}

/** Where a task awaits since a poll of it returned pending, found out later and by another thread: as a waitStart of unknown kind with that stack, just before the poll's end. A poll has either these or those. Orders nothing and causes nothing. */
export interface WaitFoundRecord {
  readonly record: 'waitFound';
  /** Whose poll. */
  readonly task: number;
  /** Which poll of the task. */
  readonly epoch: number;
  /** The chain of awaits. */
  readonly stack: number;
  /** How many of the futures that the task polls await there; 0 for one. */
  readonly count: number;
}

/** A task holds the resource (or took a permit, or received a value). */
export interface ResourceAcquireRecord {
  readonly record: 'resourceAcquire';
  /** Which. */
  readonly resource: number;
  /** The holder; 0 outside any task. */
  readonly task: number;
  /** Permits or values; 1 for a mutex. */
  readonly amount: number;
}

/** The holder gave it back (or a value was sent). */
export interface ResourceReleaseRecord {
  readonly record: 'resourceRelease';
  /** Which. */
  readonly resource: number;
  /** Who; 0 outside any task. */
  readonly task: number;
  /** Permits or values. */
  readonly amount: number;
}

/** The resource is gone. */
export interface ResourceDropRecord {
  readonly record: 'resourceDrop';
  /** Which. */
  readonly resource: number;
}

/** The source is registered with the reactor. */
export interface SourceRegisterRecord {
  readonly record: 'sourceRegister';
  /** Which. */
  readonly source: number;
  /** What is asked. Bits of interestBit. */
  readonly interest: number;
  /** The reactor's key; 0 when not known. */
  readonly token: number;
}

/** The source leaves the reactor. */
export interface SourceDeregisterRecord {
  readonly record: 'sourceDeregister';
  /** Which. */
  readonly source: number;
}

/** This thread parks. Between park and unpark it records nothing. */
export interface ParkRecord {
  readonly record: 'park';
  /** In what. One of parkKind. */
  readonly parkKind: number;
  /** Time-out in ns plus 1; 1 for a look without a wait; 0 for none (until something happens), or, where the capability parkTimeouts is not recorded, not known. */
  readonly timeoutNs: number;
  /** The timer whose deadline is the time-out; 0 when there is none or it is not known. */
  readonly timer: number;
}

/** The park ended; the turn that follows lasts to the next park of this thread. */
export interface UnparkRecord {
  readonly record: 'unpark';
  /** As in park. One of parkKind. */
  readonly parkKind: number;
  /** Readiness events that came with it; 0 also where the tier cannot count them. */
  readonly events: number;
}

/** The kernel reports a source ready. Belongs to the turn that encloses it. */
export interface ReadinessRecord {
  readonly record: 'readiness';
  /** Which; 0 when the token is not known. */
  readonly source: number;
  /** What. Bits of readinessBit. */
  readonly mask: number;
  /** Bytes in the operating system's buffer plus 1; 0 when not asked. */
  readonly waitingBytes: number;
}

/** An operation on a source, stamped at its end. */
export interface OperationRecord {
  readonly record: 'operation';
  /** Which; 0 when not known. */
  readonly source: number;
  /** Which operation. One of operationKind. */
  readonly operationKind: number;
  /** What came of it. One of operationOutcome. */
  readonly outcome: number;
  /** Bytes moved; for error the error number; else 0. */
  readonly bytes: number;
  /** Who made the system call. One of operationMaker. */
  readonly madeBy: number;
}

/** An operation was put into a completion ring. */
export interface SubmissionRecord {
  readonly record: 'submission';
  /** From 1, never reused. */
  readonly submission: number;
  /** The ring. */
  readonly source: number;
  /** What it asks. One of submissionOperation. */
  readonly operation: number;
  /** Bytes asked for. */
  readonly bytes: number;
  /** Operations in flight, this one included. */
  readonly depth: number;
}

/** The kernel finished a submission. */
export interface CompletionRecord {
  readonly record: 'completion';
  /** Which. */
  readonly submission: number;
  /** Bytes, or the negated error number. */
  readonly result: number;
}

/** A timer is put into the queue. */
export interface TimerSetRecord {
  readonly record: 'timerSet';
  /** From 1, never reused. */
  readonly timer: number;
  /** For whom; 0 when outside any task. */
  readonly task: number;
  /** From this event to the deadline, in ns; 0 when it has passed. */
  readonly delayNs: number;
}

/** The timer's deadline passed and its waker is called. */
export interface TimerFireRecord {
  readonly record: 'timerFire';
  /** Which. */
  readonly timer: number;
  /** How long after its deadline, in ns. */
  readonly latenessNs: number;
}

/** The timer left the queue before its deadline. */
export interface TimerCancelRecord {
  readonly record: 'timerCancel';
  /** Which. */
  readonly timer: number;
}

/** A blocking job is handed to the pool. */
export interface JobSubmitRecord {
  readonly record: 'jobSubmit';
  /** From 1, never reused. */
  readonly job: number;
  /** What it does. One of jobKind. */
  readonly jobKind: number;
  /** Who submitted it; 0 outside any task. */
  readonly task: number;
  /** Where; 0 when not known. */
  readonly site: number;
  /** For a file its path; 0 when it has none. */
  readonly name: number;
  /** Jobs waiting for a thread after this one was added. */
  readonly queued: number;
  /** Whose pool; 0 when not known. */
  readonly runtime: number;
}

/** A pool thread begins the job. Absent where the pool's threads cannot be seen. */
export interface JobStartRecord {
  readonly record: 'jobStart';
  /** Which. */
  readonly job: number;
  /** Jobs that still wait. */
  readonly queued: number;
}

/** The job is done, on the thread that ran it, else where its completion was noticed. */
export interface JobEndRecord {
  readonly record: 'jobEnd';
  /** Which. */
  readonly job: number;
  /** How. One of endOutcome. */
  readonly outcome: number;
  /** Bytes moved; 0 when it moves none or it is not known. */
  readonly bytes: number;
}

/** The blocking pool changed its size or queue. */
export interface PoolStateRecord {
  readonly record: 'poolState';
  /** Whose pool. */
  readonly runtime: number;
  /** Threads it has. */
  readonly threads: number;
  /** Of these, waiting for work. */
  readonly idle: number;
  /** Jobs that wait. */
  readonly queued: number;
}

/** The thread begins to work for its runtime. */
export interface ThreadStartRecord {
  readonly record: 'threadStart';
}

/** The thread stops to work for its runtime; the last event it records. */
export interface ThreadStopRecord {
  readonly record: 'threadStop';
}

/** Processor time this thread has used so far. */
export interface ThreadCpuRecord {
  readonly record: 'threadCpu';
  /** In ns, since the thread began. */
  readonly cpuNs: number;
}

/** The runtime is shut down. */
export interface RuntimeStopRecord {
  readonly record: 'runtimeStop';
  /** Which. */
  readonly runtime: number;
}

/** A span of the user's begins. */
export interface SpanOpenRecord {
  readonly record: 'spanOpen';
  /** From 1, never reused. */
  readonly span: number;
  /** In which task; 0 outside any. */
  readonly task: number;
  /** Its name. */
  readonly name: number;
  /** Where; 0 when not known. */
  readonly site: number;
}

/** It ends. */
export interface SpanCloseRecord {
  readonly record: 'spanClose';
  /** Which. */
  readonly span: number;
}

/** An instant that the user marked. */
export interface MarkerRecord {
  readonly record: 'marker';
  /** Its name. */
  readonly name: number;
  /** In which task; 0 outside any. */
  readonly task: number;
  /** A number of the user's; 0 when none was given. */
  readonly value: number;
}

/** A debugger stopped the program. Written by the collector, on its own thread. */
export interface DebuggerStopRecord {
  readonly record: 'debuggerStop';
  /** Why. One of stopReason. */
  readonly reason: number;
  /** The stopped thread's operating-system id; 0 when not known. */
  readonly osThread: number;
}

/** The program goes on. */
export interface DebuggerContinueRecord {
  readonly record: 'debuggerContinue';
}

/** Recording begins late: what is alive follows, up to snapshotEnd of the same thread. */
export interface SnapshotStartRecord {
  readonly record: 'snapshotStart';
}

/** A task that was alive when recording began. Its earlier life is not known. */
export interface SnapshotTaskRecord {
  readonly record: 'snapshotTask';
  /** Which. */
  readonly task: number;
  /** Polls begun so far. */
  readonly epoch: number;
  /** Its state. One of taskState. */
  readonly state: number;
  /** When idle, what it waits for; unknown when not known. One of causeKind. */
  readonly onKind: number;
  /** Id of that kind. */
  readonly onId: number;
  /** The await; 0 when not known. */
  readonly site: number;
}

/** All that was alive has been told. */
export interface SnapshotEndRecord {
  readonly record: 'snapshotEnd';
}

/** What is recorded changed at this tick. */
export interface DetailChangeRecord {
  readonly record: 'detailChange';
  /** The new level. One of detail. */
  readonly detail: number;
}

/** How an ended poll of outcome returned turned out. On the thread of that poll, after its end and before the task's. */
export interface PollSettledRecord {
  readonly record: 'pollSettled';
  /** Whose. */
  readonly task: number;
  /** Which poll of it. */
  readonly epoch: number;
  /** ready, or none when it was no poll. One of pollOutcome. */
  readonly outcome: number;
}

/** A poll that is open for long, looked at: by a watchdog, on a thread of its own, while the poll goes on; and once more by the poll's own thread as the poll ends. Orders nothing and causes nothing. */
export interface PollSampleRecord {
  readonly record: 'pollSample';
  /** Whose poll. */
  readonly task: number;
  /** Which poll of the task. */
  readonly epoch: number;
  /** From the poll's start to the look, in ns. The event itself may be written later. */
  readonly wallNs: number;
  /** For how long before the look, in ns, the thread's processor time was measured; 0 when it was not. Less than wallNs, as the watchdog notices a poll only some ms after its start. */
  readonly watchedNs: number;
  /** Processor time that the thread used in watchedNs, in ns. */
  readonly cpuNs: number;
  /** What the poll was doing; 0 when it was not captured, as at the poll's end. */
  readonly stack: number;
}

/** What the frame awaits was settled, so that it is to go on. Beside the wake of its task, which may be told later: a task has one wake at a time, its frames may each have one. */
export interface FrameWakeRecord {
  readonly record: 'frameWake';
  /** Which goes on. */
  readonly frame: number;
  /** Who settled it: a frame, else as in wakeFrom. One of causeKind. */
  readonly causeKind: number;
  /** Id of that kind; 0 for turn and unknown. */
  readonly causeId: number;
}

/** A pool thread begins a job whose submission the tier does not see: no jobSubmit of it is told, so how long it was queued is not known. */
export interface JobSeenRecord {
  readonly record: 'jobSeen';
  /** From 1, never reused. */
  readonly job: number;
  /** What it does. One of jobKind. */
  readonly jobKind: number;
  /** Whose pool; 0 when not known. */
  readonly runtime: number;
}

/** Why the job failed; its jobEnd follows on the same thread, with the outcome panicked or cancelled. */
export interface JobErrorRecord {
  readonly record: 'jobError';
  /** Which. */
  readonly job: number;
  /** The error's name. */
  readonly error: number;
}

/** The other end of the operation that follows on this thread at the same source: datagrams come from many, and go to many. */
export interface OperationPeerRecord {
  readonly record: 'operationPeer';
  /** Which. */
  readonly source: number;
  /** The other end's address. */
  readonly peer: number;
}

/** What a frame awaited was rejected, so that its await threw. Told after the frame went on; not where it awaited a frame, whose reject says the same. */
export interface WaitRejectedRecord {
  readonly record: 'waitRejected';
  /** Which awaited. */
  readonly frame: number;
  /** How long before this event the frameWake was that ended the wait, in ns. */
  readonly sinceNs: number;
  /** The error's name; 0 when not recorded. */
  readonly error: number;
}

/** Any dictionary record. */
export type DictionaryRecord =
  | TextRecord
  | SiteRecord
  | StackRecord
  | RuntimeRecord
  | ThreadRecord
  | TaskRecord
  | SourceRecord
  | ResourceRecord;

/** Any event, without its tick. */
export type EventRecord =
  | TaskSpawnRecord
  | PollStartRecord
  | PollEndRecord
  | WakeRecord
  | WakeFromRecord
  | WakerCountsRecord
  | TaskEndRecord
  | PollEndAtRecord
  | FrameOpenRecord
  | FrameEnterRecord
  | FrameLeaveRecord
  | FrameEndRecord
  | WaitStartRecord
  | SettleRecord
  | RejectRecord
  | WaitFoundRecord
  | ResourceAcquireRecord
  | ResourceReleaseRecord
  | ResourceDropRecord
  | SourceRegisterRecord
  | SourceDeregisterRecord
  | ParkRecord
  | UnparkRecord
  | ReadinessRecord
  | OperationRecord
  | SubmissionRecord
  | CompletionRecord
  | TimerSetRecord
  | TimerFireRecord
  | TimerCancelRecord
  | JobSubmitRecord
  | JobStartRecord
  | JobEndRecord
  | PoolStateRecord
  | ThreadStartRecord
  | ThreadStopRecord
  | ThreadCpuRecord
  | RuntimeStopRecord
  | SpanOpenRecord
  | SpanCloseRecord
  | MarkerRecord
  | DebuggerStopRecord
  | DebuggerContinueRecord
  | SnapshotStartRecord
  | SnapshotTaskRecord
  | SnapshotEndRecord
  | DetailChangeRecord
  | PollSettledRecord
  | PollSampleRecord
  | FrameWakeRecord
  | JobSeenRecord
  | JobErrorRecord
  | OperationPeerRecord
  | WaitRejectedRecord;

/** What a writer of this version may put on the wire, kind by kind. */
export interface Shape {
  readonly kind: number;
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: number }[];
}

export const shapes: readonly Shape[] = [
  { kind: 1, name: 'text', fields: [{ name: 'id', type: 1 }, { name: 'text', type: 3 }] },
  { kind: 2, name: 'site', fields: [{ name: 'id', type: 1 }, { name: 'file', type: 1 }, { name: 'line', type: 1 }, { name: 'column', type: 1 }, { name: 'function', type: 1 }] },
  { kind: 3, name: 'stack', fields: [{ name: 'id', type: 1 }, { name: 'sites', type: 4 }, { name: 'site', type: 1 }] },
  { kind: 4, name: 'runtime', fields: [{ name: 'id', type: 1 }, { name: 'name', type: 1 }, { name: 'flavor', type: 1 }, { name: 'workers', type: 1 }, { name: 'poolLimit', type: 1 }] },
  { kind: 5, name: 'thread', fields: [{ name: 'id', type: 1 }, { name: 'osId', type: 1 }, { name: 'name', type: 1 }, { name: 'runtime', type: 1 }, { name: 'role', type: 1 }] },
  { kind: 6, name: 'task', fields: [{ name: 'id', type: 1 }, { name: 'parent', type: 1 }, { name: 'site', type: 1 }, { name: 'name', type: 1 }, { name: 'taskKind', type: 1 }, { name: 'runtime', type: 1 }] },
  { kind: 7, name: 'source', fields: [{ name: 'id', type: 1 }, { name: 'fd', type: 2 }, { name: 'sourceKind', type: 1 }, { name: 'local', type: 1 }, { name: 'peer', type: 1 }, { name: 'site', type: 1 }] },
  { kind: 8, name: 'resource', fields: [{ name: 'id', type: 1 }, { name: 'resourceKind', type: 1 }, { name: 'name', type: 1 }, { name: 'site', type: 1 }] },
  { kind: 32, name: 'taskSpawn', fields: [{ name: 'task', type: 1 }, { name: 'parent', type: 1 }] },
  { kind: 33, name: 'pollStart', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }] },
  { kind: 34, name: 'pollEnd', fields: [{ name: 'outcome', type: 1 }] },
  { kind: 35, name: 'wake', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'effect', type: 1 }] },
  { kind: 36, name: 'wakeFrom', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'effect', type: 1 }, { name: 'causeKind', type: 1 }, { name: 'causeId', type: 1 }, { name: 'epochAfter', type: 1 }] },
  { kind: 37, name: 'wakerCounts', fields: [{ name: 'task', type: 1 }, { name: 'clones', type: 1 }, { name: 'drops', type: 1 }] },
  { kind: 38, name: 'taskEnd', fields: [{ name: 'task', type: 1 }, { name: 'outcome', type: 1 }, { name: 'byKind', type: 1 }, { name: 'byId', type: 1 }] },
  { kind: 39, name: 'pollEndAt', fields: [{ name: 'stack', type: 1 }] },
  { kind: 40, name: 'frameOpen', fields: [{ name: 'frame', type: 1 }, { name: 'parent', type: 1 }, { name: 'task', type: 1 }, { name: 'frameKind', type: 1 }, { name: 'site', type: 1 }, { name: 'name', type: 1 }] },
  { kind: 41, name: 'frameEnter', fields: [{ name: 'frame', type: 1 }] },
  { kind: 42, name: 'frameLeave', fields: [{ name: 'outcome', type: 1 }] },
  { kind: 43, name: 'frameEnd', fields: [{ name: 'frame', type: 1 }, { name: 'outcome', type: 1 }] },
  { kind: 44, name: 'waitStart', fields: [{ name: 'frame', type: 1 }, { name: 'onKind', type: 1 }, { name: 'onId', type: 1 }, { name: 'interest', type: 1 }, { name: 'site', type: 1 }, { name: 'stack', type: 1 }] },
  { kind: 45, name: 'settle', fields: [{ name: 'frame', type: 1 }] },
  { kind: 46, name: 'reject', fields: [{ name: 'frame', type: 1 }, { name: 'error', type: 1 }] },
  { kind: 47, name: 'waitFound', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'stack', type: 1 }, { name: 'count', type: 1 }] },
  { kind: 48, name: 'resourceAcquire', fields: [{ name: 'resource', type: 1 }, { name: 'task', type: 1 }, { name: 'amount', type: 1 }] },
  { kind: 49, name: 'resourceRelease', fields: [{ name: 'resource', type: 1 }, { name: 'task', type: 1 }, { name: 'amount', type: 1 }] },
  { kind: 50, name: 'resourceDrop', fields: [{ name: 'resource', type: 1 }] },
  { kind: 51, name: 'sourceRegister', fields: [{ name: 'source', type: 1 }, { name: 'interest', type: 1 }, { name: 'token', type: 1 }] },
  { kind: 52, name: 'sourceDeregister', fields: [{ name: 'source', type: 1 }] },
  { kind: 53, name: 'park', fields: [{ name: 'parkKind', type: 1 }, { name: 'timeoutNs', type: 1 }, { name: 'timer', type: 1 }] },
  { kind: 54, name: 'unpark', fields: [{ name: 'parkKind', type: 1 }, { name: 'events', type: 1 }] },
  { kind: 55, name: 'readiness', fields: [{ name: 'source', type: 1 }, { name: 'mask', type: 1 }, { name: 'waitingBytes', type: 1 }] },
  { kind: 56, name: 'operation', fields: [{ name: 'source', type: 1 }, { name: 'operationKind', type: 1 }, { name: 'outcome', type: 1 }, { name: 'bytes', type: 1 }, { name: 'madeBy', type: 1 }] },
  { kind: 57, name: 'submission', fields: [{ name: 'submission', type: 1 }, { name: 'source', type: 1 }, { name: 'operation', type: 1 }, { name: 'bytes', type: 1 }, { name: 'depth', type: 1 }] },
  { kind: 58, name: 'completion', fields: [{ name: 'submission', type: 1 }, { name: 'result', type: 2 }] },
  { kind: 59, name: 'timerSet', fields: [{ name: 'timer', type: 1 }, { name: 'task', type: 1 }, { name: 'delayNs', type: 1 }] },
  { kind: 60, name: 'timerFire', fields: [{ name: 'timer', type: 1 }, { name: 'latenessNs', type: 1 }] },
  { kind: 61, name: 'timerCancel', fields: [{ name: 'timer', type: 1 }] },
  { kind: 62, name: 'jobSubmit', fields: [{ name: 'job', type: 1 }, { name: 'jobKind', type: 1 }, { name: 'task', type: 1 }, { name: 'site', type: 1 }, { name: 'name', type: 1 }, { name: 'queued', type: 1 }, { name: 'runtime', type: 1 }] },
  { kind: 63, name: 'jobStart', fields: [{ name: 'job', type: 1 }, { name: 'queued', type: 1 }] },
  { kind: 64, name: 'jobEnd', fields: [{ name: 'job', type: 1 }, { name: 'outcome', type: 1 }, { name: 'bytes', type: 1 }] },
  { kind: 65, name: 'poolState', fields: [{ name: 'runtime', type: 1 }, { name: 'threads', type: 1 }, { name: 'idle', type: 1 }, { name: 'queued', type: 1 }] },
  { kind: 66, name: 'threadStart', fields: [] },
  { kind: 67, name: 'threadStop', fields: [] },
  { kind: 68, name: 'threadCpu', fields: [{ name: 'cpuNs', type: 1 }] },
  { kind: 69, name: 'runtimeStop', fields: [{ name: 'runtime', type: 1 }] },
  { kind: 70, name: 'spanOpen', fields: [{ name: 'span', type: 1 }, { name: 'task', type: 1 }, { name: 'name', type: 1 }, { name: 'site', type: 1 }] },
  { kind: 71, name: 'spanClose', fields: [{ name: 'span', type: 1 }] },
  { kind: 72, name: 'marker', fields: [{ name: 'name', type: 1 }, { name: 'task', type: 1 }, { name: 'value', type: 2 }] },
  { kind: 73, name: 'debuggerStop', fields: [{ name: 'reason', type: 1 }, { name: 'osThread', type: 1 }] },
  { kind: 74, name: 'debuggerContinue', fields: [] },
  { kind: 75, name: 'snapshotStart', fields: [] },
  { kind: 76, name: 'snapshotTask', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'state', type: 1 }, { name: 'onKind', type: 1 }, { name: 'onId', type: 1 }, { name: 'site', type: 1 }] },
  { kind: 77, name: 'snapshotEnd', fields: [] },
  { kind: 78, name: 'detailChange', fields: [{ name: 'detail', type: 1 }] },
  { kind: 84, name: 'pollSettled', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'outcome', type: 1 }] },
  { kind: 90, name: 'pollSample', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }, { name: 'wallNs', type: 1 }, { name: 'watchedNs', type: 1 }, { name: 'cpuNs', type: 1 }, { name: 'stack', type: 1 }] },
  { kind: 92, name: 'frameWake', fields: [{ name: 'frame', type: 1 }, { name: 'causeKind', type: 1 }, { name: 'causeId', type: 1 }] },
  { kind: 94, name: 'jobSeen', fields: [{ name: 'job', type: 1 }, { name: 'jobKind', type: 1 }, { name: 'runtime', type: 1 }] },
  { kind: 96, name: 'jobError', fields: [{ name: 'job', type: 1 }, { name: 'error', type: 1 }] },
  { kind: 97, name: 'operationPeer', fields: [{ name: 'source', type: 1 }, { name: 'peer', type: 1 }] },
  { kind: 98, name: 'waitRejected', fields: [{ name: 'frame', type: 1 }, { name: 'sinceNs', type: 1 }, { name: 'error', type: 1 }] },
  { kind: 104, name: 'pollPending', fields: [] },
  { kind: 105, name: 'wakeUnheard', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }] },
  { kind: 106, name: 'wakeScheduled', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }] },
  { kind: 107, name: 'wakeInTurn', fields: [{ name: 'task', type: 1 }, { name: 'epoch', type: 1 }] },
  { kind: 108, name: 'readDone', fields: [{ name: 'source', type: 1 }, { name: 'bytes', type: 1 }] },
  { kind: 109, name: 'writeDone', fields: [{ name: 'source', type: 1 }, { name: 'bytes', type: 1 }] },
  { kind: 110, name: 'readBlocked', fields: [{ name: 'source', type: 1 }] },
  { kind: 111, name: 'parkInReactor', fields: [{ name: 'timeoutNs', type: 1 }] },
  { kind: 112, name: 'unparkInReactor', fields: [{ name: 'events', type: 1 }] },
];

/** Kinds that stand for an event in fewer bytes. Readers put the whole event in their place. */
export const shortKind = {
  /** pollEnd of a poll that is pending. */
  pollPending: 104,
  /** wake whose effect the tier cannot see. */
  wakeUnheard: 105,
  /** wake that has put its target into a run queue. */
  wakeScheduled: 106,
  /** wakeFrom by the turn that encloses it, its effect not seen and its epoch the same after it. */
  wakeInTurn: 107,
  /** operation: a read by the poll that encloses it, done. */
  readDone: 108,
  /** operation: a write by the poll that encloses it, done. */
  writeDone: 109,
  /** operation: a read by the poll that encloses it, with nothing there. */
  readBlocked: 110,
  /** park in the reactor, its timer none or not known. */
  parkInReactor: 111,
  /** unpark from the reactor. */
  unparkInReactor: 112,
} as const;

/** What a kind of `shortKind` stands for: for each field of that event where it stands among the written ones, or -1. */
export interface ShortForm {
  readonly kind: number;
  readonly of: number;
  readonly from: readonly number[];
  /** What a field holds that is not written. */
  readonly value: readonly number[];
}

export const shortForms: readonly ShortForm[] = [
  { kind: 104, of: 34, from: [-1], value: [2] },
  { kind: 105, of: 35, from: [0, 1, -1], value: [0, 0, 0] },
  { kind: 106, of: 35, from: [0, 1, -1], value: [0, 0, 1] },
  { kind: 107, of: 36, from: [0, 1, -1, -1, -1, 1], value: [0, 0, 0, 6, 0, 0] },
  { kind: 108, of: 56, from: [0, -1, -1, 1, -1], value: [0, 1, 1, 0, 1] },
  { kind: 109, of: 56, from: [0, -1, -1, 1, -1], value: [0, 2, 1, 0, 1] },
  { kind: 110, of: 56, from: [0, -1, -1, -1, -1], value: [0, 1, 2, 0, 1] },
  { kind: 111, of: 53, from: [-1, 0, -1], value: [1, 0, 0] },
  { kind: 112, of: 54, from: [-1, 0], value: [1, 0] },
];
