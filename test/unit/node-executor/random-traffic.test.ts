// Random traffic over channels and permits, with tasks that are cancelled at any point: no wake is lost, nobody is
// passed, nothing is received twice, no waker stays behind. A lost wake would end the test run with a test pending.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Async,
  CLOSED,
  channel,
  connect,
  fromPromise,
  type JoinHandle,
  listen,
  Notify,
  type Receiver,
  RwLock,
  run,
  Semaphore,
  type Sender,
  sleep,
  spawn,
  unboundedChannel,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { type RecordingObserver, record } from '../../support/executor-observer.ts';

/** One seed, so that a run is like every other; WAKELINE_TEST_SEED tries another. */
const seed = Number(process.env['WAKELINE_TEST_SEED'] ?? 1);

/** How often a worker lets the others go first before each of its steps. */
const pauses = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 });
/** After how many turns of the controlling task a worker is cancelled; undefined: never. */
const cancelledAfter = fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined });
const worker = fc.record({ pauses, cancelledAfter });
type Worker = { readonly pauses: readonly number[]; readonly cancelledAfter: number | undefined };

function* pause(times: number): Async<void> {
  for (let i = 0; i < times; i += 1) yield* yieldNow();
}

/** Cancels each worker when its time has come, counted in turns of this task. */
function* cancelInTime(
  workers: readonly { readonly plan: Worker; readonly handle: JoinHandle<unknown> }[],
): Async<void> {
  const last = Math.max(0, ...workers.map(({ plan }) => plan.cancelledAfter ?? 0));
  for (let turn = 0; turn <= last; turn += 1) {
    for (const { plan, handle } of workers) if (plan.cancelledAfter === turn) handle.abort();
    yield* yieldNow();
  }
}

function checkTrace(trace: RecordingObserver): void {
  assert.deepEqual(trace.brokenEpochs(), []);
  for (const task of trace.tasks.keys()) {
    assert.equal(trace.wakerCloneBalance.get(task) ?? 0, 0, `task ${task} leaves no waker stored`);
  }
  assert.equal(trace.trace('taskEnded').length, trace.tasks.size);
}

interface Message {
  readonly from: number;
  readonly n: number;
}

function* produce(sender: Sender<Message>, from: number, plan: Worker, sent: Message[]): Async<void> {
  try {
    for (const [n, times] of plan.pauses.entries()) {
      yield* pause(times);
      const message = { from, n };
      if (!(yield* sender.send(message))) return;
      sent.push(message);
    }
  } finally {
    sender.close();
  }
}

function* consume(receiver: Receiver<Message>, plan: Worker, received: Message[]): Async<void> {
  for (let i = 0; ; i += 1) {
    yield* pause(plan.pauses[i % plan.pauses.length] ?? 0);
    const message = yield* receiver.receive();
    if (message === CLOSED) return;
    received.push(message);
  }
}

test('property: what is sent is received once and in order, whoever is cancelled', async () => {
  const scenario = fc.record({
    capacity: fc.integer({ min: 1, max: 3 }),
    senders: fc.array(worker, { minLength: 1, maxLength: 4 }),
    receivers: fc.array(worker, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ capacity, senders, receivers }) => {
      const sent: Message[] = [];
      const received: Message[] = [];
      const { trace } = await record(function* () {
        const { sender, receiver } = channel<Message>(capacity);
        const workers = [
          ...senders.map((plan, i) => {
            const mine = sender.clone();
            const handle = spawn(produce(mine, i, plan, sent));
            return { plan, handle };
          }),
          ...receivers.map((plan) => ({ plan, handle: spawn(consume(receiver, plan, received)) })),
        ];
        sender.close();
        // Spawned last: each worker has begun, and so closes its sender in its `finally`, before any is cancelled.
        const cancelling = spawn(cancelInTime(workers));
        // The root receives too, so that senders can go on when all other receivers are cancelled.
        yield* consume(receiver, { pauses: [0], cancelledAfter: undefined }, received);
        yield* cancelling;
      });
      checkTrace(trace);
      // A send may have put its value in the very poll in which its task was cancelled, never the other way round.
      for (const message of sent) assert.ok(received.includes(message), 'what was sent is received');
      assert.equal(new Set(received).size, received.length, 'nothing is received twice');
      for (const from of senders.keys()) {
        const order = received.filter((message) => message.from === from).map((message) => message.n);
        assert.deepEqual(
          order,
          order.map((_, i) => i),
          'one sender’s values come in their order',
        );
      }
    }),
    { numRuns: 200, seed },
  );
});

