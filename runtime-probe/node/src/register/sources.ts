// Owns what the loop watches, as the program's handles: when they come, are ready, move bytes, and go.
// Knows nothing of which task runs.
//
// Node reads before it calls back, and accepts so too. A stream's own count of bytes, which every stream has, tells at
// the first callback behind a read how much it brought: one read is one operation, whoever takes over the stream's
// reads (an HTTP parser, TLS) and however many callbacks it makes of one. A callback that brought nothing is the end
// of the stream, or an error that its owner has after the callback.
import { READINESS } from '../executor/observe.ts';
import { causeKind } from '../wire/index.ts';
import { Datagrams } from './datagrams.ts';
import { handleKinds, listenerTypes, streamTypes } from './kinds.ts';
import { NativeMethods } from './native-methods.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Parks } from './parks.ts';
import { type ResourceStamp, readResourceStamp, resourceRole, type Source, stampResource } from './stamps.ts';

interface SocketName {
  address?: string;
  port?: number;
  family?: string;
}

/** Fields of Node's own objects that the probe reads. None is public; all may be missing. */
interface Handle {
  readonly fd?: unknown;
  readonly bytesRead?: unknown;
  readonly bytesWritten?: unknown;
  /** Of a UDP socket; dgram sets it. */
  onmessage?: unknown;
  /** Of TLS: the handle that it protects. */
  readonly _parent?: object | null;
  /** Of the resource that http makes for a connection each time that it uses it again: the connection's handle. */
  readonly handle?: object | null;
  /** Node's id of it. */
  getAsyncId?(): number;
  getpeername?(target: SocketName): number;
  getsockname?(target: SocketName): number;
}

/** The stream that owns a handle. */
interface Owner {
  readonly errored?: { readonly errno?: unknown } | null;
  /** The server that has accepted it; null for a connection of the program's own. */
  readonly _server?: object | null;
  /** Of TLS. */
  readonly _tlsOptions?: { readonly isServer?: unknown };
}

/** A parser's resource, as http makes it. */
interface Parser {
  readonly socket?: { readonly _handle?: object | null } | null;
  readonly req?: { readonly socket?: { readonly _handle?: object | null } };
}

/** Why a callback came, as a wake of the wire says it. */
export interface Cause {
  kind: number;
  id: number;
}

const writeMethods = [
  'writeBuffer',
  'writev',
  'writeUtf8String',
  'writeAsciiString',
  'writeLatin1String',
  'writeUcs2String',
] as const;

/** Of a source that moved bytes while nothing was recorded. */
const unknownBytes = -1;

export class Sources {
  private readonly recorder: NodeRecorder;
  private readonly parks: Parks;
  readonly methods = new NativeMethods();
  private readonly datagrams: Datagrams;
  /** Open handles by Node's id, for the requests that name them as what they were made on. */
  private readonly handles = new Map<number, { readonly source: Source; readonly handle: Handle }>();
  private lastSource = 0;
  /** The handle whose callback brought nothing, until that callback is over. */
  private ended: { readonly source: Source; readonly handle: Handle } | undefined;
  /** The handle below the TLS or HTTP/2 that was called back last: those write by themselves. */
  private below: { readonly source: Source; readonly handle: Handle } | undefined;
  private readonly lookedAt = new Set<string>();
  private tellClosed: (source: Source) => void = () => undefined;

  constructor(recorder: NodeRecorder, parks: Parks) {
    this.recorder = recorder;
    this.parks = parks;
    this.datagrams = new Datagrams(recorder, this.methods);
  }

  /** Whom to tell that a handle was closed. */
  onClosed(tell: (source: Source) => void): void {
    this.tellClosed = tell;
  }

