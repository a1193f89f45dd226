// Work of the queues of microtasks and ticks, and a promise that nobody settles, as an unchanged program's trace tells
// them: what such work does stands in an open poll of the task that queued it.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventField, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { nodes, nodeTitle, ofKind } from '../../support/registered-program.ts';
import { frameNames, type Traced, TracedPrograms } from '../../support/traced-program.ts';

const programs = new TracedPrograms();
after(() => programs.remove());

/** In which poll of the main task each marker of the program stands; the poll that is open in the stream's order. */
function pollsOfMarkers({ model, text }: Traced): Record<string, number> {
  const polls: Record<string, number> = {};
  const open: number[] = [];
  for (const { kind, values } of model.events) {
    if (kind === eventKind.pollStart) {
      assert.equal(values[eventField.pollStart.task], 1);
      open.push(values[eventField.pollStart.epoch] ?? 0);
    } else if (kind === eventKind.pollEnd) open.pop();
    else if (kind === eventKind.marker) {
      assert.equal(values[eventField.marker.task], 1);
      const epoch = open.at(-1);
      assert.ok(epoch !== undefined, 'a marker of the program stands in a poll');
      polls[text(values[eventField.marker.name] ?? 0)] = epoch;
    }
  }
  return polls;
}

for (const executable of nodes)
  describe(nodeTitle(executable), () => {
    for (const detail of ['lean', 'full'] as const)
      test(`ticks and microtasks run in polls of the task that queued them, at detail ${detail}`, async () => {
        const wakeline = pathToFileURL(join(dirname(programs.register()), 'index.js')).href;
        const text = `import { marker } from '${wakeline}';
setTimeout(() => {
  marker('timer');
  queueMicrotask(() => marker('microtask'));
  process.nextTick(() => {
    marker('tick');
    process.nextTick(() => marker('tick of a tick'));
    queueMicrotask(() => {
      marker('microtask of a tick');
      process.nextTick(() => marker('tick of a microtask'));
    });
  });
}, 1);
setImmediate(() => {
  marker('immediate');
  Promise.resolve().then(() => marker('reaction'));
});
`;
        const polls = pollsOfMarkers(await programs.trace(executable, 'queues.mjs', text, { detail }));
        assert.deepEqual(Object.keys(polls).sort(), [
          'immediate',
          'microtask',
          'microtask of a tick',
          'reaction',
          'tick',
          'tick of a microtask',
          'tick of a tick',
          'timer',
        ]);
        // A tick goes on with the poll that queued it; a microtask is a poll behind that.
        assert.equal(polls['tick'], polls['timer']);
        assert.equal(polls['tick of a tick'], polls['timer']);
        assert.ok((polls['microtask'] ?? 0) > (polls['timer'] ?? 0));
        assert.ok((polls['microtask of a tick'] ?? 0) > (polls['microtask'] ?? 0));
        assert.ok((polls['reaction'] ?? 0) > (polls['immediate'] ?? 0));
      });

    test('a promise that nobody settles is waited for to the end of the program', async () => {
      const text = `async function stuck() { await new Promise(() => undefined); }
async function caller() { await stuck(); }
void caller();
setTimeout(() => undefined, 1);
`;
      const traced = await programs.trace(executable, 'stuck.cjs', text);
      const names = frameNames(traced);
      assert.deepEqual([...names.values()].sort(), ['caller', 'stuck']);
      for (const kind of [eventKind.frameEnd, eventKind.frameWake])
        assert.deepEqual(ofKind(traced.model, kind), []);
      assert.deepEqual(
        ofKind(traced.model, eventKind.waitStart).map(({ values }) => [
          names.get(values[eventField.waitStart.frame] ?? 0),
          names.get(values[eventField.waitStart.onId] ?? 0),
        ]),
        [
          ['stuck', undefined],
          ['caller', 'stuck'],
        ],
      );
    });
  });
