// Owns the path of a program that listens: the collector comes to it with its token, lets go, and comes again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CollectorClientError } from '../../../extension/collector/client.ts';
import { listeningPrograms } from '../../../extension/host/listening-programs.ts';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import type { Frame } from '../../../runtime-probe/protocol/typescript/index.ts';
import { CollectorProcess, eventually } from '../../support/collector-process.ts';
import { openPollProblems } from '../../support/open-poll-checks.ts';
import { readReference } from '../../support/reference-reader.ts';
import { rustExample } from '../../support/rust-example.ts';
import { framesOfRecording } from '../../support/text-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakeline-attach-'));
let collector: CollectorProcess;
before(async () => {
  collector = await CollectorProcess.start();
});
after(async () => {
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const name of ['requests', 'requests-tokio'] as const) {
  test(`${name}: a program that listens is attached to, let go of, and attached to again`, async () => {
    const viewer = await collector.viewer();
    const address = `unix:${join(folder, name)}.sock`;
    const token = randomBytes(16).toString('hex');
    const program = spawn(rustExample(name), ['--rounds', '2000'], {
      stdio: 'ignore',
      env: { WAKELINE_LISTEN: address, WAKELINE_TOKEN: token },
    });
    const exited = once(program, 'exit');
    try {
      const found = () => listeningPrograms().find((each) => each.address === address);
      await eventually('the program to be found', () => found() !== undefined);
      assert.equal(found()?.token, token);
      assert.equal(found()?.pid, program.pid);

      // It is found by its environment, which it has before it listens.
      const refusal = (error: unknown) => {
        assert.ok(error instanceof CollectorClientError);
        return error.message;
      };
      const attachWrongly = () =>
        viewer.request('attach', { address, token: '0'.repeat(32) }).then(() => 'attached', refusal);
      await eventually('it to listen', async () => !(await attachWrongly()).includes('no program listens'));
      assert.match(await attachWrongly(), /refused: the token is not this program/);
      const sessions: string[] = [];
      for (let attachment = 0; attachment < 2; attachment++) {
        await viewer.request('attach', { address, token });
        const live = async () =>
          (await viewer.request('sessions', {})).result.find(
            (each) => each.pid === program.pid && each.state === 'live' && each.totals.polls > 200,
          );
        await eventually('polls', async () => (await live()) !== undefined);
        const session = (await live())?.session ?? '';
        sessions.push(session);
        for (const detail of ['off', 'full'] as const) {
          assert.deepEqual((await viewer.request('control', { session, detail })).result, { sent: true });
          await eventually(`detail ${detail}`, async () => (await live())?.detail === detail);
        }
        assert.deepEqual((await viewer.request('detach', { session })).result, { detached: true });
        const over = async () =>
          (await viewer.request('sessions', {})).result.find((each) => each.session === session);
        await eventually('the end', async () => (await over())?.state === 'cut');
        const { recording, totals } = (await over()) as SessionSummary;
        // The collector tells the end at once, and writes what came before as fast as the disk takes it.
        let frames: Frame[] = [];
        await eventually('all polls in the recording', async () => {
          frames = framesOfRecording(readFileSync(recording));
          const polls = readReference(frames).tasks.reduce((sum, task) => sum + task.polls.length, 0);
          return polls >= totals.polls;
        });
        assert.deepEqual(openPollProblems(frames), []);
        const model = readReference(frames);
        const told = model.dictionary.filter((record) => record.record === 'task').length;
        assert.ok(told >= 100, `${told} living tasks were told`);
        for (const task of model.tasks) assert.deepEqual(task.spuriousEpochs, []);
      }
      assert.notEqual(sessions[0], sessions[1]);
    } finally {
      program.kill();
      await exited;
    }
    const gone = viewer.request('attach', { address, token });
    await assert.rejects(gone, /no program listens at .*WAKELINE_LISTEN/);
    assert.ok(!collector.stderr.includes(token), 'the token is in the log');
  });
}
