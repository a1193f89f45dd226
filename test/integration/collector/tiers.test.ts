// What each kind of program says of its tier: of all that a viewer may ask about it says whether it is recorded, why where it
// is not, and its trace holds nothing of what it said that it does not record.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventKind, type Hello, visibility } from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram as runNodeProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample, unstableExample } from '../../support/rust-example.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let executorProgram = '';
before(async () => {
  executorProgram = await programs.build(new URL('../node-probe/programs/last-minute.ts', import.meta.url));
});
after(() => programs.remove());

/** Kinds of events that only a tier writes which records the thing. */
const evidence: Readonly<Record<string, readonly number[]>> = {
  polls: [eventKind.pollStart],
  wakes: [eventKind.wake, eventKind.wakeFrom],
  sources: [eventKind.sourceRegister],
  operations: [eventKind.operation],
  readiness: [eventKind.readiness],
  reactor: [eventKind.park],
  timers: [eventKind.timerSet],
  jobs: [eventKind.jobSubmit],
  submissions: [eventKind.submission],
  frames: [eventKind.frameOpen],
  cpuTime: [eventKind.threadCpu],
  pollSamples: [eventKind.pollSample],
};

/** The names that WIRE.md gives, in its order. */
function knownNames(): string[] {
  const wire = fileURLToPath(new URL('../../../runtime-probe/protocol/WIRE.md', import.meta.url));
  const line = /^`capabilities` names .*$/m.exec(readFileSync(wire, 'utf8'))?.[0] ?? '';
  // The first is the field's own name, the last word what a missing one means.
  const names = [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '').slice(1, -1);
  assert.ok(names.length > 10, line);
  return names;
}

function checkTier(hello: Hello | undefined, frames: StreamReceiver['frames']): void {
  assert.ok(hello !== undefined, 'no hello came');
  assert.notEqual(hello.tier, '');
  const said = new Map(hello.capabilities.map((each) => [each.name, each]));
  assert.equal(said.size, hello.capabilities.length, 'each is told once');
  const known = knownNames();
  for (const { name, visibility: seen, note } of said.values()) {
    assert.ok(known.includes(name), `WIRE.md does not name ${name}`);
    if (seen === visibility.inferred)
      assert.notEqual(note, '', `${name} is inferred, and by what is not said`);
  }
  const kinds = new Set(readReference(frames).events.map(({ kind }) => kind));
  for (const [name, wanted] of Object.entries(evidence)) {
    const isRecorded = (said.get(name)?.visibility ?? visibility.notRecorded) !== visibility.notRecorded;
    const isThere = wanted.some((kind) => kinds.has(kind));
    assert.ok(isRecorded || !isThere, `${name} is in the trace, and the hello says that it is not recorded`);
  }
}

async function tierOf(run: (environment: Record<string, string>) => Promise<unknown>): Promise<void> {
  const receiver = await StreamReceiver.listen();
  try {
    await run({ ...receiver.environment, WAKELINE_AWAIT_SITES: '60000' });
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    // The last hello is the one that holds: what is found out later is said by another.
    checkTier(receiver.hellos.at(-1), receiver.frames);
  } finally {
    await receiver.close();
  }
}

test('Rust on its own executor', () =>
  tierOf((environment) => runProgram(rustExample('requests'), ['--rounds', '1'], environment)));

test('Rust on tokio, wrapped', () =>
  tierOf((environment) => runProgram(rustExample('requests-tokio'), ['--rounds', '1'], environment)));

test('Rust on tokio that tells of its tasks', () =>
  tierOf((environment) => runProgram(unstableExample('wakeline-example-hyper'), [], environment)));

test('TypeScript on its own executor', () =>
  tierOf((environment) => runNodeProgram(executorProgram, { environment })));

test('an unchanged Node program', () => {
  const path = programs.script('plain.cjs', 'setTimeout(() => {}, 1);\n');
  return tierOf((environment) =>
    runNodeProgram(path, { environment, nodeArguments: ['--require', programs.register()] }),
  );
});
