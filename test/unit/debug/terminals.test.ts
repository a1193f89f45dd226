// What the command "Copy Environment That Connects a Program" gives is what a shell and Node make of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectingVariables } from '../../../extension/host/terminals.ts';

const connection = { endpoint: 'unix:/run/collector.sock', token: 'a'.repeat(32) };

test('without the script: where to connect, and the token', () => {
  assert.equal(
    connectingVariables(connection, undefined),
    `WAKELINE=unix:/run/collector.sock WAKELINE_TOKEN=${'a'.repeat(32)}`,
  );
});

test('in front of a command the script is loaded first, whatever its path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline it\'s a "path" '));
  try {
    const script = join(folder, 'register.cjs');
    writeFileSync(script, 'globalThis.loaded = process.env.WAKELINE;');
    const command = `${connectingVariables(connection, script)} '${process.execPath}' -p loaded`;
    assert.equal(execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim(), connection.endpoint);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
