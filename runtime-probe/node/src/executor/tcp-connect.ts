// Owns opening TCP and Unix connections and listeners, and the name look-up before them.
// Must not know what is read or written.

import { lookup as nodeLookup } from 'node:dns';
import { createServer, isIP, type Server, Socket } from 'node:net';
import { type Async, Awaitable, Coroutine } from './coroutine.ts';
import { enterLoopCallback } from './loop.ts';
import { observer, READINESS } from './observe.ts';
import { type Attempt, Opening } from './opening.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { Job } from './pool.ts';
import type { Closable } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { fdOf, formatAddress, TcpError, TcpSource } from './tcp-source.ts';
import { TcpStream } from './tcp-stream.ts';
import { WaitList } from './wait-list.ts';

const DEFAULT_HOST = '127.0.0.1';
// What Node itself asks the kernel for.
const DEFAULT_BACKLOG = 511;

export interface TcpAddress {
  readonly port: number;
  /** Address or name. Default 127.0.0.1. A name is looked up by a job of the pool. */
  readonly host?: string;
}

/** One address: of the network, or the path of a Unix socket. */
type Endpoint = { readonly ip: string; readonly port: number } | { readonly path: string };

function textOf(endpoint: Endpoint): string {
  return 'path' in endpoint ? endpoint.path : formatAddress(endpoint.ip, endpoint.port);
}

/** Connects. A name with several addresses is tried in the order that the look-up gave. */
export function connect(address: TcpAddress): Awaitable<TcpStream> {
  checkPort(address.port);
  return new Coroutine(connectSteps(address, observer && captureSite(connect)));
}

/** Listens. With port 0 the system chooses one: see TcpListener.port. */
export function listen(address: TcpAddress): Awaitable<TcpListener> {
  checkPort(address.port);
  return new Coroutine(listenSteps(address, observer && captureSite(listen)));
}

/** Connects to the Unix socket at that path. */
export function connectUnix(path: string): Awaitable<TcpStream> {
  return new Connect({ path }, observer && captureSite(connectUnix));
}

/** Listens at that path, where nothing may be yet. It is removed when the listener is closed. */
export function listenUnix(path: string): Awaitable<TcpListener> {
  return new Listen({ path }, observer && captureSite(listenUnix));
}

function* connectSteps(address: TcpAddress, site: Site | undefined): Async<TcpStream> {
  const host = address.host ?? DEFAULT_HOST;
  let failure: unknown;
  for (const ip of yield* resolve(host, site)) {
    try {
      return yield* new Connect({ ip, port: address.port }, site);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function* listenSteps(address: TcpAddress, site: Site | undefined): Async<TcpListener> {
  const [ip] = yield* resolve(address.host ?? DEFAULT_HOST, site);
  return yield* new Listen({ ip, port: address.port }, site);
}

/** At least one address. */
function* resolve(host: string, site: Site | undefined): Async<readonly [string, ...string[]]> {
  if (isIP(host) !== 0) return [host];
  const addresses = yield* lookup(host, site);
  const [first, ...others] = addresses;
  if (first === undefined) throw new TcpError(`the name ${host} has no address`);
  return [first, ...others];
}

function lookup(host: string, site: Site | undefined): Job<string[]> {
  return new Job<string[]>(
    {
      kind: 'dns',
      name: host,
      requests: 1,
      start: (done) =>
        nodeLookup(host, { all: true }, (error, addresses) => {
          const failure = error === null ? null : new TcpError(`looking up the name ${host} failed`, error);
          done(failure, error === null ? addresses.map(({ address }) => address) : [], 0);
        }),
    },
    site,
  );
}

/** One attempt at one address. */
class Connect extends Opening<TcpStream> {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint, site: Site | undefined) {
    super('sourceWritable', site);
    this.#endpoint = endpoint;
  }

  protected override start(): Attempt {
    const source = new TcpSource(this, {
      fd: -1,
      kind: 'path' in this.#endpoint ? 'unixStream' : 'tcpStream',
      local: '',
      peer: textOf(this.#endpoint),
      interest: READINESS.readable | READINESS.writable,
      site: this.site,
    });
    // Half-open: the peer's end of stream must not end our writes.
    const socket = new Socket({ allowHalfOpen: true });
    const onError = (error: NodeJS.ErrnoException): void => this.#refused(source, error);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      this.#connected(socket, source);
    });
    // The system call itself is made after this poll, when Node runs its next-tick queue.
    const to = this.#endpoint;
    socket.connect('path' in to ? { path: to.path } : { host: to.ip, port: to.port });
    return { source, giveUp: () => socket.destroy() };
  }

  #connected(socket: Socket, source: TcpSource): void {
    enterLoopCallback();
    const stream = new TcpStream(socket, { source });
    source.operation('connect', 0, 'turn');
    observer?.readiness(source.id, READINESS.writable);
    this.opened(stream, source.cause);
  }

  #refused(source: TcpSource, error: NodeJS.ErrnoException): void {
    enterLoopCallback();
    source.operationFailed('connect', error, 'turn');
    observer?.readiness(source.id, READINESS.writable | READINESS.error);
    this.failed(new TcpError(`connecting ${source.describe()} failed`, error), source.cause);
    source.deregister();
  }
}

