// Owns UDP sockets.
// Must not know what is sent. Node's loop receives by itself, before any JavaScript runs; a poll takes what lies there.

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Awaitable } from './coroutine.ts';
import { Fifo } from './fifo.ts';
import { enterLoopCallback } from './loop.ts';
import { observer, READINESS } from './observe.ts';
import { type Attempt, Opening } from './opening.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import type { Closable } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { formatAddress, TcpError, TcpSource } from './tcp-source.ts';
import { WaitList } from './wait-list.ts';

/** Datagrams that wait to be taken; Node cannot stop receiving, so what comes beyond is lost, as in the kernel. */
const UNTAKEN_LIMIT = 1024;

export interface UdpAddress {
  readonly port: number;
  /** An address, not a name. Default 127.0.0.1. */
  readonly host?: string;
}

export interface Datagram {
  readonly data: Buffer;
  readonly host: string;
  readonly port: number;
}

export class UdpSocket implements Closable {
  readonly source: TcpSource;
  readonly #socket: Socket;
  readonly #untaken = new Fifo<Datagram>();
  readonly #receivers = new WaitList();
  readonly #senders = new Set<Send>();
  #missed = 0;
  #error: NodeJS.ErrnoException | undefined;

  /** For bindUdp only: a socket that is bound. */
  constructor(socket: Socket, source: TcpSource) {
    this.#socket = socket;
    this.source = source;
    socket.on('message', (data, from) => this.#arrived({ data, host: from.address, port: from.port }));
    socket.on('error', (error) => {
      this.#error = error;
      this.#receivers.wakeAll(source.cause);
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Datagrams that came while too many lay untaken, and are lost. */
  get missed(): number {
    return this.#missed;
  }

  /** The next datagram. Each goes to one task, to who asked first. */
  receive(): Awaitable<Datagram> {
    return new Receive(this, observer && captureSite(this.receive));
  }

  /** Sends one datagram; the bytes that were sent. */
  send(data: Uint8Array | string, to: UdpAddress): Awaitable<number> {
    return new Send(this, data, to, observer && captureSite(this.send));
  }

  /** Futures that wait here throw. Idempotent. */
  close(): void {
    if (!this.source.deregister()) return;
    this.#socket.close();
    this.#receivers.wakeAll();
    for (const sender of this.#senders) sender.settle(this.closedError('send'));
    this.#senders.clear();
  }

  /** For Receive only. */
  pollReceive(receiver: object, cx: Context, site: Site | undefined): Poll<Datagram> {
    if (this.#untaken.size > 0) {
      this.#receivers.remove(receiver);
      const datagram = this.#untaken.shift();
      this.source.operation('take', datagram.data.length, 'poll');
      return ready(datagram);
    }
    if (this.source.closed) throw this.closedError('receive');
    if (this.#error !== undefined)
      throw new TcpError(`receive on ${this.source.describe()} failed`, this.#error);
    this.#receivers.store(receiver, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceReadable', id: this.source.id }, site);
    return PENDING;
  }

  /** For Receive only. One that was woken and is cancelled before its poll passes the datagram on. */
  forgetReceiver(receiver: object): void {
    if (!this.#receivers.remove(receiver) && this.#untaken.size > 0) this.#receivers.wakeFirst();
  }

  /** For Send only. The system call is made after this poll, when Node has looked at the address. */
  startSend(sender: Send, data: Uint8Array | string, to: UdpAddress): void {
    if (this.source.closed) throw this.closedError('send');
    this.#senders.add(sender);
    this.#socket.send(data, to.port, to.host ?? '127.0.0.1', (error, bytes) => {
      if (!this.#senders.delete(sender)) return;
      enterLoopCallback();
      if (error === null) this.source.operation('write', bytes, 'turn');
      else this.source.operationFailed('write', error, 'turn');
      sender.settle(error === null ? bytes : new TcpError(`send on ${this.source.describe()} failed`, error));
    });
  }

  closedError(operation: 'send' | 'receive'): TcpError {
    return new TcpError(`${operation} on ${this.source.describe()}: it was closed by this program`);
  }

  #arrived(datagram: Datagram): void {
    enterLoopCallback();
    this.source.operation('read', datagram.data.length, 'turn');
    observer?.readiness(this.source.id, READINESS.readable);
    if (this.#untaken.size >= UNTAKEN_LIMIT) {
      this.#missed += 1;
      return;
    }
    this.#untaken.push(datagram);
    this.#receivers.wakeFirst(this.source.cause);
  }
}

class Receive extends Awaitable<Datagram> {
  readonly #socket: UdpSocket;
  readonly #site: Site | undefined;

  constructor(socket: UdpSocket, site: Site | undefined) {
    super();
    this.#socket = socket;
    this.#site = site;
  }

  override poll(cx: Context): Poll<Datagram> {
    return this.#socket.pollReceive(this, cx, this.#site);
  }

  drop(): void {
    this.#socket.forgetReceiver(this);
  }
}

class Send extends Awaitable<number> {
  readonly #socket: UdpSocket;
  readonly #data: Uint8Array | string;
  readonly #to: UdpAddress;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #started = false;
  #result: number | TcpError | undefined;

  constructor(socket: UdpSocket, data: Uint8Array | string, to: UdpAddress, site: Site | undefined) {
    super();
    this.#socket = socket;
    this.#data = data;
    this.#to = to;
    this.#site = site;
  }

  override poll(cx: Context): Poll<number> {
    if (!this.#started) {
      this.#started = true;
      this.#socket.startSend(this, this.#data, this.#to);
    }
    if (this.#result instanceof TcpError) throw this.#result;
    if (this.#result !== undefined) return ready(this.#result);
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceWritable', id: this.#socket.source.id }, this.#site);
    return PENDING;
  }

  /** Called when the datagram has gone or has not. */
  settle(result: number | TcpError): void {
    this.#result = result;
    this.#waiter.wakeAll(this.#socket.source.closed ? undefined : this.#socket.source.cause);
  }

  drop(): void {
    this.#waiter.remove(this);
  }
}

/** Binds a UDP socket. With port 0 the system chooses one. */
class Bind extends Opening<UdpSocket> {
  readonly #address: UdpAddress;

  constructor(address: UdpAddress, site: Site | undefined) {
    super('sourceReadable', site);
    this.#address = address;
  }

  protected override start(): Attempt {
    const { port, host = '127.0.0.1' } = this.#address;
    const local = formatAddress(host, port);
    const interest = READINESS.readable | READINESS.writable;
    const source = new TcpSource(this, {
      fd: -1,
      kind: 'udpSocket',
      local,
      peer: '',
      interest,
      site: this.site,
    });
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const onError = (error: NodeJS.ErrnoException): void => {
      if (source.deregister()) socket.close();
      this.failed(new TcpError(`binding ${local} failed`, error));
    };
    socket.once('error', onError);
    socket.once('listening', () => {
      socket.off('error', onError);
      const bound = new UdpSocket(socket, source);
      source.update({ local: formatAddress(host, bound.port) });
      this.opened(bound);
    });
    socket.bind(port, host);
    return { source, giveUp: () => socket.close() };
  }
}

/** Binds a UDP socket. With port 0 the system chooses one: see UdpSocket.port. */
export function bindUdp(address: UdpAddress): Awaitable<UdpSocket> {
  return new Bind(address, observer && captureSite(bindUdp));
}
