// Behaviour of semaphore, notify, read-write lock and barrier.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Barrier,
  joinAll,
  Notify,
  RwLock,
  run,
  Semaphore,
  select,
  spawn,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record } from '../../support/executor-observer.ts';

test('a semaphore lets so many in at a time, in the order of asking, and names who held', async () => {
  const { trace, value } = await record(function* () {
    const semaphore = new Semaphore(2);
    const order: string[] = [];
    let inside = 0;
    const work = (name: string) =>
      spawn(
        function* () {
          const permit = yield* semaphore.acquire();
          inside += 1;
          assert.ok(inside <= 2);
          order.push(name);
          yield* yieldNow();
          inside -= 1;
          permit.release();
          permit.release();
        },
        { name },
      );
    yield* joinAll(['a', 'b', 'c', 'd', 'e'].map(work));
    assert.equal(semaphore.available, 2);
    return order;
  });
  assert.deepEqual(value, ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(trace.wakesOf(trace.taskNamed('c'))[0]?.cause, {
    kind: 'context',
    id: trace.taskNamed('a'),
  });
  assert.equal(trace.trace('resourceAcquired').length, 5);
  assert.equal(trace.trace('resourceReleased').length, 5);
});

test('who asks for many permits is not passed by those who ask for one', async () => {
  const order = await run(function* () {
    const semaphore = new Semaphore(3);
    const order: string[] = [];
    const held = yield* semaphore.acquire();
    const work = (name: string, count: number) =>
      spawn(function* () {
        const permit = yield* semaphore.acquire(count);
        order.push(name);
        permit.release();
      });
    const tasks = [work('all', 3), work('one', 1)];
    yield* yieldNow();
    assert.equal(semaphore.tryAcquire(), undefined, 'two are free, but somebody waits');
    held.release();
    yield* joinAll(tasks);
    return order;
  });
  assert.deepEqual(order, ['all', 'one']);
});

test('when one who asked for many gives up, those behind it are let in', async () => {
  await run(function* () {
    const semaphore = new Semaphore(2);
    const held = yield* semaphore.acquire();
    const many = spawn(semaphore.acquire(2));
    const few = spawn(semaphore.acquire(1));
    yield* yieldNow();
    assert.equal(few.isFinished, false);
    many.abort();
    (yield* few).release();
    held.release();
    assert.equal(semaphore.available, 2);
  });
});

test('permits that were handed to a cancelled task go to the next', async () => {
  await run(function* () {
    const semaphore = new Semaphore(0);
    const cancelled = spawn(semaphore.acquire());
    const next = spawn(semaphore.acquire());
    yield* yieldNow();
    semaphore.addPermits(1);
    cancelled.abort();
    assert.equal((yield* next).count, 1);
  });
});

test('a notification wakes one who waits, or is kept for one who comes', async () => {
  const { trace, value } = await record(function* () {
    const notify = new Notify();
    notify.notifyOne();
    notify.notifyOne();
    yield* notify.notified();
    const waiting = [spawn(notify.notified()), spawn(notify.notified())];
    yield* yieldNow();
    notify.notifyOne();
    yield* waiting[0] ?? assert.fail();
    const second = waiting[1]?.isFinished;
    notify.notifyAll();
    yield* waiting[1] ?? assert.fail();
    const lost = yield* select(notify.notified(), yieldNow());
    return { second, stored: lost.index };
  });
  assert.deepEqual(value, { second: false, stored: 1 }, 'notifyAll stores nothing');
  assert.deepEqual(trace.brokenEpochs(), []);
  assert.equal(trace.trace('resourceReleased')[0], 'notify released by root');
});

test('a notification for one passes on from a cancelled task; one for all does not', async () => {
  await run(function* () {
    const notify = new Notify();
    const cancelled = spawn(notify.notified());
    const next = spawn(notify.notified());
    yield* yieldNow();
    notify.notifyOne();
    cancelled.abort();
    yield* next;
    const alone = spawn(notify.notified());
    yield* yieldNow();
    notify.notifyAll();
    alone.abort();
    const lost = yield* select(notify.notified(), yieldNow());
    assert.equal(lost.index, 1);
  });
});

test('readers share, a writer is alone, and a writer that waits is not passed by readers', async () => {
  const { trace, value } = await record(function* () {
    const lock = new RwLock<string[]>([]);
    const reader = (name: string) =>
      spawn(
        function* () {
          const guard = yield* lock.read();
          guard.value.push(`${name} in`);
          yield* yieldNow();
          guard.value.push(`${name} out`);
          guard.release();
        },
        { name },
      );
    const writer = () =>
      spawn(
        function* () {
          const guard = yield* lock.write();
          guard.value = [...guard.value, 'writer in'];
          yield* yieldNow();
          guard.value.push('writer out');
          guard.release();
          assert.throws(() => guard.value, /has released its lock/);
        },
        { name: 'writer' },
      );
    yield* joinAll([reader('a'), reader('b'), writer(), reader('c')]);
    return lock.unguardedValue;
  });
  assert.deepEqual(value, ['a in', 'b in', 'a out', 'b out', 'writer in', 'writer out', 'c in', 'c out']);
  assert.deepEqual(trace.wakesOf(trace.taskNamed('c'))[0]?.cause, {
    kind: 'context',
    id: trace.taskNamed('writer'),
  });
  assert.equal(trace.trace('resourceAcquired').length, trace.trace('resourceReleased').length);
});

test('a barrier opens when all have come, again and again', async () => {
  const { trace, value } = await record(function* () {
    const barrier = new Barrier(3);
    const order: string[] = [];
    let last = 0;
    const tasks = ['a', 'b', 'c'].map((name) =>
      spawn(function* () {
        for (let round = 0; round < 2; round += 1) {
          order.push(`${name}${round}`);
          if (yield* barrier.wait()) last += 1;
        }
      }),
    );
    yield* joinAll(tasks);
    return { order, last };
  });
  assert.equal(value.last, 2, 'one of each round came last');
  assert.deepEqual(value.order.slice(0, 3).sort(), ['a0', 'b0', 'c0']);
  assert.deepEqual(value.order.slice(3).sort(), ['a1', 'b1', 'c1']);
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('who gives up at a barrier has not come', async () => {
  await run(function* () {
    const barrier = new Barrier(2);
    const gone = spawn(barrier.wait());
    yield* yieldNow();
    gone.abort();
    const first = spawn(barrier.wait());
    yield* yieldNow();
    assert.equal(first.isFinished, false);
    assert.equal(yield* barrier.wait(), true);
    assert.equal(yield* first, false);
  });
});

test('counts that are none are refused', async () => {
  assert.throws(() => new Semaphore(-1), /whole number of permits from 0/);
  assert.throws(() => new Semaphore(1).acquire(0), /whole number from 1/);
  assert.throws(() => new Barrier(0), /whole number from 1/);
});
