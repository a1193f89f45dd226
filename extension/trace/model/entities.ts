// Owns the plain objects of the model: tasks, threads, jobs, timers, sources and the rest, as they are filled while reading.
// Knows nothing of how events arrive or of what is asked.
import { resourceKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { Column, none, type SlotTable, words } from './columns.ts';
import { PollSpans, SpanColumns } from './disjoint-spans.ts';

/** Names that the dictionary gives; absent ids read as undefined. */
export interface Site {
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly functionName: number;
}

export interface Source {
  readonly fd: number;
  readonly sourceKind: number;
  readonly local: number;
  readonly peer: number;
  readonly site: number;
}

export interface Resource {
  readonly resourceKind: number;
  readonly name: number;
  readonly site: number;
}

/** Whether a resource of that kind belongs to a task for a while, other than a channel or a notify. */
export function isHeld(kind: number): boolean {
  return kind === resourceKind.mutex || kind === resourceKind.rwLock || kind === resourceKind.semaphore;
}

export interface Runtime {
  readonly name: number;
  readonly flavor: number;
  readonly workers: number;
  readonly poolLimit: number;
}

/** A task and the pages in which its polls stand, ordered by epoch. */
export class Task {
  readonly index: number;
  readonly id: number;
  readonly lane: number;
  parent = 0;
  site = 0;
  name = 0;
  taskKind = 0;
  runtime = 0;
  /** NaN until its spawn is known. */
  spawnNs = Number.NaN;
  spawnThread = -1;
  spawnLog: number = none;
  /** The earliest event that names it. */
  firstNs = Number.POSITIVE_INFINITY;
  /** NaN until its taskEnd is known. */
  taskEndNs = Number.NaN;
  endOutcome = 0;
  endByKind = 0;
  endById = 0;
  /** Undefined but for a task that was alive when recording began. */
  snapshot: Snapshot | undefined = undefined;
  polls = 0;
  highestPollEpoch = -1;
  /** The lowest epoch whose poll ended ready or panicked: the life ends with it. */
  finalEpoch = Number.POSITIVE_INFINITY;
  /** Pages in order of epoch, and which 16 epochs each holds: page number = floor(epoch / 16). */
  readonly pages: number[] = [];
  readonly pageNumbers: number[] = [];
  /** The last of them and its first slot: where nearly everything happens. */
  lastPageNumber = -1;
  lastPageSlot = 0;
  /** How many pages have a valid prefix record. Page 0's is made at the first reading. */
  validPages = 0;
  /** From this page on a cause was not final when it was last looked at. */
  recheckFromPage = Number.POSITIVE_INFINITY;
  /** In the list of tasks whose totals are to be brought up to date. */
  dirty = false;
  /** Site under which its totals are counted; -1 before they are. */
  countedSite = -1;

  constructor(index: number, id: number, lane: number) {
    this.index = index;
    this.id = id;
    this.lane = lane;
  }
}

export interface Snapshot {
  readonly ns: number;
  readonly epoch: number;
  readonly state: number;
  readonly onKind: number;
  readonly onId: number;
  readonly site: number;
}

const logShift = 12;
const logSegment = 1 << logShift;
const logMask = logSegment - 1;
const bytesPerLogEntry = 18;

/** 4,096 entries of 18 bytes; the first segment of a log is smaller, because most threads of a pool say little. */
class LogSegment {
  readonly ns: Float64Array;
  readonly kind: Uint8Array;
  readonly detail: Uint8Array;
  readonly a: Uint32Array;
  readonly b: Uint32Array;

  constructor(length: number) {
    this.ns = new Float64Array(length);
    this.kind = new Uint8Array(length);
    this.detail = new Uint8Array(length);
    this.a = new Uint32Array(length);
    this.b = new Uint32Array(length);
  }

  copyFrom(other: LogSegment): void {
    this.ns.set(other.ns);
    this.kind.set(other.kind);
    this.detail.set(other.detail);
    this.a.set(other.a);
    this.b.set(other.b);
  }
}

/** Notable events of one thread in its own order: what turns, polls and jobs did. */
export class ThreadLog {
  private readonly segments: LogSegment[] = [];
  /** Values of `b` that 32 bits do not hold. */
  private readonly wide = new Map<number, number>();
  length = 0;

  push(ns: number, kind: number, detail: number, a: number, b: number): number {
    const index = this.length++;
    const within = index & logMask;
    let segment = this.segments[index >>> logShift];
    if (segment === undefined || within >= segment.ns.length)
      segment = this.grow(index >>> logShift, segment);
    segment.ns[within] = ns;
    segment.kind[within] = kind;
    segment.detail[within] = detail;
    // An id that 32 bits do not hold comes from no counter: it reads as not known.
    segment.a[within] = a < none ? a : 0;
    segment.b[within] = Math.min(b, none);
    if (b >= none) this.wide.set(index, b);
    return index;
  }

  nsOf(index: number): number {
    return this.segments[index >>> logShift]?.ns[index & logMask] ?? 0;
  }

  /** An event kind of the wire. */
  kindOf(index: number): number {
    return this.segments[index >>> logShift]?.kind[index & logMask] ?? 0;
  }

  /** By kind: operation kind + 16 × outcome + 64 × maker; effect of a wake; kind of a park; readiness mask; 1 of a mark below 0; else 0. */
  detailOf(index: number): number {
    return this.segments[index >>> logShift]?.detail[index & logMask] ?? 0;
  }

  /** By kind: source, timer, job, task index, turn number, name. */
  idOf(index: number): number {
    return this.segments[index >>> logShift]?.a[index & logMask] ?? 0;
  }

  /** By kind: bytes (of a readiness those that wait, plus 1), epoch, time-out, task of an acquire or release, a mark's number without its sign. */
  valueOf(index: number): number {
    const b = this.segments[index >>> logShift]?.b[index & logMask] ?? 0;
    return b === none ? (this.wide.get(index) ?? b) : b;
  }

  /** First entry at or after `atNs`. */
  firstAt(atNs: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.nsOf(middle) >= atNs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.ns.length * bytesPerLogEntry, 0);
  }

  private grow(number: number, old: LogSegment | undefined): LogSegment {
    const length = number > 0 ? logSegment : Math.min(logSegment, Math.max(64, (old?.ns.length ?? 0) * 4));
    const larger = new LogSegment(length);
    if (old !== undefined) larger.copyFrom(old);
    this.segments[number] = larger;
    return larger;
  }
}

