// Owns where markers, wake arrows and bands over all lanes (stops, gaps, what may still change) stand.
// Pure: answer and rows in, shapes in CSS px out.
import type { Arrow, ViewportAnswer } from '../../extension/messages/queries.ts';
import { formatDuration } from '../../extension/trace/format.ts';
import type { Interval } from '../state/interval.ts';
import type { TimelineAnswer } from './answer.ts';
import { isMarkerKind, type MarkerAppearance, markerAppearance } from './appearance.ts';
import { pxOfNs, rowHeightCssPx } from './geometry.ts';

/** Nearer markers of one kind and lane are one: 3 px is half a marker. */
const mergeCssPx = 3;
/** Markers of a lane that are nearer than this on average are drawn small. */
const roomyCssPx = 60;

export interface MarkerShapeAt {
  readonly xCssPx: number;
  readonly yCssPx: number;
  readonly appearance: MarkerAppearance;
  readonly count: number;
  /** Its lane has so many that they would hide the bars: draw it small. */
  readonly small: boolean;
}

/** Markers of the rows in view; `yOfLane` gives undefined for a lane that is not. */
export function layoutMarkers(
  answer: TimelineAnswer,
  yOfLane: (lane: number) => number | undefined,
  interval: Interval,
  widthCssPx: number,
): MarkerShapeAt[] {
  const out: {
    xCssPx: number;
    yCssPx: number;
    appearance: MarkerAppearance;
    count: number;
    place: number;
  }[] = [];
  const perLane = new Map<number, number>();
  const lastOf = new Map<number, (typeof out)[number]>();
  for (let i = 0; i < answer.markerAtNs.length; i++) {
    const kind = answer.markerKind[i] ?? 0;
    const place = answer.markerLane[i] ?? 0;
    const lane = answer.head.lanes[place];
    const yCssPx = lane === undefined ? undefined : yOfLane(lane.lane);
    if (yCssPx === undefined || !isMarkerKind(kind)) continue;
    const xCssPx = pxOfNs(interval, widthCssPx, answer.markerAtNs[i] ?? 0);
    if (xCssPx < -4 || xCssPx > widthCssPx + 4) continue;
    const key = place * 64 + kind;
    const before = lastOf.get(key);
    if (before !== undefined && Math.abs(xCssPx - before.xCssPx) < mergeCssPx) {
      before.count++;
      continue;
    }
    const mark = { xCssPx, yCssPx, appearance: markerAppearance[kind], count: 1, place };
    perLane.set(place, (perLane.get(place) ?? 0) + 1);
    lastOf.set(key, mark);
    out.push(mark);
  }
  return out.map(({ place, ...mark }) => ({
    ...mark,
    small: (perLane.get(place) ?? 0) * roomyCssPx > widthCssPx,
  }));
}

/** How far an arrow reaches towards a lane that is out of view: a row and a half. */
const stubCssPx = 30;

export interface ArrowShape {
  readonly fromXCssPx: number;
  readonly fromYCssPx: number;
  readonly toXCssPx: number;
  readonly toYCssPx: number;
  /** Solid when recorded, dashed when inferred, dotted when unknown. */
  readonly certainty: Arrow['certainty'];
  readonly kind: Arrow['kind'];
  /** The end lies above or below what is in view. */
  readonly fromOutside: boolean;
  readonly toOutside: boolean;
}

/**
 * Arrows between rows, from the bar's edge that faces the other row.
 * `yOfLane` gives the y of a row in view, or ±Infinity for one above or below, or undefined when it is not known.
 */
export function layoutArrows(
  arrows: readonly Arrow[],
  yOfLane: (lane: number) => number | undefined,
  interval: Interval,
  widthCssPx: number,
  topCssPx: number,
  bottomCssPx: number,
): ArrowShape[] {
  const shapes: ArrowShape[] = [];
  for (const arrow of arrows) {
    const fromRow = yOfLane(arrow.fromLane) ?? Number.NEGATIVE_INFINITY;
    const toRow = yOfLane(arrow.toLane) ?? Number.NEGATIVE_INFINITY;
    if (!Number.isFinite(fromRow) && !Number.isFinite(toRow)) continue;
    const fromXCssPx = pxOfNs(interval, widthCssPx, arrow.fromNs);
    const toXCssPx = pxOfNs(interval, widthCssPx, arrow.toNs);
    if (Math.max(fromXCssPx, toXCssPx) < 0 || Math.min(fromXCssPx, toXCssPx) > widthCssPx) continue;
    const down = toRow > fromRow;
    // An end that is out of view is a stub: lines over the whole height would say nothing but that there are many.
    const stub = (insideRow: number, away: number) =>
      Math.min(bottomCssPx, Math.max(topCssPx, insideRow + rowHeightCssPx / 2 + away * stubCssPx));
    shapes.push({
      fromXCssPx,
      fromYCssPx: Number.isFinite(fromRow)
        ? fromRow + (down ? rowHeightCssPx - 3 : 3)
        : stub(toRow, down ? -1 : 1),
      toXCssPx,
      toYCssPx: Number.isFinite(toRow)
        ? toRow + (down ? 3 : rowHeightCssPx - 3)
        : stub(fromRow, down ? 1 : -1),
      certainty: arrow.certainty,
      kind: arrow.kind,
      fromOutside: !Number.isFinite(fromRow),
      toOutside: !Number.isFinite(toRow),
    });
  }
  return shapes;
}

export interface Band {
  readonly kind: 'stop' | 'gap' | 'provisional';
  readonly xCssPx: number;
  readonly widthCssPx: number;
  readonly label: string;
}

/** A stop that goes on is seen although no time passes in the trace. */
const openStopCssPx = 6;

/** Bands in the order in which they are painted. */
export function layoutBands(
  head: Pick<ViewportAnswer, 'stops' | 'gaps' | 'provisionalFromNs' | 'endNs'>,
  interval: Interval,
  widthCssPx: number,
): Band[] {
  const bands: Band[] = [];
  const add = (
    kind: Band['kind'],
    { fromNs, toNs, leastCssPx = 1 }: { fromNs: number; toNs: number; leastCssPx?: number },
    label: string,
  ) => {
    const left = Math.max(-2, pxOfNs(interval, widthCssPx, fromNs));
    const right = Math.min(widthCssPx + 2, pxOfNs(interval, widthCssPx, toNs));
    if (right <= 0 || left >= widthCssPx + 1 || toNs < fromNs) return;
    const width = Math.max(leastCssPx, right - left);
    bands.push({ kind, xCssPx: Math.min(left, widthCssPx - leastCssPx), widthCssPx: width, label });
  };
  if (head.provisionalFromNs < head.endNs) {
    const { provisionalFromNs: fromNs, endNs: toNs } = head;
    add('provisional', { fromNs, toNs }, '');
  }
  for (const gap of head.gaps)
    add('gap', gap, gap.dropped > 0 ? `${gap.dropped} events lost` : 'events lost');
  for (const stop of head.stops) {
    const task = stop.task === '' ? '' : ` in ${stop.task}`;
    const lasted = stop.open ? 'now' : formatDuration(stop.toNs - stop.fromNs);
    // Nothing more is recorded while the program stands: where it stands now is the edge of what there is.
    const leastCssPx = stop.open ? openStopCssPx : 1;
    add('stop', { ...stop, leastCssPx }, `stopped: ${stop.reason}${task} · ${lasted}`);
  }
  return bands;
}
