// Owns the spans of a row of frames in an interval, by their state. Knows nothing of lanes or answers.
import { type SpanState, spanState } from '../../messages/lanes.ts';
import { SpanColumns } from '../model/disjoint-spans.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import type { StatedSpans } from './pixels.ts';

/** Running first: that is what a pixel's share of running covers. */
const states: readonly SpanState[] = [
  spanState.running,
  spanState.scheduled,
  spanState.idleSource,
  spanState.idleTimer,
  spanState.idleJob,
  spanState.idleTask,
  spanState.idleResource,
  spanState.idleUnknown,
];

/**
 * The ref of a span is the text id of the function's name; in a row of folded calls the frame's id, negative. What is
 * open ends at `nowNs`.
 */
export function spansOfFrames(row: FrameRow, fromNs: number, toNs: number, nowNs: number): StatedSpans[] {
  const lists = new Map(states.map((state) => [state, new SpanColumns()]));
  for (let at = row.firstEndingAfter(fromNs); at < row.frames.length; at++) {
    const frame = row.frames[at];
    if (frame === undefined || frame.openNs >= toNs) break;
    frame.walk(nowNs, (segment) => {
      if (segment.fromNs >= toNs) return true;
      if (segment.toNs <= fromNs) return false;
      const spans = lists.get(segment.state);
      spans?.begin(segment.fromNs, row.folded ? -frame.id : frame.name);
      if (!segment.open) spans?.end(segment.toNs);
      return false;
    });
  }
  return [...lists]
    .filter(([state, { count }]) => count > 0 || state === spanState.running)
    .map(([state, spans]) => ({ state, spans }));
}
