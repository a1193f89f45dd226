// Owns a viewer's side of the connection to a collector: the handshake, requests with their answers, events.
// Must not know what the answers are for. Used by the extension host and by tests.
import { createConnection, type Socket } from 'node:net';
import { encodePreamble, role } from '../../runtime-probe/protocol/typescript/index.ts';
import type { CollectorEvent, Method, Requests } from '../messages/queries.ts';
import {
  answerLimits,
  encodeViewerFrame,
  type ViewerFrame,
  ViewerFrameSplitter,
  type ViewerRequest,
} from '../messages/viewer-frames.ts';
import { connectionOf } from './endpoint.ts';

/** The collector answers the handshake in a millisecond; it may be reading a large recording meanwhile. */
const connectTimeoutMs = 5000;

/** There is no collector, it refused, or the connection is over. */
export class CollectorClientError extends Error {
  override readonly name = 'CollectorClientError';
}

export interface ClientAnswer<M extends Method> {
  readonly result: Requests[M]['answer'];
  /** Empty but for viewports. Its ArrayBuffer holds nothing else. */
  readonly binary: Uint8Array<ArrayBuffer>;
}

interface Waiting {
  readonly resolve: (answer: ClientAnswer<Method>) => void;
  readonly reject: (error: Error) => void;
}

/** Resolves when the collector has accepted. Rejects with CollectorClientError that says why not. */
export function connect(endpoint: string, token: string): Promise<CollectorClient> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(connectionOf(endpoint));
    const fail = (message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new CollectorClientError(message));
    };
    const timer = setTimeout(
      () => fail(`the collector at ${endpoint} did not answer within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    let received = Buffer.alloc(0);
    socket.on('error', (error) => fail(`no collector at ${endpoint}: ${error.message}`));
    socket.on('close', () => fail(`the collector at ${endpoint} closed the connection`));
    socket.on('connect', () => socket.write(encodePreamble(role.viewer, token)));
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 4 || received.length < 4 + received.readUInt16LE(2)) return;
      const messageEnd = 4 + received.readUInt16LE(2);
      if (received[0] !== 0) {
        fail(`the collector refused: ${received.toString('utf8', 4, messageEnd)}`);
        return;
      }
      clearTimeout(timer);
      socket.removeAllListeners();
      resolve(new CollectorClient(socket, received.subarray(messageEnd)));
    });
  });
}

export class CollectorClient {
  private readonly socket: Socket;
  private readonly splitter = new ViewerFrameSplitter(answerLimits);
  private readonly waiting = new Map<number, Waiting>();
  private readonly eventListeners = new Set<(event: CollectorEvent) => void>();
  private readonly closeListeners = new Set<(reason: string) => void>();
  /** Events that came before anybody listened: the first session list comes with the handshake. */
  private early: CollectorEvent[] = [];
  private nextId = 1;
  private over = false;

  /** Only `connect` makes one: the socket has passed the handshake, and `first` came behind its reply. */
  constructor(socket: Socket, first: Uint8Array) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.receive(bytes));
    socket.on('error', (error) => this.finish(`the connection to the collector broke: ${error.message}`));
    socket.on('close', () => this.finish('the collector closed the connection'));
    // A turn later, so that whoever awaits `connect` can listen first.
    if (first.length > 0) setImmediate(() => this.receive(first));
  }

  get isOpen(): boolean {
    return !this.over;
  }

  /** Rejects with CollectorClientError when the collector refuses the request or the connection ends. */
  request<M extends Method>(method: M, params: Requests[M]['params']): Promise<ClientAnswer<M>> {
    return new Promise<ClientAnswer<M>>((resolve, reject) => {
      if (this.over) {
        reject(new CollectorClientError('the connection to the collector is closed'));
        return;
      }
      const id = this.nextId++;
      // The collector answers request `id` with the answer of its method.
      this.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      const request: ViewerRequest<M> = { id, method, params };
      this.socket.write(encodeViewerFrame(request as ViewerRequest));
    });
  }

  /** Returns how to stop listening. */
  onEvent(listener: (event: CollectorEvent) => void): () => void {
    this.eventListeners.add(listener);
    const early = this.early;
    this.early = [];
    for (const event of early) listener(event);
    return () => this.eventListeners.delete(listener);
  }

  /** Called once, also for a close of one's own. Returns how to stop listening. */
  onClose(listener: (reason: string) => void): () => void {
    this.closeListeners.add(listener);
    return () => this.closeListeners.delete(listener);
  }

  close(): void {
    this.finish('closed');
  }

  private receive(bytes: Uint8Array): void {
    if (this.over) return;
    try {
      this.splitter.push(bytes, (frame) => this.take(frame));
    } catch (error) {
      this.finish(`the collector’s answer was not understood: ${(error as Error).message}`);
    }
  }

  private take({ message, binary }: ViewerFrame): void {
    if (typeof message !== 'object' || message === null) throw new CollectorClientError('it is no object');
    if ('event' in message) {
      this.tell(message as CollectorEvent);
      return;
    }
    const answer = message as { id?: unknown; ok?: unknown; result?: unknown; error?: unknown };
    const waiting = this.waiting.get(Number(answer.id));
    if (waiting === undefined) throw new CollectorClientError(`nobody asked for answer ${String(answer.id)}`);
    this.waiting.delete(Number(answer.id));
    if (answer.ok === true) waiting.resolve({ result: answer.result as Requests[Method]['answer'], binary });
    else waiting.reject(new CollectorClientError(String(answer.error)));
  }

  private tell(event: CollectorEvent): void {
    // Of session lists only the last one is still true.
    if (this.eventListeners.size === 0)
      this.early = [
        ...this.early.filter((each) => each.event !== event.event || each.event === 'log'),
        event,
      ].slice(-100);
    for (const listener of this.eventListeners) listener(event);
  }

  private finish(reason: string): void {
    if (this.over) return;
    this.over = true;
    this.socket.destroy();
    for (const { reject } of this.waiting.values()) reject(new CollectorClientError(reason));
    this.waiting.clear();
    for (const listener of this.closeListeners) listener(reason);
  }
}
