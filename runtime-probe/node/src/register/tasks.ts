// Owns the tasks of a Node program: how they begin, their polls, and when they are over.
// Knows nothing of hooks: it is told what runs.
import type { AliveTask } from '../executor/observe.ts';
import { causeKind } from '../wire/index.ts';
import type { NodeRecorder, ToldCall } from './node-recorder.ts';

const life = { alive: 0, ending: 1, ended: 2 } as const;
type Life = (typeof life)[keyof typeof life];

export interface Task {
  readonly id: number;
  readonly parent: number;
  readonly name: string;
  readonly kind: 'root' | 'local';
  /** Polls begun so far. */
  epoch: number;
  running: boolean;
  life: Life;
  outcome: 'completed' | 'cancelled';
  /** What goes on in its context after its end. */
  successor: Task | undefined;
  /** Whether it is what goes on after another's end; nobody says when such a one is over. */
  readonly isSuccessor: boolean;
  /** Of a successor: whether it has called back, and whether it made what may call it back, since ends were settled. */
  ran: boolean;
  made: boolean;
  /**
   * Continuations of it that wait in the microtask queue, in their order. A task has one wake at a time in the trace:
   * that of the first is told at once, those of the others when the poll before them has ended.
   */
  readonly queued: Wake[];
  /** Whether a wake was told that no poll has followed yet. */
  told: boolean;
  /** Whether it stands in the list of those that had something queued since the loop's last callback. */
  listed: boolean;
  /** Its neighbours among those that live. */
  before: Task | undefined;
  after: Task | undefined;
}

/** A continuation in the microtask queue. */
export interface Wake {
  /** Who put it there. */
  wokenBy: Task | undefined;
}

/** The context of what the probe itself does: nothing of it is told. */
export const unseen: Task = {
  id: 0,
  parent: 0,
  name: '',
  kind: 'root',
  epoch: 0,
  // Never polled: a task that runs already is not polled again.
  running: true,
  life: life.alive,
  outcome: 'completed',
  successor: undefined,
  isSuccessor: false,
  ran: false,
  made: false,
  queued: [],
  told: false,
  listed: false,
  before: undefined,
  after: undefined,
};

export const runtimeId = 1;

