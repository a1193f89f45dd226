// Other runtimes than tokio: tasks of smol and async-std are recorded where they are wrapped, and their reactor where it
// goes through the C library. Where it does not, the hello says that it is not seen.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  eventField,
  eventKind,
  operationKind,
  operationOutcome,
  visibility,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { type ReferenceModel, readReference } from '../support/reference-reader.ts';
import { runProgram } from '../support/rust-example.ts';
import { recordsBeforeUse } from '../support/stream-checks.ts';
import { StreamReceiver, until } from '../support/stream-receiver.ts';

const examples = fileURLToPath(new URL('../../runtime-probe/examples/', import.meta.url));
const targets = fileURLToPath(new URL('../../test-results/world/', import.meta.url));

const cases = ['smol', 'async-std'].flatMap((runtime) => [
  { runtime, how: 'as it is built by default', flags: '', isSeen: false },
  { runtime, how: 'with --cfg rustix_use_libc', flags: '--cfg rustix_use_libc', isSeen: true },
]);

for (const { runtime, how, flags, isSeen } of cases)
  describe(`${runtime}, ${how}`, () => {
    const target = join(targets, isSeen ? `${runtime}-libc` : runtime);
    let model: ReferenceModel;
    let reactor: number | undefined;
    let counted: { readonly clients: number; readonly messageBytes: number };

    before(async () => {
      const env = { ...process.env, RUSTFLAGS: flags, CARGO_TARGET_DIR: target };
      await promisify(execFile)('cargo', ['build', '--locked', '--quiet'], {
        cwd: join(examples, `rust-${runtime}`),
        env,
      });
      const receiver = await StreamReceiver.listen();
      try {
        const path = join(target, `debug/wakeline-example-${runtime}`);
        const outcome = await runProgram(path, [], receiver.environment);
        assert.equal(outcome.code, 0, outcome.stderr);
        counted = JSON.parse(outcome.stdout);
        await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
        assert.deepEqual(recordsBeforeUse(receiver.frames), []);
        model = readReference(receiver.frames);
        reactor = receiver.hellos.at(-1)?.capabilities.find(({ name }) => name === 'reactor')?.visibility;
      } finally {
        await receiver.close();
      }
    });

    test('every wrapped task is there, and each of its polls after the first has a wake', () => {
      assert.equal(model.tasks.length, 2 + 2 * counted.clients);
      // async-std's block_on polls its future together with its executor, whichever of the two was woken: polls of it
      // that nothing of its own asked for are made, and told. It is the first task.
      const first = Math.min(...model.tasks.map((task) => task.id));
      for (const task of model.tasks)
        if (runtime === 'smol' || task.id !== first)
          assert.deepEqual(task.spuriousEpochs, [], `polls of task ${task.id} of which no wake is told`);
    });

    test('the hello says whether the reactor is seen', () => {
      assert.equal(reactor, isSeen ? visibility.recorded : visibility.notRecorded);
      const parks = model.events.filter((event) => event.kind === eventKind.park);
      assert.equal(parks.length > 0, isSeen);
    });

    if (isSeen)
      test('bytes read are what the program moved', () => {
        const at = eventField.operation;
        const read = model.events
          .filter((event) => event.kind === eventKind.operation)
          .filter((event) => event.values[at.operationKind] === operationKind.read)
          .filter((event) => event.values[at.outcome] === operationOutcome.done);
        const bytes = read.reduce((sum, event) => sum + (event.values[at.bytes] ?? 0), 0);
        assert.equal(bytes, 2 * counted.clients * counted.messageBytes);
      });
  });
