// A program for tests: tasks that sleep and count their own polls, and an end of the kind that --ending names.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
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
    /** Holds the thread after half of the rounds, until this file is there. */
    holdUntil: { type: 'string' },
    /** Makes more rounds until this file is there. */
    until: { type: 'string' },
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

/** Nothing is waited for any longer, so that a failed test leaves nothing behind. */
const endMs = performance.now() + 200_000;
const isAwaited = (path: string): boolean => !existsSync(path) && performance.now() < endMs;

/** Busy, never waiting: the loop does not turn. */
function holdUntil(path: string): void {
  while (isAwaited(path));
}

const rounds = Number(settings.rounds);
await run(function* main() {
  const wantsMore = (): boolean => settings.until !== undefined && isAwaited(settings.until);
  for (let round = 0; round < rounds || wantsMore(); round++) {
    if (round === Math.floor(rounds / 2) && settings.holdUntil !== undefined) holdUntil(settings.holdUntil);
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
if (settings.ending === 'stop') {
  init().stop();
  // What is spawned from here on is not recorded; the program goes on until this is done.
  await run(sleep(200));
}
if (settings.ending === 'exit') process.exit(7);
if (settings.ending === 'throw') throw new Error('thrown on purpose');