test('property: permits are neither lost nor made, and nobody who waits is passed', async () => {
  const scenario = fc.record({
    permits: fc.integer({ min: 1, max: 3 }),
    workers: fc.array(fc.record({ plan: worker, need: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ permits, workers }) => {
      const { trace } = await record(function* () {
        const semaphore = new Semaphore(permits);
        const lock = new RwLock(0);
        const handles = workers.map(({ plan, need }) => {
          const handle = spawn(function* () {
            for (const times of plan.pauses) {
              const permit = yield* semaphore.acquire(Math.min(need, permits));
              try {
                const guard = need === 3 ? yield* lock.write() : yield* lock.read();
                try {
                  yield* pause(times);
                } finally {
                  guard.release();
                }
              } finally {
                permit.release();
              }
            }
          });
          return { plan, handle };
        });
        yield* cancelInTime(handles);
        for (const { plan, handle } of handles) if (plan.cancelledAfter === undefined) yield* handle;
        assert.equal(semaphore.available, permits);
        (yield* lock.write()).release();
      });
      checkTrace(trace);
      const acquired = trace.trace('resourceAcquired').length;
      assert.equal(acquired, trace.trace('resourceReleased').length);
    }),
    { numRuns: 200, seed },
  );
});

test('property: a notification is kept or wakes exactly one who is still there', async () => {
  const scenario = fc.record({
    waiters: fc.array(cancelledAfter, { minLength: 1, maxLength: 5 }),
    gap: fc.integer({ min: 0, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ waiters, gap }) => {
      const { trace } = await record(function* () {
        const notify = new Notify();
        let woken = 0;
        const workers = waiters.map((cancelledAfterTurns) => {
          const handle = spawn(function* () {
            yield* notify.notified();
            woken += 1;
          });
          return { plan: { pauses: [], cancelledAfter: cancelledAfterTurns }, handle };
        });
        const cancelling = spawn(cancelInTime(workers));
        const staying = waiters.filter((after) => after === undefined).length;
        for (let n = 0; n < waiters.length; n += 1) {
          yield* pause(gap);
          notify.notifyOne();
        }
        yield* cancelling;
        yield* pause(2);
        assert.ok(woken >= Math.min(staying, 1));
        // What the cancelled did not take is kept, at most once, or went to one who stays.
        for (const { plan, handle } of workers) {
          if (plan.cancelledAfter !== undefined) continue;
          while (!handle.isFinished) {
            notify.notifyOne();
            yield* yieldNow();
          }
        }
      });
      checkTrace(trace);
    }),
    { numRuns: 200, seed },
  );
});

test('a queue of many values gives them back in order and keeps no room for those that are gone', async () => {
  const { trace } = await record(function* () {
    const { sender, receiver } = unboundedChannel<number>();
    let next = 0;
    for (let round = 0; round < 50; round += 1) {
      for (let n = 0; n < 100; n += 1) sender.send(round * 100 + n);
      for (let n = 0; n < (round === 49 ? 100 + 49 : 99); n += 1) {
        assert.equal(yield* receiver.receive(), next);
        next += 1;
      }
    }
    assert.equal(receiver.size, 0);
  });
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('property: the run queue is served in turn: of tasks that all yield none is a round behind', async () => {
  const scenario = fc.record({
    tasks: fc.integer({ min: 1, max: 600 }),
    rounds: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ tasks, rounds }) => {
      const order: number[] = [];
      await record(function* () {
        const handles = Array.from({ length: tasks }, (_, task) =>
          spawn(function* () {
            for (let round = 0; round < rounds; round += 1) {
              order.push(task);
              yield* yieldNow();
            }
          }),
        );
        for (const handle of handles) yield* handle;
      });
      assert.deepEqual(
        order,
        Array.from({ length: tasks * rounds }, (_, i) => i % tasks),
      );
    }),
    { numRuns: 20, seed },
  );
});

test('tasks that never stop yielding starve neither timers nor sockets nor callbacks of the loop', async () => {
  await run(function* () {
    let stop = false;
    for (let i = 0; i < 300; i += 1) {
      spawn(function* () {
        while (!stop) yield* yieldNow();
      });
    }
    const listener = yield* listen({ port: 0 });
    const client = yield* connect({ port: listener.port });
    const served = yield* listener.accept();
    yield* served.write('through');
    assert.equal(`${yield* client.read()}`, 'through');
    yield* sleep(1);
    yield* fromPromise(new Promise<void>((resolve) => setTimeout(resolve, 1)));
    stop = true;
  });
});
