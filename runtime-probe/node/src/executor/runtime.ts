// Owns the executor: the run queue, how it is driven from Node's loop, spawning, shutdown.
// Must not know sources, timers or jobs: those find the runtime by currentRuntime() and wake tasks.
//
// One turn of Node's loop:   timers → poll (epoll_wait, I/O callbacks) → check (setImmediate) → close
//                                                                          └ our batch of polls
// The run queue is drained in setImmediate and not in microtasks: all readiness of one epoll_wait is collected
// before the first poll, a task that wakes itself cannot starve I/O, and no poll runs inside a user's callback.

import { type Async, type IntoFuture, isGenerator, toFuture } from './coroutine.ts';
import { enterCheckPhase } from './loop.ts';
import {
  type AliveTask,
  idSequence,
  observer,
  onObserverChange,
  type RuntimeId,
  type RuntimeInfo,
} from './observe.ts';
import { poolLimit } from './pool-limit.ts';
import { captureSite, type Site } from './site.ts';
import {
  type AnyTask,
  currentTaskId,
  JoinError,
  JoinHandle,
  nextTaskId,
  type Scheduler,
  Task,
  type TaskResult,
  warnOfPanic,
} from './task.ts';

// The most polls in one check phase; what is left waits for the next one, after I/O had its chance. 256 polls of
// 1–10 µs are about one ms, Node's timer resolution.
const POLLS_PER_BATCH = 256;

// An error that nobody awaits is told after one to two of these, or when the runtime ends: whoever awaits several tasks one
// after the other comes to some of them late.
const UNSEEN_PANIC_MS = 1000;

/** A task's work: a future, a generator, or a generator function that takes nothing. */
export type Spawnable<T> = IntoFuture<T> | (() => Async<T>);

export interface SpawnOptions {
  /** Shown by the viewer. Default: the name of the generator function or of the future's class. */
  readonly name?: string;
}

/** Something that a runtime closes when it is shut down: an open socket keeps Node's process alive. */
export interface Closable {
  close(): void;
}

/** Runtimes and worker pools share one sequence. */
export const nextRuntimeId = idSequence();
const liveRuntimes = new Set<Runtime>();
let current: Runtime | undefined;

/** The runtime whose task is being polled. Throws outside any poll. */
export function currentRuntime(): Runtime {
  if (current === undefined) {
    throw new Error(
      'no runtime here: spawn, sockets, timers and files work inside a task. Start one with run(...)',
    );
  }
  return current;
}

/** The runtime whose task is being polled; undefined outside any poll. */
export function runningRuntime(): Runtime | undefined {
  return current;
}

/** An executor on this thread's loop. Several may exist; they share the loop. */
export class Runtime implements Scheduler {
  readonly id: RuntimeId = nextRuntimeId();
  readonly name: string;
  readonly #tasks = new Set<AnyTask>();
  readonly #owned = new Set<Closable>();
  /** Tasks that panicked while nobody awaited them: those of the period before, and of this one. */
  #unseenBefore: AnyTask[] = [];
  #unseen: AnyTask[] = [];
  #unseenTimer: NodeJS.Timeout | undefined;
  #queue: AnyTask[] = [];
  #batchArmed = false;
  #stopped = false;
  #rootDone: (() => void) | undefined;

  constructor(options: { readonly name?: string } = {}) {
    this.name = options.name ?? `runtime ${this.id}`;
    liveRuntimes.add(this);
    observer?.runtimeStarted(this.info());
  }

  info(): RuntimeInfo {
    return { id: this.id, name: this.name, flavor: 'wakelineNode', workers: 1, poolLimit: poolLimit() };
  }

  get tasks(): ReadonlySet<AnyTask> {
    return this.#tasks;
  }

  spawn<T>(work: Spawnable<T>, options: SpawnOptions = {}): JoinHandle<T> {
    return this.spawnAt(work, options, observer && captureSite(this.spawn));
  }

