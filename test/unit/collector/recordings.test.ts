// Owns the recordings on disk: names, the writer, finding one again, the quota.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isOpenElsewhere } from '../../../extension/collector/processes.ts';
import { pendingLimitBytes, RecordingWriter } from '../../../extension/collector/recording.ts';
import { enforceQuota, findRecording, recordingName } from '../../../extension/collector/recording-folder.ts';
import { encodeFrame, recordingHead } from '../../../runtime-probe/protocol/typescript/index.ts';
import { helloFrame } from '../../support/poll-stream.ts';

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

test('what a kill tore off is gone before the file goes on', async () => {
  const first = RecordingWriter.create(folder, 'x');
  first.append(1, new Uint8Array([1, 2]));
  await first.close();
  const whole = readFileSync(first.path);
  appendFileSync(first.path, Buffer.alloc(5000, 255));
  const second = RecordingWriter.continue(first.path, whole.length);
  second.append(3, new Uint8Array([9]));
  await second.close();
  assert.deepEqual(readFileSync(first.path), Buffer.concat([whole, encodeFrame(3, new Uint8Array([9]))]));
});

test('the recording of a session is found by its hello, the last one written', () => {
  const session = 'ab'.repeat(16);
  const file = (name: string, of: string, changedS: number): string => {
    const path = join(folder, name);
    const hello = helloFrame({ session: of });
    writeFileSync(path, Buffer.concat([recordingHead(), encodeFrame(hello.kind, hello.payload)]));
    utimesSync(path, 1000, changedS);
    return path;
  };
  assert.equal(findRecording(folder, session), undefined);
  file('d-demo-abababab.wakeline', session, 100);
  const second = file('d-demo-abababab-2.wakeline', session, 300);
  file('e-demo-abababab.wakeline', `abababab${'0'.repeat(24)}`, 400);
  file('e-demo-cdcdcdcd.wakeline', session, 500);
  writeFileSync(join(folder, 'f-demo-abababab.wakeline'), 'no recording at all');
  writeFileSync(join(folder, 'g-demo-abababab.wakeline'), recordingHead());
  assert.equal(findRecording(folder, session), second);
  assert.equal(findRecording(folder, 'cd'.repeat(16)), undefined);
  assert.equal(findRecording(folder, '../../x'), undefined);
});

test('a file that another process has open is known as such, for as long', async () => {
  const path = join(folder, 'open');
  writeFileSync(path, 'x');
  const own = openSync(path, 'r');
  assert.equal(isOpenElsewhere([path]), false, 'one’s own does not count');
  closeSync(own);
  const source =
    "require('node:fs').openSync(process.argv[1], 'r'); console.log('open'); setInterval(() => {}, 1e6)";
  const holder = spawn(process.execPath, ['-e', source, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(holder.stdout, 'data');
    assert.equal(isOpenElsewhere(['/nowhere', path]), true);
  } finally {
    holder.kill('SIGKILL');
  }
  await once(holder, 'exit');
  assert.equal(isOpenElsewhere([path]), false);
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
