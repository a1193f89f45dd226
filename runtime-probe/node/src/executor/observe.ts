// Owns the hooks through which the executor tells what it does, and the one variable that holds who listens.
// Must not know the wire, a socket or a file: a probe implements Observer and is handed in by setObserver.
//
// Every hook site reads `observer` and compares it with undefined; with no observer that check is the whole cost.
// Ids are numbers from 1, never reused in a process; 0 means none.

import type { Site } from './site.ts';

export type RuntimeId = number;
export type TaskId = number;
export type FrameId = number;
export type SourceId = number;
export type TimerId = number;
export type JobId = number;
export type ResourceId = number;
export type ThreadId = number;

export type PollOutcome = 'ready' | 'pending' | 'panicked';
export type EndOutcome = 'completed' | 'panicked' | 'cancelled';

/**
 * What a wake did to its target:
 * - scheduled: it was idle and is now in the run queue;
 * - redundant: it was in the run queue already, or woken during its running poll already;
 * - whileRunning: it was being polled and goes into the run queue when that poll ends;
 * - afterCompletion: it had ended, nothing happened.
 */
export type WakeEffect = 'scheduled' | 'redundant' | 'whileRunning' | 'afterCompletion';

/** What called the waker. For `context` the id is the task whose poll ran then, 0 when code outside any poll did it. */
export interface WakeCause {
  readonly kind: 'context' | 'source' | 'timer' | 'job';
  readonly id: number;
}

/** What a leaf future waits for when it has stored a waker. */
export interface WaitTarget {
  readonly kind: 'sourceReadable' | 'sourceWritable' | 'timer' | 'job' | 'task' | 'resource';
  readonly id: number;
}

export interface RuntimeInfo {
  readonly id: RuntimeId;
  readonly name: string;
  readonly flavor: 'wakelineNode';
  readonly workers: number;
  /** Threads of libuv's pool, which all runtimes of the process share. */
  readonly poolLimit: number;
}

export interface TaskInfo {
  readonly task: TaskId;
  /** The task whose poll spawned it; 0 when it was spawned outside any poll. */
  readonly parent: TaskId;
  readonly site: Site | undefined;
  /** Given by the program, else the generator function's or the future's class name; empty when neither is known. */
  readonly name: string;
  /** root: given to run(). local: spawned; a JavaScript task never moves to another thread. */
  readonly kind: 'root' | 'local';
  readonly runtime: RuntimeId;
}

export interface FrameInfo {
  readonly frame: FrameId;
  /** The enclosing frame; 0 for the task itself. */
  readonly parent: FrameId;
  readonly task: TaskId;
  readonly kind: 'joinBranch' | 'selectBranch';
  readonly site: Site | undefined;
  readonly name: string;
}

export interface ResourceInfo {
  readonly resource: ResourceId;
  readonly kind:
    | 'mutex'
    | 'rwLock'
    | 'semaphore'
    | 'notify'
    | 'channel'
    | 'oneshot'
    | 'watch'
    | 'broadcast'
    | 'barrier';
  readonly site: Site | undefined;
}

/** Bits of SourceInfo.interest and of readiness masks; the values are the wire's. */
export const READINESS = { readable: 1, writable: 2, readClosed: 4, writeClosed: 8, error: 16 } as const;

export interface SourceInfo {
  readonly source: SourceId;
  /** -1 while it is not known: Node opens a connecting socket only after the poll that asked for it. */
  readonly fd: number;
  readonly kind:
    | 'tcpStream'
    | 'tcpListener'
    | 'unixStream'
    | 'unixListener'
    | 'udpSocket'
    | 'pipe'
    | 'signal'
    | 'child';
  /** host:port, for a Unix socket its path; empty while it is not known. */
  readonly local: string;
  readonly peer: string;
  readonly interest: number;
  readonly site: Site | undefined;
}

export interface OperationInfo {
  readonly source: SourceId;
  /** take: bytes that a turn read earlier are handed to the task; a copy of a reference, no system call. collect: a child's exit status. */
  readonly kind: 'read' | 'write' | 'accept' | 'connect' | 'take' | 'collect';
  readonly outcome: { readonly bytes: number } | { readonly errorNumber: number };
  /** Whether the system call was made by the enclosing poll or by Node's loop before any JavaScript ran. */
  readonly madeBy: 'turn' | 'poll';
}

export interface JobInfo {
  readonly job: JobId;
  readonly kind: 'fileWrite' | 'fileRead' | 'dns' | 'other';
  readonly task: TaskId;
  readonly runtime: RuntimeId;
  readonly site: Site | undefined;
  /** For a file its path. */
  readonly name: string;
  /** Jobs that wait for a pool thread after this one was added; see PoolState.queued. */
  readonly queueDepth: number;
  /** Requests that libuv makes of this job one after the other (open, write, close: 3); undefined when not known. */
  readonly requests: number | undefined;
}

/** A thread of a worker pool. */
export interface ThreadInfo {
  /** From 1, never reused; the thread that runs the tasks is none of these. */
  readonly thread: ThreadId;
  readonly name: string;
  /** The operating system's id; 0 where it cannot be had. */
  readonly osThread: number;
  /** The pool's, which counts as a runtime without workers. */
  readonly runtime: RuntimeId;
}

/** A task that was alive when the observer came. */
export interface AliveTask {
  readonly info: TaskInfo;
  /** Polls begun so far. */
  readonly epoch: number;
  readonly state: 'idle' | 'scheduled' | 'running';
}

