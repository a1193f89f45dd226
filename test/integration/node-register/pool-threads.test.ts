// What the threads of Node's pool do, when it is asked for: which of them ran which job, and from when to when.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  detail,
  endReason,
  eventField,
  eventKind,
  jobKind,
  threadRole,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { EventCounter } from '../../support/event-counter.ts';
import { ProbePrograms, startProgram } from '../../support/node-probe-program.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { nodes, nodeTitle, ofKind } from '../../support/registered-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

/** Hands jobs to the pool, some at a time, until it is told to end. */
const handing = `const crypto = require('node:crypto');
const zlib = require('node:zlib');
const fs = require('node:fs');
let over = false;
process.on('SIGTERM', () => { over = true; });
const derive = (i) => new Promise((done) => crypto.pbkdf2('a', 'b', 500 * (i % 3 + 1), 64, 'sha512', done));
const pack = () => new Promise((done) => zlib.gzip(Buffer.alloc(200_000, 'text'), done));
(async () => {
  while (!over) {
    await Promise.all([0, 1, 2, 3, 4, 5].map(derive));
    await Promise.all([pack(), fs.promises.stat(__filename), derive(1), pack()]);
    // Where nothing is under way the threads' events are fetched.
    await new Promise((done) => setTimeout(done, 20));
  }
})();`;

interface Run {
  readonly job: number;
  readonly thread: number;
  readonly fromNs: number;
  readonly toNs: number;
}

function runsOf(model: ReferenceModel): readonly Run[] {
  const open = new Map<number, { readonly job: number; readonly fromNs: number }>();
  const runs: Run[] = [];
  for (const { kind, thread, ns, values } of model.events) {
    const job = values[0] as number;
    if (kind === eventKind.jobStart) open.set(thread, { job, fromNs: ns });
    const begun = open.get(thread);
    if (kind !== eventKind.jobEnd || begun?.job !== job) continue;
    open.delete(thread);
    runs.push({ ...begun, thread, toNs: ns });
  }
  return runs.sort((a, b) => a.fromNs - b.fromNs);
}

type RunsTold = (count: number) => Promise<void>;

/** Runs the program until so many runs were told, and what is to be done then is done, and ends it. */
async function recordRuns(
  executable: string,
  environment: Readonly<Record<string, string>>,
  then?: (receiver: StreamReceiver, runsTold: RunsTold) => Promise<void>,
): Promise<ReferenceModel> {
  const receiver = await StreamReceiver.listen();
  const { child, result } = startProgram(programs.script('handing.cjs', handing), {
    executable,
    nodeArguments: ['--require', programs.register()],
    environment: { ...receiver.environment, WAKELINE_POOL_THREADS: '1', ...environment },
  });
  try {
    const counter = new EventCounter();
    let taken = 0;
    const runsTold: RunsTold = (count) => {
      let aim = Number.POSITIVE_INFINITY;
      return until(() => {
        for (const frame of receiver.frames.slice(taken)) counter.take(frame);
        taken = receiver.frames.length;
        const told = counter.ofKind(eventKind.jobStart);
        aim = Math.min(aim, told + count);
        return told >= aim;
      }, 'runs of pool threads');
    };
    await runsTold(60);
    await then?.(receiver, runsTold);
    child.kill('SIGTERM');
    const { code, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.equal(receiver.end?.reason, endReason.exit);
    return readReference(receiver.frames);
  } finally {
    child.kill('SIGKILL');
    await receiver.close();
  }
}

for (const executable of nodes)
  describe(`the pool's threads on ${nodeTitle(executable)}`, () => {
    test('each run is on a thread of the pool, after its job was handed over and before its callback', async () => {
      const model = await recordRuns(executable, {});
      const runs = runsOf(model);
      assert.ok(runs.length >= 60);
      const threads = new Map(model.dictionary.flatMap((r) => (r.record === 'thread' ? [[r.id, r]] : [])));
      const main = [...threads.values()].find(({ role }) => role === threadRole.main);
      const ran = new Set(runs.map(({ thread }) => thread));
      assert.ok(ran.size <= 4);
      for (const id of ran) {
        assert.equal(threads.get(id)?.role, threadRole.pool);
        assert.notEqual(threads.get(id)?.osId, main?.osId);
      }
      const submits = new Map(ofKind(model, eventKind.jobSubmit).map((event) => [event.values[0], event]));
      const callbacks = new Map(
        ofKind(model, eventKind.jobEnd)
          .filter(({ thread }) => thread === main?.id)
          .map((event) => [event.values[0], event.ns]),
      );
      const untilNs = new Map<number, number>();
      for (const { job, thread, fromNs, toNs } of runs) {
        const submit = submits.get(job);
        const kind = submit?.values[eventField.jobSubmit.jobKind];
        assert.ok(kind === jobKind.crypto || kind === jobKind.compression);
        assert.ok(fromNs <= toNs && toNs <= (callbacks.get(job) ?? 0) + 1000, `job ${job}`);
        // One after the other, each job once.
        assert.ok(fromNs >= (untilNs.get(thread) ?? 0));
        untilNs.set(thread, toNs);
      }
      assert.equal(new Set(runs.map(({ job }) => job)).size, runs.length);
    });

    test('switched off and on again, the threads are listened to again', async () => {
      const model = await recordRuns(executable, {}, async (receiver, runsTold) => {
        const counter = new EventCounter();
        let taken = 0;
        for (let i = 1; i <= 20; i++) {
          receiver.sendControl(i % 2 === 1 ? detail.off : detail.lean);
          await until(() => {
            for (const frame of receiver.frames.slice(taken)) counter.take(frame);
            taken = receiver.frames.length;
            return counter.ofKind(eventKind.detailChange) === i;
          }, 'the change of detail');
        }
        await runsTold(60);
      });
      const runs = runsOf(model);
      assert.equal(new Set(runs.map(({ job }) => job)).size, runs.length);
    });

    test('a pool of one thread runs the jobs of a kind in their order', async () => {
      const model = await recordRuns(executable, { UV_THREADPOOL_SIZE: '1' });
      const runs = runsOf(model);
      assert.equal(new Set(runs.map(({ thread }) => thread)).size, 1);
      const at = eventField.jobSubmit;
      const kinds = new Map(
        ofKind(model, eventKind.jobSubmit).map(({ values }) => [values[at.job], values[at.jobKind]]),
      );
      // What cryptography is asked for is told later than what is packed, so each kind is numbered by itself.
      for (const kind of [jobKind.crypto, jobKind.compression]) {
        const jobs = runs.flatMap(({ job }) => (kinds.get(job) === kind ? [job] : []));
        assert.ok(jobs.length > 0);
        assert.deepEqual(
          jobs,
          [...jobs].sort((a, b) => a - b),
        );
      }
    });
  });
