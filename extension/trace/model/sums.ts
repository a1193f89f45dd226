// Owns what is summed over lives: prefix records of pages, the totals of each task, of each spawn site and of the session.
// Kept up to date by the tasks that changed since it was last asked. Knows nothing of what the sums are shown as.
import { type SpanState, spanFlag, spanState } from '../../messages/lanes.ts';
import { none, pageColumn, pageStride, SlotTable } from './columns.ts';
import type { Task } from './entities.ts';
import { type LifeSink, LifeWalk, walkFlag } from './life.ts';
import { markersOfPoll, TaskMarkers } from './markers.ts';
import type { Model } from './model.ts';
import { pageAt } from './pages.ts';

/** Adds a life up, in the columns of a prefix record; keeps the interval that is still open apart. */
export class SumSink implements LifeSink {
  readonly sums: Float64Array = new Float64Array(pageStride);
  openState = 0;
  openFromNs = 0;
  private readonly model: Model;

  constructor(model: Model) {
    this.model = model;
  }

  clear(): void {
    this.sums.fill(0);
    this.openState = 0;
    this.openFromNs = 0;
  }

  interval(
    state: SpanState,
    fromNs: number,
    toNs: number,
    flags: number,
    _epoch: number,
    slot: number,
  ): boolean {
    const { sums } = this;
    if ((flags & spanFlag.open) !== 0) {
      this.openState = state;
      this.openFromNs = fromNs;
    } else {
      sums[pageColumn.states + state] = (sums[pageColumn.states + state] as number) + toNs - fromNs;
    }
    // The instant of a wake is a marker.
    if (state === spanState.scheduled && slot !== none)
      sums[pageColumn.markers] = (sums[pageColumn.markers] as number) + 1;
    if ((flags & walkFlag.wait) !== 0) {
      const column =
        (flags & spanFlag.unknownCause) !== 0
          ? pageColumn.waitsUnknown
          : (flags & spanFlag.inferred) !== 0
            ? pageColumn.waitsInferred
            : pageColumn.waitsRecorded;
      sums[column] = (sums[column] as number) + 1;
    }
    if ((flags & walkFlag.poll) === 0) return false;
    sums[pageColumn.polls] = (sums[pageColumn.polls] as number) + 1;
    sums[pageColumn.markers] = (sums[pageColumn.markers] as number) + markersOfPoll(this.model, slot);
    if ((flags & spanFlag.spurious) !== 0)
      sums[pageColumn.spurious] = (sums[pageColumn.spurious] as number) + 1;
    if ((flags & spanFlag.stopped) !== 0) {
      sums[pageColumn.stoppedPolls] = (sums[pageColumn.stoppedPolls] as number) + 1;
      if ((flags & spanFlag.open) === 0)
        sums[pageColumn.stoppedRunningNs] = (sums[pageColumn.stoppedRunningNs] as number) + toNs - fromNs;
    }
    return false;
  }
}

/** Columns of what a task adds to its site and to the session, as they were last added. */
const counted = { openState: 20, openFromNs: 21, alive: 22, stride: 23 } as const;
const tasksPerSegment = 512;
/** New pages that are waited for before pages are summed: 256 pages hold up to 4,096 polls, 0.4 ms of work. */
const ripeBatch = 256;

/** Sums over the tasks of one spawn site. Times of open intervals are `now × count − sum of their beginnings`. */
export class SiteSums {
  /** Lanes of the tasks that were ever counted here. */
  readonly lanes: number[] = [];
  tasks = 0;
  alive = 0;
  readonly sums: Float64Array = new Float64Array(pageStride);
  readonly openCount: Float64Array = new Float64Array(10);
  readonly openFromNs: Float64Array = new Float64Array(10);

  /** ns in that state, without polls that contain a stop. */
  stateNs(state: SpanState, nowNs: number): number {
    const stopped = state === spanState.running ? (this.sums[pageColumn.stoppedRunningNs] as number) : 0;
    const closed = (this.sums[pageColumn.states + state] as number) - stopped;
    return closed + (this.openCount[state] as number) * nowNs - (this.openFromNs[state] as number);
  }

