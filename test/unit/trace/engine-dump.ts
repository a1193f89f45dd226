// Owns the engine's model as text, in the reference reader's form, taken through the engine's public door only.

import { laneKind, spanFlag, spanState } from '../../../extension/messages/lanes.ts';
import type { LaneHeader, ViewportAnswer } from '../../../extension/messages/queries.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import type { Frame } from '../../../runtime-probe/protocol/typescript/index.ts';
import { frameKind } from '../../../runtime-probe/protocol/typescript/index.ts';

const stateName = new Map(Object.entries(spanState).map(([name, value]) => [value as number, name]));

export interface ReadSpan {
  readonly fromNs: number;
  readonly toNs: number;
  readonly state: number;
  readonly flags: number;
  readonly ref: number;
}

export function sessionOf(frames: readonly Frame[]): TraceSession {
  const session = new TraceSession();
  for (const frame of frames) session.pushFrame(frame.kind, frame.payload);
  return session;
}

/** The exact spans of one lane of an answer. */
export function spansOf(answer: ViewportAnswer, binary: Uint8Array, lane: LaneHeader): ReadSpan[] {
  if (lane.mode !== 'exact') throw new Error(`lane ${lane.label} is not exact`);
  const { columns } = answer;
  const start = new Float64Array(binary.buffer, columns.spanStartNs.offset, columns.spanStartNs.length);
  const end = new Float64Array(binary.buffer, columns.spanEndNs.offset, columns.spanEndNs.length);
  const ref = new Float64Array(binary.buffer, columns.spanRef.offset, columns.spanRef.length);
  const state = binary.subarray(
    columns.spanState.offset,
    columns.spanState.offset + columns.spanState.length,
  );
  const flags = binary.subarray(
    columns.spanFlags.offset,
    columns.spanFlags.offset + columns.spanFlags.length,
  );
  return Array.from({ length: lane.count }, (_, i) => {
    const at = lane.first + i;
    return {
      fromNs: start[at] as number,
      toNs: end[at] as number,
      state: state[at] as number,
      flags: flags[at] as number,
      ref: ref[at] as number,
    };
  });
}

export interface WholeView {
  readonly answer: ViewportAnswer;
  readonly binary: Uint8Array;
}

/** Everything, in exact spans where the lanes are short enough. */
export function wholeView(session: TraceSession, filter = ''): WholeView {
  return session.viewport({
    session: '',
    fromNs: 0,
    toNs: session.endNs + 1,
    widthPx: 8192,
    firstLane: 0,
    laneCount: 1024,
    filter,
  });
}

/** Tasks and their spans as the reference reader's dump writes them. */
export function dumpTasks(session: TraceSession): string {
  const { answer, binary } = wholeView(session);
  const lines: string[] = [];
  for (const lane of answer.lanes.filter((each) => each.kind === laneKind.task)) {
    const spans = spansOf(answer, binary, lane);
    const open = spans.some((span) => (span.flags & spanFlag.open) !== 0);
    lines.push(`task ${lane.id} ${lane.fromNs}..${lane.toNs}${open ? ' open' : ''}`);
    for (const span of spans)
      if (span.toNs > span.fromNs) lines.push(`  ${span.fromNs}..${span.toNs} ${stateName.get(span.state)}`);
    const spurious = spans.filter((span) => (span.flags & spanFlag.spurious) !== 0).map((span) => span.ref);
    if (spurious.length > 0) lines.push(`  spurious ${spurious.join(' ')}`);
  }
  return lines.join('\n');
}

export function isChunk(frame: Frame): boolean {
  return frame.kind === frameKind.chunk;
}
