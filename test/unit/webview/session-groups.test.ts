// Sessions of one program stand together, the program itself first, and which of them comes into view.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionGroups, sessionToShow } from '../../../extension/messages/session-groups.ts';
import { sessionSummary } from './session-summaries.ts';

const alone = sessionSummary('alone', 10);
const app = { ...sessionSummary('app', 10), startedWallUs: 5, family: { group: 'g', parent: '', part: '' } };
const worker = {
  ...sessionSummary('worker', 10),
  startedWallUs: 9,
  family: { group: 'g', parent: 'app', part: 'worker thread 1' },
};
const child = {
  ...sessionSummary('child', 10),
  startedWallUs: 7,
  family: { group: 'g', parent: 'app', part: 'child process' },
};

test('a group stands where its first session came, in the order of their begin', () => {
  const groups = sessionGroups([worker, alone, app, child]);
  assert.deepEqual(
    groups.map((group) => group.map(({ session }) => session)),
    [['app', 'child', 'worker'], ['alone']],
  );
});

for (const [what, shown, arrived, expected] of [
  ['nothing was shown', undefined, [worker], 'worker'],
  ['a program of another group', alone, [app], 'app'],
  ['a part of the program that is shown', app, [worker], undefined],
  ['the program whose part came before it', child, [app], 'app'],
  ['a new part after the shown one has ended', { ...child, state: 'ended' as const }, [worker], 'worker'],
  ['none', app, [], undefined],
] as const)
  test(`what comes into view: ${what}`, () => {
    assert.equal(sessionToShow(shown, arrived)?.session, expected);
  });
