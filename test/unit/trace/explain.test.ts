// What the engine says of spans, in words: each test is a text trace and the sentences expected of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKind, markerKind, spanState } from '../../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../../extension/messages/queries.ts';
import { frameKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { framesOf } from '../../support/text-trace.ts';
import { sessionOf, spansOf, wholeView } from './engine-dump.ts';
import { check, golden, laneOf } from './told.ts';

test('a read: source, park, turn, wake, queue, poll, bytes', () => {
  check(golden('read-chain'), {
    'client #1@100':
      'Spawned; it stood 100 ns in the queue before client polled it. No other poll held client meanwhile.',
    'client #1@210':
      'Poll 1 ran 40 ns on client, its first poll. It tried to read from 127.0.0.1:4040 (fd 9): it would block. It returned pending, to wait for 127.0.0.1:4040 (fd 9) to become readable.',
    'client #1@500':
      "Waited 680 ns for 127.0.0.1:4040 (fd 9) to become readable; the reactor was parked 650 ns of it; the kernel reported it readable, and the reactor's turn 1 woke the task; the task stood 10 ns in the queue, then read 64 bytes from 127.0.0.1:4040 (fd 9).",
    'client #1@940':
      "Poll 2 ran 30 ns on client, because the reactor's turn 1 woke it for 127.0.0.1:4040 (fd 9). It read 64 bytes from 127.0.0.1:4040 (fd 9). It returned ready: the task is done.",
    'reactor on client@300':
      'Parked for 650 ns, until something happens; the park ended because 1 event came.',
  });
});

test('a file write on io_uring: submission, park, turn, readiness of the ring, completion, wake, poll', () => {
  check(golden('ring-write'), {
    'task 1@22':
      'Poll 1 ran 4 ns on thread 1, its first poll. It put write submission #1 of 1 MiB into the io_uring. It returned pending, to wait for write submission #1.',
    'task 1@100':
      'Waited 283 ns for write submission #1; its completion (1 MiB) was taken 284 ns after its submission, and that woke the task; the task stood 23 ns in the queue behind task 2.',
    'task 2@100':
      'Waited 271 ns for open submission #2; its completion (error 2) was taken 272 ns after its submission, and that woke the task; the task stood 5 ns in the queue.',
    'task 1@335':
      'Poll 2 ran 10 ns on thread 1, because the kernel completed write submission #1 and that woke it. It returned ready: the task is done.',
    'io_uring (fd 7)@28':
      "1 submission was under way in the kernel, for 10 ns; no thread of the program blocks for them. The reactor learns of a completion as it does of a socket's readiness.",
    'io_uring (fd 7)@100':
      "2 submissions were under way in the kernel, for 272 ns; no thread of the program blocks for them. The reactor learns of a completion as it does of a socket's readiness.",
  });
  const session = sessionOf(framesOf(golden('ring-write')));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: 100 });
  assert.deepEqual(
    told?.steps.map((step) => `${step.atNs} ${step.kind} ${step.text}`),
    [
      '22 job Write submission #1 was put into the io_uring',
      '24 wait Poll 1 returned pending: task 1 waits for write submission #1',
      '40 park The reactor parked for 260 ns, until something happens',
      '300 unpark The park ended with 1 event; turn 1 began',
      '302 readiness The kernel reported completions in an io_uring (fd 7)',
      "306 job The kernel's completion of write submission #1 was taken: 1 MiB",
      '307 wake Its completion woke task 1',
      '307 queue Task 2 held thread 1 for 10 ns (1 poll)',
      '330 poll Poll 2 began, and lasted 10 ns',
    ],
  );
});

