// Behaviour of files: every operation is a job of libuv's pool.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, before, test } from 'node:test';
import {
  joinAll,
  poolJob,
  poolLimit,
  readFile,
  run,
  spawn,
  writeFile,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'wakeline-files-'));
});

after(() => rm(folder, { recursive: true }));

test('a hundred file writes from one thread are a hundred jobs of a pool of four', async () => {
  const data = Buffer.alloc(10_000, 'x');
  const { trace } = await record(function* () {
    const writes = Array.from({ length: 100 }, (_, i) =>
      spawn(
        function* writing() {
          yield* writeFile(joinPath(folder, `file-${i}`), data);
        },
        { name: `write ${i}` },
      ),
    );
    yield* joinAll(writes);
  });
  assert.equal(poolLimit(), 4);
  assert.equal(trace.jobs.length, 100);
  assert.deepEqual(
    trace.jobs.map((job) => job.queueDepth),
    Array.from({ length: 100 }, (_, i) => Math.max(0, i + 1 - 4)),
  );
  assert.equal(trace.jobs[0]?.requests, 3);
  assert.equal(siteLabel(trace.jobs[0]?.site), 'files.test.ts:writing');
  assert.equal(trace.trace('jobEnded').filter((line) => line === 'job completed, 10000 bytes').length, 100);
  assert.deepEqual(trace.trace('readiness'), [], 'files have no readiness');
  const jobWakes = trace.wakes.filter((wake) => wake.cause.kind === 'job');
  assert.equal(jobWakes.length, 100);
  for (let i = 0; i < 100; i += 1) assert.equal(trace.pollsOf(trace.taskNamed(`write ${i}`)), 2);
  assert.deepEqual(trace.brokenEpochs(), []);
  assert.deepEqual(trace.pool.at(-1), { limit: 4, running: 0, queued: 0 });
  assert.equal(Math.max(...trace.pool.map((state) => state.queued)), 96);
  const names = await readdir(folder);
  assert.equal(names.length, 100);
  assert.equal((await stat(joinPath(folder, 'file-99'))).size, 10_000);
});

test('what was written is read back', async () => {
  const path = joinPath(folder, 'round-trip');
  const text = await run(function* () {
    yield* writeFile(path, 'wörds');
    return (yield* readFile(path)).toString();
  });
  assert.equal(text, 'wörds');
});

test('an error of the file system is thrown at the await, with the path, and the job has failed', async () => {
  const path = joinPath(folder, 'missing', 'file');
  const { trace, value } = await record(function* () {
    try {
      yield* readFile(path);
    } catch (error) {
      return error;
    }
    return undefined;
  });
  assert.ok(value instanceof Error);
  assert.match(value.message, /cannot read file .*missing.*ENOENT/);
  assert.deepEqual(trace.trace('jobEnded'), ['job panicked, 0 bytes']);
});

test('a job goes on when its task is cancelled, and wakes nobody', async () => {
  let finish = (): void => undefined;
  const { trace } = await record(function* () {
    const handle = spawn(
      () =>
        poolJob<void>('by hand', (done) => {
          finish = () => done(null, undefined, 0);
        })[Symbol.iterator](),
      { name: 'cancelled' },
    );
    yield* writeFile(joinPath(folder, 'meanwhile'), '');
    handle.abort();
    finish();
  });
  assert.equal(trace.trace('jobEnded').length, 2);
  assert.deepEqual(trace.wakesOf(trace.taskNamed('cancelled')), []);
});
