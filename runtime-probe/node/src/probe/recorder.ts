// Owns turning what the executor tells into events of the wire, stamped and in order.
// Knows nothing of sockets, threads or how the ring is read. No hook throws, waits or allocates more than it must.
import { clockNs } from '../executor/clock.ts';
import type {
  AliveTask,
  EndOutcome,
  FrameId,
  FrameInfo,
  JobId,
  JobInfo,
  Observer,
  OperationInfo,
  PollOutcome,
  PoolState,
  ResourceId,
  ResourceInfo,
  RuntimeId,
  RuntimeInfo,
  SourceId,
  SourceInfo,
  TaskId,
  TaskInfo,
  ThreadId,
  ThreadInfo,
  TimerId,
  WaitTarget,
  WakeCause,
  WakeEffect,
} from '../executor/observe.ts';
import type { Site } from '../executor/site.ts';
import {
  causeKind,
  detail,
  endOutcome,
  eventKind,
  frameKindOfTask,
  interestBit,
  jobKind,
  operationKind,
  operationMaker,
  operationOutcome,
  parkKind,
  pollOutcome,
  resourceKind,
  runtimeFlavor,
  sourceKind,
  taskKind,
  taskState,
  threadRole,
  wakeEffect,
} from '../wire/index.ts';
import type { Breaks } from './breaks.ts';
import { Dictionary } from './dictionary.ts';
import type { DictionaryRing } from './dictionary-ring.ts';
import type { EventRing } from './event-ring.ts';
import { Looks, type ToSource } from './looks.ts';
import { OtherThreads } from './other-threads.ts';
import type { PoolDoor } from './pool-door.ts';

/** A source as any recorder may tell it: the executor knows two kinds, Node more. */
export type RecordedSource = Omit<SourceInfo, 'kind'> & { readonly kind: keyof typeof sourceKind };
type RecordedRuntime = Omit<RuntimeInfo, 'flavor'> & { readonly flavor: keyof typeof runtimeFlavor };
export type RecordedJob = Omit<JobInfo, 'kind'> & { readonly kind: keyof typeof jobKind };

export interface RecorderOptions {
  readonly events: EventRing;
  readonly dictionaryRing: DictionaryRing;
  /** CLOCK_MONOTONIC of tick 0, in ns. */
  readonly originNs: number;
  readonly thread: number;
  /** The operating system's id of this thread; 0 when it is not known. */
  readonly osThread: number;
  /** The timer that Node's loop is armed for. */
  readonly nextTimer: () => { readonly id: number; readonly deadlineNs: number } | undefined;
  /** What is recorded to begin with, one of the wire's `detail`. */
  readonly detail: number;
  /** Called once when a record had to be lost, after which nothing may be recorded. */
  readonly onBroken: () => void;
  readonly toSource: ToSource;
  readonly breaks: Breaks;
  readonly pool: PoolDoor;
}

export class Recorder implements Observer {
  protected readonly events: EventRing;
  private readonly ring: DictionaryRing;
  protected readonly dictionary: Dictionary;
  protected readonly options: RecorderOptions;
  private threadTold = false;
  protected full: boolean;
  private firstRuntime = 0;
  /** The instant of what is told together; −1 while each event has its own. */
  private togetherAt = -1;
  /** When the last poll ended, whether or not there was room to tell it. */
  private pollEndTick = 0;
  /** That of a release whose wake comes next; −1 where none does. */
  private nextWakeTick = -1;
  private readonly otherThreads: OtherThreads;
  /** Names that the program gave to tasks that live. */
  private readonly givenNames = new Map<TaskId, string>();
  /** Sources that are registered: a second telling only adds what was not known. */
  private readonly registered = new Set<SourceId>();
  readonly looks: Looks;
  readonly breaks: Breaks;
  readonly pool: PoolDoor;

  constructor(options: RecorderOptions) {
    this.options = options;
    this.full = options.detail === detail.full;
    this.events = options.events;
    this.ring = options.dictionaryRing;
    this.dictionary = new Dictionary(options.dictionaryRing);
    this.breaks = options.breaks;
    this.pool = options.pool;
    this.otherThreads = new OtherThreads({
      ring: this.ring,
      dictionary: this.dictionary,
      recording: options.thread,
      tickOf: (timeNs) => this.tickOf(timeNs),
    });
    this.looks = new Looks({
      events: this.events,
      dictionary: this.dictionary,
      tick: () => this.tick(),
      mayWrite: () => this.mayWrite,
      toSource: options.toSource,
    });
  }

