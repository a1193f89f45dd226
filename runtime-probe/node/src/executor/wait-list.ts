// Owns an ordered list of stored wakers: who waits for one thing, first come first woken.
// Must not know what is waited for.

import type { WakeCause } from './observe.ts';
import type { Waker } from './poll.ts';

/** The waiters of one thing. Each waiting future is its own key, so that it holds at most one waker here. */
export class WaitList {
  // A Map keeps the order in which keys were first set.
  readonly #wakers = new Map<object, Waker>();

  get size(): number {
    return this.#wakers.size;
  }

  /** Stores a clone of the waker for this waiter, or keeps the stored one when it wakes the same task. */
  store(waiter: object, waker: Waker): void {
    const stored = this.#wakers.get(waiter);
    if (stored !== undefined) {
      if (stored.willWake(waker)) return;
      stored.drop();
    }
    this.#wakers.set(waiter, waker.clone());
  }

  /** Forgets a waiter. False when it was not (or no longer) here. */
  remove(waiter: object): boolean {
    const stored = this.#wakers.get(waiter);
    if (stored === undefined) return false;
    this.#wakers.delete(waiter);
    stored.drop();
    return true;
  }

  /** Wakes and forgets the first waiter, and returns it. */
  wakeFirst(cause?: WakeCause): object | undefined {
    for (const [waiter, waker] of this.#wakers) {
      this.#wakers.delete(waiter);
      waker.wake(cause);
      waker.drop();
      return waiter;
    }
    return undefined;
  }

  wakeAll(cause?: WakeCause): void {
    while (this.#wakers.size > 0) this.wakeFirst(cause);
  }
}
