// The figures behind the page that compares the hundred file writes, from text traces whose numbers can be counted by hand.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { picture } from '../../../tools/compare/picture.ts';
import { bytesWritten, traceFigures } from '../../../tools/compare/trace-figures.ts';
import { readReference } from '../../support/reference-reader.ts';
import { framesOf } from '../../support/text-trace.ts';

const model = (name: string) =>
  readReference(
    framesOf(
      readFileSync(fileURLToPath(new URL(`../../golden/traces/${name}.trace`, import.meta.url)), 'utf8'),
    ),
  );

test('submissions: what is under way, how long each took, and what was written', () => {
  const ring = model('ring-write');
  const figures = traceFigures(ring);
  assert.deepEqual(figures.inFlight, [
    { ns: 22, level: 1 },
    { ns: 32, level: 2 },
    { ns: 304, level: 1 },
    { ns: 306, level: 0 },
  ]);
  assert.deepEqual(figures.operationNs, [272, 284]);
  assert.deepEqual([figures.jobs, figures.submissions, figures.jobThreads], [0, 2, 0]);
  assert.deepEqual([figures.fromNs, figures.toNs, figures.polls, figures.reactorTurns], [20, 340, 4, 1]);
  assert.equal(bytesWritten(ring), 1048576);
});

test('jobs: the queue apart from what a thread runs', () => {
  const pool = model('pool-timer-stop');
  const figures = traceFigures(pool);
  assert.deepEqual(figures.queued, [
    { ns: 22, level: 1 },
    { ns: 50, level: 0 },
  ]);
  assert.deepEqual([figures.jobs, figures.jobThreads, figures.operationNs], [1, 1, [263]]);
  assert.deepEqual(
    figures.lanes.map((lane) => [lane.polls.length, lane.jobs.length]),
    [
      [4, 0],
      [0, 1],
    ],
  );
  assert.equal(bytesWritten(pool), 1048576);
});

test('a picture is one well-formed drawing, with names that cannot break it', () => {
  const drawn = picture('<pool> & "ring"', traceFigures(model('ring-write')), 320);
  assert.ok(drawn.startsWith('<svg ') && drawn.endsWith('</svg>\n'));
  assert.ok(drawn.includes('&#60;pool&#62; &#38; &#34;ring&#34;'));
  assert.ok(!drawn.includes('NaN'));
});
