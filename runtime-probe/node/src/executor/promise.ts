// Owns the promise that the executor runs: each of its reactions is a task of its own, polled from the run queue.
// Must not know futures beyond being one: adapt.ts makes promises from futures and futures from promises.
//
// A task awaits it as it awaits any future (`yield* promise`), an async function as any promise (`await promise`).
// It keeps to Promises/A+; the suite of that standard is part of the tests.
//
//   resolve(value) ──► settled ──► one task for each then(), in their order ──► handler ──► resolves what then() gave
//              └─ a thenable ──► a task that calls its then() ──► resolve again

import { Awaitable, Shared } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, type Future, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { Runtime } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

type Settled<T> =
  | { readonly is: 'fulfilled'; readonly value: T }
  | { readonly is: 'rejected'; readonly reason: unknown };

type OnFulfilled<T, R> = ((value: T) => R | PromiseLike<R>) | null | undefined;
type OnRejected<R> = ((reason: unknown) => R | PromiseLike<R>) | null | undefined;

/** One call of then(): what to do when the promise is settled. */
interface Reaction<T> {
  readonly name: string;
  readonly site: Site | undefined;
  run(settled: Settled<T>): void;
}

/** What settles a promise. Only the first call of either counts. */
export interface Deferred<T> {
  readonly promise: TaskPromise<T>;
  /** With a thenable the promise follows that one. */
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason: unknown) => void;
}

export class TaskPromise<T> extends Shared<T> implements PromiseLike<T> {
  readonly #site: Site | undefined;
  #settled: Settled<T> | undefined;
  /** Undefined while there are none, as these are for most of the life of most promises. */
  #reactions: Reaction<T>[] | undefined;
  /** Promises that were resolved with this one. */
  #followers: TaskPromise<T>[] | undefined;
  /** Whether anybody will hear of a rejection. */
  #heard = false;
  /** Made when the first task waits for it: most promises have reactions only. */
  #waiting: { readonly resource: Resource; readonly waiters: WaitList } | undefined;

  /** Made by deferred(), then() and the adapters. */
  constructor(site: Site | undefined) {
    super();
    this.#site = site;
  }

  override awaited(site: Site | undefined): Awaitable<T> {
    return new Wait(this, site);
  }

