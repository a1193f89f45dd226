// Owns one task: its future, its state machine, its waker, its end, and the handle to it.
// Must not know the run queue's order nor Node's loop: it calls a Scheduler.

import { Awaitable, Coroutine, Shared } from './coroutine.ts';
import {
  type EndOutcome,
  idSequence,
  observer,
  type TaskId,
  type TaskInfo,
  type WakeCause,
} from './observe.ts';
import { Context, dropFuture, type Future, PENDING, type Poll, ready, type Waker } from './poll.ts';
import type { Site } from './site.ts';
import { WaitList } from './wait-list.ts';

/**
 *               wake                 taken from the queue
 *   idle ───────────────► scheduled ──────────────────────► running ──pending──► idle
 *                             ▲                               │ wake
 *                             └──────────── pending ── notified
 *
 * - idle: pending, in no queue. Not possible before the first poll.
 * - scheduled: in the run queue exactly once. A new task starts here.
 * - running: its poll is on the stack.
 * - notified: its poll is on the stack and it was woken meanwhile.
 * - complete: ready, panicked or cancelled; the future is gone. Never left.
 */
export type TaskState = 'idle' | 'scheduled' | 'running' | 'notified' | 'complete';

/** What a task needs of the executor that owns it. */
export interface Scheduler {
  schedule(task: AnyTask): void;
  ended(task: AnyTask): void;
}

/** A task as its executor sees it, whatever its value. */
export interface AnyTask {
  readonly id: TaskId;
  readonly info: TaskInfo;
  readonly epoch: number;
  readonly state: TaskState;
  readonly scheduler: Scheduler;
  /** The error of a task that panicked while nobody awaited its handle; undefined otherwise. */
  readonly unseenPanic: { readonly error: unknown } | undefined;
  poll(follows: boolean): boolean;
  cancel(): void;
  /** Of wakes that its polls make. */
  asCause(): WakeCause;
}

export type TaskResult<T> =
  | { readonly outcome: 'completed'; readonly value: T }
  | { readonly outcome: 'panicked'; readonly error: unknown }
  | { readonly outcome: 'cancelled' };

export const nextTaskId = idSequence();

let running: AnyTask | undefined;

/** The task whose poll is on the stack. */
export function currentTask(): AnyTask | undefined {
  return running;
}

/** The cause of a wake that is made here and now. */
function contextAsCause(): WakeCause {
  return running === undefined ? NO_TASK_AS_CAUSE : running.asCause();
}

const NO_TASK_AS_CAUSE: WakeCause = { kind: 'context', id: 0 };

/** The id of the task whose poll is on the stack, 0 outside any poll. */
export function currentTaskId(): TaskId {
  return running === undefined ? 0 : running.id;
}

/** A task as its handles see it. */
export interface Joinable<T> {
  readonly id: TaskId;
  readonly info: TaskInfo;
  readonly state: TaskState;
  cancel(): void;
  join(joiner: object, cx: Context): TaskResult<T> | undefined;
  unjoin(joiner: object): void;
}

export class Task<T> implements AnyTask, Joinable<T> {
  readonly info: TaskInfo;
  readonly scheduler: Scheduler;
  readonly #context: Context;
  readonly #waker: TaskWaker;
  readonly #joiners = new WaitList();
  #future: Future<T> | undefined;
  #state: TaskState = 'scheduled';
  #epoch = 0;
  #cancelRequest: { readonly by: TaskId } | undefined;
  #result: TaskResult<T> | undefined;
  #onEnd: ((result: TaskResult<T>) => void) | undefined;
  #joined = false;
  #asCause: WakeCause | undefined;

  constructor(
    info: TaskInfo,
    future: Future<T>,
    scheduler: Scheduler,
    onEnd?: (result: TaskResult<T>) => void,
  ) {
    this.info = info;
    this.scheduler = scheduler;
    this.#future = future;
    this.#onEnd = onEnd;
    this.#waker = new TaskWaker(this);
    this.#context = new Context(this.#waker, info.task);
  }

