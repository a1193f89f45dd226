// Owns turning a lane of an answer into one column of bytes per screen pixel: dominant state, share busy, share queued.
// Pure; both kinds of lane (exact spans, coverage) come out alike, so that one painter draws them.
import { spanFlag, spanState } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import { type Interval, widthNs } from '../state/interval.ts';
import { spanIndexAt, type TimelineAnswer } from './answer.ts';
import { coverageStates } from './appearance.ts';

/** One lane's picture, `widthPx` long. Used again for each lane of a frame: nothing is allocated per lane. */
export interface LaneStrip {
  readonly state: Uint8Array;
  /** 0 … 255; at least 1 where there is any. */
  readonly busy: Uint8Array;
  readonly queued: Uint8Array;
  /** OR of the flags of the spans in the pixel; empty for coverage lanes. */
  readonly flags: Uint8Array;
  /** Share of the pixel that the dominant state has, to find it. */
  readonly share: Float32Array;
}

export function newStrip(widthPx: number): LaneStrip {
  return {
    state: new Uint8Array(widthPx),
    busy: new Uint8Array(widthPx),
    queued: new Uint8Array(widthPx),
    flags: new Uint8Array(widthPx),
    share: new Float32Array(widthPx),
  };
}

export function clearStrip(strip: LaneStrip): void {
  strip.state.fill(0);
  strip.busy.fill(0);
  strip.queued.fill(0);
  strip.flags.fill(0);
}

/** Writes the pixels that the answer covers and leaves the others, so that an older answer may lie beneath. */
export function fillStrip(
  strip: LaneStrip,
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
): void {
  const widthPx = strip.state.length;
  const nsPerPx = widthNs(interval) / widthPx;
  const fromPx = Math.max(0, Math.round((answer.head.fromNs - interval.fromNs) / nsPerPx));
  const toPx = Math.min(widthPx, Math.round((answer.head.toNs - interval.fromNs) / nsPerPx));
  if (toPx <= fromPx) return;
  for (const column of [strip.state, strip.busy, strip.queued, strip.flags]) column.fill(0, fromPx, toPx);
  strip.share.fill(0, fromPx, toPx);
  if (lane.mode === 'exact') fillExact(strip, answer, lane, interval, fromPx, toPx);
  else fillCoverage(strip, answer, lane, interval, fromPx, toPx);
}

function fillExact(
  strip: LaneStrip,
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
  fromPx: number,
  toPx: number,
): void {
  const nsPerPx = widthNs(interval) / strip.state.length;
  const { busy, queued } = coverageStates[lane.kind];
  const last = lane.first + lane.count;
  const begin = Math.max(lane.first, spanIndexAt(answer, lane, interval.fromNs));
  for (let index = begin; index < last; index++) {
    const startPx = ((answer.spanStartNs[index] ?? 0) - interval.fromNs) / nsPerPx;
    if (startPx >= toPx) break;
    const endPx = ((answer.spanEndNs[index] ?? 0) - interval.fromNs) / nsPerPx;
    // The span at or before the left edge may be over before it; one of no length on the edge is still seen.
    if (endPx < fromPx || (endPx === fromPx && startPx < fromPx)) continue;
    const state = answer.spanState[index] ?? spanState.none;
    const lane8 = state === busy ? strip.busy : state === queued ? strip.queued : null;
    addSpan(
      strip,
      lane8,
      state,
      answer.spanFlags[index] ?? 0,
      Math.max(startPx, fromPx),
      Math.min(endPx, toPx),
    );
  }
}

/** Adds one span; its first and last pixel only as far as it reaches into them. */
function addSpan(
  strip: LaneStrip,
  share8: Uint8Array | null,
  state: number,
  flags: number,
  startPx: number,
  endPx: number,
): void {
  const first = Math.floor(startPx);
  // A span of no length still gets the pixel that it is in: it happened.
  const last = Math.max(first + 1, Math.ceil(endPx));
  const drawnFlags = flags & ~spanFlag.open;
  for (let x = first; x < last && x < strip.state.length; x++) {
    const part = Math.max(0, Math.min(endPx, x + 1) - Math.max(startPx, x));
    if (share8 !== null) share8[x] = Math.min(255, (share8[x] ?? 0) + Math.max(1, Math.round(part * 255)));
    strip.flags[x] = (strip.flags[x] ?? 0) | drawnFlags;
    if (part >= (strip.share[x] ?? 0)) {
      strip.share[x] = part;
      strip.state[x] = state;
    }
  }
}

function fillCoverage(
  strip: LaneStrip,
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
  fromPx: number,
  toPx: number,
): void {
  const nsPerPx = widthNs(interval) / strip.state.length;
  const pitch = (answer.head.toNs - answer.head.fromNs) / answer.head.widthPx;
  const perPx = nsPerPx / pitch;
  const origin = (interval.fromNs - answer.head.fromNs) / pitch;
  const columns = answer.head.widthPx;
  // While a zoomed-out picture waits for its answer several columns fall on one pixel: the busiest stands for them.
  const most = Math.max(1, Math.min(8, Math.round(perPx)));
  for (let x = fromPx; x < toPx; x++) {
    const column = Math.min(
      columns - 1,
      Math.max(0, Math.floor(origin + (x + 0.5) * perPx - (most - 1) / 2)),
    );
    let busy = 0;
    let queued = 0;
    for (let i = column; i < Math.min(columns, column + most); i++) {
      busy = Math.max(busy, answer.pixelRunning[lane.first + i] ?? 0);
      queued = Math.max(queued, answer.pixelScheduled[lane.first + i] ?? 0);
    }
    strip.state[x] = answer.pixelState[lane.first + column] ?? 0;
    strip.busy[x] = busy;
    strip.queued[x] = queued;
  }
}
