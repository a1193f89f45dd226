// Owns the requests that a viewer can make of the collector, and their answers.
// All times are float64 ns since the session's tick 0. Knows nothing of how they travel.
import type { Certainty, LaneKind, SourceSite } from './lanes.ts';

export type SessionState = 'live' | 'ended' | 'cut' | 'opened';

/** What a session list shows. */
export interface SessionSummary {
  /** 32 hexadecimal digits. */
  readonly session: string;
  readonly program: string;
  readonly language: string;
  readonly tier: string;
  readonly pid: number;
  /** Which debug session started it; empty when none. */
  readonly launch: string;
  /** Which other sessions are of the same program; absent where the program tells of none. */
  readonly family?: {
    readonly group: string;
    /** The session that it comes from; empty when that was not recorded. */
    readonly parent: string;
    /** "worker thread 2", "cluster worker 1", …; empty for the program itself. */
    readonly part: string;
  };
  /** live: connected; ended: closed on purpose; cut: the connection broke; opened: read from a recording. */
  readonly state: SessionState;
  readonly workingFolder: string;
  readonly sourceRoot: string;
  readonly startedWallUs: number;
  /** The last tick known. */
  readonly endNs: number;
  readonly totals: Totals;
  readonly capabilities: readonly {
    name: string;
    visibility: 'recorded' | 'inferred' | 'notRecorded';
    note: string;
  }[];
  /** Path of the recording; empty when it is not kept. */
  readonly recording: string;
  /** What was wrong with the stream, in words; empty when nothing was. */
  readonly problem: string;
  /** The debugger holds the program now. */
  readonly stopped: boolean;
  /** How much the program records now. */
  readonly detail: Detail;
}

/** How much a program records, least first. `native` is for Node alone: callbacks of its loop, and no promises. */
export const details = ['off', 'native', 'lean', 'full'] as const;
export type Detail = (typeof details)[number];

/** What a scheduling breakpoint may be about. */
export const breakConditions = ['poll', 'wake', 'longPoll', 'clear'] as const;
export type BreakCondition = (typeof breakConditions)[number];

/** Exact counts over the whole session. */
export interface Totals {
  readonly tasks: number;
  readonly tasksAlive: number;
  readonly polls: number;
  /** Polls after the first that no wake precedes, outside gaps. */
  readonly spuriousPolls: number;
  readonly wakes: number;
  readonly events: number;
  readonly dropped: number;
  readonly gaps: number;
  readonly reactorParks: number;
  readonly readiness: number;
  readonly reads: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writtenBytes: number;
  readonly wouldBlocks: number;
  readonly jobs: number;
  readonly jobBytes: number;
  readonly poolThreadsPeak: number;
  readonly poolQueuePeak: number;
  readonly poolLimit: number;
  readonly timersSet: number;
  readonly timersFired: number;
  readonly debuggerStops: number;
  /** Waits (idle intervals that a wake ended) by the certainty of their cause. */
  readonly waitsRecorded: number;
  readonly waitsInferred: number;
  readonly waitsUnknown: number;
}

export interface ViewportQuery {
  readonly session: string;
  readonly fromNs: number;
  readonly toNs: number;
  /** How many columns to answer for; 1 … 8192. */
  readonly widthPx: number;
  /** First lane and how many, in the order of the filter. */
  readonly firstLane: number;
  readonly laneCount: number;
  /** Of the task lanes only those whose label contains this, without case; empty for all. Other lanes stay. */
  readonly filter: string;
  /** Tasks' lanes below which the rows of their frames are wanted; at most 256. */
  readonly expanded?: readonly number[];
  /** Also the calls inside of packages and of Node; else they are folded into the call from outside. */
  readonly allCalls?: boolean;
  /** Lanes whose place in this order is wanted too, to scroll to them or to point at them; at most 256. */
  readonly locate?: readonly number[];
}

export interface LaneHeader {
  /** Stable within the session. */
  readonly lane: number;
  readonly kind: LaneKind;
  readonly label: string;
  /** Task id, thread id or frame id by kind; of a section lane its task's, 0 for none. */
  readonly id: number;
  /** Life of the lane; `toNs` is the session's end while it lives. */
  readonly fromNs: number;
  readonly toNs: number;
  readonly spawnSite: SourceSite | null;
  /** One line of numbers for a tooltip and for screen readers. */
  readonly summary: string;
  /** Of a task: how many frames it has had; absent where it has none. */
  readonly frames?: number;
  /** Of a row of frames: how many callers deep it lies, from 0. */
  readonly depth?: number;
  /** Of a row of frames: its calls are of packages or Node, and stand for those inside of them too. */
  readonly folded?: boolean;
  /** exact: `spans…` columns hold this lane's spans; coverage: the pixel columns do. */
  readonly mode: 'exact' | 'coverage';
  /** exact: range in the span columns. coverage: `firstPixel` in the pixel columns, `widthPx` long. */
  readonly first: number;
  readonly count: number;
}