/** How an operation stands in a log's detail byte. */
export const operationDetail = {
  kindMask: 15,
  outcomeShift: 4,
  outcomeMask: 3,
  makerShift: 6,
} as const;

/** A poll that a thread has begun and not ended. Used again after its end: nobody keeps it. */
export interface OpenPoll {
  task: Task;
  epoch: number;
  slot: number;
  /** Its newest wait in the table of waits; `none` when it has none. */
  lastWait: number;
}

export class Thread {
  readonly index: number;
  readonly id: number;
  osId = 0;
  name = 0;
  runtime = 0;
  role = 0;
  sequence = 0;
  end = 0;
  dropped = 0;
  /** Of the last event read. */
  lastNs = 0;
  eventCount = 0;
  /** Of the first event read. */
  firstNs = 0;
  stopped = false;
  /** Its watermark; -1 before the first. */
  watermarkNs = -1;
  cpuNs = 0;
  open: OpenPoll[] = [];
  /** One ended poll's record, for the next to begin. */
  spare: OpenPoll | undefined = undefined;
  openFrames: number[] = [];
  openJob = 0;
  readonly log = new ThreadLog();
  /** Lanes, -1 until the thread does such a thing. */
  reactorLane = -1;
  workerLane = -1;
  poolLane = -1;
  readonly polls: PollSpans;
  readonly lockParks = new SpanColumns();
  readonly parks = new SpanColumns();
  readonly turns = new SpanColumns();
  readonly jobs = new SpanColumns();
  /** Where in the log each turn begins; same index as `turns`. */
  readonly turnLog = new Column(words);
  /** Where in the log the instants of the reactor's lane stand: readiness, timers that fire, operations of turns. */
  readonly reactorMarks = new Column(words);
  /** Where in the log each park and each unpark of either kind stands. */
  readonly parkLog = new Column(words);
  readonly unparkLog = new Column(words);

  constructor(index: number, id: number, slots: SlotTable, taskId: (taskIndex: number) => number) {
    this.index = index;
    this.id = id;
    this.polls = new PollSpans(slots, taskId);
  }

  get bytes(): number {
    const spans =
      this.polls.bytes + this.lockParks.bytes + this.parks.bytes + this.turns.bytes + this.jobs.bytes;
    return spans + this.log.bytes + this.turnLog.bytes;
  }
}

export interface Job {
  readonly id: number;
  jobKind: number;
  task: number;
  site: number;
  name: number;
  runtime: number;
  /** NaN until known. */
  submitNs: number;
  startNs: number;
  endNs: number;
  outcome: number;
  /** Text: why it failed; 0 when it did not, or that is not known. */
  error: number;
  bytes: number;
  /** Index of the thread that ran it; -1 until known. */
  thread: number;
}

export interface Timer {
  readonly id: number;
  task: number;
  setNs: number;
  delayNs: number;
  fireNs: number;
  latenessNs: number;
  cancelNs: number;
}

export interface Submission {
  readonly id: number;
  /** The ring's source; 0 until known. */
  source: number;
  /** The task whose poll made it; 0 outside any, and until known. */
  task: number;
  operation: number;
  bytes: number;
  submitNs: number;
  completeNs: number;
  result: number;
  /** How many were under way with it; 0 until known. */
  depth: number;
}

export interface Gap {
  readonly fromNs: number;
  readonly toNs: number;
  readonly thread: number;
  readonly dropped: number;
}

export interface Stop {
  readonly fromNs: number;
  /** Infinity while the debugger holds the program. */
  toNs: number;
  readonly reason: number;
  readonly osThread: number;
}