  // --- runtimes and tasks

  runtimeStarted(runtime: RecordedRuntime): void {
    this.dictionary.put({
      record: 'runtime',
      id: runtime.id,
      name: this.dictionary.text(runtime.name),
      flavor: runtimeFlavor[runtime.flavor],
      workers: runtime.workers,
      poolLimit: runtime.poolLimit,
    });
    if (!this.threadTold) this.tellThread(runtime.id);
  }

  runtimeStopped(runtime: RuntimeId): void {
    this.one(eventKind.runtimeStop, runtime);
  }

  taskSpawned(task: TaskInfo): void {
    this.tellTask(task);
    this.two(eventKind.taskSpawn, task.task, task.parent);
  }

  pollStart(task: TaskId, epoch: number, follows = false): void {
    // A poll that follows begins where the one before ended: to read the clock is half of an event's cost.
    this.pollStartAt(task, epoch, follows ? this.pollEndTick : this.tick());
    if (this.breaks.onPoll === task) this.breaks.pollMet(task);
  }

  codeResumes(): void {
    if (this.breaks.isMet) this.breaks.stopNext();
  }

  protected pollStartAt(task: TaskId, epoch: number, startTick: number): void {
    this.tell(eventKind.pollStart, startTick, 2, task, epoch);
    this.events.openPolls.push(task, epoch, Math.max(startTick, this.events.lastTick));
  }

  pollEnd(_task: TaskId, outcome: PollOutcome): void {
    this.pollEndTick = this.tick();
    if (this.breaks.isMet) this.breaks.putOff();
    // A waker that is no task's, which a program may make itself, told of no wake.
    this.nextWakeTick = -1;
    // A poll that was open when recording began has no start for this end to close.
    if (this.events.openPolls.length === 0) return;
    if (this.looks.anyLookedAt) this.looks.pollEnds();
    this.tell(eventKind.pollEnd, this.pollEndTick, 1, pollOutcome[outcome]);
    this.events.openPolls.pop();
  }

  wake(task: TaskId, epoch: number, effect: WakeEffect, cause: WakeCause): void {
    if (this.breaks.onWake === task) this.breaks.wakeMet(task);
    // "context" is what runs on this thread now, which is what the plain record says.
    const did = wakeEffect[effect];
    const tick = this.nextWakeTick < 0 ? this.tick() : this.nextWakeTick;
    this.nextWakeTick = -1;
    if (cause.kind === 'context') this.tell(eventKind.wake, tick, 3, task, epoch, did);
    // One thread makes both the wakes and the polls, so the epoch cannot change meanwhile.
    else this.tell(eventKind.wakeFrom, tick, 6, task, epoch, did, causeKind[cause.kind], cause.id, epoch);
  }

  wakerCounts(task: TaskId, clones: number, drops: number): void {
    // Told directly after the end of the task's poll, or as it is cancelled. It has no instant of its own.
    if (this.full) this.tell(eventKind.wakerCounts, this.pollEndTick, 3, task, clones, drops);
  }

  taskEnded(task: TaskId, outcome: EndOutcome, byTask: TaskId): void {
    this.taskEndedAt(this.tick(), task, outcome, byTask);
  }

  protected taskEndedAt(tick: number, task: TaskId, outcome: EndOutcome, byTask: TaskId): void {
    const cancelled = outcome === 'cancelled';
    const byKind = !cancelled ? causeKind.unknown : byTask > 0 ? causeKind.poll : causeKind.thread;
    const by = cancelled ? byTask || this.options.thread : 0;
    this.tell(eventKind.taskEnd, tick, 4, task, endOutcome[outcome], byKind, by);
    this.dictionary.retire('task', task, this.events.sequence);
    if (this.givenNames.size > 0) this.givenNames.delete(task);
  }

  // --- frames and waits

