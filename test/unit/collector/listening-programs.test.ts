// What a program's environment says of where it listens, and what is told of an address or a token that is none.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  addressProblem,
  listeningPrograms,
  tokenProblem,
} from '../../../extension/host/listening-programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakeline-proc-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const token = '00112233445566778899aabbccddeeff';

function processOf(pid: number, command: readonly string[], variables: readonly string[]): void {
  mkdirSync(join(folder, String(pid)));
  writeFileSync(join(folder, String(pid), 'cmdline'), `${command.join('\0')}\0`);
  writeFileSync(join(folder, String(pid), 'environ'), `${variables.join('\0')}\0`);
}

test('programs that listen are found by their environment, the oldest for each address', () => {
  const listens = (address: string) => [`WAKELINE_LISTEN=${address}`, 'HOME=/', `WAKELINE_TOKEN=${token}`];
  processOf(900, ['child'], listens('unix:/tmp/a.sock'));
  processOf(80, ['./server', '--port', '1'], listens('unix:/tmp/a.sock'));
  processOf(90, ['other'], listens('tcp://127.0.0.1:4000'));
  processOf(91, ['no-token'], ['WAKELINE_LISTEN=unix:/tmp/b.sock']);
  processOf(92, ['bad-token'], ['WAKELINE_LISTEN=unix:/tmp/b.sock', 'WAKELINE_TOKEN=12']);
  processOf(93, ['elsewhere'], listens('tcp://10.0.0.1:4000'));
  processOf(94, ['quiet'], ['HOME=/']);
  mkdirSync(join(folder, '95'));
  assert.deepEqual(listeningPrograms(folder), [
    { pid: 80, command: './server --port 1', address: 'unix:/tmp/a.sock', token },
    { pid: 90, command: 'other', address: 'tcp://127.0.0.1:4000', token },
  ]);
  assert.deepEqual(listeningPrograms(join(folder, 'none')), []);
});

test('an address or token that is none is told so', () => {
  assert.equal(addressProblem('unix:/tmp/a.sock'), '');
  assert.equal(addressProblem('tcp://[::1]:1'), '');
  for (const bad of ['', 'unix:', '/tmp/a.sock', 'tcp://10.0.0.1:80', 'tcp://127.0.0.1']) {
    assert.match(addressProblem(bad), /WAKELINE_LISTEN/, bad);
  }
  assert.match(addressProblem('tcp://127.0.0.1:70000'), /port/);
  assert.match(addressProblem('tcp://127.0.0.1:0'), /port/);
  assert.equal(tokenProblem(token), '');
  assert.match(tokenProblem(token.slice(1)), /WAKELINE_TOKEN/);
});