test('waits for each other: who held the mutex, who sent, and who holds what nobody gives back', () => {
  check(golden('hand-overs'), {
    'task 2@100':
      'Waited 101 ns for mutex 1, held by task 1 for 110 ns; task 1 woke it in its poll 2; the task stood 17 ns in the queue behind task 1.',
    'task 3@100':
      'Waited 93 ns for channel 2, to which task 1 sent; task 1 woke it in its poll 2; the task stood 35 ns in the queue behind task 2 and task 1.',
    'task 4@100': 'Waiting for semaphore 3, held by task 1, for 138 ns so far; nothing has woken it yet.',
  });
  const session = sessionOf(framesOf(golden('hand-overs')));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 2'), atNs: 100 });
  const holder = told?.steps.filter((step) => step.kind === 'operation');
  assert.deepEqual(
    holder?.map((step) => [step.atNs, step.text, step.lane === laneOf(session, 'task 1')]),
    [
      [22, 'Task 1 took mutex 1', true],
      [132, 'Task 1 gave mutex 1 back', true],
    ],
  );
});

test('who gave is told of each of a hundred tasks that were woken at once', () => {
  const waiters = Array.from({ length: 100 }, (_, i) => i + 2);
  const trace = [
    'hello',
    'dict resource id=1 resourceKind=notify',
    'chunk thread=1 firstTick=0',
    ...[1, ...waiters].map((task) => `  ${task} taskSpawn task=${task}`),
    ...waiters.flatMap((task) => [
      `  ${task * 10 + 200} pollStart task=${task} epoch=1`,
      `  ${task * 10 + 201} waitStart onKind=resource onId=1`,
      `  ${task * 10 + 202} pollEnd outcome=pending`,
    ]),
    '  2000 pollStart task=1 epoch=1',
    '  2001 resourceRelease resource=1 task=1 amount=1',
    ...waiters.map((task) => `  ${task + 2001} wake task=${task} epoch=1 effect=scheduled`),
    '  2200 pollEnd outcome=ready',
    ...waiters.flatMap((task) => [
      `  ${task * 10 + 2300} pollStart task=${task} epoch=2`,
      `  ${task * 10 + 2301} pollEnd outcome=ready`,
    ]),
  ].join('\n');
  const session = sessionOf(framesOf(`${trace}\n`));
  for (const task of waiters) {
    const told = session.explain({ session: '', lane: laneOf(session, `task ${task}`), atNs: 1999 });
    assert.match(told?.sentence ?? '', /for notify 1, which task 1 notified; task 1 woke it in its poll 1;/);
  }
});

test('where events were lost nobody is said to hold anything', () => {
  const lost = `${golden('hand-overs')}chunk thread=1 dropped=5\n  400 park parkKind=reactor\n`;
  const session = sessionOf(framesOf(lost));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 4'), atNs: 100 });
  assert.match(told?.sentence ?? '', /^Wait(ing|ed) .*for semaphore 3(,|;) (?!held)/);
});

test('an io_uring has a lane whose spans count what is under way, however the threads are read', () => {
  const session = sessionOf(framesOf(golden('ring-write')));
  const { answer, binary } = wholeView(session);
  const ring = answer.lanes.find((lane) => lane.kind === laneKind.ring);
  assert.equal(ring?.summary, '2 submissions, 0 under way now');
  const spans = spansOf(answer, binary, ring as LaneHeader);
  assert.deepEqual(
    spans.map(({ fromNs, toNs, state, ref }) => [fromNs, toNs, state, ref]),
    [
      [22, 32, spanState.inFlight, 1],
      [32, 304, spanState.inFlight, 2],
      [304, 306, spanState.inFlight, 1],
    ],
  );
});

test("an io_uring's lane is covered when there are more spans than pixels", () => {
  // Two in flight all the time, and a span each time that one completes and the next comes.
  const lines = ['hello', 'dict source id=1 fd=7 sourceKind=ioUring', 'chunk thread=1'];
  for (let i = 1; i <= 400; i++) {
    lines.push(`  ${i * 10} submission submission=${i} source=1 operation=read bytes=1 depth=2`);
    if (i > 1) lines.push(`  ${i * 10 + 5} completion submission=${i - 1} result=1`);
  }
  const session = sessionOf(framesOf(`${lines.join('\n')}\n`));
  const query = { session: '', fromNs: 0, toNs: 4000, widthPx: 16, firstLane: 0, laneCount: 9, filter: '' };
  const { answer, binary } = session.viewport(query);
  const ring = answer.lanes.find((lane) => lane.kind === laneKind.ring);
  assert.equal(ring?.mode, 'coverage');
  const { pixelState, pixelRunning } = answer.columns;
  for (let pixel = 1; pixel < 16; pixel++) {
    assert.equal(binary[pixelState.offset + (ring?.first ?? 0) + pixel], spanState.inFlight);
    assert.equal(binary[pixelRunning.offset + (ring?.first ?? 0) + pixel], 255);
  }
});

