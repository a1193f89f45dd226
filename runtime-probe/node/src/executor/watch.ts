// Owns a value of which only the newest counts, with notification of change.
// Must not know what the value is.

import { CLOSED } from './channel.ts';
import { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

class Watched<T> {
  readonly resource: Resource;
  readonly waiters = new WaitList();
  value: T;
  /** How often it was set. */
  version = 0;
  closed = false;

  constructor(value: T, site: Site | undefined) {
    this.value = value;
    this.resource = new Resource('watch', site);
  }
}

/** Works inside and outside tasks. */
export class WatchSender<T> {
  readonly #watched: Watched<T>;

  constructor(watched: Watched<T>) {
    this.#watched = watched;
  }

  get value(): T {
    return this.#watched.value;
  }

  /** Sets the value and wakes all who wait for a change. */
  send(value: T): void {
    const watched = this.#watched;
    if (watched.closed) throw new Error('this watch channel is closed: its value stays as it is');
    watched.value = value;
    watched.version += 1;
    watched.resource.released();
    watched.waiters.wakeAll();
  }

  /** A receiver that has seen the value as it is now. */
  subscribe(): WatchReceiver<T> {
    return new WatchReceiver(this.#watched);
  }

  /** There will be no change any more. Idempotent. */
  close(): void {
    this.#watched.closed = true;
    this.#watched.waiters.wakeAll();
  }
}

export class WatchReceiver<T> {
  readonly #watched: Watched<T>;
  #seenVersion: number;

  constructor(watched: Watched<T>) {
    this.#watched = watched;
    this.#seenVersion = watched.version;
  }

  /** The newest value; it does not count as seen. */
  get value(): T {
    return this.#watched.value;
  }

  /** Waits until the value was set since this receiver last saw it, and gives the newest; CLOSED when it never will be. */
  changed(): Awaitable<T | typeof CLOSED> {
    return new Changed(this, observer && captureSite(this.changed));
  }

  /** For Changed only. */
  pollChanged(waiter: object, cx: Context, site: Site | undefined): Poll<T | typeof CLOSED> {
    const watched = this.#watched;
    if (this.#seenVersion !== watched.version) {
      this.#seenVersion = watched.version;
      watched.resource.acquired(cx);
      return ready(watched.value);
    }
    if (watched.closed) return ready(CLOSED);
    watched.waiters.store(waiter, cx.waker);
    watched.resource.waited(cx, site);
    return PENDING;
  }

  /** For Changed only. */
  forget(waiter: object): void {
    this.#watched.waiters.remove(waiter);
  }
}

class Changed<T> extends Awaitable<T | typeof CLOSED> {
  readonly #receiver: WatchReceiver<T>;
  readonly #site: Site | undefined;

  constructor(receiver: WatchReceiver<T>, site: Site | undefined) {
    super();
    this.#receiver = receiver;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T | typeof CLOSED> {
    return this.#receiver.pollChanged(this, cx, this.#site);
  }

  drop(): void {
    this.#receiver.forget(this);
  }
}

/** A watched value. `subscribe` makes receivers. */
export function watch<T>(value: T): WatchSender<T> {
  return new WatchSender(new Watched(value, observer && captureSite(watch)));
}