/** Where a column stands in the binary part of an answer. */
export interface ColumnRange {
  readonly offset: number;
  readonly length: number;
}

export interface DebuggerStop {
  readonly fromNs: number;
  /** The end that is known so far while it is open. */
  readonly toNs: number;
  /** The program stands still. */
  readonly open: boolean;
  readonly reason: string;
  /** Label and lane of the task that the stopped thread polled; empty and -1 where it polled none or is not known. */
  readonly task: string;
  readonly lane: number;
}

/**
 * Columns in the binary part (little endian, each aligned to its item size):
 * spanStartNs, spanEndNs: float64; spanState, spanFlags: uint8; spanRef: float64 (task lanes: poll epoch of the
 * running span, or of the poll that ended before the wait; worker lanes: task id; pool lanes: job id; reactor: turn number;
 * section lanes and rows of frames: a number that `names` has);
 * pixelState, pixelRunning, pixelScheduled: uint8 — dominant state, and exact coverage 0 … 255 of running (on reactor,
 * worker and pool lanes: turn, running, job) and scheduled (queued);
 * markerAtNs: float64; markerLane: uint16 (row of this answer); markerKind: uint8; markerRef: float64 (of kind user: a
 * number that `names` has).
 */
export interface ViewportAnswer {
  readonly session: string;
  readonly fromNs: number;
  readonly toNs: number;
  readonly widthPx: number;
  readonly firstLane: number;
  /** Lanes that the filter leaves. */
  readonly laneTotal: number;
  readonly lanes: readonly LaneHeader[];
  /** Where the lanes of `locate` stand, counted as `firstLane` is; -1 for one that the filter hides. Absent when none was asked for. */
  readonly located?: readonly { readonly lane: number; readonly place: number }[];
  /** Last tick known, and from where on the picture may still change. */
  readonly endNs: number;
  readonly provisionalFromNs: number;
  /** Times at which a debugger held the program. */
  readonly stops: readonly DebuggerStop[];
  readonly gaps: readonly { fromNs: number; toNs: number; thread: number; dropped: number }[];
  /** What the program calls its own spans and marks, by the numbers in the columns. */
  readonly names: Readonly<Record<number, string>>;
  /** Markers in view; when there are more than are sent, only the count is true. */
  readonly markerTotal: number;
  readonly columns: {
    readonly spanStartNs: ColumnRange;
    readonly spanEndNs: ColumnRange;
    readonly spanState: ColumnRange;
    readonly spanFlags: ColumnRange;
    readonly spanRef: ColumnRange;
    readonly pixelState: ColumnRange;
    readonly pixelRunning: ColumnRange;
    readonly pixelScheduled: ColumnRange;
    readonly markerAtNs: ColumnRange;
    readonly markerLane: ColumnRange;
    readonly markerKind: ColumnRange;
    readonly markerRef: ColumnRange;
  };
}

export interface ExplainQuery {
  readonly session: string;
  readonly lane: number;
  readonly atNs: number;
}

/** One link of the chain of causes, oldest first. */
export interface ExplanationStep {
  readonly atNs: number;
  readonly kind:
    | 'wait'
    | 'park'
    | 'unpark'
    | 'readiness'
    | 'wake'
    | 'queue'
    | 'poll'
    | 'operation'
    | 'timer'
    | 'job'
    | 'end'
    | 'spawn'
    | 'sample';
  readonly text: string;
  readonly certainty: Certainty;
  /** Named rule when inferred; empty otherwise. */
  readonly rule: string;
  readonly site: SourceSite | null;
  /** Lane to reveal; -1 when there is none. */
  readonly lane: number;
}

/** Where code was at one instant: a stack of calls, or a chain of awaits. */
export interface ExplanationStack {
  /** What it is a stack of, in a few words. */
  readonly title: string;
  /** Innermost first. A line of 0 means that only the function is known. */
  readonly frames: readonly SourceSite[];
}

/** Why the span at that instant lasted as it did. */
export interface Explanation {
  readonly lane: number;
  readonly laneLabel: string;
  readonly state: number;
  readonly stateName: string;
  readonly fromNs: number;
  readonly toNs: number;
  readonly open: boolean;
  /** One sentence (or two) for a person. */
  readonly sentence: string;
  readonly certainty: Certainty;
  /** Where the task awaits, or the poll went on; null when not known. */
  readonly site: SourceSite | null;
  readonly spawnSite: SourceSite | null;
  readonly steps: readonly ExplanationStep[];
  /** Empty where none was captured. */
  readonly stacks: readonly ExplanationStack[];
  /** Totals of the lane's task: busy, scheduled, idle by cause; they add up to its lifetime. */
  readonly facts: readonly { label: string; value: string }[];
}

export interface ArrowsQuery {
  readonly session: string;
  readonly lane: number;
  readonly fromNs: number;
  readonly toNs: number;
}

