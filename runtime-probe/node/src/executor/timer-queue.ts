// Owns the queue of timers by deadline, and the one Node timer that is armed for the first of them.
// Must not know futures or tasks: an entry is given the function to call.

import { clockNs } from './clock.ts';
import { type Deadline, enterLoopCallback, setDeadlineSource } from './loop.ts';
import { idSequence, type TimerId } from './observe.ts';

const NS_PER_MS = 1e6;
// Node takes a delay in whole ms, at most 2^31 − 1 (24.8 days); a later deadline is looked at again then.
const MAX_NODE_DELAY_MS = 2 ** 31 - 1;

const nextTimerId = idSequence();

/** One deadline in the queue. */
export interface TimerEntry {
  readonly id: TimerId;
  readonly deadlineNs: number;
  readonly fire: (latenessNs: number) => void;
  /** Where it stands in the heap; -1 when it is not there. Kept by the queue. */
  position: number;
}

/**
 * A binary heap: the entry at i is due no later than those at 2i + 1 and 2i + 2. Of equal deadlines the one set
 * first is first, ids being given in that order. Setting and cancelling take O(log n).
 */
const heap: TimerEntry[] = [];
let armed: { readonly node: NodeJS.Timeout; readonly deadlineNs: number } | undefined;

export function setTimer(deadlineNs: number, fire: (latenessNs: number) => void): TimerEntry {
  const entry: TimerEntry = { id: nextTimerId(), deadlineNs, fire, position: heap.length };
  heap.push(entry);
  moveUp(entry);
  arm();
  return entry;
}

/** Takes an entry out before it has fired. False when it is not in the queue. */
export function cancelTimer(entry: TimerEntry): boolean {
  if (entry.position < 0) return false;
  remove(entry);
  arm();
  return true;
}

/** The first deadline of the queue, which is what the Node timer is armed for. */
export function nextDeadline(): Deadline | undefined {
  return heap[0];
}

/** Arms the Node timer for the first deadline; with an empty queue disarms it, so that the process can end. */
function arm(): void {
  const first = heap[0];
  if (first !== undefined && armed?.deadlineNs === first.deadlineNs) return;
  if (armed !== undefined) clearTimeout(armed.node);
  armed = undefined;
  if (first === undefined) return;
  // Node counts from the whole ms that has begun, to which the delay is added: so both ends are rounded to whole ms
  // here, and the timer fires in the ms after the deadline, not before it.
  const delayMs = Math.ceil(first.deadlineNs / NS_PER_MS) - Math.floor(clockNs() / NS_PER_MS);
  const node = setTimeout(fireDue, Math.min(Math.max(delayMs, 1), MAX_NODE_DELAY_MS));
  armed = { node, deadlineNs: first.deadlineNs };
}

function fireDue(): void {
  enterLoopCallback();
  armed = undefined;
  // Where libuv reads a coarser clock the call may come early: then nothing is due and the rest is armed again.
  const nowNs = clockNs();
  for (let first = heap[0]; first !== undefined && first.deadlineNs <= nowNs; first = heap[0]) {
    remove(first);
    first.fire(nowNs - first.deadlineNs);
  }
  arm();
}

function remove(entry: TimerEntry): void {
  const last = heap.pop();
  if (last !== undefined && last !== entry) {
    place(last, entry.position);
    moveUp(last);
    moveDown(last);
  }
  entry.position = -1;
}

function moveUp(entry: TimerEntry): void {
  while (entry.position > 0) {
    const parentPosition = (entry.position - 1) >> 1;
    const parent = heap[parentPosition];
    if (parent === undefined || !isDueBefore(entry, parent)) return;
    place(parent, entry.position);
    place(entry, parentPosition);
  }
}

function moveDown(entry: TimerEntry): void {
  for (;;) {
    const left = heap[2 * entry.position + 1];
    const right = heap[2 * entry.position + 2];
    const child = right !== undefined && left !== undefined && isDueBefore(right, left) ? right : left;
    if (child === undefined || !isDueBefore(child, entry)) return;
    const childPosition = child.position;
    place(child, entry.position);
    place(entry, childPosition);
  }
}

function place(entry: TimerEntry, position: number): void {
  heap[position] = entry;
  entry.position = position;
}

function isDueBefore(a: TimerEntry, b: TimerEntry): boolean {
  return a.deadlineNs < b.deadlineNs || (a.deadlineNs === b.deadlineNs && a.id < b.id);
}

setDeadlineSource(nextDeadline);
