// Owns the line that semaphores, channels and read-write locks share: permits are handed to waiters in their order,
// one wake each, so that a wake always finds its permit there.
// Must not know what a permit stands for, and tells the observer nothing.

import { Awaitable } from './coroutine.ts';
import { type Context, PENDING } from './poll.ts';
import { WaitList } from './wait-list.ts';

/** A future that asks for permits. */
export abstract class Claim<T> extends Awaitable<T> {
  /** How many it needs at once. */
  readonly need: number;
  /** The permits were handed to it while it waited, and it has not taken them in a poll yet. For Permits only. */
  granted = false;

  constructor(need: number) {
    super();
    this.need = need;
  }
}

export class Permits {
  readonly #line = new WaitList<Claim<unknown>>();
  #free: number;
  /** Claims that were handed permits and have not taken them yet. */
  #handed = 0;
  #closed = false;

  constructor(free: number) {
    this.#free = free;
  }

  get free(): number {
    return this.#free;
  }

  get isWaitedFor(): boolean {
    return this.#line.first !== undefined;
  }

  /**
   * Whether one who asks now has to wait. Only then the place in the source is worth its 2 to 4 µs: a future that is
   * awaited at once is polled before anything else can run. One that is kept and polled later may wait without it.
   */
  mustWait(need: number): boolean {
    return this.#line.first !== undefined || this.#free < need;
  }

  /** Takes permits without waiting. Nobody is overtaken: false while somebody waits. */
  tryTake(need: number): boolean {
    if (this.#closed || this.#line.first !== undefined || this.#free < need) return false;
    this.#free -= need;
    return true;
  }

  /** Takes the permits, or stands in line, or says that there will be no more. */
  poll(claim: Claim<unknown>, cx: Context): 'taken' | 'closed' | typeof PENDING {
    if (claim.granted) {
      this.#settle(claim);
      return 'taken';
    }
    // Whoever stands in line already keeps the line from being empty, so it is not served out of turn here.
    if (this.#line.first === undefined && this.#free >= claim.need) {
      this.#free -= claim.need;
      return 'taken';
    }
    // What was handed to another comes back if that one is cancelled, so it is too early to say that nothing is left.
    if (this.#closed && this.#handed === 0) return 'closed';
    this.#line.store(claim, cx.waker);
    return PENDING;
  }

  /** Gives permits to those who wait, in their order, and keeps the rest. */
  release(count: number): void {
    this.#free += count;
    this.#handOn();
  }

  /** A claim is dropped: it leaves the line, and what it was handed goes to the next. */
  leave(claim: Claim<unknown>): void {
    if (claim.granted) {
      this.release(claim.need);
      this.#settle(claim);
    } else if (this.#line.remove(claim)) {
      // One that needed many may have stood before others that need few.
      this.#handOn();
    }
  }

  /** Turns away who waits and who comes when nothing is free. What is free can still be taken. */
  close(): void {
    this.#closed = true;
    if (this.#handed === 0) this.#line.wakeAll();
  }

  /** A claim has taken what it was handed, or has given it on. */
  #settle(claim: Claim<unknown>): void {
    claim.granted = false;
    this.#handed -= 1;
    if (this.#closed && this.#handed === 0) this.#line.wakeAll();
  }

  #handOn(): void {
    for (
      let next = this.#line.first;
      next !== undefined && next.need <= this.#free;
      next = this.#line.first
    ) {
      this.#free -= next.need;
      next.granted = true;
      this.#handed += 1;
      this.#line.wakeFirst();
    }
  }
}

export function checkCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new RangeError(`${what} must be a whole number from 1; got ${count}`);
}