test('a read: the steps stand in the order of cause, each with its lane and site', () => {
  const session = sessionOf(framesOf(golden('read-chain')));
  const told = session.explain({ session: '', lane: laneOf(session, 'client #1'), atNs: 500 });
  assert.deepEqual(
    told?.steps.map((step) => `${step.atNs} ${step.kind} ${step.certainty}`),
    [
      '240 wait recorded',
      '250 park recorded',
      '900 unpark recorded',
      '910 readiness recorded',
      '920 wake recorded',
      '930 poll recorded',
      '940 operation recorded',
    ],
  );
  assert.equal(told?.site?.line, 14);
  assert.equal(told?.spawnSite?.line, 10);
  const reactor = laneOf(session, 'reactor on client');
  assert.deepEqual(
    told?.steps.map((step) => step.lane === reactor),
    [false, true, true, true, true, false, false],
  );
  assert.deepEqual(
    told?.facts.map((fact) => fact.label),
    ['Life', 'Polls', 'Running', 'Scheduled', 'Idle on source'],
  );
});

test('a timer, a blocking job, a debugger stop', () => {
  check(golden('pool-timer-stop'), {
    'task 1@100':
      "Waited 256 ns for the file write of /tmp/out.bin (job 1); it stood 28 ns in the pool's queue, ran 235 ns on thread 2, and its completion woke the task; the task stood 30 ns in the queue.",
    'task 2@100':
      'Waited 509 ns for timer 1; the timer fired 10 ns after its deadline and woke the task; the task stood 8 ns in the queue.',
    'task 2@600':
      'Poll 2 ran 350 ns on thread 1, because timer 1 fired 10 ns after its deadline and woke it. It returned ready: the task is done. A debugger held the program for part of it, so it is left out of all statistics.',
    'pool thread 2@100':
      'The file write of /tmp/out.bin (job 1) ran 235 ns on thread 2 and moved 1 MiB; there it may block without holding a worker. It was submitted by task 1 and stood 28 ns in the queue.',
  });
});

test('a source behind a turn is inferred, and says so', () => {
  const session = sessionOf(framesOf(golden('turn-inferred')));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: 50 });
  assert.equal(told?.certainty, 'inferred');
  assert.match(told?.sentence ?? '', /inferred from the operation that followed/);
  const wake = told?.steps.find((step) => step.kind === 'wake');
  assert.deepEqual([wake?.certainty, wake?.rule], ['inferred', 'operation after wake']);
  const arrows = session.arrows({ session: '', lane: laneOf(session, 'task 1'), fromNs: 30, toNs: 1000 });
  assert.deepEqual(
    arrows.map((arrow) => [arrow.kind, arrow.certainty]),
    [['source', 'inferred']],
  );
});

test('a wake by a turn that brought nothing is said to be a yield or a timer', () => {
  const trace = golden('turn-inferred')
    .replace('unpark parkKind=reactor events=2', 'unpark parkKind=reactor')
    .replaceAll(/.* readiness .*\n/g, '');
  const session = sessionOf(framesOf(trace));
  const told = session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: 50 });
  assert.match(
    told?.sentence ?? '',
    /the runtime woke the task after a turn with no source ready: it had yielded, or a timer was due/,
  );
});

test('what is lost is said to be lost', () => {
  check(golden('lost-chunk'), {
    'task 1@100': 'What the task did for these 440 ns was not recorded: 4 events of thread 2 were lost.',
  });
});

