// The engine's other answers: sites, stops, pools, filters, budget, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKind, spanFlag, spanState } from '../../../extension/messages/lanes.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import {
  encodeChunk,
  encodeHello,
  frameKind,
  WireError,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { framesOf, testHello } from '../../support/text-trace.ts';
import { sessionOf, spansOf, wholeView } from './engine-dump.ts';

const awaits = `
hello
dict text id=1 text="src/main.rs"
dict text id=2 text="client"
dict site id=1 file=1 line=10
dict site id=2 file=1 line=14
dict task id=1 site=1 name=2
dict task id=2 site=1 name=2
chunk thread=1 firstTick=0
  10 taskSpawn task=1
  20 taskSpawn task=2
  30 pollStart task=1 epoch=1
  35 waitStart onKind=timer onId=1 site=2
  40 pollEnd outcome=pending
  50 pollStart task=2 epoch=1
  60 pollEnd outcome=ready
  70 wakeFrom task=1 epoch=1 effect=scheduled causeKind=timer causeId=1 epochAfter=1
  80 pollStart task=1 epoch=2
  85 waitStart onKind=timer onId=2 site=2
  90 pollEnd outcome=pending
  100 marker name=2 task=1
`;

test('a line’s tasks and waits, and the sums of a spawn site', () => {
  const session = sessionOf(framesOf(awaits));
  const isMain = ({ file }: { file: string }) => file === 'src/main.rs';
  const lane = session.viewport({
    session: '',
    fromNs: 0,
    toNs: 100,
    widthPx: 10,
    firstLane: 1,
    laneCount: 1,
    filter: '',
  }).answer.lanes[0]?.lane;
  const spawned = session.siteSpans({ session: '', file: '/app/src/main.rs', line: 10 }, isMain);
  assert.equal(spawned.spawnedLanes.length, 2);
  const waits = session.siteSpans({ session: '', file: '/app/src/main.rs', line: 14 }, isMain);
  assert.deepEqual(waits, {
    spawnedLanes: [],
    waits: [
      { lane, fromNs: 40, toNs: 70 },
      { lane, fromNs: 90, toNs: 100 },
    ],
    waitTotal: 2,
    waitingNow: ['client #1'],
    chains: [],
  });
  assert.deepEqual(session.siteSpans({ session: '', file: '', line: 14 }, () => false).waits, []);
  assert.deepEqual(session.sites(), [
    {
      site: { file: 'src/main.rs', line: 10, column: 0, functionName: '' },
      tasks: 2,
      alive: 1,
      polls: 3,
      runningNs: 30,
      scheduledNs: 60,
      idleNs: 40,
      waits: [{ on: 'timer', ns: 40 }],
    },
  ]);
});

test('a poll that contains a debugger stop is flagged, and left out of the sums', () => {
  const session = sessionOf(
    framesOf(`${awaits}
chunk thread=9 firstTick=0
  33 debuggerStop reason=breakpoint
  38 debuggerContinue
`),
  );
  const [summary] = session.sites();
  assert.deepEqual([summary?.polls, summary?.runningNs], [2, 20]);
  const { answer, binary } = wholeView(session);
  const lane = answer.lanes.find((each) => each.label === 'client #1');
  assert.ok(lane !== undefined);
  const stopped = spansOf(answer, binary, lane).filter((span) => (span.flags & spanFlag.stopped) !== 0);
  assert.deepEqual(
    stopped.map((span) => [span.fromNs, span.toNs, span.state]),
    [[30, 40, spanState.running]],
  );
  assert.deepEqual(answer.stops, [
    { fromNs: 33, toNs: 38, open: false, reason: 'breakpoint', task: '', lane: -1 },
  ]);
  assert.equal(session.stopped(), false);
});

test('a stop names the task that its thread polled, also while it goes on', () => {
  const stopsOf = (osThread: number, rest = '', runtime = 'tokioCurrentThread') =>
    wholeView(
      sessionOf(
        framesOf(`hello rate=1000000000
dict runtime id=1 flavor=${runtime} workers=1
dict text id=1 text="client"
dict task id=1 name=1
dict thread id=1 osId=11
dict thread id=2 osId=12
chunk thread=1
  10 taskSpawn task=1
  20 pollStart task=1 epoch=1
chunk thread=9 firstTick=0
  33 debuggerStop reason=breakpoint osThread=${osThread}
${rest}`),
      ),
    ).answer.stops;
  const lane = stopsOf(11)[0]?.lane ?? -1;
  assert.ok(lane >= 0);
  const stop = { fromNs: 33, toNs: 33, open: true, reason: 'breakpoint', task: 'client #1', lane };
  assert.deepEqual(stopsOf(11), [stop]);
  assert.deepEqual(stopsOf(11, '  38 debuggerContinue\n'), [{ ...stop, toNs: 38, open: false }]);
  // A thread that polls nothing, one that nobody knows, and an adapter that names none.
  for (const osThread of [12, 13, 0]) assert.deepEqual(stopsOf(osThread), [{ ...stop, task: '', lane: -1 }]);
  // Of Node one thread polls.
  for (const runtime of ['node', 'wakelineNode']) assert.deepEqual(stopsOf(0, '', runtime), [stop]);
  assert.deepEqual(stopsOf(12, '', 'node'), [{ ...stop, task: '', lane: -1 }]);
});

