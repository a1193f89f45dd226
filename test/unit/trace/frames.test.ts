// Calls of async functions in the engine: in which rows they stand below their task, their states, and what is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKind, spanState } from '../../../extension/messages/lanes.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import type { Frame } from '../../../runtime-probe/protocol/typescript/index.ts';
import { framesTrace, packagesTrace } from '../../support/frames-trace.ts';
import { framesOf } from '../../support/text-trace.ts';

function sessionOf(frames: readonly Frame[]): TraceSession {
  const session = new TraceSession();
  for (const { kind, payload } of frames) session.pushFrame(kind, payload);
  return session;
}

function viewOf(session: TraceSession, expanded: readonly number[], widthPx = 4000, allCalls = false) {
  const query = { session: '', fromNs: 0, toNs: 30e6, widthPx, firstLane: 0, laneCount: 64, filter: '' };
  const { answer, binary } = session.viewport({ ...query, expanded, allCalls });
  const numbers = (range: { offset: number; length: number }) => [
    ...new Float64Array(binary.slice(range.offset, range.offset + range.length * 8).buffer),
  ];
  const bytes = ({ offset, length }: { offset: number; length: number }) => [
    ...binary.slice(offset, offset + length),
  ];
  const { columns } = answer;
  return {
    answer,
    startNs: numbers(columns.spanStartNs),
    endNs: numbers(columns.spanEndNs),
    state: bytes(columns.spanState),
  };
}

const nameOf = Object.fromEntries(Object.entries(spanState).map(([name, value]) => [value, name]));

test('calls stand below their task when it is expanded, each deeper than its caller', () => {
  const session = sessionOf(framesOf(framesTrace));
  const closed = viewOf(session, []).answer;
  const task = closed.lanes.find((lane) => lane.kind === laneKind.task);
  assert.equal(task?.frames, 5);
  assert.equal(
    closed.lanes.some((lane) => lane.kind === laneKind.frame),
    false,
  );
  const { answer } = viewOf(session, [task?.lane ?? -1]);
  assert.equal(answer.laneTotal, closed.laneTotal + 5);
  assert.deepEqual(
    answer.lanes
      .slice(answer.lanes.findIndex((lane) => lane.lane === task?.lane))
      .map((lane) => [lane.label, lane.depth]),
    [
      ['main #1', undefined],
      ['main', 0],
      ['load', 1],
      ['fetchUser', 2],
      ['fetchUser', 3],
      ['audit', 4],
    ],
  );
  // Closed again, the rows are gone.
  assert.equal(viewOf(session, []).answer.laneTotal, closed.laneTotal);
});

test('a call runs, waits and stands in the queue, though lean detail tells no entering', () => {
  const session = sessionOf(framesOf(framesTrace));
  const task = viewOf(session, []).answer.lanes.find((lane) => lane.kind === laneKind.task);
  const { answer, startNs, endNs, state } = viewOf(session, [task?.lane ?? -1]);
  const spansOf = (depth: number): string[] => {
    const row = answer.lanes.find((lane) => lane.kind === laneKind.frame && lane.depth === depth);
    assert.equal(row?.mode, 'exact');
    const indexes = Array.from({ length: row?.count ?? 0 }, (_, i) => (row?.first ?? 0) + i);
    return indexes.map((i) => `${nameOf[state[i] ?? 0]} ${(startNs[i] ?? 0) / 1e6} ${(endNs[i] ?? 0) / 1e6}`);
  };
  assert.deepEqual(spansOf(1), [
    'running 0.1 0.5',
    'idleTask 0.5 12.7',
    'scheduled 12.7 12.9',
    'running 12.9 13.4',
    'idleTask 13.4 20.8',
    'scheduled 20.8 20.9',
    'running 20.9 21.3',
  ]);
  assert.deepEqual(spansOf(2), [
    'running 0.1 0.2',
    'idleTimer 0.2 12.3',
    'scheduled 12.3 12.5',
    'running 12.5 12.8',
  ]);
  // Never settled: it waits to the end of what is known.
  assert.deepEqual(spansOf(4), ['idleUnknown 0.6 30']);
  // So narrow that pixels say it: the same rows, covered.
  const narrow = viewOf(session, [task?.lane ?? -1], 1).answer.lanes;
  assert.equal(narrow.filter((lane) => lane.kind === laneKind.frame).length, 5);
});

test('the details name the line, what it waited on, and the awaits of its callers', () => {
  const session = sessionOf(framesOf(framesTrace));
  const task = viewOf(session, []).answer.lanes.find((lane) => lane.kind === laneKind.task);
  const { answer } = viewOf(session, [task?.lane ?? -1]);
  const laneOf = (depth: number): number =>
    answer.lanes.find((lane) => lane.kind === laneKind.frame && lane.depth === depth)?.lane ?? -1;
  const waited = session.explain({ session: '', lane: laneOf(2), atNs: 5e6 });
  assert.equal(
    waited?.sentence,
    'fetchUser (async call 3) of task 1 (main) waited 12.1 ms in fetchUser (users.ts:14:9) on timer 1.',
  );
  assert.deepEqual(waited.site, {
    file: '/app/users.ts',
    line: 14,
    column: 9,
    functionName: 'fetchUser',
  });
  assert.deepEqual(
    waited.stacks[0]?.frames.map(({ functionName, line }) => `${functionName} ${line}`),
    ['fetchUser 14', 'load 7', 'main 5'],
  );
  const stuck = session.explain({ session: '', lane: laneOf(4), atNs: 25e6 });
  assert.match(
    stuck?.sentence ?? '',
    /has waited 29\.4 ms in audit \(users\.ts:21:9\) on something that nobody has settled/,
  );
  const queued = session.explain({ session: '', lane: laneOf(1), atNs: 12.75e6 });
  assert.match(queued?.sentence ?? '', /stood 200 µs in the microtask queue in load \(users\.ts:7:3\)/);
});