  frameOpened(frame: FrameInfo): void {
    if (!this.full) return;
    const site = this.dictionary.site(frame.site);
    const name = this.dictionary.text(frame.name);
    if (!this.begin(eventKind.frameOpen)) return;
    this.events.uint(frame.frame);
    this.events.uint(frame.parent);
    this.events.uint(frame.task);
    this.events.uint(frameKindOfTask[frame.kind]);
    this.events.uint(site);
    this.events.uint(name);
    this.events.commit();
  }

  frameEntered(frame: FrameId): void {
    if (!this.full) return;
    this.one(eventKind.frameEnter, frame);
    this.events.openFrames.push(frame);
  }

  frameLeft(_frame: FrameId, outcome: PollOutcome): void {
    // Empty when the frame was entered before frames were recorded.
    if (this.events.openFrames.length === 0) return;
    this.one(eventKind.frameLeave, pollOutcome[outcome]);
    this.events.openFrames.pop();
  }

  frameEnded(frame: FrameId, outcome: EndOutcome): void {
    if (this.full) this.two(eventKind.frameEnd, frame, endOutcome[outcome]);
  }

  waitStarted(frame: FrameId, target: WaitTarget, site: Site | undefined): void {
    const siteId = this.dictionary.site(site);
    this.tell(
      eventKind.waitStart,
      this.tick(),
      6,
      this.full ? frame : 0,
      waitKind[target.kind],
      target.id,
      waitInterest[target.kind] ?? 0,
      siteId,
      0,
    );
  }

  // --- resources

  resourceCreated(resource: ResourceInfo): void {
    this.dictionary.put({
      record: 'resource',
      id: resource.resource,
      resourceKind: resourceKind[resource.kind],
      name: 0,
      site: this.dictionary.site(resource.site),
    });
  }

  resourceAcquired(resource: ResourceId, task: TaskId, amount: number): void {
    if (this.full) this.three(eventKind.resourceAcquire, resource, task, amount);
  }

  resourceReleased(resource: ResourceId, task: TaskId, amount: number, wakes = false): void {
    if (!this.full) return;
    const tick = this.tick();
    if (wakes) this.nextWakeTick = tick;
    this.tell(eventKind.resourceRelease, tick, 3, resource, task, amount);
  }

  resourceDropped(resource: ResourceId): void {
    this.one(eventKind.resourceDrop, resource);
    this.dictionary.retire('resource', resource, this.events.sequence);
  }

  // --- sources and the loop

  sourceRegistered(source: RecordedSource): void {
    this.dictionary.put({
      record: 'source',
      id: source.source,
      fd: source.fd,
      sourceKind: sourceKind[source.kind],
      local: this.dictionary.text(source.local),
      peer: this.dictionary.text(source.peer),
      site: this.dictionary.site(source.site),
    });
    if (this.registered.has(source.source)) return;
    this.registered.add(source.source);
    // Node does not tell the key under which libuv registered it.
    this.three(eventKind.sourceRegister, source.source, source.interest, 0);
  }

  sourceDeregistered(source: SourceId): void {
    this.one(eventKind.sourceDeregister, source);
    this.registered.delete(source);
    this.dictionary.retire('source', source, this.events.sequence);
  }

  park(startNs: number, endNs: number, _endedBy: TimerId): void {
    // Told after it is over; a start that lies before the last event is moved there.
    const startTick = Math.max(this.tickOf(startNs), this.events.lastTick);
    const next = this.options.nextTimer();
    const timeoutNs = next === undefined ? 0 : Math.max(0, this.tickOf(next.deadlineNs) - startTick) + 1;
    if (this.beginAt(eventKind.park, startTick)) {
      this.events.uint(parkKind.reactor);
      this.events.uint(timeoutNs);
      this.events.uint(next?.id ?? 0);
      this.events.commit();
    }
    if (this.beginAt(eventKind.unpark, this.tickOf(endNs))) {
      this.events.uint(parkKind.reactor);
      // How many came with it is not known before their callbacks run; the readiness events that follow tell.
      this.events.uint(0);
      this.events.commit();
    }
  }

  readiness(source: SourceId, mask: number): void {
    this.three(eventKind.readiness, source, mask, 0);
  }

  /** The other end of the operation that is told next, at the same source. */
  operationPeer(source: SourceId, peer: string): void {
    const text = this.dictionary.text(peer);
    this.two(eventKind.operationPeer, source, text);
  }

