// Owns the way from generators to futures: a generator yields the future it awaits, and is resumed with its value.
// Must not know tasks, queues or sources.
//
//   poll ──► is a future awaited? ──► poll that one ──pending──► pending   (the generator is not touched)
//                                          └─ready──► generator.next(value) ──► next awaited future, or done
//                                          └─throws─► generator.throw(error)

import { observer } from './observe.ts';
import { type Context, dropFuture, type Future, PENDING, type Poll, ready } from './poll.ts';
import { captureSite, type Site } from './site.ts';
import { beginThread, type CodeThread, enterThread, lostThread } from './site-prediction.ts';

/** What `function*` returns when it awaits by `yield*`. */
export type Async<T> = Generator<Future<unknown>, T, unknown>;

/** Everything that can be given where a future is expected. */
export type IntoFuture<T> = Future<T> | Async<T>;

/** A future that a generator can await by `yield* future`. All futures of this package are of this kind. */
export abstract class Awaitable<T> implements Future<T> {
  abstract poll(cx: Context): Poll<T>;

  [Symbol.iterator](): Async<T> {
    return awaitOnce(this);
  }
}

/**
 * What `yield* future` iterates: yields the future, and returns the value with which the generator is resumed, which
 * is that of the future. The same as a generator of one `yield`, for less than that costs.
 */
class AwaitOnce<T> implements IterableIterator<Future<unknown>, T, unknown> {
  #future: Future<T> | undefined;

  constructor(future: Future<T>) {
    this.#future = future;
  }

  next(value: unknown): IteratorResult<Future<unknown>, T> {
    const future = this.#future;
    if (future === undefined) return { done: true, value: value as T };
    this.#future = undefined;
    return { done: false, value: future };
  }

  throw(error: unknown): never {
    throw error;
  }

  return(value: T): IteratorResult<Future<unknown>, T> {
    return { done: true, value };
  }

  [Symbol.iterator](): this {
    return this;
  }
}

/** As a generator: what later standards put on those besides (map, filter, …) makes no sense of an await. */
function awaitOnce<T>(future: Future<T>): Async<T> {
  return new AwaitOnce(future) as IterableIterator<Future<unknown>, T, unknown> as Async<T>;
}

/**
 * What several tasks may await at the same time, and one task at several places. Each await is a future of its own:
 * it has its own stored waker, which goes when that await is cancelled, and the site of that await.
 */
export abstract class Shared<T> extends Awaitable<T> {
  /** For whoever polls this object itself instead of an await of it. */
  #own: Future<T> | undefined;

  /** One await. */
  abstract awaited(site: Site | undefined): Future<T>;

  override [Symbol.iterator](): Async<T> {
    const site = observer && captureSite(Shared.prototype[Symbol.iterator]);
    return awaitOnce(this.awaited(site));
  }

  override poll(cx: Context): Poll<T> {
    this.#own ??= this.awaited(undefined);
    return this.#own.poll(cx);
  }

  drop(): void {
    const own = this.#own;
    this.#own = undefined;
    if (own !== undefined) dropFuture(own);
  }
}

/** Awaits any object with `poll(cx)`: `yield* awaiting(future)`. */
export function* awaiting<T>(future: Future<T>): Async<T> {
  return (yield future) as T;
}

export function isGenerator<T>(value: IntoFuture<T>): value is Async<T> {
  return 'next' in value && 'throw' in value && 'return' in value;
}

export function isFuture(value: unknown): value is Future<unknown> {
  return typeof value === 'object' && value !== null && 'poll' in value && typeof value.poll === 'function';
}

export function toFuture<T>(value: IntoFuture<T>): Future<T> {
  // Programs without types may hand in anything.
  if (typeof value === 'object' && value !== null) {
    if (isGenerator(value)) return new Coroutine(value);
    if (value instanceof Shared) return value.awaited(undefined);
    if (isFuture(value)) return value;
  }
  throw new TypeError(
    'expected a future (an object with poll(cx)) or a generator; got ' +
      `${describe(value)}. Call the generator function: spawn(work()), or make a future of the promise: fromPromise(promise)`,
  );
}

// A generator whose `finally` awaits while it is cancelled is told so by an error at that await. This many times,
// then it is left as it stands.
const CLEANUP_ATTEMPTS = 8;

// The most awaits of one poll that find their value there. Then the task goes to the end of the queue, so that one whose
// channel is never empty, or whose lock is always free, starves nobody. 128 awaits of 50 to 100 ns are about 10 µs.
const READY_AWAITS_PER_POLL = 128;

