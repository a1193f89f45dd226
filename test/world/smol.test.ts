// Another runtime than tokio: tasks of smol are recorded where they are wrapped, and its reactor where it goes through
// the C library. Where it does not, the hello says that it is not seen.
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

const example = fileURLToPath(new URL('../../runtime-probe/examples/rust-smol', import.meta.url));
const targets = fileURLToPath(new URL('../../test-results/world/', import.meta.url));

for (const [about, flags, isSeen] of [
  ['as smol is built by default', '', false],
  ['with --cfg rustix_use_libc', '--cfg rustix_use_libc', true],
] as const)
  describe(about, () => {
    const target = join(targets, isSeen ? 'smol-libc' : 'smol');
    let model: ReferenceModel;
    let reactor: number | undefined;
    let counted: { readonly clients: number; readonly messageBytes: number };

    before(async () => {
      const env = { ...process.env, RUSTFLAGS: flags, CARGO_TARGET_DIR: target };
      await promisify(execFile)('cargo', ['build', '--locked', '--quiet'], { cwd: example, env });
      const receiver = await StreamReceiver.listen();
      try {
        const path = join(target, 'debug/wakeline-example-smol');
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
      for (const task of model.tasks) assert.deepEqual(task.spuriousEpochs, []);
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
