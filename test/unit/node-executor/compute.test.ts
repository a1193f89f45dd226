// Behaviour of CPU work on worker threads.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import {
  ComputeError,
  compute,
  joinAll,
  run,
  select,
  spawn,
  WorkerPool,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

const pool = new WorkerPool({ threads: 1, name: 'one thread' });
after(() => pool.close());
const jobs = new URL('./compute-jobs.mjs', import.meta.url);

function fibonacci(n: number): number {
  const step = (k: number): number => (k < 2 ? k : step(k - 1) + step(k - 2));
  return step(n);
}

test('a function runs on another thread, while the tasks of this one go on', async () => {
  const { trace, value } = await record(function* computing() {
    let turns = 0;
    spawn(function* () {
      for (;;) {
        turns += 1;
        yield* yieldNow();
      }
    });
    const result = yield* compute(fibonacci, [20], { pool });
    assert.ok(turns > 0);
    return result;
  });
  assert.equal(value, 6765);
  const [job] = trace.jobs;
  assert.equal(job?.name, 'fibonacci');
  assert.equal(job?.runtime, pool.id);
  assert.equal(siteLabel(job?.site), 'compute.test.ts:computing');
  const wait = trace.waits.find((each) => each.target.kind === 'job');
  assert.equal(wait?.target.id, job?.job);
  const [start, end] = trace.runs;
  assert.ok(start !== undefined && end !== undefined);
  assert.deepEqual(
    [start.is, end.is, start.job, end.job],
    ['start', 'end', job?.job, job?.job],
    'the run was told, from its start to its end',
  );
  assert.ok(start.atNs <= end.atNs);
  assert.equal(start.thread, end.thread);
  assert.deepEqual(trace.wakesOf(trace.taskNamed('root'))[0]?.cause, { kind: 'job', id: job?.job });
  const thread = trace.threads.get(start.thread);
  if (process.platform === 'linux') assert.ok((thread?.osThread ?? 0) > 0);
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('jobs beyond the threads wait in their order', async () => {
  const { trace, value } = await record(function* () {
    return yield* joinAll([1, 2, 3].map((n) => compute((k: number) => k * 10, [n], { pool })));
  });
  assert.deepEqual(value, [10, 20, 30]);
  assert.deepEqual(
    trace.jobs.map((job) => job.queueDepth),
    [1, 1, 2],
  );
  assert.deepEqual(
    trace.runs.map((each) => each.is),
    ['start', 'end', 'start', 'end', 'start', 'end'],
  );
  const order = trace.runs.filter((each) => each.is === 'start').map((each) => each.job);
  assert.deepEqual(
    order,
    trace.jobs.map((job) => job.job),
  );
});

test('an export of a module runs, and what it awaits is awaited there', async () => {
  await run(function* () {
    assert.equal(yield* compute<number>({ module: jobs, name: 'doubleLater' }, [21], { pool }), 42);
  });
});

test('an error comes back with its own stack', async () => {
  await run(function* () {
    let caught: unknown;
    try {
      yield* compute({ module: jobs, name: 'failing' }, [], { pool });
    } catch (error) {
      caught = error;
    }
    assert.ok(caught instanceof ComputeError);
    assert.match(caught.message, /^failing of compute-jobs\.mjs failed on a worker thread: planned$/);
    assert.ok(caught.cause instanceof RangeError);
    assert.match(caught.cause.stack ?? '', /compute-jobs\.mjs/);
  });
});

test('what cannot be run or cloned is refused, and says why', async () => {
  const failure = async (work: () => Generator<unknown, unknown, unknown>): Promise<Error> => {
    try {
      await run(work as never);
    } catch (error) {
      assert.ok(error instanceof Error);
      return error;
    }
    return assert.fail('nothing was thrown');
  };
  const methods = {
    shout() {
      return 'x';
    },
  };
  assert.throws(() => compute(methods.shout, [], { pool }), /is a method/);
  assert.throws(() => compute(fibonacci.bind(undefined), [1], { pool }), /native or bound/);
  assert.throws(() => compute({ module: './jobs.js', name: 'x' }, []), /new URL\('\.\/jobs\.js'/);
  const uncloneable = await failure(function* () {
    yield* compute((f: () => void) => f, [() => undefined], { pool });
  });
  assert.match(uncloneable.message, /could not be cloned/);
  const returned = await failure(function* () {
    yield* compute(() => () => 1, [], { pool });
  });
  assert.match(returned.message, /could not be cloned/);
  const missing = await failure(function* () {
    yield* compute({ module: jobs, name: 'nothing' }, [], { pool });
  });
  assert.match(missing.message, /exports no function nothing; it exports: .*doubleLater/);
  const outer = 5;
  const closed = await failure(function* () {
    yield* compute(() => outer, [], { pool });
  });
  assert.match(closed.message, /outer is not defined/);
});

test('work that is dropped ends with its thread, and the next work gets a new one', async () => {
  const { trace, value } = await record(function* () {
    const begun = new SharedArrayBuffer(4);
    const endless = compute(
      (memory: SharedArrayBuffer) => {
        Atomics.store(new Int32Array(memory), 0, 1);
        for (;;);
      },
      [begun],
      { pool },
    );
    const lost = yield* select(
      endless,
      (function* () {
        while (Atomics.load(new Int32Array(begun), 0) === 0) yield* yieldNow();
      })(),
    );
    assert.equal(lost.index, 1);
    return yield* compute(fibonacci, [10], { pool });
  });
  assert.equal(value, 55);
  const threads = new Set(trace.runs.filter((each) => each.is === 'end').map((each) => each.thread));
  assert.equal(threads.size, 2);
  assert.ok(trace.trace('jobEnded').includes('job cancelled, 0 bytes, on its thread'));
  assert.equal(trace.wakerCloneBalance.get(trace.taskNamed('root')) ?? 0, 0);
});

test('work that is dropped in the queue never runs; abandoned work runs on unheard', async () => {
  await run(function* () {
    const shared = new SharedArrayBuffer(8);
    const words = new Int32Array(shared);
    const raise = (memory: SharedArrayBuffer, at: number) => {
      const mine = new Int32Array(memory);
      Atomics.add(mine, at, 1);
      while (at === 0 && Atomics.load(mine, 0) < 2);
      Atomics.add(mine, at, 1);
    };
    const running = spawn(compute(raise, [shared, 0], { pool, onCancel: 'abandon' }));
    const queued = spawn(compute(raise, [shared, 1], { pool }));
    while (Atomics.load(words, 0) < 1) yield* yieldNow();
    running.abort();
    queued.abort();
    assert.equal(Atomics.add(words, 0, 1), 1);
    yield* compute(() => 0, [], { pool });
    assert.deepEqual([...words], [3, 0]);
  });
});

test('a thread that ends by itself fails its work and is replaced', async () => {
  await run(function* () {
    let message = '';
    try {
      yield* compute(() => process.exit(3), [], { pool });
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.match(message, /ended with code 3/);
    assert.equal(yield* compute(() => 1, [], { pool }), 1);
  });
});

test('what is transferred is moved, not copied', async () => {
  await run(function* () {
    const buffer = new ArrayBuffer(16);
    const length = yield* compute((moved: ArrayBuffer) => moved.byteLength, [buffer], {
      pool,
      transfer: [buffer],
    });
    assert.equal(length, 16);
    assert.equal(buffer.byteLength, 0);
  });
});

test('a closed pool refuses, and gives up what it had', async () => {
  const short = new WorkerPool({ threads: 1 });
  await run(function* () {
    const work = spawn(
      compute(
        () => {
          for (;;);
        },
        [],
        { pool: short },
      ),
    );
    yield* yieldNow();
    short.close();
    short.close();
    let message = '';
    try {
      yield* work;
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.match(message, /was closed/);
    assert.equal(short.threads, 0);
  });
  await assert.rejects(run(compute(() => 1, [], { pool: short })), /is closed/);
});

test('an idle pool does not keep the process alive', async () => {
  const executor = new URL('../../../runtime-probe/node/src/executor/index.ts', import.meta.url).href;
  const program = `
    import { compute, run } from '${executor}';
    console.log(await run(compute((n) => n + 1, [1])));
  `;
  // execFile kills it when it does not end, and then there is an error.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { timeout: 240_000 },
  );
  assert.equal(stdout, '2\n');
});