  /** A handle was made, with this id of Node's; 0 for one that was made while nothing was recorded. */
  opened(stamp: ResourceStamp, id: number, target: object, accepted: boolean): void {
    const handle = plainHandle(target);
    const known = sourceOf(handle);
    if (known !== undefined) {
      stamp.source = known;
      // A connection that is used again and again has its last id alone.
      this.handles.delete(known.nodeId);
      known.nodeId = id;
      this.handles.set(id, { source: known, handle });
      return;
    }
    this.lastSource++;
    // It was not told when it was made: a connection that is used again shows only by that use.
    const hasPast = id === 0 || handle !== target;
    if (handle !== target) stampResource(handle, stamp);
    const source: Source = {
      id: this.lastSource,
      type: stamp.type,
      nodeId: id !== 0 ? id : (handle.getAsyncId?.() ?? -this.lastSource),
      open: true,
      accepted,
      consumed: false,
      readyTurn: 0,
      addressTold: false,
      readBytes: hasPast ? unknownBytes : 0,
      writtenBytes: hasPast ? unknownBytes : 0,
      pendingWrite: undefined,
      serving: [],
    };
    this.handles.set(source.nodeId, { source, handle });
    stamp.source = source;
    this.recorder.sourceRegistered({
      source: source.id,
      fd: -1,
      kind: handleKinds[stamp.type] ?? 'unknown',
      local: '',
      peer: '',
      interest: READINESS.readable,
      site: undefined,
    });
    this.look(stamp.type, handle);
  }

  /** A request was made on the handle with this id of Node's: a write that goes on, a connection to be made. */
  requested(stamp: ResourceStamp, handleId: number): void {
    const source = this.handles.get(handleId)?.source;
    stamp.source = source;
    if (source !== undefined && stamp.type === 'WRITEWRAP') source.pendingWrite = stamp;
  }

  /** Whether Node's id is that of a handle that takes connections. */
  isListener(id: number): boolean {
    const type = this.handles.get(id)?.source.type;
    return type !== undefined && listenerTypes.has(type);
  }

  /** The connection whose reads this HTTP parser takes over. */
  ofParser(parser: object): Source | undefined {
    const handle = handleOfParser(parser);
    return handle === undefined ? undefined : sourceOf(handle);
  }

  /** The resource calls back: tells what the loop has seen and done, and says why. */
  calledBack(stamp: ResourceStamp, target: object): Cause {
    const { role } = stamp;
    if (role === resourceRole.tls) stamp.source = sourceOf(target);
    const { source } = stamp;
    if (source === undefined || !source.open) return { kind: causeKind.turn, id: 0 };
    if (role === resourceRole.session) return this.ofSession(stamp, source);
    const handle = (role === resourceRole.parser ? handleOfParser(target) : target) as Handle | undefined;
    if (role === resourceRole.tls) this.lookBelow(source, plainHandle(target));
    this.ready(stamp, source, handle);
    if (role === resourceRole.request) this.written(stamp, source, target);
    else if (handle !== undefined) this.moved(stamp, source, handle);
    return { kind: causeKind.source, id: source.id };
  }

  /** What stands on the source calls back, such as one request of HTTP/2. */
  above(source: Source): Cause {
    const handle = this.handles.get(source.nodeId)?.handle;
    if (handle !== undefined) this.lookBelow(source, handle);
    return { kind: causeKind.source, id: source.id };
  }

  /** TLS or a connection of HTTP/2 was made: what it is given to write it puts itself into the handle below. */
  layered(target: object): void {
    const tell = (self: object): void => {
      const source = sourceOf(self);
      if (source?.open === true) this.wroteBelow(source, plainHandle(self), 'poll');
    };
    for (const name of [...writeMethods, 'shutdown']) this.methods.watch(target, name, tell);
    this.methods.watch(target, 'consume', (self, _, [below]) => {
      const stamp = readResourceStamp(self);
      if (stamp === undefined || typeof below !== 'object' || below === null) return;
      const source = sourceOf(below);
      stamp.source = source;
      if (source?.accepted !== true) return;
      // Its callbacks are the connection's, and each request is a task of its own.
      source.consumed = true;
      stamp.task = undefined;
    });
  }

  /** HTTP/2 calls back, for what it has read or to write: the handle below tells which. */
  private ofSession(stamp: ResourceStamp, source: Source): Cause {
    const cause = this.above(source);
    const handle = this.handles.get(source.nodeId)?.handle;
    if (handle === undefined || handle.bytesRead === source.readBytes) return cause;
    this.ready(stamp, source, handle);
    this.moved(stamp, source, handle);
    return cause;
  }

  private lookBelow(source: Source, handle: Handle): void {
    this.wroteBelow(source, handle, 'turn');
    this.below = { source, handle };
  }

