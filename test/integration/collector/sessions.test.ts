// Owns the life of a session in a real collector: recording, replay, reconnection, the debugger, the end.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CollectorClient } from '../../../extension/collector/client.ts';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import {
  breakOn,
  detail,
  encodeAnchor,
  encodeFrame,
  encodePreamble,
  eventKind,
  frameKind,
  pollOutcome,
  recordingHeadBytes,
  role,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { CollectorProcess, collectorBundle, eventually } from '../../support/collector-process.ts';
import {
  dictionaryFrame,
  endFrame,
  helloFrame,
  pollChunk,
  pollEvents,
  pollStream,
} from '../../support/poll-stream.ts';
import { readReference } from '../../support/reference-reader.ts';
import { RingWriter } from '../../support/ring-writer.ts';
import { StreamPeer } from '../../support/stream-peer.ts';
import { framesOf, framesOfRecording, recordingOf } from '../../support/text-trace.ts';

let collector: CollectorProcess;
let viewer: CollectorClient;
before(async () => {
  collector = await CollectorProcess.start();
  viewer = await collector.viewer();
});
after(() => collector.stop());

let sessionCount = 0;
const newSession = (): string => (++sessionCount).toString(16).padStart(32, '0');

async function summary(session: string): Promise<SessionSummary | undefined> {
  return (await viewer.request('sessions', {})).result.find((each) => each.session === session);
}

/** Waits until the session is as wanted, and gives it. */
async function sessionWhere(
  session: string,
  what: string,
  wanted: (found: SessionSummary) => boolean,
): Promise<SessionSummary> {
  let found: SessionSummary | undefined;
  await eventually(
    `session ${session} with ${what}`,
    async () => {
      found = await summary(session);
      return found !== undefined && wanted(found);
    },
    () => `${JSON.stringify(found)}\n${collector.stderr}`,
  );
  return found as SessionSummary;
}

/** A process that stands for the traced program: the collector looks whether its pid lives. */
function spawnSleeper(): { pid: number; kill: () => void; gone: Promise<unknown> } {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
  assert.ok(child.pid !== undefined);
  return { pid: child.pid, kill: () => child.kill('SIGKILL'), gone: once(child, 'exit') };
}

const connectProgram = () => StreamPeer.program(collector.endpoint, collector.token);

/** Opens a copy of a recording, so that it is a file of which the collector knows nothing. */
async function openCopy(bytes: Uint8Array, name: string): Promise<SessionSummary> {
  const path = join(collector.home, name);
  writeFileSync(path, bytes);
  const { session } = (await viewer.request('open', { path })).result;
  const found = await summary(session);
  assert.ok(found !== undefined);
  return found;
}

test('a recording is exactly the stream, and replays to the same totals', async () => {
  const session = newSession();
  const frames = [
    ...pollStream({ session, program: '/app/demo one', launch: 'L' }, 50, 100),
    { kind: 77, payload: new Uint8Array([1, 2, 3]) },
    endFrame(),
  ];
  const peer = await connectProgram();
  await peer.sendFrames(frames);
  peer.end();
  const live = await sessionWhere(session, 'its end', (s) => s.state === 'ended' && s.problem === '');
  assert.equal(live.totals.polls, 5000);
  assert.equal(live.totals.polls, readReference(frames).tasks[0]?.polls.length);
  assert.match(basename(live.recording), /^\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-demo_one-00000000\.wakeline$/);
  assert.equal(statSync(live.recording).mode & 0o777, 0o600);
  await eventually('the file', () => statSync(live.recording).size === recordingOf(frames).length);
  assert.deepEqual(readFileSync(live.recording), Buffer.from(recordingOf(frames)));
  const opened = await openCopy(readFileSync(live.recording), 'copy.wakeline');
  assert.equal(opened.state, 'opened');
  assert.equal(opened.problem, '');
  assert.notEqual(opened.session, session);
  assert.deepEqual(opened.totals, live.totals);
  assert.equal(opened.endNs, live.endNs);
  // The file of a session in memory is that session.
  assert.equal((await viewer.request('open', { path: live.recording })).result.session, session);
  const dump = execFileSync(process.execPath, [await collectorBundle(), 'dump', live.recording], {
    encoding: 'utf8',
  });
  assert.match(dump, /^total polls 5000$/m);
  assert.match(dump, /^problem none$/m);
});