  get polls(): number {
    return (this.sums[pageColumn.polls] as number) - (this.sums[pageColumn.stoppedPolls] as number);
  }
}

export class Sums {
  private readonly model: Model;
  private readonly walk: LifeWalk;
  private readonly sink: SumSink;
  private readonly segments: Float64Array[] = [];
  readonly sites = new Map<number, SiteSums>();
  readonly session = new SiteSums();

  constructor(model: Model) {
    this.model = model;
    this.walk = new LifeWalk(model);
    this.sink = new SumSink(model);
  }

  /** Makes the prefix records of the task's pages up to and with `position` valid. */
  preparePages(task: Task, position: number): void {
    const { model, sink, walk } = this;
    if (task.recheckFromPage < task.validPages) task.validPages = task.recheckFromPage + 1;
    task.recheckFromPage = Number.POSITIVE_INFINITY;
    if (task.validPages === 0 && task.pages.length > 0) {
      const page = task.pages[0] as number;
      const at = SlotTable.prefixAt(page);
      const block = model.slots.prefixBlock(page);
      block.fill(0, at, at + pageStride);
      block[at + pageColumn.entryNs] = walk.beginOf(task);
      block[at + pageColumn.previousEpoch] = -1;
      block[at + pageColumn.previousSlot] = -1;
      task.validPages = 1;
    }
    while (task.validPages <= position) {
      const from = task.validPages - 1;
      this.loadPage(task, from);
      const cursor = walk.walk(task, from, from + 1, sink);
      if (walk.provisionalCause) task.recheckFromPage = Math.min(task.recheckFromPage, from);
      const page = task.pages[from + 1] as number;
      const at = SlotTable.prefixAt(page);
      const block = model.slots.prefixBlock(page);
      block.set(sink.sums, at);
      block[at + pageColumn.entryNs] = cursor.atNs;
      block[at + pageColumn.previousEpoch] = cursor.previousEpoch;
      block[at + pageColumn.previousSlot] = cursor.previousSlot;
      task.validPages++;
    }
  }

  /**
   * Sums up pages that were filled since the last time, but for each task's last two, which are still being filled.
   * Done while frames come in, so that no question has to pay for all that came before it.
   */
  ripen(): void {
    const { ripeTasks } = this.model;
    if (ripeTasks.length < ripeBatch) return;
    for (const task of ripeTasks) if (task.pages.length > 2) this.preparePages(task, task.pages.length - 2);
    ripeTasks.length = 0;
  }

  /** Sums of all that lies before the page into the sink. */
  private loadPage(task: Task, position: number): void {
    const page = task.pages[position] as number;
    const at = SlotTable.prefixAt(page);
    this.sink.clear();
    this.sink.sums.set(this.model.slots.prefixBlock(page).subarray(at, at + pageStride));
  }

  /** The whole life of one task, its open interval apart. The sink is used again by the next call. */
  lifeOf(task: Task): Readonly<SumSink> {
    const { sink, walk } = this;
    const last = task.pages.length - 1;
    if (last >= 0) {
      this.preparePages(task, last);
      this.loadPage(task, last);
    } else sink.clear();
    walk.walk(task, Math.max(0, last), task.pages.length, sink);
    if (walk.provisionalCause) task.recheckFromPage = Math.min(task.recheckFromPage, last);
    return sink;
  }

  /** When the task's life began, and when it ended: the session's end while it lives. */
  lifetimeOf(task: Task): { fromNs: number; toNs: number } {
    const fromNs = this.walk.beginOf(task);
    const life = this.lifeOf(task);
    let lived = 0;
    for (let state = 1; state <= spanState.gap; state++)
      lived += life.sums[pageColumn.states + state] as number;
    const toNs = life.openState === 0 ? fromNs + lived : Math.max(this.model.endNs, fromNs);
    return { fromNs, toNs };
  }

