// Looks at the poll that runs: a look may come at any step of the program and of the recorder, which is called here
// where a busy machine seldom puts it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dictionary } from '../../../runtime-probe/node/src/probe/dictionary.ts';
import { type LookRequest, Looks, lookAnswer } from '../../../runtime-probe/node/src/probe/looks.ts';
import { makeRing } from './support.ts';

test('no look is told of a poll whose end has summed it up', () => {
  const { events, dictionary } = makeRing();
  let tick = 100;
  const looks = new Looks({
    events,
    dictionary: new Dictionary(dictionary),
    tick: () => tick++,
    mayWrite: () => true,
    toSource: () => undefined,
  });
  const lookOf = (request: LookRequest) => looks.look(request, lookOf);
  const look = (epoch: number, startTick: number) =>
    lookOf({ session: '', task: 7, epoch, startTick, baseTick: startTick, baseCpuNs: 0 });
  events.openPolls.push(7, 1, 100);
  assert.equal(look(1, 100), lookAnswer.told);
  assert.equal(looks.anyLookedAt, true);
  looks.pollEnds();
  // The poll is still the innermost: its end is written next.
  assert.equal(look(1, 100), lookAnswer.over);
  assert.equal(looks.anyLookedAt, false);
  events.openPolls.pop();
  events.openPolls.push(7, 2, 200);
  assert.equal(look(2, 200), lookAnswer.told);
});