  /** How many system calls it took is not known: what was written since the last look is one operation. */
  private wroteBelow(source: Source, handle: Handle, madeBy: 'turn' | 'poll'): void {
    const { bytesWritten } = handle;
    const before = source.writtenBytes;
    if (typeof bytesWritten !== 'number' || bytesWritten === before) return;
    source.writtenBytes = bytesWritten;
    source.pendingWrite = undefined;
    if (before === unknownBytes) return;
    const outcome = { bytes: bytesWritten - before };
    this.recorder.operation({ source: source.id, kind: 'write', outcome, madeBy });
  }

  /** The callback is over in which a stream brought nothing: what its owner says of it is known now. */
  left(): void {
    const { below, ended } = this;
    if (below !== undefined) {
      this.below = undefined;
      if (below.source.open) this.wroteBelow(below.source, below.handle, 'turn');
    }
    if (ended === undefined) return;
    this.ended = undefined;
    const errorNumber = errorOf(ended.handle);
    this.recorder.operation({
      source: ended.source.id,
      kind: 'read',
      outcome: errorNumber === undefined ? { bytes: 0 } : { errorNumber },
      madeBy: 'turn',
    });
  }

  /** Without `destroy` hooks only the call of close() says that a handle is gone: it cannot become ready any more. */
  private closed(handle: object): void {
    const source = readResourceStamp(handle)?.source;
    if (source?.open !== true) return;
    if (streamTypes.has(source.type)) this.wroteBelow(source, handle, 'poll');
    this.close(source);
  }

  private close(source: Source): void {
    source.open = false;
    this.tellClosed(source);
    this.handles.delete(source.nodeId);
    this.recorder.sourceDeregistered(source.id);
  }

  /** Nothing is looked at from here on; the program has Node's own methods again. */
  pause(): void {
    this.methods.restore();
    this.lookedAt.clear();
    this.ended = undefined;
    this.below = undefined;
    for (const { source, handle } of this.handles.values()) {
      if (source.type === 'UDPWRAP') this.datagrams.restore(handle);
      source.readBytes = unknownBytes;
      source.writtenBytes = unknownBytes;
    }
  }

  /** Looks again, also for what was closed meanwhile: that has no descriptor any more. */
  resume(): void {
    for (const { source, handle } of [...this.handles.values()]) {
      this.look(source.type, handle);
      const { fd } = plainHandle(handle);
      if (source.addressTold && typeof fd === 'number' && fd < 0) this.close(source);
    }
  }

  /** The handle below a parser, when no hook has told of it. */
  untold(parser: object): object | undefined {
    const handle = handleOfParser(parser);
    return handle !== undefined && sourceOf(handle) === undefined ? handle : undefined;
  }

  /** Nearly all handles share one close(), and all streams their writes. */
  private look(type: string, handle: object): void {
    if (type === 'UDPWRAP') this.datagrams.look(handle);
    if (!this.lookedAt.has(type)) {
      this.lookedAt.add(type);
      this.methods.watch(handle, 'close', (self) => this.closed(self));
      if (!streamTypes.has(type)) return;
      for (const name of writeMethods)
        this.methods.watch(handle, name, (self, status) => this.wrote(self, status));
    }
  }

  private ready(stamp: ResourceStamp, source: Source, handle: Handle | undefined): void {
    // Node calls back several times for one read: for the head, the body and the end of a message.
    if (source.readyTurn === this.parks.turn) return;
    const writable = stamp.role === resourceRole.request;
    if (!source.addressTold && !writable && handle !== undefined) this.tellAddress(stamp, source, handle);
    source.readyTurn = this.parks.turn;
    this.recorder.readiness(source.id, writable ? READINESS.writable : READINESS.readable);
  }

  private moved(stamp: ResourceStamp, source: Source, target: Handle): void {
    if (listenerTypes.has(stamp.type)) {
      this.recorder.operation({ source: source.id, kind: 'accept', outcome: { bytes: 0 }, madeBy: 'turn' });
      return;
    }
    const { bytesRead } = plainHandle(target);
    if (typeof bytesRead !== 'number') return;
    const before = source.readBytes;
    const bytes = bytesRead - before;
    source.readBytes = bytesRead;
    if (before === unknownBytes) return;
    if (bytes > 0)
      this.recorder.operation({ source: source.id, kind: 'read', outcome: { bytes }, madeBy: 'turn' });
    else if (streamTypes.has(stamp.type)) this.ended = { source, handle: target };
  }

