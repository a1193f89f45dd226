// Owns the contract between futures and whoever polls them: Poll, Waker, Context, Future.
// Must not know tasks, queues, sources or generators.

import type { FrameId, TaskId, WakeCause } from './observe.ts';

/** The answer of a future that is not done. It has stored a waker, or nobody will ever poll it again. */
export const PENDING: unique symbol = Symbol('pending');

export interface Ready<T> {
  readonly ready: T;
}

export type Poll<T> = typeof PENDING | Ready<T>;

/** The answer of a future that is done. */
export function ready<T>(value: T): Ready<T> {
  return { ready: value };
}

/**
 * The request to poll a task again, as a handle that can be stored.
 * Whoever stores one stores a clone and drops it when it has been used or is no longer needed: clones minus drops
 * is how many are still stored, which is how a lost wake is found.
 */
export interface Waker {
  /** Asks for a poll. Never polls by itself. Without a cause it counts as made by the code that runs now. */
  wake(cause?: WakeCause): void;
  clone(): Waker;
  /** Idempotent. A dropped waker still wakes: JavaScript cannot take the reference away. */
  drop(): void;
  /** Whether the other waker wakes the same task, so that storing a new clone is not needed. */
  willWake(other: Waker): boolean;
}

/** What a future is polled with. `task` and `frame` say on whose behalf, for the observer only. */
export class Context {
  readonly waker: Waker;
  readonly task: TaskId;
  readonly frame: FrameId;

  constructor(waker: Waker, task: TaskId = 0, frame: FrameId = 0) {
    this.waker = waker;
    this.task = task;
    this.frame = frame;
  }
}

/**
 * A value that will be there later. Nothing happens before the first poll.
 * It is not polled again after it was ready or threw. `drop` is called at most once, and only when the future is
 * abandoned before that: it takes back what the future had registered.
 */
export interface Future<T> {
  poll(cx: Context): Poll<T>;
  drop?(): void;
}

/** Abandons a future. */
export function dropFuture(future: Future<unknown>): void {
  future.drop?.();
}
