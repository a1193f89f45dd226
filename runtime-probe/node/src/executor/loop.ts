// Owns what the executor sees of Node's loop: when it was parked, and when a callback of the loop begins.
// Must not know sources, timers or tasks. Nothing here runs while no observer is installed.
//
//   ... polls │ parked in epoll_wait │ callback, callback │ check phase: polls ...
//                                    ▲ here nodeTiming.idleTime has risen by the park's length
//
// idleTime only ever rises by the time that the loop was blocked. The first of our JavaScript after a park (a
// callback of the loop, else an immediate that re-arms itself once per iteration) sees the rise D at time t and
// reports a park in [t − D, t]. The end is late by what other callbacks of the same iteration took before ours.

import { clockNs } from './clock.ts';
import { observer, onObserverChange, type TimerId } from './observe.ts';

const NS_PER_MS = 1e6;
// libuv counts time-outs in whole ms and may read a coarse clock: a park for a deadline may end this much before it.
const TIMER_ROUNDING_NS = NS_PER_MS;

/** The first deadline of the timer queue. */
export interface Deadline {
  readonly id: TimerId;
  readonly deadlineNs: number;
}

let idleSeenMs = 0;
let watching = false;
let firstDeadline: () => Deadline | undefined = () => undefined;
const checkPhaseListeners: Array<() => void> = [];

/** To be called first in every callback of the loop. */
export function enterLoopCallback(): void {
  if (observer !== undefined) reportPark();
}

/** To be called first in a batch of polls. */
export function enterCheckPhase(): void {
  if (observer !== undefined) reportPark();
}

/** Calls the listener once per iteration of the loop, in its check phase, while an observer is installed. */
export function onCheckPhase(listener: () => void): void {
  checkPhaseListeners.push(listener);
}

/** Where the first deadline is to be asked for. */
export function setDeadlineSource(source: () => Deadline | undefined): void {
  firstDeadline = source;
}

function reportPark(): void {
  const idleMs = performance.nodeTiming.idleTime;
  const parkedMs = idleMs - idleSeenMs;
  if (parkedMs <= 0) return;
  idleSeenMs = idleMs;
  const endNs = clockNs();
  // The loop parks no longer than to its earliest timer. A park that lasted until our first deadline therefore had
  // that deadline as its time-out; an earlier timer of the program's own would have ended it earlier.
  const first = firstDeadline();
  const timer = first !== undefined && endNs >= first.deadlineNs - TIMER_ROUNDING_NS ? first.id : 0;
  observer?.park(endNs - parkedMs * NS_PER_MS, endNs, timer);
}

function watch(): void {
  // An unref'ed immediate runs once per iteration but neither keeps the loop alive nor from parking.
  setImmediate(() => {
    if (observer === undefined) {
      watching = false;
      return;
    }
    reportPark();
    for (const listener of checkPhaseListeners) listener();
    watch();
  }).unref();
}

onObserverChange((next) => {
  if (next === undefined || watching) return;
  watching = true;
  idleSeenMs = performance.nodeTiming.idleTime;
  watch();
});
