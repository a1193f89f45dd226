// Owns what a collector does with peers that it must not trust, and that others are untouched by them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CollectorClient } from '../../../extension/collector/client.ts';
import { connect } from '../../../extension/collector/client.ts';
import type { CollectorEvent, SessionSummary } from '../../../extension/messages/queries.ts';
import { encodePreamble, role } from '../../../runtime-probe/protocol/typescript/index.ts';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import { helloFrame, pollChunk, pollStream } from '../../support/poll-stream.ts';
import { StreamPeer } from '../../support/stream-peer.ts';

const sessionA = 'a'.repeat(32);
let collector: CollectorProcess;
let viewer: CollectorClient;
let honest: StreamPeer;
const log: string[] = [];

before(async () => {
  collector = await CollectorProcess.start();
  viewer = await collector.viewer();
  viewer.onEvent((event: CollectorEvent) => {
    if (event.event === 'log') log.push(event.message);
  });
  honest = await StreamPeer.program(collector.endpoint, collector.token);
  await honest.sendFrames(pollStream({ session: sessionA, program: '/app/honest' }, 3, 10));
});
after(() => collector.stop());

async function sessions(): Promise<readonly SessionSummary[]> {
  return (await viewer.request('sessions', {})).result;
}

async function refusedCount(): Promise<number> {
  return (await viewer.request('status', {})).result.refused;
}

/** The peer is refused with that message, counted once, logged, and its connection closed. */
async function checkRefused(act: (peer: StreamPeer) => Promise<void> | void, message: RegExp): Promise<void> {
  const before = await refusedCount();
  const logged = log.length;
  const peer = await StreamPeer.connect(collector.endpoint);
  await act(peer);
  await eventually(
    'the close',
    () => peer.isClosed,
    () => collector.stderr,
  );
  assert.equal(peer.reply?.status, 1);
  assert.match(peer.reply?.message ?? '', message);
  await eventually('the count', async () => (await refusedCount()) === before + 1);
  assert.ok(
    log.slice(logged).some((line) => message.test(line)),
    `${message} in ${log.slice(logged).join('\n')}`,
  );
}

test('a wrong token is refused with what to do', () =>
  checkRefused(
    (peer) => peer.send(encodePreamble(role.program, 'f'.repeat(32))),
    /token is not this collector’s. Start/,
  ));

test('no token is refused', () =>
  checkRefused((peer) => peer.send(encodePreamble(role.viewer, '0'.repeat(32))), /token is not this/));

test('a stream sent behind a wrong token reaches no session', async () => {
  await checkRefused(async (peer) => {
    const frames = pollStream({ session: 'b'.repeat(32) }, 1, 10);
    await peer.send(encodePreamble(role.program, 'f'.repeat(32)));
    await peer.sendFrames(frames).catch(() => {});
  }, /token/);
  assert.deepEqual(
    (await sessions()).map((s) => s.session),
    [sessionA],
  );
});

