// A program that uses the executor and records itself, as the package's README shows.
import { init, run, sleep, spawn } from '../../../../runtime-probe/node/src/index.ts';

// With a number the program thinks of it only then, in ms.
const lateMs = Number(process.argv[2] ?? 0);
if (lateMs > 0) await new Promise((resolve) => setTimeout(resolve, lateMs));

const recording = init();
const value = await run(function* main() {
  const handle = spawn(function* worker() {
    yield* sleep(5);
    return 7;
  });
  return yield* handle;
});
console.log(JSON.stringify({ value, off: recording.state === 'off' }));
