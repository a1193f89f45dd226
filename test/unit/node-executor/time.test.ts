// Behaviour of timers and of the park that they end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  clockNs,
  join,
  joinAll,
  run,
  sleep,
  sleepUntil,
  spawn,
  TimeoutError,
  timeout,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { cancelTimer, setTimer } from '../../../runtime-probe/node/src/executor/timer-queue.ts';
import { record } from '../../support/executor-observer.ts';

const NS_PER_MS = 1e6;

test('the clock is CLOCK_MONOTONIC', () => {
  for (let round = 0; round < 100; round += 1) {
    const before = Number(process.hrtime.bigint());
    const now = clockNs();
    const after = Number(process.hrtime.bigint());
    // The offset was measured to within half a bracket of two readings: some hundred ns on a busy machine.
    assert.ok(now >= before - 20_000 && now <= after + 20_000, `${before} <= ${now} <= ${after}`);
  }
});

test('timers fire in the order of their deadlines, never early, each waking its task', async () => {
  const order: number[] = [];
  const { trace } = await record(function* () {
    // From one instant on, however long it takes until each is first polled; far enough off to be set by then.
    const startNs = clockNs() + 500 * NS_PER_MS;
    yield* joinAll(
      [30, 10, 20, 10].map((laterMs, i) =>
        spawn(function* () {
          yield* sleepUntil(startNs + laterMs * NS_PER_MS);
          order.push(i);
        }),
      ),
    );
  });
  assert.deepEqual(order, [1, 3, 2, 0]);
  assert.equal(trace.timers.length, 4);
  assert.equal(trace.fired.length, 4);
  for (const { latenessNs } of trace.fired) assert.ok(latenessNs >= 0);
  const timerWakes = trace.wakes.filter((wake) => wake.cause.kind === 'timer');
  assert.deepEqual(
    timerWakes.map((wake) => wake.cause.id),
    trace.fired.map(({ timer }) => timer),
  );
});

/** A sleep and the park for it. Where a busy machine comes to park only when the deadline is over there is none. */
async function parkedSleep() {
  for (let i = 0; i < 200; i += 1) {
    const idleBeforeMs = performance.eventLoopUtilization().idle;
    const { trace } = await record(function* () {
      yield* sleep(30);
    });
    const idleMs = performance.eventLoopUtilization().idle - idleBeforeMs;
    const [timer] = trace.timers;
    const park = trace.parks.find(({ timer: id }) => id === timer?.timer);
    if (timer !== undefined && park !== undefined && park.startNs < timer.deadlineNs)
      return { timer, park, parks: trace.parks, idleMs };
  }
  throw new Error('none of 200 sleeps was parked for');
}

test('the park ends at the next deadline and names its timer', async () => {
  const { timer, park, parks, idleMs } = await parkedSleep();
  // libuv counts in whole ms.
  assert.ok(park.endNs >= timer.deadlineNs - NS_PER_MS, `${(park.endNs - timer.deadlineNs) / NS_PER_MS} ms`);
  const parkedMs = parks.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0) / NS_PER_MS;
  // Node's own account of the loop's idle time, which has a park of this test's own too, before and after the sleep.
  assert.ok(parkedMs > 0 && parkedMs <= idleMs + 0.001, `${parkedMs} of ${idleMs} ms`);
});

test('parks follow one another and lie inside the time that passed', async () => {
  const startNs = clockNs();
  const { trace } = await record(function* () {
    for (let i = 0; i < 5; i += 1) yield* sleep(4);
  });
  const endNs = clockNs();
  assert.ok(trace.parks.length >= 5, `${trace.parks.length} parks for five sleeps`);
  let previousEndNs = startNs;
  for (const park of trace.parks) {
    // idleTime and the clock are two readings: they may differ by what lies between them.
    assert.ok(
      park.startNs >= previousEndNs - 0.5 * NS_PER_MS,
      'no park begins before the last one has ended',
    );
    assert.ok(park.endNs > park.startNs);
    previousEndNs = park.endNs;
  }
  assert.ok(previousEndNs <= endNs);
});

test('a dropped sleep leaves the queue', async () => {
  const { trace } = await record(function* () {
    const handle = spawn(() => sleep(60_000)[Symbol.iterator](), { name: 'long' });
    yield* sleep(1);
    handle.abort();
  });
  assert.deepEqual(trace.trace('timerCancelled'), ['timer cancelled']);
});

test('sleep of nothing and a past deadline are ready at once', async () => {
  const { trace } = await record(function* () {
    yield* sleep(0);
    yield* sleepUntil(clockNs() - 1);
  });
  assert.equal(trace.pollsOf(trace.taskNamed('root')), 1);
  assert.deepEqual(trace.timers, []);
});

test('a bad duration is refused', () => {
  assert.throws(() => sleep(Number.NaN), RangeError);
  assert.throws(() => sleep(-1), RangeError);
});

test('timeout cancels what is late and the timer of what is not', async () => {
  let cancelled = false;
  const { trace } = await record(function* () {
    const slow = function* () {
      try {
        yield* sleep(60_000);
      } finally {
        cancelled = true;
      }
    };
    let failure: unknown;
    try {
      yield* timeout(3, slow());
    } catch (error) {
      failure = error;
    }
    assert.ok(failure instanceof TimeoutError);
    yield* timeout(60_000, sleep(10));
  });
  assert.equal(cancelled, true);
  assert.deepEqual(trace.trace('frameEnded'), [
    'end time-out completed',
    'end work cancelled',
    'end work completed',
    'end time-out cancelled',
  ]);
  assert.equal(trace.trace('timerCancelled').length, 2);
});

test('without anything to wait for the process can end', async () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  await run(() => join(sleep(1), sleep(2))[Symbol.iterator]());
  const after = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  assert.equal(after, before);
});

test('property: the queue fires what was not cancelled, in order of deadline, then of setting', async () => {
  const timers = fc.array(fc.record({ delayUs: fc.nat({ max: 4000 }), cancel: fc.boolean() }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(timers, async (plan) => {
      const startNs = clockNs();
      const fired: number[] = [];
      const kept = plan.map((_, i) => i).filter((i) => plan[i]?.cancel === false);
      const allFired = new Promise<void>((resolve) => {
        const entries = plan.map(({ delayUs }, i) =>
          setTimer(startNs + delayUs * 1000, () => {
            fired.push(i);
            if (fired.length === kept.length) resolve();
          }),
        );
        for (const [i, entry] of entries.entries()) {
          if (plan[i]?.cancel) assert.ok(cancelTimer(entry));
        }
        if (kept.length === 0) resolve();
      });
      await allFired;
      const expected = kept.sort((a, b) => (plan[a]?.delayUs ?? 0) - (plan[b]?.delayUs ?? 0) || a - b);
      assert.deepEqual(fired, expected);
    }),
    { numRuns: 40 },
  );
});