test('garbage is refused', () =>
  checkRefused(
    (peer) => peer.send(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')),
    /does not begin with WAKELINE/,
  ));

test('half a preamble and a close is refused', () =>
  checkRefused(async (peer) => {
    await peer.send(encodePreamble(role.program, collector.token).subarray(0, 14));
    peer.end();
  }, /ended after 14 of 28 bytes/));

test('half a preamble and silence is refused in bounded time', () =>
  checkRefused(
    (peer) => peer.send(encodePreamble(role.program, collector.token).subarray(0, 20)),
    /no preamble within 5000 ms \(20 of 28/,
  ));

test('a newer wire is told to update', () =>
  checkRefused((peer) => {
    const preamble = encodePreamble(role.program, collector.token);
    preamble.set([9, 0], 8);
    return peer.send(preamble);
  }, /wire version 9.*Update/));

test('the client says why it was refused', async () => {
  await assert.rejects(
    connect(collector.endpoint, 'f'.repeat(32)),
    /collector refused: the token is not this/,
  );
  await assert.rejects(connect('unix:/nowhere/x.sock', 'f'.repeat(32)), /no collector at unix:\/nowhere/);
});

test('a frame over the limit ends its connection and keeps what came before', async () => {
  const session = 'c'.repeat(32);
  const peer = await StreamPeer.program(collector.endpoint, collector.token);
  await peer.sendFrames(pollStream({ session, program: '/app/oversize' }, 2, 10));
  const head = Buffer.alloc(5);
  head[0] = 3;
  head.writeUInt32LE(0x7fff_ffff, 1);
  await peer.send(head);
  await eventually('the close', () => peer.isClosed);
  const found = (await sessions()).find((s) => s.session === session);
  assert.equal(found?.state, 'cut');
  assert.match(found?.problem ?? '', /a frame of 2147483647 bytes is over the limit/);
  assert.equal(found?.totals.polls, 20);
});

test('a frame with impossible content ends its connection and keeps what came before', async () => {
  const session = 'd'.repeat(32);
  const peer = await StreamPeer.program(collector.endpoint, collector.token);
  await peer.sendFrames(pollStream({ session }, 2, 10));
  const bad = pollChunk(3, 21, 31);
  await peer.sendFrames([{ kind: bad.kind, payload: bad.payload.subarray(0, bad.payload.length - 1) }]);
  await eventually('the close', () => peer.isClosed);
  const found = (await sessions()).find((s) => s.session === session);
  assert.match(found?.problem ?? '', /was not understood.*cut off/);
  assert.equal(found?.totals.polls, 20);
});

test('a stream that does not begin with a hello, and a hello that is none, make no session', async () => {
  const known = (await sessions()).length;
  for (const frame of [pollChunk(1, 1, 2), { kind: 1, payload: new Uint8Array([3, 120, 120, 120]) }]) {
    const peer = await StreamPeer.program(collector.endpoint, collector.token);
    await peer.sendFrames([frame]);
    await eventually('the close', () => peer.isClosed);
  }
  assert.equal((await sessions()).length, known);
  assert.ok(log.some((line) => line.includes('the first frame of a connection is a hello')));
});

test('a second live program of a session is refused, and the first goes on', async () => {
  const before = await refusedCount();
  const peer = await StreamPeer.program(collector.endpoint, collector.token);
  await peer.sendFrames([helloFrame({ session: sessionA, pid: 4711 })]);
  await eventually('the close', () => peer.isClosed);
  assert.equal(await refusedCount(), before + 1);
  assert.ok(log.some((line) => line.includes('(pid 4711) is not taken')));
});

test('a ring file that is not the program’s own is not used', async () => {
  const peer = await StreamPeer.program(collector.endpoint, collector.token);
  await peer.sendFrames(pollStream({ session: '9'.repeat(32), ringFile: '/etc/passwd' }, 1, 10));
  await eventually('the log', () =>
    log.some((line) => /shared memory is not used.*: \/etc\/passwd is not where/.test(line)),
  );
  peer.end();
});

test('a wrong request is refused with its reason, and the viewer goes on', async () => {
  const query = { session: sessionA, fromNs: 0, toNs: 1, widthPx: 0, firstLane: 0, laneCount: 1, filter: '' };
  await assert.rejects(viewer.request('viewport', query), /widthPx must be a whole number from 1 to 8192/);
  await assert.rejects(viewer.request('sites', { session: 'e'.repeat(32) }), /there is no session eeee/);
  await assert.rejects(viewer.request('open', { path: '/nowhere.wakeline' }), /cannot be opened/);
  await assert.rejects(viewer.request('open', { path: '/etc/passwd' }), /no Wakeline recording/);
  assert.equal((await viewer.request('forget', { session: sessionA })).result.forgotten, false);
});

test('after all that the honest session is whole, and the token is nowhere', async () => {
  await honest.sendFrames([pollChunk(4, 31, 41)]);
  await eventually('the last chunk', async () => {
    const found = (await sessions()).find((s) => s.session === sessionA);
    return found?.totals.polls === 40;
  });
  const found = (await sessions()).find((s) => s.session === sessionA);
  assert.equal(found?.state, 'live');
  assert.equal(found?.problem, '');
  assert.equal(found?.totals.dropped, 0);
  assert.equal(found?.totals.gaps, 0);
  collector.assertTokenNowhere();
  assert.ok(!log.join('\n').includes(collector.token));
  const cmdline = readFileSync(`/proc/${(await viewer.request('status', {})).result.pid}/cmdline`, 'utf8');
  assert.ok(!cmdline.includes(collector.token));
});

test('the folder and the socket are for the owner only, and a folder that others can use is refused', async () => {
  const folder = join(collector.home, 'socket');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const socket = readdirSync(folder).find((name) => name.endsWith('.sock')) as string;
  assert.equal(statSync(join(folder, socket)).mode & 0o777, 0o600);
  const open = join(collector.home, 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  await assert.rejects(
    CollectorProcess.start(['--folder', open]),
    /open can be used by others \(mode 755\); run: chmod 700/,
  );
});
