// Owns the walk through a task's life: from its polls and wakes to the intervals in which it ran, was scheduled, was idle.
// One walk serves prefix sums, exact spans, pixels and explanations. The rules are MODEL.md's. Knows nothing of queries.
import {
  causeKind,
  pollOutcome,
  taskKind,
  taskState,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type SpanState, spanFlag, spanState } from '../../messages/lanes.ts';
import {
  none,
  pageColumn,
  pageShift,
  type SlotSegment,
  SlotTable,
  slotBit,
  slotsPerPage,
  wakeBit,
  wakeRank,
} from './columns.ts';
import type { Task } from './entities.ts';
import type { Model } from './model.ts';
import { settleTurnCause } from './turn-cause.ts';

/** Bits of a walk's flags beyond those of `spanFlag`, which fill the low byte. */
export const walkFlag = {
  /** The interval before a poll with epoch > 1 whose predecessor is known: it counts as a wait. */
  wait: 256,
  /** A poll whose record begins here, of any length. */
  poll: 512,
} as const;

/** Receives the intervals of a life in order, also those of 0 ns. Returns true to end the walk. */
export interface LifeSink {
  /**
   * `slot` is the poll's for running; else that of the poll before, `none` where there is none.
   * `epoch` likewise; 0 where there is none.
   */
  interval(
    state: SpanState,
    fromNs: number,
    toNs: number,
    flags: number,
    epoch: number,
    slot: number,
  ): boolean;
}

/** Where a walk stands between two polls. */
interface Cursor {
  atNs: number;
  previousEpoch: number;
  previousSlot: number;
}

export class LifeWalk {
  private readonly model: Model;
  /** Clips intervals at the life's end; tells that no poll after it matters. */
  private endNs = 0;
  /** Ended by a poll that was ready or panicked. */
  private finished = false;
  /** Flags of the last poll, which is still open: the tail's walk hands it out. */
  private openPollFlags = 0;
  private task: Task | undefined = undefined;
  private readonly cursor: Cursor = { atNs: 0, previousEpoch: -1, previousSlot: -1 };
  /** Whether a cause in what was walked may still become known. */
  provisionalCause = false;

  constructor(model: Model) {
    this.model = model;
  }

  beginOf(task: Task): number {
    return Number.isNaN(task.spawnNs) ? task.firstNs : task.spawnNs;
  }

  /**
   * Walks from the page at `fromPage`, whose prefix record must be valid, to the end of the page before `toPage`,
   * and on to the life's end when `toPage` is the number of pages. Returns where it stopped.
   */
  walk(task: Task, fromPage: number, toPage: number, sink: LifeSink): Readonly<Cursor> {
    const { model, cursor } = this;
    this.task = task;
    this.provisionalCause = false;
    this.finished = false;
    const beginNs = this.beginOf(task);
    const endsByPoll = task.finalEpoch < Number.POSITIVE_INFINITY;
    const endsByRecord = !endsByPoll && !Number.isNaN(task.taskEndNs);
    this.endNs = endsByRecord ? Math.max(beginNs, task.taskEndNs) : Number.POSITIVE_INFINITY;
    cursor.atNs = beginNs;
    cursor.previousEpoch = -1;
    cursor.previousSlot = -1;
    if (fromPage > 0) {
      const page = task.pages[fromPage] as number;
      const block = model.slots.prefixBlock(page);
      const at = SlotTable.prefixAt(page);
      cursor.atNs = block[at + pageColumn.entryNs] as number;
      cursor.previousEpoch = block[at + pageColumn.previousEpoch] as number;
      cursor.previousSlot = block[at + pageColumn.previousSlot] as number;
      if (cursor.previousSlot >= 0 && this.isFinal(cursor.previousSlot)) return cursor;
    }
    for (let p = fromPage; p < toPage; p++) if (this.walkPage(task, p, sink)) return cursor;
    if (toPage === task.pages.length) this.walkTail(task, sink);
    return cursor;
  }

  /** Whether the life ended with that poll. */
  private isFinal(slot: number): boolean {
    const outcome = this.outcomeOf(slot);
    return outcome === pollOutcome.ready || outcome === pollOutcome.panicked;
  }

