// Owns the rule "operation after wake": which source stands behind a wake that only a reactor's turn is known to have made.
// The source is that of the first operation of the woken poll for which a readiness stands in that turn.
// Knows nothing of lives or queries.
import { eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { type Column, none, type SlotSegment, SlotTable, slotBit, wakeBit } from './columns.ts';
import type { Thread } from './entities.ts';
import type { Model } from './model.ts';

/** The log entries of the turn that encloses an entry: after `from`, before `to`. */
export interface TurnRange {
  readonly from: number;
  readonly to: number;
  /** The next park is known, so nothing comes to the turn any more. */
  readonly closed: boolean;
}

/** Index of the first value of the ascending column that is above `value`. */
function firstAbove(column: Column<Uint32Array>, value: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column.get(middle) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The turn in which the log entry stands: from the unpark before it to the park after it, of whatever kind. */
export function turnAround(thread: Thread, log: number): TurnRange {
  const unpark = firstAbove(thread.unparkLog, log) - 1;
  const park = firstAbove(thread.parkLog, log);
  const closed = park < thread.parkLog.length;
  return {
    from: unpark < 0 ? -1 : thread.unparkLog.get(unpark),
    to: closed ? thread.parkLog.get(park) : thread.log.length,
    closed: closed || thread.stopped,
  };
}

/** Sources ready in the turn that was looked at last: wakes of one turn are settled one after the other. */
interface TurnSources {
  thread: number;
  from: number;
  to: number;
  sources: Set<number>;
}

const lastLooked = new WeakMap<Model, TurnSources>();

function sourcesReadyIn(model: Model, thread: Thread, turn: TurnRange): Set<number> {
  const last = lastLooked.get(model);
  if (last !== undefined && last.thread === thread.index && last.from === turn.from && last.to === turn.to)
    return last.sources;
  const sources = new Set<number>();
  for (let i = turn.from + 1; i < turn.to; i++)
    if (thread.log.kindOf(i) === eventKind.readiness) sources.add(thread.log.idOf(i));
  lastLooked.set(model, { thread: thread.index, from: turn.from, to: turn.to, sources });
  return sources;
}

/**
 * Looks for the source behind the turn's wake in that slot; `pollSlot` is the poll that it asked for.
 * What is final is kept in the slot, so that it is looked for once.
 */
export function settleTurnCause(
  model: Model,
  segment: SlotSegment,
  within: number,
  pollSlot: number,
): { source: number; final: boolean } {
  const waker = model.threads[segment.wakeThread[within] as number];
  if (waker === undefined || pollSlot === none) return { source: 0, final: false };
  const poll = model.slots.segmentOf(pollSlot);
  const at = SlotTable.within(pollSlot);
  const bits = poll.bits[at] as number;
  if ((bits & slotBit.hasStart) === 0) return { source: 0, final: false };
  const turn = turnAround(waker, segment.wakeLog[within] as number);
  const ended = (bits & slotBit.hasEnd) !== 0;
  const source = firstOperationOn(model, sourcesReadyIn(model, waker, turn), poll, at, ended);
  const final = turn.closed && ended;
  if (final) {
    const found = source === 0 ? 0 : wakeBit.turnInferred;
    segment.wakeBits[within] = (segment.wakeBits[within] as number) | wakeBit.turnSettled | found;
    segment.wakeCauseId[within] = source;
  }
  return { source, final };
}

function firstOperationOn(
  model: Model,
  sources: ReadonlySet<number>,
  poll: SlotSegment,
  at: number,
  ended: boolean,
): number {
  const from = poll.logFrom[at] as number;
  const thread = model.threads[poll.thread[at] as number];
  if (from === none || thread === undefined || sources.size === 0) return 0;
  const to = ended ? (poll.logTo[at] as number) : thread.log.length;
  for (let i = from; i < to; i++) {
    if (thread.log.kindOf(i) !== eventKind.operation) continue;
    const source = thread.log.idOf(i);
    if (sources.has(source)) return source;
  }
  return 0;
}