test('a reconnection goes on in the same session and the same recording', async () => {
  const session = newSession();
  const first = await connectProgram();
  await first.sendFrames(pollStream({ session }, 2, 10));
  await first.send(new Uint8Array([3, 50, 0, 0, 0, 1]));
  first.socket.destroy();
  const cut = await sessionWhere(session, 'the cut', (s) => s.state === 'cut');
  assert.equal(cut.totals.polls, 20);
  const second = await connectProgram();
  // The program sends the last chunk again, for it does not know that it came.
  const more = [
    helloFrame({ session }),
    dictionaryFrame(),
    pollChunk(2, 11, 21),
    pollChunk(3, 21, 31),
    endFrame(),
  ];
  await second.sendFrames(more);
  second.end();
  const ended = await sessionWhere(session, 'the end', (s) => s.state === 'ended');
  assert.equal(ended.totals.polls, 30);
  assert.equal(ended.totals.gaps, 0);
  assert.equal(ended.recording, cut.recording);
  const expected = recordingOf([...pollStream({ session }, 2, 10), ...more]);
  await eventually('the file', () => statSync(ended.recording).size === expected.length);
  const opened = await openCopy(readFileSync(ended.recording), 'reconnect.wakeline');
  assert.deepEqual(opened.totals, ended.totals);
});

test('a recording cut at any byte opens, shows what precedes the cut and says where it is', async () => {
  const session = newSession();
  const frames = [...pollStream({ session, program: '/app/cut' }, 4, 3), endFrame()];
  const bytes = recordingOf(frames);
  const path = join(collector.home, 'cut.wakeline');
  let polls = 0;
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    const opened = (await viewer.request('open', { path })).result.session;
    const found = await summary(opened);
    const whole = length < 16 ? [] : framesOfRecording(bytes.subarray(0, length));
    const expected = whole.length === 0 ? 0 : (readReference(whole).tasks[0]?.polls.length ?? 0);
    assert.equal(found?.totals.polls, expected, `cut at byte ${length}`);
    assert.equal(found?.state, 'opened');
    if (length < bytes.length)
      assert.match(found?.problem ?? '', new RegExp(`at byte ${length}\\b`), `${length}`);
    else assert.equal(found?.problem, '');
    assert.ok((found?.totals.polls ?? 0) >= polls);
    polls = found?.totals.polls ?? 0;
    await viewer.request('forget', { session: opened });
  }
  assert.equal(polls, 12);
});

test('a damaged recording shows what precedes the damage', async () => {
  const bytes = recordingOf(pollStream({ session: newSession() }, 4, 3));
  const last = pollChunk(4, 10, 13).payload.length;
  bytes[bytes.length - last] = 0;
  const opened = await openCopy(bytes, 'damaged.wakeline');
  assert.match(opened.problem, /damaged before byte \d+ of \d+: a chunk names no thread/);
  assert.equal(opened.totals.polls, 9);
});

test('a stop before the program has connected stands in its session, unless the program went on', async () => {
  const anchorMonotonicNs = 5_000_000_000n;
  const event = { reason: 'breakpoint', osThread: 7, monotonicNs: 5_000_000_500 } as const;
  for (const [launch, wentOn] of [
    ['early 1', false],
    ['early 2', true],
  ] as const) {
    const session = newSession();
    assert.deepEqual((await viewer.request('debugger', { ...event, launch, event: 'stop' })).result, {
      sessions: 0,
    });
    if (wentOn) await viewer.request('debugger', { ...event, launch, event: 'continue', reason: 'unknown' });
    const peer = await connectProgram();
    await peer.sendFrames(pollStream({ session, launch, anchorMonotonicNs }, 1, 10));
    const live = await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
    assert.equal(live.stopped, !wentOn);
    assert.equal(live.totals.debuggerStops, wentOn ? 0 : 1);
    peer.end();
  }
});

