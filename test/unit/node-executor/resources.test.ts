// Behaviour of the oneshot channel and the mutex.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChannelClosedError,
  joinAll,
  Mutex,
  oneshot,
  run,
  select,
  sleep,
  spawn,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record } from '../../support/executor-observer.ts';

test('a oneshot carries one value, and says who sent and who received', async () => {
  const { trace, value } = await record(function* () {
    const { sender, receiver } = oneshot<string>();
    spawn(
      function* () {
        yield* sleep(1);
        assert.equal(sender.send('hello'), true);
        assert.equal(sender.send('again'), false);
      },
      { name: 'sending' },
    );
    return yield* receiver;
  });
  assert.equal(value, 'hello');
  assert.deepEqual(trace.trace('resourceCreated', 'resourceReleased', 'resourceAcquired'), [
    'oneshot created',
    'oneshot released by sending',
    'oneshot acquired by root',
  ]);
});

test('a closed oneshot throws at its receiver, a closed receiver refuses the value', async () => {
  await run(function* () {
    const first = oneshot<number>();
    spawn(function* () {
      yield* yieldNow();
      first.sender.close();
    });
    let failure: unknown;
    try {
      yield* first.receiver;
    } catch (error) {
      failure = error;
    }
    assert.ok(failure instanceof ChannelClosedError);
    const second = oneshot<number>();
    second.receiver.close();
    assert.equal(second.sender.send(1), false);
  });
});

test('a mutex lets one task in, in the order of asking', async () => {
  const { trace, value } = await record(function* () {
    const mutex = new Mutex<string[]>([]);
    const tasks = ['a', 'b', 'c'].map((name) =>
      spawn(
        function* () {
          const guard = yield* mutex.lock();
          try {
            guard.value.push(`${name} in`);
            // The others, which are in the queue already, ask meanwhile.
            yield* yieldNow();
            guard.value.push(`${name} out`);
          } finally {
            guard.release();
          }
        },
        { name },
      ),
    );
    yield* joinAll(tasks);
    return mutex.unguardedValue;
  });
  assert.deepEqual(value, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  assert.deepEqual(trace.trace('resourceAcquired', 'resourceReleased'), [
    'mutex acquired by a',
    'mutex released by a',
    'mutex acquired by b',
    'mutex released by b',
    'mutex acquired by c',
    'mutex released by c',
  ]);
  const [wake] = trace.wakesOf(trace.taskNamed('b'));
  assert.deepEqual(wake?.cause, { kind: 'context', id: trace.taskNamed('a') });
});

test('a waiter that is cancelled after the lock was handed to it passes it on', async () => {
  await run(function* () {
    const mutex = new Mutex(0);
    const guard = yield* mutex.lock();
    const cancelled = spawn(function* () {
      const mine = yield* mutex.lock();
      mine.release();
    });
    const next = spawn(function* () {
      const mine = yield* mutex.lock();
      mine.value += 1;
      mine.release();
      return mine;
    });
    yield* yieldNow();
    guard.release();
    cancelled.abort();
    yield* next;
    assert.equal(mutex.unguardedValue, 1);
    assert.throws(() => guard.value, /has released its mutex/);
  });
});

test('a lock that lost a select leaves the queue of waiters', async () => {
  await run(function* () {
    const mutex = new Mutex(0);
    const guard = yield* mutex.lock();
    const lost = yield* select(mutex.lock(), sleep(1));
    assert.equal(lost.index, 1);
    guard.release();
    const again = yield* mutex.lock();
    again.release();
  });
});
