// Owns the worker threads that run CPU work: started on demand, one job each at a time, the rest in a queue.
// Must not know futures: a job is told to whoever submitted it by callbacks.
//
//   submit ──► queue ──► an idle thread, or a new one below the limit ──► started ──► done ──► next of the queue
//
// An idle thread does not keep the process alive; one that runs a job does.

import { availableParallelism } from 'node:os';
import { type TransferListItem, Worker } from 'node:worker_threads';
import { clockNs } from './clock.ts';
import { enterLoopCallback } from './loop.ts';
import {
  idSequence,
  observer,
  onObserverChange,
  type RuntimeId,
  type ThreadId,
  type ThreadInfo,
} from './observe.ts';
import { nextRuntimeId } from './runtime.ts';
import { type WorkerMessage, type WorkMessage, workerSource } from './worker-program.ts';

const nextThreadId = idSequence();
const livePools = new Set<WorkerPool>();

export type WorkResult =
  | { readonly is: 'done'; readonly value: unknown }
  | { readonly is: 'failed'; readonly error: unknown };

/** One piece of work in the pool. */
export interface PoolWork {
  /** The job's id, for the observer. */
  readonly job: number;
  readonly message: WorkMessage;
  readonly transfer: readonly TransferListItem[];
  /** Called once, from the loop, unless it was taken back before. `atNs` is when the thread was done with it. */
  readonly done: (result: WorkResult) => void;
}

export interface WorkerPoolOptions {
  readonly name?: string;
  /** The most threads at once. Default: one less than the machine runs in parallel, at least one. */
  readonly threads?: number;
}

/** One thread and the work that it runs. */
interface PoolThread {
  /** Undefined until the thread runs: it is told of then. */
  info: ThreadInfo | undefined;
  readonly id: ThreadId;
  readonly worker: Worker;
  /** Undefined while it is idle. */
  work: PoolWork | undefined;
  /** Nobody waits for what it runs any more. */
  abandoned: boolean;
}

export class WorkerPool {
  readonly id: RuntimeId = nextRuntimeId();
  readonly name: string;
  readonly limit: number;
  readonly #threads = new Set<PoolThread>();
  #queue: PoolWork[] = [];
  #closed = false;

  constructor(options: WorkerPoolOptions = {}) {
    const threads = options.threads ?? Math.max(1, availableParallelism() - 1);
    if (!(Number.isSafeInteger(threads) && threads >= 1)) {
      throw new RangeError(`a worker pool has a whole number of threads from 1; got ${threads}`);
    }
    this.name = options.name ?? 'worker threads';
    this.limit = threads;
    livePools.add(this);
    this.tell();
  }

  /** Jobs that wait for a thread. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Threads that there are now. */
  get threads(): number {
    return this.#threads.size;
  }

  /** Ends all threads, at once; jobs that run or wait fail. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    livePools.delete(this);
    const queue = this.#queue;
    this.#queue = [];
    const error = new Error(`${this.name} was closed: its jobs were given up`);
    for (const thread of [...this.#threads]) {
      const { work } = thread;
      this.#end(thread);
      work?.done({ is: 'failed', error });
    }
    for (const work of queue) {
      observer?.jobEnded(work.job, 'cancelled', 0);
      work.done({ is: 'failed', error });
    }
    observer?.runtimeStopped(this.id);
  }

  /** For jobs only: puts the work into the queue. Throws when its arguments cannot be cloned to another thread. */
  submit(work: PoolWork): void {
    if (this.#closed) throw new Error(`${this.name} is closed: make another pool`);
    this.#queue.push(work);
  }

  /** For jobs only: gives work to threads as far as there are some. To be called after the submission was told. */
  pump(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idleThread() ?? this.#newThread();
      if (thread === undefined) break;
      const work = this.#queue.shift();
      if (work === undefined) break;
      this.#assign(thread, work);
    }
    this.#keepAlive();
    this.#report();
  }

