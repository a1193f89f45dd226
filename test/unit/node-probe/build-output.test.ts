// Compiled files never stand beside their sources: an import would find the stale one, and it would be committed.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folders = ['protocol/typescript', 'node/src', 'examples/typescript/src'];

for (const folder of folders)
  test(`${folder} holds sources only`, () => {
    const root = fileURLToPath(new URL(`../../../runtime-probe/${folder}/`, import.meta.url));
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' });
    const sources = new Set(paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts')));
    assert.ok(sources.size > 0);
    const compiled = paths.filter((path) => {
      const stem = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(path)?.[1];
      return stem !== undefined && sources.has(`${stem}.ts`);
    });
    assert.deepEqual(
      compiled,
      [],
      'delete these; `npm run build` in runtime-probe/node writes to dist/ alone',
    );
  });
