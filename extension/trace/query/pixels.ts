// Owns exact coverage of pixels: how much of each pixel's time a lane spent in each state, from prefix sums and
// bounded walks, whatever the zoom. Knows nothing of columns on the wire.
import { type SpanState, spanState } from '../../messages/lanes.ts';
import { pageColumn, SlotTable } from '../model/columns.ts';
import { coveredUntil, type DisjointSpans, firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Task } from '../model/entities.ts';
import { type LifeSink, LifeWalk } from '../model/life.ts';
import type { Model } from '../model/model.ts';
import { pageAt } from '../model/pages.ts';
import type { Sums } from '../model/sums.ts';

/** Time in each of this many states is kept apart. */
const stateCount = Math.max(...Object.values(spanState)) + 1;

/** The pixels of one lane, as they go to the viewer. */
export interface PixelRow {
  readonly state: Uint8Array;
  readonly running: Uint8Array;
  readonly scheduled: Uint8Array;
}

/** 0 only for no coverage at all: the shortest poll must not vanish when zoomed out. */
export function coverageByte(coveredNs: number, pixelNs: number): number {
  if (coveredNs <= 0) return 0;
  return Math.min(255, Math.max(1, Math.round((255 * coveredNs) / pixelNs)));
}

/** Writes one pixel from the time spent in each state. */
function writePixel(
  row: PixelRow,
  pixel: number,
  covered: Float64Array,
  pixelNs: number,
  runningState: SpanState,
  scheduledState: SpanState,
): void {
  let dominant = 0;
  let most = 0;
  for (let state = 1; state < stateCount; state++) {
    const ns = covered[state] as number;
    if (ns > most) {
      most = ns;
      dominant = state;
    }
  }
  row.state[pixel] = dominant;
  row.running[pixel] = coverageByte(covered[runningState] as number, pixelNs);
  row.scheduled[pixel] = coverageByte(covered[scheduledState] as number, pixelNs);
}

/** Cuts a life's intervals at the edges of pixels. */
class PixelSink implements LifeSink {
  private readonly row: PixelRow;
  private readonly fromNs: number;
  private readonly pixelNs: number;
  private readonly width: number;
  /** Time in each state up to where the walk is, and at the last edge. */
  private readonly sum = new Float64Array(stateCount);
  private readonly sumAtEdge = new Float64Array(stateCount);
  private readonly covered = new Float64Array(stateCount);
  private edge = 0;
  /** Where the next edge lies; infinite when all pixels are written. */
  nextEdgeNs: number;

  constructor(row: PixelRow, fromNs: number, toNs: number) {
    this.row = row;
    this.width = row.state.length;
    this.fromNs = fromNs;
    this.nextEdgeNs = fromNs;
    this.pixelNs = (toNs - fromNs) / this.width;
  }

  /** What the prefix record of a page says was spent before it. */
  load(block: Float64Array, at: number): void {
    for (let state = 1; state <= spanState.gap; state++)
      this.sum[state] = block[at + pageColumn.states + state] as number;
  }

  interval(state: SpanState, fromNs: number, toNs: number): boolean {
    const { sum } = this;
    let atNs = fromNs;
    while (this.nextEdgeNs <= toNs) {
      const edgeNs = this.nextEdgeNs;
      if (edgeNs > atNs) {
        sum[state] = (sum[state] as number) + edgeNs - atNs;
        atNs = edgeNs;
      }
      this.passEdge();
    }
    sum[state] = (sum[state] as number) + toNs - atNs;
    return this.edge > this.width;
  }

  /** No time is spent beyond the life: the pixels that are left stay as they are. */
  finish(): void {
    while (this.edge <= this.width) this.passEdge();
  }

  private passEdge(): void {
    const { sum, sumAtEdge, covered } = this;
    if (this.edge > 0) {
      for (let state = 1; state <= spanState.gap; state++) {
        const ns = sum[state] as number;
        covered[state] = ns - (sumAtEdge[state] as number);
        sumAtEdge[state] = ns;
      }
      writePixel(this.row, this.edge - 1, covered, this.pixelNs, spanState.running, spanState.scheduled);
    } else sumAtEdge.set(sum);
    this.edge++;
    this.nextEdgeNs =
      this.edge > this.width ? Number.POSITIVE_INFINITY : this.fromNs + this.edge * this.pixelNs;
  }
}

/** The pixels of a task's lane. At most one page is walked for each edge. */
export function coverTask(
  model: Model,
  sums: Sums,
  task: Task,
  fromNs: number,
  toNs: number,
  row: PixelRow,
): void {
  const sink = new PixelSink(row, fromNs, toNs);
  const walk = new LifeWalk(model);
  const pageCount = task.pages.length;
  if (pageCount === 0) walk.walk(task, 0, 0, sink);
  else {
    sums.preparePages(task, pageCount - 1);
    let position = pageAt(model, task, fromNs);
    while (position < pageCount && sink.nextEdgeNs < Number.POSITIVE_INFINITY) {
      const page = task.pages[position] as number;
      sink.load(model.slots.prefixBlock(page), SlotTable.prefixAt(page));
      walk.walk(task, position, position + 1, sink);
      if (position + 1 >= pageCount) break;
      position = pageAt(model, task, sink.nextEdgeNs, position + 1);
    }
  }
  sink.finish();
}

/** One state of a thread's lane and the spans in which the thread is in it. */
export interface StatedSpans {
  readonly state: SpanState;
  readonly spans: DisjointSpans;
}

/** The pixels of a thread's or pool's lane. */
export function coverSpans(
  lists: readonly StatedSpans[],
  fromNs: number,
  toNs: number,
  nowNs: number,
  row: PixelRow,
  queued: SpanState = spanState.queued,
): void {
  const width = row.state.length;
  const pixelNs = (toNs - fromNs) / width;
  const covered = new Float64Array(stateCount);
  const indexes = lists.map(({ spans }) => firstEndingAfter(spans, fromNs, nowNs));
  const before = lists.map(({ spans }, i) => coveredUntil(spans, indexes[i] as number, fromNs, nowNs));
  const shown = lists[0]?.state ?? spanState.none;
  for (let pixel = 0; pixel < width; pixel++) {
    const edgeNs = fromNs + (pixel + 1) * pixelNs;
    lists.forEach(({ state, spans }, i) => {
      const index = nextEndingAfter(spans, edgeNs, nowNs, indexes[i] as number);
      const sum = coveredUntil(spans, index, edgeNs, nowNs);
      covered[state] = sum - (before[i] as number);
      before[i] = sum;
      indexes[i] = index;
    });
    writePixel(row, pixel, covered, pixelNs, shown, queued);
  }
}

/** As firstEndingAfter from a place that is likely near: doubles its steps before it halves them. */
function nextEndingAfter(spans: DisjointSpans, atNs: number, nowNs: number, from: number): number {
  let step = 1;
  let low = from;
  while (low + step < spans.count && spans.endOf(low + step, nowNs) <= atNs) {
    low += step;
    step *= 2;
  }
  return firstEndingAfter(spans, atNs, nowNs, low, Math.min(spans.count, low + step + 1));
}