/** Tasks 1 to 5 are polled once and then cancelled, each by another. */
const cancelledTasks = `
hello
chunk thread=1 firstTick=0
  10 taskSpawn task=1
  10 taskSpawn task=2
  10 taskSpawn task=3
  10 taskSpawn task=4
  10 taskSpawn task=5
  20 pollStart task=1 epoch=1
  30 pollEnd outcome=pending
  40 pollStart task=2 epoch=1
  50 pollEnd outcome=pending
  60 pollStart task=3 epoch=1
  70 pollEnd outcome=pending
  80 pollStart task=4 epoch=1
  90 pollEnd outcome=pending
  100 pollStart task=5 epoch=1
  110 taskEnd task=1 outcome=cancelled byKind=poll byId=5
  120 pollEnd outcome=pending
  130 taskEnd task=2 outcome=cancelled byKind=abort byId=5
  140 taskEnd task=3 outcome=cancelled byKind=shutdown byId=0
  150 taskEnd task=4 outcome=cancelled byKind=thread byId=1
  160 taskEnd task=5 outcome=cancelled byKind=abort byId=0
`;

test('a cancelled task: by whom, as far as it was recorded', () => {
  check(cancelledTasks, {
    'task 1@25':
      'Poll 1 ran 10 ns on thread 1, its first poll. It returned pending; later the task was cancelled by a poll of task 5.',
    'task 2@45':
      'Poll 1 ran 10 ns on thread 1, its first poll. It returned pending; later the task was cancelled: it was aborted in a poll of task 5.',
    'task 3@65':
      'Poll 1 ran 10 ns on thread 1, its first poll. It returned pending; later the task was cancelled: its runtime or set of tasks ended.',
    'task 4@85':
      'Poll 1 ran 10 ns on thread 1, its first poll. It returned pending; later the task was cancelled on thread 1, outside any poll.',
    'task 5@115':
      'Poll 1 ran 20 ns on thread 1, its first poll. It returned pending; later the task was cancelled: it was aborted.',
  });
});

/** Task 1 was alive when recording began, and nobody saw what it did. */
const aliveUnknown = `
hello
chunk thread=1 firstTick=0
  10 snapshotStart
  10 snapshotTask task=1 epoch=3 state=unknown onKind=unknown onId=0 site=0
  10 snapshotTask task=2 epoch=1 state=idle onKind=unknown onId=0 site=0
  10 snapshotEnd
  500 pollStart task=1 epoch=4
  510 pollEnd outcome=pending
  600 pollStart task=2 epoch=2
  610 pollEnd outcome=pending
`;

test('a task that was alive when recording began is not said to have waited where nobody saw', () => {
  check(aliveUnknown, {
    'task 1@100':
      'What the task did for these 490 ns was not recorded: it was not polled when recording began, and whether it waited or stood in the queue nobody saw.',
    'task 2@100':
      'Waited for something that was not recorded when recording began, and for 590 ns after; what came before was not recorded.',
  });
});

/** Task 1 never yields for 5 ms while 2 and 3 stand in the queue. */
const hog = `
hello
chunk thread=1 firstTick=0
  10 taskSpawn task=1
  20 taskSpawn task=2
  30 taskSpawn task=3
  100 pollStart task=2 epoch=1
  110 waitStart onKind=poll onId=1
  120 pollEnd outcome=pending
  200 pollStart task=1 epoch=1
  300 wake task=2 epoch=1 effect=scheduled
  5000200 pollEnd outcome=ready
  5000300 pollStart task=3 epoch=1
  5000400 pollEnd outcome=ready
  5000500 pollStart task=2 epoch=2
  5000600 pollEnd outcome=ready
`;

test('a poll that never yields: whom it starved, and who is blamed for standing in the queue', () => {
  check(hog, {
    'task 1@1000':
      'Poll 1 ran 5 ms on thread 1, its first poll. It woke task 2. It returned ready: the task is done. Meanwhile task 3 and 1 other task stood in the queue, for up to 5 ms.',
    'task 3@1000':
      'Spawned; it stood 5 ms in the queue before thread 1 polled it. Meanwhile thread 1 was held by task 1 for 5 ms and task 2 for 20 ns; for 250 ns no poll did.',
    'task 2@1000':
      'Woken: task 1 woke it in its poll 1; it stood 5 ms in the queue before thread 1 polled it. Meanwhile thread 1 was held by task 1 for 5 ms and task 3 for 100 ns; for 200 ns no poll did.',
  });
});

