// Whose the next tick is: in the order in which they were made, whatever was missed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '../../../runtime-probe/node/src/register/tasks.ts';
import { Ticks } from '../../../runtime-probe/node/src/register/ticks.ts';

const taskOf = (id: number): Task => ({ id }) as Task;
const a = taskOf(1);
const b = taskOf(2);

test('ticks come in the order in which they were made, also those made meanwhile', () => {
  const ticks = new Ticks();
  assert.equal(ticks.next, undefined);
  ticks.add(3, a);
  ticks.add(4, b);
  ticks.add(7, b);
  assert.equal(ticks.next, a);
  assert.equal(ticks.take(3), a);
  ticks.add(9, a);
  assert.equal(ticks.take(4), b);
  assert.equal(ticks.next, b);
  assert.equal(ticks.take(7), b);
  assert.equal(ticks.take(9), a);
  assert.equal(ticks.next, undefined);
  assert.equal(ticks.take(9), undefined);
});

test('what is no tick takes none; one whose predecessors were missed takes them along', () => {
  const ticks = new Ticks();
  for (const [id, task] of [
    [10, a],
    [11, a],
    [12, b],
    [13, a],
  ] as const)
    ticks.add(id, task);
  assert.equal(ticks.take(5), undefined);
  assert.equal(ticks.take(99), undefined);
  assert.equal(ticks.next, a);
  assert.equal(ticks.take(12), b);
  assert.equal(ticks.next, a);
  ticks.clear();
  assert.equal(ticks.next, undefined);
});

test('many, by many tasks, with some waiting at all times', () => {
  const ticks = new Ticks();
  const tasks = Array.from({ length: 5 }, (_, id) => taskOf(id));
  const waiting: { id: number; task: Task }[] = [];
  let state = 1;
  for (let id = 1; id <= 20_000; id++) {
    state = (state * 48_271) % 2_147_483_647;
    const task = tasks[Math.floor(id / (1 + (state % 7))) % tasks.length] as Task;
    ticks.add(id, task);
    waiting.push({ id, task });
    while (waiting.length > state % 90 && waiting.length > 1) {
      const first = waiting.shift();
      assert.equal(ticks.take(first?.id ?? 0), first?.task);
    }
    assert.equal(ticks.next, waiting[0]?.task);
  }
});
