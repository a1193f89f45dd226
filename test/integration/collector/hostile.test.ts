// Owns that no bytes, from a peer with the right token or in a file, end the collector or harm another session.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { CollectorClient } from '../../../extension/collector/client.ts';
import {
  encodeFrame,
  encodePreamble,
  type Frame,
  role,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import { endFrame, pollStream } from '../../support/poll-stream.ts';
import { StreamPeer } from '../../support/stream-peer.ts';
import { framesOf, recordingOf } from '../../support/text-trace.ts';

const runs = 150;
const honestSession = 'a'.repeat(32);
const pool = framesOf(`
  dict text id=1 text="src/main.rs"
  dict site id=1 file=1 line=10 column=5 function=1
  dict runtime id=1 name=0 flavor=wakelineMulti workers=2 poolLimit=4
  dict thread id=1 osId=77 name=1 runtime=1 role=main
  dict source id=1 fd=9 sourceKind=tcpStream local=0 peer=1 site=1
  chunk thread=1
    100 taskSpawn task=1
    200 pollStart task=1 epoch=1
    220 operation source=1 operationKind=read outcome=wouldBlock madeBy=poll
    230 waitStart onKind=source onId=1 interest=readable site=1
    240 pollEnd outcome=pending
    250 park parkKind=reactor
    900 unpark parkKind=reactor events=1
    910 readiness source=1 mask=readable
    920 wakeFrom task=1 epoch=1 effect=scheduled causeKind=source causeId=1 epochAfter=1
    930 pollStart task=1 epoch=2
    940 pollEnd outcome=ready
  watermarks 1/1000/1/90
`);
let collector: CollectorProcess;
let viewer: CollectorClient;
let honest: StreamPeer;
before(async () => {
  collector = await CollectorProcess.start();
  viewer = await collector.viewer();
  honest = await StreamPeer.program(collector.endpoint, collector.token);
  await honest.sendFrames(pollStream({ session: honestSession }, 2, 10));
});
after(() => collector.stop());

/** Answers, says of no failure of its own, and the honest session is as it was. */
async function checkUnharmed(): Promise<void> {
  const found = (await viewer.request('sessions', {})).result.find((s) => s.session === honestSession);
  assert.equal(found?.state, 'live');
  assert.equal(found?.totals.polls, 20);
  assert.doesNotMatch(collector.stderr, /Wakeline itself failed|the collector failed|request \d+ failed/);
}

/** A lawful stream with some of its bytes changed; the first frame stays a hello of its own session. */
const mutated = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(pool.length - 1), { maxLength: 6 }),
    fc.nat(0xffff_ffff),
  )
  .map(([changes, picks, id]) => {
    const session = id.toString(16).padStart(32, 'f');
    const [hello, ...rest] = pollStream({ session, program: '/app/mutated' }, 2, 5);
    const frames = [...rest, ...picks.map((i) => pool[i] as Frame), endFrame()];
    const body = Buffer.concat(frames.map((f) => encodeFrame(f.kind, f.payload)));
    for (const [at, value] of changes) body[at % body.length] = value;
    return { hello: hello as Frame, body };
  });

test('streams with changed bytes', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async ({ hello, body }) => {
      const peer = await StreamPeer.program(collector.endpoint, collector.token);
      await peer.send(Buffer.concat([encodeFrame(hello.kind, hello.payload), body])).catch(() => {});
      peer.end();
      await eventually('the close', () => peer.isClosed);
      const { result } = await viewer.request('sessions', {});
      for (const { session } of result.filter((s) => s.program === '/app/mutated')) {
        await viewer.request('viewport', {
          session,
          ...{ fromNs: 0, toNs: 5000, widthPx: 50, firstLane: 0, laneCount: 100, filter: '' },
        });
        await viewer.request('sites', { session });
        await viewer.request('explain', { session, lane: 0, atNs: 300 });
        await viewer.request('arrows', { session, lane: 0, fromNs: 0, toNs: 5000 });
        await viewer.request('siteSpans', { session, file: '/app/src/main.rs', line: 10 });
        await viewer.request('forget', { session });
      }
      await checkUnharmed();
    }),
    { numRuns: runs },
  );
});

test('recordings with changed bytes', async () => {
  const path = join(collector.home, 'mutated.wakeline');
  await fc.assert(
    fc.asyncProperty(mutated, async ({ hello, body }) => {
      writeFileSync(path, Buffer.concat([recordingOf([hello]), body]));
      const { session } = (await viewer.request('open', { path })).result;
      await viewer.request('forget', { session });
      await checkUnharmed();
    }),
    { numRuns: runs },
  );
});

test('any bytes behind a right preamble, of either role', async () => {
  const anyBytes = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(role.program, role.viewer), anyBytes, async (as, bytes) => {
      const peer = await StreamPeer.connect(collector.endpoint);
      await peer.send(Buffer.concat([encodePreamble(as, collector.token), bytes])).catch(() => {});
      peer.end();
      await eventually('the close', () => peer.isClosed);
      await checkUnharmed();
    }),
    { numRuns: runs },
  );
});
