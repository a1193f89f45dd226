// Random programs of tasks, joins, selects, channels, locks and aborts: what must hold of every trace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Async,
  channel,
  fromPromise,
  JoinError,
  joinAll,
  Mutex,
  Notify,
  oneshot,
  type Receiver,
  RwLock,
  resolved,
  Semaphore,
  type Sender,
  scope,
  select,
  sleep,
  spawn,
  TimeoutError,
  timeout,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { type RecordingObserver, record } from '../../support/executor-observer.ts';

/** One seed, so that a run is like every other; WAKELINE_TEST_SEED tries another. */
const seed = Number(process.env['WAKELINE_TEST_SEED'] ?? 1);

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
  | { readonly do: 'throw' }
  | { readonly do: 'write' | 'read' | 'permit' | 'pass' | 'notified' | 'promise' }
  | { readonly do: 'scope'; readonly children: readonly Program[]; readonly body: Program };
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
    fc.constantFrom<Step>(
      { do: 'write' },
      { do: 'read' },
      { do: 'permit' },
      { do: 'pass' },
      { do: 'notified' },
      { do: 'promise' },
    ),
    fc.record({
      do: fc.constant('scope' as const),
      children: fc.array(tie('program'), { maxLength: 3 }),
      body: tie('program'),
    }),
  ),
}));

/** What all tasks of a program contend for. */
interface Shared {
  readonly mutex: Mutex<number>;
  readonly lock: RwLock<number>;
  readonly semaphore: Semaphore;
  readonly notify: Notify;
  readonly sender: Sender<number>;
  readonly receiver: Receiver<number>;
}

function newShared(): Shared {
  return {
    mutex: new Mutex(0),
    lock: new RwLock(0),
    semaphore: new Semaphore(2),
    notify: new Notify(),
    ...channel<number>(1),
  };
}

/** What the programs throw; any other error is a mistake of the executor. */
class PlannedError extends Error {}

function* runProgram(steps: Program, shared: Shared): Async<void> {
  for (const step of steps) {
    try {
      yield* runStep(step, shared);
    } catch (error) {
      const planned =
        error instanceof PlannedError || error instanceof TimeoutError || error instanceof JoinError;
      if (!planned || step.do === 'throw') throw error;
    }
  }
}

function* runStep(step: Step, shared: Shared): Async<void> {
  switch (step.do) {
    case 'yield':
      return yield* yieldNow();
    case 'sleep':
      return yield* sleep(step.ms);
    case 'lock': {
      const guard = yield* shared.mutex.lock();
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
      yield* joinAll(step.branches.map((branch) => runProgram(branch, shared)));
      return;
    case 'select':
      yield* select(...step.branches.map((branch) => runProgram(branch, shared)));
      return;
    case 'timeout':
      return yield* timeout(step.ms, runProgram(step.work, shared));
    case 'spawn':
      return yield* runSpawn(step, shared);
    case 'write':
    case 'read': {
      const guard = yield* step.do === 'write' ? shared.lock.write() : shared.lock.read();
      try {
        yield* yieldNow();
      } finally {
        guard.release();
      }
      return;
    }
    case 'permit': {
      const permit = yield* shared.semaphore.acquire(2);
      try {
        yield* yieldNow();
      } finally {
        permit.release();
      }
      return;
    }
    case 'pass':
      // Both ends at once. One that is cancelled between the two leaves another without a partner, hence the time-out.
      yield* timeout(3, joinAll<unknown>([shared.sender.send(1), shared.receiver.receive()]));
      return;
    case 'notified':
      setImmediate(() => shared.notify.notifyAll());
      return yield* shared.notify.notified();
    case 'promise':
      yield* fromPromise(Promise.resolve());
      yield* resolved(1).then(() => undefined);
      return;
    case 'scope':
      yield* scope(function* (s) {
        for (const child of step.children) s.spawn(() => runProgram(child, shared));
        yield* runProgram(step.body, shared);
      });
      return;
    case 'throw':
      throw new PlannedError('planned');
  }
}

function* runSpawn(step: Extract<Step, { do: 'spawn' }>, shared: Shared): Async<void> {
  const handle = spawn(() => runProgram(step.work, shared));
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
  const runtime = trace.tasks.get(trace.taskNamed('root'))?.runtime;
  for (const task of trace.tasks.values()) {
    // Reactions of promises outlive the root, and so what is recorded of it.
    if (task.runtime !== runtime) continue;
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
  for (const held of ['mutex', 'rwLock', 'semaphore']) {
    const count = (hook: 'resourceAcquired' | 'resourceReleased'): number =>
      trace.trace(hook).filter((line) => line.startsWith(held)).length;
    assert.equal(
      count('resourceAcquired'),
      count('resourceReleased'),
      `what is taken of a ${held} is given back`,
    );
  }
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
      const shared = newShared();
      const { trace } = await record(function* () {
        const main = spawn(() => runProgram(steps, shared), { name: 'main' });
        try {
          yield* main;
        } catch (error) {
          assert.ok(error instanceof JoinError && error.cause instanceof PlannedError, String(error));
        }
      });
      check(trace);
    }),
    { numRuns: 300, seed },
  );
  process.off('warning', silent);
});