test('a rejection that is told behind the end names the error at the wait, in the queue and at the end', () => {
  const rejected = framesTrace
    .replace('dict text id=7', 'dict text id=8 text="TypeError"\ndict text id=7')
    // The first fetchUser awaited something that is no call and threw; its caller awaits it and throws too.
    .replace(
      '  12800000 pollEnd outcome=pending\n',
      '  12800000 pollEnd outcome=pending\n  12800000 waitRejected frame=3 sinceNs=500000 error=8\n',
    )
    .replace(
      '  13500000 pollEnd outcome=pending\n',
      '  13500000 pollEnd outcome=pending\n  13500000 reject frame=3 error=8\n',
    )
    .replace('frameEnd frame=4 outcome=completed', 'frameEnd frame=4 outcome=unknown')
    .replace('frameEnd frame=1 outcome=completed', 'frameEnd frame=1 outcome=unknown')
    .replace('  30000000 threadStop', '  29000000 settle frame=4\n  30000000 threadStop');
  const session = sessionOf(framesOf(rejected));
  const task = viewOf(session, []).answer.lanes.find((lane) => lane.kind === laneKind.task);
  const { answer } = viewOf(session, [task?.lane ?? -1]);
  const told = (depth: number, atNs: number) => {
    const lane = answer.lanes.find((each) => each.kind === laneKind.frame && each.depth === depth)?.lane;
    const { sentence, steps } = session.explain({ session: '', lane: lane ?? -1, atNs }) ?? {};
    return [sentence, ...(steps ?? []).map(({ text }) => text)];
  };
  assert.deepEqual(told(2, 5e6), [
    'fetchUser (async call 3) of task 1 (main) waited 12.1 ms in fetchUser (users.ts:14:9) on timer 1; what it awaited was rejected with TypeError, so the await threw.',
    'Called by load (async call 2)',
    'Awaits in fetchUser (users.ts:14:9)',
    'Rejected with TypeError by timer 1',
    'Rejected with TypeError',
  ]);
  assert.equal(
    told(1, 5e6)[0],
    'load (async call 2) of task 1 (main) waited 12.2 ms in load (users.ts:7:3) on fetchUser (async call 3); what it awaited was rejected with TypeError, so the await threw.',
  );
  assert.equal(
    told(1, 12.75e6)[0],
    'load (async call 2) of task 1 (main) stood 200 µs in the microtask queue in load (users.ts:7:3): what it awaits was rejected with TypeError.',
  );
  // Not told of the other call, whose value somebody asked for later, nor of main, which nobody awaits.
  assert.equal(told(3, 10e6).at(-1), 'Over');
  assert.equal(told(0, 10e6).at(-1), 'Over; nobody awaits it, so whether it was rejected is not known');
  assert.doesNotMatch(told(0, 10e6)[0] ?? '', /rejected/);
});

test('what packages and Node call inside of themselves is folded into the call from outside, until it is asked for', () => {
  const session = sessionOf(framesOf(packagesTrace));
  const task = viewOf(session, []).answer.lanes.find((lane) => lane.kind === laneKind.task);
  // It counts all calls, drawn or not.
  assert.equal(task?.frames, 6);
  const rowsOf = (allCalls: boolean) => {
    const { answer } = viewOf(session, [task?.lane ?? -1], 4000, allCalls);
    return answer.lanes.filter((lane) => lane.kind === laneKind.frame);
  };
  const shape = (allCalls: boolean) =>
    rowsOf(allCalls).map(({ label, depth, folded = false }) => [label, depth, folded]);
  const folded = [
    ['main', 0, false],
    ['in undici', 1, true],
    ['onBody', 2, false],
    ['in @scope/parse', 3, true],
  ];
  assert.deepEqual(shape(false), folded);
  assert.deepEqual(
    shape(true),
    ['main', 'request', 'dispatch', 'connect, onBody', 'parse'].map((name, depth) => [
      name === 'connect, onBody' ? 'onBody, connect' : name,
      depth,
      false,
    ]),
  );
  assert.deepEqual(shape(false), folded);

  const { answer } = viewOf(session, [task?.lane ?? -1]);
  assert.deepEqual(
    Object.values(answer.names)
      .filter((name) => name.includes('call'))
      .sort(),
    ['1 call in @scope/parse', '3 calls in undici'],
  );
  const [, undici, onBody] = rowsOf(false);
  assert.equal(undici?.summary, '1 call, 1 not over; 2 more inside, folded');
  const told = session.explain({ session: '', lane: undici?.lane ?? -1, atNs: 5e6 });
  assert.ok(told?.steps.some(({ text }) => text === 'With 2 more calls in undici inside of it'));
  // The chain goes on behind what it leaves out, and says so.
  const [chain] = session.explain({ session: '', lane: onBody?.lane ?? -1, atNs: 20e6 })?.stacks ?? [];
  assert.equal(chain?.title, 'of awaits, without 2 in undici');
  assert.deepEqual(
    chain?.frames.map(({ functionName }) => functionName),
    ['onBody', 'main'],
  );
});