  // biome-ignore lint/suspicious/noThenProperty: a promise is a thenable.
  then<R1 = T, R2 = never>(
    onFulfilled?: OnFulfilled<T, R1>,
    onRejected?: OnRejected<R2>,
  ): TaskPromise<R1 | R2> {
    const site = observer && captureSite(this.then);
    const derived = new TaskPromise<R1 | R2>(site);
    this.#react({
      name: nameOf(onFulfilled) || nameOf(onRejected),
      site,
      run: (settled) => derived.#settleBy(settled, onFulfilled, onRejected),
    });
    return derived;
  }

  catch<R = never>(onRejected?: OnRejected<R>): TaskPromise<T | R> {
    return this.then(undefined, onRejected);
  }

  /** For deferred() and the adapters: as a deferred's resolve, but every call counts. */
  resolveWith(value: T | PromiseLike<T>): void {
    if ((value as unknown) === this) {
      this.rejectWith(new TypeError('a promise cannot be resolved with itself: it would wait for itself'));
      return;
    }
    if (value instanceof TaskPromise && value.then === TaskPromise.prototype.then) {
      value.#follow(this);
      return;
    }
    let then: unknown;
    try {
      then = thenOf(value);
    } catch (error) {
      this.rejectWith(error);
      return;
    }
    if (typeof then === 'function') this.#adopt(value as PromiseLike<T>, then);
    else this.#settle({ is: 'fulfilled', value: value as T });
  }

  /** For deferred() and the adapters: as a deferred's reject, but every call counts. */
  rejectWith(reason: unknown): void {
    this.#settle({ is: 'rejected', reason });
  }

  /** For Wait only. */
  pollWait(wait: object, cx: Context, site: Site | undefined): Poll<T> {
    this.#heard = true;
    if (this.#settled?.is === 'fulfilled') return ready(this.#settled.value);
    if (this.#settled?.is === 'rejected') throw this.#settled.reason;
    this.#waiting ??= { resource: new Resource('oneshot', this.#site), waiters: new WaitList() };
    this.#waiting.waiters.store(wait, cx.waker);
    this.#waiting.resource.waited(cx, site);
    return PENDING;
  }

  /** For Wait only. */
  forget(wait: object): void {
    this.#waiting?.waiters.remove(wait);
  }

  #react(reaction: Reaction<T>): void {
    this.#heard = true;
    if (this.#settled !== undefined) runLater(reaction, this.#settled);
    else if (this.#reactions === undefined) this.#reactions = [reaction];
    else this.#reactions.push(reaction);
  }

  #follow(follower: TaskPromise<T>): void {
    this.#heard = true;
    if (this.#settled !== undefined) follower.#settle(this.#settled);
    else if (this.#followers === undefined) this.#followers = [follower];
    else this.#followers.push(follower);
  }

  /** The foreign then() is called from the queue: it is the program's code and must not run inside who resolved. */
  #adopt(thenable: PromiseLike<T>, then: unknown): void {
    const name = 'resolve with a thenable';
    const run = (): void => {
      const { resolve, reject } = settlersOf(this);
      try {
        Reflect.apply(then as typeof thenable.then, thenable, [resolve, reject]);
      } catch (error) {
        reject(error);
      }
    };
    runLater({ name, site: this.#site, run }, undefined);
  }

  #settleBy<V, R1, R2>(
    settled: Settled<V>,
    onFulfilled: OnFulfilled<V, R1>,
    onRejected: OnRejected<R2>,
  ): void {
    // What then() gives is resolved with what its handler returns; without a handler it is settled as the first was.
    const self = this as unknown as TaskPromise<unknown>;
    try {
      if (settled.is === 'fulfilled' && typeof onFulfilled === 'function') {
        self.resolveWith(onFulfilled(settled.value));
      } else if (settled.is === 'rejected' && typeof onRejected === 'function') {
        self.resolveWith(onRejected(settled.reason));
      } else self.#settle(settled);
    } catch (error) {
      self.rejectWith(error);
    }
  }

  /** A rejection must not vanish. As with a task that panics it is a warning, and ends nothing. */
  #warnUnlessHeard(): void {
    // Whoever is going to listen does so in the turn in which the promise was rejected.
    setImmediate(() => {
      if (this.#heard || this.#settled?.is !== 'rejected') return;
      const { reason } = this.#settled;
      const text = reason instanceof Error ? reason.message : String(reason);
      const warning = new Error(`a promise was rejected and nobody listens: ${text}`, { cause: reason });
      warning.name = 'PromiseRejected';
      if (reason instanceof Error && reason.stack !== undefined) warning.stack = reason.stack;
      process.emitWarning(warning);
    });
  }

  /** Settles this one and all that follow it, without recursion: they may be a long chain. */
  #settle(settled: Settled<T>): void {
    const chain: TaskPromise<T>[] = [this];
    for (let promise = chain.pop(); promise !== undefined; promise = chain.pop()) {
      promise.#settled = settled;
      if (settled.is === 'rejected' && !promise.#heard) promise.#warnUnlessHeard();
      for (const reaction of promise.#reactions ?? []) runLater(reaction, settled);
      promise.#waiting?.resource.released();
      promise.#waiting?.waiters.wakeAll();
      // One by one: a call takes no more arguments than fit on the stack.
      for (const follower of promise.#followers?.reverse() ?? []) chain.push(follower);
      promise.#reactions = undefined;
      promise.#followers = undefined;
    }
  }
}

/** One await by a task. */
class Wait<T> extends Awaitable<T> {
  readonly #promise: TaskPromise<T>;
  readonly #site: Site | undefined;

  constructor(promise: TaskPromise<T>, site: Site | undefined) {
    super();
    this.#promise = promise;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T> {
    return this.#promise.pollWait(this, cx, this.#site);
  }

  drop(): void {
    this.#promise.forget(this);
  }
}

/** A promise and what settles it. */
export function deferred<T>(): Deferred<T> {
  const promise = new TaskPromise<T>(observer && captureSite(deferred));
  return { promise, ...settlersOf(promise) };
}

/** A promise that is resolved with this value. */
export function resolved<T>(value: T | PromiseLike<T>): TaskPromise<T> {
  const promise = new TaskPromise<T>(observer && captureSite(resolved));
  promise.resolveWith(value);
  return promise;
}

/** A promise that is rejected for this reason. */
export function rejected<T = never>(reason: unknown): TaskPromise<T> {
  const promise = new TaskPromise<T>(observer && captureSite(rejected));
  promise.rejectWith(reason);
  return promise;
}

/** The pair of which only the first call counts. */
function settlersOf<T>(promise: TaskPromise<T>): Omit<Deferred<T>, 'promise'> {
  let called = false;
  return {
    resolve: (value) => {
      if (called) return;
      called = true;
      promise.resolveWith(value);
    },
    reject: (reason) => {
      if (called) return;
      called = true;
      promise.rejectWith(reason);
    },
  };
}

function thenOf(value: unknown): unknown {
  const mayHave = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return mayHave ? (value as { then?: unknown }).then : undefined;
}

function nameOf(handler: unknown): string {
  return typeof handler === 'function' ? handler.name : '';
}

let reactions: Runtime | undefined;

/** Promises outlive every root, so their reactions have a runtime that nobody shuts down. */
export function reactionRuntime(): Runtime {
  reactions ??= new Runtime({ name: 'promises' });
  return reactions;
}

class ReactionTask<T> implements Future<void> {
  readonly #reaction: { run(settled: T): void };
  readonly #settled: T;

  constructor(reaction: { run(settled: T): void }, settled: T) {
    this.#reaction = reaction;
    this.#settled = settled;
  }

  poll(): Poll<void> {
    this.#reaction.run(this.#settled);
    return ready(undefined);
  }
}

function runLater<T>(
  reaction: { readonly name: string; readonly site: Site | undefined; run(settled: T): void },
  settled: T,
): void {
  const name = reaction.name === '' ? 'then' : `then ${reaction.name}`;
  reactionRuntime().spawnAt(new ReactionTask(reaction, settled), { name }, reaction.site);
}
