// Where promises are made, predicted and looked at: on programs without chance, what is predicted is held against a stack
// of each promise. The programs run in this process, and only what is made in this file counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promiseHooks } from 'node:v8';
import { type Place, Places, placeKind } from '../../../runtime-probe/node/src/register/places.ts';
import { Sites } from '../../../runtime-probe/node/src/register/sites.ts';

const here = fileURLToPath(import.meta.url);

async function leaf(i: number): Promise<number> {
  return i;
}

async function waits(i: number): Promise<number> {
  await null;
  return i;
}

/** One path through the code. */
async function straight(): Promise<void> {
  for (let i = 0; i < 3_000; i++) {
    await leaf(i);
    await waits(i);
    await Promise.all([leaf(i), waits(i)]);
  }
}

/** Two paths, taken by turns of different lengths. */
async function branching(): Promise<void> {
  for (let i = 0; i < 3_000; i++) {
    if (i % 7 < 3) await leaf(i);
    else await waits(i);
    await leaf(i);
  }
}

async function nested(depth: number): Promise<number> {
  if (depth === 0) return waits(0);
  const below = await nested(depth - 1);
  await leaf(below);
  return below + 1;
}

async function recursive(): Promise<void> {
  for (let i = 0; i < 300; i++) await nested(i % 5);
}

/** Always the same way for long enough to be trusted, then the other one: nothing but the stack tells them apart. */
async function changing(): Promise<void> {
  const made = [0, 1, 2].map(() => leaf(0));
  for (let i = 0; i < 12_000; i++) {
    const one = made[i % 3];
    if (i < 5_000) await one;
    else await one;
  }
}

interface Score {
  right: number;
  wrong: number;
  unknown: number;
  /** How many promises were made after the last one that was told wrongly. */
  rightSince: number;
  stacks: number;
}

/** Runs the program under the predictor, with a stack of each promise beside. */
async function score(program: () => Promise<void>): Promise<Score> {
  const sites = new Sites();
  const truth = new Places();
  const made = new WeakMap<object, Place>();
  const result: Score = { right: 0, wrong: 0, unknown: 0, rightSince: 0, stacks: 0 };
  const same = (one: Place, other: Place): boolean =>
    one.kind === other.kind && one.site?.line === other.site?.line && one.site?.column === other.site?.column;
  const init = (promise: object, parent: object | undefined): void => {
    const told = sites.next(parent === undefined ? -1 : (made.get(parent)?.index ?? 0));
    made.set(promise, told);
    const exact = truth.capture(init, parent !== undefined);
    if (exact.site?.file !== here) return;
    result.rightSince++;
    if (told.kind === placeKind.unknown) result.unknown++;
    else if (same(told, exact)) result.right++;
    else {
      result.wrong++;
      result.rightSince = 0;
    }
  };
  const stop = promiseHooks.createHook({
    init,
    before: (promise: object) => sites.begin(made.get(promise)?.index ?? 0),
  }) as () => void;
  sites.lookBelow(init);
  try {
    await program();
  } finally {
    stop();
  }
  return { ...result, stacks: sites.places.captures };
}

for (const [name, program, mostStacks] of [
  ['one path', straight, 0.05],
  ['a short loop with two paths', branching, 0.5],
  ['recursion', recursive, 0.8],
] as const)
  test(`places are predicted right, and never told wrongly for long: ${name}`, async () => {
    const { right, wrong, unknown, stacks } = await score(program);
    const all = right + wrong + unknown;
    assert.ok(all > 1_000, `${all} promises`);
    assert.ok(wrong / all <= 0.001, `${wrong} of ${all} wrong`);
    assert.ok(right / all >= 0.96, `${right} of ${all} right, ${unknown} not told`);
    assert.ok(stacks / all <= mostStacks, `${stacks} stacks for ${all} promises`);
  });

test('what held for thousands of uses and then changes is noticed at the next check', async () => {
  const { wrong, rightSince } = await score(changing);
  assert.ok(wrong > 0, 'the change shows in nothing but a stack');
  assert.ok(wrong <= 4_096, `${wrong} wrong`);
  assert.ok(rightSince > 2_000, `${rightSince} since the last wrong one`);
});
