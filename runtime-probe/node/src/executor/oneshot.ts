// Owns the channel for one value.
// Must not know who sends or receives.

import { type Async, Awaitable } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Resource } from './resource.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/** The sender was closed without a value, or the receiver was asked a second time. */
export class ChannelClosedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ChannelClosedError';
  }
}

/**
 * - open: no value yet.
 * - sent: the value lies there.
 * - taken: it was received.
 * - closed: one of the two ends was closed before a value was sent.
 */
type ChannelState<T> =
  | { readonly is: 'open' }
  | { readonly is: 'sent'; readonly value: T }
  | { readonly is: 'taken' }
  | { readonly is: 'closed' };

class Channel<T> {
  readonly resource: Resource;
  readonly waiters = new WaitList();
  state: ChannelState<T> = { is: 'open' };

  constructor(site: Site | undefined) {
    this.resource = new Resource('oneshot', site);
  }

  poll(waiter: object, cx: Context, site: Site | undefined): Poll<T> {
    const state = this.state;
    switch (state.is) {
      case 'open':
        this.waiters.store(waiter, cx.waker);
        this.resource.waited(cx, site);
        return PENDING;
      case 'sent':
        this.state = { is: 'taken' };
        this.resource.acquired(cx);
        return ready(state.value);
      case 'taken':
        throw new ChannelClosedError('this oneshot channel gave its value already: it has only one');
      case 'closed':
        throw new ChannelClosedError('this oneshot channel was closed before a value was sent');
    }
  }
}

/** Sends the value. Works inside and outside tasks, so that callbacks can wake a task. */
export class OneshotSender<T> {
  readonly #channel: Channel<T>;

  constructor(channel: Channel<T>) {
    this.#channel = channel;
  }

  /** False when nobody can receive it: the receiver was closed, or a value was sent before. */
  send(value: T): boolean {
    const channel = this.#channel;
    if (channel.state.is !== 'open') return false;
    channel.state = { is: 'sent', value };
    channel.resource.released(1, channel.waiters.first !== undefined);
    channel.waiters.wakeAll();
    return true;
  }

  /** Tells the receiver that no value will come. */
  close(): void {
    closeChannel(this.#channel);
  }
}

/** Receives the value: `yield* receiver`. */
export class OneshotReceiver<T> extends Awaitable<T> {
  readonly #channel: Channel<T>;

  constructor(channel: Channel<T>) {
    super();
    this.#channel = channel;
  }

  /** Each await is a future of its own, with the site of that await. */
  override *[Symbol.iterator](): Async<T> {
    const site = observer && captureSite(OneshotReceiver.prototype[Symbol.iterator]);
    return (yield new Receive(this.#channel, site)) as T;
  }

  override poll(cx: Context): Poll<T> {
    return this.#channel.poll(this, cx, undefined);
  }

  drop(): void {
    this.#channel.waiters.remove(this);
  }

  /** Tells the sender that nobody will receive. */
  close(): void {
    closeChannel(this.#channel);
  }
}

class Receive<T> extends Awaitable<T> {
  readonly #channel: Channel<T>;
  readonly #site: Site | undefined;

  constructor(channel: Channel<T>, site: Site | undefined) {
    super();
    this.#channel = channel;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T> {
    return this.#channel.poll(this, cx, this.#site);
  }

  drop(): void {
    this.#channel.waiters.remove(this);
  }
}

function closeChannel(channel: Channel<unknown>): void {
  if (channel.state.is !== 'open') return;
  channel.state = { is: 'closed' };
  channel.waiters.wakeAll();
}

/** A channel for one value. */
export function oneshot<T>(): { readonly sender: OneshotSender<T>; readonly receiver: OneshotReceiver<T> } {
  const channel = new Channel<T>(observer && captureSite(oneshot));
  return { sender: new OneshotSender(channel), receiver: new OneshotReceiver(channel) };
}