export class Tasks {
  private readonly recorder: NodeRecorder;
  private lastId = 0;
  /** Continuations in the microtask queue, of all tasks. While there are some, the next begins where one ends. */
  private inQueue = 0;
  /** Those that live, in the order in which they began; a list of their own, for a set costs three times as much. */
  private oldest: Task | undefined;
  private newest: Task | undefined;
  private ending: Task[] = [];
  /** Successors that have run since ends were settled. */
  private successors: Task[] = [];
  private listed: Task[] = [];

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
  }

  spawn(name: string, parent: Task | undefined, isSuccessor = false): Task {
    this.lastId++;
    const task: Task = {
      id: this.lastId,
      parent: parent?.id ?? 0,
      name,
      kind: parent === undefined ? 'root' : 'local',
      epoch: 0,
      running: false,
      life: life.alive,
      outcome: 'completed',
      successor: undefined,
      isSuccessor,
      ran: false,
      made: false,
      queued: [],
      told: false,
      listed: false,
      before: this.newest,
      after: undefined,
    };
    if (this.newest === undefined) this.oldest = task;
    else this.newest.after = task;
    this.newest = task;
    this.recorder.taskSpawned(this.describe(task));
    return task;
  }

  /**
   * The task that what runs in this context belongs to. A request is over when its response is; what its handler
   * still does later, such as writing a log, is a task of its own. That one is over when a callback of it has made
   * nothing that may call it back: the closing of a connection would leave one behind for each request otherwise.
   */
  inLife(task: Task): Task {
    if (task.life !== life.ended) return task;
    const { successor } = task;
    if (successor !== undefined && successor.life !== life.ended) return successor;
    const name = task.isSuccessor ? task.name : `${task.name}, after its end`;
    task.successor = this.spawn(name, task, true);
    return task.successor;
  }

  isOver(task: Task): boolean {
    return task.life !== life.alive;
  }

  /** Whether a continuation follows the one that ends now, without a turn of the loop between. */
  get anyQueued(): boolean {
    return this.inQueue > 0;
  }

  /**
   * A continuation of the task is put into the microtask queue. False for one that is not told of. `atEnd`: what runs
   * is about to end, which tells the wake too.
   */
  queue(task: Task, wake: Wake, by: Task | undefined, atEnd: boolean, tick: number): boolean {
    // A task that is over goes on as another one, which is not known before it runs.
    if (task === unseen || task.epoch === 0 || task.life === life.ended) return false;
    const { breaks } = this.recorder;
    if (breaks.onWake === task.id) breaks.wakeMet(task.id);
    wake.wokenBy = by;
    this.inQueue++;
    task.queued.push(wake);
    if (task.queued.length === 1 && !task.told && !(atEnd && task.running)) this.tellFirst(task, tick);
    if (!task.listed) {
      task.listed = true;
      this.listed.push(task);
    }
    return true;
  }

  /**
   * A poll of the task for the continuation that was queued with this wake, or for another cause. False when the task
   * runs already, and then there is no end to be told.
   */
  beginPoll(task: Task, cause: number, causeId: number, wake: Wake | undefined, tick: number): boolean {
    if (wake !== undefined) this.takeFromQueue(task.queued, wake);
    if (task.running) return false;
    const { told } = task;
    task.told = false;
    task.running = true;
    task.epoch++;
    if (task.isSuccessor && !task.ran) {
      task.ran = true;
      this.successors.push(task);
    }
    const { breaks } = this.recorder;
    if (breaks.onPoll === task.id) breaks.pollMet(task.id);
    // The first poll follows from the spawn.
    if (task.epoch !== 1 && !told) {
      this.recorder.woken(task.id, task.epoch - 1, false, cause, causeId, tick);
      if (breaks.onWake === task.id) breaks.wakeOfPollMet(task.id);
    }
    this.recorder.pollBegins(task.id, task.epoch, tick);
    return true;
  }

  /** `waiting`: the call with whose wait the poll ends, if there is one; that is told here too. */
  endPoll(task: Task, waiting: ToldCall | undefined, tick: number): void {
    task.running = false;
    const next = task.told ? undefined : task.queued[0];
    if (waiting !== undefined) {
      const by = next?.wokenBy;
      // By itself, as mostly: all three events in one.
      if (next !== undefined && by === task && this.recorder.turnEnds(waiting, task.id, task.epoch, tick)) {
        task.told = true;
        return;
      }
      this.recorder.frameWaits(waiting, tick);
    }
    this.recorder.pollEnds(tick);
    if (next !== undefined) this.tellFirst(task, tick);
  }

  private takeFromQueue(queued: Wake[], wake: Wake): void {
    // Nearly always it is the first, and the only one: pop costs a tenth of splice.
    if (queued[0] === wake) {
      if (queued.length === 1) queued.pop();
      else queued.shift();
    } else {
      const at = queued.indexOf(wake);
      if (at < 0) return;
      queued.splice(at, 1);
    }
    this.inQueue--;
  }

  private tellFirst(task: Task, tick: number): void {
    task.told = true;
    const by = task.queued[0]?.wokenBy;
    this.recorder.woken(task.id, task.epoch, task.running, causedBy(by), by?.id ?? 0, tick);
  }

  /** The task is over once the callback that runs, and the microtasks and ticks that follow it, are done. */
  end(task: Task, outcome: Task['outcome']): void {
    if (task === unseen || task.life !== life.alive) return;
    task.life = life.ending;
    task.outcome = outcome;
    this.ending.push(task);
  }

  /** To be called where no callback runs and no microtask or tick is left. */
  settleEnds(): void {
    if (this.listed.length > 0) this.forgetQueued();
    if (this.successors.length > 0) this.endSuccessors();
    if (this.ending.length === 0) return;
    const ending = this.ending;
    this.ending = [];
    for (const task of ending) {
      task.life = life.ended;
      this.unlink(task);
      this.recorder.taskOver(task.id, task.outcome);
    }
  }

  private endSuccessors(): void {
    for (const task of this.successors) {
      task.ran = false;
      if (!task.made) this.end(task, 'completed');
      task.made = false;
    }
    this.successors = [];
  }

  /** The microtask queue is empty: what was queued and did not run never will. */
  forgetQueued(): void {
    this.inQueue = 0;
    for (const task of this.listed) {
      task.listed = false;
      task.queued.length = 0;
    }
    this.listed = [];
  }

  /** Tells everything that lives to a listener who comes, or comes again. */
  snapshot(): void {
    this.forgetQueued();
    const living: AliveTask[] = [];
    for (let task = this.oldest; task !== undefined; task = task.after) {
      task.told = false;
      living.push({ info: this.describe(task), epoch: task.epoch, state: 'idle' });
    }
    this.recorder.snapshot(living);
  }

  private unlink(task: Task): void {
    const { before, after } = task;
    if (before === undefined) this.oldest = after;
    else before.after = after;
    if (after === undefined) this.newest = before;
    else after.before = before;
    task.before = undefined;
    task.after = undefined;
  }

  /** As it is told. */
  describe(task: Task) {
    const { id, parent, name, kind } = task;
    return { task: id, parent, site: undefined, name, kind, runtime: runtimeId };
  }
}

/** What made a poll happen, as the wire says it; `made` undefined: code outside any task. */
export function causedBy(made: Task | undefined): number {
  return made === undefined || made === unseen ? causeKind.unknown : causeKind.poll;
}
