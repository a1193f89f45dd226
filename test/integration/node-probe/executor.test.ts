// Each kind of wait that the executor's parts make, in the stream of a real program: it names what is waited for, and
// who gave or sent it; work on worker threads has lanes of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  causeKind,
  endOutcome,
  eventField,
  eventKind,
  type Frame,
  resourceKind,
  threadRole,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';
import { sessionOf, wholeView } from '../../unit/trace/engine-dump.ts';

const programs = new ProbePrograms();
let frames: readonly Frame[] = [];
let model: ReferenceModel;
let printed: { readonly sums: number[]; readonly lost: number; readonly dropped: number };

before(async () => {
  const path = await programs.build(new URL('./programs/executor-tour.ts', import.meta.url));
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(path, { environment: receiver.environment, timeoutMs: 240_000 });
    assert.equal(result.code, 0, result.stderr);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    frames = receiver.frames;
    model = readReference(frames);
    printed = JSON.parse(result.stdout) as typeof printed;
  } finally {
    await receiver.close();
  }
});
after(() => programs.remove());

function textOf(id: number): string {
  const record = model.dictionary.find((each) => each.record === 'text' && each.id === id);
  return record?.record === 'text' ? record.text : '';
}

function taskNamed(name: string): number {
  const record = model.dictionary.find((each) => each.record === 'task' && textOf(each.name) === name);
  assert.ok(record, `a task ${name}`);
  return record.id;
}

test('the stream is whole, and nothing is named before it is told', () => {
  assert.deepEqual(printed, { sums: [500_500, 2_001_000], lost: 1, dropped: 0 });
  assert.deepEqual(model.gaps, []);
  assert.deepEqual(recordsBeforeUse(frames), []);
  assert.deepEqual(
    model.tasks.flatMap((task) => task.spuriousEpochs),
    [],
  );
});

for (const [waits, kind, giver] of [
  ['channel', 'channel', 'gives'],
  ['broadcast', 'broadcast', 'gives'],
  ['watch', 'watch', 'gives'],
  ['notify', 'notify', 'gives'],
  ['oneshot', 'oneshot', 'gives'],
  ['promise', 'oneshot', 'gives'],
  ['mutex', 'mutex', 'gives'],
  ['lock', 'rwLock', 'gives'],
  ['permit', 'semaphore', 'gives'],
  ['barrier', 'barrier', 'comes last'],
] as const) {
  test(`a wait for a ${waits} names it, its site, and the task that ended the wait`, () => {
    const task = model.tasks.find((each) => each.id === taskNamed(`waits for ${waits}`));
    const wait = task?.polls[0]?.waits[0];
    assert.ok(task && wait);
    assert.equal(wait.onKind, causeKind.resource);
    const resource = model.dictionary.find((each) => each.record === 'resource' && each.id === wait.onId);
    assert.ok(resource?.record === 'resource');
    assert.equal(resource.resourceKind, resourceKind[kind]);
    assert.ok(resource.site > 0);
    assert.deepEqual(task.causes, [
      { epoch: 2, kind: causeKind.poll, id: taskNamed(giver), certainty: 'recorded' },
    ]);
    // What was given stands before the wake, on the same thread.
    const wake = model.wakes.find((each) => each.task === task.id);
    const released = model.events.find(
      (event) =>
        event.kind === eventKind.resourceRelease &&
        event.values[eventField.resourceRelease.resource] === wait.onId &&
        event.values[eventField.resourceRelease.task] === taskNamed(giver),
    );
    assert.ok(wake && released && released.thread === wake.thread && released.index < wake.index);
  });
}

test('the viewer says of the wait for a channel who sent', () => {
  const session = sessionOf(frames);
  const waiting = model.tasks.find((each) => each.id === taskNamed('waits for channel'));
  const idle = waiting?.spans.find((span) => span.state.startsWith('idle'));
  assert.ok(idle);
  const lane = wholeView(session).answer.lanes.find((each) => each.label.includes('waits for channel'));
  assert.ok(lane);
  const told = session.explain({ session: '', lane: lane.lane, atNs: idle.fromNs });
  assert.match(
    told?.sentence ?? '',
    /for channel \d+, to which task \d+ \(gives\) sent; task \d+ \(gives\) woke it/,
  );
});

test('work on worker threads has a lane: what ran, from when to when, and that it was cancelled', () => {
  const threads = model.dictionary.filter(
    (each) => each.record === 'thread' && each.role === threadRole.pool && textOf(each.name) !== '',
  );
  assert.equal(threads.length, 1);
  const [thread] = threads;
  assert.ok(thread?.record === 'thread');
  assert.match(textOf(thread.name), /^sums \d+$/);
  if (process.platform === 'linux') assert.ok(thread.osId > 0);
  const onLane = model.events.filter((event) => event.thread === thread.id);
  assert.deepEqual(
    onLane.map((event) => event.kind),
    [
      eventKind.threadStart,
      ...[eventKind.jobStart, eventKind.jobEnd],
      ...[eventKind.jobStart, eventKind.jobEnd],
      ...[eventKind.jobStart, eventKind.jobEnd],
      eventKind.threadStop,
    ],
  );
  const outcomes = onLane
    .filter((event) => event.kind === eventKind.jobEnd)
    .map((event) => event.values[eventField.jobEnd.outcome]);
  assert.deepEqual(outcomes, [endOutcome.completed, endOutcome.completed, endOutcome.cancelled]);
  for (let i = 1; i < onLane.length; i += 1) assert.ok((onLane[i]?.ns ?? 0) >= (onLane[i - 1]?.ns ?? 0));
});
