// Owns the tasks of a Node program: how they begin, their polls, and when they are over.
// Knows nothing of hooks: it is told what runs.
import { causeKind } from '../wire/index.ts';
import type { NodeRecorder } from './node-recorder.ts';

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
};

export const runtimeId = 1;

export class Tasks {
  private readonly recorder: NodeRecorder;
  private lastId = 0;
  private readonly living = new Set<Task>();
  private ending: Task[] = [];

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
  }

  spawn(name: string, parent: Task | undefined): Task {
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
    };
    this.living.add(task);
    this.recorder.taskSpawned(this.describe(task));
    return task;
  }

  /**
   * The task that what runs in this context belongs to. A request is over when its response is; what its handler
   * still does later, such as writing a log, is a task of its own.
   */
  inLife(task: Task): Task {
    if (task.life !== life.ended) return task;
    task.successor ??= this.spawn(`${task.name}, after its end`, task);
    return this.inLife(task.successor);
  }

  isOver(task: Task): boolean {
    return task.life !== life.alive;
  }

  /** False when the task runs already, and then there is no end to be told. */
  beginPoll(task: Task, cause: number, causeId: number): boolean {
    if (task.running) return false;
    task.running = true;
    task.epoch++;
    // The first poll follows from the spawn.
    if (task.epoch === 1) this.recorder.pollStart(task.id, 1);
    else this.recorder.wokenPoll(task.id, task.epoch, cause, causeId);
    return true;
  }

  endPoll(task: Task): void {
    task.running = false;
    this.recorder.pollEnd(task.id, 'pending');
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
    if (this.ending.length === 0) return;
    const ending = this.ending;
    this.ending = [];
    for (const task of ending) {
      task.life = life.ended;
      this.living.delete(task);
      this.recorder.taskEnded(task.id, task.outcome, 0);
    }
  }

  /** Tells everything that lives to a listener who comes, or comes again. */
  snapshot(): void {
    this.recorder.snapshot(
      [...this.living].map((task) => ({ info: this.describe(task), epoch: task.epoch, state: 'idle' })),
    );
  }

  private describe(task: Task) {
    const { id, parent, name, kind } = task;
    return { task: id, parent, site: undefined, name, kind, runtime: runtimeId };
  }
}

/** What made a poll happen, as the wire says it; `made` undefined: code outside any task. */
export function causedBy(made: Task | undefined): number {
  return made === undefined || made === unseen ? causeKind.unknown : causeKind.poll;
}
