// Owns signals of the operating system as a source that tasks wait for.
// Must not know what a signal is for. As in the system signals of one kind do not add up: two before a poll are one.

import { Awaitable } from './coroutine.ts';
import { enterLoopCallback } from './loop.ts';
import { observer, READINESS } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import type { Closable } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { TcpSource } from './tcp-source.ts';
import { WaitList } from './wait-list.ts';

/** The longest that Node takes: 24.8 days, after which it is set again. */
const FOREVER_MS = 2 ** 31 - 1;

/** While it is open the signal does not end the process. It keeps the process alive while a task waits for it. */
export class Signals implements Closable {
  readonly name: NodeJS.Signals;
  readonly source: TcpSource;
  readonly #waiters = new WaitList();
  readonly #listener = (): void => this.#arrived();
  #pending = false;
  /** Node's own listener for a signal does not count as work to be done, so this stands in for it. */
  #keepAlive: NodeJS.Timeout | undefined;

  /** For signals() only. */
  constructor(name: NodeJS.Signals, site: Site | undefined) {
    this.name = name;
    this.source = new TcpSource(this, {
      fd: -1,
      kind: 'signal',
      local: name,
      peer: '',
      interest: READINESS.readable,
      site,
    });
    process.on(name, this.#listener);
  }

  /** The next signal, or one that came since the last was taken. Each wakes one task; cancelled, it goes to the next. */
  next(): Awaitable<void> {
    return new NextSignal(this, observer && captureSite(this.next));
  }

  /** The signal has its ordinary effect again. Futures that wait here throw. Idempotent. */
  close(): void {
    if (!this.source.deregister()) return;
    process.off(this.name, this.#listener);
    this.#waiters.wakeAll();
    this.#updateKeepAlive();
  }

  /** For NextSignal only. */
  pollNext(waiter: object, cx: Context, site: Site | undefined): Poll<void> {
    if (this.#pending) {
      this.#pending = false;
      this.#waiters.remove(waiter);
      this.#updateKeepAlive();
      this.source.operation('take', 0, 'poll');
      return ready(undefined);
    }
    if (this.source.closed) throw new Error(`waiting for ${this.name}: it was closed by this program`);
    this.#waiters.store(waiter, cx.waker);
    this.#updateKeepAlive();
    observer?.waitStarted(cx.frame, { kind: 'sourceReadable', id: this.source.id }, site);
    return PENDING;
  }

  /** For NextSignal only. */
  forget(waiter: object): void {
    if (!this.#waiters.remove(waiter) && this.#pending) this.#waiters.wakeFirst();
    this.#updateKeepAlive();
  }

  #updateKeepAlive(): void {
    const waitedFor = this.#waiters.size > 0;
    if (waitedFor === (this.#keepAlive !== undefined)) return;
    if (waitedFor) this.#keepAlive = setInterval(() => undefined, FOREVER_MS);
    else {
      clearInterval(this.#keepAlive);
      this.#keepAlive = undefined;
    }
  }

  #arrived(): void {
    enterLoopCallback();
    this.#pending = true;
    // Node's loop reads the number of the signal from a pipe of its own.
    this.source.operation('read', 0, 'turn');
    observer?.readiness(this.source.id, READINESS.readable);
    this.#waiters.wakeFirst(this.source.cause);
    this.#updateKeepAlive();
  }
}

class NextSignal extends Awaitable<void> {
  readonly #signals: Signals;
  readonly #site: Site | undefined;

  constructor(signals: Signals, site: Site | undefined) {
    super();
    this.#signals = signals;
    this.#site = site;
  }

  override poll(cx: Context): Poll<void> {
    return this.#signals.pollNext(this, cx, this.#site);
  }

  drop(): void {
    this.#signals.forget(this);
  }
}

/** Listens for a signal from now on. To be called inside a task, whose runtime closes it at its end. */
export function signals(name: NodeJS.Signals): Signals {
  return new Signals(name, observer && captureSite(signals));
}