test('a chain of wakes goes back through the tasks that made them', () => {
  const session = sessionOf(
    framesOf(`
hello
chunk thread=1 firstTick=0
  10 taskSpawn task=1
  11 taskSpawn task=2
  20 pollStart task=1 epoch=1
  21 waitStart onKind=timer onId=4
  22 pollEnd outcome=pending
  30 pollStart task=2 epoch=1
  31 waitStart onKind=resource onId=1
  32 pollEnd outcome=pending
  40 park parkKind=reactor timeoutNs=0 timer=4
  90 unpark parkKind=reactor
  91 timerFire timer=4 latenessNs=2
  92 wakeFrom task=1 epoch=1 effect=scheduled causeKind=timer causeId=4 epochAfter=1
  95 pollStart task=1 epoch=2
  96 wake task=2 epoch=1 effect=scheduled
  97 pollEnd outcome=ready
  99 pollStart task=2 epoch=2
  100 pollEnd outcome=ready
`),
  );
  const told = session.explain({ session: '', lane: laneOf(session, 'task 2'), atNs: 50 });
  assert.match(told?.sentence ?? '', /^Waited 64 ns for resource 1; task 1 woke it in its poll 2;/);
  assert.deepEqual(
    told?.steps.map((step) => `${step.atNs} ${step.kind}`),
    ['32 wait', '40 park', '90 unpark', '91 timer', '92 wake', '95 poll', '96 wake', '96 queue', '99 poll'],
  );
});

test('nothing is told of a lane that does not exist, or of an instant outside a life', () => {
  const session = sessionOf(framesOf(hog));
  assert.equal(session.explain({ session: '', lane: 99, atNs: 10 }), null);
  assert.equal(session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: 5 }), null);
  assert.equal(session.explain({ session: '', lane: laneOf(session, 'task 1'), atNs: Number.NaN }), null);
});

test('the end of a stream is said, not "0 bytes"', () => {
  const trace = `
hello
dict text id=1 text="reader"
dict task id=1 name=1 taskKind=task
dict source id=1 fd=5 sourceKind=tcpStream
chunk thread=1
  10 taskSpawn task=1
  20 pollStart task=1 epoch=1
  30 operation source=1 operationKind=take outcome=done bytes=0 madeBy=poll
  40 pollEnd outcome=ready
`;
  const session = sessionOf(framesOf(trace));
  const told = session.explain({ session: '', lane: laneOf(session, 'reader #1'), atNs: 25 });
  assert.match(told?.sentence ?? '', /It took the end of the stream from/);
});

const longPoll = `hello rate=1000000000
dict text id=1 text="/app/src/main.rs"
dict text id=2 text="app::parse"
dict text id=3 text="app::handle"
dict text id=4 text="/rustc/abc/library/std/src/thread/mod.rs"
dict text id=5 text="std::thread::sleep"
dict text id=6 text="/usr/lib/libc.so.6"
dict text id=7 text="clock_nanosleep"
dict site id=1 file=1 line=12 column=5 function=2
dict site id=2 file=1 line=40 column=9 function=3
dict site id=3 file=4 line=99 column=0 function=5
dict site id=4 file=6 line=0 column=0 function=7
dict stack id=1 sites=1,2
dict stack id=2 sites=4,3,2
chunk thread=1
  0 taskSpawn task=1
  1000 pollStart task=1 epoch=1
  184001000 pollEnd outcome=pending
  185000000 pollStart task=1 epoch=2
  285000000 pollEnd outcome=ready
`;

const looks = `chunk thread=2
  30000000 pollSample task=1 epoch=1 wallNs=20000000 watchedNs=18000000 cpuNs=18000000 stack=1
  50000000 pollSample task=1 epoch=1 wallNs=40000000 watchedNs=38000000 cpuNs=37000000 stack=1
  184001000 pollSample task=1 epoch=1 wallNs=184000000 watchedNs=182000000 cpuNs=181000000 stack=0
  205000000 pollSample task=1 epoch=2 wallNs=20000000 watchedNs=15000000 cpuNs=2000000 stack=2
`;