/**
 * The pool as the executor's own jobs use it. Node tells nobody when a pool thread takes a job up, and other users
 * of the pool are unseen: `running` is min(jobs in flight, limit) and `queued` is the rest.
 */
export interface PoolState {
  /** Whose: a worker pool's id; undefined for libuv's pool. A worker pool sees its threads, and counts exactly. */
  readonly runtime?: RuntimeId;
  /** Threads that it has. */
  readonly limit: number;
  readonly running: number;
  readonly queued: number;
}

/** All times are ns of the monotonic clock, see clock.ts. A hook must not throw and must not poll or wake anything. */
export interface Observer {
  runtimeStarted(runtime: RuntimeInfo): void;
  runtimeStopped(runtime: RuntimeId): void;

  taskSpawned(task: TaskInfo): void;
  /**
   * `epoch` counts the polls of the task begun so far, this one included: the first poll has epoch 1. With `follows`
   * the end of another poll was told just before, and nothing of the program ran in between.
   */
  pollStart(task: TaskId, epoch: number, follows: boolean): void;
  pollEnd(task: TaskId, outcome: PollOutcome): void;
  /** The program's own code of the task that is polled goes on: it is the next that is called. */
  codeResumes?(): void;
  /** `epoch` is the number of polls begun when the wake was made, so it asks for poll epoch + 1. */
  wake(task: TaskId, epoch: number, effect: WakeEffect, cause: WakeCause): void;
  /** Clones and drops of the task's waker since the last such call, told when they differ and at the task's end. */
  wakerCounts(task: TaskId, clones: number, drops: number): void;
  /** `byTask` is the task whose poll cancelled it; 0 when it was not cancelled, or by code outside any poll. */
  taskEnded(task: TaskId, outcome: EndOutcome, byTask: TaskId): void;

  frameOpened(frame: FrameInfo): void;
  frameEntered(frame: FrameId): void;
  frameLeft(frame: FrameId, outcome: PollOutcome): void;
  frameEnded(frame: FrameId, outcome: EndOutcome): void;
  /** A leaf of the running poll stored a waker. `frame` 0 is the task itself. Holds until the task's next poll. */
  waitStarted(frame: FrameId, target: WaitTarget, site: Site | undefined): void;

  /** Before anything else is told of it: when it is made, or, for an older one, at its first event. */
  resourceCreated(resource: ResourceInfo): void;
  /** The task holds it, or has received from it; `amount` is permits or values. `task` is 0 outside any poll. */
  resourceAcquired(resource: ResourceId, task: TaskId, amount: number): void;
  /**
   * The holder gave it back, or a value was sent, before the wakes that this causes; `task` is 0 outside any poll.
   * With `wakes` a wake is told next, and nothing of the program runs before it.
   */
  resourceReleased(resource: ResourceId, task: TaskId, amount: number, wakes: boolean): void;
  /** It was collected: nothing can be told of it any more. Some time later, or never. */
  resourceDropped(resource: ResourceId): void;

  /** Called again with the same id once the fd and the addresses of a connecting or binding socket are known. */
  sourceRegistered(source: SourceInfo): void;
  sourceDeregistered(source: SourceId): void;
  /**
   * The loop was parked in the operating system's readiness wait from startNs to endNs. It is told at the first
   * JavaScript after the park, so the call comes later than startNs. `timer` is the timer of our queue whose
   * deadline was the park's time-out; 0 when the park ended before it, so that the time-out is not known.
   */
  park(startNs: number, endNs: number, timer: TimerId): void;
  readiness(source: SourceId, mask: number): void;
  operation(operation: OperationInfo): void;

  timerSet(timer: TimerId, task: TaskId, deadlineNs: number): void;
  timerFired(timer: TimerId, latenessNs: number): void;
  timerCancelled(timer: TimerId): void;

  jobSubmitted(job: JobInfo): void;
  /** `on` says which thread ended it and when; without it the end was noticed only now, or nobody had begun. */
  jobEnded(
    job: JobId,
    outcome: EndOutcome,
    bytes: number,
    on?: { readonly thread: ThreadId; readonly atNs: number },
  ): void;
  /** A thread began it at that time, as told now; `queued` jobs still wait. Not told of jobs of libuv's pool. */
  jobStarted(job: JobId, thread: ThreadId, atNs: number, queued: number): void;
  threadStarted(thread: ThreadInfo, atNs: number): void;
  threadStopped(thread: ThreadId, atNs: number): void;
  poolState(state: PoolState): void;

  /**
   * Called once when the observer is installed while tasks live, after runtimeStarted and sourceRegistered for what
   * lives. An observer without it gets a taskSpawned for each of them instead.
   */
  snapshot?(tasks: readonly AliveTask[]): void;
}

/** Who listens. A live binding: read it anew at every hook site. */
export let observer: Observer | undefined;

const changeListeners: Array<(observer: Observer | undefined) => void> = [];

/** Installs the observer, or with undefined takes it away. It is told at once which runtimes, tasks and sources live. */
export function setObserver(next: Observer | undefined): void {
  observer = next;
  for (const listener of changeListeners) listener(next);
}

/** For parts of the executor that have to start or stop watching something with the observer. */
export function onObserverChange(listener: (observer: Observer | undefined) => void): void {
  changeListeners.push(listener);
}

/** A sequence of ids from 1. Ids are given with or without an observer, so that a late one sees the same ids. */
export function idSequence(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}
