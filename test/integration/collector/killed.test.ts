// Owns what is left when a collector is killed: the next one goes on with its recordings, for programs that live and
// for programs that were killed too.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import { encodeFrame, frameKind, recordingHead } from '../../../runtime-probe/protocol/typescript/index.ts';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import { brokenRequestClaims, type RequestCounters } from '../../support/example-claims.ts';
import { dictionaryFrame, endFrame, helloFrame, pollChunk } from '../../support/poll-stream.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { RingWriter } from '../../support/ring-writer.ts';
import { allMustArrive, rustExample } from '../../support/rust-example.ts';
import { isStopped, lastTicksInRing, ringName } from '../../support/standing-program.ts';
import { StreamPeer } from '../../support/stream-peer.ts';
import { framesOfRecording } from '../../support/text-trace.ts';

/** The next collector listens where the one before did. */
const sameName = ['--name', 'same'];
/** A sweep at the start would have come long before. Where it is late, less is seen, and nothing is wrong. */
const quietMs = 300;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function startRequests(collector: CollectorProcess, rounds: number): ChildProcess {
  return spawn(rustExample('requests'), ['--rounds', String(rounds)], {
    env: {
      PATH: process.env['PATH'],
      ...allMustArrive,
      WAKELINE: collector.endpoint,
      WAKELINE_TOKEN: collector.token,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The program runs for a while and stands, and the collector has all that it sent. */
async function stopAfterPolls(
  collector: CollectorProcess,
  child: ChildProcess,
  polls: number,
): Promise<void> {
  const viewer = await collector.viewer();
  await eventually(
    `${polls} polls`,
    async () => ((await viewer.request('sessions', {})).result[0]?.totals.polls ?? 0) > polls,
    () => collector.stderr,
  );
  child.kill('SIGSTOP');
  await eventually('the standstill', () => isStopped(child.pid as number));
  // What it had written is read and on disk when the file stays as it is: a hundred looks, which take a second or,
  // where the machine is busy, longer.
  const size = (): number => statSync(onlyRecording(collector)).size;
  for (let looks = 0, last = size(); looks < 100; looks++) {
    await wait(10);
    const now = size();
    if (now !== last) looks = 0;
    last = now;
  }
}

function onlyRecording(collector: CollectorProcess): string {
  const files = collector.recordingFiles();
  assert.equal(files.length, 1, files.join());
  return files[0] as string;
}

const modelOf = (path: string): ReferenceModel => readReference(framesOfRecording(readFileSync(path)));

async function firstSession(collector: CollectorProcess): Promise<SessionSummary | undefined> {
  const viewer = await collector.viewer();
  const found = (await viewer.request('sessions', {})).result[0];
  viewer.close();
  return found;
}

test('program and collector killed: the next collector completes the recording and removes the ring', async () => {
  const killed = await CollectorProcess.start(sameName);
  const child = startRequests(killed, 500);
  const pid = child.pid as number;
  let next: CollectorProcess | undefined;
  try {
    await stopAfterPolls(killed, child, 300);
    const atKill = modelOf(onlyRecording(killed)).events.length;
    await killed.kill();
    // Without a collector it goes on for a moment, so that much stands in its ring alone, and dies at any place.
    const lastTick = (): number => Math.max(...lastTicksInRing(pid).values());
    const before = lastTick();
    child.kill('SIGCONT');
    await eventually('more in its ring', () => lastTick() > before);
    child.kill('SIGSTOP');
    await eventually('the standstill', () => isStopped(pid));
    const published = lastTicksInRing(pid);
    child.kill('SIGKILL');
    await eventually('its death', () => child.signalCode !== null);
    // As a kill in the middle of a write leaves it: the frame says 5000 bytes, and some of them are there.
    const recording = onlyRecording(killed);
    appendFileSync(recording, encodeFrame(frameKind.chunk, new Uint8Array(5000).fill(255)).subarray(0, 4000));
    next = await CollectorProcess.start(sameName, killed);
    const log = () => next?.stderr ?? '';
    await eventually('the removal of the ring', () => ringName(pid) === undefined, log);
    const added = /\d+ frames of its last events were added to .*\.wakeline/;
    await eventually('the word of it', () => added.test(log()), log);
    const model = modelOf(onlyRecording(next));
    assert.equal(model.gaps.length, 0);
    assert.ok(model.events.length > atKill, 'nothing was added');
    const rate = model.hello?.tickRate ?? 1n;
    for (const [thread, tick] of published) {
      const lastNs = Math.max(...model.events.filter((e) => e.thread === thread).map((e) => e.ns));
      assert.equal(lastNs, Number((BigInt(tick) * 1_000_000_000n) / rate), `thread ${thread}`);
    }
    const viewer = await next.viewer();
    const { session } = (await viewer.request('open', { path: recording })).result;
    const opened = (await viewer.request('sessions', {})).result.find((each) => each.session === session);
    assert.equal(opened?.totals.events, model.events.length);
    assert.match(opened?.problem ?? '', /without its end/);
  } finally {
    child.kill('SIGKILL');
    await (next ?? killed).stop();
  }
});

test('the collector killed under a running program: the next one has the whole history in the same file', async () => {
  const killed = await CollectorProcess.start(sameName);
  const child = startRequests(killed, 16);
  let stdout = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  let next: CollectorProcess | undefined;
  try {
    await stopAfterPolls(killed, child, 400);
    const recording = onlyRecording(killed);
    await killed.kill();
    next = await CollectorProcess.start(sameName, killed);
    assert.equal(next.endpoint, killed.endpoint);
    child.kill('SIGCONT');
    assert.equal(await exited, 0);
    const counters = JSON.parse(stdout) as RequestCounters;
    const collector = next;
    await eventually(
      'the end',
      async () => (await firstSession(collector))?.state === 'ended',
      () => collector.stderr,
    );
    const summary = (await firstSession(collector)) as SessionSummary;
    assert.equal(onlyRecording(collector), recording);
    assert.equal(summary.recording, recording);
    assert.equal(summary.problem, '');
    await eventually('the whole file', () => modelOf(recording).events.length === summary.totals.events);
    // No event is missing and none stands twice: each claim compares with what the program counted itself.
    const broken = brokenRequestClaims(modelOf(recording), counters, 'rust');
    // The one claim that a standstill can break: between write and read it lets the server's delay run out, so that
    // the answer is there at the first read, and the poll goes on without a wait for the source.
    assert.deepEqual(
      broken.filter((claim) => !/^the read at .* was not caused by its source \d+$/.test(claim)),
      [],
    );
    assert.match(collector.stderr, /is back; what was recorded of it before is read again/);
    assert.match(collector.stderr, /ended and had sent everything/);
    collector.assertTokenNowhere();
  } finally {
    child.kill('SIGKILL');
    await (next ?? killed).stop();
  }
});

const session = '5'.repeat(32);
const recordingBytes = (polls: number): Buffer =>
  Buffer.concat([
    recordingHead(),
    ...[helloFrame({ session }), dictionaryFrame(), pollChunk(1, 1, polls + 1)].map((frame) =>
      encodeFrame(frame.kind, frame.payload),
    ),
  ]);

test('what a program sends while its history is read comes behind it, its end too', async () => {
  const collector = await CollectorProcess.start();
  try {
    // Large enough that the program has sent everything and gone long before the history is read.
    const frames = Array.from({ length: 200 }, (_, i) => pollChunk(i + 1, i * 1000 + 1, (i + 1) * 1000 + 1));
    const bytes = [helloFrame({ session }), dictionaryFrame(), ...frames].map((frame) =>
      encodeFrame(frame.kind, frame.payload),
    );
    const path = join(collector.recordings, '2026-01-01_00-00-00-demo-55555555.wakeline');
    writeFileSync(path, Buffer.concat([recordingHead(), ...bytes]));
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    const second = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames([helloFrame({ session }), dictionaryFrame()]);
    const log = () => collector.stderr;
    await eventually(
      'the reading',
      () => /is back; what was recorded of it before is read again/.test(log()),
      log,
    );
    await second.sendFrames([helloFrame({ session })]);
    await peer.sendFrames([pollChunk(201, 200_001, 200_101), endFrame()]);
    peer.end();
    await eventually('the refusal of a second program', () => second.isClosed);
    await eventually(
      'the end',
      async () => (await firstSession(collector))?.state === 'ended',
      () => collector.stderr,
    );
    const found = (await firstSession(collector)) as SessionSummary;
    assert.equal(found.totals.polls, 200_100);
    assert.equal(found.totals.gaps, 0);
    assert.equal(found.recording, path);
    assert.equal(onlyRecording(collector), path);
    const kinds = (): number[] => framesOfRecording(readFileSync(path)).map((frame) => frame.kind);
    const { hello, dictionary, chunk, end } = frameKind;
    const again = [hello, dictionary, chunk, end];
    await eventually('the whole file', () => kinds().length === 2 + 200 + again.length);
    assert.deepEqual(kinds().slice(-again.length), again);
  } finally {
    await collector.stop();
  }
});

test('a damaged recording is left as it is, and the session begins another', async () => {
  const collector = await CollectorProcess.start();
  try {
    const path = join(collector.recordings, '2026-01-01_00-00-00-demo-55555555.wakeline');
    const damaged = Buffer.concat([
      recordingBytes(10),
      encodeFrame(frameKind.chunk, new Uint8Array(50).fill(255)),
    ]);
    writeFileSync(path, damaged);
    // The same eight digits, and another session.
    const other = join(collector.recordings, '2026-01-02_00-00-00-demo-55555555.wakeline');
    const hello = helloFrame({ session: `${'5'.repeat(8)}${'6'.repeat(24)}` });
    writeFileSync(other, Buffer.concat([recordingHead(), encodeFrame(hello.kind, hello.payload)]));
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames([helloFrame({ session }), dictionaryFrame(), pollChunk(2, 11, 21), endFrame()]);
    peer.end();
    await eventually('the end', async () => (await firstSession(collector))?.state === 'ended');
    const found = (await firstSession(collector)) as SessionSummary;
    assert.equal(found.totals.polls, 10);
    assert.equal(collector.recordingFiles().length, 3);
    assert.ok(found.recording !== path && found.recording !== other);
    assert.deepEqual(readFileSync(path), damaged);
    assert.match(collector.stderr, /cannot be gone on with, so a new one begins: .*damaged before byte/);
  } finally {
    await collector.stop();
  }
});

test('a ring file without a recording here stays: the collector of another folder may want it', async () => {
  // The pid of a process that has just ended.
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => gone.on('exit', resolve));
  const ring = new RingWriter(gone.pid as number, session);
  ring.close();
  const collector = await CollectorProcess.start();
  let second: CollectorProcess | undefined;
  try {
    await wait(quietMs);
    assert.equal(ringName(gone.pid as number), `wakeline-${gone.pid}-${session}`);
    // The next sweep would come in 10 s; a collector that starts sweeps at once.
    const path = join(collector.recordings, '2026-01-01_00-00-00-demo-55555555.wakeline');
    writeFileSync(path, recordingBytes(3));
    second = await CollectorProcess.start(['--name', 'second'], collector);
    await eventually(
      'the removal',
      () => ringName(gone.pid as number) === undefined,
      () => second?.stderr ?? '',
    );
    assert.deepEqual(readFileSync(path), recordingBytes(3));
  } finally {
    ring.remove();
    await second?.kill();
    await collector.stop();
  }
});
