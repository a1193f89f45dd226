// Behaviour of join and select: one task, several frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Async,
  join,
  joinAll,
  oneshot,
  run,
  select,
  sleep,
  spawn,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

test('one wake polls every branch of a join that is not done', async () => {
  const { trace, value } = await record(function* waiting() {
    const a = oneshot<string>();
    const b = oneshot<number>();
    spawn(
      function* () {
        yield* sleep(2);
        a.sender.send('first');
        yield* sleep(4);
        b.sender.send(2);
      },
      { name: 'sending' },
    );
    return yield* join(a.receiver, b.receiver);
  });
  assert.deepEqual(value, ['first', 2]);
  assert.deepEqual(trace.trace('frameOpened', 'frameEntered', 'frameLeft', 'frameEnded'), [
    'joinBranch branch 0 of root opened',
    'enter branch 0',
    'leave branch 0 pending',
    'joinBranch branch 1 of root opened',
    'enter branch 1',
    'leave branch 1 pending',
    // One wake, for branch 0: branch 1 is polled for nothing.
    'enter branch 0',
    'leave branch 0 ready',
    'end branch 0 completed',
    'enter branch 1',
    'leave branch 1 pending',
    'enter branch 1',
    'leave branch 1 ready',
    'end branch 1 completed',
  ]);
  assert.deepEqual(
    trace.trace('waitStarted').filter((line) => line.includes('resource')),
    ['branch 0 waits for resource', 'branch 1 waits for resource', 'branch 1 waits for resource'],
  );
  assert.equal(trace.pollsOf(trace.taskNamed('root')), 3);
  assert.equal(siteLabel(trace.frames[0]?.site), 'combine.test.ts:waiting');
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('join of nothing is ready, and values keep the order of the branches', async () => {
  const values = await run(function* () {
    const none = yield* joinAll([]);
    const some = yield* joinAll([3, 1, 2].map((ms) => after(ms)));
    return [none, some];
  });
  assert.deepEqual(values, [[], [3, 1, 2]]);
});

function* after(ms: number): Async<number> {
  yield* sleep(ms);
  return ms;
}

test('a branch that throws cancels the others and its error is the join’s', async () => {
  let cleaned = false;
  const { trace } = await record(function* () {
    const failing = function* (): Async<void> {
      yield* sleep(1);
      throw new Error('branch failed');
    };
    const other = function* (): Async<void> {
      try {
        yield* sleep(60_000);
      } finally {
        cleaned = true;
      }
    };
    let message = '';
    try {
      yield* join(other(), failing());
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.equal(message, 'branch failed');
  });
  assert.equal(cleaned, true);
  assert.deepEqual(trace.trace('frameEnded'), ['end branch 1 panicked', 'end branch 0 cancelled']);
});

test('select takes the first that is done and cancels the others', async () => {
  let loserCleaned = false;
  const { trace, value } = await record(function* () {
    const loser = function* (): Async<string> {
      try {
        yield* sleep(60_000);
        return 'slow';
      } finally {
        loserCleaned = true;
      }
    };
    return yield* select(loser(), after(2));
  });
  assert.deepEqual(value, { index: 1, value: 2 });
  assert.equal(loserCleaned, true);
  assert.deepEqual(trace.trace('frameEnded'), ['end branch 1 completed', 'end branch 0 cancelled']);
  assert.equal(trace.trace('timerCancelled').length, 1);
});

test('a branch that lost a select before its first poll is ended without having been opened', async () => {
  const { trace } = await record(function* () {
    return yield* select(sleep(0), after(60_000));
  });
  assert.deepEqual(trace.trace('frameOpened', 'frameEnded'), [
    'selectBranch branch 0 of root opened',
    'end branch 0 completed',
  ]);
});

test('cancelling a task cancels the branches of its join, nested ones too', async () => {
  const { trace } = await record(function* () {
    const handle = spawn(
      function* () {
        yield* join(sleep(60_000), join(sleep(60_000), sleep(60_000)));
      },
      { name: 'joining' },
    );
    yield* sleep(1);
    handle.abort();
  });
  assert.equal(trace.trace('timerCancelled').length, 3);
  assert.equal(trace.trace('frameEnded').filter((line) => line.endsWith('cancelled')).length, 4);
  const nested = trace.frames.filter((frame) => frame.parent !== 0);
  assert.equal(nested.length, 2);
  assert.equal(nested[0]?.parent, trace.frames.find((frame) => frame.name === 'branch 1')?.frame);
});

test('select of nothing is refused', async () => {
  await assert.rejects(
    run(function* () {
      yield* select();
    }),
    /at least one future/,
  );
});
