// Owns the path from real programs through the real collector: what they counted themselves is what was recorded,
// and what a viewer is told; a kill or a stop loses nothing that was published.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { CollectorClient } from '../../../extension/collector/client.ts';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import { sessionGroups } from '../../../extension/messages/session-groups.ts';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import {
  brokenFileClaims,
  brokenRequestClaims,
  type FileCounters,
  type Language,
  type RequestCounters,
} from '../../support/example-claims.ts';
import { ProbePrograms, runProgram as runNode } from '../../support/node-probe-program.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { allMustArrive, runProgram as runRust, rustExample } from '../../support/rust-example.ts';
import { isStopped, lastTicksInRing } from '../../support/standing-program.ts';
import { framesOfRecording } from '../../support/text-trace.ts';

const examples = new URL('../../../runtime-probe/examples/typescript/src/', import.meta.url);
const programs = new ProbePrograms();
let collector: CollectorProcess;
let viewer: CollectorClient;
before(async () => {
  collector = await CollectorProcess.start();
  viewer = await collector.viewer();
});
after(async () => {
  programs.remove();
  await collector.stop();
});

const environment = (launch: string) => ({
  ...allMustArrive,
  WAKELINE: collector.endpoint,
  WAKELINE_TOKEN: collector.token,
  WAKELINE_LAUNCH: launch,
});

async function sessionOf(launch: string): Promise<SessionSummary | undefined> {
  return (await viewer.request('sessions', {})).result.find((each) => each.launch === launch);
}

/** The summary and the recording of a session that is over. */
async function recorded(launch: string): Promise<{ summary: SessionSummary; model: ReferenceModel }> {
  await eventually(
    `the end of ${launch}`,
    async () => (await sessionOf(launch))?.state === 'ended',
    () => collector.stderr,
  );
  const { recording } = (await sessionOf(launch)) as SessionSummary;
  const read = () => readReference(framesOfRecording(readFileSync(recording)));
  const summary = (await sessionOf(launch)) as SessionSummary;
  await eventually('the whole recording', () => read().events.length === summary.totals.events);
  return { summary, model: read() };
}

async function run<T>(language: Language, name: 'requests' | 'file-writes', args: string[]): Promise<T> {
  const launch = `${language} ${name}`;
  const besides = name === 'requests' ? [new URL('server.ts', examples)] : [];
  const { code, stdout, stderr } =
    language === 'rust'
      ? await runRust(rustExample(name), args, environment(launch))
      : await runNode(await programs.build(new URL(`${name}.ts`, examples), ...besides), {
          environment: environment(launch),
          arguments: args,
        });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

for (const language of ['rust', 'node'] as const) {
  test(`one hundred requests, ${language}`, async () => {
    const counters = await run<RequestCounters>(language, 'requests', ['--rounds', '2']);
    const { summary, model } = await recorded(`${language} requests`);
    assert.deepEqual(brokenRequestClaims(model, counters, language), []);
    const { totals } = summary;
    assert.equal(totals.tasks, model.tasks.length);
    assert.equal(
      totals.polls,
      model.tasks.reduce((sum, task) => sum + task.polls.length, 0),
    );
    assert.equal(totals.spuriousPolls, 0);
    assert.equal(totals.waitsUnknown + totals.waitsInferred, 0);
    assert.equal(totals.readBytes, counters.bytesRead);
    assert.equal(totals.writtenBytes, counters.bytesWritten);
    assert.equal(summary.problem, '');
  });

  test(`one hundred file writes, ${language}`, async () => {
    const counters = await run<FileCounters>(language, 'file-writes', []);
    const { summary, model } = await recorded(`${language} file-writes`);
    assert.deepEqual(brokenFileClaims(model, counters, language), []);
    assert.equal(summary.totals.jobs, counters.jobs);
    assert.equal(summary.totals.jobBytes, counters.bytes);
    assert.equal(summary.totals.readiness, 0);
  });
}

test('a Rust program that stands, and then is killed, shows every event that it published', async () => {
  const launch = 'rust killed';
  const child = spawn(rustExample('requests'), ['--rounds', '500'], {
    env: { PATH: process.env['PATH'], ...environment(launch) },
    stdio: 'ignore',
  });
  const pid = child.pid as number;
  try {
    await eventually('some polls', async () => ((await sessionOf(launch))?.totals.polls ?? 0) > 300);
    child.kill('SIGSTOP');
    await eventually('the standstill', () => isStopped(pid));
    const published = lastTicksInRing(pid);
    assert.ok(published.size > 0);
    const isShown = async (thread: number, tick: number): Promise<boolean> => {
      const recording = (await sessionOf(launch))?.recording ?? '';
      const { events, hello } = readReference(framesOfRecording(readFileSync(recording)));
      const ns = Number((BigInt(tick) * 1_000_000_000n) / (hello?.tickRate ?? 1n));
      return events.some((event) => event.thread === thread && event.ns === ns);
    };
    const stop = { launch, event: 'stop', reason: 'pause', osThread: pid } as const;
    const monotonicNs = Number(process.hrtime.bigint());
    assert.deepEqual((await viewer.request('debugger', { ...stop, monotonicNs })).result, { sessions: 1 });
    for (const [thread, tick] of published)
      await eventually(`thread ${thread} up to tick ${tick} at the stop`, () => isShown(thread, tick));
    const atStop = (await sessionOf(launch)) as SessionSummary;
    assert.equal(atStop.stopped, true);
    assert.equal(atStop.totals.gaps, 0);
    // It runs on for a moment and dies at a place that nobody chose.
    child.kill('SIGCONT');
    await viewer.request('debugger', { ...stop, event: 'continue', monotonicNs: monotonicNs + 1e6 });
    await eventually(
      'more polls',
      async () => ((await sessionOf(launch))?.totals.polls ?? 0) > atStop.totals.polls + 50,
    );
    child.kill('SIGSTOP');
    await eventually('the standstill', () => isStopped(pid));
    const last = lastTicksInRing(pid);
    child.kill('SIGKILL');
    await eventually('the cut', async () => (await sessionOf(launch))?.state === 'cut');
    for (const [thread, tick] of last)
      await eventually(`thread ${thread} up to tick ${tick} after the kill`, () => isShown(thread, tick));
    assert.equal((await sessionOf(launch))?.totals.gaps, 0);
    await eventually(
      'the ring’s removal',
      () => !readdirSync('/dev/shm').some((name) => name.startsWith(`wakeline-${pid}-`)),
    );
  } finally {
    child.kill('SIGKILL');
  }
});

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`a tokio program that dies of ${signal}, for which it has no handler, keeps its trace`, async () => {
    const launch = `tokio ${signal}`;
    const child = spawn(rustExample('requests-tokio'), ['--rounds', '500'], {
      env: { PATH: process.env['PATH'], ...environment(launch) },
      stdio: 'ignore',
    });
    const pid = child.pid as number;
    const exited = new Promise((resolve) => child.on('exit', (_code, by) => resolve(by)));
    try {
      await eventually('some polls', async () => ((await sessionOf(launch))?.totals.polls ?? 0) > 300);
      child.kill('SIGSTOP');
      await eventually('the standstill', () => isStopped(pid));
      const last = lastTicksInRing(pid);
      assert.ok(last.size > 0);
      // It dies where it stands, without another word to the collector.
      child.kill(signal);
      child.kill('SIGCONT');
      assert.equal(await exited, signal);
      await eventually('the cut', async () => (await sessionOf(launch))?.state === 'cut');
      const recording = (await sessionOf(launch))?.recording ?? '';
      for (const [thread, tick] of last)
        await eventually(`thread ${thread} up to tick ${tick} after the signal`, () => {
          const { events, hello } = readReference(framesOfRecording(readFileSync(recording)));
          const ns = Number((BigInt(tick) * 1_000_000_000n) / (hello?.tickRate ?? 1n));
          return events.some((event) => event.thread === thread && event.ns === ns);
        });
      assert.equal((await sessionOf(launch))?.totals.gaps, 0);
      await eventually(
        'the ring’s removal',
        () => !readdirSync('/dev/shm').some((name) => name.startsWith(`wakeline-${pid}-`)),
      );
    } finally {
      child.kill('SIGKILL');
    }
  });

