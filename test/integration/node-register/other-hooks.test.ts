// Programs that listen to promises and callbacks themselves, before, beside and after the probe: they hear what they
// hear without it, and of each promise by which the probe asks for a rejection; it loses nothing by them. On Node 20 and
// 22 the probe's promise hooks stand alone until others come.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { eventField, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { modelOf, nodes, nodeTitle, ofKind, textsOf } from '../../support/registered-program.ts';
import { StreamReceiver } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

const program = programs.script(
  'other-hooks.cjs',
  `const { AsyncLocalStorage, createHook } = require('node:async_hooks');
const { promiseHooks } = require('node:v8');
const told = {};
async function step(i) { await null; return i; }
async function main() {
  await step(0);
  const storage = new AsyncLocalStorage();
  told.kept = await storage.run('kept', async () => { await step(1); return storage.getStore(); });
  told.gone = storage.getStore() === undefined;
  await step(2);
  told.promises = 0;
  const hook = createHook({ init: (_id, type) => { if (type === 'PROMISE') told.promises++; } }).enable();
  await step(3);
  hook.disable();
  told.settled = 0;
  const stop = promiseHooks.onSettled(() => { told.settled++; });
  await step(4);
  stop();
  await step(5);
}
main().then(() => console.log(JSON.stringify(told)));
`,
);
const earlier = programs.script(
  'earlier-hook.cjs',
  `let made = 0;
require('node:v8').promiseHooks.onInit(() => { made++; });
process.on('exit', () => console.log('made ' + (made >= 18)));
`,
);
const ticking = programs.script(
  'ticks-of-a-timer.cjs',
  `setTimeout(() => {
  let left = 5;
  const again = () => { if (left-- > 0) process.nextTick(again); };
  process.nextTick(again);
  process.nextTick(() => undefined);
}, 1);
`,
);

for (const executable of nodes)
  describe(nodeTitle(executable), () => {
    for (const first of [[], ['--require', earlier]]) {
      const title = first.length === 0 ? 'beside and after the probe' : 'already before the probe';
      test(`others' hooks ${title}: both hear all`, async () => {
        const alone = await runProgram(program, { executable, nodeArguments: first });
        const receiver = await StreamReceiver.listen();
        try {
          const nodeArguments = [...first, '--require', programs.register()];
          const environment = { ...receiver.environment, WAKELINE_DETAIL: 'full' };
          const beside = await runProgram(program, { executable, nodeArguments, environment });
          assert.equal(beside.stderr, '');
          // One question for the call that was awaited while they listened, beside its four promises.
          const heard = alone.stdout.replace('"promises":4,"settled":4', '"promises":5,"settled":5');
          assert.notEqual(heard, alone.stdout);
          assert.equal(beside.stdout, heard);
          assert.match(beside.stdout, /"kept":"kept","gone":true/);
          const model = await modelOf(receiver);
          const texts = textsOf(model);
          const calls = ofKind(model, eventKind.frameOpen).filter(
            ({ values }) => texts.get(values[eventField.frameOpen.name] ?? 0) === 'step',
          );
          assert.equal(calls.length, 6);
        } finally {
          await receiver.close();
        }
      });
    }

    for (const detail of ['native', 'lean'])
      test(`${detail}: the ticks of a callback are its poll`, async () => {
        const receiver = await StreamReceiver.listen();
        try {
          await runProgram(ticking, {
            executable,
            nodeArguments: ['--require', programs.register()],
            environment: { ...receiver.environment, WAKELINE_DETAIL: detail },
          });
          const model = await modelOf(receiver);
          const fired = model.events.findIndex(({ kind }) => kind === eventKind.timerFire);
          const behind = model.events.slice(fired + 1).map(({ kind }) => kind);
          const polls = behind.filter((kind) => kind === eventKind.pollStart);
          assert.equal(polls.length, 1, `${behind.join(' ')} behind the timer`);
        } finally {
          await receiver.close();
        }
      });
  });
