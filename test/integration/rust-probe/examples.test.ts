// The Rust examples count for themselves what the trace must say: here both are held against each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  brokenFileClaims,
  brokenRequestClaims,
  type FileCounters,
  type RequestCounters,
} from '../../support/example-claims.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

async function record<T>(
  name: 'requests' | 'file-writes',
  args: readonly string[],
): Promise<{ counters: T; model: ReferenceModel }> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stdout, stderr } = await runProgram(rustExample(name), args, receiver.environment);
    assert.equal(code, 0, stderr);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    return { counters: JSON.parse(stdout) as T, model: readReference(receiver.frames) };
  } finally {
    await receiver.close();
  }
}

test('one hundred requests: polls, causes, chains and bytes are what the program counted', async () => {
  const { counters, model } = await record<RequestCounters>('requests', ['--rounds', '2']);
  assert.equal(counters.requests, 200);
  assert.deepEqual(brokenRequestClaims(model, counters, 'rust'), []);
});

test('one hundred file writes: jobs, pool, queue and bytes are what the program counted', async () => {
  const { counters, model } = await record<FileCounters>('file-writes', []);
  assert.equal(counters.jobs, 100);
  assert.deepEqual(brokenFileClaims(model, counters, 'rust'), []);
});

test('one hundred file writes on plain threads: one thread for each job', async () => {
  const { counters, model } = await record<FileCounters>('file-writes', ['--files', 'threads']);
  assert.equal(counters.jobs, 100);
  assert.deepEqual(brokenFileClaims(model, counters, 'rust'), []);
});

test('one hundred file writes on io_uring: submissions, completions, depth and bytes', async (t) => {
  const plain = await runProgram(rustExample('file-writes'), ['--files', 'io-uring']);
  if (plain.code !== 0) {
    // The system refuses an io_uring: then the program must say that, and what to do.
    t.diagnostic(plain.stderr);
    assert.match(plain.stderr, /no io_uring could be set up: .*; use Files::Pool/);
    return;
  }
  const { counters, model } = await record<FileCounters>('file-writes', ['--files', 'io-uring']);
  assert.ok((counters.submissions ?? 0) >= 300);
  assert.deepEqual(brokenFileClaims(model, counters, 'rust'), []);
});

test('without a collector the example prints the same and ends the same', async () => {
  const plain = await runProgram(rustExample('file-writes'), []);
  const nobody = await runProgram(rustExample('file-writes'), [], {
    WAKELINE: 'unix:/nowhere/wakeline.sock',
    WAKELINE_TOKEN: '0'.repeat(32),
  });
  const shape = (text: string) => Object.keys(JSON.parse(text) as object);
  assert.deepEqual({ ...nobody, stdout: shape(nobody.stdout) }, { ...plain, stdout: shape(plain.stdout) });
  assert.deepEqual({ code: nobody.code, stderr: nobody.stderr }, { code: 0, stderr: '' });
});
