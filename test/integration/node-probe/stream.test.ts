// The probe in a real program, over a real socket: nothing is lost, nothing is changed, nothing is waited for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  detail,
  endReason,
  eventField,
  eventKind,
  frameKind,
  taskState,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { InspectorClient } from '../../support/inspector-client.ts';
import { ProbePrograms, runProgram, startProgram } from '../../support/node-probe-program.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { type ReceiverOptions, StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let sleepers = '';

before(async () => {
  sleepers = await programs.build(new URL('./programs/sleepers.ts', import.meta.url));
});
after(() => programs.remove());

async function withReceiver(
  options: ReceiverOptions,
  body: (receiver: StreamReceiver) => Promise<void>,
): Promise<void> {
  const receiver = await StreamReceiver.listen(options);
  try {
    await body(receiver);
  } finally {
    await receiver.close();
  }
}

/** With the path of a file for which the program goes on. */
async function withGoal(body: (receiver: StreamReceiver, goal: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-goal-'));
  try {
    await withReceiver({}, (receiver) => body(receiver, join(folder, 'goal')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Until a number stays for a hundred looks, which take a second or, where the machine is busy, longer. */
async function untilQuiet(count: () => number): Promise<void> {
  for (let looks = 0, last = count(); looks < 100; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = count();
    if (now !== last) looks = 0;
    last = now;
  }
}

function pollCount(model: ReferenceModel, namePrefix: string): number {
  const names = new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.id, r.text]] : [])));
  const named = new Set(
    model.dictionary.flatMap((r) =>
      r.record === 'task' && names.get(r.name)?.startsWith(namePrefix) ? [r.id] : [],
    ),
  );
  return model.tasks.filter((t) => named.has(t.id)).reduce((sum, t) => sum + t.polls.length, 0);
}

/** Everything the program counted stands in the stream, and the stream ends as it must. */
function checkComplete(receiver: StreamReceiver, stdout: string): ReferenceModel {
  const counters = JSON.parse(stdout) as { tasks: number; polls: number; dropped: number };
  const model = readReference(receiver.frames);
  assert.equal(counters.dropped, 0);
  assert.deepEqual(model.gaps, []);
  assert.equal(model.tasks.length, counters.tasks + 1, 'the tasks of the program and its root');
  assert.equal(pollCount(model, 'sleeper'), counters.polls);
  assert.deepEqual(
    model.tasks.flatMap((t) => t.spuriousEpochs),
    [],
  );
  assert.equal(model.events.at(-1)?.kind, eventKind.threadStop);
  assert.equal(receiver.end?.reason, endReason.exit);
  assert.equal(receiver.end?.threads[0]?.dropped, 0);
  assert.deepEqual(recordsBeforeUse(receiver.frames), []);
  return model;
}

describe('a program that ends loses nothing', () => {
  for (const over of ['unix', 'tcp'] as const) {
    for (const [ending, code] of [
      ['natural', 0],
      ['exit', 7],
      ['throw', 1],
    ] as const) {
      test(`${ending}, over ${over}`, () =>
        withReceiver({ over }, async (receiver) => {
          const result = await runProgram(sleepers, {
            environment: receiver.environment,
            arguments: ['--ending', ending],
          });
          assert.equal(result.code, code, result.stderr);
          await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
          checkComplete(receiver, result.stdout);
        }));
    }
  }

  test('the hello says who speaks and what cannot be seen', () =>
    withReceiver({}, async (receiver) => {
      await runProgram(sleepers, {
        environment: { ...receiver.environment, WAKELINE_LAUNCH: 'launch-1' },
      });
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const hello = receiver.hellos[0];
      assert.ok(hello);
      assert.equal(hello.language, 'node');
      assert.equal(hello.tickRate, 1_000_000_000n);
      assert.equal(hello.program, sleepers);
      assert.equal(hello.workingFolder, process.cwd());
      assert.equal(hello.launch, 'launch-1');
      assert.equal(hello.detail, detail.full);
      const nowUs = BigInt(Date.now()) * 1000n;
      assert.ok(nowUs - hello.anchorWallUs < 600_000_000n && hello.anchorWallUs < nowUs);
      const monotonicNs = process.hrtime.bigint();
      assert.ok(
        hello.anchorMonotonicNs < monotonicNs && monotonicNs - hello.anchorMonotonicNs < 600_000_000_000n,
      );
      const unseen = hello.capabilities.filter((c) => c.visibility === 3).map((c) => c.name);
      assert.deepEqual(unseen, ['jobThreads', 'cpuTime']);
    }));

  test('the thread carries the id that debuggers show', () =>
    withReceiver({}, async (receiver) => {
      const { child, result } = startProgram(sleepers, { environment: receiver.environment });
      await result;
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const thread = readReference(receiver.frames).dictionary.find((r) => r.record === 'thread');
      assert.ok(thread?.record === 'thread');
      assert.equal(thread.osId, process.platform === 'linux' ? child.pid : 0);
    }));
});

