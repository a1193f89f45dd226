// Owns the answer to a viewport: which lanes, their headers, exact spans or exact coverage, markers, packed as columns.
// The work is bounded by the pixels and lanes asked for, not by the number of events. Knows nothing of how it travels.

import {
  type LaneKind,
  laneKind,
  type MarkerKind,
  markerKind,
  type SpanState,
  spanFlag,
  spanState,
} from '../../messages/lanes.ts';
import type { ColumnRange, LaneHeader, ViewportAnswer, ViewportQuery } from '../../messages/queries.ts';
import { foldedName, laneLabel, siteOf, textOf } from '../analysis/names.ts';
import { laneSummary } from '../analysis/summaries.ts';
import { firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Task, Thread } from '../model/entities.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import { type LifeSink, LifeWalk, walkFlag } from '../model/life.ts';
import { firstReactorMark, reactorMarker, TaskMarkers } from '../model/markers.ts';
import type { Lane, Model } from '../model/model.ts';
import { pageAt } from '../model/pages.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import type { SectionRow } from '../model/sections.ts';
import type { Sums } from '../model/sums.ts';
import { spansOfFrames } from './frame-spans.ts';
import type { LaneOrder } from './lane-order.ts';
import { coverSpans, coverTask, type StatedSpans } from './pixels.ts';
import { stopsWithin } from './stops.ts';

/** A span is 26 bytes, a pixel 3: beyond this many spans for each pixel the pixels are the smaller answer. */
const spansPerPixel = 1 / 8;
const leastSpans = 64;
/** Markers sent at most: more cannot be told apart on a screen. */
const markerLimit = 4096;
const listLimit = 1000;
const laneLimit = 1024;
const locateLimit = 256;

/** What the query needs to know of the session. */
export interface SessionView {
  readonly model: Model;
  readonly sums: Sums;
  readonly order: LaneOrder;
  readonly endNs: number;
  readonly provisionalFromNs: number;
}

class AnswerColumns {
  readonly spanStartNs: number[] = [];
  readonly spanEndNs: number[] = [];
  readonly spanState: number[] = [];
  readonly spanFlags: number[] = [];
  readonly spanRef: number[] = [];
  readonly markerAtNs: number[] = [];
  readonly markerLane: number[] = [];
  readonly markerKind: number[] = [];
  readonly markerRef: number[] = [];
  markerTotal = 0;
  readonly pixelState: Uint8Array[] = [];
  readonly pixelRunning: Uint8Array[] = [];
  readonly pixelScheduled: Uint8Array[] = [];

  span(startNs: number, endNs: number, state: number, flags: number, ref: number): void {
    this.spanStartNs.push(startNs);
    this.spanEndNs.push(endNs);
    this.spanState.push(state);
    this.spanFlags.push(flags);
    this.spanRef.push(ref);
  }

  marker(row: number, atNs: number, kind: MarkerKind, ref: number): void {
    if (this.markerTotal++ >= markerLimit) return;
    this.markerAtNs.push(atNs);
    this.markerLane.push(row);
    this.markerKind.push(kind);
    this.markerRef.push(ref);
  }

  truncateSpans(length: number): void {
    for (const column of [this.spanStartNs, this.spanEndNs, this.spanState, this.spanFlags, this.spanRef])
      column.length = length;
  }
}

/** Collects the spans in view; ends the walk when there are more than `limit`. */
class SpanSink implements LifeSink {
  private readonly columns: AnswerColumns;
  private readonly fromNs: number;
  private readonly toNs: number;
  private readonly provisionalFromNs: number;
  private readonly limit: number;
  overflowed = false;

  constructor(
    columns: AnswerColumns,
    fromNs: number,
    toNs: number,
    provisionalFromNs: number,
    limit: number,
  ) {
    this.columns = columns;
    this.fromNs = fromNs;
    this.toNs = toNs;
    this.provisionalFromNs = provisionalFromNs;
    this.limit = columns.spanStartNs.length + limit;
  }

