// Owns a peer of the collector that sends exactly the bytes it is told, right or wrong. Must not know what comes of it.
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { connectionOf } from '../../extension/collector/endpoint.ts';
import {
  encodeFrame,
  encodePreamble,
  type Frame,
  role,
} from '../../runtime-probe/protocol/typescript/index.ts';

export class StreamPeer {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    // A refused peer may be reset while it writes: the reply, read before, is what counts.
    socket.on('error', () => {});
    // The collector has closed its side: nothing more will come.
    socket.on('end', () => {
      this.isClosed = true;
      socket.end();
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async connect(endpoint: string): Promise<StreamPeer> {
    const socket = createConnection({ ...connectionOf(endpoint), allowHalfOpen: true });
    await once(socket, 'connect');
    return new StreamPeer(socket);
  }

  /** Connected, preamble sent; frames may follow at once. */
  static async program(endpoint: string, token: string): Promise<StreamPeer> {
    const peer = await StreamPeer.connect(endpoint);
    peer.socket.write(encodePreamble(role.program, token));
    return peer;
  }

  /** Resolves when the bytes are with the operating system. */
  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  async sendFrames(frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) await this.send(encodeFrame(frame.kind, frame.payload));
  }

  /** Status and message of the handshake's reply, once it is whole. */
  get reply(): { status: number; message: string } | undefined {
    if (this.received.length < 4) return undefined;
    const end = 4 + this.received.readUInt16LE(2);
    if (this.received.length < end) return undefined;
    return { status: this.received[0] as number, message: this.received.toString('utf8', 4, end) };
  }

  end(): void {
    this.socket.end();
  }
}
