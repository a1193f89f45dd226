// Owns who held a worker while a task stood in its queue, and whom a long poll starved. Bounded: it looks at the polls of
// one thread around one interval. Knows nothing of sentences' order.
import { none, SlotTable } from '../model/columns.ts';
import { firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Thread } from '../model/entities.ts';
import type { Model } from '../model/model.ts';
import { pollIn, wakeIn } from '../model/records.ts';

/** Polls that are looked at for one answer. */
const lookedLimit = 5_000;

export interface Blame {
  /** Who held the worker, longest first; several polls of a task are one entry. */
  readonly tasks: readonly { readonly task: number; readonly ns: number; readonly polls: number }[];
  /** What is left: the worker was between polls, in a turn of the reactor or parked. */
  readonly otherNs: number;
}

/** Shares the interval out among the polls that held the thread; the parts add up to it. */
export function blameOf(thread: Thread, fromNs: number, toNs: number, nowNs: number): Blame {
  const held = new Map<number, { task: number; ns: number; polls: number }>();
  let otherNs = toNs - fromNs;
  const { polls } = thread;
  const first = firstEndingAfter(polls, fromNs, nowNs);
  for (let i = first; i < polls.count && i < first + lookedLimit; i++) {
    const startNs = Math.max(polls.startOf(i), fromNs);
    const endNs = Math.min(polls.endOf(i, nowNs), toNs);
    if (startNs >= toNs) break;
    if (endNs <= startNs) continue;
    const task = polls.refOf(i);
    const entry = held.get(task) ?? { task, ns: 0, polls: 0 };
    entry.ns += endNs - startNs;
    entry.polls++;
    held.set(task, entry);
    otherNs -= endNs - startNs;
  }
  return { tasks: [...held.values()].sort((x, y) => y.ns - x.ns), otherNs };
}

export interface Starved {
  readonly task: number;
  /** How long of the poll it stood in the queue. */
  readonly ns: number;
}

/** Tasks that the thread polled after this poll and that were woken before it ended: they stood in its queue meanwhile. */
export function starvedBy(
  model: Model,
  thread: Thread,
  startNs: number,
  endNs: number,
  nowNs: number,
): Starved[] {
  const starved: Starved[] = [];
  const seen = new Set<number>();
  const { polls } = thread;
  const first = firstEndingAfter(polls, endNs, nowNs);
  for (let i = first; i < polls.count && i < first + lookedLimit; i++) {
    const slot = polls.slotAt(i);
    const task = model.tasks[polls.taskIndexOf(i)];
    if (task === undefined || seen.has(task.id)) continue;
    const wokenNs = scheduledAt(model, task.index, slot);
    // A queue is first in, first out: from the first poll on that was woken later, all were.
    if (wokenNs === undefined || wokenNs >= endNs) break;
    seen.add(task.id);
    starved.push({ task: task.id, ns: endNs - Math.max(wokenNs, startNs) });
  }
  return starved.sort((x, y) => y.ns - x.ns);
}

/** When the poll in the slot was asked for: its wake, or its task's spawn; undefined when not known. */
function scheduledAt(model: Model, taskIndex: number, slot: number): number | undefined {
  const task = model.tasks[taskIndex];
  const poll = pollIn(model, slot);
  if (task === undefined || poll === undefined) return undefined;
  const before = slotBefore(model, taskIndex, slot);
  const wake = wakeIn(model, before, slot);
  const previous = pollIn(model, before);
  if (wake !== undefined) return Math.max(wake.ns, previous?.endNs ?? wake.ns);
  return Number.isNaN(task.spawnNs) || previous !== undefined ? undefined : task.spawnNs;
}

/** The slot of the epoch before: beside it in the page, or at the end of the page before. */
function slotBefore(model: Model, taskIndex: number, slot: number): number {
  if (SlotTable.within(slot) % 16 !== 0) return slot - 1;
  const task = model.tasks[taskIndex];
  if (task === undefined) return none;
  const position = task.pages.lastIndexOf(slot >>> 4);
  return position < 0 ? none : model.slotOf(task, (task.pageNumbers[position] as number) * 16 - 1);
}
