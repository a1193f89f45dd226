// Owns a recording observer for the executor's tests: every hook becomes one readable line, and a few counts.
// Must not know what the tests expect.

import { basename } from 'node:path';
import {
  type AliveTask,
  type EndOutcome,
  type FrameInfo,
  type JobInfo,
  type Observer,
  type OperationInfo,
  type PollOutcome,
  type PoolState,
  type ResourceInfo,
  type RuntimeInfo,
  run,
  type Site,
  type SourceInfo,
  type Spawnable,
  setObserver,
  type TaskInfo,
  type ThreadInfo,
  type WaitTarget,
  type WakeCause,
  type WakeEffect,
} from '../../runtime-probe/node/src/executor/index.ts';

/** One hook call. `subject` is the id that it is about; `text` the whole as a line. */
export interface TraceLine {
  readonly hook: keyof Observer;
  readonly subject: number;
  readonly text: string;
}

export interface RecordedWake {
  readonly task: number;
  readonly epoch: number;
  readonly effect: WakeEffect;
  readonly cause: WakeCause;
}

/** Records in order. Lines name a task by the name that it was spawned with, else by "task <id>". */
export class RecordingObserver implements Observer {
  readonly lines: TraceLine[] = [];
  readonly tasks = new Map<number, TaskInfo>();
  readonly wakes: RecordedWake[] = [];
  readonly polls: Array<{ readonly task: number; readonly epoch: number }> = [];
  readonly operations: OperationInfo[] = [];
  readonly sources: SourceInfo[] = [];
  readonly jobs: JobInfo[] = [];
  readonly pool: PoolState[] = [];
  readonly threads = new Map<number, ThreadInfo>();
  readonly runs: Array<{
    readonly job: number;
    readonly thread: number;
    readonly atNs: number;
    readonly is: 'start' | 'end';
  }> = [];
  readonly frames: FrameInfo[] = [];
  readonly resources: ResourceInfo[] = [];
  readonly waits: Array<{
    readonly frame: number;
    readonly target: WaitTarget;
    readonly site: Site | undefined;
  }> = [];
  readonly parks: Array<{ readonly startNs: number; readonly endNs: number; readonly timer: number }> = [];
  readonly timers: Array<{ readonly timer: number; readonly deadlineNs: number }> = [];
  readonly fired: Array<{ readonly timer: number; readonly latenessNs: number }> = [];
  readonly wakerCloneBalance = new Map<number, number>();

  /** The lines of these hooks, in order; of all hooks when none is named. */
  trace(...hooks: ReadonlyArray<keyof Observer>): string[] {
    return this.lines
      .filter((line) => hooks.length === 0 || hooks.includes(line.hook))
      .map((line) => line.text);
  }

  /** The id of the task with this name. */
  taskNamed(name: string): number {
    for (const task of this.tasks.values()) {
      if (task.name === name) return task.task;
    }
    throw new Error(
      `no task is named ${name}; there are: ${[...this.tasks.values()].map((t) => t.name).join(', ')}`,
    );
  }

  pollsOf(task: number): number {
    return this.polls.filter((poll) => poll.task === task).length;
  }

  wakesOf(task: number): RecordedWake[] {
    return this.wakes.filter((wake) => wake.task === task);
  }

  /** What breaks the rule "poll e > 1 has exactly one scheduling wake with epoch e − 1, poll 1 has none". */
  brokenEpochs(): string[] {
    const broken: string[] = [];
    for (const { task, epoch } of this.polls) {
      const causes = this.wakesOf(task).filter(
        (wake) => wake.epoch === epoch - 1 && (wake.effect === 'scheduled' || wake.effect === 'whileRunning'),
      );
      const expected = epoch === 1 ? 0 : 1;
      if (causes.length !== expected)
        broken.push(`${this.#name(task)} poll ${epoch}: ${causes.length} wakes`);
    }
    for (const task of this.tasks.keys()) {
      const epochs = this.polls.filter((poll) => poll.task === task).map((poll) => poll.epoch);
      if (epochs.some((epoch, i) => epoch !== i + 1))
        broken.push(`${this.#name(task)} epochs ${epochs.join(' ')}`);
    }
    return broken;
  }