  operation(operation: OperationInfo): void {
    const { source, kind, outcome, madeBy } = operation;
    const failed = 'errorNumber' in outcome;
    const result = failed ? operationOutcome.error : operationOutcome.done;
    // Node's error numbers are negated.
    const value = failed ? Math.abs(outcome.errorNumber) : outcome.bytes;
    const maker = operationMaker[madeBy];
    this.tell(eventKind.operation, this.tick(), 5, source, operationKind[kind], result, value, maker);
  }

  // --- timers and jobs

  timerSet(timer: TimerId, task: TaskId, deadlineNs: number): void {
    const tick = this.tick();
    const deadlineTick = this.tickOf(deadlineNs);
    if (!this.beginAt(eventKind.timerSet, tick)) return;
    this.events.uint(timer);
    this.events.uint(task);
    this.events.uint(Math.max(0, deadlineTick - tick));
    this.events.commit();
  }

  timerFired(timer: TimerId, latenessNs: number): void {
    this.two(eventKind.timerFire, timer, Math.max(0, Math.floor(latenessNs)));
  }

  timerCancelled(timer: TimerId): void {
    this.one(eventKind.timerCancel, timer);
  }

  jobSubmitted(job: RecordedJob): void {
    const site = this.dictionary.site(job.site);
    const name = this.dictionary.text(job.name);
    if (!this.begin(eventKind.jobSubmit)) return;
    this.events.uint(job.job);
    this.events.uint(jobKind[job.kind]);
    this.events.uint(job.task);
    this.events.uint(site);
    this.events.uint(name);
    this.events.uint(job.queueDepth);
    this.events.uint(job.runtime);
    this.events.commit();
  }

  jobEnded(
    job: JobId,
    outcome: EndOutcome,
    bytes: number,
    on?: { readonly thread: ThreadId; readonly atNs: number },
  ): void {
    if (on !== undefined && this.otherThreads.jobEnded(job, on.thread, on.atNs, outcome, bytes)) return;
    this.three(eventKind.jobEnd, job, endOutcome[outcome], bytes);
  }

  /** Why the job that is to end now has failed. */
  jobFailed(job: JobId, error: string): void {
    const text = this.dictionary.text(error);
    this.two(eventKind.jobError, job, text);
  }

  jobStarted(job: JobId, thread: ThreadId, atNs: number, queued: number): void {
    this.otherThreads.jobStarted(job, thread, atNs, queued);
  }

  threadStarted(thread: ThreadInfo, atNs: number): void {
    this.otherThreads.started(thread, atNs);
  }

  threadStopped(thread: ThreadId, atNs: number): void {
    this.otherThreads.stopped(thread, atNs, this.events.sequence);
  }

  poolState(pool: PoolState): void {
    if (!this.begin(eventKind.poolState)) return;
    this.events.uint(pool.runtime ?? this.firstRuntime);
    this.events.uint(pool.limit);
    this.events.uint(pool.limit - pool.running);
    this.events.uint(pool.queued);
    this.events.commit();
  }

  // --- what the program tells of itself

  spanOpened(span: number, task: TaskId, name: string, site: Site | undefined): void {
    const text = this.dictionary.text(name);
    const siteId = this.dictionary.site(site);
    if (!this.begin(eventKind.spanOpen)) return;
    this.events.uint(span);
    this.events.uint(task);
    this.events.uint(text);
    this.events.uint(siteId);
    this.events.commit();
  }

  spanClosed(span: number): void {
    this.one(eventKind.spanClose, span);
  }

  marked(name: string, task: TaskId, value: number): void {
    const text = this.dictionary.text(name);
    if (!this.begin(eventKind.marker)) return;
    this.events.uint(text);
    this.events.uint(task);
    this.events.sint(value);
    this.events.commit();
  }

  taskNamed(task: TaskInfo, name: string): void {
    this.givenNames.set(task.task, name);
    this.tellTask(task);
  }

  // --- the recording itself

  /** What lives when recording begins late, is switched on again, or the collector asks. */
  snapshot(tasks: readonly AliveTask[]): void {
    for (const { info } of tasks) this.tellTask(info);
    if (this.begin(eventKind.snapshotStart)) this.events.commit();
    for (const { info, epoch, state } of tasks) {
      if (!this.begin(eventKind.snapshotTask)) continue;
      this.events.uint(info.task);
      this.events.uint(epoch);
      this.events.uint(taskState[state]);
      // The executor does not keep what a task waits for.
      this.events.uint(causeKind.unknown);
      this.events.uint(0);
      this.events.uint(0);
      this.events.commit();
    }
    if (this.begin(eventKind.snapshotEnd)) this.events.commit();
  }

