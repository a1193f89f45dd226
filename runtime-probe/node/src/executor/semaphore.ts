// Owns counted permits between tasks: at most so many at a time.
// Must not know what is limited. First come, first served, also for one who asks for many.

import type { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { Claim, checkCount, Permits } from './permits.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { currentTaskId } from './task.ts';

/** Permits, held. Release them in a `finally`, so that a cancelled task gives them back. */
export class SemaphorePermit {
  readonly count: number;
  readonly #resource: Resource;
  readonly #permits: Permits;
  #released = false;

  constructor(resource: Resource, permits: Permits, count: number) {
    this.#resource = resource;
    this.#permits = permits;
    this.count = count;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#resource.released(this.count);
    this.#permits.release(this.count);
  }
}

export class Semaphore {
  readonly #resource: Resource;
  readonly #permits: Permits;

  constructor(permits: number) {
    if (!(Number.isSafeInteger(permits) && permits >= 0)) {
      throw new RangeError(`a semaphore has a whole number of permits from 0; got ${permits}`);
    }
    this.#resource = new Resource('semaphore', observer && captureSite(Semaphore));
    this.#permits = new Permits(permits);
  }

  /** Permits that nobody holds. */
  get available(): number {
    return this.#permits.free;
  }

  /** Waits until `count` permits are free and all who asked before have theirs. */
  acquire(count = 1): Awaitable<SemaphorePermit> {
    checkCount(count, 'the permits asked for');
    const waits = observer !== undefined && this.#permits.mustWait(count);
    return new Acquire(this.#resource, this.#permits, count, waits ? captureSite(this.acquire) : undefined);
  }

  /** The permits if they are free and nobody waits. */
  tryAcquire(count = 1): SemaphorePermit | undefined {
    checkCount(count, 'the permits asked for');
    if (!this.#permits.tryTake(count)) return undefined;
    this.#resource.acquiredBy(currentTaskId(), count);
    return new SemaphorePermit(this.#resource, this.#permits, count);
  }

  /** Makes more permits than there were. */
  addPermits(count: number): void {
    checkCount(count, 'the permits added');
    this.#permits.release(count);
  }
}

class Acquire extends Claim<SemaphorePermit> {
  readonly #resource: Resource;
  readonly #permits: Permits;
  readonly #site: Site | undefined;

  constructor(resource: Resource, permits: Permits, count: number, site: Site | undefined) {
    super(count);
    this.#resource = resource;
    this.#permits = permits;
    this.#site = site;
  }

  override poll(cx: Context): Poll<SemaphorePermit> {
    if (this.#permits.poll(this, cx) === PENDING) {
      this.#resource.waited(cx, this.#site);
      return PENDING;
    }
    this.#resource.acquired(cx, this.need);
    return ready(new SemaphorePermit(this.#resource, this.#permits, this.need));
  }

  drop(): void {
    this.#permits.leave(this);
  }
}
