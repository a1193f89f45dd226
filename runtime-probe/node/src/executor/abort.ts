// Owns the two ways between cancelling a future and AbortSignal, which is how the rest of the platform cancels.
// Must not know how a future or a promise is run.
//
//   a signal is aborted ──► untilAborted drops its future ──► and throws the signal's reason
//   abortable is dropped ──► the signal that it made is aborted ──► what the promise stands for stops

import { fromPromiseAt } from './adapt.ts';
import { Awaitable, type IntoFuture, toFuture } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, dropFuture, type Future, PENDING, type Poll } from './poll.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/**
 * Who waits for each signal. One listener serves all: Node warns of a leak where one signal has more than ten. It goes
 * with the last waiter, so that a signal that lives long keeps nothing.
 */
const waitersOfSignals = new WeakMap<AbortSignal, SignalWaiters>();

class SignalWaiters {
  readonly #signal: AbortSignal;
  readonly #waiters = new WaitList();
  readonly #onAbort = (): void => this.#waiters.wakeAll();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  store(waiter: object, cx: Context): void {
    if (this.#waiters.size === 0) this.#signal.addEventListener('abort', this.#onAbort);
    this.#waiters.store(waiter, cx.waker);
  }

  remove(waiter: object): void {
    if (this.#waiters.remove(waiter) && this.#waiters.size === 0)
      this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

function waitersOf(signal: AbortSignal): SignalWaiters {
  let waiters = waitersOfSignals.get(signal);
  if (waiters === undefined) {
    waiters = new SignalWaiters(signal);
    waitersOfSignals.set(signal, waiters);
  }
  return waiters;
}

class UntilAborted<T> extends Awaitable<T> {
  readonly #signal: AbortSignal;
  readonly #work: Future<T>;
  readonly #waiters: SignalWaiters;

  constructor(signal: AbortSignal, work: IntoFuture<T>) {
    super();
    this.#signal = signal;
    this.#waiters = waitersOf(signal);
    this.#work = toFuture(work);
  }

  override poll(cx: Context): Poll<T> {
    if (this.#signal.aborted) {
      this.drop();
      throw this.#signal.reason;
    }
    let polled: Poll<T>;
    try {
      polled = this.#work.poll(cx);
    } catch (error) {
      this.#waiters.remove(this);
      throw error;
    }
    if (polled !== PENDING) {
      this.#waiters.remove(this);
      return polled;
    }
    // The work may have aborted the signal itself, in that poll.
    if (this.#signal.aborted) cx.waker.wake();
    else this.#waiters.store(this, cx);
    return PENDING;
  }

  drop(): void {
    this.#waiters.remove(this);
    dropFuture(this.#work);
  }
}

/** The value of the work; when the signal is aborted first, the work is cancelled and the signal's reason thrown. */
export function untilAborted<T>(signal: AbortSignal, work: IntoFuture<T>): Awaitable<T> {
  if (!(signal instanceof AbortSignal)) {
    throw new TypeError(
      'untilAborted expects an AbortSignal and then the work: untilAborted(controller.signal, work())',
    );
  }
  return new UntilAborted(signal, work);
}

class Abortable<T> extends Awaitable<T> {
  readonly #start: (signal: AbortSignal) => PromiseLike<T>;
  readonly #site: Site | undefined;
  readonly #controller = new AbortController();
  #promise: Future<T> | undefined;

  constructor(start: (signal: AbortSignal) => PromiseLike<T>, site: Site | undefined) {
    super();
    this.#start = start;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T> {
    this.#promise ??= fromPromiseAt(this.#start(this.#controller.signal), this.#site);
    return this.#promise.poll(cx);
  }

  drop(): void {
    // The promise is still listened to, so that its rejection by the signal is no unhandled one.
    if (this.#promise !== undefined) dropFuture(this.#promise);
    this.#controller.abort();
  }
}

/**
 * A future of the promise that the function gives: `yield* abortable((signal) => fetch(url, { signal }))`. The function
 * is called at the first poll; its signal is aborted when the future is dropped before the promise was settled.
 */
export function abortable<T>(start: (signal: AbortSignal) => PromiseLike<T>): Awaitable<T> {
  return new Abortable(start, observer && captureSite(abortable));
}
