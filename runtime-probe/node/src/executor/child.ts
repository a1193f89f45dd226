// Owns child processes: their start, their pipes and their end, each a source that tasks wait for.
// Must not know what the children do.

import { type ChildProcess, spawn as spawnNode } from 'node:child_process';
import { Socket } from 'node:net';
import { Awaitable } from './coroutine.ts';
import { enterLoopCallback } from './loop.ts';
import { observer, READINESS } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { type Closable, currentRuntime, type Runtime } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { TcpError, TcpSource } from './tcp-source.ts';
import { TcpStream } from './tcp-stream.ts';
import { WaitList } from './wait-list.ts';

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** pipe: a stream of Child; inherit: this program's own; ignore (default): none. */
  readonly stdin?: 'pipe' | 'inherit' | 'ignore';
  readonly stdout?: 'pipe' | 'inherit' | 'ignore';
  readonly stderr?: 'pipe' | 'inherit' | 'ignore';
}

/** How a child ended: its exit code, or the signal that ended it. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child that runs. Its runtime's end closes its pipes and forgets it, and does not kill it. */
export class Child implements Closable {
  readonly pid: number;
  readonly source: TcpSource;
  /** Undefined unless it was asked to be a pipe. */
  readonly stdin: TcpStream | undefined;
  readonly stdout: TcpStream | undefined;
  readonly stderr: TcpStream | undefined;
  readonly #process: ChildProcess;
  readonly #waiters = new WaitList();
  #status: ExitStatus | undefined;

  /** For startChild only: a process that was started. */
  constructor(child: ChildProcess, pid: number, source: TcpSource, site: Site | undefined) {
    this.#process = child;
    this.pid = pid;
    this.source = source;
    const { runtime } = source;
    this.stdin = pipeOf(child.stdin, `stdin of ${pid}`, READINESS.writable, runtime, site);
    this.stdout = pipeOf(child.stdout, `stdout of ${pid}`, READINESS.readable, runtime, site);
    this.stderr = pipeOf(child.stderr, `stderr of ${pid}`, READINESS.readable, runtime, site);
    child.on('exit', (code, signal) => this.#ended({ code, signal }));
    // What goes wrong after the start is told by kill()'s result.
    child.on('error', () => undefined);
  }

  /** Waits for its end. Any number of tasks may, at any time. */
  wait(): Awaitable<ExitStatus> {
    return new ChildEnd(this, observer && captureSite(this.wait));
  }

  /** False when it could not be sent, as when the child has ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.#process.kill(signal);
  }

  /** Closes its pipes and lets this process end before it. Idempotent. */
  close(): void {
    this.#process.unref();
    for (const pipe of [this.stdin, this.stdout, this.stderr]) pipe?.close();
    if (this.source.deregister()) this.#waiters.wakeAll();
  }

  /** For ChildEnd only. */
  pollEnd(waiter: object, cx: Context, site: Site | undefined): Poll<ExitStatus> {
    if (this.#status !== undefined) return ready(this.#status);
    if (this.source.closed) throw new Error(`waiting for child ${this.pid}: it was closed by this program`);
    this.#waiters.store(waiter, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'sourceReadable', id: this.source.id }, site);
    return PENDING;
  }

  /** For ChildEnd only. */
  forget(waiter: object): void {
    this.#waiters.remove(waiter);
  }

  #ended(status: ExitStatus): void {
    if (this.source.closed) return;
    enterLoopCallback();
    this.#status = status;
    // The loop learns of it by SIGCHLD and asks for the status before any JavaScript runs.
    this.source.operation('collect', 0, 'turn');
    observer?.readiness(this.source.id, READINESS.readable);
    this.#waiters.wakeAll(this.source.cause);
    this.source.deregister();
  }
}

class ChildEnd extends Awaitable<ExitStatus> {
  readonly #child: Child;
  readonly #site: Site | undefined;

  constructor(child: Child, site: Site | undefined) {
    super();
    this.#child = child;
    this.#site = site;
  }

  override poll(cx: Context): Poll<ExitStatus> {
    return this.#child.pollEnd(this, cx, this.#site);
  }

  drop(): void {
    this.#child.forget(this);
  }
}

function pipeOf(
  stream: unknown,
  peer: string,
  interest: number,
  runtime: Runtime,
  site: Site | undefined,
): TcpStream | undefined {
  // Node's pipes to children are sockets, whatever their declared type says.
  if (!(stream instanceof Socket)) return undefined;
  return new TcpStream(stream, { runtime, site, kind: 'pipe', peer, interest });
}

/**
 * Starts a program, without a shell, inside a task. Node starts it at once, blocking for a ms or so.
 * Throws when it cannot be started.
 */
export function startChild(program: string, args: readonly string[] = [], options: ChildOptions = {}): Child {
  const site = observer && captureSite(startChild);
  const runtime = currentRuntime();
  const { cwd, env, stdin = 'ignore', stdout = 'ignore', stderr = 'ignore' } = options;
  const child = spawnNode(program, args, {
    stdio: [stdin, stdout, stderr],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...env } }),
  });
  if (child.pid === undefined) {
    // Node tells why in a later turn; the two reasons that there are look alike from here.
    child.on('error', () => undefined);
    throw new TcpError(`cannot start ${program}: it is not there, or may not be run`);
  }
  const owner: Closable = { close: () => started.close() };
  const source = new TcpSource(
    owner,
    { fd: -1, kind: 'child', local: '', peer: `${child.pid}`, interest: READINESS.readable, site },
    runtime,
  );
  const started = new Child(child, child.pid, source, site);
  return started;
}