describe('a program whose collector fails is not changed', () => {
  const run = (environment: Record<string, string>) =>
    runProgram(sleepers, { environment, arguments: ['--ending', 'exit'] });

  /** It comes to the same end, while the collector goes on to fail. */
  async function checkUnchanged(environment: Record<string, string>): Promise<void> {
    const alone = await run({});
    const result = await run(environment);
    assert.equal(result.code, alone.code);
    assert.equal(result.signal, null);
    assert.equal(result.stderr, alone.stderr);
    assert.equal((JSON.parse(result.stdout) as { tasks: number }).tasks, 100);
  }
  const token = '0'.repeat(32);

  test('no socket', () => checkUnchanged({ WAKELINE: 'unix:/nonexistent/wakeline', WAKELINE_TOKEN: token }));
  test('nobody on the port', () => checkUnchanged({ WAKELINE: 'tcp://127.0.0.1:1', WAKELINE_TOKEN: token }));
  test('an address that cannot be meant', () =>
    checkUnchanged({ WAKELINE: 'somewhere', WAKELINE_TOKEN: token }));
  test('a collector that reads nothing', () =>
    withReceiver({ behaviour: 'stall' }, (receiver) => checkUnchanged(receiver.environment)));
  test('a collector that refuses', () =>
    withReceiver({ behaviour: 'refuse' }, (receiver) => checkUnchanged(receiver.environment)));
  test('a wrong token', () =>
    withReceiver({}, async (receiver) => {
      await checkUnchanged({ ...receiver.environment, WAKELINE_TOKEN: token });
      assert.ok(receiver.refused >= 1);
      assert.deepEqual(receiver.frames, []);
    }));
});

