// A program: runs the suite of Promises/A+ against the executor's promise and prints what came of it as JSON.
// The suite waits by setTimeout for what may happen meanwhile, 5 to 150 ms at a time. Here such a timer counts turns
// of the loop instead, one for each ms, and each fires in a turn of its own: the order is the same, and does not
// depend on how busy the machine is.

import { createRequire } from 'node:module';
import { deferred, rejected, resolved } from '../../runtime-probe/node/src/executor/index.ts';

const require = createRequire(import.meta.url);

interface MochaRunner {
  on(event: 'pass' | 'fail', listener: (test: { fullTitle(): string }, error?: Error) => void): void;
}
type RunSuite = (
  adapter: unknown,
  options: { readonly reporter: new (runner: MochaRunner) => object; readonly timeout: number },
  done: () => void,
) => void;

// Loaded before setTimeout is replaced: its own time-outs stay real.
const runSuite = require('promises-aplus-tests') as RunSuite;

interface TurnTimer {
  readonly dueTurn: number;
  readonly callback: () => void;
}

const timers: TurnTimer[] = [];
let turn = 0;

/** Fires at most one timer, the first that is due, in each turn. */
function nextTurn(): void {
  turn += 1;
  const first = timers.reduce<TurnTimer | undefined>(
    (earliest, timer) => (earliest === undefined || timer.dueTurn < earliest.dueTurn ? timer : earliest),
    undefined,
  );
  if (first !== undefined && first.dueTurn <= turn) {
    timers.splice(timers.indexOf(first), 1);
    first.callback();
  }
  if (timers.length > 0) setImmediate(nextTurn);
}

function setTurnTimer(callback: () => void, delayTurns = 0): TurnTimer {
  const timer = { dueTurn: turn + Math.max(1, delayTurns), callback };
  timers.push(timer);
  if (timers.length === 1) setImmediate(nextTurn);
  return timer;
}

if (!process.argv.includes('--real-timers')) {
  Object.assign(globalThis, {
    setTimeout: setTurnTimer,
    clearTimeout: (timer: TurnTimer) => {
      const at = timers.indexOf(timer);
      if (at >= 0) timers.splice(at, 1);
    },
  });
}

let passed = 0;
const failed: string[] = [];
class Reporter {
  constructor(runner: MochaRunner) {
    runner.on('pass', () => {
      passed += 1;
    });
    runner.on('fail', (test, error) => failed.push(`${test.fullTitle()}: ${error?.message}`));
  }
}
// A test that never calls back would take this long; none does.
runSuite({ deferred, resolved, rejected }, { reporter: Reporter, timeout: 60_000 }, () => {
  console.log(JSON.stringify({ passed, failed }));
});