  interval(state: SpanState, fromNs: number, toNs: number, flags: number, epoch: number): boolean {
    if (fromNs >= this.toNs) return true;
    if (toNs < this.fromNs) return false;
    // What took no time is not drawn, but for polls, and for the open interval that says that the task lives.
    if (toNs === fromNs && (flags & (walkFlag.poll | spanFlag.open)) === 0) return false;
    if (this.columns.spanStartNs.length >= this.limit) {
      this.overflowed = true;
      return true;
    }
    const provisional = toNs > this.provisionalFromNs ? spanFlag.provisional : 0;
    this.columns.span(fromNs, toNs, state, (flags & 0xff) | provisional, epoch);
    return false;
  }
}

/** The lists of spans that make a thread's, pool's or ring's lane; the first is what `pixelRunning` covers. */
export function spansOfLane(lane: Lane): StatedSpans[] {
  if (lane.kind === laneKind.poolQueue)
    return [{ state: spanState.queued, spans: (lane.owner as Pool).waiting() }];
  if (lane.kind === laneKind.ring)
    return [{ state: spanState.inFlight, spans: (lane.owner as Ring).inFlight() }];
  if (lane.kind === laneKind.section)
    return [{ state: spanState.section, spans: (lane.owner as SectionRow).spans }];
  const thread = lane.owner as Thread;
  if (lane.kind === laneKind.reactor)
    return [
      { state: spanState.turn, spans: thread.turns },
      { state: spanState.parked, spans: thread.parks },
    ];
  if (lane.kind === laneKind.poolThread) return [{ state: spanState.job, spans: thread.jobs }];
  return [
    { state: spanState.running, spans: thread.polls },
    { state: spanState.parkedOnLock, spans: thread.lockParks },
  ];
}

export function answerViewport(
  view: SessionView,
  query: ViewportQuery,
): { answer: ViewportAnswer; binary: Uint8Array } {
  const { model, order } = view;
  const fromNs = Number.isFinite(query.fromNs) ? query.fromNs : 0;
  const toNs = Number.isFinite(query.toNs) && query.toNs > fromNs ? query.toNs : fromNs + 1;
  const widthPx = clampWhole(query.widthPx, 1, 8192);
  const firstLane = clampWhole(query.firstLane, 0, Number.MAX_SAFE_INTEGER);
  const laneCount = clampWhole(query.laneCount, 0, laneLimit);
  const shown = new LaneAnswers(view, fromNs, toNs, widthPx);
  order.expand(query.expanded ?? [], query.allCalls !== true);
  const lanes = order.lanes(query.filter, firstLane, laneCount).map((lane, row) => shown.header(lane, row));
  const { columns } = shown;
  const packed = pack(columns);
  return {
    answer: {
      session: query.session,
      fromNs,
      toNs,
      widthPx,
      firstLane,
      laneTotal: order.total(query.filter),
      lanes,
      ...(query.locate === undefined
        ? {}
        : {
            located: query.locate
              .slice(0, locateLimit)
              .map((lane) => ({ lane, place: order.placeOf(lane, query.filter) })),
          }),
      endNs: view.endNs,
      provisionalFromNs: view.provisionalFromNs,
      stops: stopsWithin(model, fromNs, toNs, view.endNs, listLimit),
      gaps: model.gaps.within(fromNs, toNs, listLimit).map((gap) => ({ ...gap })),
      names: namesIn(model, columns, lanes),
      markerTotal: columns.markerTotal,
      columns: packed.ranges,
    },
    binary: packed.binary,
  };
}

/** NaN and what lies outside become the nearest bound. */
function clampWhole(value: number, low: number, high: number): number {
  return Number.isNaN(value) ? low : Math.min(high, Math.max(low, Math.floor(value)));
}

class LaneAnswers {
  readonly columns = new AnswerColumns();
  private readonly view: SessionView;
  private readonly fromNs: number;
  private readonly toNs: number;
  private readonly widthPx: number;
  private readonly spanLimit: number;
  private pixelRows = 0;