test('the debugger’s stop and go stand in the session, its recording and no other session', async () => {
  const [session, other] = [newSession(), newSession()];
  const anchorMonotonicNs = 5_000_000_000n;
  const peer = await connectProgram();
  const bystander = await connectProgram();
  await peer.sendFrames(pollStream({ session, launch: 'debug 1', anchorMonotonicNs }, 1, 10));
  await bystander.sendFrames(pollStream({ session: other, launch: 'debug 2', anchorMonotonicNs }, 1, 10));
  await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
  await sessionWhere(other, 'polls', (s) => s.totals.polls === 10);
  const event = { launch: 'debug 1', reason: 'breakpoint', osThread: 77 } as const;
  const stop = { ...event, event: 'stop', monotonicNs: 5_000_002_000 } as const;
  assert.deepEqual((await viewer.request('debugger', stop)).result, { sessions: 1 });
  assert.equal((await summary(session))?.stopped, true);
  assert.equal((await summary(other))?.stopped, false);
  const go = { ...event, event: 'continue', monotonicNs: 5_000_003_000, reason: 'unknown' } as const;
  await viewer.request('debugger', go);
  await viewer.request('debugger', { ...stop, monotonicNs: 5_000_004_000 });
  await viewer.request('debugger', { ...go, monotonicNs: 5_000_005_000 });
  const live = await summary(session);
  assert.equal(live?.stopped, false);
  assert.equal(live?.totals.debuggerStops, 2);
  assert.equal(live?.totals.gaps, 0);
  assert.deepEqual((await viewer.request('debugger', { ...stop, launch: 'none' })).result, { sessions: 0 });
  await peer.sendFrames([endFrame()]);
  peer.end();
  bystander.end();
  const ended = await sessionWhere(session, 'the end', (s) => s.state === 'ended');
  await eventually(
    'the file',
    () => framesOfRecording(readFileSync(ended.recording)).at(-1)?.kind === frameKind.end,
  );
  const frames = framesOfRecording(readFileSync(ended.recording));
  const ticks = readReference(frames)
    .events.filter((e) => e.kind === eventKind.debuggerStop || e.kind === eventKind.debuggerContinue)
    .map((e) => e.ns);
  assert.deepEqual(ticks, [2000, 3000, 4000, 5000]);
  const opened = await openCopy(readFileSync(ended.recording), 'stops.wakeline');
  assert.deepEqual(opened.totals, ended.totals);
});

test('a stop of one process of a launch stands in its session only, also where it came before the session', async () => {
  const anchorMonotonicNs = 5_000_000_000n;
  const [first, second, late] = [newSession(), newSession(), newSession()];
  const hello = { launch: 'family', anchorMonotonicNs };
  const peers = await Promise.all([connectProgram(), connectProgram()]);
  await peers[0].sendFrames(pollStream({ ...hello, session: first, pid: 4_100_001 }, 1, 10));
  await peers[1].sendFrames(pollStream({ ...hello, session: second, pid: 4_100_002 }, 1, 10));
  for (const session of [first, second]) await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
  const event = { launch: 'family', reason: 'breakpoint', osThread: 0, monotonicNs: 5_000_002_000 } as const;
  const stop = async (pid: number) =>
    (await viewer.request('debugger', { ...event, event: 'stop', part: { pid } })).result;
  assert.deepEqual(await stop(4_100_002), { sessions: 1 });
  assert.deepEqual(await stop(4_100_003), { sessions: 0 });
  const third = await connectProgram();
  await third.sendFrames(pollStream({ ...hello, session: late, pid: 4_100_003 }, 1, 10));
  await sessionWhere(late, 'the stop', (s) => s.totals.debuggerStops === 1 && s.stopped);
  assert.deepEqual((await summary(first))?.totals.debuggerStops, 0);
  assert.deepEqual((await summary(second))?.totals.debuggerStops, 1);
  // The debugger's end, of which nobody says whose it is.
  await viewer.request('debugger', { ...event, event: 'continue', monotonicNs: 5_000_003_000 });
  for (const session of [first, second, late]) assert.equal((await summary(session))?.stopped, false);
  for (const peer of [...peers, third]) peer.end();
});

test('programs that are gone before they are answered lose nothing', async () => {
  const sent = Array.from({ length: 20 }, () => newSession());
  const shortName = (session: string) => `short-${session.slice(-4)}`;
  await Promise.all(
    sent.map(async (session) => {
      const peer = await StreamPeer.connect(collector.endpoint);
      const frames = [...pollStream({ session, program: `/app/${shortName(session)}` }, 20, 10), endFrame()];
      const bytes = Buffer.concat(frames.map((frame) => encodeFrame(frame.kind, frame.payload)));
      peer.socket.write(Buffer.concat([encodePreamble(role.program, collector.token), bytes]), () =>
        // At once and with the answer unread, as a process that exits.
        peer.socket.destroy(),
      );
    }),
  );
  // The registry keeps the last of them; the recordings of all are on disk.
  for (const session of sent)
    await eventually(
      `the recording of ${session}`,
      () => {
        const path = collector.recordingFiles().find((each) => each.includes(shortName(session)));
        if (path === undefined || statSync(path).size < recordingHeadBytes) return false;
        return readReference(framesOfRecording(readFileSync(path))).tasks[0]?.polls.length === 200;
      },
      () => collector.stderr,
    );
});

