// Says on its output, at once, when each of its timers called back, and never ends by itself before its time is over.
// Knows nothing of the probe.
import { writeSync } from 'node:fs';

let fired = 0;
const interval = setInterval(() => {
  fired++;
  writeSync(1, `${process.hrtime.bigint()}\n`);
  // A test that failed to end it leaves it so long.
  if (fired === 60_000) clearInterval(interval);
}, 1);
