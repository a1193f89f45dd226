// Cancelling by AbortSignal: a signal cancels a future, and a future that is dropped aborts what a promise stands for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Async,
  abortable,
  Notify,
  run,
  select,
  sleep,
  spawn,
  untilAborted,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record } from '../../support/executor-observer.ts';

function* endless(left: string[], name: string): Async<never> {
  try {
    for (;;) yield* sleep(3_600_000);
  } finally {
    left.push(name);
  }
}

test('a signal cancels the work and its reason is thrown; who aborted woke the task', async () => {
  const left: string[] = [];
  const controller = new AbortController();
  const { trace } = await record(function* () {
    const victim = spawn(untilAborted(controller.signal, endless(left, 'victim')), { name: 'victim' });
    yield* yieldNow();
    controller.abort(new RangeError('the user left'));
    assert.deepEqual(left, [], 'it is cancelled by its own next poll');
    let caught: unknown;
    try {
      yield* victim;
    } catch (error) {
      caught = error;
    }
    assert.ok(caught instanceof Error && caught.cause === controller.signal.reason);
  });
  assert.deepEqual(left, ['victim']);
  const victim = trace.taskNamed('victim');
  const wake = trace.wakes.find((each) => each.task === victim);
  assert.deepEqual(wake?.cause, { kind: 'context', id: trace.taskNamed('root') });
  assert.equal(trace.wakerCloneBalance.get(victim) ?? 0, 0);
});

test('a signal that is aborted already lets nothing begin', async () => {
  let begun = false;
  const work = function* (): Async<void> {
    begun = true;
    yield* yieldNow();
  };
  await assert.rejects(run(untilAborted(AbortSignal.abort(new Error('before')), work())), /before/);
  assert.equal(begun, false);
});

test('work that aborts its own signal is cancelled at its next await', async () => {
  const left: string[] = [];
  const controller = new AbortController();
  const work = function* (): Async<void> {
    controller.abort(new Error('by itself'));
    yield* endless(left, 'work');
  };
  await assert.rejects(run(untilAborted(controller.signal, work())), /by itself/);
  assert.deepEqual(left, ['work']);
});

test('what ends before the signal, in either way, has the signal forgotten', async () => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  const failing = function* (): Async<void> {
    yield* yieldNow();
    throw new Error('the work failed');
  };
  await run(function* () {
    yield* untilAborted(signal, yieldNow());
    yield* select(untilAborted(signal, endless([], '')), yieldNow());
    try {
      yield* untilAborted(signal, failing());
      assert.fail('the error is thrown');
    } catch (error) {
      assert.match(String(error), /the work failed/);
    }
    // One listener for all: Node warns of more than ten.
    const many = Array.from({ length: 50 }, () => spawn(untilAborted(signal, endless([], ''))));
    yield* yieldNow();
    assert.equal(listeners, 1);
    for (const each of many) each.abort();
  });
  assert.equal(listeners, 0);
});

test('a dropped future of an abortable promise aborts its signal; one that is done does not', async () => {
  const signals: AbortSignal[] = [];
  const asked = new Notify();
  const never = (signal: AbortSignal): Promise<never> => {
    signals.push(signal);
    asked.notifyOne();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const value = await run(function* () {
    abortable(never);
    const task = spawn(abortable(never));
    yield* asked.notified();
    task.abort();
    return yield* abortable(async (signal) => {
      signals.push(signal);
      return 'done';
    });
  });
  assert.equal(value, 'done');
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [true, false],
    'what was never polled was never begun',
  );
});

test('an abortable promise gives its reason, and a function that throws its error', async () => {
  await assert.rejects(run(abortable(() => Promise.reject(new Error('rejected')))), /rejected/);
  const throwing = (): Promise<never> => {
    throw new Error('thrown at once');
  };
  await assert.rejects(run(abortable(throwing)), /thrown at once/);
});