test('a stop is counted from the last anchor, and lies behind every event that came before it', async () => {
  const session = newSession();
  const peer = await connectProgram();
  const hello = { session, launch: 'drift', anchorMonotonicNs: 1_000_000n };
  // The program's clock is 10 % slow: at its tick 9,000 the machine's is 10,000 ns further.
  const anchor = encodeAnchor({ tick: 9000, monotonicNs: 1_010_000n, wallUs: 0n });
  await peer.sendFrames([...pollStream(hello, 1, 10), { kind: frameKind.anchor, payload: anchor }]);
  await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
  const event = { launch: 'drift', reason: 'step', osThread: 0 } as const;
  await viewer.request('debugger', { ...event, event: 'stop', monotonicNs: 1_010_500 });
  await viewer.request('debugger', { ...event, event: 'continue', monotonicNs: 1_010_900 });
  await peer.sendFrames([pollChunk(2, 100, 101)]);
  await sessionWhere(session, 'the poll', (s) => s.totals.polls === 11);
  await viewer.request('debugger', { ...event, event: 'stop', monotonicNs: 1_011_000 });
  await peer.sendFrames([endFrame()]);
  peer.end();
  const ended = await sessionWhere(session, 'the end', (s) => s.state === 'ended');
  await eventually(
    'the file',
    () => framesOfRecording(readFileSync(ended.recording)).at(-1)?.kind === frameKind.end,
  );
  const { events } = readReference(framesOfRecording(readFileSync(ended.recording)));
  const isStop = (kind: number) => kind === eventKind.debuggerStop || kind === eventKind.debuggerContinue;
  // The last stop would be at tick 10,000, but an event at 10,060 had been seen before it.
  assert.deepEqual(
    events.filter((e) => isStop(e.kind)).map((e) => e.ns),
    [9500, 9900, 10_060],
  );
});

test('of many opened recordings the last stay in memory', async () => {
  const first = await openCopy(recordingOf(pollStream({ session: newSession() }, 1, 1)), 'many-0.wakeline');
  for (let i = 1; i <= 10; i++) {
    const bytes = recordingOf(pollStream({ session: newSession() }, 1, 1));
    await openCopy(bytes, `many-${i}.wakeline`);
  }
  const opened = (await viewer.request('sessions', {})).result.filter((s) => s.state === 'opened');
  assert.equal(opened.length, 8);
  assert.ok(!opened.some((s) => s.session === first.session));
  await assert.rejects(viewer.request('sites', { session: first.session }), /Open its recording/);
  assert.equal((await openCopy(readFileSync(first.recording), 'many-0.wakeline')).totals.polls, 1);
});

test('a document’s line gives its tasks and waits, and each question its answer', async () => {
  const text = readFileSync(new URL('../../golden/traces/read-chain.trace', import.meta.url), 'utf8');
  const { session } = await openCopy(recordingOf(framesOf(text)), 'read-chain.wakeline');
  const at = async (file: string, line: number) =>
    (await viewer.request('siteSpans', { session, file, line })).result;
  // Site paths are relative to /app, the source root of text traces.
  const nothing = { spawnedLanes: [], waits: [], waitTotal: 0, waitingNow: [], chains: [] };
  assert.deepEqual(await at('/app/src/main.rs', 1), nothing);
  assert.deepEqual(await at('/app/src/lib.rs', 10), nothing);
  const [lane] = (await at('/app/src/main.rs', 10)).spawnedLanes;
  assert.ok(lane !== undefined);
  assert.deepEqual(await at('/app/src/main.rs', 14), {
    ...nothing,
    waits: [{ lane, fromNs: 240, toNs: 920 }],
    waitTotal: 1,
  });
  const sites = (await viewer.request('sites', { session })).result;
  assert.deepEqual(
    sites.map(({ site, tasks, polls }) => [site.file, site.line, tasks, polls]),
    [['src/main.rs', 10, 1, 2]],
  );
  const why = (await viewer.request('explain', { session, lane, atNs: 500 })).result;
  assert.equal(why?.certainty, 'recorded');
  assert.match(why?.sentence ?? '', /127\.0\.0\.1:4040/);
  const arrows = (await viewer.request('arrows', { session, lane, fromNs: 0, toNs: 1000 })).result;
  assert.ok(arrows.some((arrow) => arrow.kind === 'source' && arrow.toLane === lane));
  const query = { session, fromNs: 0, toNs: 1000, widthPx: 100, firstLane: 0, laneCount: 10, filter: '' };
  const { result, binary } = await viewer.request('viewport', query);
  assert.ok(result.lanes.some((header) => header.lane === lane));
  const { offset, length } = result.columns.spanStartNs;
  const starts = new Float64Array(binary.buffer, offset, length);
  const task = result.lanes.find((header) => header.lane === lane);
  assert.equal(task?.mode, 'exact');
  assert.deepEqual(
    [...starts.subarray(task?.first ?? 0, (task?.first ?? 0) + (task?.count ?? 0))],
    [100, 200, 240, 920, 930],
  );
});

