// Polls of continuations: each microtask is one, also where a tick waits behind all of them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { nodes, nodeTitle, ofKind } from '../../support/registered-program.ts';
import { TracedPrograms } from '../../support/traced-program.ts';

const programs = new TracedPrograms();
after(() => programs.remove());

/** Its top level, four continuations and one microtask; with `tick` called behind the first of them. */
const program = (tick: string): string => `async function main() {
  await null;
  ${tick}
  await null;
  queueMicrotask(() => undefined);
  await null;
  await null;
}
main();
`;

for (const node of nodes)
  test(`a tick that waits joins no microtasks to one poll: ${nodeTitle(node)}`, async () => {
    const without = await programs.trace(node, 'without-tick.cjs', program(''));
    const with_ = await programs.trace(node, 'with-tick.cjs', program('process.nextTick(() => undefined);'));
    for (const { model } of [without, with_]) {
      assert.equal(ofKind(model, eventKind.pollStart).length, 6);
      assert.equal(ofKind(model, eventKind.pollEnd).length, 6);
    }
  });
