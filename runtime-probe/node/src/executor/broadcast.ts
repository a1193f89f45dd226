// Owns the channel whose every message reaches every receiver.
// Must not know what is sent. Memory is bounded: a receiver that is too slow loses the oldest and is told how many.

import { CLOSED } from './channel.ts';
import { Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { checkCount } from './permits.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/** Thrown once at a receiver that was too slow; its next receive gives the oldest message that is still there. */
export class LaggedError extends Error {
  readonly missed: number;

  constructor(missed: number, capacity: number) {
    super(
      `this receiver missed ${missed} messages: the channel keeps ${capacity}. Receive more often, or make it larger`,
    );
    this.name = 'LaggedError';
    this.missed = missed;
  }
}

class Messages<T> {
  readonly resource: Resource;
  readonly capacity: number;
  readonly waiters = new WaitList();
  /** Message n stands at n modulo the capacity, until message n + capacity takes its place. */
  readonly ring: T[] = [];
  /** Messages sent so far, which is the number of the next. */
  sent = 0;
  receivers = 0;
  closed = false;

  constructor(capacity: number, site: Site | undefined) {
    this.capacity = capacity;
    this.resource = new Resource('broadcast', site);
  }

  get oldest(): number {
    return Math.max(0, this.sent - this.capacity);
  }
}

/** Works inside and outside tasks. */
export class BroadcastSender<T> {
  readonly #messages: Messages<T>;

  constructor(messages: Messages<T>) {
    this.#messages = messages;
  }

  /** Sends to all receivers that there are now, and says how many. Never waits. Without one the message is gone. */
  send(value: T): number {
    const messages = this.#messages;
    if (messages.closed) throw new Error('this broadcast channel is closed: nothing can be sent');
    if (messages.receivers === 0) return 0;
    messages.ring[messages.sent % messages.capacity] = value;
    messages.sent += 1;
    messages.resource.released();
    messages.waiters.wakeAll();
    return messages.receivers;
  }

  /** A receiver of what is sent from now on. */
  subscribe(): BroadcastReceiver<T> {
    return new BroadcastReceiver(this.#messages);
  }

  /** No more messages: receivers are told once they have received what is there. Idempotent. */
  close(): void {
    this.#messages.closed = true;
    this.#messages.waiters.wakeAll();
  }
}

export class BroadcastReceiver<T> {
  readonly #messages: Messages<T>;
  /** The number of the message that it receives next. */
  #next: number;
  #closed = false;

  constructor(messages: Messages<T>) {
    this.#messages = messages;
    this.#next = messages.sent;
    messages.receivers += 1;
  }

  /** Waits for the next message; CLOSED when there will be none. */
  receive(): Awaitable<T | typeof CLOSED> {
    return new Receive(this, observer && captureSite(this.receive));
  }

  /** This receiver is not counted any more. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#messages.receivers -= 1;
    // Who waits on this receiver is woken to see that it is closed; the others of the channel wait on.
    this.#messages.waiters.wakeAll();
  }

  /** For Receive only. */
  pollReceive(waiter: object, cx: Context, site: Site | undefined): Poll<T | typeof CLOSED> {
    const messages = this.#messages;
    if (this.#closed) return ready(CLOSED);
    if (this.#next < messages.sent) return ready(this.#take(messages, cx));
    if (messages.closed) return ready(CLOSED);
    messages.waiters.store(waiter, cx.waker);
    messages.resource.waited(cx, site);
    return PENDING;
  }

  /** For Receive only. */
  forget(waiter: object): void {
    this.#messages.waiters.remove(waiter);
  }

  #take(messages: Messages<T>, cx: Context): T {
    const missed = messages.oldest - this.#next;
    if (missed > 0) {
      this.#next = messages.oldest;
      throw new LaggedError(missed, messages.capacity);
    }
    const value = messages.ring[this.#next % messages.capacity] as T;
    this.#next += 1;
    messages.resource.acquired(cx);
    return value;
  }
}

class Receive<T> extends Awaitable<T | typeof CLOSED> {
  readonly #receiver: BroadcastReceiver<T>;
  readonly #site: Site | undefined;

  constructor(receiver: BroadcastReceiver<T>, site: Site | undefined) {
    super();
    this.#receiver = receiver;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T | typeof CLOSED> {
    return this.#receiver.pollReceive(this, cx, this.#site);
  }

  drop(): void {
    this.#receiver.forget(this);
  }
}

/** A broadcast channel that keeps the last `capacity` messages for receivers that are behind. */
export function broadcast<T>(capacity: number): BroadcastSender<T> {
  checkCount(capacity, 'the capacity of a broadcast channel');
  return new BroadcastSender(new Messages<T>(capacity, observer && captureSite(broadcast)));
}
