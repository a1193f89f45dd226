// Owns a bare notification between tasks: something happened, look again.
// Must not know what happened.

import { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/** Works inside and outside tasks, so that callbacks can notify. */
export class Notify {
  readonly #resource: Resource;
  readonly #waiters = new WaitList<Notified>();
  /** A notification that nobody waited for; there is at most one. */
  #stored = false;

  constructor() {
    this.#resource = new Resource('notify', observer && captureSite(Notify));
  }

  /** Done at the next notification, or at once when one is stored. */
  notified(): Awaitable<void> {
    return new Notified(this, observer && captureSite(this.notified));
  }

  /** Wakes who waited longest. When nobody waits it is stored for the next who does. */
  notifyOne(): void {
    this.#resource.released(1, this.#waiters.first !== undefined);
    this.#passOn();
  }

  /** Wakes all who wait now. Stores nothing. */
  notifyAll(): void {
    this.#resource.released(Math.max(1, this.#waiters.size), this.#waiters.first !== undefined);
    for (let next = this.#waiters.first; next !== undefined; next = this.#waiters.first) {
      next.granted = 'all';
      this.#waiters.wakeFirst();
    }
  }

  /** For Notified only. */
  pollNotified(waiter: Notified, cx: Context, site: Site | undefined): Poll<void> {
    if (waiter.granted === undefined && !(this.#stored && this.#waiters.first === undefined)) {
      this.#waiters.store(waiter, cx.waker);
      this.#resource.waited(cx, site);
      return PENDING;
    }
    if (waiter.granted === undefined) this.#stored = false;
    waiter.granted = undefined;
    this.#resource.acquired(cx);
    return ready(undefined);
  }

  /** For Notified only: it is dropped, and a notification that was its alone goes to the next. */
  forget(waiter: Notified): void {
    this.#waiters.remove(waiter);
    if (waiter.granted === 'one') this.#passOn();
    waiter.granted = undefined;
  }

  #passOn(): void {
    const next = this.#waiters.first;
    if (next === undefined) {
      this.#stored = true;
      return;
    }
    next.granted = 'one';
    this.#waiters.wakeFirst();
  }
}

class Notified extends Awaitable<void> {
  /** one: by notifyOne, for one waiter; all: by notifyAll, which gave every waiter its own. */
  granted: 'one' | 'all' | undefined;
  readonly #notify: Notify;
  readonly #site: Site | undefined;

  constructor(notify: Notify, site: Site | undefined) {
    super();
    this.#notify = notify;
    this.#site = site;
  }

  override poll(cx: Context): Poll<void> {
    return this.#notify.pollNotified(this, cx, this.#site);
  }

  drop(): void {
    this.#notify.forget(this);
  }
}