  private outcomeOf(slot: number): number {
    const bits = this.model.slots.segmentOf(slot).bits[SlotTable.within(slot)] as number;
    return (bits & slotBit.outcomeMask) >> slotBit.outcomeShift;
  }

  /** True when the sink or the life's end stopped the walk. */
  private walkPage(task: Task, position: number, sink: LifeSink): boolean {
    const { model, cursor } = this;
    const page = task.pages[position] as number;
    const first = page << pageShift;
    const firstEpoch = (task.pageNumbers[position] as number) * slotsPerPage;
    const segment = model.slots.segmentOf(first);
    const base = SlotTable.within(first);
    for (let i = 0; i < slotsPerPage; i++) {
      const bits = segment.bits[base + i] as number;
      if ((bits & slotBit.hasStart) === 0) continue;
      const epoch = firstEpoch + i;
      const startNs = Math.max(segment.startNs[base + i] as number, cursor.atNs);
      let pollFlags = 0;
      if (cursor.previousSlot < 0) {
        if (this.firstInterval(task, epoch, startNs, sink)) return true;
      } else {
        pollFlags = this.between(epoch, startNs, sink);
        if (pollFlags < 0) return true;
      }
      if (this.run(task, segment, base + i, first + i, epoch, startNs, pollFlags, sink)) return true;
    }
    return false;
  }

  /** The poll itself. */
  private run(
    task: Task,
    segment: SlotSegment,
    within: number,
    slot: number,
    epoch: number,
    startNs: number,
    pollFlags: number,
    sink: LifeSink,
  ): boolean {
    const { cursor } = this;
    const bits = segment.bits[within] as number;
    cursor.previousEpoch = epoch;
    cursor.previousSlot = slot;
    cursor.atNs = startNs;
    if ((bits & slotBit.hasEnd) === 0) {
      this.openPollFlags = pollFlags;
      if (epoch === task.highestPollEpoch) return false;
      // Its end is lost: a later poll is known.
      return this.emit(sink, spanState.running, startNs, startNs, pollFlags | walkFlag.poll, epoch, slot);
    }
    const endNs = Math.max(segment.endNs[within] as number, startNs);
    const outcome = (bits & slotBit.outcomeMask) >> slotBit.outcomeShift;
    let flags = pollFlags | walkFlag.poll;
    if (outcome === pollOutcome.ready) flags |= spanFlag.ready;
    else if (outcome === pollOutcome.panicked) flags |= spanFlag.panicked;
    if (this.model.stops.length > 0 && this.model.stopOverlaps(startNs, endNs)) flags |= spanFlag.stopped;
    cursor.atNs = endNs;
    if ((flags & (spanFlag.ready | spanFlag.panicked)) !== 0) {
      this.endNs = endNs;
      this.finished = true;
    }
    return this.emit(sink, spanState.running, startNs, endNs, flags, epoch, slot) || this.finished;
  }

  /** Before the first poll that is known. `epoch` is that poll's; `untilNs` where it begins. */
  private firstInterval(task: Task, epoch: number, untilNs: number, sink: LifeSink): boolean {
    const fromNs = this.cursor.atNs;
    const spawned = !Number.isNaN(task.spawnNs);
    const { snapshot } = task;
    if (spawned && epoch === 1) return this.emit(sink, spanState.scheduled, fromNs, untilNs, 0, 0, none);
    if (snapshot !== undefined && epoch === snapshot.epoch + 1)
      return this.fromSnapshot(task, snapshot, fromNs, untilNs, 0, sink);
    return this.emit(sink, spanState.gap, fromNs, untilNs, 0, 0, none);
  }

  private fromSnapshot(
    task: Task,
    snapshot: NonNullable<Task['snapshot']>,
    fromNs: number,
    untilNs: number,
    flags: number,
    sink: LifeSink,
  ): boolean {
    const { epoch } = snapshot;
    if (snapshot.state === taskState.unknown)
      return this.emit(sink, spanState.gap, fromNs, untilNs, flags, epoch, none);
    if (snapshot.state === taskState.scheduled)
      return this.emit(sink, spanState.scheduled, fromNs, untilNs, flags, epoch, none);
    if (snapshot.state === taskState.running)
      return this.emit(sink, spanState.running, fromNs, untilNs, flags, epoch, none);
    const slot = this.model.slotOf(task, epoch);
    const state = stateOfWait(snapshot.onKind);
    const woken = slot !== none && this.rankAt(slot) !== wakeRank.none;
    if (!woken) return this.emit(sink, state, fromNs, untilNs, flags, epoch, none);
    const segment = this.model.slots.segmentOf(slot);
    const wokenNs = Math.min(Math.max(segment.wakeNs[SlotTable.within(slot)] as number, fromNs), untilNs);
    return (
      this.emit(sink, state, fromNs, wokenNs, 0, epoch, none) ||
      this.emit(sink, spanState.scheduled, wokenNs, untilNs, flags, epoch, none)
    );
  }

