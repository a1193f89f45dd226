// What the executor keeps: nothing of what has ended or is out of reach, however long a program runs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const executor = new URL('../../../runtime-probe/node/src/executor/index.ts', import.meta.url).href;

/** Runs a program that can ask for garbage collection; it is killed when it does not end. */
async function runCollected(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', '--input-type=module', '--eval', program],
    { timeout: 120_000 },
  );
  return stdout;
}

test('a resource that nobody can reach any more is told as dropped', async () => {
  const stdout = await runCollected(`
    import { oneshot, run, setObserver } from '${executor}';
    let dropped = 0;
    const hooks = { resourceDropped: () => { dropped += 1; } };
    setObserver(new Proxy(hooks, { get: (told, hook) => told[hook] ?? (() => undefined) }));
    await run(function* () {
      for (let i = 0; i < 1000; i += 1) {
        const { sender, receiver } = oneshot();
        setImmediate(() => sender.send(i));
        yield* receiver;
      }
    });
    // Each is told some time after it was collected; one or the other may still be in a register or cache.
    while (dropped < 900) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log('dropped');
  `);
  assert.equal(stdout, 'dropped\n');
});

test('a million values, locks, promises and tasks leave the heap as it was', async () => {
  const stdout = await runCollected(`
    import { channel, fromPromise, Mutex, resolved, run, scope, select, Semaphore, sleep, spawn } from '${executor}';
    function* work(rounds) {
      const { sender, receiver } = channel(4);
      const mutex = new Mutex(0);
      const semaphore = new Semaphore(1);
      const never = channel(1).receiver;
      const settled = Promise.resolve();
      for (let i = 0; i < rounds; i += 1) {
        yield* sender.send(i);
        yield* receiver.receive();
        (yield* mutex.lock()).release();
        (yield* semaphore.acquire()).release();
        yield* spawn(function* () {});
        if (i % 10 === 0) {
          yield* select(never.receive(), sleep(0));
          yield* resolved(i).then((n) => n);
          yield* fromPromise(settled);
          yield* scope(function* (s) { s.spawn(sleep(0)); yield* sleep(0); });
        }
      }
    }
    const heap = () => { globalThis.gc(); globalThis.gc(); return process.memoryUsage().heapUsed; };
    await run(() => work(20_000));
    const before = heap();
    await run(() => work(200_000));
    const grown = heap() - before;
    // Ten times the work; one object of 100 bytes that stayed of each round would be 20 MB.
    console.log(grown < 4_000_000 ? 'bounded' : 'grown by ' + grown);
  `);
  assert.equal(stdout, 'bounded\n');
});
