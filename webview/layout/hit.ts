// Owns finding what lies under the pointer: lane, instant, span; and the next span for the keyboard.
// Pure.
import { markerKind } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import { type Interval, widthNs } from '../state/interval.ts';
import { type SpanView, spanAtIndex, spanIndexAt, type TimelineAnswer } from './answer.ts';
import { coverageStates } from './appearance.ts';
import { grabCssPx } from './geometry.ts';

export interface Hit {
  readonly lane: LaneHeader;
  readonly atNs: number;
  /** The exact span; null where only coverage is known, or no span is. */
  readonly span: SpanView | null;
  /** Dominant state of the pixel where only coverage is known. */
  readonly state: number;
  /** Names of the program's own that its answer refers to. */
  readonly names: TimelineAnswer['head']['names'];
  /** The program's own marks near the pointer. */
  readonly marks: readonly string[];
}

/** A short busy span near the pointer is preferred to the long wait around it: polls are what is hard to hit. */
export function hitAt(
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
  widthCssPx: number,
  atNs: number,
): Hit {
  const reachNs = (widthNs(interval) / widthCssPx) * grabCssPx;
  const found = { lane, names: answer.head.names, marks: marksNear(answer, lane, atNs, reachNs) };
  if (lane.mode === 'coverage') return { ...found, atNs, span: null, state: columnState(answer, lane, atNs) };
  const { busy } = coverageStates[lane.kind];
  const last = lane.first + lane.count;
  let nearest: SpanView | null = null;
  let nearestNs = reachNs;
  for (let i = Math.max(lane.first, spanIndexAt(answer, lane, atNs - reachNs)); i < last; i++) {
    const span = spanAtIndex(answer, i);
    if (span.fromNs > atNs + reachNs) break;
    const distanceNs = Math.max(0, span.fromNs - atNs, atNs - span.toNs);
    if (span.state === busy && distanceNs <= nearestNs) {
      nearest = span;
      nearestNs = distanceNs;
    }
  }
  const here = spanIndexAt(answer, lane, atNs);
  const under = here < 0 ? null : spanAtIndex(answer, here);
  const containing = under !== null && atNs <= under.toNs ? under : null;
  const span = containing?.state === busy ? containing : (nearest ?? containing);
  return { ...found, atNs: span === null ? atNs : insideOf(span, atNs), span, state: span?.state ?? 0 };
}

/** More names would not fit beside the pointer. */
const mostMarks = 5;

/** What the program called the instants near the pointer, each name once. */
function marksNear(answer: TimelineAnswer, lane: LaneHeader, atNs: number, reachNs: number): string[] {
  const row = answer.placeOfLane.get(lane.lane);
  const near = new Set<string>();
  for (let i = 0; i < answer.markerAtNs.length && near.size < mostMarks; i++) {
    if (answer.markerKind[i] !== markerKind.user || answer.markerLane[i] !== row) continue;
    const name = answer.head.names[answer.markerRef[i] ?? 0];
    if (name !== undefined && Math.abs((answer.markerAtNs[i] ?? 0) - atNs) <= reachNs) near.add(name);
  }
  return [...near];
}

/** The instant itself if it lies in the span, else the nearest that does: spans hold their start, not their end. */
export function insideOf(span: SpanView, atNs: number): number {
  if (atNs >= span.fromNs && atNs < span.toNs) return atNs;
  return (span.fromNs + span.toNs) / 2;
}

function columnState(answer: TimelineAnswer, lane: LaneHeader, atNs: number): number {
  const { fromNs, toNs, widthPx } = answer.head;
  const column = Math.floor(((atNs - fromNs) / (toNs - fromNs)) * widthPx);
  return column < 0 || column >= widthPx ? 0 : (answer.pixelState[lane.first + column] ?? 0);
}

/**
 * Where the next or the previous span of a lane lies.
 * In coverage: the next column with another dominant state. Null when the answer holds none in that direction.
 */
export function neighbourNs(
  answer: TimelineAnswer,
  lane: LaneHeader,
  atNs: number,
  direction: 1 | -1,
): number | null {
  if (lane.mode === 'exact') {
    const here = spanIndexAt(answer, lane, atNs);
    const index = here < 0 ? (direction === 1 ? lane.first : -1) : here + direction;
    if (index < lane.first || index >= lane.first + lane.count) return null;
    const span = spanAtIndex(answer, index);
    return (span.fromNs + span.toNs) / 2;
  }
  const { fromNs, toNs, widthPx } = answer.head;
  const pitch = (toNs - fromNs) / widthPx;
  const start = Math.max(0, Math.min(widthPx - 1, Math.floor((atNs - fromNs) / pitch)));
  const state = answer.pixelState[lane.first + start];
  for (let column = start + direction; column >= 0 && column < widthPx; column += direction) {
    if (answer.pixelState[lane.first + column] !== state) return fromNs + (column + 0.5) * pitch;
  }
  return null;
}