  runtimeStarted(runtime: RuntimeInfo): void {
    this.#add('runtimeStarted', runtime.id, `runtime ${runtime.flavor} started`);
  }

  runtimeStopped(runtime: number): void {
    this.#add('runtimeStopped', runtime, 'runtime stopped');
  }

  taskSpawned(task: TaskInfo): void {
    this.tasks.set(task.task, task);
    this.#add('taskSpawned', task.task, `${this.#name(task.task)} spawned by ${this.#name(task.parent)}`);
  }

  pollStart(task: number, epoch: number): void {
    this.polls.push({ task, epoch });
    this.#add('pollStart', task, `${this.#name(task)} poll ${epoch}`);
  }

  pollEnd(task: number, outcome: PollOutcome): void {
    this.#add('pollEnd', task, `${this.#name(task)} ${outcome}`);
  }

  wake(task: number, epoch: number, effect: WakeEffect, cause: WakeCause): void {
    this.wakes.push({ task, epoch, effect, cause });
    const by = cause.kind === 'context' ? this.#name(cause.id) : cause.kind;
    this.#add('wake', task, `${this.#name(task)} woken by ${by} at epoch ${epoch}: ${effect}`);
  }

  wakerCounts(task: number, clones: number, drops: number): void {
    this.wakerCloneBalance.set(task, (this.wakerCloneBalance.get(task) ?? 0) + clones - drops);
    this.#add('wakerCounts', task, `${this.#name(task)} waker clones ${clones} drops ${drops}`);
  }

  taskEnded(task: number, outcome: EndOutcome, byTask: number): void {
    const by = outcome === 'cancelled' ? ` by ${this.#name(byTask)}` : '';
    this.#add('taskEnded', task, `${this.#name(task)} ${outcome}${by}`);
  }

  frameOpened(frame: FrameInfo): void {
    this.frames.push(frame);
    this.#add('frameOpened', frame.frame, `${frame.kind} ${frame.name} of ${this.#name(frame.task)} opened`);
  }

  frameEntered(frame: number): void {
    this.#add('frameEntered', frame, `enter ${this.#frame(frame)}`);
  }

  frameLeft(frame: number, outcome: PollOutcome): void {
    this.#add('frameLeft', frame, `leave ${this.#frame(frame)} ${outcome}`);
  }

  frameEnded(frame: number, outcome: EndOutcome): void {
    this.#add('frameEnded', frame, `end ${this.#frame(frame)} ${outcome}`);
  }

  waitStarted(frame: number, target: WaitTarget, site: Site | undefined): void {
    this.waits.push({ frame, target, site });
    this.#add('waitStarted', frame, `${this.#frame(frame)} waits for ${target.kind}`);
  }

  resourceCreated(resource: ResourceInfo): void {
    this.resources.push(resource);
    this.#add('resourceCreated', resource.resource, `${resource.kind} created`);
  }

  resourceAcquired(resource: number, task: number): void {
    this.#add('resourceAcquired', resource, `${this.#resource(resource)} acquired by ${this.#name(task)}`);
  }

  resourceReleased(resource: number, task: number): void {
    this.#add('resourceReleased', resource, `${this.#resource(resource)} released by ${this.#name(task)}`);
  }

  resourceDropped(resource: number): void {
    this.#add('resourceDropped', resource, `${this.#resource(resource)} dropped`);
  }

  sourceRegistered(source: SourceInfo): void {
    this.sources.push(source);
    const known = source.fd >= 0 ? 'with its descriptor' : 'without a descriptor';
    this.#add('sourceRegistered', source.source, `${source.kind} registered ${known}`);
  }

  sourceDeregistered(source: number): void {
    this.#add('sourceDeregistered', source, `source ${source} deregistered`);
  }

