// Predicted source positions: how many are wrong in programs that branch, and that the first and the odd ones are right.
// The truth is told by the program itself: what it spawns or waits for is named after the line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type Async,
  channel,
  joinAll,
  Notify,
  type Observer,
  ready,
  run,
  type Site,
  select,
  setObserver,
  spawn,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';

const lines = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n');

/** A sequence that is the same in each run: numbers below `limit`. */
function sequence(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Counts the sites of spawns whose line does not end with the name of what was spawned. */
class Judge {
  told = 0;
  readonly wrong: string[] = [];

  judge(name: string, site: Site | undefined): void {
    if (!/^[A-Z]$/.test(name)) return;
    this.told += 1;
    const line = lines[(site?.line ?? 0) - 1] ?? '';
    if (!line.endsWith(`// ${name}`)) this.wrong.push(`${name} was told as line ${site?.line}`);
  }

  observe(): void {
    const nothing = (): void => undefined;
    const told: Partial<Observer> = { taskSpawned: (task) => this.judge(task.name, task.site) };
    setObserver(new Proxy(told, { get: (hooks, hook) => Reflect.get(hooks, hook) ?? nothing }) as Observer);
  }
}

const done = { poll: () => ready(undefined) };

/** Branches of each kind: often and seldom taken, by what was received, by nothing that anybody can see, by an error. */
function* branching(next: (limit: number) => number, rounds: number): Async<void> {
  const values = channel<boolean | undefined>(4);
  for (let i = 0; i < rounds; i += 1) {
    spawn(done, { name: 'A' }); // A
    if (next(2) === 0)
      spawn(done, { name: 'B' }); // B
    else spawn(done, { name: 'C' }); // C
    yield* yieldNow();
    if (next(50) === 0) {
      spawn(done, { name: 'D' }); // D
      yield* yieldNow();
    }
    if (next(400) === 0) spawn(done, { name: 'E' }); // E
    values.sender.trySend(next(2) === 0 ? true : undefined);
    if ((yield* values.receiver.receive()) === true)
      spawn(done, { name: 'F' }); // F
    else spawn(done, { name: 'G' }); // G
    try {
      if (next(10) === 0) yield* failing();
      spawn(done, { name: 'H' }); // H
    } catch {
      spawn(done, { name: 'I' }); // I
    }
    for (let n = next(4); n > 0; n -= 1) spawn(done, { name: 'J' }); // J
    yield* nested(next);
  }
}

function* failing(): Async<void> {
  yield* yieldNow();
  throw new Error('as it should');
}

function* nested(next: (limit: number) => number): Async<void> {
  spawn(done, { name: 'K' }); // K
  yield* yieldNow();
  switch (next(5)) {
    case 0:
      spawn(done, { name: 'L' }); // L
      break;
    case 1:
      spawn(done, { name: 'M' }); // M
      break;
    default:
      yield* select(yieldNow(), inBranch());
  }
}

function* inBranch(): Async<void> {
  spawn(done, { name: 'N' }); // N
  yield* yieldNow();
  yield* yieldNow();
  spawn(done, { name: 'O' }); // O
}

test('in a program of branches at most one position of a thousand is told wrongly', async () => {
  const judge = new Judge();
  judge.observe();
  try {
    await run(function* () {
      yield* joinAll(Array.from({ length: 8 }, (_, i) => spawn(branching(sequence(i + 1), 3000))));
    });
  } finally {
    setObserver(undefined);
  }
  assert.ok(judge.told > 150_000, `${judge.told} were told`);
  assert.ok(
    judge.wrong.length <= judge.told / 1000,
    `${judge.wrong.length} of ${judge.told}: ${[...new Set(judge.wrong)].join('; ')}`,
  );
});

test('recording that begins in the midst of a generator, stops and goes on, tells no position of before', async () => {
  const first = new Judge();
  const second = new Judge();
  const news = new Notify();
  let phase = 0;
  const work = function* (): Async<void> {
    while (phase < 3) {
      spawn(done, { name: 'S' }); // S
      yield* yieldNow();
      if (phase === 1) {
        spawn(done, { name: 'T' }); // T
        yield* yieldNow();
      }
      spawn(done, { name: 'U' }); // U
      yield* yieldNow();
    }
    news.notifyOne();
  };
  try {
    await run(function* () {
      spawn(work);
      for (let turn = 0; turn < 400; turn += 1) {
        if (turn === 31) first.observe();
        if (turn === 150) setObserver(undefined);
        if (turn === 160) phase = 1;
        if (turn === 200) phase = 2;
        if (turn === 201) second.observe();
        if (turn === 399) phase = 3;
        yield* yieldNow();
      }
      yield* news.notified();
    });
  } finally {
    setObserver(undefined);
  }
  assert.ok(first.told > 50 && second.told > 50);
  assert.deepEqual([...first.wrong, ...second.wrong], []);
});
