// Owns the order in which lanes are shown, and which of them a filter leaves. Knows nothing of spans.
import { type LaneKind, laneKind } from '../../messages/lanes.ts';
import { laneLabel } from '../analysis/names.ts';
import type { Task, Thread } from '../model/entities.ts';
import { FrameRow } from '../model/frame-rows.ts';
import type { Lane, Model } from '../model/model.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import { SectionRow } from '../model/sections.ts';

/** Lanes of threads and pools stand before those of tasks, in this order. */
const headKinds: readonly LaneKind[] = [
  laneKind.reactor,
  laneKind.worker,
  laneKind.poolQueue,
  laneKind.poolThread,
  laneKind.ring,
  laneKind.section,
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

/** Tasks whose frames are shown at once. */
const expandLimit = 256;

/** What has a lane below those of threads and pools: a task, and then what belongs to it. */
type BodyRow = Task | SectionRow | FrameRow;

function taskIdOf(row: BodyRow): number {
  return row instanceof SectionRow || row instanceof FrameRow ? row.task : row.id;
}

/** The task that the lane belongs to; -1 for a lane that belongs to none. */
function taskOf(lane: Lane): number {
  if (lane.kind === laneKind.task) return (lane.owner as Task).id;
  if (lane.kind === laneKind.frame) return (lane.owner as FrameRow).task;
  if (lane.kind !== laneKind.section) return -1;
  const { task } = lane.owner as SectionRow;
  return task === 0 ? -1 : task;
}

interface FlatBody {
  readonly filter: string;
  readonly tasks: readonly Task[];
  readonly taskCount: number;
  readonly subLanes: number;
  readonly expansion: number;
  readonly rows: readonly BodyRow[];
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
  private flat: FlatBody | undefined;
  /** Rows of frames of the tasks that are expanded, by the task's id. */
  private readonly frameRows = new Map<number, readonly FrameRow[]>();
  /** Rises when a row comes or goes. */
  private expansion = 0;

  constructor(model: Model) {
    this.model = model;
  }

  /** From here on the frames of these tasks, given by their lanes, have their rows; `folds` as Model.frameRowsOf has it. */
  expand(lanes: readonly number[], folds: boolean): void {
    const { model, frameRows } = this;
    const wanted = new Set<number>();
    for (const number of lanes.slice(0, expandLimit)) {
      const lane = model.lanes[number];
      if (lane?.kind === laneKind.task) wanted.add((lane.owner as Task).id);
    }
    for (const task of frameRows.keys()) {
      if (wanted.has(task)) continue;
      frameRows.delete(task);
      this.expansion++;
    }
    for (const task of wanted) {
      const rows = model.frameRowsOf(task, folds);
      const known = frameRows.get(task);
      if (known?.length !== rows.length || known[0] !== rows[0]) this.expansion++;
      frameRows.set(task, [...rows]);
    }
  }

  /** How many lanes the filter leaves. It hides tasks only: what polls and wakes those that are left stays in view. */
  total(filter: string): number {
    return this.headLanes().length + this.body(filter).length;
  }

  lanes(filter: string, first: number, count: number): Lane[] {
    const heads = this.headLanes();
    const body = this.body(filter).slice(
      Math.max(0, first - heads.length),
      Math.max(0, first + count - heads.length),
    );
    return [...heads.slice(first, first + count), ...body.map((each) => this.laneOf(each))];
  }

  /** Where a lane stands in that order; -1 when there is no such lane or the filter hides it. */
  placeOf(number: number, filter: string): number {
    const lane = this.model.lanes[number];
    const heads = this.headLanes();
    if (lane === undefined) return -1;
    const id = taskOf(lane);
    if (id < 0) return heads.indexOf(lane);
    const body = this.body(filter);
    let low = 0;
    let high = body.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (taskIdOf(body[middle] as BodyRow) < id) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < body.length && taskIdOf(body[at] as BodyRow) === id; at++)
      if (this.laneOf(body[at] as BodyRow) === lane) return heads.length + at;
    return -1;
  }

  /** The tasks that the filter leaves, each with the lanes below its own. As long as no task has such lanes nothing is made. */
  private body(filter: string): readonly BodyRow[] {
    const { model } = this;
    const tasks = this.tasks(filter);
    if (model.subLaneVersion === 0 && this.frameRows.size === 0) return tasks;
    const known = this.flat;
    if (
      known?.filter === filter &&
      known.tasks === tasks &&
      known.taskCount === tasks.length &&
      known.subLanes === model.subLaneVersion &&
      known.expansion === this.expansion
    )
      return known.rows;
    const rows = tasks.flatMap((task): BodyRow[] => [
      task,
      ...model.sections.rowsOf(task.id),
      ...(this.frameRows.get(task.id) ?? []),
    ]);
    this.flat = {
      filter,
      tasks,
      taskCount: tasks.length,
      subLanes: model.subLaneVersion,
      expansion: this.expansion,
      rows,
    };
    return rows;
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

  private laneOf(row: BodyRow): Lane {
    return this.model.lanes[row.lane] as Lane;
  }

  private headLanes(): readonly Lane[] {
    if (this.headsVersion === this.model.laneVersion) return this.heads;
    this.headsVersion = this.model.laneVersion;
    const heads = this.model.lanes.filter((lane) => taskOf(lane) < 0);
    const ownId = (lane: Lane) => {
      if (lane.kind === laneKind.poolQueue) return (lane.owner as Pool).runtime;
      if (lane.kind === laneKind.ring) return (lane.owner as Ring).source;
      if (lane.kind === laneKind.section) return (lane.owner as SectionRow).depth;
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
