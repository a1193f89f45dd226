// Owns yieldNow: lets the other runnable tasks and the loop go first.
// Must not know the run queue.

import { Awaitable } from './coroutine.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';

class YieldNow extends Awaitable<void> {
  #yielded = false;

  override poll(cx: Context): Poll<void> {
    if (this.#yielded) return ready(undefined);
    this.#yielded = true;
    // The task wakes itself: it is polled again after those that are in the queue already.
    cx.waker.wake();
    return PENDING;
  }
}

/** Pending once. */
export function yieldNow(): Awaitable<void> {
  return new YieldNow();
}
