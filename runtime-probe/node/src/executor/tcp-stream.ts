// Owns a connected TCP or Unix socket, or a pipe: its reads, writes and close.
// Must not know how it was connected or accepted.
//
// Node reads by itself: when epoll reports the socket readable, the loop's turn reads up to 64 KiB into a buffer
// before any JavaScript runs. So a read is recorded as made by the turn, when its callback brings the bytes; a
// poll that takes them makes no system call and is recorded as a take. Nothing here ever meets a WouldBlock.
//
//   turn:  read 512 bytes │ readiness readable │ wake ──► poll: take 512 bytes
//
// A write is tried at once by the poll that makes it. What the kernel does not take is written by later turns.

import type { Socket } from 'node:net';
import { Awaitable } from './coroutine.ts';
import { enterLoopCallback, onCheckPhase } from './loop.ts';
import { observer, READINESS, type WakeCause } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import type { Closable, Runtime } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { fdOf, formatAddress, TcpError, TcpSource, unsentBytes } from './tcp-source.ts';
import { WaitList } from './wait-list.ts';

// Reading stops when this much lies untaken, so that a slow task slows its peer: four of libuv's 64 KiB reads.
const UNTAKEN_BYTES_LIMIT = 262_144;
const DEFAULT_READ_BYTES = 65_536;

/** Streams that stopped reading: the loop may still have one read for them that no callback tells. */
const pausedStreams = new Set<TcpStream>();

/** What a socket does not tell of itself. */
export interface StreamOrigin {
  readonly runtime: Runtime;
  readonly site: Site | undefined;
  readonly kind: 'tcpStream' | 'unixStream' | 'pipe';
  /** Where a Unix socket listens, or what a pipe is. */
  readonly local?: string;
  readonly peer?: string;
  /** Default: both ways. */
  readonly interest?: number;
}

export class TcpStream implements Closable {
  readonly source: TcpSource;
  readonly #socket: Socket;
  readonly #readers = new WaitList();
  readonly #writers = new Set<Write>();
  #untaken: Buffer[] = [];
  #untakenBytes = 0;
  #bytesReadSeen = 0;
  #paused = false;
  #ended = false;
  #closedHere = false;
  #error: NodeJS.ErrnoException | undefined;

  /** For connect, accept and child processes: a socket that is connected. connect has registered its source already. */
  constructor(socket: Socket, from: { readonly source: TcpSource } | StreamOrigin) {
    this.#socket = socket;
    const fd = fdOf(socket);
    const local = formatAddress(socket.localAddress, socket.localPort);
    const peer = formatAddress(socket.remoteAddress, socket.remotePort);
    if ('source' in from) {
      this.source = from.source;
      // Neither end of a Unix socket has a port: what connect knew of them stays.
      this.source.update(local === '' ? { fd } : { fd, local, peer });
    } else {
      const { runtime, site, kind } = from;
      const interest = from.interest ?? READINESS.readable | READINESS.writable;
      const known = { local: local || (from.local ?? ''), peer: peer || (from.peer ?? '') };
      this.source = new TcpSource(this, { fd, kind, ...known, interest, site }, runtime);
    }
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#onError(error));
    // Node closes the descriptor by itself once both directions have ended, or after an error.
    socket.on('close', () => this.source.deregister());
  }

  /** host:port of this end. */
  get localAddress(): string {
    return this.source.info.local;
  }

  get peerAddress(): string {
    return this.source.info.peer;
  }

  /** Up to `maxBytes` bytes, at least one; an empty buffer at the end of the stream. */
  read(maxBytes: number = DEFAULT_READ_BYTES): Awaitable<Buffer> {
    if (!(maxBytes >= 1)) throw new RangeError(`read needs room for at least one byte; got ${maxBytes}`);
    return new Read(this, maxBytes, observer && captureSite(this.read));
  }

