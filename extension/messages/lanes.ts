// Owns what a lane is and in which states its spans can be, for the engine, the collector and the webview.
// Knows nothing of how they are found or drawn.

/** A row of the timeline. Lanes of a session stand in this order of kinds, a ring's after the pools'. */
export const laneKind = {
  /** One reactor: parked, turn; markers for readiness. */
  reactor: 1,
  /** One thread that polls tasks: which task it runs. */
  worker: 2,
  /** One blocking pool's queue: how many jobs wait. */
  poolQueue: 3,
  /** One thread of a blocking pool: which job it runs. */
  poolThread: 4,
  /** One task: running, scheduled, idle for a cause. */
  task: 5,
  /** One frame (branch, async call, traced future) inside a task. */
  frame: 6,
  /** One io_uring: how many submissions the kernel has not completed. */
  ring: 7,
  /** Spans that the program opened itself, of one task and one depth, below the task's lane; those outside of any task stand with the threads'. */
  section: 8,
} as const;
export type LaneKind = (typeof laneKind)[keyof typeof laneKind];

/** State of a span. A task lane is in exactly one of 1 … 9 at every instant of the task's life. */
export const spanState = {
  none: 0,
  running: 1,
  scheduled: 2,
  idleSource: 3,
  idleTimer: 4,
  idleJob: 5,
  idleTask: 6,
  idleResource: 7,
  idleUnknown: 8,
  gap: 9,
  /** Reactor lane: in the readiness wait of the operating system. */
  parked: 10,
  /** Reactor lane: from unpark to the next park. */
  turn: 11,
  /** Worker lane: parked on a lock while another thread has the reactor. */
  parkedOnLock: 12,
  /** Pool lane: a job runs. Pool queue lane: jobs wait. */
  job: 13,
  queued: 14,
  /** Ring lane: submissions are under way in the kernel. */
  inFlight: 15,
  /** Section lane: a span of the program's own is open. */
  section: 16,
} as const;
export type SpanState = (typeof spanState)[keyof typeof spanState];

/** Instants drawn on a lane. */
export const markerKind = {
  wake: 1,
  readiness: 2,
  read: 3,
  write: 4,
  wouldBlock: 5,
  timerFire: 6,
  jobSubmit: 7,
  user: 8,
  accept: 9,
  connect: 10,
  take: 11,
  /** A watchdog looked at a poll that had been open for long. */
  sample: 12,
} as const;
export type MarkerKind = (typeof markerKind)[keyof typeof markerKind];

/** Bits of a span's flags. */
export const spanFlag = {
  /** Not over yet at the last tick that is known. */
  open: 1,
  /** Beyond the lowest watermark: may still change. */
  provisional: 2,
  /** A poll with no wake before it. */
  spurious: 4,
  /** The cause is inferred, not recorded. */
  inferred: 8,
  /** The cause is not known. */
  unknownCause: 16,
  /** Contains a debugger stop: left out of every statistic. */
  stopped: 32,
  /** The poll ended ready (and so the task), or panicked. */
  ready: 64,
  panicked: 128,
} as const;

/** How sure a causal link is. */
export type Certainty = 'recorded' | 'inferred' | 'unknown';

/** A place in the source as the program gave it; the host finds the file. */
export interface SourceSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly functionName: string;
}