  /** A write that took more than one system call is done; when its callback comes after an error nobody says so. */
  private written(stamp: ResourceStamp, source: Source, request: object): void {
    if (stamp.type === 'UDPSENDWRAP') this.datagrams.done(source, request);
    if (stamp.type !== 'WRITEWRAP' || stamp.bytes === 0) return;
    const { bytes } = stamp;
    stamp.bytes = 0;
    this.recorder.operation({ source: source.id, kind: 'write', outcome: { bytes }, madeBy: 'turn' });
  }

  /** The program has handed a stream something to write. */
  private wrote(handle: Handle, status: unknown): void {
    const source = readResourceStamp(handle)?.source;
    if (source === undefined || !source.open) return;
    const { bytesWritten } = handle;
    if (typeof bytesWritten !== 'number') return;
    const before = source.writtenBytes;
    const bytes = bytesWritten - before;
    source.writtenBytes = bytesWritten;
    const pending = source.pendingWrite;
    source.pendingWrite = undefined;
    if (before === unknownBytes) return;
    if (pending !== undefined) {
      // The operating system had no room for all of it: told when it is done.
      pending.bytes = bytes;
      return;
    }
    const failed = typeof status === 'number' && status < 0;
    this.recorder.operation({
      source: source.id,
      kind: 'write',
      outcome: failed ? { errorNumber: status } : { bytes },
      madeBy: 'poll',
    });
  }

  /** The descriptor and the addresses are known once the handle is connected, so at the first that it brings. */
  private tellAddress(stamp: ResourceStamp, source: Source, target: Handle): void {
    source.addressTold = true;
    const handle = plainHandle(target);
    this.recorder.sourceRegistered({
      source: source.id,
      fd: typeof handle.fd === 'number' ? handle.fd : -1,
      kind: stamp.role === resourceRole.handle ? (handleKinds[stamp.type] ?? 'unknown') : 'tcpStream',
      local: addressBy(handle, 'getsockname'),
      peer: addressBy(handle, 'getpeername'),
      interest: READINESS.readable,
      site: undefined,
    });
  }
}

/** The handle with the descriptor: below TLS it is another one. */
function plainHandle(target: object): Handle {
  const handle = target as Handle;
  const used = (handle.handle as Handle | null | undefined) ?? handle;
  return (used._parent as Handle | null | undefined) ?? used;
}

function sourceOf(handle: object): Source | undefined {
  return readResourceStamp(handle)?.source ?? readResourceStamp(plainHandle(handle))?.source;
}

function handleOfParser(target: object): object | undefined {
  const parser = target as Parser;
  return parser.socket?._handle ?? parser.req?.socket?._handle ?? undefined;
}

/** The error of the stream that owns the handle, as a number of the operating system's. */
function errorOf(handle: Handle): number | undefined {
  const error = ownerOf(handle)?.errored;
  return typeof error?.errno === 'number' ? error.errno : undefined;
}

/** Whether the program has made the connection itself, as far as the stream that owns the handle tells. */
export function isOwnConnection(handle: object): boolean {
  const owner = ownerOf(handle);
  if (owner === undefined) return false;
  return owner._tlsOptions === undefined ? owner._server === null : owner._tlsOptions?.isServer !== true;
}

function ownerOf(handle: Handle): Owner | undefined {
  const used = handle.handle ?? handle;
  const key = Object.getOwnPropertySymbols(used).find((each) => each.description === 'owner_symbol');
  return ((key === undefined ? undefined : Reflect.get(used, key)) ?? undefined) as Owner | undefined;
}

/** host:port of the other end; empty for what has none. */
export function peerOf(handle: object): string {
  return addressBy(plainHandle(handle as Handle), 'getpeername');
}

function addressBy(handle: Handle, ask: 'getpeername' | 'getsockname'): string {
  if (typeof handle[ask] !== 'function') return '';
  const name: SocketName = {};
  try {
    if (handle[ask](name) !== 0 || name.address === undefined) return '';
  } catch {
    return '';
  }
  return name.family === 'IPv6' ? `[${name.address}]:${name.port}` : `${name.address}:${name.port}`;
}
