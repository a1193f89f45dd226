// What the executor does to the life of a process, with and without an observer.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const executor = new URL('../../../runtime-probe/node/src/executor/index.ts', import.meta.url).href;
const support = new URL('../../support/executor-observer.ts', import.meta.url).href;

const program = `
  import { listen, run, setObserver, sleep, spawn } from '${executor}';
  import { RecordingObserver } from '${support}';
  const trace = new RecordingObserver();
  const observed = process.argv.includes('observed');
  if (observed) setObserver(trace);
  await run(function* () {
    yield* listen({ port: 0 });
    spawn(function* () { yield* sleep(60_000); });
    // A sleep that is over before the loop comes to it parks nobody, so it may take some.
    do yield* sleep(1); while (observed && trace.parks.length === 0);
  });
  console.log('done', trace.parks.length > 0);
`;

for (const [mode, expected] of [
  ['plain', 'done false\n'],
  ['observed', 'done true\n'],
] as const) {
  test(`a process ends by itself when its root has ended: ${mode}`, async () => {
    // The listener, the long sleep and the observer's watch must not keep it alive; execFile kills it otherwise.
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program, mode],
      { timeout: 240_000 },
    );
    assert.equal(stdout, expected);
    assert.equal(stderr, '');
  });
}