  /** For jobs only: the work is not wanted any more. */
  takeBack(work: PoolWork, onCancel: 'terminate' | 'abandon'): void {
    const at = this.#queue.indexOf(work);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      observer?.jobEnded(work.job, 'cancelled', 0);
      this.#keepAlive();
      this.#report();
      return;
    }
    for (const thread of this.#threads) {
      if (thread.work !== work) continue;
      if (onCancel === 'terminate') {
        this.#end(thread);
        this.pump();
      } else {
        thread.abandoned = true;
        this.#keepAlive();
      }
      return;
    }
  }

  /** Tells the observer that this pool, and each of its threads, is there. */
  tell(): void {
    observer?.runtimeStarted({
      id: this.id,
      name: this.name,
      flavor: 'wakelineNode',
      workers: 0,
      poolLimit: this.limit,
    });
    for (const { info } of this.#threads) if (info !== undefined) observer?.threadStarted(info, clockNs());
  }

  #idleThread(): PoolThread | undefined {
    for (const thread of this.#threads) if (thread.work === undefined) return thread;
    return undefined;
  }

  #newThread(): PoolThread | undefined {
    if (this.#threads.size >= this.limit) return undefined;
    const id = nextThreadId();
    const worker = new Worker(workerSource, { eval: true, name: `${this.name} ${id}` });
    const thread: PoolThread = { id, info: undefined, worker, work: undefined, abandoned: false };
    worker.on('message', (message: WorkerMessage) => this.#hear(thread, message));
    worker.on('messageerror', (error) =>
      this.#finish(thread, { is: 'failed', error }, 'panicked', clockNs()),
    );
    worker.on('error', (error) => this.#died(thread, error));
    worker.on('exit', (code) =>
      this.#died(thread, new Error(`the worker thread ended with code ${code} while it ran this`)),
    );
    this.#threads.add(thread);
    return thread;
  }

  #assign(thread: PoolThread, work: PoolWork): void {
    thread.work = work;
    thread.abandoned = false;
    try {
      thread.worker.postMessage(work.message, work.transfer);
    } catch (error) {
      // Nothing was sent: the arguments cannot be cloned, or not be transferred.
      thread.work = undefined;
      observer?.jobEnded(work.job, 'panicked', 0);
      // Not in the poll that submitted it: `done` comes from the loop.
      setImmediate(() => work.done({ is: 'failed', error }));
    }
  }

  #hear(thread: PoolThread, message: WorkerMessage): void {
    enterLoopCallback();
    if (message.is === 'ready') {
      const { osThread, atNs } = message;
      thread.info = { thread: thread.id, name: `${this.name} ${thread.id}`, osThread, runtime: this.id };
      observer?.threadStarted(thread.info, atNs);
    } else if (message.is === 'started') {
      if (thread.work !== undefined) {
        observer?.jobStarted(thread.work.job, thread.id, message.atNs, this.#queue.length);
      }
    } else if (message.is === 'done') this.#finish(thread, message, 'completed', message.atNs);
    else this.#finish(thread, message, 'panicked', message.atNs);
  }

  #finish(thread: PoolThread, result: WorkResult, outcome: 'completed' | 'panicked', atNs: number): void {
    const { work, abandoned } = thread;
    if (work === undefined) return;
    thread.work = undefined;
    observer?.jobEnded(work.job, outcome, 0, { thread: thread.id, atNs });
    if (!abandoned) work.done(result);
    this.pump();
  }

  /** A thread that ended by itself: its work failed. */
  #died(thread: PoolThread, error: unknown): void {
    if (!this.#threads.delete(thread)) return;
    enterLoopCallback();
    this.#finish(thread, { is: 'failed', error }, 'panicked', clockNs());
    if (thread.info !== undefined) observer?.threadStopped(thread.id, clockNs());
    thread.worker.removeAllListeners();
    this.pump();
  }

  /** Ends a thread on purpose, with what it runs. */
  #end(thread: PoolThread): void {
    this.#threads.delete(thread);
    const atNs = clockNs();
    const { work, id, worker } = thread;
    if (work !== undefined) observer?.jobEnded(work.job, 'cancelled', 0, { thread: id, atNs });
    if (thread.info !== undefined) observer?.threadStopped(id, atNs);
    worker.removeAllListeners();
    // Ends it in the midst of a computation; what it would still throw is nobody's any more.
    worker.on('error', () => undefined);
    void worker.terminate();
  }

  /** A thread that runs what somebody waits for keeps the process alive, as does one that others wait for. */
  #keepAlive(): void {
    for (const { work, abandoned, worker } of this.#threads) {
      if (work === undefined || (abandoned && this.#queue.length === 0)) worker.unref();
      else worker.ref();
    }
  }

  #report(): void {
    if (observer === undefined) return;
    let running = 0;
    for (const thread of this.#threads) if (thread.work !== undefined) running += 1;
    observer.poolState({
      runtime: this.id,
      limit: this.#threads.size,
      running,
      queued: this.#queue.length,
    });
  }
}

onObserverChange((next) => {
  if (next !== undefined) for (const pool of livePools) pool.tell();
});
