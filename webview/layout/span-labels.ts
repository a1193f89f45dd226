// Owns which spans are wide enough to be named in the picture, and the words.
// Pure; the width of text is estimated, the renderer clips.
import { laneKind, spanFlag, spanState } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import { formatDuration } from '../../extension/trace/format.ts';
import type { Interval } from '../state/interval.ts';
import { type SpanView, spanAtIndex, spanIndexAt, type TimelineAnswer } from './answer.ts';
import { appearanceOf } from './appearance.ts';
import { pxOfNs } from './geometry.ts';

/** Narrower spans have no label: six characters of an 11 px font and their margins. */
const leastLabelCssPx = 46;
/** Mean advance of an 11 px sans-serif font. */
const advanceCssPx = 5.8;
/** More labels in one lane could not be read; the widest are in view anyway because narrow ones have none. */
const mostLabels = 64;

/** Spans narrower than this run together: lines between them would be all that is seen. */
const leastEdgeCssPx = 4;

export interface SpanLabel {
  readonly xCssPx: number;
  readonly widthCssPx: number;
  readonly text: string;
  readonly state: number;
  /** It stands on a bar that is thinner than its letters. */
  readonly thin: boolean;
}

/** `poll 3`, `task 12`, `job 7`, `turn 37`: what the span's reference counts by kind of lane; the name of the program's own. */
export function spanWord(lane: LaneHeader, span: SpanView, names: TimelineAnswer['head']['names']): string {
  const { word } = appearanceOf(span.state);
  if (lane.folded === true) return names[span.ref] || word;
  if (lane.kind === laneKind.frame) return span.state === spanState.running ? names[span.ref] || word : word;
  if (span.state === spanState.running)
    return lane.kind === laneKind.worker ? `task ${span.ref}` : `poll ${span.ref}`;
  if (span.state === spanState.job && lane.kind === laneKind.poolThread) return `job ${span.ref}`;
  if (span.state === spanState.section) return names[span.ref] || word;
  if (span.state === spanState.turn) return `turn ${span.ref}`;
  return word;
}

/** The longest of the wordings that fits: word and duration, word, nothing. */
export function fittingText(word: string, durationNs: number, widthCssPx: number): string {
  const full = `${word} · ${formatDuration(durationNs)}`;
  const room = (widthCssPx - 8) / advanceCssPx;
  if (full.length <= room) return full;
  return word.length <= room ? word : '';
}

export function spanLabels(
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
  widthCssPx: number,
): SpanLabel[] {
  if (lane.mode !== 'exact') return [];
  const labels: SpanLabel[] = [];
  const last = lane.first + lane.count;
  const begin = Math.max(lane.first, spanIndexAt(answer, lane, interval.fromNs));
  for (let index = begin; index < last && labels.length < mostLabels; index++) {
    const span = spanAtIndex(answer, index);
    if (span.fromNs >= interval.toNs) break;
    const leftCssPx = Math.max(0, pxOfNs(interval, widthCssPx, span.fromNs));
    const rightCssPx = Math.min(widthCssPx, pxOfNs(interval, widthCssPx, span.toNs));
    if (rightCssPx - leftCssPx < leastLabelCssPx || span.state === spanState.none) continue;
    const text = fittingText(
      spanWord(lane, span, answer.head.names),
      span.toNs - span.fromNs,
      rightCssPx - leftCssPx,
    );
    if (text === '') continue;
    const thin = lane.folded === true;
    labels.push({ xCssPx: leftCssPx, widthCssPx: rightCssPx - leftCssPx, text, state: span.state, thin });
  }
  return labels;
}

/** Where one span ends and another of the same state begins, in CSS px: without a line they would look like one. */
export function spanEdges(
  answer: TimelineAnswer,
  lane: LaneHeader,
  interval: Interval,
  widthCssPx: number,
): number[] {
  if (lane.mode !== 'exact') return [];
  const edges: number[] = [];
  const last = lane.first + lane.count;
  let before: SpanView | null = null;
  for (let index = Math.max(lane.first, spanIndexAt(answer, lane, interval.fromNs)); index < last; index++) {
    const span = spanAtIndex(answer, index);
    if (span.fromNs >= interval.toNs) break;
    const xCssPx = pxOfNs(interval, widthCssPx, span.fromNs);
    const joins =
      before !== null &&
      before.state === span.state &&
      xCssPx - pxOfNs(interval, widthCssPx, before.toNs) < 1 &&
      xCssPx - pxOfNs(interval, widthCssPx, before.fromNs) >= leastEdgeCssPx &&
      pxOfNs(interval, widthCssPx, span.toNs) - xCssPx >= leastEdgeCssPx;
    if (joins) edges.push(xCssPx);
    before = span;
  }
  return edges;
}

/** What a span's flags say, for the tooltip. */
export function flagWords(flags: number): string[] {
  const words: string[] = [];
  if (flags & spanFlag.open) words.push('not over yet');
  if (flags & spanFlag.provisional) words.push('may still change');
  if (flags & spanFlag.spurious) words.push('no wake came before this poll');
  if (flags & spanFlag.inferred) words.push('cause inferred');
  if (flags & spanFlag.unknownCause) words.push('cause not known');
  if (flags & spanFlag.stopped) words.push('holds a debugger stop: in no statistic');
  if (flags & spanFlag.ready) words.push('the task completed');
  if (flags & spanFlag.panicked) words.push('panicked');
  return words;
}
