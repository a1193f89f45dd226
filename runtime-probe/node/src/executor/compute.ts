// Owns CPU work as a future: it is run on a worker thread, so that the loop goes on meanwhile.
// Must not know threads: the pool has them.

import type { TransferListItem } from 'node:worker_threads';
import { Awaitable } from './coroutine.ts';
import { observer, type WakeCause } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { nextJobId } from './pool.ts';
import { captureSite, type Site } from './site.ts';
import { WaitList } from './wait-list.ts';
import { type PoolWork, WorkerPool, type WorkResult } from './worker-pool.ts';
import type { WorkSource } from './worker-program.ts';

/** An exported function, named so that a worker thread can load it. */
export interface ModuleWork {
  /** A file: URL, for example `new URL('./hash.js', import.meta.url)`, or what a package exports. */
  readonly module: URL | string;
  /** The name of the export; `default` for the default one. */
  readonly name: string;
}

export interface ComputeOptions {
  /** Default: a pool that all of the process share. */
  readonly pool?: WorkerPool;
  /**
   * What becomes of work that has begun when its future is dropped. terminate (default): its thread is ended, in the
   * midst of it. abandon: it runs to its end, and nobody hears of it.
   */
  readonly onCancel?: 'terminate' | 'abandon';
  /** Of the arguments, what is handed over instead of copied. */
  readonly transfer?: readonly TransferListItem[];
}

/** Work on a worker thread failed. `cause` is what it threw there, with its stack. */
export class ComputeError extends Error {
  constructor(name: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint =
      cause instanceof ReferenceError
        ? '; a function has its arguments and what is global there, nothing else of its file'
        : '';
    super(`${name} failed on a worker thread: ${reason}${hint}`, { cause });
    this.name = 'ComputeError';
  }
}

let sharedPool: WorkerPool | undefined;

/** The pool that compute() uses when it is given none. */
export function computePool(): WorkerPool {
  sharedPool ??= new WorkerPool();
  return sharedPool;
}

/**
 * Runs a function on a worker thread. It is made again there from its own source, so it may use its arguments and
 * what is global, and nothing else of the file that it stands in. Arguments and result are copied as by
 * structuredClone. A promise that it returns is awaited there.
 */
export function compute<A extends readonly unknown[], R>(
  work: (...args: A) => R,
  args: A,
  options?: ComputeOptions,
): Awaitable<Awaited<R>>;
/** Runs an exported function on a worker thread, which imports its module once. */
export function compute<R>(
  work: ModuleWork,
  args: readonly unknown[],
  options?: ComputeOptions,
): Awaitable<R>;
export function compute(
  work: ModuleWork | ((...args: never[]) => unknown),
  args: readonly unknown[],
  options: ComputeOptions = {},
): Awaitable<unknown> {
  const site = observer && captureSite(compute);
  return new Compute(sourceOf(work), nameOf(work), args, options, site);
}

type ComputeState = { readonly is: 'new' } | { readonly is: 'submitted' } | WorkResult;

class Compute extends Awaitable<unknown> {
  readonly #source: WorkSource;
  readonly #name: string;
  readonly #args: readonly unknown[];
  readonly #options: ComputeOptions;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #pool: WorkerPool | undefined;
  #work: PoolWork | undefined;
  #state: ComputeState = { is: 'new' };

  constructor(
    source: WorkSource,
    name: string,
    args: readonly unknown[],
    options: ComputeOptions,
    site: Site | undefined,
  ) {
    super();
    this.#source = source;
    this.#name = name;
    this.#args = args;
    this.#options = options;
    this.#site = site;
  }

  override poll(cx: Context): Poll<unknown> {
    if (this.#state.is === 'new') this.#submit(cx);
    const state = this.#state;
    if (state.is === 'done') return ready(state.value);
    if (state.is === 'failed') throw new ComputeError(this.#name, state.error);
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'job', id: this.#work?.job ?? 0 }, this.#site);
    return PENDING;
  }

  drop(): void {
    this.#waiter.remove(this);
    if (this.#state.is === 'submitted' && this.#work !== undefined) {
      this.#pool?.takeBack(this.#work, this.#options.onCancel ?? 'terminate');
    }
  }

  #submit(cx: Context): void {
    const pool = this.#options.pool ?? computePool();
    const job = nextJobId();
    const cause: WakeCause = { kind: 'job', id: job };
    const work: PoolWork = {
      job,
      message: { work: this.#source, args: this.#args },
      transfer: this.#options.transfer ?? [],
      done: (result) => {
        this.#state = result;
        this.#waiter.wakeAll(cause);
      },
    };
    pool.submit(work);
    this.#pool = pool;
    this.#work = work;
    this.#state = { is: 'submitted' };
    observer?.jobSubmitted({
      job,
      kind: 'other',
      task: cx.task,
      runtime: pool.id,
      site: this.#site,
      name: this.#name,
      queueDepth: pool.queued,
      requests: undefined,
    });
    pool.pump();
  }
}

function sourceOf(work: ModuleWork | ((...args: never[]) => unknown)): WorkSource {
  if (typeof work !== 'function') {
    const url = String(work.module);
    if (/^\.{0,2}\//.test(url)) {
      throw new TypeError(
        `a worker thread cannot resolve ${url}: give a URL, as in new URL('${url}', import.meta.url)`,
      );
    }
    return { is: 'module', url, name: work.name };
  }
  const source = Function.prototype.toString.call(work);
  if (source.endsWith('{ [native code] }')) {
    throw new TypeError(
      `${nameOf(work)} has no source that a worker thread could run: it is native or bound. Wrap it in a function`,
    );
  }
  if (!isExpression(source)) {
    throw new TypeError(
      `${nameOf(work)} is a method, whose source means nothing elsewhere: write it as a function or an arrow`,
    );
  }
  return { is: 'function', source };
}

/** Whether the source of a function is an expression by itself; that of a method is not. */
function isExpression(source: string): boolean {
  try {
    // Only compiled, never called: the source stands inside the body.
    new Function(`return (${source});`);
    return true;
  } catch {
    return false;
  }
}

function nameOf(work: ModuleWork | ((...args: never[]) => unknown)): string {
  if (typeof work === 'function') return work.name || 'a function without a name';
  const file = String(work.module).split('/').at(-1) ?? '';
  return `${work.name} of ${file}`;
}