test('three processes of one command at once: a session each, and nothing of one in another', async () => {
  const launch = 'three at once';
  const program = rustExample('requests-tokio');
  const command = `for i in 1 2 3; do "${program}" --rounds 2 & done; wait`;
  const { code, stdout, stderr } = await runRust('/bin/sh', ['-c', command], environment(launch));
  assert.equal(code, 0, stderr);
  const counted = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RequestCounters & { readonly pid: number });
  assert.equal(new Set(counted.map(({ pid }) => pid)).size, 3);
  const ofLaunch = async () =>
    (await viewer.request('sessions', {})).result.filter((each) => each.launch === launch);
  await eventually(
    'the end of all three',
    async () => (await ofLaunch()).filter((each) => each.state === 'ended').length === 3,
    () => collector.stderr,
  );
  const sessions = await ofLaunch();
  assert.equal(sessions.length, 3);
  for (const counters of counted) {
    const own = sessions.find((each) => each.pid === counters.pid);
    assert.ok(own !== undefined, `a session of process ${counters.pid}`);
    assert.equal(own.totals.readBytes, counters.bytesRead);
    assert.equal(own.totals.writtenBytes, counters.bytesWritten);
    // The root's polls are the program's own, which it does not count.
    const read = () => readReference(framesOfRecording(readFileSync(own.recording)));
    await eventually('the whole recording', () => read().events.length === own.totals.events);
    const polls = read().tasks.map((task) => task.polls.length);
    assert.deepEqual(
      polls.slice(1).sort((x, y) => x - y),
      [...counters.polls].sort((x, y) => x - y),
    );
  }
});

test('the token is nowhere', () => collector.assertTokenNowhere());

test('a Node program and its child are listed as one group', async () => {
  const launch = 'a family';
  const path = await programs.build(new URL('../node-register/programs/family.ts', import.meta.url));
  const { code, stderr } = await runNode(path, {
    nodeArguments: [],
    environment: { ...environment(launch), NODE_OPTIONS: `--require ${programs.register()}` },
  });
  assert.equal(code, 0, stderr);
  const ended = async () =>
    (await viewer.request('sessions', {})).result.filter(
      (each) => each.launch === launch && each.state === 'ended',
    );
  await eventually('two sessions', async () => (await ended()).length === 2);
  const [group, ...others] = sessionGroups(await ended());
  assert.deepEqual(others, []);
  assert.deepEqual(
    group?.map(({ family }) => [family?.part, family?.parent]),
    [
      ['', ''],
      ['child process', group?.[0].session],
    ],
  );
});

test('a Rust program that a recorded process started is of its group', async () => {
  const family = { group: 'a'.repeat(32), parent: 'b'.repeat(32), part: 'child process' };
  const launch = 'a Rust child';
  const { code, stderr } = await runRust(rustExample('requests'), ['--rounds', '1'], {
    ...environment(launch),
    WAKELINE_FAMILY: `${family.group}.${family.parent}.1`,
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual((await recorded(launch)).summary.family, family);
});
