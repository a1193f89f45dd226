// Owns ending an extension host whose server is gone even while its main thread is busy: the interface of VS Code's
// native watchdog, with a worker thread in the place of native code. install.mjs puts this file in its place.
'use strict';

const { isMainThread, Worker, workerData } = require('node:worker_threads');

/** How often the parent is looked for; an orphan lives at most this much longer. */
const CHECK_INTERVAL_MS = 1_000;

if (isMainThread) {
  exports.start = (parentPid) => {
    // No execArgv: a preloaded module of this process must not run in the watching thread too.
    new Worker(__filename, { workerData: { parentPid }, execArgv: [] }).unref();
  };
  exports.exit = (exitCode) => process.exit(exitCode);
} else {
  setInterval(() => {
    try {
      process.kill(workerData.parentPid, 0);
    } catch {
      // Only a signal ends the whole process from here: process.exit would end this thread alone.
      process.kill(process.pid, 'SIGKILL');
    }
  }, CHECK_INTERVAL_MS);
}