  /** What is recorded from here on; one of the wire's `detail`. */
  setDetail(level: number): void {
    this.full = level === detail.full;
    if (!this.full) this.events.openFrames.length = 0;
    this.one(eventKind.detailChange, level);
    if (level !== detail.off) return;
    this.events.openPolls.clear();
    this.looks.forget();
    this.otherThreads.skip();
  }

  /** Whether the next event would be published. */
  get hasRoom(): boolean {
    return this.events.hasRoom && this.ring.catchUp();
  }

  /** The last event of this thread. */
  stop(): void {
    if (this.threadTold && this.begin(eventKind.threadStop)) this.events.commit();
  }

  /** Told with the first event, when the runtime that the thread works for is known. */
  private tellThread(runtime: RuntimeId): void {
    this.threadTold = true;
    this.firstRuntime = runtime;
    this.dictionary.put({
      record: 'thread',
      id: this.options.thread,
      osId: this.options.osThread,
      name: this.dictionary.text('main'),
      runtime,
      role: threadRole.main,
    });
    if (this.begin(eventKind.threadStart)) this.events.commit();
  }

  private tellTask(task: TaskInfo): void {
    const { dictionary, givenNames } = this;
    const given = givenNames.size === 0 ? undefined : givenNames.get(task.task);
    const site = dictionary.site(task.site);
    const name = dictionary.text(given ?? task.name);
    dictionary.task(task.task, task.parent, site, name, taskKind[task.kind], task.runtime);
  }

  /** All that is told up to `endTogether` happens at this instant, and is published together. Not to be nested. */
  beginTogether(): number {
    const nowNs = clockNs();
    this.beginTogetherAt(this.tickOf(nowNs));
    return nowNs;
  }

  beginTogetherAt(tick: number): void {
    this.togetherAt = tick;
    this.events.held = true;
    this.events.unpublished = true;
  }

  endTogether(): void {
    this.togetherAt = -1;
    this.events.held = false;
    this.events.commit();
  }

  protected tick(): number {
    return this.togetherAt >= 0 ? this.togetherAt : this.tickOf(clockNs());
  }

  protected tickOf(timeNs: number): number {
    return Math.max(0, Math.floor(timeNs - this.options.originNs));
  }

  protected begin(kind: number): boolean {
    return this.beginAt(kind, this.tick());
  }

  protected beginAt(kind: number, tick: number): boolean {
    return this.mayWrite && this.events.begin(kind, tick);
  }

  /** Whether the next event may be written now; when not it is counted. */
  protected get mayWrite(): boolean {
    if (!this.threadTold) this.tellThread(0);
    if (!this.ring.behind || this.ring.catchUp()) return true;
    // The event may name a record that is not in the ring yet, so it must not overtake it.
    this.events.drop();
    if (this.ring.broken) this.options.onBroken();
    return false;
  }

  private one(kind: number, a: number): void {
    this.tell(kind, this.tick(), 1, a);
  }

  private two(kind: number, a: number, b: number): void {
    this.tell(kind, this.tick(), 2, a, b);
  }

  private three(kind: number, a: number, b: number, c: number): void {
    this.tell(kind, this.tick(), 3, a, b, c);
  }

  /** A whole event of `count` of these fields, published. */
  private tell(
    kind: number,
    tick: number,
    count: number,
    a: number,
    b = 0,
    c = 0,
    d = 0,
    e = 0,
    f = 0,
  ): void {
    if (this.mayWrite && this.events.write(kind, tick, count, a, b, c, d, e, f)) this.events.commit();
  }
}

const waitKind = {
  sourceReadable: causeKind.source,
  sourceWritable: causeKind.source,
  timer: causeKind.timer,
  job: causeKind.job,
  task: causeKind.poll,
  resource: causeKind.resource,
} as const;

const waitInterest: Partial<Record<WaitTarget['kind'], number>> = {
  sourceReadable: interestBit.readable,
  sourceWritable: interestBit.writable,
};
