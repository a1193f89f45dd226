// A program records itself into a file with no collector: the file says what the program counted, the real collector
// opens it, and a program that was killed in the middle leaves one that can be read.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import type { RequestCounters } from '../../support/example-claims.ts';
import { openPollProblems } from '../../support/open-poll-checks.ts';
import { readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { framesOfRecording } from '../../support/text-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakeline-file-'));
let collector: CollectorProcess;
before(async () => {
  collector = await CollectorProcess.start();
});
after(async () => {
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

for (const name of ['requests', 'requests-tokio'] as const) {
  test(`${name}: what a file holds is what the program counted, and the collector opens it`, async () => {
    const path = join(folder, `${name}.wakeline`);
    const outcome = await runProgram(rustExample(name), ['--rounds', '2'], { WAKELINE_FILE: path });
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(outcome.stderr, '');
    const counters = JSON.parse(outcome.stdout) as RequestCounters;
    const frames = framesOfRecording(readFileSync(path));
    assert.deepEqual(recordsBeforeUse(frames), []);
    assert.deepEqual(openPollProblems(frames), []);
    const model = readReference(frames);
    assert.deepEqual(model.gaps, []);
    const polls = model.tasks.map((task) => task.polls.length);
    // The root's polls are the program's own, which it does not count.
    assert.equal(sum(polls) - (polls[0] ?? 0), sum(counters.polls));

    const viewer = await collector.viewer();
    const { session } = (await viewer.request('open', { path })).result;
    const summary = (await viewer.request('sessions', {})).result.find((each) => each.session === session);
    assert.equal(summary?.state, 'opened');
    assert.equal(summary?.problem, '');
    assert.equal(summary?.totals.polls, sum(polls));
    assert.equal(summary?.totals.spuriousPolls, 0);
  });
}

/** Kills a program in the middle of its recording; gives what is left of it beside the file. */
async function killed(path: string): Promise<string> {
  const program = spawn(rustExample('requests'), ['--rounds', '100'], {
    stdio: 'ignore',
    env: { WAKELINE_FILE: path },
  });
  const exited = once(program, 'exit');
  await eventually('20 kB of recording', async () => existsSync(path) && statSync(path).size > 20_000);
  // Asked while the program lives: afterwards the collector may come before the test does.
  const rings = readdirSync('/dev/shm').filter((name) => name.startsWith(`wakeline-${program.pid}-`));
  assert.equal(rings.length, 1, rings.join());
  program.kill('SIGKILL');
  await exited;
  return `/dev/shm/${rings[0]}`;
}

test('a program that is killed leaves a file that is completed from its ring when it is opened', async () => {
  const path = join(folder, 'killed.wakeline');
  const ring = await killed(path);
  const before = statSync(path).size;
  const viewer = await collector.viewer();
  const { session } = (await viewer.request('open', { path })).result;
  const summary = (await viewer.request('sessions', {})).result.find((each) => each.session === session);
  assert.ok((summary?.totals.polls ?? 0) > 100, JSON.stringify(summary?.totals));
  assert.equal(summary?.totals.gaps, 0);
  assert.equal(existsSync(ring), false, 'the ring is removed');
  // Also where nothing new was in the ring the file is whole: read by the slow reader it says the same.
  assert.ok(statSync(path).size >= before - (1 << 20));
  const model = readReference(framesOfRecording(readFileSync(path)));
  assert.equal(sum(model.tasks.map((task) => task.polls.length)), summary?.totals.polls);
  assert.deepEqual(model.gaps, []);
});