  constructor(view: SessionView, fromNs: number, toNs: number, widthPx: number) {
    this.view = view;
    this.fromNs = fromNs;
    this.toNs = toNs;
    this.widthPx = widthPx;
    this.spanLimit = Math.max(leastSpans, Math.floor(widthPx * spansPerPixel));
  }

  header(lane: Lane, row: number): LaneHeader {
    const { model, endNs } = this.view;
    const place = lane.kind === laneKind.task ? this.task(lane.owner as Task, row) : this.others(lane, row);
    const life = lifeOfLane(this.view, lane, endNs);
    return {
      lane: lane.lane,
      kind: lane.kind,
      label: laneLabel(model, lane),
      ...life,
      spawnSite: lane.kind === laneKind.task ? siteOf(model, (lane.owner as Task).site) : null,
      summary: laneSummary(this.view, lane),
      ...this.belongings(lane),
      ...place,
    };
  }

  private belongings(lane: Lane): Partial<Pick<LaneHeader, 'frames' | 'depth' | 'folded'>> {
    if (lane.kind === laneKind.frame) {
      const { depth, folded } = lane.owner as FrameRow;
      return { depth, ...(folded ? { folded } : {}) };
    }
    if (lane.kind !== laneKind.task) return {};
    const frames = this.view.model.frames.countOf((lane.owner as Task).id);
    return frames === 0 ? {} : { frames };
  }

  private task(task: Task, row: number): Pick<LaneHeader, 'mode' | 'first' | 'count'> {
    const { model, sums, provisionalFromNs } = this.view;
    const last = task.pages.length - 1;
    if (last >= 0) sums.preparePages(task, last);
    const first = this.columns.spanStartNs.length;
    const from = last < 0 ? 0 : pageAt(model, task, this.fromNs);
    const sink = new SpanSink(this.columns, this.fromNs, this.toNs, provisionalFromNs, this.spanLimit);
    new LifeWalk(model).walk(task, from, task.pages.length, sink);
    this.taskMarkers(task, from, row, sink.overflowed);
    if (!sink.overflowed) return { mode: 'exact', first, count: this.columns.spanStartNs.length - first };
    this.columns.truncateSpans(first);
    return this.coverage((pixels) => coverTask(model, sums, task, this.fromNs, this.toNs, pixels));
  }

  /** All markers where the spans are exact; where they are not, only how many there are. */
  private taskMarkers(task: Task, fromPage: number, row: number, countOnly: boolean): void {
    const { model, sums } = this.view;
    if (countOnly) {
      this.columns.markerTotal += sums.markersBefore(task, this.toNs) - sums.markersBefore(task, this.fromNs);
      return;
    }
    const sink = new TaskMarkers(model, this.fromNs, this.toNs, (atNs, kind, ref) =>
      this.columns.marker(row, atNs, kind, ref),
    );
    new LifeWalk(model).walk(task, fromPage, task.pages.length, sink);
  }

  private others(lane: Lane, row: number): Pick<LaneHeader, 'mode' | 'first' | 'count'> {
    const endNs = nowOf(this.view, lane);
    const ofFrames = lane.kind === laneKind.frame;
    const lists = ofFrames
      ? spansOfFrames(lane.owner as FrameRow, this.fromNs, this.toNs, endNs)
      : spansOfLane(lane);
    if (lane.kind === laneKind.reactor) this.reactorMarkers(lane.owner as Thread, row);
    else if (lane.kind === laneKind.section) this.looseMarkers(lane.owner as SectionRow, row);
    const ranges = lists.map(({ spans }) => {
      const from = firstEndingAfter(spans, this.fromNs, endNs);
      return { from, to: from + spansStartingBefore(spans, this.toNs, from) };
    });
    const count = ranges.reduce((sum, range) => sum + range.to - range.from, 0);
    if (count > this.spanLimit)
      return this.coverage((pixels) =>
        coverSpans(lists, this.fromNs, this.toNs, endNs, pixels, ofFrames ? spanState.scheduled : undefined),
      );
    const first = this.columns.spanStartNs.length;
    this.mergeSpans(lane.kind, lists, ranges, endNs);
    return { mode: 'exact', first, count };
  }

