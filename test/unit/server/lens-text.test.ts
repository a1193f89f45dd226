// The lens says how many tasks, how long they ran, waited and stood in the queue, and what for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteSummary } from '../../../extension/messages/queries.ts';
import { lensText } from '../../../extension/server/lens-text.ts';

const summary: SiteSummary = {
  site: { file: 'src/main.rs', line: 10, column: 5, functionName: 'main' },
  tasks: 100,
  alive: 0,
  polls: 300,
  runningNs: 2_000_000,
  scheduledNs: 1_000_000,
  idleNs: 10_000_000_000,
  waits: [
    { on: 'source', ns: 8_500_000_000 },
    { on: 'timer', ns: 1_000_000_000 },
    { on: 'job', ns: 500_000_000 },
  ],
};

test('tasks, times and the waits that matter', () => {
  const text = lensText(summary);
  assert.match(text, /^100 tasks · ran .*2.* · waited .*10.* \(85 % source, 10 % timer\) · queued .*1/);
});

test('one task alive, which never waited', () => {
  const text = lensText({ ...summary, tasks: 1, alive: 1, idleNs: 0, scheduledNs: 0, waits: [] });
  assert.match(text, /^1 task \(1 alive\) · ran [^·]*$/);
});
