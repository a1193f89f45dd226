// A program for tests: calls init() in its main thread and in a worker thread, twice each, and once more as it ends.
// With --late it calls it only as it ends.
import { isMainThread, Worker } from 'node:worker_threads';
import { init, run, spawn, yieldNow } from '../../../../runtime-probe/node/src/index.ts';

const own = isMainThread ? 'main' : 'worker';
if (process.argv.includes('--late')) {
  process.on('exit', () => {
    const { state, reason } = init();
    console.log(`${state}: ${reason}`);
  });
} else {
  const recording = init();
  const again = init({ ringBytes: 1024 * 1024 });
  await run(
    function* () {
      yield* spawn(yieldNow(), { name: `child of ${own}` });
    },
    { name: `root of ${own}` },
  );
  if (isMainThread) {
    await new Promise((resolve) => new Worker(new URL(import.meta.url)).once('exit', resolve));
    recording.stop();
    const after = init();
    console.log(`${after === recording && again === recording}, ${after.state}: ${after.reason}`);
    await run(yieldNow(), { name: 'after the stop' });
  }
}
