// Owns making viewport answers for the webview's tests from a short notation, with a binary part as the engine lays it out.
import { type LaneKind, laneKind, spanState } from '../../../extension/messages/lanes.ts';
import type { ViewportAnswer } from '../../../extension/messages/queries.ts';
import { readAnswer, type TimelineAnswer } from '../../../webview/layout/answer.ts';

/** Letters of a lane's picture: one per 10 ns of an exact lane, one per pixel of a coverage lane. */
const letters: Readonly<Record<string, number>> = {
  '.': spanState.none,
  r: spanState.running,
  q: spanState.scheduled,
  s: spanState.idleSource,
  t: spanState.idleTimer,
  j: spanState.idleJob,
  x: spanState.gap,
  p: spanState.parked,
  T: spanState.turn,
};

export const letterNs = 10;

export interface LaneText {
  readonly lane: number;
  readonly kind?: LaneKind;
  /** Exact: one span per run of a letter. */
  readonly exact?: string;
  /** Coverage: dominant state per pixel. */
  readonly coverage?: string;
  /** Coverage of running per pixel; 0 where it is not given. */
  readonly running?: readonly number[];
  readonly flags?: number;
}

export interface AnswerText {
  readonly lanes: readonly LaneText[];
  readonly fromNs?: number;
  readonly toNs?: number;
  readonly widthPx?: number;
  readonly firstLane?: number;
  readonly laneTotal?: number;
  readonly endNs?: number;
  readonly provisionalFromNs?: number;
  readonly filter?: string;
  readonly session?: string;
  readonly markers?: readonly { readonly atNs: number; readonly place: number; readonly kind: number }[];
  readonly located?: ViewportAnswer['located'];
}

class Columns {
  private readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  private end = 0;

  add(column: Float64Array | Uint16Array | Uint8Array): { offset: number; length: number } {
    const offset = Math.ceil(this.end / 8) * 8;
    this.parts.push({ offset, bytes: new Uint8Array(column.buffer) });
    this.end = offset + column.byteLength;
    return { offset, length: column.length };
  }

  take(): ArrayBuffer {
    const all = new Uint8Array(this.end);
    for (const { offset, bytes } of this.parts) all.set(bytes, offset);
    return all.buffer;
  }
}

function spansOf(text: string): { fromNs: number; toNs: number; state: number }[] {
  const runs = [...text.matchAll(/(.)\1*/g)];
  return runs
    .map((run) => ({
      fromNs: run.index * letterNs,
      toNs: (run.index + run[0].length) * letterNs,
      state: letters[run[1] ?? '.'] ?? 0,
    }))
    .filter((span) => span.state !== spanState.none);
}

export function answerParts(text: AnswerText): { head: ViewportAnswer; binary: ArrayBuffer } {
  const spans: { fromNs: number; toNs: number; state: number; flags: number }[] = [];
  const pixelState: number[] = [];
  const pixelRunning: number[] = [];
  const longest = Math.max(0, ...text.lanes.map((lane) => (lane.exact ?? lane.coverage ?? '').length));
  const endNs = text.endNs ?? longest * letterNs;
  const lanes = text.lanes.map((lane) => {
    const base = {
      lane: lane.lane,
      kind: lane.kind ?? laneKind.task,
      label: `lane ${lane.lane}`,
      id: lane.lane,
      fromNs: 0,
      toNs: endNs,
      spawnSite: null,
      summary: '',
    };
    if (lane.coverage !== undefined) {
      const first = pixelState.length;
      pixelState.push(...[...lane.coverage].map((letter) => letters[letter] ?? 0));
      pixelRunning.push(...[...lane.coverage].map((_letter, i) => lane.running?.[i] ?? 0));
      return { ...base, mode: 'coverage' as const, first, count: lane.coverage.length };
    }
    const own = spansOf(lane.exact ?? '');
    const first = spans.length;
    spans.push(...own.map((span) => ({ ...span, flags: lane.flags ?? 0 })));
    return { ...base, mode: 'exact' as const, first, count: own.length };
  });
  const markers = text.markers ?? [];
  const columns = new Columns();
  const head: ViewportAnswer = {
    session: text.session ?? 'a'.repeat(32),
    fromNs: text.fromNs ?? 0,
    toNs: text.toNs ?? longest * letterNs,
    widthPx: text.widthPx ?? longest,
    firstLane: text.firstLane ?? 0,
    laneTotal: text.laneTotal ?? lanes.length,
    lanes,
    ...(text.located === undefined ? {} : { located: text.located }),
    endNs,
    provisionalFromNs: text.provisionalFromNs ?? endNs,
    stops: [],
    gaps: [],
    names: {},
    markerTotal: markers.length,
    columns: {
      spanStartNs: columns.add(Float64Array.from(spans, (span) => span.fromNs)),
      spanEndNs: columns.add(Float64Array.from(spans, (span) => span.toNs)),
      spanState: columns.add(Uint8Array.from(spans, (span) => span.state)),
      spanFlags: columns.add(Uint8Array.from(spans, (span) => span.flags)),
      spanRef: columns.add(Float64Array.from(spans, (_span, i) => i + 1)),
      pixelState: columns.add(Uint8Array.from(pixelState)),
      pixelRunning: columns.add(Uint8Array.from(pixelRunning)),
      pixelScheduled: columns.add(new Uint8Array(pixelState.length)),
      markerAtNs: columns.add(Float64Array.from(markers, (marker) => marker.atNs)),
      markerLane: columns.add(Uint16Array.from(markers, (marker) => marker.place)),
      markerKind: columns.add(Uint8Array.from(markers, (marker) => marker.kind)),
      markerRef: columns.add(new Float64Array(markers.length)),
    },
  };
  return { head, binary: columns.take() };
}

export function answerOf(text: AnswerText): TimelineAnswer {
  const { head, binary } = answerParts(text);
  return readAnswer(head, binary, text.filter ?? '');
}

/** States as the letters that stand for them. */
export function lettersOf(states: Uint8Array): string {
  return [...states]
    .map((state) => Object.entries(letters).find(([, value]) => value === state)?.[0] ?? '?')
    .join('');
}