test('control reaches the program, and says when there is none', async () => {
  const session = newSession();
  const peer = await connectProgram();
  await peer.sendFrames(pollStream({ session }, 1, 1));
  await sessionWhere(session, 'a poll', (s) => s.totals.polls === 1);
  assert.deepEqual((await viewer.request('control', { session, detail: 'off' })).result, { sent: true });
  assert.deepEqual((await viewer.request('control', { session, detail: 'full' })).result, { sent: true });
  await eventually('two frames', () => peer.received.length >= 4 + 14);
  assert.deepEqual(
    [...peer.received.subarray(4)],
    [frameKind.control, 2, 0, 0, 0, detail.off, 0, frameKind.control, 2, 0, 0, 0, detail.full, 1],
  );
  // A program of another language would take a condition for a change of its detail.
  const condition = { session, on: 'poll', value: 1 } as const;
  assert.deepEqual((await viewer.request('breakOn', condition)).result, { sent: false });
  peer.socket.destroy();
  await sessionWhere(session, 'the cut', (s) => s.state === 'cut');
  assert.deepEqual((await viewer.request('control', { session, detail: 'off' })).result, { sent: false });
});

test('a scheduling breakpoint reaches a Node program, and leaves its detail as it is', async () => {
  const session = newSession();
  const peer = await connectProgram();
  await peer.sendFrames(pollStream({ session, language: 'node' }, 1, 1));
  await sessionWhere(session, 'a poll', (s) => s.totals.polls === 1);
  const condition = { session, on: 'wake', value: 5 } as const;
  assert.deepEqual((await viewer.request('breakOn', condition)).result, { sent: true });
  await eventually('a frame', () => peer.received.length >= 4 + 9);
  assert.deepEqual(
    [...peer.received.subarray(4)],
    [frameKind.control, 4, 0, 0, 0, detail.full, 0, breakOn.wake, 5],
  );
  peer.socket.destroy();
  await sessionWhere(session, 'the cut', (s) => s.state === 'cut');
  assert.deepEqual((await viewer.request('breakOn', condition)).result, { sent: false });
});

