// Owns one frame inside a task (an async call, a branch, a traced future): what was told of it, and in which state it
// was when. Knows nothing of other frames.
import { causeKind, endOutcome, pollOutcome } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type SpanState, spanState } from '../../messages/lanes.ts';

/** What a frame waits for, and where. */
export interface FrameWait {
  readonly onKind: number;
  readonly onId: number;
  readonly site: number;
}

/** One state of a frame from one instant to another. */
export interface FrameSegment {
  readonly state: SpanState;
  readonly fromNs: number;
  readonly toNs: number;
  /** Not over at the end of what is known. */
  readonly open: boolean;
  /** Where it stands, while it does not run. */
  readonly wait: FrameWait | undefined;
  /** What ended its wait; kind 0 while nothing has. */
  readonly causeKind: number;
  readonly causeId: number;
  /** What it waited for was rejected, so that its await threw. */
  readonly rejection: Rejection | undefined;
}

/** With an error of that name; 0 where it is not known. */
export interface Rejection {
  readonly error: number;
}

/** In the order in which those of one instant happened. */
const factKind = { enter: 1, leave: 2, wait: 3, wake: 4, rejected: 5 } as const;

/** Kept of each frame that was opened; its facts in order of time, six numbers each. */
export class Frame {
  readonly id: number;
  readonly task: number;
  readonly parent: number;
  readonly frameKind: number;
  readonly site: number;
  readonly name: number;
  readonly openNs: number;
  /** NaN while it is not over. */
  endNs = Number.NaN;
  private endTold = 0;
  /** With what its promise was rejected; undefined where nobody told that it was. */
  rejection: Rejection | undefined = undefined;
  private settled = false;
  /** Where the poll began in which it ended; NaN outside any. */
  endPollNs = Number.NaN;
  /** -1 before it was laid out, and where there is no room for it. */
  depth = -1;
  /** The same where calls inside packages are folded. */
  foldedDepth = -1;
  /** The call from outside into a package that this one stands in; undefined where it is drawn itself. */
  foldedInto: Frame | undefined = undefined;
  /** How many calls are folded into this one. */
  foldedCalls = 0;
  private readonly facts: number[] = [];

  constructor(
    id: number,
    told: Pick<Frame, 'task' | 'parent' | 'frameKind' | 'site' | 'name'>,
    openNs: number,
  ) {
    this.id = id;
    this.task = told.task;
    this.parent = told.parent;
    this.frameKind = told.frameKind;
    this.site = told.site;
    this.name = told.name;
    this.openNs = openNs;
  }

  enters(ns: number): void {
    this.add(ns, factKind.enter, 0, 0, 0, 0);
  }

  leaves(ns: number, outcome: number): void {
    this.add(ns, factKind.leave, outcome, 0, 0, 0);
  }

  waits(ns: number, pollNs: number, { onKind, onId, site }: FrameWait): void {
    this.add(ns, factKind.wait, onKind, onId, site, pollNs);
  }

  wakes(ns: number, cause: number, causeId: number): void {
    this.add(ns, factKind.wake, cause, causeId, 0, 0);
  }

  /** The wait that was woken at that instant ended with an error. */
  waitRejected(ns: number, error: number): void {
    this.add(ns, factKind.rejected, error, 0, 0, 0);
  }

  ends(ns: number, outcome: number, pollNs: number): void {
    this.endNs = ns;
    this.endTold = outcome;
    this.endPollNs = pollNs;
  }

  settles(): void {
    this.settled = true;
  }

  rejects(error: number): void {
    this.rejection = { error };
  }

  /** How it ended; 0 while it has not. A rejection is told behind its end. */
  get outcome(): number {
    if (Number.isNaN(this.endNs)) return 0;
    if (this.rejection !== undefined) return endOutcome.panicked;
    return this.settled ? endOutcome.completed : this.endTold;
  }

  /** Its states in order of time; `nowNs` is where an open one ends. The walk ends when `on` returns true. */
  walk(nowNs: number, on: (segment: FrameSegment) => boolean): void {
    const over = !Number.isNaN(this.endNs);
    const endNs = over ? Math.max(this.endNs, this.openNs) : Math.max(nowNs, this.openNs);
    const life = new FrameLife(this, on);
    const { facts } = this;
    for (let at = 0; at < facts.length && !life.stopped; at += factLength) {
      const ns = facts[at] as number;
      const kind = facts[at + 1];
      const [a, b, c, d] = facts.slice(at + 2, at + factLength) as [number, number, number, number];
      if (kind === factKind.enter) life.runs(ns);
      else if (kind === factKind.leave) life.leaves(ns, a);
      else if (kind === factKind.wait) life.waits(ns, d, { onKind: a, onId: b, site: c });
      else if (kind === factKind.wake) life.wakes(ns, a, b, this.rejectionAt(at + factLength, ns));
    }
    if (!life.stopped) life.ends(endNs, this.endPollNs, !over);
  }