  park(startNs: number, endNs: number, timer: number): void {
    this.parks.push({ startNs, endNs, timer });
    this.#add('park', timer, timer === 0 ? 'park' : 'park ended by timer');
  }

  readiness(source: number, mask: number): void {
    this.#add('readiness', source, `readiness ${mask}`);
  }

  operation(operation: OperationInfo): void {
    this.operations.push(operation);
    const outcome = 'bytes' in operation.outcome ? `${operation.outcome.bytes}` : 'failed';
    this.#add('operation', operation.source, `${operation.kind} ${outcome} by ${operation.madeBy}`);
  }

  timerSet(timer: number, task: number, deadlineNs: number): void {
    this.timers.push({ timer, deadlineNs });
    this.#add('timerSet', timer, `timer of ${this.#name(task)} set`);
  }

  timerFired(timer: number, latenessNs: number): void {
    this.fired.push({ timer, latenessNs });
    this.#add('timerFired', timer, 'timer fired');
  }

  timerCancelled(timer: number): void {
    this.#add('timerCancelled', timer, 'timer cancelled');
  }

  jobSubmitted(job: JobInfo): void {
    this.jobs.push(job);
    this.#add(
      'jobSubmitted',
      job.job,
      `${job.kind} submitted by ${this.#name(job.task)}, queue ${job.queueDepth}`,
    );
  }

  jobEnded(
    job: number,
    outcome: EndOutcome,
    bytes: number,
    on?: { readonly thread: number; readonly atNs: number },
  ): void {
    if (on !== undefined) this.runs.push({ job, thread: on.thread, atNs: on.atNs, is: 'end' });
    this.#add('jobEnded', job, `job ${outcome}, ${bytes} bytes${on === undefined ? '' : ', on its thread'}`);
  }

  jobStarted(job: number, thread: number, atNs: number, queued: number): void {
    this.runs.push({ job, thread, atNs, is: 'start' });
    this.#add('jobStarted', job, `job started, ${queued} queued`);
  }

  threadStarted(thread: ThreadInfo): void {
    this.threads.set(thread.thread, thread);
    this.#add('threadStarted', thread.thread, `thread ${thread.name} started`);
  }

  threadStopped(thread: number): void {
    this.#add('threadStopped', thread, `thread ${this.threads.get(thread)?.name} stopped`);
  }

  poolState(state: PoolState): void {
    this.pool.push(state);
    this.#add('poolState', 0, `pool ${state.running} running ${state.queued} queued of ${state.limit}`);
  }

  snapshot(tasks: readonly AliveTask[]): void {
    for (const { info, epoch, state } of tasks) {
      this.tasks.set(info.task, info);
      this.#add('snapshot', info.task, `${this.#name(info.task)} is ${state} after ${epoch} polls`);
    }
  }

  #add(hook: keyof Observer, subject: number, text: string): void {
    this.lines.push({ hook, subject, text });
  }

  #name(task: number): string {
    return task === 0 ? 'outside' : (this.tasks.get(task)?.name ?? `task ${task}`) || `task ${task}`;
  }

  #frame(frame: number): string {
    return this.frames.find((info) => info.frame === frame)?.name ?? 'task itself';
  }

  #resource(resource: number): string {
    return this.resources.find((info) => info.resource === resource)?.kind ?? `resource ${resource}`;
  }
}

/** Runs a root task named "root" under a recording observer, which is taken away afterwards. */
export async function record<T>(
  root: Spawnable<T>,
): Promise<{ readonly trace: RecordingObserver; readonly value: T }> {
  const trace = new RecordingObserver();
  setObserver(trace);
  try {
    const value = await run(root, { name: 'root' });
    return { trace, value };
  } finally {
    setObserver(undefined);
  }
}

/** "file.ts:functionName" of a site, for assertions that do not depend on line numbers. */
export function siteLabel(site: Site | undefined): string {
  return site === undefined ? 'no site' : `${basename(site.file)}:${site.functionName}`;
}