  get id(): TaskId {
    return this.info.task;
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Polls begun so far. */
  get epoch(): number {
    return this.#epoch;
  }

  get result(): TaskResult<T> | undefined {
    return this.#result;
  }

  get unseenPanic(): { readonly error: unknown } | undefined {
    const result = this.#result;
    const seen = this.#joined || this.#onEnd !== undefined;
    return result?.outcome === 'panicked' && !seen ? { error: result.error } : undefined;
  }

  /**
   * One poll. Called by the executor for a task that it took from its queue. `follows`: directly after another poll,
   * so that nothing of the program ran in between. False when there was none to make.
   */
  poll(follows: boolean): boolean {
    // A task cancelled while it was in the queue is still met there.
    if (this.#state !== 'scheduled' || this.#future === undefined) return false;
    this.#state = 'running';
    this.#epoch += 1;
    const outer = running;
    running = this;
    if (observer !== undefined) {
      observer.pollStart(this.id, this.#epoch, follows);
      // A generator says itself when its code goes on.
      if (!(this.#future instanceof Coroutine)) observer.codeResumes?.();
    }
    let result: TaskResult<T> | undefined;
    try {
      const polled = this.#future.poll(this.#context);
      if (polled !== PENDING) result = { outcome: 'completed', value: polled.ready };
    } catch (error) {
      result = { outcome: 'panicked', error };
    }
    if (result === undefined && this.#cancelRequest === undefined) {
      this.#pollEnded('pending');
    } else {
      this.#finish(result);
    }
    running = outer;
    return true;
  }

  /** Drops the future: at once, or when the running poll ends, which a task that cancels itself is in. */
  cancel(): void {
    if (this.#state === 'complete' || this.#cancelRequest !== undefined) return;
    this.#cancelRequest = { by: currentTaskId() };
    if (this.#state === 'running' || this.#state === 'notified') return;
    const outcome = this.#settle(this.#cancelled());
    this.#waker.reportCounts(true);
    if (observer !== undefined) observer.taskEnded(this.id, outcome, this.#cancelRequest.by);
    this.scheduler.ended(this);
  }

  asCause(): WakeCause {
    this.#asCause ??= { kind: 'context', id: this.id };
    return this.#asCause;
  }

  wake(cause: WakeCause | undefined): void {
    const epoch = this.#epoch;
    const state = this.#state;
    if (state === 'idle') this.#state = 'scheduled';
    else if (state === 'running') this.#state = 'notified';
    if (observer !== undefined) {
      const effect = WAKE_EFFECT_BY_STATE[state];
      observer.wake(this.id, epoch, effect, cause ?? contextAsCause());
    }
    if (state === 'idle') this.scheduler.schedule(this);
  }

  /** Whether there is a result; if not the joiner's waker is stored. */
  join(joiner: object, cx: Context): TaskResult<T> | undefined {
    this.#joined = true;
    if (this.#result === undefined) this.#joiners.store(joiner, cx.waker);
    return this.#result;
  }

  unjoin(joiner: object): void {
    this.#joiners.remove(joiner);
  }

  /** Ends the task in its running poll. A cancelled task that became ready in that poll counts as completed. */
  #finish(result: TaskResult<T> | undefined): void {
    const outcome = this.#settle(result ?? this.#cancelled());
    this.#pollEnded(result === undefined ? 'pending' : result.outcome === 'panicked' ? 'panicked' : 'ready');
    const cancelledBy = result === undefined ? (this.#cancelRequest?.by ?? 0) : 0;
    if (observer !== undefined) observer.taskEnded(this.id, outcome, cancelledBy);
    this.scheduler.ended(this);
  }

  #pollEnded(outcome: 'ready' | 'pending' | 'panicked'): void {
    if (observer !== undefined) observer.pollEnd(this.id, outcome);
    this.#waker.reportCounts(this.#state === 'complete');
    if (this.#state === 'notified') {
      this.#state = 'scheduled';
      this.scheduler.schedule(this);
    } else if (this.#state === 'running') {
      this.#state = 'idle';
    }
  }

  /** Drops the future. Clean-up code that threw makes it a panic: the error must not vanish. */
  #cancelled(): TaskResult<T> {
    try {
      if (this.#future !== undefined) dropFuture(this.#future);
    } catch (error) {
      return { outcome: 'panicked', error };
    }
    return { outcome: 'cancelled' };
  }

  /** The joiners are woken inside the poll that ends the task, so that this poll is the cause of their wakes. */
  #settle(result: TaskResult<T>): EndOutcome {
    this.#future = undefined;
    this.#result = result;
    this.#state = 'complete';
    this.#joiners.wakeAll();
    this.#onEnd?.(result);
    return result.outcome;
  }
}

const WAKE_EFFECT_BY_STATE = {
  idle: 'scheduled',
  scheduled: 'redundant',
  running: 'whileRunning',
  notified: 'redundant',
  complete: 'afterCompletion',
} as const;

interface Wakeable {
  readonly id: TaskId;
  wake(cause: WakeCause | undefined): void;
}

/** The waker of a task, and its clones. The first one is the task's own and is not counted. */
class TaskWaker implements Waker {
  readonly #task: Wakeable;
  readonly #counts: { clones: number; drops: number };
  readonly #isClone: boolean;
  #dropped = false;

  constructor(task: Wakeable, counts = { clones: 0, drops: 0 }, isClone = false) {
    this.#task = task;
    this.#counts = counts;
    this.#isClone = isClone;
  }

  wake(cause?: WakeCause): void {
    this.#task.wake(cause);
  }

  clone(): Waker {
    this.#counts.clones += 1;
    return new TaskWaker(this.#task, this.#counts, true);
  }

  drop(): void {
    if (this.#dropped || !this.#isClone) return;
    this.#dropped = true;
    this.#counts.drops += 1;
  }

  willWake(other: Waker): boolean {
    return other instanceof TaskWaker && other.#task === this.#task;
  }

  /**
   * Tells how often it was cloned and dropped, as soon as the number of those that are stored has changed: a task that
   * waits again and again has one stored after each poll.
   */
  reportCounts(last: boolean): void {
    const counts = this.#counts;
    if (observer === undefined || (counts.clones === counts.drops && (!last || counts.clones === 0))) return;
    observer.wakerCounts(this.#task.id, counts.clones, counts.drops);
    counts.clones = 0;
    counts.drops = 0;
  }
}

/** Why awaiting a task gave no value. For a panicked task `cause` is what it threw. */
export class JoinError extends Error {
  readonly outcome: 'panicked' | 'cancelled';
  readonly task: TaskId;

  constructor(info: TaskInfo, outcome: 'panicked' | 'cancelled', cause?: unknown) {
    const label = info.name === '' ? `task ${info.task}` : `task ${info.task} (${info.name})`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(outcome === 'panicked' ? `${label} panicked: ${reason}` : `${label} was cancelled`, { cause });
    this.name = 'JoinError';
    this.outcome = outcome;
    this.task = info.task;
  }
}

/** The handle of a spawned task. Awaiting it gives the task's value or throws a JoinError. Losing it detaches the task. */
export class JoinHandle<T> extends Shared<T> {
  readonly #task: Joinable<T>;

  constructor(task: Joinable<T>) {
    super();
    this.#task = task;
  }

  get id(): TaskId {
    return this.#task.id;
  }

  get info(): TaskInfo {
    return this.#task.info;
  }

  get isFinished(): boolean {
    return this.#task.state === 'complete';
  }

  /** Cancels the task: drops its future, which runs its `finally` blocks. No effect on a task that has ended. */
  abort(): void {
    this.#task.cancel();
  }

  override awaited(site: Site | undefined): Awaitable<T> {
    return new TaskEnd(this.#task, site);
  }
}

class TaskEnd<T> extends Awaitable<T> {
  readonly #task: Joinable<T>;
  readonly #site: Site | undefined;

  constructor(task: Joinable<T>, site: Site | undefined) {
    super();
    this.#task = task;
    this.#site = site;
  }

  override poll(cx: Context): Poll<T> {
    const task = this.#task;
    const result = task.join(this, cx);
    if (result === undefined) {
      if (task.id === currentTaskId()) {
        task.unjoin(this);
        throw new Error(
          'a task awaits its own end, which would never come: await the handle in another task',
        );
      }
      observer?.waitStarted(cx.frame, { kind: 'task', id: task.id }, this.#site);
      return PENDING;
    }
    if (result.outcome === 'completed') return ready(result.value);
    throw new JoinError(task.info, result.outcome, result.outcome === 'panicked' ? result.error : undefined);
  }

  drop(): void {
    this.#task.unjoin(this);
  }
}

/** A panic must not vanish; it must not end the program either, so it is a warning with the stack as its detail. */
export function warnOfPanic(info: TaskInfo, error: unknown): void {
  const warning = new JoinError(info, 'panicked', error);
  warning.name = 'TaskPanicked';
  if (error instanceof Error && error.stack !== undefined) warning.stack = error.stack;
  process.emitWarning(warning);
}
