// Owns the recordings on disk: names, the writer, the quota.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { pendingLimitBytes, RecordingWriter } from '../../../extension/collector/recording.ts';
import { enforceQuota, recordingName } from '../../../extension/collector/recording-folder.ts';
import { encodeFrame, recordingHead } from '../../../runtime-probe/protocol/typescript/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wakeline-recordings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a recording is its head and the frames, only for its owner, and goes on where it ended', async () => {
  const first = RecordingWriter.create(folder, 'x');
  first.append(1, new Uint8Array([1, 2]));
  first.append(99, new Uint8Array(100_000).fill(7));
  await first.close();
  assert.equal(statSync(first.path).mode & 0o777, 0o600);
  const second = RecordingWriter.continue(first.path, first.totalBytes);
  second.append(3, new Uint8Array([9]));
  await second.close();
  const expected = Buffer.concat([
    recordingHead(),
    encodeFrame(1, new Uint8Array([1, 2])),
    encodeFrame(99, new Uint8Array(100_000).fill(7)),
    encodeFrame(3, new Uint8Array([9])),
  ]);
  assert.deepEqual(readFileSync(first.path), expected);
  assert.equal(second.totalBytes, expected.length);
});

test('a name that is taken gets a number', async () => {
  const writers = [1, 2, 3].map(() => RecordingWriter.create(folder, 'same'));
  for (const writer of writers) await writer.close();
  assert.deepEqual(readdirSync(folder).sort(), ['same-2.wakeline', 'same-3.wakeline', 'same.wakeline']);
});

test('what waits is bounded by the one who asks, and room is told', async () => {
  const writer = RecordingWriter.create(folder, 'x');
  let told = 0;
  writer.onRoom = () => told++;
  const frame = new Uint8Array(1024 * 1024);
  let count = 0;
  while (!writer.isFull && count < 100) {
    writer.append(3, frame);
    count++;
  }
  // Nothing is written before this turn of the loop ends: the frames fill the limit, and the file's head passes it.
  assert.equal(count, pendingLimitBytes / frame.length);
  await writer.close();
  assert.ok(told >= 1);
  assert.equal(writer.isFull, false);
  assert.equal(statSync(writer.path).size, writer.totalBytes);
});

test('a stopped writer keeps what it wrote and says why', async () => {
  const writer = RecordingWriter.create(folder, 'x');
  writer.append(1, new Uint8Array(10));
  await new Promise((resolve) => setTimeout(resolve, 50));
  writer.stop('enough');
  writer.append(1, new Uint8Array(10));
  await writer.close();
  assert.equal(writer.failure, 'enough');
  assert.equal(statSync(writer.path).size, 16 + 15);
});

test('names are safe whatever the program is called', () => {
  const now = new Date(Date.UTC(2026, 10, 22, 13, 5, 9));
  const name = (program: string) => recordingName(program, '89abcdef'.repeat(4), now);
  assert.equal(name('/a/b/demo'), '2026-11-22_13-05-09-demo-89abcdef');
  assert.equal(name('C:\\x\\demo app.exe'), '2026-11-22_13-05-09-demo_app.exe-89abcdef');
  assert.equal(name('../..'), '2026-11-22_13-05-09-program-89abcdef');
  assert.equal(name(''), '2026-11-22_13-05-09-program-89abcdef');
  assert.match(name(`/x/${'é\n$('.repeat(500)}`), /^[\w.-]{1,80}$/);
});

test('the oldest go first, never one in use, and nothing but recordings', () => {
  const file = (name: string, bytes: number, ageS: number): string => {
    const path = join(folder, name);
    writeFileSync(path, Buffer.alloc(bytes));
    utimesSync(path, 1000, 1_700_000_000 - ageS);
    return path;
  };
  const live = file('a.wakeline', 400, 100);
  const oldest = file('b.wakeline', 300, 90);
  const older = file('c.wakeline', 300, 80);
  file('d.wakeline', 300, 70);
  file('notes.txt', 5000, 200);
  assert.deepEqual(enforceQuota(folder, 1300, new Set([live])), { deleted: [], totalBytes: 1300 });
  const outcome = enforceQuota(folder, 800, new Set([live]));
  assert.deepEqual(outcome, { deleted: [oldest, older], totalBytes: 700 });
  assert.equal(enforceQuota(folder, 1, new Set([live])).totalBytes, 400);
  assert.deepEqual(readdirSync(folder).sort(), ['a.wakeline', 'notes.txt']);
});
