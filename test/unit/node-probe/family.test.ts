// To which group a process or thread belongs, by what it finds in its environment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyOf, isLeftOut, type Kin } from '../../../runtime-probe/node/src/probe/family.ts';

const group = 'a'.repeat(32);
const parent = 'b'.repeat(32);
const own: Kin = { pid: 7, threadId: 0, isMainThread: true, clusterWorker: undefined, isForked: false };

test('a program that nobody recorded has started is a group of its own', () => {
  for (const text of [undefined, '', 'nonsense', `${group}.${parent}`, `${group}.x.1`]) {
    const family = familyOf(text, own, undefined);
    assert.match(family.group, /^[0-9a-f]{32}$/);
    assert.notEqual(family.group, group);
    assert.deepEqual({ ...family, group }, { group, parent: '', part: '' });
  }
});

for (const [part, kin] of Object.entries({
  'child process': own,
  'forked process': { ...own, isForked: true },
  'cluster worker 3': { ...own, isForked: true, clusterWorker: 3 },
  'worker thread 2': { ...own, isMainThread: false, threadId: 2 },
}))
  test(`${part}: of the group of the one that started it`, () => {
    assert.deepEqual(familyOf(`${group}.${parent}.6`, kin, undefined), { group, parent, part });
  });

test('what a package manager starts has no parent and is the program itself', () => {
  assert.deepEqual(familyOf(`${group}..6`, own, undefined), { group, parent: '', part: '' });
});

test('a second session of a process has the family of the first', () => {
  const before = { group, parent: '' };
  assert.deepEqual(familyOf(`${group}.${parent}.7`, own, before), { ...before, part: '' });
});

test("only threads of the package manager's own process are left out with it", () => {
  const thread = { ...own, isMainThread: false };
  assert.equal(isLeftOut(`${group}..7`, thread), true);
  assert.equal(isLeftOut(`${group}..7`, own), false);
  assert.equal(isLeftOut(`${group}..6`, thread), false);
  assert.equal(isLeftOut(`${group}.${parent}.7`, thread), false);
  assert.equal(isLeftOut(undefined, thread), false);
});