  /** The spans of the lists in order of time. */
  private mergeSpans(
    kind: LaneKind,
    lists: readonly StatedSpans[],
    ranges: { from: number; to: number }[],
    endNs: number,
  ): void {
    const { provisionalFromNs } = this.view;
    for (;;) {
      let next = -1;
      let nextNs = Number.POSITIVE_INFINITY;
      lists.forEach(({ spans }, i) => {
        const range = ranges[i];
        if (range === undefined || range.from >= range.to) return;
        const startNs = spans.startOf(range.from);
        if (startNs < nextNs) {
          next = i;
          nextNs = startNs;
        }
      });
      const list = lists[next];
      const range = ranges[next];
      if (list === undefined || range === undefined) return;
      const index = range.from++;
      const end = list.spans.endOf(index, endNs);
      let flags = list.spans.isOpen(index) && endNs >= this.view.endNs ? spanFlag.open : 0;
      if (end > provisionalFromNs) flags |= spanFlag.provisional;
      if (kind === laneKind.worker && this.view.model.stopOverlaps(nextNs, end)) flags |= spanFlag.stopped;
      this.columns.span(nextNs, end, list.state, flags, list.spans.refOf(index));
    }
  }

  /** What was marked outside of any task stands on the first of the lanes that are no task's. */
  private looseMarkers(rowOfSpans: SectionRow, row: number): void {
    if (rowOfSpans.task !== 0 || rowOfSpans.depth !== 0) return;
    for (const mark of this.view.model.sections.marksWithin(this.fromNs, this.toNs))
      this.columns.marker(row, mark.ns, markerKind.user, mark.name);
  }

  private reactorMarkers(thread: Thread, row: number): void {
    const from = firstReactorMark(thread, this.fromNs);
    const to = firstReactorMark(thread, this.toNs);
    const sent = Math.min(to, from + markerLimit);
    for (let mark = from; mark < sent; mark++)
      reactorMarker(thread, mark, (atNs, kind, ref) => this.columns.marker(row, atNs, kind, ref));
    this.columns.markerTotal += to - sent;
  }

  private coverage(
    fill: (pixels: { state: Uint8Array; running: Uint8Array; scheduled: Uint8Array }) => void,
  ) {
    const pixels = {
      state: new Uint8Array(this.widthPx),
      running: new Uint8Array(this.widthPx),
      scheduled: new Uint8Array(this.widthPx),
    };
    fill(pixels);
    this.columns.pixelState.push(pixels.state);
    this.columns.pixelRunning.push(pixels.running);
    this.columns.pixelScheduled.push(pixels.scheduled);
    const first = this.pixelRows++ * this.widthPx;
    return { mode: 'coverage', first, count: this.widthPx } as const;
  }
}

function spansStartingBefore(spans: StatedSpans['spans'], ns: number, from: number): number {
  let low = from;
  let high = spans.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans.startOf(middle) < ns) low = middle + 1;
    else high = middle;
  }
  return low - from;
}

/** Up to when an open span of the lane goes: a task that is over has nothing open any more. */
export function nowOf(view: Pick<SessionView, 'model' | 'sums' | 'endNs'>, lane: Lane): number {
  if (lane.kind !== laneKind.section && lane.kind !== laneKind.frame) return view.endNs;
  const task = view.model.task((lane.owner as SectionRow | FrameRow).task);
  return task === undefined ? view.endNs : view.sums.lifetimeOf(task).toNs;
}

