// Owns what is asked of the engine for a view: interval with overscan on the grid of the screen's pixels, lanes with
// overscan, and whether an answer at hand already shows all of it.
import type { ViewportQuery } from '../../extension/messages/queries.ts';
import { type Interval, widthNs } from '../state/interval.ts';
import { orderOf, type TimelineAnswer } from './answer.ts';
import type { RowLayout } from './rows.ts';

/** The widest answer that the engine gives. */
const mostColumns = 8192;
/** Share of the width that is asked for on each side, so that a short pan needs no new answer. */
const sideShare = 0.25;
/** Rows that are asked for above and below, so that a turn of the wheel (3 rows) needs no new answer. */
const overscanRows = 8;

export interface ViewSize {
  /** Width of the picture in device pixels: one column each. */
  readonly widthDevicePx: number;
  readonly heightCssPx: number;
}

export interface PlanInput {
  readonly session: string;
  readonly filter: string;
  readonly expanded: readonly number[];
  readonly allCalls: boolean;
  readonly interval: Interval;
  readonly endNs: number;
  /** While the right edge follows the trace, nothing lies beyond it and panning is not expected. */
  readonly following: boolean;
  readonly size: ViewSize;
  readonly rows: RowLayout;
  /** Lanes are asked for up to here even if their number is not known yet. */
  readonly rowsInView: number;
}

export interface QueryPlan {
  /** The pinned lanes, when the body's query does not reach up to them. */
  readonly pinned: ViewportQuery | null;
  readonly body: ViewportQuery;
}

/**
 * The same pixel grid as the screen's: column 0 of the answer lies a whole number of pixels beside the left edge, so
 * that panning by whole pixels moves the columns without sampling them anew.
 */
export function planQueries(input: PlanInput): QueryPlan {
  const { session, filter, rows } = input;
  const all = input.allCalls ? { allCalls: true } : {};
  const expanded = input.expanded.length === 0 ? {} : { expanded: input.expanded, ...all };
  const time = planTime(input);
  const bodyPlaces = rows.slots.filter((slot) => !slot.pinned).map((slot) => slot.place);
  const firstInView = bodyPlaces[0] ?? rows.pinned;
  const startsAt = Math.max(0, firstInView - overscanRows);
  const withPinned = startsAt <= rows.pinned;
  const firstLane = withPinned ? 0 : startsAt;
  const laneCount = firstInView - firstLane + input.rowsInView + 1 + overscanRows;
  const pinned =
    withPinned || rows.pinned === 0
      ? null
      : { session, ...time, firstLane: 0, laneCount: rows.pinned, filter, ...expanded };
  return { pinned, body: { session, ...time, firstLane, laneCount, filter, ...expanded } };
}

function planTime(input: PlanInput): { fromNs: number; toNs: number; widthPx: number } {
  const { interval, size, following, endNs } = input;
  const inView = Math.max(1, Math.min(size.widthDevicePx, mostColumns));
  const nsPerPx = widthNs(interval) / inView;
  const side = following
    ? 0
    : Math.min(Math.round(inView * sideShare), Math.floor((mostColumns - inView) / 2));
  const firstPx = Math.max(-side, Math.ceil(-interval.fromNs / nsPerPx));
  const pxToEnd = Math.ceil((endNs - interval.fromNs) / nsPerPx);
  const lastPx = Math.max(firstPx + 1, Math.min(inView + side, Math.max(pxToEnd, 1)));
  const fromNs = Math.max(0, interval.fromNs + firstPx * nsPerPx);
  return { fromNs, toNs: fromNs + (lastPx - firstPx) * nsPerPx, widthPx: lastPx - firstPx };
}

/** Whether an answer shows all that the query's view needs, and nothing in it can have changed since. */
export function stillAnswers(answer: TimelineAnswer, query: ViewportQuery, input: PlanInput): boolean {
  const { head } = answer;
  if (head.session !== query.session || answer.order !== orderOf(query)) return false;
  const pitch = (head.toNs - head.fromNs) / head.widthPx;
  const wantedPitch = widthNs(input.interval) / input.size.widthDevicePx;
  if (Math.abs(pitch / wantedPitch - 1) > 1e-3) return false;
  const neededFromNs = Math.max(0, input.interval.fromNs);
  const neededToNs = Math.min(input.interval.toNs, input.endNs);
  if (head.fromNs > neededFromNs + pitch || head.toNs < neededToNs - pitch) return false;
  if (!lanesCovered(answer, query, input)) return false;
  return head.endNs >= input.endNs || head.provisionalFromNs >= input.interval.toNs;
}

function lanesCovered(answer: TimelineAnswer, query: ViewportQuery, input: PlanInput): boolean {
  const { head } = answer;
  const lastPlace = head.firstLane + head.lanes.length;
  const places = input.rows.slots
    .map((slot) => slot.place)
    .filter((place) => place >= query.firstLane && place < query.firstLane + query.laneCount);
  return places.every((place) => place >= head.laneTotal || (place >= head.firstLane && place < lastPlace));
}

/**
 * Where arrows are asked for: on a grid whose step is the next power of two above the view's width, so that panning and
 * zooming ask anew only now and then. Holds the view with at least half a width on each side, except before 0.
 */
export function arrowInterval(interval: Interval): Interval {
  const step = 2 ** Math.ceil(Math.log2(widthNs(interval)));
  const fromNs = Math.max(0, Math.floor(interval.fromNs / step - 0.5) * step);
  const toNs = Math.max(fromNs + step, Math.ceil(interval.toNs / step + 0.5) * step);
  return { fromNs, toNs };
}