test('a long poll that computes, and one that sleeps', () => {
  const told = {
    'task 1@100000000':
      'Poll 1 ran 184 ms on thread 1, its first poll. It used the processor for 181 ms of the 182 ms that were watched: computing in app::parse (main.rs:12). It returned pending.',
    'task 1@200000000':
      'Poll 2 ran 100 ms on thread 1, without any wake before it: a spurious poll. It used the processor for 2 ms of the 15 ms that were watched: blocked in std::thread::sleep ← app::handle (main.rs:40). It returned ready: the task is done.',
  };
  check(longPoll + looks, told);
  // The watchdog's thread may be read before the thread that it looked at.
  const [dictionary, polls] = longPoll.split(/(?=chunk)/);
  check(`${dictionary}${looks}${polls}`, told);
});

test('a long poll that others kept from the processor is not said to be blocked', () => {
  const starved = `chunk thread=2
  30000000 pollSample task=1 epoch=1 wallNs=20000000 watchedNs=18000000 cpuNs=2000000 stack=1
  50000000 pollSample task=1 epoch=1 wallNs=40000000 watchedNs=38000000 cpuNs=4000000 stack=1
  60000000 pollSample task=1 epoch=2 wallNs=40000000 watchedNs=38000000 cpuNs=19000000 stack=2
`;
  check(longPoll + starved, {
    'task 1@100000000':
      'Poll 1 ran 184 ms on thread 1, its first poll. It used the processor for 4 ms of the 38 ms that were watched: mostly waiting for a processor in app::parse (main.rs:12). It returned pending.',
    'task 1@200000000':
      'Poll 2 ran 100 ms on thread 1, without any wake before it: a spurious poll. It used the processor for 19 ms of the 38 ms that were watched: the rest it was blocked or waited for a processor in std::thread::sleep ← app::handle (main.rs:40). It returned ready: the task is done.',
  });
});

test('a long poll: its stacks innermost first, a step and a marker for each look', () => {
  const session = sessionOf(framesOf(longPoll + looks));
  const lane = laneOf(session, 'task 1');
  const told = session.explain({ session: '', lane, atNs: 200000000 });
  assert.deepEqual(
    told?.stacks.map((stack) => `${stack.title}: ${stack.frames.map((f) => `${f.functionName}:${f.line}`)}`),
    ['after 20 ms: clock_nanosleep:0,std::thread::sleep:99,app::handle:40'],
  );
  assert.deepEqual(
    told?.steps
      .filter((step) => step.kind === 'sample')
      .map((step) => `${step.atNs} ${step.text} ${step.site?.line}`),
    ['205000000 After 20 ms it was in std::thread::sleep ← app::handle (main.rs:40) 40'],
  );
  const { answer, binary } = wholeView(session);
  const { markerKind: kinds, markerAtNs } = answer.columns;
  const at = new Float64Array(binary.buffer, markerAtNs.offset, markerAtNs.length);
  const marks = [...binary.subarray(kinds.offset, kinds.offset + kinds.length)].flatMap((kind, i) =>
    kind === markerKind.sample ? [at[i]] : [],
  );
  assert.deepEqual(marks, [20001000, 40001000, 205000000]);
  assert.equal(answer.markerTotal, marks.length);
});