  /**
   * As spawn, with a site that was captured by a function around this one. `onEnd` is told how the task ended, inside
   * the poll that ended or cancelled it; a panic counts as seen then.
   */
  spawnAt<T>(
    work: Spawnable<T>,
    options: SpawnOptions,
    site: Site | undefined,
    onEnd?: (result: TaskResult<T>) => void,
  ): JoinHandle<T> {
    return new JoinHandle(this.#start(work, options, site, 'local', onEnd));
  }

  /**
   * Runs a task to its end; the promise has its value or what it threw. Then the runtime is shut down: tasks that
   * still live are cancelled and what they left open is closed, so that Node's process can end.
   */
  run<T>(root: Spawnable<T>, options: SpawnOptions = {}): Promise<T> {
    return this.runAt(root, options, observer && captureSite(this.run));
  }

  runAt<T>(root: Spawnable<T>, options: SpawnOptions, site: Site | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onEnd = (result: TaskResult<T>): void => {
        this.#rootDone = () => {
          if (result.outcome === 'completed') resolve(result.value);
          else if (result.outcome === 'panicked') reject(result.error);
          else reject(new JoinError(task.info, 'cancelled'));
        };
      };
      const task = this.#start(root, options, site, 'root', onEnd);
    });
  }

  /** Cancels every task and closes what they left open. Nothing can be spawned afterwards. */
  shutdown(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const task of [...this.#tasks]) task.cancel();
    for (const closable of [...this.#owned]) closable.close();
    this.#queue = [];
    this.#tellUnseen();
    this.#tellUnseen();
    liveRuntimes.delete(this);
    observer?.runtimeStopped(this.id);
    this.#finishRoot();
  }

  own(closable: Closable): void {
    this.#owned.add(closable);
  }

  disown(closable: Closable): void {
    this.#owned.delete(closable);
  }

  /** Part of Scheduler: for tasks only. */
  schedule(task: AnyTask): void {
    this.#queue.push(task);
    this.#armBatch();
  }

  /** Part of Scheduler: for tasks only. */
  ended(task: AnyTask): void {
    this.#tasks.delete(task);
    if (task.unseenPanic === undefined) return;
    this.#unseen.push(task);
    this.#unseenTimer ??= setInterval(() => this.#tellUnseen(), UNSEEN_PANIC_MS).unref();
  }

  /** Warns of what nobody has awaited since the period before this one. */
  #tellUnseen(): void {
    for (const { info, unseenPanic } of this.#unseenBefore)
      if (unseenPanic !== undefined) warnOfPanic(info, unseenPanic.error);
    this.#unseenBefore = this.#unseen;
    this.#unseen = [];
    if (this.#unseenBefore.length > 0) return;
    clearInterval(this.#unseenTimer);
    this.#unseenTimer = undefined;
  }

  #start<T>(
    work: Spawnable<T>,
    options: SpawnOptions,
    site: Site | undefined,
    kind: 'root' | 'local',
    onEnd: ((result: TaskResult<T>) => void) | undefined,
  ): Task<T> {
    if (this.#stopped) throw new Error(`${this.name} is shut down: nothing can be spawned on it any more`);
    const future = toFuture(typeof work === 'function' ? work() : work);
    const info = {
      task: nextTaskId(),
      parent: currentTaskId(),
      site,
      name: options.name ?? defaultName(work),
      kind,
      runtime: this.id,
    };
    const task = new Task(info, future, this, onEnd);
    this.#tasks.add(task);
    observer?.taskSpawned(info);
    this.schedule(task);
    return task;
  }

  #armBatch(): void {
    if (this.#batchArmed) return;
    this.#batchArmed = true;
    setImmediate(() => this.#runBatch());
  }

  #runBatch(): void {
    enterCheckPhase();
    current = this;
    let polled = 0;
    let follows = false;
    // Tasks that are woken by this batch join it at the end, up to the limit.
    while (polled < this.#queue.length && polled < POLLS_PER_BATCH && this.#rootDone === undefined) {
      follows = this.#queue[polled]?.poll(follows) === true;
      polled += 1;
    }
    current = undefined;
    this.#batchArmed = false;
    this.#queue.splice(0, polled);
    if (this.#rootDone !== undefined) this.#finishRoot();
    else if (this.#queue.length > 0) this.#armBatch();
  }

  #finishRoot(): void {
    const rootDone = this.#rootDone;
    if (rootDone === undefined) return;
    this.shutdown();
    // shutdown() comes back here when the root is cancelled by it; the promise is settled once.
    if (this.#rootDone === undefined) return;
    this.#rootDone = undefined;
    rootDone();
  }
}

/** Runs a task on a runtime of its own, see Runtime.run. */
export function run<T>(root: Spawnable<T>, options: SpawnOptions = {}): Promise<T> {
  const site = observer && captureSite(run);
  return new Runtime().runAt(root, options, site);
}

/** Spawns a task on the runtime of the task that calls it. */
export function spawn<T>(work: Spawnable<T>, options: SpawnOptions = {}): JoinHandle<T> {
  return currentRuntime().spawnAt(work, options, observer && captureSite(spawn));
}

function defaultName(work: Spawnable<unknown>): string {
  if (typeof work === 'function') return work.name;
  // A generator object does not tell which function made it.
  return isGenerator(work) ? '' : (work.constructor?.name ?? '');
}

onObserverChange((next) => {
  if (next === undefined) return;
  const alive: AliveTask[] = [];
  for (const runtime of liveRuntimes) {
    next.runtimeStarted(runtime.info());
    for (const task of runtime.tasks) alive.push(describeAlive(task));
  }
  if (alive.length === 0) return;
  if (next.snapshot !== undefined) next.snapshot(alive);
  else for (const { info } of alive) next.taskSpawned(info);
});

function describeAlive(task: AnyTask): AliveTask {
  const { info, epoch, state } = task;
  // A task in the runtime's set has not ended, but for one whose last poll is on the stack.
  return { info, epoch, state: state === 'idle' || state === 'scheduled' ? state : 'running' };
}