/** From what woke to what was woken. */
export interface Arrow {
  readonly fromLane: number;
  readonly fromNs: number;
  readonly toLane: number;
  readonly toNs: number;
  readonly kind: 'poll' | 'source' | 'timer' | 'job' | 'thread' | 'turn' | 'spawn' | 'unknown';
  readonly certainty: Certainty;
}

export interface SiteQuery {
  readonly session: string;
  /** Absolute path of the document. */
  readonly file: string;
  readonly line: number;
}

/** What the trace knows of a source line. */
export interface SiteSpans {
  /** Task lanes spawned at this line. */
  readonly spawnedLanes: readonly number[];
  /** Waits that began at an await on this line: newest last, at most 1,000. */
  readonly waits: readonly { lane: number; fromNs: number; toNs: number }[];
  readonly waitTotal: number;
  /** Labels of the tasks that stand at an await there at the end of the trace: at most 1,000. */
  readonly waitingNow: readonly string[];
  /** Chains of awaits that go through the line, the most frequent first, with how many of `waits` have each; at most 5. */
  readonly chains: readonly { readonly waits: number; readonly frames: readonly SourceSite[] }[];
}

/** Sum over all tasks spawned at one site, for a lens. */
export interface SiteSummary {
  readonly site: SourceSite;
  readonly tasks: number;
  readonly alive: number;
  readonly polls: number;
  readonly runningNs: number;
  readonly scheduledNs: number;
  readonly idleNs: number;
  /** Idle time by what was waited for, largest first. */
  readonly waits: readonly { on: string; ns: number }[];
}

/** What of a launch a debug session holds or lets go, where its debugger tells which it is. */
export interface DebuggedPart {
  readonly pid: number;
  /** The one thread that is meant, as Node numbers them, 0 the main one; absent where all stand together. */
  readonly nodeThread?: number;
}

export interface DebuggerEvent {
  readonly launch: string;
  /** Absent where nobody knows: then every session of the launch is meant. */
  readonly part?: DebuggedPart;
  readonly event: 'stop' | 'continue';
  /** CLOCK_MONOTONIC of this machine. */
  readonly monotonicNs: number;
  readonly reason: 'unknown' | 'breakpoint' | 'step' | 'pause' | 'exception' | 'entry';
  readonly osThread: number;
}

/** Every request: its parameters and its answer. A viewport's answer has a binary part. */
export interface Requests {
  sessions: { params: Record<string, never>; answer: readonly SessionSummary[] };
  viewport: { params: ViewportQuery; answer: ViewportAnswer };
  explain: { params: ExplainQuery; answer: Explanation | null };
  arrows: { params: ArrowsQuery; answer: readonly Arrow[] };
  siteSpans: { params: SiteQuery; answer: SiteSpans };
  sites: { params: { session: string }; answer: readonly SiteSummary[] };
  debugger: { params: DebuggerEvent; answer: { sessions: number } };
  /** Opens a recording as a session of its own. */
  open: { params: { path: string }; answer: { session: string } };
  /** Recording on or off, and how much, in the program. */
  control: { params: { session: string; detail: Detail }; answer: { sent: boolean } };
  /**
   * A scheduling breakpoint of a program that takes them from the collector, which Node's do; `value` is a task, or a
   * time in ns for a long poll. `clear` takes all away.
   */
  breakOn: { params: { session: string; on: BreakCondition; value: number }; answer: { sent: boolean } };
  /** Attaches to a program that listens, with the token of its environment. Answered when it has let the collector in. */
  attach: { params: { address: string; token: string }; answer: { attached: true } };
  /** Lets go of a live program: one that listens goes on unrecorded, another one comes again. */
  detach: { params: { session: string }; answer: { detached: boolean } };
  /** Forgets an ended session; its recording stays on disk. */
  forget: { params: { session: string }; answer: { forgotten: boolean } };
  status: { params: Record<string, never>; answer: CollectorStatus };
  shutdown: { params: Record<string, never>; answer: Record<string, never> };
}
export type Method = keyof Requests;

export interface CollectorStatus {
  readonly version: string;
  readonly pid: number;
  readonly refused: number;
  /** Where programs connect: `unix:<path>` or `tcp://127.0.0.1:<port>`. */
  readonly endpoint: string;
  readonly viewers: number;
}

/** What the collector says unasked. */
export type CollectorEvent =
  /** At most four times a second, and at once when a session comes or goes. */
  | { readonly event: 'sessions'; readonly sessions: readonly SessionSummary[] }
  | { readonly event: 'log'; readonly level: 'info' | 'warning' | 'error'; readonly message: string };

/** Methods that the webview may have forwarded. The host refuses any other from there. */
export const webviewMethods = [
  'viewport',
  'explain',
  'arrows',
  'siteSpans',
] as const satisfies readonly Method[];
export type WebviewMethod = (typeof webviewMethods)[number];
