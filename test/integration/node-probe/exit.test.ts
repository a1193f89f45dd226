// The end of short programs: everything arrives, also when the program is over before its writer thread may begin.
// That is how debuggers do it: they attach to each thread and let it go when they are ready, which took a busy VS Code
// longer than such a program runs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { endReason, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { InspectorClient } from '../../support/inspector-client.ts';
import {
  ProbePrograms,
  type ProgramResult,
  runProgram,
  startProgram,
} from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { type ReceiverOptions, StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let sleepers = '';
let lastMinute = '';

before(async () => {
  sleepers = await programs.build(new URL('./programs/sleepers.ts', import.meta.url));
  lastMinute = await programs.build(new URL('./programs/last-minute.ts', import.meta.url));
});
after(() => programs.remove());

interface Run {
  readonly receiver: StreamReceiver;
  readonly result: ProgramResult;
}

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

/** How a debugger treats the threads that a program starts. */
const release = { atOnce: 'at once', afterTheEnd: 'after the end', never: 'never' } as const;
type Release = (typeof release)[keyof typeof release];

/** Runs the program under a debugger that holds each new thread until it has attached to it. */
async function runDebugged(
  receiver: StreamReceiver,
  threads: Release,
  programArguments: readonly string[],
): Promise<ProgramResult> {
  const { result, stderr } = startProgram(sleepers, {
    environment: receiver.environment,
    arguments: programArguments,
    nodeArguments: ['--inspect-brk=127.0.0.1:0'],
  });
  await until(() => InspectorClient.addressIn(stderr()) !== undefined, 'the inspector');
  const inspector = await InspectorClient.connect(
    InspectorClient.addressIn(stderr()) ?? new URL('ws://none'),
  );
  const attached = inspector.event('NodeWorker.attachedToWorker');
  await inspector.send('NodeWorker.enable', { waitForDebuggerOnStart: true });
  await inspector.send('Runtime.runIfWaitingForDebugger');
  const ended = until(
    () => /Waiting for the debugger to disconnect/.test(stderr()),
    'the end of the program',
  );
  // A program may be over before its thread has come as far as to ask the debugger.
  const thread = await Promise.race([attached, ended]);
  // The program may have gone before it answers.
  const letGo = () =>
    inspector
      .send('NodeWorker.sendMessageToWorker', {
        sessionId: thread?.['sessionId'],
        message: JSON.stringify({ id: 1, method: 'Runtime.runIfWaitingForDebugger' }),
      })
      .catch(() => undefined);
  if (threads === release.atOnce) void letGo();
  await ended;
  if (threads === release.afterTheEnd) {
    // The process lives on until the debugger leaves: time enough for the thread to begin.
    void letGo();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  inspector.close();
  return result;
}

/** Everything the program counted stands in the stream, behind one connection, and the stream ends as it must. */
async function checkComplete({ receiver, result }: Run): Promise<void> {
  await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
  const counters = JSON.parse(result.stdout) as { tasks: number; polls: number; dropped: number };
  const model = readReference(receiver.frames);
  assert.equal(counters.dropped, 0);
  assert.deepEqual(model.gaps, []);
  assert.equal(model.tasks.length, counters.tasks + 1, 'the tasks of the program and its root');
  const ends = model.events.filter((event) => event.kind === eventKind.taskEnd);
  assert.equal(ends.length, counters.tasks + 1);
  assert.equal(model.events.at(-1)?.kind, eventKind.threadStop);
  assert.equal(receiver.end?.reason, endReason.exit);
  assert.equal(receiver.end?.threads[0]?.dropped, 0);
  assert.deepEqual(recordsBeforeUse(receiver.frames), []);
  assert.equal(receiver.connections.length, 1);
  assert.equal(receiver.refused, 0);
}

const endings = [
  ['natural', 0],
  ['exit', 7],
  ['throw', 1],
] as const;

describe('a program of a few milliseconds loses nothing', { timeout: 300_000 }, () => {
  const short = ['--rounds', '2', '--tasks', '5'];
  // Long enough for the writer thread to ask the debugger before the program ends.
  const longer = ['--rounds', '5', '--tasks', '5', '--sleepMs', '30'];
  for (const [ending, code] of endings) {
    test(`${ending}, alone`, () =>
      withReceiver({}, async (receiver) => {
        const result = await runProgram(sleepers, {
          environment: receiver.environment,
          arguments: [...short, '--ending', ending],
        });
        assert.equal(result.code, code, result.stderr);
        await checkComplete({ receiver, result });
      }));

    for (const threads of Object.values(release))
      test(`${ending}, under a debugger that lets threads go: ${threads}`, () =>
        withReceiver({}, async (receiver) => {
          const result = await runDebugged(receiver, threads, [...longer, '--ending', ending]);
          assert.equal(result.code, code, result.stderr);
          await checkComplete({ receiver, result });
        }));
  }

  test('over before the debugger has heard of the writer thread', () =>
    withReceiver({}, async (receiver) => {
      await checkComplete({ receiver, result: await runDebugged(receiver, release.never, short) });
    }));

  test('more than a socket takes at once', () =>
    withReceiver({}, async (receiver) => {
      const result = await runDebugged(receiver, release.never, ['--rounds', '1', '--tasks', '3000']);
      await checkComplete({ receiver, result });
      const bytes = receiver.frames.reduce((sum, frame) => sum + frame.payload.length, 0);
      assert.ok(bytes > 256 * 1024, `only ${bytes} bytes`);
    }));

  test('more than the ring holds: the rest is counted, and the end is told', () =>
    withReceiver({}, async (receiver) => {
      await runDebugged(receiver, release.never, [
        ...['--rounds', '1', '--tasks', '1500', '--ringBytes', String(128 * 1024)],
      ]);
      await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
      const model = readReference(receiver.frames);
      const dropped = receiver.end?.threads[0]?.dropped ?? 0;
      assert.ok(dropped > 0);
      assert.equal(
        model.gaps.reduce((sum, gap) => sum + gap.dropped, 0),
        dropped,
      );
      assert.equal(model.events.at(-1)?.kind, eventKind.threadStop);
      assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    }));

  test('its own beforeExit listeners are called as often as without a recording', () =>
    withReceiver({}, async (receiver) => {
      const expected = ['beforeExit 1', 'more work', 'beforeExit 2', 'exit'];
      const alone = await runProgram(lastMinute);
      assert.deepEqual(alone.stdout.trim().split('\n'), expected);
      const recorded = await runProgram(lastMinute, { environment: receiver.environment });
      assert.equal(recorded.stdout, alone.stdout);
      assert.equal(recorded.code, alone.code);
      await until(() => receiver.end !== undefined, 'the end frame');
      const { tasks } = readReference(receiver.frames);
      assert.equal(tasks.length, 2, 'the work that was begun in beforeExit is recorded too');
    }));
});

describe('a collector that takes nothing does not keep a program from its end', { timeout: 300_000 }, () => {
  for (const behaviour of ['stall', 'refuse'] as const)
    test(`a collector that ${behaviour}s, while a debugger holds the writer thread`, () =>
      withReceiver({ behaviour }, async (receiver) => {
        // It comes to its end while the collector still behaves so.
        const result = await runDebugged(receiver, release.never, ['--ending', 'exit']);
        assert.equal(result.code, 7, result.stderr);
        assert.deepEqual(receiver.frames, []);
      }));
});
