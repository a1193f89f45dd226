// Behaviour of tasks: when they are polled, how they end, how they are cancelled.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Async,
  awaiting,
  type Context,
  currentTaskId,
  type Future,
  fromPromise,
  JoinError,
  type JoinHandle,
  joinAll,
  oneshot,
  PENDING,
  type Poll,
  Runtime,
  ready,
  run,
  setObserver,
  sleep,
  spawn,
  timeout,
  untilAborted,
  type Waker,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { RecordingObserver, record, siteLabel } from '../../support/executor-observer.ts';

/** Pending until opened; keeps the waker that it was last polled with, and counts. */
class Gate implements Future<string> {
  polls = 0;
  drops = 0;
  waker: Waker | undefined;
  #open = false;

  poll(cx: Context): Poll<string> {
    this.polls += 1;
    if (this.#open) return ready('through');
    this.waker?.drop();
    this.waker = cx.waker.clone();
    return PENDING;
  }

  drop(): void {
    this.drops += 1;
    this.waker?.drop();
  }

  open(): void {
    this.#open = true;
    this.waker?.wake();
    this.waker?.drop();
  }
}

test('a task is polled at its start and then only after a wake', async () => {
  const gate = new Gate();
  const { trace, value } = await record(function* () {
    const waiting = spawn(gate, { name: 'waiting' });
    yield* yieldNow();
    yield* sleep(20);
    assert.equal(gate.polls, 1, 'twenty ms without a wake bring no second poll');
    gate.open();
    return yield* waiting;
  });
  assert.equal(value, 'through');
  assert.equal(gate.polls, 2);
  assert.equal(trace.pollsOf(trace.taskNamed('waiting')), 2);
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('an object with poll(cx) is a task, and can be awaited by a generator', async () => {
  const gate = new Gate();
  setTimeout(() => gate.open(), 5);
  const value = await run(function* () {
    return yield* awaiting(gate);
  });
  assert.equal(value, 'through');
});

test('a wake from a plain callback reaches the task and says that no poll made it', async () => {
  const { trace, value } = await record(function* () {
    const { sender, receiver } = oneshot<number>();
    setTimeout(() => sender.send(42), 5);
    return yield* receiver;
  });
  assert.equal(value, 42);
  const root = trace.taskNamed('root');
  assert.deepEqual(trace.wakesOf(root), [
    { task: root, epoch: 1, effect: 'scheduled', cause: { kind: 'context', id: 0 } },
  ]);
});

test('a wake made by another task names that task', async () => {
  const { trace } = await record(function* () {
    const { sender, receiver } = oneshot<number>();
    spawn(
      function* () {
        yield* yieldNow();
        sender.send(1);
      },
      { name: 'sending' },
    );
    yield* receiver;
  });
  const [wake] = trace.wakesOf(trace.taskNamed('root'));
  assert.deepEqual(wake?.cause, { kind: 'context', id: trace.taskNamed('sending') });
});

test('every effect of a wake is told apart', async () => {
  let waker: Waker | undefined;
  const noisy: Future<string> = {
    poll(cx) {
      if (waker === undefined) {
        waker = cx.waker.clone();
        cx.waker.wake();
        cx.waker.wake();
        return PENDING;
      }
      return ready('done');
    },
  };
  const { trace } = await record(function* () {
    const handle = spawn(noisy, { name: 'noisy' });
    yield* handle;
    waker?.wake();
  });
  assert.deepEqual(
    trace.wakesOf(trace.taskNamed('noisy')).map(({ epoch, effect }) => `${epoch} ${effect}`),
    ['1 whileRunning', '1 redundant', '2 afterCompletion'],
  );
  assert.equal(trace.pollsOf(trace.taskNamed('noisy')), 2, 'a wake after completion brings no poll');
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('several wakes of a scheduled task bring one poll', async () => {
  const gate = new Gate();
  const { trace } = await record(function* () {
    const handle = spawn(gate, { name: 'gate' });
    yield* yieldNow();
    const waker = gate.waker;
    waker?.wake();
    waker?.wake();
    waker?.wake();
    // A sleep that is over before it is first polled does not wait.
    yield* yieldNow();
    yield* sleep(5);
    assert.equal(gate.polls, 2);
    handle.abort();
  });
  assert.deepEqual(
    trace.wakesOf(trace.taskNamed('gate')).map((wake) => wake.effect),
    ['scheduled', 'redundant', 'redundant'],
  );
});

test('a throw in a poll ends that task as panicked; the executor goes on', async () => {
  const { trace, value } = await record(function* () {
    const failing = spawn(
      // biome-ignore lint/correctness/useYield: a generator that throws before its first await is what is tested.
      function* (): Async<never> {
        throw new Error('out of luck');
      },
      { name: 'failing' },
    );
    const sound = spawn(
      function* () {
        yield* sleep(2);
        return 'sound';
      },
      { name: 'sound' },
    );
    try {
      yield* failing;
    } catch (error) {
      assert.ok(error instanceof JoinError);
      assert.equal(error.outcome, 'panicked');
      assert.match(error.message, /task \d+ \(failing\) panicked: out of luck/);
      assert.ok(error.cause instanceof Error);
      return yield* sound;
    }
    return 'no error came';
  });
  assert.equal(value, 'sound');
  const failing = trace.taskNamed('failing');
  assert.deepEqual(
    trace.lines
      .filter((line) => line.subject === failing && /poll|taskEnded/.test(line.hook))
      .map((l) => l.text),
    ['failing poll 1', 'failing panicked', 'failing panicked'],
  );
});

test('the promise of run rejects with what the root threw', async () => {
  await assert.rejects(
    run(function* () {
      yield* yieldNow();
      throw new RangeError('root failed');
    }),
    RangeError,
  );
});

test('abort drops the future, runs finally blocks, and the handle throws a JoinError', async () => {
  const gate = new Gate();
  let cleaned = false;
  const { trace } = await record(function* () {
    const handle = spawn(
      function* () {
        try {
          yield* awaiting(gate);
        } finally {
          cleaned = true;
        }
      },
      { name: 'victim' },
    );
    yield* yieldNow();
    handle.abort();
    assert.equal(cleaned, true, 'the clean-up has run when abort returns');
    assert.equal(gate.drops, 1);
    assert.ok(handle.isFinished);
    let joined: unknown;
    try {
      yield* handle;
    } catch (error) {
      joined = error;
    }
    assert.ok(joined instanceof JoinError && joined.outcome === 'cancelled');
    gate.open();
    yield* sleep(2);
  });
  assert.equal(gate.polls, 1, 'a cancelled task is never polled again');
  const victim = trace.taskNamed('victim');
  assert.ok(trace.trace('taskEnded').includes('victim cancelled by root'));
  assert.deepEqual(
    trace.wakesOf(victim).map((wake) => wake.effect),
    ['afterCompletion'],
  );
});

test('a task that is aborted before its first poll never runs', async () => {
  let ran = false;
  const { trace } = await record(function* () {
    const handle = spawn(
      // biome-ignore lint/correctness/useYield: it must not run at all.
      function* () {
        ran = true;
      },
      { name: 'early' },
    );
    handle.abort();
    yield* sleep(2);
  });
  assert.equal(ran, false);
  assert.equal(trace.pollsOf(trace.taskNamed('early')), 0);
  assert.ok(trace.trace('taskEnded').includes('early cancelled by root'));
});

test('a task that aborts itself is dropped when its poll ends', async () => {
  let afterAbort = false;
  const { trace } = await record(function* () {
    const self: { handle?: JoinHandle<void> } = {};
    self.handle = spawn(
      function* () {
        self.handle?.abort();
        afterAbort = true;
        yield* sleep(1000);
      },
      { name: 'selfish' },
    );
    yield* yieldNow();
  });
  assert.equal(afterAbort, true, 'the running poll goes on to its end');
  const ends = trace
    .trace('pollEnd', 'taskEnded', 'timerCancelled')
    .filter((line) => /selfish|timer/.test(line));
  assert.deepEqual(ends, ['timer cancelled', 'selfish pending', 'selfish cancelled by selfish']);
});

test('a finally block that awaits while it is cancelled is told so, and its error is not lost', async () => {
  let seen: unknown;
  await run(function* () {
    const handle = spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* sleep(1);
      }
    });
    yield* yieldNow();
    handle.abort();
    try {
      yield* handle;
    } catch (error) {
      seen = error;
    }
  });
  assert.ok(seen instanceof JoinError);
  assert.match(seen.message, /cannot await in its finally block/);
});

test('when the root ends, tasks that still live are cancelled', async () => {
  let cleaned = false;
  const { trace } = await record(function* () {
    spawn(
      function* () {
        try {
          yield* sleep(60_000);
        } finally {
          cleaned = true;
        }
      },
      { name: 'left behind' },
    );
    yield* yieldNow();
  });
  assert.equal(cleaned, true);
  assert.ok(trace.trace('taskEnded').includes('left behind cancelled by outside'));
  assert.equal(trace.trace('runtimeStopped').length, 1);
});

test('shutdown from outside rejects the root promise', async () => {
  const runtime = new Runtime();
  const root = runtime.run(() => sleepForever());
  setTimeout(() => runtime.shutdown(), 2);
  await assert.rejects(root, (error: unknown) => error instanceof JoinError && error.outcome === 'cancelled');
  assert.throws(() => runtime.spawn(() => sleepForever()), /is shut down/);
});

function* sleepForever(): Async<void> {
  yield* sleep(60_000);
}

test('one handle can be awaited by several tasks', async () => {
  const values = await run(function* () {
    const shared = spawn(function* () {
      yield* sleep(2);
      return 7;
    });
    const joiners = [1, 2, 3].map((factor) =>
      spawn(function* () {
        return factor * (yield* shared);
      }),
    );
    const products: number[] = [];
    for (const joiner of joiners) products.push(yield* joiner);
    return products;
  });
  assert.deepEqual(values, [7, 14, 21]);
});

test('a self-waking task does not starve the loop', async () => {
  let turns = 0;
  // Should the loop's timer never get its turn, this test would never end.
  const timer = setInterval(() => turns++, 1);
  const polls = await run(function* () {
    let count = 0;
    while (turns < 2) {
      count += 1;
      yield* yieldNow();
    }
    return count;
  });
  clearInterval(timer);
  assert.ok(polls >= 256, `a batch ran before the first turn: ${polls} polls`);
});

test('parents, sites and names of tasks are recorded', async () => {
  const { trace } = await record(function* rootTask() {
    yield* spawn(function* inner() {
      yield* sleep(1);
    });
  });
  const inner = trace.tasks.get(trace.taskNamed('inner'));
  assert.equal(inner?.parent, trace.taskNamed('root'));
  assert.equal(inner?.kind, 'local');
  assert.equal(siteLabel(inner?.site), 'tasks.test.ts:rootTask');
  const wait = trace.waits.find((w) => w.target.kind === 'timer');
  assert.equal(siteLabel(wait?.site), 'tasks.test.ts:inner');
  const join = trace.waits.find((w) => w.target.kind === 'task');
  assert.equal(siteLabel(join?.site), 'tasks.test.ts:rootTask');
  assert.equal(
    join?.site?.line,
    inner?.site?.line,
    'mapped to the line of the source, where spawn is awaited',
  );
});

test('wakers that were cloned are dropped by the end', async () => {
  const { trace } = await record(function* () {
    const { sender, receiver } = oneshot<void>();
    const handle = spawn(
      function* () {
        yield* sleep(1);
        yield* receiver;
      },
      { name: 'clean' },
    );
    yield* sleep(3);
    sender.send();
    yield* handle;
  });
  assert.equal(trace.wakerCloneBalance.get(trace.taskNamed('clean')), 0);
});

test('a task that awaits its own end is told so', async () => {
  const reasons: string[] = [];
  await run(function* () {
    const handle: JoinHandle<void> = spawn(function* (): Async<void> {
      try {
        yield* handle;
      } catch (error) {
        reasons.push(String(error));
      }
    });
    yield* handle;
  });
  assert.match(reasons.join(), /awaits its own end.*in another task/);
});

test('mistakes get clear errors', async () => {
  assert.throws(() => spawn(sleepForever), /no runtime here.*run\(/);
  await assert.rejects(
    run(function* (): Generator<never, void, unknown> {
      yield 5 as never;
    }),
    /yielded number \(5\), which is no future/,
  );
  assert.throws(() => new Runtime().spawn(Promise.resolve() as never), /got a promise/);
  assert.throws(() => timeout(sleepForever() as never, 5 as never), /got number \(5\)/);
  assert.throws(() => joinAll(sleep(1) as never), /expects one list.*joinAll\(\[a, b\]\)/);
  assert.throws(() => fromPromise((async () => 1) as never), /got a function .*fromPromise\(work\(\)\)/);
  assert.throws(() => untilAborted(5 as never, sleep(1)), /expects an AbortSignal/);
});

test('an observer that comes late is told what lives, and one that leaves is told nothing more', async () => {
  const trace = new RecordingObserver();
  assert.equal(currentTaskId(), 0);
  await run(
    function* () {
      const sleeper = spawn(() => sleepForever(), { name: 'sleeper' });
      yield* yieldNow();
      setObserver(trace);
      yield* sleep(1);
      setObserver(undefined);
      sleeper.abort();
      yield* sleep(1);
    },
    { name: 'root' },
  );
  assert.deepEqual(trace.trace('snapshot'), [
    'root is running after 2 polls',
    'sleeper is idle after 1 polls',
  ]);
  assert.deepEqual(trace.trace('taskSpawned'), []);
  assert.deepEqual(trace.trace('taskEnded'), []);
  assert.equal(trace.trace('pollStart').length, 1);
});