test('a filter leaves tasks whose label contains it, without case', () => {
  const session = sessionOf(framesOf(awaits));
  const labels = (filter: string) =>
    wholeView(session, filter)
      .answer.lanes.filter((lane) => lane.kind === laneKind.task)
      .map((lane) => lane.label);
  assert.deepEqual(labels('CLIENT'), ['client #1', 'client #2']);
  assert.deepEqual(labels('#2'), ['client #2']);
  assert.deepEqual(labels('server'), []);
});

test('the pool queue says how many jobs wait, whatever thread is read first', () => {
  const worker = `
chunk thread=1 firstTick=0
  10 jobSubmit job=1 jobKind=fileWrite queued=1 runtime=1
  20 jobSubmit job=2 jobKind=fileWrite queued=2 runtime=1
  30 jobSubmit job=3 jobKind=fileWrite queued=2 runtime=1
`;
  const pool = `
chunk thread=2 firstTick=0
  25 jobStart job=1
  60 jobEnd job=1 outcome=completed bytes=5
  70 jobStart job=2
  90 jobEnd job=2 outcome=completed bytes=5
`;
  for (const text of [worker + pool, pool + worker]) {
    const session = sessionOf(framesOf(`hello\n${text}`));
    const { answer, binary } = wholeView(session);
    const queue = answer.lanes.find((lane) => lane.kind === laneKind.poolQueue);
    assert.ok(queue !== undefined);
    assert.deepEqual(
      spansOf(answer, binary, queue).map((span) => [span.fromNs, span.toNs, span.ref]),
      [
        [10, 20, 1],
        [20, 25, 2],
        [25, 30, 1],
        [30, 70, 2],
        [70, 90, 1],
      ],
    );
    assert.deepEqual(
      [session.totals().jobs, session.totals().jobBytes, session.totals().poolQueuePeak],
      [3, 10, 2],
    );
  }
});

test('a stream begins with a hello, and stays one session', () => {
  const session = new TraceSession();
  const head = {
    thread: 1,
    sequence: 1,
    offset: 0,
    dropped: 0,
    firstTick: 0,
    lastTick: 0,
    openPolls: [],
    openFrames: [],
    openJob: 0,
  };
  assert.throws(() => session.pushFrame(frameKind.chunk, encodeChunk(head, [])), WireError);
  session.pushFrame(frameKind.hello, encodeHello(testHello));
  const other = { ...testHello, session: 'f'.repeat(32) };
  assert.throws(() => session.pushFrame(frameKind.hello, encodeHello(other)), /cannot go on as session/);
  assert.throws(
    () => session.pushFrame(frameKind.hello, encodeHello({ ...testHello, tickRate: 5000n })),
    /tick rate changed/,
  );
  session.pushFrame(99, new Uint8Array(3));
  assert.equal(session.hello?.session, testHello.session);
});

test('beyond the memory budget events are counted, not kept, and the session says so', () => {
  const session = new TraceSession({ memoryBudgetBytes: 1 });
  session.pushFrame(frameKind.hello, encodeHello(testHello));
  const polls = 20_000;
  let sequence = 0;
  let tick = 0;
  const next = () => {
    tick += 10;
    return tick;
  };
  for (let epoch = 1; epoch <= polls; epoch += 100) {
    const events = Array.from({ length: 100 }, (_, i) => [
      { tick: next(), event: { record: 'pollStart', task: 1, epoch: epoch + i } as const },
      { tick: next(), event: { record: 'pollEnd', outcome: 2 } as const },
      { tick: next(), event: { record: 'wake', task: 1, epoch: epoch + i, effect: 1 } as const },
    ]).flat();
    const head = {
      thread: 1,
      sequence: ++sequence,
      offset: 0,
      dropped: 0,
      firstTick: tick - 2990,
      lastTick: 0,
      openPolls: [],
      openFrames: [],
      openJob: 0,
    };
    session.pushFrame(frameKind.chunk, encodeChunk(head, events));
  }
  const totals = session.totals();
  assert.deepEqual([totals.polls, totals.wakes, totals.events], [polls, polls, 3 * polls]);
  assert.match(session.problem, /used up its memory budget of 1 byte at .* open it with a larger budget/);
  assert.ok(session.endNs < tick, 'the picture ends where the budget did');
  const unbounded = new TraceSession();
  assert.equal(unbounded.problem, '');
});
