// A program for tests: tasks that sleep and count their own polls, and an end of the kind that --ending names.
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  type Context,
  type Future,
  init,
  joinAll,
  type Poll,
  run,
  sleep,
  spawn,
} from '../../../../runtime-probe/node/src/index.ts';

const { values: settings } = parseArgs({
  options: {
    ending: { type: 'string', default: 'natural' },
    tasks: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '5' },
    sleepMs: { type: 'string', default: '1' },
    ringBytes: { type: 'string' },
    /** Holds the thread that long after half of the rounds, as a debugger does. */
    holdMs: { type: 'string', default: '0' },
    /** Lets a debugger on another thread stop this one meanwhile, instead of a busy loop. */
    debugger: { type: 'boolean', default: false },
    /** Begins to record only then. */
    lateMs: { type: 'string', default: '0' },
  },
});

const counters = { tasks: 0, polls: 0 };
const ringOptions = settings.ringBytes === undefined ? {} : { ringBytes: Number(settings.ringBytes) };
const lateMs = Number(settings.lateMs);
if (lateMs === 0) init(ringOptions);
else setTimeout(() => init(ringOptions), lateMs);
const idleBeforeMs = performance.nodeTiming.idleTime;

/** Counts the polls of the future inside it. */
class Counted<T> implements Future<T> {
  private readonly inner: Future<T>;
  constructor(inner: Future<T>) {
    this.inner = inner;
  }
  poll(cx: Context): Poll<T> {
    counters.polls++;
    return this.inner.poll(cx);
  }
  drop(): void {
    this.inner.drop?.();
  }
}

/** A debugger as the inspector has it: stops the main thread at its next statement, and lets it go after the time. */
const debuggerProgram = `
  const { Session } = require('node:inspector');
  const { workerData } = require('node:worker_threads');
  // A session alone does not keep its thread alive.
  const alive = setInterval(() => undefined, 1000);
  const session = new Session();
  session.connectToMainThread();
  session.on('Debugger.paused', () => {
    Atomics.store(workerData.stops, 0, 1);
    setTimeout(() => session.post('Debugger.resume', leave), workerData.durationMs);
  });
  const leave = () => {
    session.disconnect();
    clearInterval(alive);
  };
  session.post('Debugger.enable', () => session.post('Debugger.pause'));
`;

function hold(durationMs: number): void {
  const stops = new Int32Array(new SharedArrayBuffer(4));
  const endMs = performance.now() + durationMs;
  if (settings.debugger && durationMs > 0) {
    const worker = new Worker(debuggerProgram, { eval: true, workerData: { stops, durationMs } });
    worker.unref();
    while (Atomics.load(stops, 0) === 0 && performance.now() < endMs + 10_000);
    if (Atomics.load(stops, 0) === 0) throw new Error('the debugger never stopped this thread');
  } else while (performance.now() < endMs);
}

const rounds = Number(settings.rounds);
await run(function* main() {
  for (let round = 0; round < rounds; round++) {
    if (round === Math.floor(rounds / 2)) hold(Number(settings.holdMs));
    const handles = [];
    for (let i = 0; i < Number(settings.tasks); i++) {
      counters.tasks++;
      handles.push(spawn(new Counted(sleep(Number(settings.sleepMs))), { name: `sleeper ${i}` }));
    }
    yield* joinAll(handles);
  }
});
const idleMs = performance.nodeTiming.idleTime - idleBeforeMs;
console.log(JSON.stringify({ ...counters, idleMs, dropped: init().dropped }));
if (settings.ending === 'exit') process.exit(7);
if (settings.ending === 'throw') throw new Error('thrown on purpose');