  /** ns that the task spent in each state before that instant; the index is the state. */
  timesBefore(task: Task, ns: number): Float64Array {
    const { model } = this;
    const times = new Float64Array(spanState.gap + 1);
    const last = task.pages.length - 1;
    let position = 0;
    if (last >= 0) {
      this.preparePages(task, last);
      position = pageAt(model, task, ns);
      const page = task.pages[position] as number;
      const at = SlotTable.prefixAt(page) + pageColumn.states;
      times.set(model.slots.prefixBlock(page).subarray(at, at + times.length));
    }
    times[0] = 0;
    const sink: LifeSink = {
      interval: (state, fromNs, toNs) => {
        const spent = Math.min(toNs, ns) - fromNs;
        if (spent > 0 && state <= spanState.gap) times[state] = (times[state] as number) + spent;
        return toNs >= ns;
      },
    };
    this.walk.walk(task, position, Math.min(position + 1, task.pages.length), sink);
    return times;
  }

  /** How many markers the task's lane has before that instant. */
  markersBefore(task: Task, ns: number): number {
    const { model } = this;
    let count = 0;
    const sink = new TaskMarkers(model, Number.NEGATIVE_INFINITY, ns, () => count++);
    const last = task.pages.length - 1;
    let position = 0;
    if (last >= 0) {
      this.preparePages(task, last);
      position = pageAt(model, task, ns);
      const page = task.pages[position] as number;
      count = model.slots.prefixBlock(page)[SlotTable.prefixAt(page) + pageColumn.markers] as number;
    }
    this.walk.walk(task, position, Math.min(position + 1, task.pages.length), sink);
    return count;
  }

  /** Brings the sums of sites and session up to date with the tasks that changed. */
  settle(): void {
    const { model } = this;
    model.applyInvalidation();
    const dirty = model.dirtyTasks;
    model.dirtyTasks = [];
    for (const task of dirty) {
      this.recount(task);
      task.dirty = task.recheckFromPage < Number.POSITIVE_INFINITY;
      if (task.dirty) model.dirtyTasks.push(task);
    }
  }

  private recount(task: Task): void {
    const record = this.recordOf(task);
    const at = (task.index % tasksPerSegment) * counted.stride;
    if (task.countedSite >= 0) {
      this.add(this.siteFor(task.countedSite), record, at, -1);
      this.add(this.session, record, at, -1);
    }
    const life = this.lifeOf(task);
    record.set(life.sums, at);
    record[at + counted.openState] = life.openState;
    record[at + counted.openFromNs] = life.openFromNs;
    record[at + counted.alive] = life.openState === 0 ? 0 : 1;
    const site = this.siteFor(task.site);
    if (task.countedSite !== task.site) site.lanes.push(task.lane);
    task.countedSite = task.site;
    this.add(site, record, at, 1);
    this.add(this.session, record, at, 1);
  }

  private add(sums: SiteSums, record: Float64Array, at: number, sign: number): void {
    sums.tasks += sign;
    sums.alive += sign * (record[at + counted.alive] as number);
    for (let i = pageColumn.states + 1; i < pageStride; i++)
      sums.sums[i] = (sums.sums[i] as number) + sign * (record[at + i] as number);
    const open = record[at + counted.openState] as number;
    if (open === 0) return;
    sums.openCount[open] = (sums.openCount[open] as number) + sign;
    sums.openFromNs[open] =
      (sums.openFromNs[open] as number) + sign * (record[at + counted.openFromNs] as number);
  }

  private siteFor(site: number): SiteSums {
    const known = this.sites.get(site);
    if (known !== undefined) return known;
    const sums = new SiteSums();
    this.sites.set(site, sums);
    return sums;
  }

  private recordOf(task: Task): Float64Array {
    const number = Math.floor(task.index / tasksPerSegment);
    while (this.segments.length <= number)
      this.segments.push(new Float64Array(tasksPerSegment * counted.stride));
    return this.segments[number] as Float64Array;
  }
}
