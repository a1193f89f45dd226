// A program that uses the executor and records itself, as the package's README shows.
import { existsSync } from 'node:fs';
import { init, run, sleep, spawn } from '../../../../runtime-probe/node/src/index.ts';

// With a path the program thinks of it only when there is a file.
const goOn = process.argv[2];
while (goOn !== undefined && !existsSync(goOn)) await new Promise((resolve) => setTimeout(resolve, 5));

const recording = init();
const value = await run(function* main() {
  const handle = spawn(function* worker() {
    yield* sleep(5);
    return 7;
  });
  return yield* handle;
});
console.log(JSON.stringify({ value, off: recording.state === 'off' }));