  /** Hands all bytes to the kernel. A cancelled write may have handed over any part of them. */
  write(data: Uint8Array | string): Awaitable<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    return new Write(this, bytes, observer && captureSite(this.write));
  }

  /** Tells the peer that nothing more will be written; reading goes on. */
  shutdownWrite(): void {
    this.#socket.end();
  }

  /** Closes both ways at once. Futures that wait here throw. Idempotent. */
  close(): void {
    if (this.#closedHere) return;
    this.#closedHere = true;
    this.source.deregister();
    pausedStreams.delete(this);
    this.#socket.destroy();
    this.#readers.wakeAll();
    const error = this.#closedError('write');
    for (const writer of this.#writers) writer.settle(undefined, error);
    this.#writers.clear();
  }

  /** For Read only. */
  pollRead(reader: object, maxBytes: number, cx: Context, site: Site | undefined): Poll<Buffer> {
    if (this.#untakenBytes > 0) {
      const taken = this.#take(maxBytes);
      this.source.operation('take', taken.length, 'poll');
      return ready(taken);
    }
    if (this.#closedHere) throw this.#closedError('read');
    if (this.#error !== undefined) {
      throw new TcpError(`read on ${this.source.describe()} failed`, this.#error);
    }
    if (this.#ended) {
      this.source.operation('take', 0, 'poll');
      return ready(Buffer.alloc(0));
    }
    this.#readers.store(reader, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceReadable', id: this.source.id }, site);
    return PENDING;
  }

  /** For Read only. */
  forgetReader(reader: object): void {
    this.#readers.remove(reader);
  }

  /** For Write only: hands the bytes to Node, and says whether the kernel has taken all of them. */
  startWrite(bytes: Uint8Array, writer: Write): boolean {
    if (this.#closedHere) throw this.#closedError('write');
    if (this.#error !== undefined) throw this.writeError(this.#error);
    if (this.#socket.destroyed) {
      throw new TcpError(`write on ${this.source.describe()}: the connection has ended`);
    }
    if (this.#socket.writableEnded) {
      throw new TcpError(`write on ${this.source.describe()}: shutdownWrite() was called before`);
    }
    const othersWaiting = this.#socket.writableLength > 0;
    // Undefined: nothing was left for later, and what the callback tells is known already.
    let sentLater: number | undefined;
    this.#socket.write(bytes, (error) => {
      this.#writers.delete(writer);
      if (sentLater === undefined || this.#closedHere) return;
      if (error) this.#writeFailed(writer, error);
      else this.#writeDone(writer, sentLater);
    });
    const failure = this.#socket.errored;
    if (failure !== null) {
      this.source.operationFailed('write', failure, 'poll');
      throw this.writeError(failure);
    }
    if (this.#socket.writableLength === 0) {
      this.source.operation('write', bytes.byteLength, 'poll');
      return true;
    }
    const unsent = othersWaiting
      ? bytes.byteLength
      : Math.min(unsentBytes(this.#socket) ?? bytes.byteLength, bytes.byteLength);
    sentLater = unsent;
    if (unsent < bytes.byteLength) this.source.operation('write', bytes.byteLength - unsent, 'poll');
    this.#writers.add(writer);
    return false;
  }

  writeError(error: NodeJS.ErrnoException): TcpError {
    return new TcpError(`write on ${this.source.describe()} failed`, error);
  }

  /** Records the bytes that the loop has read since the last look; true when there were any. */
  recordReads(): boolean {
    const bytes = this.#socket.bytesRead - this.#bytesReadSeen;
    if (bytes <= 0) return false;
    this.#bytesReadSeen += bytes;
    this.source.operation('read', bytes, 'turn');
    observer?.readiness(this.source.id, READINESS.readable);
    return true;
  }

  #onData(chunk: Buffer): void {
    // After a pause the bytes may come from Node's buffer: then they were read, and recorded, in an earlier turn.
    if (this.#socket.bytesRead > this.#bytesReadSeen) {
      enterLoopCallback();
      this.recordReads();
    }
    if (this.#closedHere) return;
    this.#untaken.push(chunk);
    this.#untakenBytes += chunk.length;
    if (this.#untakenBytes >= UNTAKEN_BYTES_LIMIT && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
      pausedStreams.add(this);
    }
    this.#readers.wakeAll(this.source.cause);
  }

  #onEnd(): void {
    if (this.#closedHere) return;
    enterLoopCallback();
    this.#ended = true;
    this.source.operation('read', 0, 'turn');
    observer?.readiness(this.source.id, READINESS.readable | READINESS.readClosed);
    this.#readers.wakeAll(this.source.cause);
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#closedHere) return;
    this.#error = error;
    // A failed write is told to its writer. A reset is met by the read that the loop made.
    if (error.syscall !== 'write') {
      enterLoopCallback();
      this.source.operationFailed('read', error, 'turn');
      observer?.readiness(this.source.id, READINESS.readable | READINESS.error);
    }
    this.#readers.wakeAll(this.source.cause);
  }

  #writeDone(writer: Write, sentLater: number): void {
    enterLoopCallback();
    this.source.operation('write', sentLater, 'turn');
    observer?.readiness(this.source.id, READINESS.writable);
    writer.settle(this.source.cause);
  }

  #writeFailed(writer: Write, error: NodeJS.ErrnoException): void {
    enterLoopCallback();
    this.#error = error;
    this.source.operationFailed('write', error, 'turn');
    observer?.readiness(this.source.id, READINESS.writable | READINESS.error);
    writer.settle(this.source.cause, this.writeError(error));
  }

  #closedError(operation: 'read' | 'write'): TcpError {
    return new TcpError(`${operation} on ${this.source.describe()}: it was closed by this program`);
  }

  #take(maxBytes: number): Buffer {
    const all = this.#untaken.length === 1 ? this.#untaken[0] : Buffer.concat(this.#untaken);
    if (all === undefined) return Buffer.alloc(0);
    const taken = all.subarray(0, maxBytes);
    const rest = all.subarray(taken.length);
    this.#untaken = rest.length > 0 ? [rest] : [];
    this.#untakenBytes = rest.length;
    if (this.#paused && this.#untakenBytes < UNTAKEN_BYTES_LIMIT) {
      this.#paused = false;
      pausedStreams.delete(this);
      this.#socket.resume();
    }
    return taken;
  }
}

class Read extends Awaitable<Buffer> {
  readonly #stream: TcpStream;
  readonly #maxBytes: number;
  readonly #site: Site | undefined;

  constructor(stream: TcpStream, maxBytes: number, site: Site | undefined) {
    super();
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    this.#site = site;
  }

  override poll(cx: Context): Poll<Buffer> {
    return this.#stream.pollRead(this, this.#maxBytes, cx, this.#site);
  }

  drop(): void {
    this.#stream.forgetReader(this);
  }
}

/** One write. The first poll hands the bytes over; later ones only ask whether the last of them has gone. */
class Write extends Awaitable<void> {
  readonly #stream: TcpStream;
  readonly #bytes: Uint8Array;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #progress: 'new' | 'partly' | 'done' = 'new';
  #error: TcpError | undefined;

  constructor(stream: TcpStream, bytes: Uint8Array, site: Site | undefined) {
    super();
    this.#stream = stream;
    this.#bytes = bytes;
    this.#site = site;
  }

  override poll(cx: Context): Poll<void> {
    if (this.#progress === 'new') {
      this.#progress = this.#stream.startWrite(this.#bytes, this) ? 'done' : 'partly';
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#progress === 'done') return ready(undefined);
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceWritable', id: this.#stream.source.id }, this.#site);
    return PENDING;
  }

  /** Called when the last byte has gone, or with an error when it failed or the stream was closed under it. */
  settle(cause: WakeCause | undefined, error?: TcpError): void {
    this.#error = error;
    this.#progress = 'done';
    this.#waiter.wakeAll(cause);
  }

  drop(): void {
    this.#waiter.remove(this);
  }
}

// Without this a read made while a stream is paused would be recorded only when the task takes up reading again.
onCheckPhase(() => {
  for (const stream of pausedStreams) stream.recordReads();
});
