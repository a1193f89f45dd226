// Owns how tests of sentences ask the engine: a text trace, a lane by its label, the sentence there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TraceSession } from '../../../extension/trace/session.ts';
import { framesOf } from '../../support/text-trace.ts';
import { sessionOf, wholeView } from './engine-dump.ts';

/** The golden trace of this name, as text. */
export const golden = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../golden/traces/${name}.trace`, import.meta.url)), 'utf8');

/** The lane of this label, which must be there. */
export function laneOf(session: TraceSession, label: string): number {
  const lane = wholeView(session).answer.lanes.find((each) => each.label === label);
  assert.ok(lane !== undefined, `there is no lane ${label}`);
  return lane.lane;
}

/** Holds "label@ns" against the start of the sentence that is told of the span there. */
export function check(trace: string, expected: Readonly<Record<string, string>>): void {
  const session = sessionOf(framesOf(trace));
  for (const [place, sentence] of Object.entries(expected)) {
    const [label = '', at = ''] = place.split('@');
    const told = session.explain({ session: '', lane: laneOf(session, label), atNs: Number(at) });
    assert.equal(told?.sentence, sentence, place);
  }
}