/** A future that runs a generator. */
export class Coroutine<T> extends Awaitable<T> {
  readonly #generator: Async<T>;
  #awaited: Future<unknown> | undefined;
  #running = false;
  #started = false;
  /** Where its code stands; undefined while nobody observes it, and so lost when somebody does in its midst. */
  #thread: CodeThread | undefined;

  constructor(generator: Async<T>) {
    super();
    this.#generator = generator;
    this.#thread = observer && beginThread();
  }

  override poll(cx: Context): Poll<T> {
    if (this.#running) throw new Error('a generator was polled from inside its own poll');
    this.#running = true;
    try {
      return this.#advance(cx);
    } finally {
      this.#running = false;
    }
  }

  /** Drops the awaited future and runs the generator's `finally` blocks. An error thrown there comes out of here. */
  drop(): void {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    if (awaited !== undefined) dropFuture(awaited);
    const outer = enterThread(this.#observedThread());
    try {
      this.#unwind();
    } finally {
      enterThread(outer);
    }
  }

  #unwind(): void {
    this.#thread?.resumedByError();
    // The value given to return() is seen by nobody; the type asks for one.
    let step: IteratorResult<unknown, unknown> = (
      this.#generator as Generator<unknown, unknown, unknown>
    ).return(undefined);
    for (let attempt = 0; !step.done && attempt < CLEANUP_ATTEMPTS; attempt += 1) {
      if (isFuture(step.value)) dropFuture(step.value);
      step = this.#generator.throw(
        new Error(
          'a cancelled task cannot await in its finally block: release what it holds without waiting',
        ),
      );
    }
  }

  #advance(cx: Context): Poll<T> {
    let step = this.#awaited === undefined ? this.#start() : this.#pollAwaited(cx, this.#awaited);
    let awaits = 0;
    while (step !== undefined) {
      if (step.done) return ready(step.value);
      if (isFuture(step.value)) {
        this.#awaited = step.value;
        awaits += 1;
        // Before the future is polled, so that nothing is taken that a cancellation would lose.
        if (awaits > READY_AWAITS_PER_POLL) {
          cx.waker.wake();
          return PENDING;
        }
        step = this.#pollAwaited(cx, step.value);
      } else {
        step = this.#throwIn(notAFuture(step.value));
      }
    }
    return PENDING;
  }

  #start(): IteratorResult<Future<unknown>, T> {
    if (this.#started) throw new Error('a generator was polled after it had ended');
    this.#started = true;
    return this.#goOn(undefined);
  }

  /** Undefined when the awaited future is pending, else what the generator did with its value or error. */
  #pollAwaited(cx: Context, awaited: Future<unknown>): IteratorResult<Future<unknown>, T> | undefined {
    let polled: Poll<unknown>;
    try {
      polled = awaited.poll(cx);
    } catch (error) {
      this.#awaited = undefined;
      return this.#throwIn(error);
    }
    if (polled === PENDING) return undefined;
    this.#awaited = undefined;
    return this.#goOn(polled.ready);
  }

  #goOn(value: unknown): IteratorResult<Future<unknown>, T> {
    const thread = this.#observedThread();
    if (thread === undefined) return this.#generator.next(value);
    thread.resumed(value);
    const outer = enterThread(thread);
    try {
      observer?.codeResumes?.();
      return this.#generator.next(value);
    } finally {
      enterThread(outer);
    }
  }

  #throwIn(error: unknown): IteratorResult<Future<unknown>, T> {
    const outer = enterThread(this.#observedThread());
    this.#thread?.resumedByError();
    try {
      observer?.codeResumes?.();
      return this.#generator.throw(error);
    } finally {
      enterThread(outer);
    }
  }

  #observedThread(): CodeThread | undefined {
    if (observer === undefined) this.#thread = undefined;
    else this.#thread ??= lostThread();
    return this.#thread;
  }
}

function notAFuture(value: unknown): TypeError {
  return new TypeError(
    `a task yielded ${describe(value)}, which is no future. Await by "yield* future", "yield* awaiting(object)" or ` +
      '"yield* fromPromise(promise)"',
  );
}

/** What the value is, for a message. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'without a name'})`;
  if (typeof value !== 'object' || value === null) return `${typeof value} (${String(value)})`;
  return value instanceof Promise
    ? 'a promise'
    : `an object of class ${value.constructor?.name ?? 'unknown'}`;
}
