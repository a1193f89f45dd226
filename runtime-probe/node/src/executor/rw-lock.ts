// Owns a value that many tasks may read or one may write, across their awaits.
// Must not know the tasks. First come, first served: a writer that waits lets no later reader pass, so neither starves.

import type { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { Claim, Permits } from './permits.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';

/** A reader takes one permit and a writer all of them. More readers than this at once would have to wait. */
const ALL_PERMITS = 2 ** 30;

/** A value, held for reading or for writing. Release it in a `finally`, so that a cancelled task gives it back. */
class Guard<T> {
  readonly #lock: RwLock<T>;
  readonly #permits: number;
  #released = false;

  constructor(lock: RwLock<T>, permits: number) {
    this.#lock = lock;
    this.#permits = permits;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#lock.giveBack(this.#permits);
  }

  protected held(): RwLock<T> {
    if (this.#released) throw new Error('this guard has released its lock: lock it again to use the value');
    return this.#lock;
  }
}

export class ReadGuard<T> extends Guard<T> {
  get value(): T {
    return this.held().unguardedValue;
  }
}

export class WriteGuard<T> extends Guard<T> {
  get value(): T {
    return this.held().unguardedValue;
  }

  set value(value: T) {
    this.held().unguardedValue = value;
  }
}

export class RwLock<T> {
  /** The value without the protection of the lock; for the guards. */
  unguardedValue: T;
  readonly #resource: Resource;
  readonly #permits = new Permits(ALL_PERMITS);

  constructor(value: T) {
    this.unguardedValue = value;
    this.#resource = new Resource('rwLock', observer && captureSite(RwLock));
  }

  /** Waits until nobody writes and no writer waits who came before. */
  read(): Awaitable<ReadGuard<T>> {
    const guard = (): ReadGuard<T> => new ReadGuard(this, 1);
    const waits = observer !== undefined && this.#permits.mustWait(1);
    return new Lock(this.#resource, this.#permits, 1, guard, waits ? captureSite(this.read) : undefined);
  }

  /** Waits until nobody else reads or writes. */
  write(): Awaitable<WriteGuard<T>> {
    const guard = (): WriteGuard<T> => new WriteGuard(this, ALL_PERMITS);
    const waits = observer !== undefined && this.#permits.mustWait(ALL_PERMITS);
    const site = waits ? captureSite(this.write) : undefined;
    return new Lock(this.#resource, this.#permits, ALL_PERMITS, guard, site);
  }

  /** For the guards only. */
  giveBack(permits: number): void {
    this.#resource.released();
    this.#permits.release(permits);
  }
}

class Lock<G> extends Claim<G> {
  readonly #resource: Resource;
  readonly #permits: Permits;
  readonly #guard: () => G;
  readonly #site: Site | undefined;

  constructor(resource: Resource, permits: Permits, need: number, guard: () => G, site: Site | undefined) {
    super(need);
    this.#resource = resource;
    this.#permits = permits;
    this.#guard = guard;
    this.#site = site;
  }

  override poll(cx: Context): Poll<G> {
    if (this.#permits.poll(this, cx) === PENDING) {
      this.#resource.waited(cx, this.#site);
      return PENDING;
    }
    // A holder counts once, however many permits stand behind it.
    this.#resource.acquired(cx);
    return ready(this.#guard());
  }

  drop(): void {
    this.#permits.leave(this);
  }
}
