// Behaviour of the executor's promise and of the adapters both ways. The standard's own suite is in aplus.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deferred,
  fromPromise,
  JoinError,
  join,
  rejected,
  resolved,
  run,
  select,
  sleep,
  spawn,
  toPromise,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

/** Until that is so; a test that waits in vain is ended by the runner's own time-out. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test('a task awaits a native promise: its value or its reason', async () => {
  const { trace, value } = await record(function* awaitingPromise() {
    const value = yield* fromPromise(new Promise<number>((resolve) => setImmediate(() => resolve(3))));
    let reason: unknown;
    try {
      yield* fromPromise(Promise.reject(new Error('no')));
    } catch (error) {
      reason = error;
    }
    return { value, reason: reason instanceof Error ? reason.message : '' };
  });
  assert.deepEqual(value, { value: 3, reason: 'no' });
  const [wait] = trace.waits;
  assert.equal(wait?.target.kind, 'resource');
  assert.equal(siteLabel(wait?.site), 'promise.test.ts:awaitingPromise');
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('a future of a promise that is dropped leaves no waker behind', async () => {
  const { trace } = await record(function* () {
    const lost = yield* select(fromPromise(new Promise<void>(() => undefined)), yieldNow());
    assert.equal(lost.index, 1);
    const { promise } = deferred<void>();
    const lostToo = yield* select(promise, yieldNow());
    assert.equal(lostToo.index, 1);
  });
  assert.equal(trace.wakerCloneBalance.get(trace.taskNamed('root')) ?? 0, 0);
});

test('an async function awaits a future as a promise', async () => {
  const value = await toPromise(function* () {
    yield* sleep(1);
    return 'done';
  });
  assert.equal(value, 'done');
  await assert.rejects(
    Promise.resolve(
      toPromise(function* () {
        yield* yieldNow();
        throw new Error('failed');
      }),
    ),
    /failed/,
  );
});

test('there and back again: a promise of a future of a promise', async () => {
  const value = await run(function* () {
    return yield* fromPromise(toPromise(fromPromise(Promise.resolve(4))));
  });
  assert.equal(value, 4);
});

test('a promise of a task that is cancelled is rejected', async () => {
  let promise: PromiseLike<void> | undefined;
  await run(function* () {
    // The end of the root cancels it, as it is on the root's runtime.
    promise = toPromise(sleep(60_000));
    yield* yieldNow();
  });
  await assert.rejects(Promise.resolve(promise), (error: unknown) => {
    assert.ok(error instanceof JoinError);
    return error.outcome === 'cancelled';
  });
});

test('several tasks await one promise, and who settled it woke them', async () => {
  const { trace, value } = await record(function* () {
    const { promise, resolve } = deferred<number>();
    const waiting = ['a', 'b'].map((name) =>
      spawn(
        function* () {
          return yield* promise;
        },
        { name },
      ),
    );
    spawn(
      function* () {
        yield* yieldNow();
        resolve(11);
        resolve(12);
      },
      { name: 'settling' },
    );
    const both = yield* join(...waiting);
    return [...both, yield* promise];
  });
  assert.deepEqual(value, [11, 11, 11]);
  for (const name of ['a', 'b']) {
    assert.deepEqual(trace.wakesOf(trace.taskNamed(name))[0]?.cause, {
      kind: 'context',
      id: trace.taskNamed('settling'),
    });
  }
  assert.ok(trace.trace('resourceReleased').includes('oneshot released by settling'));
});

test('each reaction is a task of its own, in the order of then(), with who settled as its parent', async () => {
  const { trace, value } = await record(function* () {
    const order: string[] = [];
    const { promise, resolve } = deferred<string>();
    promise.then(function first(v) {
      order.push(`first ${v}`);
    });
    const second = promise.then(function second(v) {
      order.push(`second ${v}`);
      return resolved('nested');
    });
    resolve('x');
    order.push('resolved');
    order.push(yield* second);
    return order;
  });
  assert.deepEqual(value, ['resolved', 'first x', 'second x', 'nested']);
  const reaction = trace.tasks.get(trace.taskNamed('then first'));
  assert.equal(reaction?.parent, trace.taskNamed('root'));
  assert.match(siteLabel(reaction?.site), /^promise\.test\.ts/);
});

test('a rejection that nobody hears of is a warning, with the stack of its reason', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => {
    if (warning.name === 'PromiseRejected') warnings.push(warning);
  };
  process.on('warning', note);
  const heard = rejected(new Error('heard'));
  rejected(new Error('unheard'));
  heard.catch(() => undefined);
  await until(() => warnings.length > 0);
  assert.match(warnings[0]?.stack ?? '', /Error: unheard/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(warnings.length, 1);
  process.off('warning', note);
});

test('a chain of a hundred thousand promises, each resolved with the next, is settled without recursion', async () => {
  const first = deferred<number>();
  let last = first;
  for (let i = 0; i < 100_000; i += 1) {
    const next = deferred<number>();
    last.resolve(next.promise);
    last = next;
  }
  last.resolve(1);
  assert.equal(await first.promise, 1);
});

test('a promise that is resolved with itself is rejected', async () => {
  const { promise, resolve } = deferred<unknown>();
  resolve(promise);
  await assert.rejects(Promise.resolve(promise), TypeError);
});