/** Names of the program's own, as far as the answer refers to them. */
function namesIn(
  model: Model,
  columns: AnswerColumns,
  lanes: readonly LaneHeader[],
): Readonly<Record<number, string>> {
  const names: Record<number, string> = {};
  const add = (id: number) => {
    names[id] ??= id < 0 ? foldedName(model, -id) : textOf(model, id);
  };
  for (const lane of lanes) {
    if (lane.kind !== laneKind.section && lane.kind !== laneKind.frame) continue;
    if (lane.mode !== 'exact') continue;
    for (let i = lane.first; i < lane.first + lane.count; i++) add(columns.spanRef[i] as number);
  }
  columns.markerKind.forEach((kind, i) => {
    if (kind === markerKind.user) add(columns.markerRef[i] as number);
  });
  return names;
}

/** Id and life of a lane. */
export function lifeOfLane(
  view: Pick<SessionView, 'model' | 'sums'>,
  lane: Lane,
  endNs: number,
): { id: number; fromNs: number; toNs: number } {
  if (lane.kind === laneKind.task) {
    const task = lane.owner as Task;
    return { id: task.id, ...view.sums.lifetimeOf(task) };
  }
  if (lane.kind === laneKind.poolQueue) {
    const pool = lane.owner as Pool;
    return { id: pool.runtime, fromNs: Math.min(pool.firstNs, endNs), toNs: endNs };
  }
  if (lane.kind === laneKind.ring) {
    const ring = lane.owner as Ring;
    return { id: ring.source, fromNs: Math.min(ring.firstNs, endNs), toNs: endNs };
  }
  if (lane.kind === laneKind.section) {
    const { task, spans } = lane.owner as SectionRow;
    const fromNs = spans.count === 0 ? 0 : spans.startOf(0);
    return { id: task, fromNs, toNs: nowOf({ ...view, endNs }, lane) };
  }
  if (lane.kind === laneKind.frame) {
    const { task, frames } = lane.owner as FrameRow;
    const last = frames.at(-1)?.endNs ?? Number.NaN;
    const toNs = Number.isNaN(last) ? nowOf({ ...view, endNs }, lane) : last;
    return { id: task, fromNs: frames[0]?.openNs ?? 0, toNs };
  }
  const thread = lane.owner as Thread;
  return { id: thread.id, fromNs: thread.firstNs, toNs: thread.stopped ? thread.lastNs : endNs };
}

/** Lays the columns one after the other, each aligned to its item size. */
function pack(columns: AnswerColumns): { binary: Uint8Array; ranges: ViewportAnswer['columns'] } {
  const parts: { offset: number; bytes: Uint8Array }[] = [];
  let size = 0;
  const add = (array: Float64Array | Uint16Array | Uint8Array): ColumnRange => {
    const item = array.BYTES_PER_ELEMENT;
    const offset = Math.ceil(size / item) * item;
    parts.push({ offset, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) });
    size = offset + array.byteLength;
    return { offset, length: array.length };
  };
  const joined = (rows: readonly Uint8Array[]): Uint8Array => {
    const all = new Uint8Array(rows.reduce((sum, row) => sum + row.length, 0));
    let at = 0;
    for (const row of rows) {
      all.set(row, at);
      at += row.length;
    }
    return all;
  };
  const ranges = {
    spanStartNs: add(Float64Array.from(columns.spanStartNs)),
    spanEndNs: add(Float64Array.from(columns.spanEndNs)),
    spanRef: add(Float64Array.from(columns.spanRef)),
    markerAtNs: add(Float64Array.from(columns.markerAtNs)),
    markerRef: add(Float64Array.from(columns.markerRef)),
    markerLane: add(Uint16Array.from(columns.markerLane)),
    spanState: add(Uint8Array.from(columns.spanState)),
    spanFlags: add(Uint8Array.from(columns.spanFlags)),
    markerKind: add(Uint8Array.from(columns.markerKind)),
    pixelState: add(joined(columns.pixelState)),
    pixelRunning: add(joined(columns.pixelRunning)),
    pixelScheduled: add(joined(columns.pixelScheduled)),
  };
  const binary = new Uint8Array(size);
  for (const part of parts) binary.set(part.bytes, part.offset);
  return { binary, ranges };
}