test("the program's own spans: below their task by depth, outside of tasks with the threads, in any order of reading", () => {
  const trace = golden('own-spans');
  check(trace, {
    'spans of client #1@215':
      'The span “checkout” of task 1 (client) lasted 390 ns: meanwhile the task ran 140 ns, stood 100 ns in the queue and waited 150 ns (source 150 ns).',
    'spans of client #1, 2 deep@220':
      'The span “parse” of task 1 (client) lasted 10 ns: meanwhile the task ran 10 ns.',
    'spans of client #1, 2 deep@300':
      'The span “price list” of task 1 (client) lasted 290 ns: meanwhile the task ran 40 ns, stood 100 ns in the queue and waited 150 ns (source 150 ns).',
    'spans of task 2@750':
      'The span “parse” of task 2 lasted 80 ns: meanwhile the task ran 80 ns. Its end was not recorded; it ends with its task.',
    'spans outside of tasks@50': 'The span “startup” lasted 80 ns; it began outside of any task.',
  });
  const session = sessionOf(framesOf(trace));
  const { answer, binary } = wholeView(session);
  assert.deepEqual(
    answer.lanes.map((lane) => [lane.label, lane.summary]).filter(([label]) => label?.startsWith('spans')),
    [
      ['spans outside of tasks', '1 span, 1 mark'],
      ['spans of client #1', '1 span'],
      ['spans of client #1, 2 deep', '2 spans'],
      ['spans of task 2', '1 span'],
    ],
  );
  const places = answer.lanes.map((lane) => lane.label);
  assert.equal(places.indexOf('spans of client #1'), places.indexOf('client #1') + 1);
  const deep = answer.lanes.find((lane) => lane.label === 'spans of client #1, 2 deep') as LaneHeader;
  assert.deepEqual(
    spansOf(answer, binary, deep).map((span) => [span.fromNs, span.toNs, answer.names[span.ref]]),
    [
      [215, 225, 'parse'],
      [230, 520, 'price list'],
    ],
  );
  // A filter takes the lanes below with their task, and each lane knows its place.
  const filtered = wholeView(session, 'client').answer;
  assert.ok(filtered.lanes.some((lane) => lane.lane === deep.lane));
  assert.ok(!filtered.lanes.some((lane) => lane.label === 'spans of task 2'));
  const { located } = session.viewport({
    session: '',
    fromNs: 0,
    toNs: 1000,
    widthPx: 10,
    firstLane: 0,
    laneCount: 1,
    filter: 'client',
    locate: filtered.lanes.map((lane) => lane.lane),
  }).answer;
  assert.deepEqual(
    located?.map((each) => each.place),
    filtered.lanes.map((_, place) => place),
  );
  // The same rows when the threads are read the other way round, and when somebody looks in between.
  const frames = framesOf(trace);
  const [second, first] = frames.filter((frame) => frame.kind === frameKind.chunk);
  const others = frames.filter((frame) => frame.kind !== frameKind.chunk);
  assert.ok(first !== undefined && second !== undefined);
  const looked = sessionOf([...others, first]);
  wholeView(looked);
  looked.pushFrame(second.kind, second.payload);
  const again = wholeView(looked);
  const shown = (view: typeof again) =>
    view.answer.lanes
      .filter((lane) => lane.kind === laneKind.section)
      .map((lane) => [lane.label, spansOf(view.answer, view.binary, lane).map((s) => [s.fromNs, s.toNs])]);
  assert.deepEqual(shown(again), shown({ answer, binary }));
  const told = session.explain({ session: '', lane: laneOf(session, 'client #1'), atNs: 510 });
  assert.ok(told?.steps.some((step) => step.text === 'Marked “queue length”: −3'));
  assert.equal(again.answer.markerTotal, answer.markerTotal);
});

test('a task that waited for the end of another is told so, where only the wake says it', () => {
  const joined = `hello
dict task id=1
dict task id=2
chunk thread=1
  10 taskSpawn task=1
  20 taskSpawn task=2
  30 pollStart task=1 epoch=1
  40 pollEnd outcome=pending
  50 pollStart task=2 epoch=1
  90 pollEnd outcome=ready
  91 taskEnd task=2 outcome=completed
  95 wakeFrom task=1 epoch=1 effect=unknown causeKind=poll causeId=2 epochAfter=1
  99 pollStart task=1 epoch=2
  120 pollEnd outcome=ready
`;
  check(joined, {
    'task 1@60':
      'Waited 55 ns for task 2 to end; the end of task 2 woke it; the task stood 4 ns in the queue.',
    'task 1@100':
      'Poll 2 ran 21 ns on thread 1, because the end of task 2 woke it. It returned ready: the task is done.',
  });
});
