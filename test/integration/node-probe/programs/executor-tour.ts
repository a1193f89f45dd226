// A program for tests: one wait of each kind that the executor's parts make, by tasks whose names say what they do.
import {
  type Async,
  Barrier,
  broadcast,
  channel,
  compute,
  deferred,
  fromPromise,
  init,
  type JoinHandle,
  joinAll,
  Mutex,
  Notify,
  oneshot,
  RwLock,
  run,
  Semaphore,
  scope,
  select,
  sleep,
  spawn,
  WorkerPool,
  watch,
  yieldNow,
} from '../../../../runtime-probe/node/src/index.ts';

init();
const pool = new WorkerPool({ threads: 1, name: 'sums' });

/** Sends, notifies or gives back after the waiting task is waiting. */
function later(name: string, act: () => void): void {
  spawn(
    function* () {
      yield* sleep(2);
      act();
    },
    { name },
  );
}

/** Done when the work has begun, and a turn of the loop has brought the news of it. */
function* hasBegun(memory: SharedArrayBuffer): Async<void> {
  while (Atomics.load(new Int32Array(memory), 0) === 0) yield* sleep(1);
  // A sleep that is over at its first poll would take no turn; this takes one, with its I/O, however late it is.
  yield* fromPromise(new Promise<void>((resolve) => setImmediate(resolve)));
}

await run(
  function* () {
    const { sender, receiver } = channel<number>(1);
    const announcements = broadcast<string>(2);
    const heard = announcements.subscribe();
    const setting = watch(0);
    const seen = setting.subscribe();
    const notify = new Notify();
    const single = oneshot<number>();
    const settled = deferred<number>();
    const mutex = new Mutex(0);
    const lock = new RwLock(0);
    const semaphore = new Semaphore(1);
    const barrier = new Barrier(2);
    const guard = yield* mutex.lock();
    const writing = yield* lock.write();
    const permit = yield* semaphore.acquire();
    const waits: JoinHandle<unknown>[] = [
      spawn(receiver.receive(), { name: 'waits for channel' }),
      spawn(heard.receive(), { name: 'waits for broadcast' }),
      spawn(seen.changed(), { name: 'waits for watch' }),
      spawn(notify.notified(), { name: 'waits for notify' }),
      spawn(single.receiver, { name: 'waits for oneshot' }),
      spawn(settled.promise, { name: 'waits for promise' }),
      spawn(mutex.lock(), { name: 'waits for mutex' }),
      spawn(lock.read(), { name: 'waits for lock' }),
      spawn(semaphore.acquire(), { name: 'waits for permit' }),
      spawn(barrier.wait(), { name: 'waits for barrier' }),
    ];
    later('gives', () => {
      sender.trySend(1);
      announcements.send('now');
      setting.send(1);
      notify.notifyOne();
      single.sender.send(1);
      settled.resolve(1);
      guard.release();
      writing.release();
      permit.release();
    });
    spawn(
      function* () {
        yield* sleep(2);
        yield* barrier.wait();
      },
      { name: 'comes last' },
    );
    yield* joinAll(waits);
    yield* fromPromise(new Promise<void>((resolve) => setTimeout(resolve, 1)));
    yield* scope(function* (s) {
      s.spawn(sleep(1), { name: 'child' });
      yield* yieldNow();
    });
    const sum = (n: number): number => {
      let total = 0;
      for (let i = 1; i <= n; i += 1) total += i;
      return total;
    };
    const sums = yield* joinAll([1000, 2000].map((n) => compute(sum, [n], { pool })));
    const begun = new SharedArrayBuffer(4);
    const endless = (memory: SharedArrayBuffer): void => {
      Atomics.store(new Int32Array(memory), 0, 1);
      for (;;);
    };
    const lost = yield* select(compute(endless, [begun], { pool }), hasBegun(begun));
    console.log(JSON.stringify({ sums, lost: lost.index, dropped: init().dropped }));
  },
  { name: 'main' },
);
