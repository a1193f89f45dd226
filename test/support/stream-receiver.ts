// Owns a small collector for tests: it listens, checks the preamble, answers, and keeps every frame that comes.
// Knows the wire's frames but nothing of the model: tests hand the frames to the reference reader.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BreakOn,
  decodeEnd,
  decodeHello,
  encodeControl,
  encodeFrame,
  type Frame,
  FrameSplitter,
  frameKind,
  type Hello,
  preambleBytes,
  role,
  type StreamEnd,
} from '../../runtime-probe/protocol/typescript/index.ts';

export interface ReceiverOptions {
  /** What to do with a connection: take it, refuse it whatever its token, or accept it and read nothing. */
  readonly behaviour?: 'take' | 'refuse' | 'stall';
  readonly over?: 'unix' | 'tcp';
  /** Takes each frame in place of its being kept: for streams that are too long to keep. The payload is reused. */
  readonly onFrame?: (frame: Frame) => void;
}

/** One connection whose preamble was right. */
export interface ReceivedConnection {
  readonly socket: Socket;
  readonly frames: Frame[];
  closed: boolean;
}

export class StreamReceiver {
  readonly token = randomBytes(16).toString('hex');
  readonly connections: ReceivedConnection[] = [];
  /** Peers that were refused. */
  refused = 0;
  private readonly server: Server;
  private readonly folder = mkdtempSync(join(tmpdir(), 'wakeline-receiver-'));
  private readonly sockets = new Set<Socket>();
  private readonly options: ReceiverOptions;
  private addressValue = '';

  private constructor(options: ReceiverOptions) {
    this.options = options;
    this.server = createServer((socket) => this.take(socket));
  }

  static async listen(options: ReceiverOptions = {}): Promise<StreamReceiver> {
    const receiver = new StreamReceiver(options);
    await receiver.open();
    return receiver;
  }

  get address(): string {
    return this.addressValue;
  }

  /**
   * What a program needs in its environment to connect, and to wait at its end until all has arrived, on however busy a
   * machine; with a receiver that takes nothing it waits as long as it does in use.
   */
  get environment(): Record<string, string> {
    const patience: Record<string, string> =
      this.options.behaviour === undefined ? { WAKELINE_EXIT_MS: '20000' } : {};
    return { WAKELINE: this.address, WAKELINE_TOKEN: this.token, ...patience };
  }

  /** All frames of all connections, in the order in which they came. */
  get frames(): Frame[] {
    return this.connections.flatMap((connection) => connection.frames);
  }

  get hellos(): Hello[] {
    return this.framesOf(frameKind.hello).map((frame) => decodeHello(frame.payload));
  }

  get end(): StreamEnd | undefined {
    const frame = this.framesOf(frameKind.end).at(-1);
    return frame === undefined ? undefined : decodeEnd(frame.payload);
  }

  framesOf(kind: number): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }

  sendControl(detail: number, snapshot = false): void {
    for (const { socket, closed } of this.connections)
      if (!closed) socket.write(encodeFrame(frameKind.control, encodeControl({ detail, snapshot })));
  }

  /** Sets a scheduling breakpoint in every program that is connected, or clears all. */
  sendBreak(on: BreakOn, value: number): void {
    const control = { detail: this.hellos[0]?.detail ?? 0, snapshot: false, breaks: { on, value } };
    for (const { socket, closed } of this.connections)
      if (!closed) socket.write(encodeFrame(frameKind.control, encodeControl(control)));
  }

  /** Stops reading, so that the programs' sends stall, or goes on. */
  setStalled(isStalled: boolean): void {
    for (const socket of this.sockets) isStalled ? socket.pause() : socket.resume();
  }

  /** Hangs up on everyone, as a collector that is restarted does. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async open(): Promise<void> {
    const { server } = this;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (this.options.over === 'tcp') server.listen(0, '127.0.0.1', resolve);
      else server.listen(join(this.folder, 'socket'), resolve);
    });
    const address = server.address();
    if (address === null) throw new Error('the receiver listens nowhere');
    this.addressValue = typeof address === 'string' ? `unix:${address}` : `tcp://127.0.0.1:${address.port}`;
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    // A peer that vanishes is no failure of the receiver; the close that follows is what tests look at.
    socket.on('error', () => undefined);
    if (this.options.behaviour === 'stall') {
      socket.pause();
      return;
    }
    let head = Buffer.alloc(0);
    let connection: ReceivedConnection | undefined;
    const splitter = new FrameSplitter();
    socket.on('data', (bytes: Buffer) => {
      let rest = bytes;
      if (connection === undefined) {
        head = Buffer.concat([head, bytes]);
        if (head.length < preambleBytes) return;
        rest = head.subarray(preambleBytes);
        connection = this.greet(socket, head);
        if (connection === undefined) return;
      }
      const { frames } = connection;
      const keep = (frame: Frame) => frames.push({ kind: frame.kind, payload: frame.payload.slice() });
      splitter.push(rest, this.options.onFrame ?? keep);
    });
    socket.on('close', () => {
      if (connection !== undefined) connection.closed = true;
    });
  }

  private greet(socket: Socket, head: Buffer): ReceivedConnection | undefined {
    const right =
      head.toString('latin1', 0, 8) === 'WAKELINE' &&
      head.readUInt16LE(8) === 1 &&
      head[10] === role.program &&
      head.toString('hex', 12, 28) === this.token;
    if (!right || this.options.behaviour === 'refuse') {
      this.refused++;
      socket.end(reply(1, 'the token is not the one of this collector'));
      return undefined;
    }
    socket.write(reply(0, ''));
    const connection = { socket, frames: [], closed: false };
    this.connections.push(connection);
    return connection;
  }
}

function reply(status: number, message: string): Buffer {
  const text = Buffer.from(message);
  const head = Buffer.alloc(4);
  head[0] = status;
  head.writeUInt16LE(text.length, 2);
  return Buffer.concat([head, text]);
}

/** Resolves once `condition` holds; throws when it does not within the time. */
export async function until(condition: () => boolean, what: string, timeoutMs = 120_000): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
