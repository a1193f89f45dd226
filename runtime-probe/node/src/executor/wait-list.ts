// Owns an ordered list of stored wakers: who waits for one thing, first come first woken.
// Must not know what is waited for.

import type { WakeCause } from './observe.ts';
import type { Waker } from './poll.ts';

/**
 * The waiters of one thing. Each waiting future is its own key, so that it holds at most one waker here.
 * Most things have one waiter at a time, who needs no map: it is made for the second.
 */
export class WaitList<W extends object = object> {
  #first: W | undefined;
  #firstWaker: Waker | undefined;
  /** All but the first. A Map keeps the order in which keys were first set. */
  #others: Map<W, Waker> | undefined;

  get size(): number {
    return (this.#first === undefined ? 0 : 1) + (this.#others?.size ?? 0);
  }

  /** Who came first of those that wait. */
  get first(): W | undefined {
    return this.#first;
  }

  /** Stores a clone of the waker for this waiter, or keeps the stored one when it wakes the same task. */
  store(waiter: W, waker: Waker): void {
    if (this.#first === undefined) {
      this.#first = waiter;
      this.#firstWaker = waker.clone();
    } else if (this.#first === waiter) {
      this.#firstWaker = renewed(this.#firstWaker, waker);
    } else {
      this.#others ??= new Map();
      const stored = this.#others.get(waiter);
      // Setting a key again keeps its place.
      if (stored === undefined || !stored.willWake(waker)) this.#others.set(waiter, renewed(stored, waker));
    }
  }

  /** Forgets a waiter. False when it was not (or no longer) here. */
  remove(waiter: W): boolean {
    if (this.#first === waiter) {
      this.#firstWaker?.drop();
      this.#advance();
      return true;
    }
    const stored = this.#others?.get(waiter);
    if (stored === undefined) return false;
    this.#others?.delete(waiter);
    stored.drop();
    return true;
  }

  /** Wakes and forgets the first waiter, and returns it. */
  wakeFirst(cause?: WakeCause): W | undefined {
    const waiter = this.#first;
    const waker = this.#firstWaker;
    if (waiter === undefined || waker === undefined) return undefined;
    this.#advance();
    waker.wake(cause);
    waker.drop();
    return waiter;
  }

  wakeAll(cause?: WakeCause): void {
    while (this.#first !== undefined) this.wakeFirst(cause);
  }

  /** The next of the others takes the first one's place. */
  #advance(): void {
    this.#first = undefined;
    this.#firstWaker = undefined;
    const others = this.#others;
    if (others === undefined || others.size === 0) return;
    for (const [waiter, waker] of others) {
      others.delete(waiter);
      this.#first = waiter;
      this.#firstWaker = waker;
      return;
    }
  }
}

/** The stored waker when it wakes the same task, else a clone of the new one in its place. */
function renewed(stored: Waker | undefined, waker: Waker): Waker {
  if (stored?.willWake(waker)) return stored;
  stored?.drop();
  return waker.clone();
}
