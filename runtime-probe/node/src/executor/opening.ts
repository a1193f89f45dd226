// Owns the wait for a socket that Node opens in a later turn: a connection, a listener, a bound port.
// Must not know how one is opened.

import { Awaitable } from './coroutine.ts';
import { observer, type WakeCause } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import type { Closable } from './runtime.ts';
import type { Site } from './site.ts';
import type { TcpError, TcpSource } from './tcp-source.ts';
import { WaitList } from './wait-list.ts';

/** An opening that has begun. */
export interface Attempt {
  readonly source: TcpSource;
  /** Lets the socket go that is not open yet. */
  readonly giveUp: () => void;
}

/** Begins at its first poll. Node opens in a later turn or in its next-tick queue, so that poll is always pending. */
export abstract class Opening<T extends Closable> extends Awaitable<T> implements Closable {
  protected readonly site: Site | undefined;
  readonly #waitsFor: 'sourceReadable' | 'sourceWritable';
  readonly #waiter = new WaitList();
  #attempt: Attempt | undefined;
  #opened: T | undefined;
  #error: TcpError | undefined;

  constructor(waitsFor: 'sourceReadable' | 'sourceWritable', site: Site | undefined) {
    super();
    this.#waitsFor = waitsFor;
    this.site = site;
  }

  /** Begins, and calls `opened` or `failed` once, later. */
  protected abstract start(): Attempt;

  override poll(cx: Context): Poll<T> {
    if (this.#opened !== undefined) return ready(this.#opened);
    if (this.#error !== undefined) throw this.#error;
    this.#attempt ??= this.start();
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: this.#waitsFor, id: this.#attempt.source.id }, this.site);
    return PENDING;
  }

  drop(): void {
    this.#waiter.remove(this);
    this.close();
  }

  /** Gives up the attempt, or what nobody has taken; what is open closes itself. */
  close(): void {
    if (this.#opened !== undefined) this.#opened.close();
    else if (this.#attempt?.source.deregister()) this.#attempt.giveUp();
  }

  /** Without a cause nothing became ready in the kernel: the cause of the wake is the code that runs. */
  protected opened(opened: T, cause?: WakeCause): void {
    this.#opened = opened;
    this.#waiter.wakeAll(cause);
  }

  protected failed(error: TcpError, cause?: WakeCause): void {
    this.#error = error;
    this.#waiter.wakeAll(cause);
  }
}