describe('a program that goes on for a while', () => {
  test('counts exactly what found no room', () =>
    withReceiver({}, async (receiver) => {
      const result = await runProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--ringBytes', String(128 * 1024), '--tasks', '3000', '--rounds', '2'],
      });
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const counters = JSON.parse(result.stdout) as { dropped: number };
      const model = readReference(receiver.frames);
      assert.ok(counters.dropped > 0, 'the ring is too small for this program');
      const dropped = receiver.end?.threads[0]?.dropped ?? 0;
      assert.ok(dropped >= counters.dropped, 'some more may be dropped after the program has looked');
      const inGaps = model.gaps.reduce((sum, gap) => sum + gap.dropped, 0);
      assert.equal(inGaps, dropped, 'each dropped event stands in a gap');
      assert.equal(model.events.at(-1)?.kind, eventKind.threadStop);
      assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    }));

  test('goes on sending while the thread is busy', () =>
    withReceiver({}, async (receiver) => {
      const folder = mkdtempSync(join(tmpdir(), 'wakeline-held-'));
      try {
        const released = join(folder, 'released');
        const { result } = startProgram(sleepers, {
          environment: receiver.environment,
          arguments: ['--holdUntil', released, '--rounds', '4', '--tasks', '400'],
        });
        // Held in the third round: the 800 tasks of the first two are published by then, though their slot is open.
        const ended = (): number =>
          readReference(receiver.frames).events.filter((e) => e.kind === eventKind.taskEnd).length;
        await until(() => receiver.frames.length > 0 && ended() === 800, 'the events before the hold');
        assert.equal(receiver.connections[0]?.closed, false);
        writeFileSync(released, '');
        const { code, stdout, stderr } = await result;
        assert.equal(code, 0, stderr);
        await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
        checkComplete(receiver, stdout);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }));

  test('goes on sending, and connects again, while a debugger holds the thread', () =>
    withGoal(async (receiver, goal) => {
      const { result, stderr } = startProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '100', '--sleepMs', '5', '--until', goal],
        nodeArguments: ['--inspect=127.0.0.1:0'],
      });
      await until(() => InspectorClient.addressIn(stderr()) !== undefined, 'the inspector');
      const inspector = await InspectorClient.connect(
        InspectorClient.addressIn(stderr()) ?? new URL('ws://none'),
      );
      await until(() => receiver.framesOf(frameKind.chunk).length > 3, 'the first chunks');
      await inspector.send('Debugger.enable');
      await inspector.pause();
      // What was published before the stop arrives; then nothing is on its way that hanging up could lose.
      const count = (): number => readReference(receiver.frames).events.length;
      await untilQuiet(() => receiver.framesOf(frameKind.chunk).length);
      const seen = count();
      receiver.hangUp();
      await until(
        () => (receiver.connections[1]?.frames.length ?? 0) >= 2,
        'a second connection while stopped',
      );
      assert.equal(count(), seen, 'the program stands');
      writeFileSync(goal, '');
      await inspector.send('Debugger.resume');
      inspector.close();
      const { code, stdout } = await result;
      assert.equal(code, 0, stderr());
      await until(() => receiver.connections[1]?.closed === true, 'the connection to close');
      checkComplete(receiver, stdout);
    }));

  test('connects again with its whole living dictionary', () =>
    withGoal(async (receiver, goal) => {
      const { result } = startProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '40', '--sleepMs', '20', '--until', goal],
      });
      await until(() => receiver.framesOf(frameKind.chunk).length > 3, 'the first chunks');
      receiver.hangUp();
      await until(() => (receiver.connections[1]?.frames.length ?? 0) > 3, 'a second connection');
      writeFileSync(goal, '');
      await result;
      await until(() => receiver.connections[1]?.closed === true, 'the connection to close');
      const [first, second] = receiver.hellos;
      assert.ok(first && second);
      assert.equal(first.session, second.session);
      assert.equal(first.originTick, second.originTick);
      assert.deepEqual(recordsBeforeUse(receiver.connections[1]?.frames ?? []), []);
      assert.equal(receiver.end?.reason, endReason.exit);
    }));

  test('parked is what the loop says it was idle, and the time-out is the next deadline', () =>
    withReceiver({}, async (receiver) => {
      const result = await runProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '20', '--sleepMs', '15'],
      });
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const model = checkComplete(receiver, result.stdout);
      const pending = new Map<number, number>();
      let parkNs = 0;
      let parkedNs = 0;
      let withTimer = 0;
      for (const { kind, ns, values } of model.events) {
        const [first = 0, second = 0, third = 0] = values;
        if (kind === eventKind.timerSet) pending.set(first, ns + third);
        else if (kind === eventKind.timerFire) pending.delete(first);
        else if (kind === eventKind.unpark) parkedNs += ns - parkNs;
        if (kind !== eventKind.park) continue;
        parkNs = ns;
        const earliestNs = Math.min(...pending.values());
        const timeOutNs = second === 0 ? Number.POSITIVE_INFINITY : Math.max(ns, earliestNs) - ns;
        assert.equal(second, second === 0 ? 0 : timeOutNs + 1);
        assert.equal(pending.get(third) ?? Number.POSITIVE_INFINITY, earliestNs);
        if (third !== 0) withTimer++;
      }
      // On a busy machine a deadline may be over before the loop comes to park for it.
      assert.ok(withTimer > 0, 'no round parks for its timers');
      const { idleMs } = JSON.parse(result.stdout) as { idleMs: number };
      assert.ok(Math.abs(parkedNs / 1e6 - idleMs) < 1, `parked ${parkedNs / 1e6} ms, idle ${idleMs} ms`);
    }));

  test('tells what is alive when it begins late', () =>
    withReceiver({}, async (receiver) => {
      const result = await runProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '3', '--sleepMs', '150', '--lateMs', '60'],
      });
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const counters = JSON.parse(result.stdout) as { tasks: number; polls: number };
      const model = readReference(receiver.frames);
      const kinds = model.events.map((e) => e.kind);
      assert.ok(kinds.indexOf(eventKind.snapshotStart) < kinds.indexOf(eventKind.snapshotEnd));
      const alive = model.events.filter((e) => e.kind === eventKind.snapshotTask);
      // The root and the twenty of the first round, each polled once and asleep.
      assert.equal(alive.length, 21);
      for (const { values } of alive) {
        assert.equal(values[eventField.snapshotTask.epoch], 1);
        assert.equal(values[eventField.snapshotTask.state], taskState.idle);
      }
      assert.equal(model.tasks.length, counters.tasks + 1);
      // The first polls of the first round were before.
      assert.equal(pollCount(model, 'sleeper'), counters.polls - 20);
      assert.deepEqual(
        model.tasks.flatMap((t) => t.spuriousEpochs),
        [],
      );
      assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    }));

  test('tells what is alive when it is asked', () =>
    withGoal(async (receiver, goal) => {
      const { result } = startProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '3', '--sleepMs', '200', '--until', goal],
      });
      await until(() => receiver.framesOf(frameKind.chunk).length > 0, 'the first chunk');
      const told = (): number[] => readReference(receiver.frames).events.map((e) => e.kind);
      const ends = (): number => told().filter((kind) => kind === eventKind.snapshotEnd).length;
      // Between two rounds only the root is alive: it is asked until a snapshot falls into one.
      let alive = 0;
      while (alive !== 21) {
        const [endsBefore, eventsBefore] = [ends(), told().length];
        receiver.sendControl(detail.full, true);
        await until(() => ends() > endsBefore, 'a snapshot');
        alive = told()
          .slice(eventsBefore)
          .filter((kind) => kind === eventKind.snapshotTask).length;
      }
      writeFileSync(goal, '');
      await result;
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      checkComplete(receiver, (await result).stdout);
    }));

  test('stops for good when the program says so, and sends what it had', () =>
    withReceiver({}, async (receiver) => {
      const { result } = startProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--ending', 'stop'],
      });
      await until(() => receiver.end !== undefined, 'the end frame');
      assert.equal(receiver.end?.reason, endReason.detached);
      const { code, stdout } = await result;
      assert.equal(code, 0);
      const counters = JSON.parse(stdout) as { tasks: number; polls: number };
      const model = readReference(receiver.frames);
      assert.equal(model.tasks.length, counters.tasks + 1, 'the second root is not there');
      assert.equal(pollCount(model, 'sleeper'), counters.polls);
      assert.equal(receiver.connections.length, 1);
    }));

  test('follows the collector: lean, off, full', () =>
    withReceiver({}, async (receiver) => {
      const { child, result } = startProgram(sleepers, {
        environment: receiver.environment,
        arguments: ['--rounds', '100000', '--tasks', '2', '--sleepMs', '20'],
      });
      const changes = (): number[] =>
        readReference(receiver.frames)
          .events.filter((e) => e.kind === eventKind.detailChange)
          .map((e) => e.values[0] ?? 0);
      await until(() => receiver.framesOf(frameKind.chunk).length > 2, 'the first chunks');
      receiver.sendControl(detail.lean);
      await until(() => changes().length === 1, 'lean');
      receiver.sendControl(detail.off);
      await until(() => changes().length === 2, 'off');
      const chunksWhenOff = receiver.framesOf(frameKind.chunk).length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(receiver.framesOf(frameKind.chunk).length, chunksWhenOff);
      receiver.sendControl(detail.full);
      await until(() => changes().length === 3, 'full');
      await until(() => receiver.framesOf(frameKind.chunk).length > chunksWhenOff + 3, 'chunks again');
      assert.deepEqual(changes(), [detail.lean, detail.off, detail.full]);
      child.kill('SIGKILL');
      await result;
    }));
});
