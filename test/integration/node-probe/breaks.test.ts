// Scheduling breakpoints of a program of the executor: it stops in the task's own line, before the executor's code.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { breakOn } from '../../../runtime-probe/protocol/typescript/index.ts';
import { DebuggedProgram } from '../../support/debugged-program.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { nodes, nodeTitle } from '../../support/registered-program.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

/** A visitor waits at a turnstile, and a timer lets it through again and again. */
const turnstile = (
  module: string,
): string => `import { init, Notify, run, sleep, spawn } from ${JSON.stringify(module)};
init();
const turnstile = new Notify();
let passages = 0;
function* visit() {
  for (;;) {
    yield* turnstile.notified();
    passages++;
  }
}
await run(function* main() {
  spawn(visit, { name: 'visitor' });
  for (;;) {
    yield* sleep(2);
    turnstile.notifyOne();
  }
});
`;
/** Where the visitor's poll goes on: its await, or the line behind it. */
const continued = /^visit:[78]$/;
const notifyLine = 15;

for (const executable of nodes)
  test(`a task of the executor stops in its own line, on ${nodeTitle(executable)}`, async () => {
    const folder = dirname(programs.register());
    programs.script('package.json', '{"type":"module"}');
    const path = programs.script('turnstile.js', turnstile(join(folder, 'index.js')));
    // As launches in VS Code skip it.
    const how = { executable, nodeArguments: [], arguments: [], skipped: [folder] };
    await DebuggedProgram.run(path, how, async (program) => {
      const visitor = await program.task('visitor');
      const [polled] = await program.stopAt(breakOn.poll, visitor);
      assert.match(polled ?? '', continued);
      await program.goOn();

      const stack = await program.stopAt(breakOn.wake, visitor);
      const waking = stack.find((frame) => !frame.startsWith('other:'));
      assert.equal(waking, `main:${notifyLine}`, stack.join('\n'));
      await program.goOn();

      const [again] = await program.stopAt(breakOn.poll, visitor);
      assert.match(again ?? '', continued);
    });
  });