/** A listening socket. Node's loop accepts by itself, before any JavaScript runs; accept() takes what it accepted. */
export class TcpListener implements Closable {
  readonly source: TcpSource;
  readonly #server: Server;
  readonly #untaken: TcpStream[] = [];
  readonly #acceptors = new WaitList();
  #error: NodeJS.ErrnoException | undefined;

  /** For listen only: a server that is bound. */
  constructor(server: Server, source: TcpSource) {
    this.#server = server;
    this.source = source;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('error', (error) => {
      this.#error = error;
      this.#acceptors.wakeAll(source.cause);
    });
  }

  /** 0 for a Unix socket. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The next connection. Several tasks may accept: each connection wakes the one that has waited longest. */
  accept(): Awaitable<TcpStream> {
    return new Accept(this, observer && captureSite(this.accept));
  }

  /** Stops listening and closes connections that nobody took. Futures that wait here throw. Idempotent. */
  close(): void {
    if (!this.source.deregister()) return;
    this.#server.close();
    for (const stream of this.#untaken.splice(0)) stream.close();
    this.#acceptors.wakeAll();
  }

  /** For Accept only. */
  pollAccept(acceptor: object, cx: Context, site: Site | undefined): Poll<TcpStream> {
    const stream = this.#untaken.shift();
    if (stream !== undefined) {
      this.#acceptors.remove(acceptor);
      this.source.operation('take', 0, 'poll');
      return ready(stream);
    }
    if (this.source.closed)
      throw new TcpError(`accept on ${this.source.describe()}: it was closed by this program`);
    if (this.#error !== undefined)
      throw new TcpError(`accept on ${this.source.describe()} failed`, this.#error);
    this.#acceptors.store(acceptor, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceReadable', id: this.source.id }, site);
    return PENDING;
  }

  /** For Accept only. One that was woken and is cancelled before its poll passes the connection on. */
  forgetAcceptor(acceptor: object): void {
    if (!this.#acceptors.remove(acceptor) && this.#untaken.length > 0) this.#acceptors.wakeFirst();
  }

  #onConnection(socket: Socket): void {
    enterLoopCallback();
    this.source.operation('accept', 0, 'turn');
    observer?.readiness(this.source.id, READINESS.readable);
    const { runtime, site, info } = this.source;
    // An accepted Unix socket has the listener's path as its own end, and none at the other.
    const kind = info.kind === 'unixListener' ? 'unixStream' : 'tcpStream';
    this.#untaken.push(new TcpStream(socket, { runtime, site, kind, local: info.local }));
    this.#acceptors.wakeFirst(this.source.cause);
  }
}

class Accept extends Awaitable<TcpStream> {
  readonly #listener: TcpListener;
  readonly #site: Site | undefined;

  constructor(listener: TcpListener, site: Site | undefined) {
    super();
    this.#listener = listener;
    this.#site = site;
  }

  override poll(cx: Context): Poll<TcpStream> {
    return this.#listener.pollAccept(this, cx, this.#site);
  }

  drop(): void {
    this.#listener.forgetAcceptor(this);
  }
}

/** Binds and listens: without any readiness, as Node does it in its next-tick queue. */
class Listen extends Opening<TcpListener> {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint, site: Site | undefined) {
    super('sourceReadable', site);
    this.#endpoint = endpoint;
  }

  protected override start(): Attempt {
    const source = new TcpSource(this, {
      fd: -1,
      kind: 'path' in this.#endpoint ? 'unixListener' : 'tcpListener',
      local: textOf(this.#endpoint),
      peer: '',
      interest: READINESS.readable,
      site: this.site,
    });
    const server = createServer({ allowHalfOpen: true });
    const onError = (error: NodeJS.ErrnoException): void => {
      source.deregister();
      this.failed(new TcpError(`listening on ${textOf(this.#endpoint)} failed`, error));
    };
    server.once('error', onError);
    server.once('listening', () => {
      server.off('error', onError);
      const listener = new TcpListener(server, source);
      const at = this.#endpoint;
      const bound = 'path' in at ? at : { ip: at.ip, port: listener.port };
      source.update({ fd: fdOf(server), local: textOf(bound) });
      this.opened(listener);
    });
    const at = this.#endpoint;
    const where = 'path' in at ? { path: at.path } : { host: at.ip, port: at.port };
    server.listen({ ...where, backlog: DEFAULT_BACKLOG });
    return { source, giveUp: () => server.close() };
  }
}

function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new RangeError(`a port is a whole number from 0 to 65535; got ${port}`);
}
