// The program of the workbench test of stops in one part of a launch: plain Node, no import of Wakeline. A process
// starts a worker thread and forks a child; each signal SIGUSR2 lets the next of the three stop in the debugger.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Nobody waits for its end; one that was forgotten ends by itself. */
const longestMs = 600_000;
const file = fileURLToPath(import.meta.url);

function stand() {
  // biome-ignore lint/suspicious/noDebugger: the debugger stops here, in whichever part runs it.
  debugger;
}

if (!isMainThread) {
  parentPort.on('message', stand);
} else if (process.send !== undefined) {
  process.on('message', stand);
  process.on('disconnect', () => process.exit());
} else {
  const turns = [() => worker.postMessage(''), () => child.send(''), stand];
  // Before there is anybody who could be seen from outside: who sees all three may send the signal.
  process.on('SIGUSR2', () => turns.shift()?.());
  const worker = new Worker(file);
  const child = fork(file);
  setTimeout(() => process.exit(), longestMs).unref();
}
