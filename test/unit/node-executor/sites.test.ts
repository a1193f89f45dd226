// Source positions: the line that the user wrote, whatever stands between it and the executor.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Async, joinAll, sleep, spawn } from '../../../runtime-probe/node/src/executor/index.ts';
import { captureSite } from '../../../runtime-probe/node/src/executor/site.ts';
import { record } from '../../support/executor-observer.ts';

const thisFile = fileURLToPath(import.meta.url);
const lines = readFileSync(thisFile, 'utf8').split('\n');

/** The number of the line that ends with this marker. */
function lineMarked(marker: string): number {
  const index = lines.findIndex((line) => line.endsWith(`// ${marker}`));
  assert.ok(index >= 0, `no line is marked ${marker}`);
  return index + 1;
}

test('an await’s site is its own line and column, mapped through the source map of the loader', async () => {
  const { trace } = await record(function* program() {
    yield* sleep(10); // first await
    yield* nested();
  });
  function* nested(): Async<void> {
    yield* sleep(10); // nested await
  }
  const sites = trace.waits.map((wait) => wait.site);
  assert.deepEqual(
    sites.map((site) => [site?.file, site?.line, site?.functionName]),
    [
      [thisFile, lineMarked('first await'), 'program'],
      [thisFile, lineMarked('nested await'), 'nested'],
    ],
  );
  const column = lines[lineMarked('first await') - 1]?.indexOf('sleep') ?? -1;
  assert.equal(sites[0]?.column, column + 1);
});

test('a built-in between the user’s code and the executor is skipped', async () => {
  const { trace } = await record(function* () {
    yield* joinAll([20, 40].map(sleep)); // by map
  });
  const waits = trace.waits.filter((wait) => wait.target.kind === 'timer');
  assert.equal(waits.length, 3, 'both, and the second again after the first was done');
  for (const wait of waits) assert.equal(wait.site?.line, lineMarked('by map'));
});

test('the same position is the same object', async () => {
  const { trace } = await record(function* () {
    for (let i = 0; i < 3; i += 1) spawn(() => sleep(0)[Symbol.iterator]());
    yield* sleep(1);
  });
  const spawned = [...trace.tasks.values()].filter((task) => task.kind === 'local').map((task) => task.site);
  assert.equal(spawned.length, 3);
  assert.ok(spawned[0] !== undefined && spawned[0] === spawned[1] && spawned[1] === spawned[2]);
});

test('taking a stack leaves no trace in Error', () => {
  const marker = (): string => 'mine';
  const previous = Error.prepareStackTrace;
  const limit = Error.stackTraceLimit;
  Error.prepareStackTrace = marker;
  const publicFunction = (): unknown => captureSite(publicFunction);
  publicFunction();
  assert.equal(Error.prepareStackTrace, marker);
  assert.equal(Error.stackTraceLimit, limit);
  if (previous === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
  else Error.prepareStackTrace = previous;
});
