// Owns reading single polls, wakes and waits back out of the columns, as objects for the few that a question is about.
// Knows nothing of sentences.
import { causeKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import type { Certainty } from '../../messages/lanes.ts';
import { none, SlotTable, slotBit, wakeBit, wakeRank } from './columns.ts';
import type { Task, Thread } from './entities.ts';
import type { FoundChain } from './found-waits.ts';
import type { Model } from './model.ts';
import { settleTurnCause } from './turn-cause.ts';
import { joinedWaits } from './waits.ts';

export interface PollRecord {
  readonly slot: number;
  readonly thread: Thread;
  /** As its thread stamped it. */
  readonly startNs: number;
  /** Undefined while it is open or when its end is lost. */
  readonly endNs: number | undefined;
  /** 0 while it is open or when its end is lost. */
  readonly outcome: number;
  /** Range of its thread's log; empty when it began in what was lost. */
  readonly logFrom: number;
  readonly logTo: number;
}

export interface WakeRecord {
  readonly ns: number;
  readonly thread: Thread;
  readonly log: number;
  /** The kind and id behind the wake; for a turn whose source is inferred: that source. */
  readonly kind: number;
  readonly id: number;
  readonly certainty: Certainty;
  /** The rule by which it is inferred; empty otherwise. */
  readonly rule: string;
  /** The cause that was recorded is a reactor's turn. */
  readonly byTurn: boolean;
}

export interface WaitRecord {
  readonly onKind: number;
  readonly onId: number;
  readonly interest: number;
  readonly site: number;
  /** The chain of awaits; 0 when it was not captured. */
  readonly stack: number;
  /** How many futures of the task await there, from 1: of a wait of which only the chain is known. */
  readonly count: number;
  /** The chain was not told by the poll but found afterwards. */
  readonly isLate: boolean;
}

/** Undefined when the slot holds no poll. */
export function pollIn(model: Model, slot: number): PollRecord | undefined {
  if (slot === none) return undefined;
  const segment = model.slots.segmentOf(slot);
  const at = SlotTable.within(slot);
  const bits = segment.bits[at] as number;
  const thread = model.threads[segment.thread[at] as number];
  if ((bits & slotBit.hasStart) === 0 || thread === undefined) return undefined;
  const ended = (bits & slotBit.hasEnd) !== 0;
  const logFrom = segment.logFrom[at] as number;
  return {
    slot,
    thread,
    startNs: segment.startNs[at] as number,
    endNs: ended && (bits & slotBit.endUnknown) === 0 ? (segment.endNs[at] as number) : undefined,
    outcome: (bits & slotBit.outcomeMask) >> slotBit.outcomeShift,
    logFrom: logFrom === none ? 0 : logFrom,
    logTo: logFrom === none ? 0 : ended ? (segment.logTo[at] as number) : thread.log.length,
  };
}

export const turnRule = 'operation after wake';

/** The effective wake that the slot holds: the one that asks for the poll after. `pollSlot` is that poll's, or none. */
export function wakeIn(model: Model, slot: number, pollSlot: number): WakeRecord | undefined {
  if (slot === none) return undefined;
  const segment = model.slots.segmentOf(slot);
  const at = SlotTable.within(slot);
  const bits = segment.wakeBits[at] as number;
  const thread = model.threads[segment.wakeThread[at] as number];
  if ((bits & wakeBit.rankMask) === wakeRank.none || thread === undefined) return undefined;
  const kind = segment.wakeCauseKind[at] as number;
  const known = { ns: segment.wakeNs[at] as number, thread, log: segment.wakeLog[at] as number };
  const byTurn = kind === causeKind.turn;
  if ((bits & (wakeBit.ambiguous | wakeBit.severalThreads)) !== 0)
    return { ...known, kind: causeKind.unknown, id: 0, certainty: 'unknown', rule: '', byTurn };
  if (!byTurn) {
    const id = segment.wakeCauseId[at] as number;
    return { ...known, kind, id, certainty: 'recorded', rule: '', byTurn };
  }
  const source =
    (bits & wakeBit.turnSettled) !== 0
      ? (segment.wakeCauseId[at] as number)
      : settleTurnCause(model, segment, at, pollSlot).source;
  if (source === 0) return { ...known, kind: causeKind.turn, id: 0, certainty: 'unknown', rule: '', byTurn };
  return { ...known, kind: causeKind.source, id: source, certainty: 'inferred', rule: turnRule, byTurn };
}

/** What the poll in the slot stored wakers in, in order; at most `limit`. */
export function waitsIn(model: Model, slot: number, limit: number): WaitRecord[] {
  const found: WaitRecord[] = [];
  if (slot === none) return found;
  const { waits } = model;
  let wait = model.slots.segmentOf(slot).firstWait[SlotTable.within(slot)] as number;
  for (; wait !== none && found.length < limit; wait = waits.nextOf(wait))
    found.push({
      onKind: waits.onKindOf(wait),
      onId: waits.onIdOf(wait),
      interest: waits.interestOf(wait),
      site: waits.siteOf(wait) || (model.stacks.get(waits.stackOf(wait))?.[0] ?? 0),
      stack: waits.stackOf(wait),
      count: waits.onKindOf(wait) === causeKind.unknown ? Math.max(1, waits.onIdOf(wait)) : 1,
      isLate: false,
    });
  for (const chain of model.foundWaits.of(slot)) if (found.length < limit) addFound(model, found, chain);
  return found;
}

/** A chain that was found later belongs to a wait that the poll told, as one that the poll told at its end does. */
function addFound(model: Model, waits: WaitRecord[], { stack, count }: FoundChain): void {
  let joined = 0;
  while (joined < Math.min(count, joinedWaits) && joinFound(model, waits, stack)) joined++;
  if (joined > 0) return;
  const site = model.shownSiteOf(stack) || (model.stacks.get(stack)?.[0] ?? 0);
  waits.push({ onKind: causeKind.unknown, onId: 0, interest: 0, site, stack, count, isLate: true });
}

function joinFound(model: Model, waits: WaitRecord[], stack: number): boolean {
  const chain = model.stacks.get(stack) ?? [];
  const free = (wait: WaitRecord) => wait.stack === 0;
  const looked = waits.slice(0, joinedWaits);
  let at = looked.findIndex((wait) => free(wait) && model.isOnLineOf(wait.site, chain));
  if (at < 0 && waits.length === 1 && waits.every(free)) at = 0;
  const joined = waits[at];
  if (joined === undefined) return false;
  waits[at] = { ...joined, stack, isLate: true };
  return true;
}

/** Epoch of the last poll of the task that began at or before `ns`; 0 when none did. Prefix records must be valid. */
export function epochAt(model: Model, task: Task, position: number, ns: number): number {
  let found = 0;
  for (let p = position; p >= 0 && found === 0; p--) {
    const first = (task.pages[p] as number) * 16;
    const segment = model.slots.segmentOf(first);
    const base = SlotTable.within(first);
    for (let i = 15; i >= 0 && found === 0; i--) {
      const has = ((segment.bits[base + i] as number) & slotBit.hasStart) !== 0;
      if (has && (segment.startNs[base + i] as number) <= ns)
        found = (task.pageNumbers[p] as number) * 16 + i;
    }
  }
  return found;
}
