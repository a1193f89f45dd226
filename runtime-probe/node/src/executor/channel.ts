// Owns the queue between tasks: many senders, one receiving end, bounded or not.
// Must not know what is sent. A full channel makes its senders wait, an empty one its receiver.
//
//   send: take room ──► put the value ──► give one "value" permit ──► wakes the receiver
//   receive: take a "value" permit ──► take the value ──► give room ──► wakes a sender

import type { Awaitable } from './coroutine.ts';
import { Fifo } from './fifo.ts';
import { observer } from './observe.ts';
import { Claim, checkCount, Permits } from './permits.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';

/** What receiving gives when all senders are closed and nothing is left. */
export const CLOSED: unique symbol = Symbol('closed');

/** The part that both kinds of channel share. `room` is undefined where there is always room. */
class Queue<T> {
  readonly resource: Resource;
  readonly values = new Fifo<T>();
  /** One permit for each value that is there. Closed when all senders are. */
  readonly ready = new Permits(0);
  /** One permit for each value that still fits. Closed when the receiver is. */
  readonly room: Permits | undefined;
  senders = 1;
  received = true;

  constructor(capacity: number | undefined, site: Site | undefined) {
    this.resource = new Resource('channel', site);
    this.room = capacity === undefined ? undefined : new Permits(capacity);
  }

  put(value: T): void {
    this.values.push(value);
    this.resource.released(1, this.ready.isWaitedFor);
    this.ready.release(1);
  }

  /** For a receiver that has its permit. */
  take(cx: Context): T {
    const value = this.values.shift();
    this.resource.acquired(cx);
    this.room?.release(1);
    return value;
  }

  closeSender(): void {
    this.senders -= 1;
    if (this.senders === 0) this.ready.close();
  }

  closeReceiver(): void {
    if (!this.received) return;
    this.received = false;
    this.values.clear();
    this.room?.close();
    this.ready.close();
  }
}

/** What the sending ends of both kinds have in common. Works inside and outside tasks. */
abstract class SendingEnd<T> {
  protected readonly queue: Queue<T>;
  #closed = false;

  constructor(queue: Queue<T>) {
    this.queue = queue;
  }

  /** Whether nobody can receive any more, or this sender was closed. */
  get isClosed(): boolean {
    return this.#closed || !this.queue.received;
  }

  /** This sender sends no more. The receiver is told when all senders are closed. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.queue.closeSender();
  }

  protected countSender(): void {
    if (this.#closed) throw new Error('this sender is closed: clone one that is open');
    this.queue.senders += 1;
  }
}

export class Sender<T> extends SendingEnd<T> {
  /** Another sender. The channel is closed when each of them is. */
  clone(): Sender<T> {
    this.countSender();
    return new Sender(this.queue);
  }

  /** Waits while the channel is full. False when nobody can receive the value. */
  send(value: T): Awaitable<boolean> {
    const waits = observer !== undefined && this.queue.room?.mustWait(1);
    return new Send(this, this.queue, value, waits ? captureSite(this.send) : undefined);
  }

  /** Sends without waiting, if that can be. */
  trySend(value: T): 'sent' | 'full' | 'closed' {
    if (this.isClosed) return 'closed';
    if (this.queue.room?.tryTake(1) === false) return 'full';
    this.queue.put(value);
    return 'sent';
  }
}

export class UnboundedSender<T> extends SendingEnd<T> {
  /** Another sender. The channel is closed when each of them is. */
  clone(): UnboundedSender<T> {
    this.countSender();
    return new UnboundedSender(this.queue);
  }

  /** Never waits. False when nobody can receive the value. */
  send(value: T): boolean {
    if (this.isClosed) return false;
    this.queue.put(value);
    return true;
  }
}

/** Several tasks may receive from one: each value goes to one of them, to who asked first. */
export class Receiver<T> {
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  /** Values that lie there. */
  get size(): number {
    return this.#queue.values.size;
  }

  /** Waits for the next value; CLOSED when all senders are closed and nothing is left. */
  receive(): Awaitable<T | typeof CLOSED> {
    const waits = observer !== undefined && this.#queue.ready.mustWait(1);
    return new Receive(this.#queue, waits ? captureSite(this.receive) : undefined);
  }

  /** Nobody will receive any more: what lies there is gone and senders are told. Idempotent. */
  close(): void {
    this.#queue.closeReceiver();
  }
}

class Send<T> extends Claim<boolean> {
  readonly #sender: Sender<T>;
  readonly #queue: Queue<T>;
  readonly #value: T;
  readonly #site: Site | undefined;

  constructor(sender: Sender<T>, queue: Queue<T>, value: T, site: Site | undefined) {
    super(1);
    this.#sender = sender;
    this.#queue = queue;
    this.#value = value;
    this.#site = site;
  }

  override poll(cx: Context): Poll<boolean> {
    const queue = this.#queue;
    if (this.#sender.isClosed) {
      queue.room?.leave(this);
      return ready(false);
    }
    if (queue.room?.poll(this, cx) === PENDING) {
      queue.resource.waited(cx, this.#site);
      return PENDING;
    }
    queue.put(this.#value);
    return ready(true);
  }

  drop(): void {
    this.#queue.room?.leave(this);
  }
}

class Receive<T> extends Claim<T | typeof CLOSED> {
  readonly #queue: Queue<T>;
  readonly #site: Site | undefined;

  constructor(queue: Queue<T>, site: Site | undefined) {
    super(1);
    this.#queue = queue;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T | typeof CLOSED> {
    const queue = this.#queue;
    if (!queue.received) return ready(CLOSED);
    const polled = queue.ready.poll(this, cx);
    if (polled === PENDING) {
      queue.resource.waited(cx, this.#site);
      return PENDING;
    }
    return ready(polled === 'closed' ? CLOSED : queue.take(cx));
  }

  drop(): void {
    this.#queue.ready.leave(this);
  }
}

/** A channel that holds up to `capacity` values. */
export function channel<T>(capacity: number): { readonly sender: Sender<T>; readonly receiver: Receiver<T> } {
  checkCount(capacity, 'the capacity of a channel');
  const queue = new Queue<T>(capacity, observer && captureSite(channel));
  return { sender: new Sender(queue), receiver: new Receiver(queue) };
}

/** A channel that takes every value at once: memory is bounded by what its senders do. */
export function unboundedChannel<T>(): {
  readonly sender: UnboundedSender<T>;
  readonly receiver: Receiver<T>;
} {
  const queue = new Queue<T>(undefined, observer && captureSite(unboundedChannel));
  return { sender: new UnboundedSender(queue), receiver: new Receiver(queue) };
}
