// Owns the order in which lanes are shown, and which of them a filter leaves. Knows nothing of spans.
import { type LaneKind, laneKind } from '../../messages/lanes.ts';
import { laneLabel } from '../analysis/names.ts';
import type { Task, Thread } from '../model/entities.ts';
import type { Lane, Model } from '../model/model.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';

/** Lanes of threads and pools stand before those of tasks, in this order. */
const headKinds: readonly LaneKind[] = [
  laneKind.reactor,
  laneKind.worker,
  laneKind.poolQueue,
  laneKind.poolThread,
  laneKind.ring,
];

/** Tasks by id. Ids rise as tasks are spawned, so that they seldom come out of order; then they are sorted once when asked for. */
class TasksById {
  private readonly tasks: Task[] = [];
  private sorted = true;

  add(task: Task): void {
    if (this.sorted && (this.tasks.at(-1)?.id ?? 0) > task.id) this.sorted = false;
    this.tasks.push(task);
  }

  inOrder(): readonly Task[] {
    if (!this.sorted) this.tasks.sort((x, y) => x.id - y.id);
    this.sorted = true;
    return this.tasks;
  }
}

export class LaneOrder {
  private readonly model: Model;
  private heads: Lane[] = [];
  private headsVersion = -1;
  private filter = '';
  private readonly all = new TasksById();
  private allSeen = 0;
  private matches = new TasksById();
  private matchesSeen = 0;
  private matchesVersion = -1;

  constructor(model: Model) {
    this.model = model;
  }

  /** How many lanes the filter leaves. It hides tasks only: what polls and wakes those that are left stays in view. */
  total(filter: string): number {
    return this.headLanes().length + this.tasks(filter).length;
  }

  lanes(filter: string, first: number, count: number): Lane[] {
    const heads = this.headLanes();
    const tasks = this.tasks(filter).slice(
      Math.max(0, first - heads.length),
      Math.max(0, first + count - heads.length),
    );
    return [...heads.slice(first, first + count), ...tasks.map((task) => this.laneOf(task))];
  }

  /** Where a lane stands in that order; -1 when there is no such lane or the filter hides it. */
  placeOf(number: number, filter: string): number {
    const lane = this.model.lanes[number];
    const heads = this.headLanes();
    if (lane === undefined) return -1;
    if (lane.kind !== laneKind.task) return heads.indexOf(lane);
    const tasks = this.tasks(filter);
    const { id } = lane.owner as Task;
    let low = 0;
    let high = tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((tasks[middle] as Task).id < id) low = middle + 1;
      else high = middle;
    }
    return tasks[low]?.id === id ? heads.length + low : -1;
  }

  /** By id. */
  private tasks(filter: string): readonly Task[] {
    return filter === '' ? this.tasksInOrder() : this.matching(filter);
  }

  private tasksInOrder(): readonly Task[] {
    const { tasks } = this.model;
    for (; this.allSeen < tasks.length; this.allSeen++) this.all.add(tasks[this.allSeen] as Task);
    return this.all.inOrder();
  }

  private laneOf(task: Task): Lane {
    return this.model.lanes[task.lane] as Lane;
  }

  private headLanes(): readonly Lane[] {
    if (this.headsVersion === this.model.laneVersion) return this.heads;
    this.headsVersion = this.model.laneVersion;
    const heads = this.model.lanes.filter((lane) => lane.kind !== laneKind.task);
    const ownId = (lane: Lane) => {
      if (lane.kind === laneKind.poolQueue) return (lane.owner as Pool).runtime;
      if (lane.kind === laneKind.ring) return (lane.owner as Ring).source;
      return (lane.owner as Thread).id;
    };
    const place = (lane: Lane) => headKinds.indexOf(lane.kind);
    this.heads = heads.sort((x, y) => place(x) - place(y) || ownId(x) - ownId(y));
    return this.heads;
  }

  /** Tasks whose label contains the filter, by id; only tasks that are new since the last time are looked at. */
  private matching(filter: string): readonly Task[] {
    const { model } = this;
    const wanted = filter.toLowerCase();
    if (wanted !== this.filter || this.matchesVersion !== model.labelVersion) {
      this.filter = wanted;
      this.matchesVersion = model.labelVersion;
      this.matches = new TasksById();
      this.matchesSeen = 0;
    }
    for (; this.matchesSeen < model.tasks.length; this.matchesSeen++) {
      const task = model.tasks[this.matchesSeen] as Task;
      if (laneLabel(model, this.laneOf(task)).toLowerCase().includes(wanted)) this.matches.add(task);
    }
    return this.matches.inOrder();
  }
}
