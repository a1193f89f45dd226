// A program for tests that begins more work when Node says that there is none left, once.
import { init, run, sleep } from '../../../../runtime-probe/node/src/index.ts';

init();
let calls = 0;
process.on('beforeExit', () => {
  calls++;
  console.log(`beforeExit ${calls}`);
  if (calls > 1) return;
  void run(sleep(5)).then(() => console.log('more work'));
});
process.on('exit', () => console.log('exit'));
await run(sleep(5));