  private rankAt(slot: number): number {
    return (this.model.slots.segmentOf(slot).wakeBits[SlotTable.within(slot)] as number) & wakeBit.rankMask;
  }

  /** From the poll before to this one. Returns flags for the poll, or -1 when the sink ended the walk. */
  private between(epoch: number, startNs: number, sink: LifeSink): number {
    const { model, cursor } = this;
    const slot = cursor.previousSlot;
    const segment = model.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    const bits = segment.bits[within] as number;
    const adjacent = epoch === cursor.previousEpoch + 1;
    const wait = adjacent ? walkFlag.wait : 0;
    const fromNs = cursor.atNs;
    if (!adjacent || (bits & slotBit.hasEnd) === 0 || (bits & slotBit.endUnknown) !== 0) {
      const flags = wait | spanFlag.unknownCause;
      return this.emit(sink, spanState.gap, fromNs, startNs, flags, cursor.previousEpoch, slot) ? -1 : 0;
    }
    const wakeBits = segment.wakeBits[within] as number;
    if ((wakeBits & wakeBit.rankMask) === wakeRank.none) {
      // The wake may have come as soon as the poll before had begun, which is before a gap's end where it was open
      // there.
      const inGap = model.gaps.overlaps((segment.startNs[within] as number) - 1, startNs);
      const state = inGap ? spanState.gap : spanState.idleUnknown;
      const flags = wait | spanFlag.unknownCause;
      if (this.emit(sink, state, fromNs, startNs, flags, cursor.previousEpoch, slot)) return -1;
      return inGap || this.task?.taskKind === taskKind.rootUnheard ? 0 : spanFlag.spurious;
    }
    const wokenNs = Math.min(Math.max(segment.wakeNs[within] as number, fromNs), startNs);
    const certainty = this.certaintyOf(segment, within, slot, epoch);
    const state = idleState(model, segment, within, true);
    if (this.emit(sink, state, fromNs, wokenNs, wait | certainty, cursor.previousEpoch, slot)) return -1;
    return this.emit(sink, spanState.scheduled, wokenNs, startNs, 0, cursor.previousEpoch, slot) ? -1 : 0;
  }

  /** The flag that says how sure the cause of the wake in that slot is; 0 when it is recorded. */
  private certaintyOf(segment: SlotSegment, within: number, slot: number, wokenEpoch: number): number {
    const wakeBits = segment.wakeBits[within] as number;
    if ((wakeBits & (wakeBit.ambiguous | wakeBit.severalThreads)) !== 0) return spanFlag.unknownCause;
    if (segment.wakeCauseKind[within] !== causeKind.turn) return 0;
    if ((wakeBits & wakeBit.turnSettled) === 0) {
      const poll = this.slotAfter(slot, wokenEpoch);
      const settled = settleTurnCause(this.model, segment, within, poll);
      if (!settled.final) {
        this.provisionalCause = true;
        return settled.source !== 0 ? spanFlag.inferred : spanFlag.unknownCause;
      }
    }
    const inferred = ((segment.wakeBits[within] as number) & wakeBit.turnInferred) !== 0;
    return inferred ? spanFlag.inferred : spanFlag.unknownCause;
  }

  /** The slot of the poll that the wake in `slot` asks for: the next of the page, else looked up. */
  private slotAfter(slot: number, epoch: number): number {
    if ((slot & (slotsPerPage - 1)) !== slotsPerPage - 1) return slot + 1;
    return this.task === undefined ? none : this.model.slotOf(this.task, epoch);
  }

