// Random programs of tasks, joins, selects, channels, locks and aborts: what must hold of every trace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Async,
  JoinError,
  joinAll,
  Mutex,
  oneshot,
  select,
  sleep,
  spawn,
  TimeoutError,
  timeout,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { type RecordingObserver, record } from '../../support/executor-observer.ts';

type Step =
  | { readonly do: 'yield' }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'lock' }
  | { readonly do: 'channel' }
  | { readonly do: 'join'; readonly branches: readonly Program[] }
  | { readonly do: 'select'; readonly branches: readonly Program[] }
  | { readonly do: 'timeout'; readonly ms: number; readonly work: Program }
  | {
      readonly do: 'spawn';
      readonly work: Program;
      readonly fate: 'await' | 'abort' | 'abortLater' | 'detach';
    }
  | { readonly do: 'throw' };
type Program = readonly Step[];

const { program } = fc.letrec<{ program: Program; step: Step }>((tie) => ({
  program: fc.array(tie('step'), { maxLength: 4, depthIdentifier: 'program' }),
  step: fc.oneof(
    { depthSize: 'small', depthIdentifier: 'program' },
    fc.constant<Step>({ do: 'yield' }),
    fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 0, max: 3 }) }),
    fc.constant<Step>({ do: 'lock' }),
    fc.constant<Step>({ do: 'channel' }),
    fc.record({
      do: fc.constantFrom('join' as const, 'select' as const),
      branches: fc.array(tie('program'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      do: fc.constant('timeout' as const),
      ms: fc.integer({ min: 0, max: 2 }),
      work: tie('program'),
    }),
    fc.record({
      do: fc.constant('spawn' as const),
      work: tie('program'),
      fate: fc.constantFrom('await' as const, 'abort' as const, 'abortLater' as const, 'detach' as const),
    }),
    fc.constant<Step>({ do: 'throw' }),
  ),
}));

/** What the programs throw; any other error is a mistake of the executor. */
class PlannedError extends Error {}

function* runProgram(steps: Program, mutex: Mutex<number>): Async<void> {
  for (const step of steps) {
    try {
      yield* runStep(step, mutex);
    } catch (error) {
      const planned =
        error instanceof PlannedError || error instanceof TimeoutError || error instanceof JoinError;
      if (!planned || step.do === 'throw') throw error;
    }
  }
}

function* runStep(step: Step, mutex: Mutex<number>): Async<void> {
  switch (step.do) {
    case 'yield':
      return yield* yieldNow();
    case 'sleep':
      return yield* sleep(step.ms);
    case 'lock': {
      const guard = yield* mutex.lock();
      try {
        assert.equal(guard.value, 0, 'nobody else is inside');
        guard.value = 1;
        yield* yieldNow();
      } finally {
        guard.value = 0;
        guard.release();
      }
      return;
    }
    case 'channel': {
      const { sender, receiver } = oneshot<void>();
      setImmediate(() => sender.send());
      return yield* receiver;
    }
    case 'join':
      yield* joinAll(step.branches.map((branch) => runProgram(branch, mutex)));
      return;
    case 'select':
      yield* select(...step.branches.map((branch) => runProgram(branch, mutex)));
      return;
    case 'timeout':
      return yield* timeout(step.ms, runProgram(step.work, mutex));
    case 'spawn':
      return yield* runSpawn(step, mutex);
    case 'throw':
      throw new PlannedError('planned');
  }
}

function* runSpawn(step: Extract<Step, { do: 'spawn' }>, mutex: Mutex<number>): Async<void> {
  const handle = spawn(() => runProgram(step.work, mutex));
  if (step.fate === 'detach') return;
  if (step.fate === 'abort') handle.abort();
  if (step.fate === 'abortLater') {
    yield* yieldNow();
    handle.abort();
  }
  yield* handle;
}

function check(trace: RecordingObserver): void {
  assert.deepEqual(trace.brokenEpochs(), []);
  assert.equal(trace.trace('pollStart').length, trace.trace('pollEnd').length);
  for (const task of trace.tasks.values()) {
    const ends = trace.lines.filter((line) => line.hook === 'taskEnded' && line.subject === task.task);
    assert.equal(ends.length, 1, `task ${task.task} ends once`);
    assert.equal(trace.wakerCloneBalance.get(task.task) ?? 0, 0, `task ${task.task} leaves no waker stored`);
    assertNothingAfterEnd(trace, task.task);
  }
  for (const { frame } of trace.frames) {
    const ended = trace.lines.filter((line) => line.hook === 'frameEnded' && line.subject === frame);
    assert.equal(ended.length, 1, `frame ${frame} ends once`);
  }
  assertFramesNest(trace);
  const over = trace.trace('timerFired').length + trace.trace('timerCancelled').length;
  assert.equal(over, trace.timers.length, 'each timer fires or is cancelled');
  assert.equal(
    trace.trace('resourceAcquired').filter((line) => line.startsWith('mutex')).length,
    trace.trace('resourceReleased').filter((line) => line.startsWith('mutex')).length,
  );
}

function assertNothingAfterEnd(trace: RecordingObserver, task: number): void {
  const end = trace.lines.findIndex((line) => line.hook === 'taskEnded' && line.subject === task);
  const poll = trace.lines.findLastIndex((line) => line.hook === 'pollStart' && line.subject === task);
  assert.ok(poll < end, `task ${task} is not polled after its end`);
}

function assertFramesNest(trace: RecordingObserver): void {
  const entered: number[] = [];
  for (const { hook, subject } of trace.lines) {
    if (hook === 'frameEntered') entered.push(subject);
    if (hook === 'frameLeft') assert.equal(entered.pop(), subject);
    if (hook === 'pollEnd') assert.deepEqual(entered, [], 'no frame is entered when a poll ends');
  }
}

test('property: every random program leaves a trace that adds up', async () => {
  const silent = (): void => undefined;
  // Programs throw in detached tasks on purpose; each would print a warning.
  process.on('warning', silent);
  await fc.assert(
    fc.asyncProperty(program, async (steps) => {
      const mutex = new Mutex(0);
      const { trace } = await record(function* () {
        const main = spawn(() => runProgram(steps, mutex), { name: 'main' });
        try {
          yield* main;
        } catch (error) {
          assert.ok(error instanceof JoinError && error.cause instanceof PlannedError, String(error));
        }
      });
      check(trace);
    }),
    { numRuns: 300 },
  );
  process.off('warning', silent);
});
