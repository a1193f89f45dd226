// The layer check fails on what it must fail on: a forbidden folder, a forbidden module, a cycle, a file in no zone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const layers = fileURLToPath(new URL('../../../tools/layers.mjs', import.meta.url));

/** Runs the check on a tree of these files. */
function check(files: Readonly<Record<string, string>>): { code: number | null; said: string } {
  const root = mkdtempSync(join(tmpdir(), 'wakeline-layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [layers, '--root', root], { encoding: 'utf8' });
    return { code: status, said: stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('a lawful tree passes', () => {
  const files = {
    'extension/messages/a.ts': 'export const a = 1;',
    'extension/host/b.ts': "import * as vscode from 'vscode';\nimport { a } from '../messages/a.ts';",
  };
  assert.deepEqual(check(files), { code: 0, said: '' });
});

for (const [what, files, said] of [
  [
    'the engine imports the host',
    { 'extension/trace/a.ts': "import '../host/b.ts';" },
    /extension\/trace may import/,
  ],
  [
    'the engine uses Node',
    { 'extension/trace/a.ts': "import { join } from 'node:path';" },
    /imports node:path/,
  ],
  [
    'vscode in the collector',
    { 'extension/collector/a.ts': "import type { Uri } from 'vscode';" },
    /imports vscode/,
  ],
  [
    'd3 outside render and input',
    { 'webview/ui/a.ts': "import { zoom } from 'd3-zoom';" },
    /imports d3-zoom/,
  ],
  [
    'a cycle',
    { 'extension/host/a.ts': "import './b.ts';", 'extension/host/b.ts': "import './a.ts';" },
    /cycle: extension\/host\/a\.ts → extension\/host\/b\.ts → extension\/host\/a\.ts/,
  ],
  ['a file in no zone', { 'extension/new/a.ts': '' }, /in no zone/],
] as const)
  test(`refused: ${what}`, () => {
    const outcome = check(files);
    assert.equal(outcome.code, 1);
    assert.match(outcome.said, said);
  });
