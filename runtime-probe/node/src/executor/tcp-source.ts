// Owns what every TCP source has in common: its id, its registration with the observer, its place in the runtime.
// Must not know streams or listeners.

import type { Server, Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import {
  idSequence,
  type OperationInfo,
  observer,
  onObserverChange,
  type SourceId,
  type SourceInfo,
  type WakeCause,
} from './observe.ts';
import { type Closable, currentRuntime, type Runtime } from './runtime.ts';
import type { Site } from './site.ts';

const nextSourceId = idSequence();
const liveSources = new Set<TcpSource>();

/** One socket as the reactor sees it. */
export class TcpSource {
  readonly id: SourceId = nextSourceId();
  /** The cause of every wake that this source makes. */
  readonly cause: WakeCause = { kind: 'source', id: this.id };
  readonly #runtime: Runtime;
  readonly #owner: Closable;
  #info: SourceInfo;
  #closed = false;

  /** Made inside a poll, or for an accepted connection with its listener's runtime. */
  constructor(owner: Closable, info: Omit<SourceInfo, 'source'>, runtime: Runtime = currentRuntime()) {
    this.#owner = owner;
    this.#runtime = runtime;
    this.#info = { source: this.id, ...info };
    liveSources.add(this);
    runtime.own(owner);
    observer?.sourceRegistered(this.#info);
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get site(): Site | undefined {
    return this.#info.site;
  }

  get info(): SourceInfo {
    return this.#info;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Tells what was not known at registration. */
  update(known: Partial<Pick<SourceInfo, 'fd' | 'local' | 'peer'>>): void {
    this.#info = { ...this.#info, ...known };
    observer?.sourceRegistered(this.#info);
  }

  /** The source leaves the reactor. False when it had left before. */
  deregister(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    liveSources.delete(this);
    this.#runtime.disown(this.#owner);
    observer?.sourceDeregistered(this.id);
    return true;
  }

  operation(kind: OperationInfo['kind'], bytes: number, madeBy: OperationInfo['madeBy']): void {
    observer?.operation({ source: this.id, kind, outcome: { bytes }, madeBy });
  }

  operationFailed(
    kind: OperationInfo['kind'],
    error: NodeJS.ErrnoException,
    madeBy: OperationInfo['madeBy'],
  ): void {
    observer?.operation({ source: this.id, kind, outcome: { errorNumber: errorNumber(error) }, madeBy });
  }

  /** "source 3 (127.0.0.1:80)", for errors. */
  describe(): string {
    const address = this.#info.peer || this.#info.local;
    return address === '' ? `source ${this.id}` : `source ${this.id} (${address})`;
  }
}

/** Node keeps a socket's descriptor in its handle, without a public name for it; -1 when it is not there. */
export function fdOf(socket: Socket | Server): number {
  const fd = handleNumber(socket, 'fd');
  return fd ?? -1;
}

/** Bytes that libuv holds back because the kernel's buffer was full; undefined when Node does not tell. */
export function unsentBytes(socket: Socket): number | undefined {
  return handleNumber(socket, 'writeQueueSize');
}

function handleNumber(socket: Socket | Server, property: string): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const value: unknown = Reflect.get(handle, property);
  return typeof value === 'number' ? value : undefined;
}

export function formatAddress(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return '';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The operating system's error number of a Node error; 0 when it has none. */
function errorNumber(error: NodeJS.ErrnoException): number {
  if (error.errno !== undefined) return Math.abs(error.errno);
  for (const [number, [code]] of getSystemErrorMap()) {
    if (code === error.code) return Math.abs(number);
  }
  return 0;
}

/** What a failed operation on a socket throws into the task. `code` is Node's, such as ECONNREFUSED. */
export class TcpError extends Error {
  readonly code: string;

  constructor(message: string, cause?: NodeJS.ErrnoException) {
    super(cause === undefined ? message : `${message}: ${cause.message}`, { cause });
    this.name = 'TcpError';
    this.code = cause?.code ?? '';
  }
}

onObserverChange((next) => {
  if (next === undefined) return;
  for (const source of liveSources) next.sourceRegistered(source.info);
});
