// Polls that are open for long: they are looked at while they are open, with a stack, in code that computes and in a
// call that leaves JavaScript. Each program goes on until its look has arrived here, so nothing rests on time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { TraceSession } from '../../../extension/trace/session.ts';
import {
  endReason,
  eventField,
  eventKind,
  frameKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { InspectorClient } from '../../support/inspector-client.ts';
import { ProbePrograms, runProgram, startProgram } from '../../support/node-probe-program.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { modelOf, nodes, nodeTitle, ofKind, record, textsOf } from '../../support/registered-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

const { pollSample } = eventField;
/** Longer than a busy machine keeps a poll that does nothing from its end. */
const standingPollMs = 1000;

/** Goes on in `hold` until the file is there. Its first line is line 1. */
const holding = (hold: string): string => `const { existsSync } = require('node:fs');
const { execFileSync } = require('node:child_process');
const [, , flag] = process.argv;
let sum = 0;
function compute() {
  while (!existsSync(flag)) for (let i = 0; i < 1e6; i++) sum = Math.sqrt(sum + i);
}
function block() {
  while (!existsSync(flag)) execFileSync('sleep', ['0.05']);
}
setTimeout(function onTimer() {
  ${hold}();
}, 1);
setTimeout(() => {}, 60_000).unref();
`;

/** Computes once its recording is being read. */
const uninspected = `const recording = globalThis[Symbol.for('wakeline.recording')];
const timer = setInterval(() => {
  if (recording.state !== 'streaming') return;
  clearInterval(timer);
  for (const end = Date.now() + 500; Date.now() < end; );
}, 5);
`;

/** Ways to run Node in which its main thread has no inspector. */
function withoutInspector(executable: string): readonly (readonly [what: string, args: readonly string[]])[] {
  const options = execFileSync(executable, ['--help'], { encoding: 'utf8' });
  const permission = options.includes(' --permission ') ? '--permission' : '--experimental-permission';
  return [
    ['the one that starts tests', ['--test']],
    ['restricted permissions', [permission, '--allow-worker', '--allow-fs-read=*']],
  ];
}

interface Look {
  readonly task: number;
  readonly epoch: number;
  readonly wallNs: number;
  readonly watchedNs: number;
  readonly cpuNs: number;
  readonly stack: number;
}

function looksOf(model: ReferenceModel): Look[] {
  return ofKind(model, eventKind.pollSample).map(({ values }: ReferenceEvent) => ({
    task: values[pollSample.task] ?? 0,
    epoch: values[pollSample.epoch] ?? 0,
    wallNs: values[pollSample.wallNs] ?? 0,
    watchedNs: values[pollSample.watchedNs] ?? 0,
    cpuNs: values[pollSample.cpuNs] ?? 0,
    stack: values[pollSample.stack] ?? 0,
  }));
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

/** The places of a stack, innermost first. */
function placesOf(model: ReferenceModel, stack: number): Place[] {
  const texts = textsOf(model);
  const sites = new Map(model.dictionary.flatMap((r) => (r.record === 'site' ? [[r.id, r] as const] : [])));
  const found = model.dictionary.find((r) => r.record === 'stack' && r.id === stack);
  return (found?.record === 'stack' ? found.sites : []).map((id) => {
    const site = sites.get(id);
    return {
      file: texts.get(site?.file ?? 0) ?? '',
      line: site?.line ?? 0,
      name: texts.get(site?.function ?? 0) ?? '',
    };
  });
}

/** The first look whose stack has that function, once it is here. */
function lookIn(receiver: StreamReceiver, name: string): Look | undefined {
  const frames = receiver.frames.filter(({ kind }) => kind !== frameKind.end);
  if (frames.length === 0) return undefined;
  const model = readReference(frames);
  return looksOf(model).find(({ stack }) => placesOf(model, stack).some((place) => place.name === name));
}

/** Runs the program until it was seen in that function while it was there. */
async function seenIn(
  name: 'compute' | 'block',
  executable: string,
  check: (receiver: StreamReceiver, path: string) => void | Promise<void>,
): Promise<void> {
  const path = programs.script(`${name}.cjs`, holding(name));
  const flag = `${path}.${nodes.indexOf(executable)}.seen`;
  const receiver = await StreamReceiver.listen();
  const { child, result } = startProgram(path, {
    executable,
    arguments: [flag],
    nodeArguments: ['--require', programs.register()],
    environment: receiver.environment,
  });
  try {
    await until(() => lookIn(receiver, name) !== undefined || child.exitCode !== null, `a look in ${name}`);
    // It is told while the poll is open: nothing else ends it.
    assert.equal(existsSync(flag), false);
    writeFileSync(flag, '');
    const { code, stderr } = await result;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    await check(receiver, path);
  } finally {
    child.kill('SIGKILL');
    await receiver.close();
  }
}

/** Runs the program under a debugger, in which its timer's poll stands and computes what it is asked to. */
async function standing(executable: string): Promise<StreamReceiver> {
  const path = programs.script('standing.cjs', `setTimeout(function onTimer() {\n  debugger;\n}, 1);\n`);
  const receiver = await StreamReceiver.listen();
  const { child, result, stderr } = startProgram(path, {
    executable,
    nodeArguments: ['--inspect-brk=127.0.0.1:0', '--require', programs.register()],
    environment: { ...receiver.environment, WAKELINE_LONG_POLL_MS: String(standingPollMs) },
  });
  let client: InspectorClient | undefined;
  try {
    await until(() => InspectorClient.addressIn(stderr()) !== undefined, 'the inspector');
    client = await InspectorClient.connect(InspectorClient.addressIn(stderr()) as URL);
    await client.send('Debugger.enable');
    const start = client.event('Debugger.paused');
    await client.send('Runtime.runIfWaitingForDebugger');
    await start;
    const stop = client.event('Debugger.paused');
    await client.send('Debugger.resume');
    await stop;
    // Four times as long as a poll may take, in pieces, between which the probe may ask.
    const expression = `for (const end = Date.now() + ${standingPollMs / 4}; Date.now() < end; );`;
    for (let i = 0; i < 16; i++) await client.send('Runtime.evaluate', { expression });
    await client.send('Debugger.resume');
    client.close();
    await result;
    return receiver;
  } finally {
    client?.close();
    child.kill('SIGKILL');
    await receiver.close();
  }
}

function explained(receiver: StreamReceiver, model: ReferenceModel, look: Look): string {
  const session = new TraceSession();
  for (const frame of receiver.frames) session.pushFrame(frame.kind, frame.payload);
  const poll = ofKind(model, eventKind.pollStart).find(
    ({ values }) =>
      values[eventField.pollStart.task] === look.task && values[eventField.pollStart.epoch] === look.epoch,
  );
  assert.ok(poll !== undefined);
  const { answer } = session.viewport({
    session: '',
    fromNs: 0,
    toNs: 1e15,
    widthPx: 1000,
    firstLane: 0,
    laneCount: 4096,
    filter: 'main',
  });
  const lane = answer.lanes.find(({ label }) => label.startsWith('main #'));
  assert.ok(lane !== undefined);
  const told = session.explain({ session: '', lane: lane.lane, atNs: poll.ns + 1000 });
  assert.ok(told !== null);
  return told.sentence;
}

for (const executable of nodes)
  describe(`long polls, on ${nodeTitle(executable)}`, () => {
    test('a poll that computes: its own line, and its processor time to the end', () =>
      seenIn('compute', executable, async (receiver, path) => {
        const model = await modelOf(receiver);
        assert.equal(
          receiver.hellos[0]?.capabilities.find(({ name }) => name === 'pollSamples')?.visibility,
          1,
        );
        const looks = looksOf(model);
        const seen = looks.find(({ stack }) => placesOf(model, stack).some(({ name }) => name === 'compute'));
        assert.ok(seen !== undefined);
        const places = placesOf(model, seen.stack);
        const at = places.findIndex(({ name }) => name === 'compute');
        assert.deepEqual(places.slice(at), [
          { file: path, line: 6, name: 'compute' },
          { file: path, line: 12, name: 'onTimer' },
        ]);
        const ofPoll = looks.filter(({ task, epoch }) => task === seen.task && epoch === seen.epoch);
        for (const { wallNs, watchedNs, cpuNs } of ofPoll) {
          assert.ok(watchedNs > 0 && watchedNs <= wallNs, `${watchedNs} of ${wallNs}`);
          assert.ok(cpuNs <= watchedNs, `${cpuNs} of ${watchedNs}`);
        }
        // The last is told by the poll's own end, and sums it up.
        const last = ofPoll.at(-1);
        assert.equal(last?.stack, 0);
        assert.ok(ofPoll.every(({ wallNs, cpuNs }) => wallNs <= last.wallNs && cpuNs <= last.cpuNs));
        assert.ok(last.cpuNs > 0);
        assert.match(
          explained(receiver, model, seen),
          /It used the processor for .* compute \(compute\.cjs:6\)/,
        );
      }));

    test('a call that leaves JavaScript is told where it comes back', () =>
      seenIn('block', executable, async (receiver, path) => {
        const model = await modelOf(receiver);
        const seen = looksOf(model)
          .map(({ stack }) => placesOf(model, stack))
          .find((places) => places.some(({ name }) => name === 'block'));
        assert.deepEqual(
          seen?.filter(({ file }) => file === path).map(({ line, name }) => ({ line, name })),
          [
            { line: 9, name: 'block' },
            { line: 12, name: 'onTimer' },
          ],
        );
      }));

    test('a poll that stands in a debugger is not long, whatever the debugger computes in it', async () => {
      const receiver = await standing(executable);
      const model = await modelOf(receiver);
      const names = looksOf(model).flatMap(({ stack }) => placesOf(model, stack).map(({ name }) => name));
      assert.equal(names.includes('onTimer'), false, names.join());
    });

    // Node would abort such a process when its main thread is connected to.
    for (const [what, nodeArguments] of withoutInspector(executable))
      test(`a process without an inspector goes on, and the greeting says so: ${what}`, async () => {
        const path = programs.script('uninspected.test.cjs', uninspected);
        const receiver = await StreamReceiver.listen();
        try {
          const result = await runProgram(path, {
            executable,
            nodeArguments: ['--require', programs.register(), '--require', path, ...nodeArguments],
            // This file's own runner tells its children that they are under it.
            environment: {
              ...receiver.environment,
              NODE_TEST_CONTEXT: '',
              WAKELINE_POOL_THREADS: '1',
            },
          });
          assert.equal(result.signal, null, result.stderr);
          assert.equal(result.code, 0, result.stdout + result.stderr);
          await until(() => receiver.connections.every(({ closed }) => closed), 'all sessions to end');
          // The pool's threads are heard by the inspector too.
          for (const capability of ['pollSamples', 'jobThreads']) {
            const told = receiver.hellos.map(({ capabilities }) =>
              capabilities.find(({ name }) => name === capability),
            );
            assert.equal(told.filter((each) => each?.visibility === 3).length, 1, capability);
            assert.ok(told.some((each) => /^Node makes no inspector/.test(each?.note ?? '')));
          }
        } finally {
          await receiver.close();
        }
      });

    test('with WAKELINE_LONG_POLL_MS=0 nothing is looked at, and the greeting says so', () => {
      const path = programs.script('short.cjs', `const e = Date.now() + 200; while (Date.now() < e);`);
      const environment = { WAKELINE_LONG_POLL_MS: '0' };
      return record(programs, path, { executable, environment }, async ({ receiver, result }) => {
        assert.equal(result.code, 0, result.stderr);
        assert.equal(receiver.end?.reason, endReason.exit);
        const told = receiver.hellos[0]?.capabilities.find(({ name }) => name === 'pollSamples');
        assert.deepEqual([told?.visibility, told?.note], [3, 'switched off by WAKELINE_LONG_POLL_MS=0']);
        assert.deepEqual(looksOf(await modelOf(receiver)), []);
      });
    });
  });