test('a stalled viewer holds up neither programs nor other viewers', async () => {
  const session = newSession();
  const stalled = await collector.viewer();
  // Its socket is no longer read: answers pile up at the collector, up to its bound.
  (stalled as unknown as { socket: { pause(): void } }).socket.pause();
  const peer = await connectProgram();
  await peer.sendFrames(pollStream({ session }, 1, 100));
  await sessionWhere(session, 'polls', (s) => s.totals.polls === 100);
  const query = { session, fromNs: 0, toNs: 10_000, widthPx: 8192, firstLane: 0, laneCount: 50, filter: '' };
  for (let i = 0; i < 2000; i++) stalled.request('viewport', query).catch(() => {});
  for (let chunk = 2; chunk <= 400; chunk++)
    await peer.sendFrames([pollChunk(chunk, (chunk - 1) * 100 + 1, chunk * 100 + 1)]);
  await sessionWhere(session, 'all polls', (s) => s.totals.polls === 40_000);
  const status = (await viewer.request('status', {})).result;
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${status.pid}/status`, 'utf8'))?.[1]);
  assert.ok(rssKb < 400_000, `the collector takes ${rssKb} kB`);
  stalled.close();
  peer.end();
  await eventually('one viewer', async () => (await viewer.request('status', {})).result.viewers === 1);
});

test('session lists come at most four times a second while something changes', async () => {
  const session = newSession();
  const peer = await connectProgram();
  await peer.sendFrames(pollStream({ session }, 1, 1));
  await sessionWhere(session, 'a poll', (s) => s.totals.polls === 1);
  // Sessions of earlier tests that are still going are told at once, which is not what is counted here.
  await eventually('silence of the others', async () => {
    const { result } = await viewer.request('sessions', {});
    return result.every((each) => each.session === session || each.state !== 'live');
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const times: number[] = [];
  let last: readonly SessionSummary[] = [];
  const stop = viewer.onEvent((event) => {
    if (event.event !== 'sessions') return;
    times.push(performance.now());
    last = event.sessions;
  });
  const startMs = performance.now();
  let sequence = 1;
  while (performance.now() - startMs < 1500 || times.length < 2) {
    sequence++;
    await peer.sendFrames([pollChunk(sequence, sequence, sequence + 1)]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(
    'the last state',
    () => last.find((s) => s.session === session)?.totals.polls === sequence,
  );
  stop();
  peer.end();
  const spanS = (performance.now() - startMs) / 1000;
  assert.ok(times.length >= 2 && times.length <= spanS * 4 + 2, `${times.length} lists in ${spanS} s`);
});

test('what a killed program published and did not send is read from its ring, and the ring removed', async () => {
  const session = newSession();
  const child = spawnSleeper();
  const ring = new RingWriter(child.pid, session);
  try {
    const peer = await connectProgram();
    await peer.sendFrames([
      helloFrame({ session, pid: child.pid, ringFile: ring.path }),
      dictionaryFrame(),
      pollChunk(1, 1, 11),
    ]);
    await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
    ring.dictionary(3, 1, [{ record: 'text', id: 9, text: 'late' }]);
    // The slot that was sent in part, one after it, and an open poll at the very end.
    ring.events(1, 1, 2, [...pollEvents(11), ...pollEvents(12)]);
    ring.events(2, 1, 3, [{ tick: 1300, event: { record: 'pollStart', task: 1, epoch: 13 } }]);
    child.kill();
    await child.gone;
    peer.socket.destroy();
    const found = await sessionWhere(session, 'the tail', (s) => s.state === 'cut' && s.totals.polls === 13);
    assert.equal(found.totals.gaps, 0);
    assert.equal(found.endNs, 1300);
    await eventually('the removal', () => !existsSync(ring.path));
    await eventually('the whole file', () => {
      const frames = framesOfRecording(readFileSync(found.recording));
      return readReference(frames).tasks[0]?.polls.length === 13;
    });
    const opened = await openCopy(readFileSync(found.recording), 'killed.wakeline');
    assert.deepEqual(opened.totals, found.totals);
  } finally {
    ring.remove();
    child.kill();
  }
});

test('at a stop the ring is read, and what the socket brings later counts once', async () => {
  const session = newSession();
  const child = spawnSleeper();
  const ring = new RingWriter(child.pid, session);
  try {
    const peer = await connectProgram();
    const hello = { session, pid: child.pid, ringFile: ring.path, launch: 'ring stop' };
    await peer.sendFrames([helloFrame(hello), dictionaryFrame(), pollChunk(1, 1, 11)]);
    await sessionWhere(session, 'polls', (s) => s.totals.polls === 10);
    ring.events(1, 1, 2, [
      ...pollEvents(11),
      { tick: 1200, event: { record: 'pollStart', task: 1, epoch: 12 } },
      { tick: 1230, event: { record: 'pollEnd', outcome: pollOutcome.pending } },
    ]);
    const event = { launch: 'ring stop', reason: 'pause', osThread: 0, monotonicNs: 0 } as const;
    await viewer.request('debugger', { ...event, event: 'stop' });
    const stopped = await sessionWhere(session, 'the tail', (s) => s.totals.polls === 12);
    assert.equal(stopped.stopped, true);
    await viewer.request('debugger', { ...event, event: 'continue' });
    await peer.sendFrames([pollChunk(2, 11, 14), endFrame()]);
    peer.end();
    const ended = await sessionWhere(session, 'the end', (s) => s.state === 'ended');
    assert.equal(ended.totals.polls, 13);
    assert.equal(ended.totals.gaps, 0);
  } finally {
    ring.remove();
    child.kill();
  }
});

test('the end: whole recordings, no socket, no token anywhere', async () => {
  collector.assertTokenNowhere();
  const files = collector.recordingFiles();
  assert.ok(files.length >= 8);
  await viewer.request('shutdown', {});
  assert.equal(await collector.exited, 0);
  for (const file of files) {
    const bytes = readFileSync(file);
    const frames = framesOfRecording(bytes);
    assert.equal(recordingOf(frames).length, bytes.length, `${file} ends inside a frame`);
  }
});