  /** Told of the same instant as the wake before it. */
  private rejectionAt(at: number, ns: number): Rejection | undefined {
    const { facts } = this;
    for (let next = at; next < facts.length && facts[next] === ns; next += factLength)
      if (facts[next + 1] === factKind.rejected) return { error: facts[next + 2] as number };
    return undefined;
  }

  get bytes(): number {
    return 200 + this.facts.length * 8;
  }

  /** Threads are read in any order; nearly always it is the last. */
  private add(ns: number, kind: number, a: number, b: number, c: number, d: number): void {
    const { facts } = this;
    let at = facts.length;
    while (at > 0 && (facts[at - factLength] as number) > ns) at -= factLength;
    if (at === facts.length) facts.push(ns, kind, a, b, c, d);
    else facts.splice(at, 0, ns, kind, a, b, c, d);
  }
}

/** Numbers of one fact. */
export const factLength = 6;

/** The state machine of a frame. */
class FrameLife {
  private readonly frame: Frame;
  private readonly on: (segment: FrameSegment) => boolean;
  private state: 'runs' | 'waits' | 'woken' = 'runs';
  private fromNs: number;
  private wait: FrameWait | undefined;
  private causeKind = 0;
  private causeId = 0;
  private rejection: Rejection | undefined = undefined;
  stopped = false;

  constructor(frame: Frame, on: (segment: FrameSegment) => boolean) {
    this.frame = frame;
    this.on = on;
    this.fromNs = frame.openNs;
  }

  runs(ns: number): void {
    if (this.state === 'runs') return;
    this.close(ns, false);
    this.state = 'runs';
    this.wait = undefined;
    this.rejection = undefined;
  }

  leaves(ns: number, outcome: number): void {
    if (this.state === 'runs' && outcome !== pollOutcome.ready) this.waits(ns, Number.NaN, nothingKnown);
  }

  /** `pollNs`: when the poll began that was open. Where entering is not told, the frame has run since then. */
  waits(ns: number, pollNs: number, wait: FrameWait): void {
    if (this.state !== 'runs' && pollNs >= this.fromNs) this.runs(pollNs);
    this.close(ns, false);
    this.wait = wait;
    const itself = wait.onKind === causeKind.frame && wait.onId === this.frame.id;
    this.state = itself ? 'woken' : 'waits';
    this.causeKind = 0;
    this.causeId = 0;
    this.rejection = undefined;
  }

  wakes(ns: number, kind: number, id: number, rejection: Rejection | undefined): void {
    if (this.state !== 'waits') return;
    this.rejection = rejection;
    this.causeKind = kind;
    this.causeId = id;
    this.close(ns, false);
    this.state = 'woken';
  }

  ends(ns: number, pollNs: number, open: boolean): void {
    if (this.state !== 'runs' && pollNs >= this.fromNs) this.runs(pollNs);
    this.close(ns, open);
  }

  private close(ns: number, open: boolean): void {
    const { fromNs, causeKind: kind, causeId, wait, rejection } = this;
    const toNs = Math.max(ns, fromNs);
    this.fromNs = toNs;
    if (this.stopped || (toNs === fromNs && !open)) return;
    const state = this.spanStateNow();
    this.stopped = this.on({ state, fromNs, toNs, open, wait, causeKind: kind, causeId, rejection });
  }

  private spanStateNow(): SpanState {
    if (this.state === 'runs') return spanState.running;
    if (this.state === 'woken') return spanState.scheduled;
    const kind = this.causeKind === causeKind.unknown ? (this.wait?.onKind ?? 0) : this.causeKind;
    return stateOfCause[kind] ?? spanState.idleUnknown;
  }
}

const nothingKnown: FrameWait = { onKind: 0, onId: 0, site: 0 };

const stateOfCause: Readonly<Record<number, SpanState>> = {
  [causeKind.source]: spanState.idleSource,
  [causeKind.timer]: spanState.idleTimer,
  [causeKind.job]: spanState.idleJob,
  [causeKind.submission]: spanState.idleJob,
  [causeKind.poll]: spanState.idleTask,
  [causeKind.frame]: spanState.idleTask,
  [causeKind.resource]: spanState.idleResource,
};
