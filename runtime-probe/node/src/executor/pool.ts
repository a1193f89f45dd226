// Owns jobs of libuv's thread pool: submitted, completed, and what can be known of the queue between.
// Must not know files or names: a job is given the function that starts it.
//
// Node tells nobody when a pool thread takes a request up: the run itself is not recorded, only submit and end.

import { Awaitable } from './coroutine.ts';
import { enterLoopCallback } from './loop.ts';
import { idSequence, type JobId, type JobInfo, observer, type WakeCause } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { poolLimit } from './pool-limit.ts';
import { captureSite, type Site } from './site.ts';
import { currentTask } from './task.ts';
import { WaitList } from './wait-list.ts';

/** Jobs of libuv's pool and of worker threads share one sequence. */
export const nextJobId = idSequence();
let inFlight = 0;

/** Told when the work is over: an error or a value, and the bytes it moved (0 when it moves none). */
export type JobDone<T> = (error: Error | null, value: T, bytes: number) => void;

export interface JobOptions<T> {
  readonly kind: JobInfo['kind'];
  /** For a file its path. */
  readonly name: string;
  /** Requests that libuv makes of it; undefined when that depends on what it meets. */
  readonly requests: number | undefined;
  /** Hands the work to libuv. Must call `done` once, later, from the loop. */
  readonly start: (done: JobDone<T>) => void;
}

type JobState<T> =
  | { readonly is: 'new' }
  | { readonly is: 'inFlight' }
  | { readonly is: 'done'; readonly value: T }
  | { readonly is: 'failed'; readonly error: Error };

/** One job. Submitted by the first poll. Dropping it forgets it: libuv carries a request that has begun to its end. */
export class Job<T> extends Awaitable<T> {
  readonly #options: JobOptions<T>;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #cause: WakeCause = { kind: 'job', id: 0 };
  #state: JobState<T> = { is: 'new' };

  constructor(options: JobOptions<T>, site: Site | undefined) {
    super();
    this.#options = options;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T> {
    if (this.#state.is === 'new') this.#submit(cx);
    const state = this.#state;
    if (state.is === 'done') return ready(state.value);
    if (state.is === 'failed') throw state.error;
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'job', id: this.#cause.id }, this.#site);
    return PENDING;
  }

  drop(): void {
    this.#waiter.remove(this);
  }

  #submit(cx: Context): void {
    const job = nextJobId();
    this.#cause = { kind: 'job', id: job };
    this.#state = { is: 'inFlight' };
    const runtime = currentTask()?.info.runtime ?? 0;
    const { kind, name, requests } = this.#options;
    this.#options.start((error, value, bytes) => this.#complete(job, error, value, bytes));
    inFlight += 1;
    if (observer === undefined) return;
    const queueDepth = Math.max(0, inFlight - poolLimit());
    observer.jobSubmitted({
      job,
      kind,
      task: cx.task,
      runtime,
      site: this.#site,
      name,
      queueDepth,
      requests,
    });
    reportPool();
  }

  #complete(job: JobId, error: Error | null, value: T, bytes: number): void {
    enterLoopCallback();
    inFlight -= 1;
    this.#state = error === null ? { is: 'done', value } : { is: 'failed', error };
    if (observer !== undefined) {
      observer.jobEnded(job, error === null ? 'completed' : 'panicked', bytes);
      reportPool();
    }
    this.#waiter.wakeAll(this.#cause);
  }
}

/**
 * Runs other work of libuv's pool (crypto, compression) as a job: `start` begins it and calls `done` once, from
 * the loop, when it is over.
 */
export function poolJob<T>(name: string, start: (done: JobDone<T>) => void): Job<T> {
  const site = observer && captureSite(poolJob);
  return new Job<T>({ kind: 'other', name, requests: undefined, start }, site);
}

function reportPool(): void {
  const threads = poolLimit();
  const running = Math.min(inFlight, threads);
  observer?.poolState({ limit: threads, running, queued: inFlight - running });
}
