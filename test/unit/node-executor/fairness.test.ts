// A task that never has to wait gives way to the others, and loses nothing by it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Mutex,
  run,
  spawn,
  unboundedChannel,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';

test('a task whose awaits are always ready gives way', async () => {
  const polls = await run(function* () {
    const free = new Mutex(0);
    let stop = false;
    let turns = 0;
    spawn(function* () {
      yield* yieldNow();
      stop = true;
    });
    for (; !stop; turns += 1) (yield* free.lock()).release();
    return turns;
  });
  assert.ok(polls > 0);
});

test('a task that gives way is cancelled like any other, and takes nothing with it', async () => {
  const { sender, receiver } = unboundedChannel<number>();
  for (let n = 0; n < 1000; n += 1) sender.send(n);
  await run(function* () {
    let taken = 0;
    const greedy = spawn(function* () {
      for (;;) {
        yield* receiver.receive();
        taken += 1;
      }
    });
    yield* yieldNow();
    greedy.abort();
    assert.ok(taken > 0 && taken < 1000, `${taken} were taken in one poll`);
    assert.equal(receiver.size, 1000 - taken);
    assert.equal(yield* receiver.receive(), taken);
  });
});
