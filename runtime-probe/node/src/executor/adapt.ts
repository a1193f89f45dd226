// Owns the ways between promises and futures.
// Must not know how either is run.

import { Awaitable, describe } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { reactionRuntime, TaskPromise } from './promise.ts';
import { Resource } from './resource.ts';
import { runningRuntime, type Spawnable, type SpawnOptions } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { JoinError, type JoinHandle } from './task.ts';
import { WaitList } from './wait-list.ts';

type Outcome<T> =
  | { readonly is: 'unsettled' }
  | { readonly is: 'fulfilled'; readonly value: T }
  | { readonly is: 'rejected'; readonly reason: unknown };

/** A promise as a future. It listens from its first poll on; dropping it does not stop what the promise stands for. */
class PromiseFuture<T> extends Awaitable<T> {
  readonly #promise: PromiseLike<T>;
  readonly #resource: Resource;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #outcome: Outcome<T> | undefined;

  constructor(promise: PromiseLike<T>, site: Site | undefined) {
    super();
    this.#promise = promise;
    this.#site = site;
    // A promise is a channel for one value, and its settling is the send.
    this.#resource = new Resource('oneshot', site);
  }

  override poll(cx: Context): Poll<T> {
    if (this.#outcome === undefined) this.#listen();
    const outcome = this.#outcome;
    if (outcome?.is === 'rejected') throw outcome.reason;
    if (outcome?.is === 'fulfilled') {
      this.#resource.acquired(cx);
      return ready(outcome.value);
    }
    this.#waiter.store(this, cx.waker);
    this.#resource.waited(cx, this.#site);
    return PENDING;
  }

  drop(): void {
    this.#waiter.remove(this);
  }

  #listen(): void {
    this.#outcome = { is: 'unsettled' };
    this.#promise.then(
      (value) => this.#settle({ is: 'fulfilled', value }),
      (reason: unknown) => this.#settle({ is: 'rejected', reason }),
    );
  }

  #settle(outcome: Outcome<T>): void {
    // A thenable that is not a promise may call back twice.
    if (this.#outcome?.is !== 'unsettled') return;
    this.#outcome = outcome;
    this.#resource.released();
    this.#waiter.wakeAll();
  }
}

/** A future of what the promise will be: its value, or its reason thrown. */
export function fromPromise<T>(promise: PromiseLike<T>): Awaitable<T> {
  return fromPromiseAt(promise, observer && captureSite(fromPromise));
}

/** As fromPromise, with a site that was captured by a function around this one. */
export function fromPromiseAt<T>(promise: PromiseLike<T>, site: Site | undefined): Awaitable<T> {
  if (promise instanceof TaskPromise) return promise;
  if (typeof (promise as Partial<PromiseLike<T>> | null | undefined)?.then !== 'function') {
    throw new TypeError(
      `expected a promise (an object with then); got ${describe(promise)}. Call the async function: fromPromise(work())`,
    );
  }
  return new PromiseFuture(promise, site);
}

/**
 * A promise of what the work will give. The work is a task of its own: on the runtime of the task that calls this,
 * else on one that ends only with the process. When the task is cancelled the promise is rejected with a JoinError.
 */
export function toPromise<T>(work: Spawnable<T>, options: SpawnOptions = {}): TaskPromise<T> {
  const site = observer && captureSite(toPromise);
  const promise = new TaskPromise<T>(site);
  const runtime = runningRuntime() ?? reactionRuntime();
  const handle: JoinHandle<T> = runtime.spawnAt(work, options, site, (result) => {
    if (result.outcome === 'completed') promise.resolveWith(result.value);
    else if (result.outcome === 'panicked') promise.rejectWith(result.error);
    else promise.rejectWith(new JoinError(handle.info, 'cancelled'));
  });
  return promise;
}
