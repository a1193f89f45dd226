// Owns the datagrams of the program's UDP sockets: how many bytes each brought or took, and from or to whom.
// Knows nothing of tasks, nor of other handles.
//
// Each datagram that Node has received is one call of the handle's `onmessage`, which dgram sets just before it begins
// to receive. What is sent goes out within the call of `send`, or, where the operating system has no room, later.
import type { NativeMethods } from './native-methods.ts';
import type { NodeRecorder } from './node-recorder.ts';
import { readResourceStamp, type Source } from './stamps.ts';

/** As many other ends are told by their address; names are kept for the whole session. */
const peersLimit = 1000;

type Callback = (this: object, ...given: readonly unknown[]) => unknown;

/** Fields of Node's own objects that the probe reads. None is public; all may be missing. */
interface Handle {
  onmessage?: unknown;
}
interface Sender {
  readonly address?: unknown;
  readonly port?: unknown;
  readonly family?: unknown;
}

interface Listening {
  readonly original: Callback;
  readonly ours: Callback;
}

/** A datagram that waits for room. */
interface Waiting {
  readonly bytes: number;
  readonly peer: string;
}

export class Datagrams {
  private readonly recorder: NodeRecorder;
  private readonly methods: NativeMethods;
  private readonly listening = new WeakMap<object, Listening>();
  private readonly waiting = new WeakMap<object, Waiting>();
  private readonly connected = new WeakMap<object, string>();
  private readonly peers = new Set<string>();

  constructor(recorder: NodeRecorder, methods: NativeMethods) {
    this.recorder = recorder;
    this.methods = methods;
  }

  /** A socket was made, or is looked at again. */
  look(handle: object): void {
    this.methods.watch(handle, 'recvStart', (self) => this.listen(self));
    for (const name of ['send', 'send6'])
      this.methods.watch(handle, name, (self, status, given) => this.sent(self, status, given));
    for (const name of ['connect', 'connect6', 'disconnect'])
      this.methods.watch(handle, name, (self, status, [address, port]) => {
        if (status === 0) this.connected.set(self, addressOf(address, port, name === 'connect6'));
      });
    this.listen(handle);
  }

  /** The socket has its own callback again. */
  restore(handle: Handle): void {
    const known = this.listening.get(handle);
    if (known !== undefined && handle.onmessage === known.ours) handle.onmessage = known.original;
  }

  /** A datagram that had waited for room has gone out, as far as anybody knows. */
  done(source: Source, request: object): void {
    const waited = this.waiting.get(request);
    if (waited === undefined) return;
    this.waiting.delete(request);
    this.tell(source, 'write', { bytes: waited.bytes }, waited.peer, 'turn');
  }

  private listen(handle: Handle): void {
    const original = handle.onmessage;
    if (typeof original !== 'function' || this.listening.get(handle)?.ours === original) return;
    const look = (given: readonly unknown[]): void => this.received(handle, given);
    const ours = function (this: object, ...given: readonly unknown[]): unknown {
      look(given);
      return Reflect.apply(original, this, given);
    };
    this.listening.set(handle, { original: original as Callback, ours });
    handle.onmessage = ours;
  }

  private received(handle: object, [bytes, , , sender]: readonly unknown[]): void {
    const source = readResourceStamp(handle)?.source;
    if (source?.open !== true || typeof bytes !== 'number') return;
    const outcome = bytes < 0 ? { errorNumber: bytes } : { bytes };
    const { address, port, family } = (sender ?? {}) as Sender;
    this.tell(source, 'read', outcome, addressOf(address, port, family === 'IPv6'), 'turn');
  }

  /** `send(request, list, count, port, address, …)`, or without an address on a connected socket. */
  private sent(handle: object, status: unknown, [request, list, , port, address]: readonly unknown[]): void {
    const source = readResourceStamp(handle)?.source;
    if (source?.open !== true || typeof status !== 'number') return;
    const peer =
      typeof address === 'string' ? addressOf(address, port, address.includes(':')) : this.peerOf(handle);
    // 0 says that it waits; what has gone out is told as one byte more than it is.
    if (status < 0) this.tell(source, 'write', { errorNumber: status }, peer, 'poll');
    else if (status > 0) this.tell(source, 'write', { bytes: status - 1 }, peer, 'poll');
    else if (typeof request === 'object' && request !== null)
      this.waiting.set(request, { bytes: bytesOf(list), peer });
  }

  /** Of a socket that sends to one other end alone. */
  private peerOf(handle: object): string {
    return this.connected.get(handle) ?? '';
  }

  private tell(
    source: Source,
    kind: 'read' | 'write',
    outcome: { bytes: number } | { errorNumber: number },
    peer: string,
    madeBy: 'turn' | 'poll',
  ): void {
    if (peer !== '' && (this.peers.has(peer) || this.peers.size < peersLimit)) {
      this.peers.add(peer);
      this.recorder.operationPeer(source.id, peer);
    }
    this.recorder.operation({ source: source.id, kind, outcome, madeBy });
  }
}

function addressOf(address: unknown, port: unknown, isIpv6: boolean): string {
  if (typeof address !== 'string' || typeof port !== 'number') return '';
  return isIpv6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function bytesOf(list: unknown): number {
  if (!Array.isArray(list)) return 0;
  return list.reduce(
    (sum: number, each: { readonly byteLength?: number }) => sum + (each.byteLength ?? 0),
    0,
  );
}
