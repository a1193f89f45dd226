// Owns mutual exclusion between tasks across their awaits.
// Must not know the tasks. First come, first served: release hands the lock to the first waiter.

import { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/** The lock, held. Release it in a `finally`, so that a cancelled task gives it back. */
export class MutexGuard<T> {
  readonly #release: () => void;
  readonly #mutex: Mutex<T>;
  #released = false;

  constructor(mutex: Mutex<T>, release: () => void) {
    this.#mutex = mutex;
    this.#release = release;
  }

  get value(): T {
    this.#checkHeld();
    return this.#mutex.unguardedValue;
  }

  set value(value: T) {
    this.#checkHeld();
    this.#mutex.unguardedValue = value;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#release();
  }

  #checkHeld(): void {
    if (this.#released) throw new Error('this guard has released its mutex: lock it again to use the value');
  }
}

export class Mutex<T> {
  /** The value without the protection of the lock; for the guard. */
  unguardedValue: T;
  readonly #resource: Resource;
  readonly #waiters = new WaitList();
  /** Who has the lock: `free`, a Lock future that was handed it and has not been polled yet, or a guard. */
  #holder: object | 'free' = 'free';

  constructor(value: T) {
    this.unguardedValue = value;
    this.#resource = new Resource('mutex', observer && captureSite(Mutex));
  }

  lock(): Awaitable<MutexGuard<T>> {
    // As in permits.ts: who finds it free waits nowhere.
    const waits = observer !== undefined && this.#holder !== 'free';
    return new Lock(this, waits ? captureSite(this.lock) : undefined);
  }

  /** For the Lock future only. */
  pollLock(lock: object, cx: Context, site: Site | undefined): Poll<MutexGuard<T>> {
    // A newcomer does not overtake: the lock is free only when nobody waits.
    if (this.#holder !== 'free' && this.#holder !== lock) {
      this.#waiters.store(lock, cx.waker);
      this.#resource.waited(cx, site);
      return PENDING;
    }
    const guard = new MutexGuard<T>(this, () => {
      this.#resource.released(1, this.#waiters.first !== undefined);
      this.#handOn();
    });
    this.#holder = guard;
    this.#resource.acquired(cx);
    return ready(guard);
  }

  /** For the Lock future only: it is cancelled, and what it was handed goes to the next one. */
  forget(lock: object): void {
    this.#waiters.remove(lock);
    if (this.#holder === lock) this.#handOn();
  }

  #handOn(): void {
    this.#holder = 'free';
    const next = this.#waiters.wakeFirst();
    if (next !== undefined) this.#holder = next;
  }
}

class Lock<T> extends Awaitable<MutexGuard<T>> {
  readonly #mutex: Mutex<T>;
  readonly #site: Site | undefined;

  constructor(mutex: Mutex<T>, site: Site | undefined) {
    super();
    this.#mutex = mutex;
    this.#site = site;
  }

  override poll(cx: Context): Poll<MutexGuard<T>> {
    return this.#mutex.pollLock(this, cx, this.#site);
  }

  drop(): void {
    this.#mutex.forget(this);
  }
}
