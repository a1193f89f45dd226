// A program that dies of a signal that it does not handle: what it did before the writer thread's last round is there, in
// order and without a gap, and nothing claims that it ended. (`npm run bench -- node` tells how long before the death
// that round was.)
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeWatermarks, eventKind, frameKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, startProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { nodes, nodeTitle } from '../../support/registered-program.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let ticking = '';
before(async () => {
  ticking = await programs.build(new URL('./programs/ticking.ts', import.meta.url));
});
after(() => programs.remove());

/** The program has done so much, and the receiver has so much of it, when the signal comes. */
const enough = 100;
const timeoutMs = 60_000;

async function killed(executable: string, signal: NodeJS.Signals): Promise<void> {
  const receiver = await StreamReceiver.listen();
  const { child, result } = startProgram(ticking, {
    executable,
    nodeArguments: ['--require', programs.register()],
    environment: receiver.environment,
    timeoutMs,
  });
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  try {
    const told = (): string[] => output.split('\n').slice(0, -1);
    await until(() => told().length > enough, 'timers', timeoutMs);
    await until(() => receiver.framesOf(frameKind.watermarks).length > enough, 'rounds', timeoutMs);
    child.kill(signal);
    assert.equal((await result).signal, signal);
    await until(() => receiver.connections.every(({ closed }) => closed), 'the stream to break', timeoutMs);
    assert.equal(receiver.end, undefined, 'nobody claims that it ended');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    const [hello] = receiver.hellos;
    const [round] = decodeWatermarks(
      receiver.framesOf(frameKind.watermarks).at(-1)?.payload ?? new Uint8Array(),
    );
    assert.ok(hello && round);
    const roundNs = hello.originTick + BigInt(round.tick);
    const before = told().filter((ns) => BigInt(ns) < roundNs);
    const fired = model.events.filter(({ kind }) => kind === eventKind.timerFire);
    assert.ok(before.length > enough / 2, `${before.length} timers before the last round`);
    // It is told before its callback says so.
    assert.ok(fired.length >= before.length, `${fired.length} of ${before.length} timers came`);
  } finally {
    child.kill('SIGKILL');
    await receiver.close();
  }
}

for (const executable of nodes)
  describe(`a program that dies on ${nodeTitle(executable)}`, () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const)
      test(`of ${signal}: what came before the last round is there`, () => killed(executable, signal));
  });
