// Recording goes off and on at random instants while real programs run: whatever is cut in the middle, the stream
// stays right, and the model says of what was not recorded that it is not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detail, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import type { RequestCounters } from '../../support/example-claims.ts';
import { openPollProblems } from '../../support/open-poll-checks.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const levels = [detail.off, detail.lean, detail.off, detail.full];

/** Runs a program of a hundred tasks while its level of detail changes every 0 to 40 ms. */
async function toggled(name: 'requests' | 'requests-tokio', seed: number) {
  const receiver = await StreamReceiver.listen();
  try {
    const running = runProgram(rustExample(name), ['--rounds', '8'], receiver.environment);
    await until(() => receiver.connections.length > 0, 'the program to connect');
    let random = seed;
    let next = 0;
    while (receiver.connections[0]?.closed === false && next < 1000) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 1;
      await new Promise((resolve) => setTimeout(resolve, random % 41));
      receiver.sendControl(levels[next++ % levels.length] as number);
    }
    const outcome = await running;
    assert.equal(outcome.code, 0, outcome.stderr);
    return { frames: receiver.frames, counters: JSON.parse(outcome.stdout) as RequestCounters };
  } finally {
    await receiver.close();
  }
}

function changesOf(model: ReferenceModel): number {
  return model.events.filter((event) => event.kind === eventKind.detailChange).length;
}

for (const name of ['requests', 'requests-tokio'] as const)
  for (const seed of [1, 7]) {
    test(`${name}: recording goes off and on at any instant, seed ${seed}`, async () => {
      const { frames, counters } = await toggled(name, seed);
      assert.deepEqual(openPollProblems(frames), []);
      assert.deepEqual(recordsBeforeUse(frames), []);
      const model = readReference(frames);
      // Where the machine is busy, fewer changes reach it while it runs; it goes off and on again at least.
      assert.ok(changesOf(model) >= 2, `the level changed ${changesOf(model)} times only`);
      assert.ok(model.gaps.length > 0, 'off time is no gap');
      for (const task of model.tasks) {
        assert.deepEqual(
          task.spuriousEpochs,
          [],
          `task ${task.id}: a wake that was not told is taken for none`,
        );
        const parts = task.spans.reduce((sum, span) => sum + span.toNs - span.fromNs, 0);
        assert.equal(parts, task.toNs - task.fromNs, `task ${task.id}: the parts of its life`);
      }
      const polls = model.tasks.reduce((sum, task) => sum + task.polls.length, 0);
      const made = counters.polls.reduce((sum, count) => sum + count, 0);
      assert.ok(polls > 0 && polls < made, `${polls} of ${made} polls are in the trace`);
    });
  }
