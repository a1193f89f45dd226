// The suite of Promises/A+ on the executor's promise, in a process of its own: it brings its own test runner.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../../support/aplus-program.ts', import.meta.url));

test('all 872 tests of Promises/A+ pass', async () => {
  // The suite rejects promises to which nobody listens; each would print a warning.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', '--import', 'tsx', program],
    {
      timeout: 300_000,
    },
  );
  assert.deepEqual(JSON.parse(stdout), { passed: 872, failed: [] });
});