  /** From the last poll to the life's end. */
  private walkTail(task: Task, sink: LifeSink): void {
    const { model, cursor } = this;
    if (this.finished) return;
    const open = Number.isNaN(task.taskEndNs) ? spanFlag.open : 0;
    const untilNs = Math.max(cursor.atNs, Math.min(this.endNs, Math.max(model.endNs, cursor.atNs)));
    const slot = cursor.previousSlot;
    const epoch = cursor.previousEpoch;
    if (slot < 0) {
      this.tailWithoutPoll(task, untilNs, open, sink);
      return;
    }
    const segment = model.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    const bits = segment.bits[within] as number;
    const fromNs = cursor.atNs;
    if ((bits & slotBit.hasEnd) === 0) {
      const stopped = model.stopOverlaps(fromNs, untilNs) ? spanFlag.stopped : 0;
      const flags = open | stopped | this.openPollFlags | walkFlag.poll;
      this.emit(sink, spanState.running, fromNs, untilNs, flags, epoch, slot);
    } else if ((bits & slotBit.endUnknown) !== 0) {
      this.emit(sink, spanState.gap, fromNs, untilNs, open, epoch, slot);
    } else if (((segment.wakeBits[within] as number) & wakeBit.rankMask) === wakeRank.none) {
      this.emit(sink, idleState(model, segment, within, false), fromNs, untilNs, open, epoch, slot);
    } else {
      const wokenNs = Math.min(Math.max(segment.wakeNs[within] as number, fromNs), untilNs);
      const state = idleState(model, segment, within, true);
      if (this.emit(sink, state, fromNs, wokenNs, 0, epoch, slot)) return;
      this.emit(sink, spanState.scheduled, wokenNs, untilNs, open, epoch, slot);
    }
  }

  private tailWithoutPoll(task: Task, untilNs: number, open: number, sink: LifeSink): void {
    const fromNs = this.cursor.atNs;
    if (!Number.isNaN(task.spawnNs)) this.emit(sink, spanState.scheduled, fromNs, untilNs, open, 0, none);
    else if (task.snapshot !== undefined) this.fromSnapshot(task, task.snapshot, fromNs, untilNs, open, sink);
    else this.emit(sink, spanState.gap, fromNs, untilNs, open, 0, none);
  }

  /** Hands the interval on, clipped at the life's end. */
  private emit(
    sink: LifeSink,
    state: SpanState,
    fromNs: number,
    toNs: number,
    flags: number,
    epoch: number,
    slot: number,
  ): boolean {
    const { endNs } = this;
    return sink.interval(state, Math.min(fromNs, endNs), Math.min(toNs, endNs), flags, epoch, slot);
  }
}

/** The idle state that a wait on that kind gives. */
export function stateOfWait(kind: number): SpanState {
  switch (kind) {
    case causeKind.source:
      return spanState.idleSource;
    case causeKind.timer:
      return spanState.idleTimer;
    case causeKind.job:
    case causeKind.submission:
      return spanState.idleJob;
    case causeKind.poll:
    case causeKind.frame:
      return spanState.idleTask;
    case causeKind.resource:
      return spanState.idleResource;
    default:
      return spanState.idleUnknown;
  }
}

/** For what the task was idle after the poll in that slot; see "Idle by cause". */
export function idleState(model: Model, segment: SlotSegment, within: number, woken: boolean): SpanState {
  const { waits } = model;
  const first = waits.firstKnown(segment.firstWait[within] as number);
  if (!woken) return first === none ? spanState.idleUnknown : stateOfWait(waits.onKindOf(first));
  const cause = segment.wakeCauseKind[within] as number;
  if (
    cause === causeKind.source ||
    cause === causeKind.timer ||
    cause === causeKind.job ||
    cause === causeKind.submission
  )
    return stateOfWait(cause);
  if (first !== none) {
    let task = false;
    for (let wait = first; wait !== none; wait = waits.nextOf(wait)) {
      const kind = waits.onKindOf(wait);
      if (kind === causeKind.resource) return spanState.idleResource;
      if (kind === causeKind.poll || kind === causeKind.frame) task = true;
    }
    if (task) return spanState.idleTask;
    if (waits.firstKnown(waits.nextOf(first)) === none) return stateOfWait(waits.onKindOf(first));
  }
  return cause === causeKind.poll ? spanState.idleTask : spanState.idleUnknown;
}
