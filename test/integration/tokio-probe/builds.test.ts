// The same tokio program in the builds that services are shipped as: its trace must say the same. Each build takes some
// 20 s of processor time, so there are two and no more.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  eventField,
  eventKind,
  operationKind,
  operationOutcome,
  pollOutcome,
  visibility,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import type { RequestCounters } from '../../support/example-claims.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram } from '../../support/rust-example.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const workspace = fileURLToPath(new URL('../../../runtime-probe/rust/', import.meta.url));
const source = fileURLToPath(
  new URL('../../../runtime-probe/examples/rust-tokio/src/bin/requests-tokio.rs', import.meta.url),
);
/** A build that takes longer hangs. */
const buildTimeoutMs = 300_000;

function build(options: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const args = ['build', '--quiet', '--locked', '-p', 'wakeline-examples-tokio', '--bin', 'requests-tokio'];
  return new Promise((resolve, reject) => {
    execFile(
      'cargo',
      [...args, ...options],
      { cwd: workspace, env: { ...process.env, ...environment }, timeout: buildTimeoutMs },
      (error, _stdout, stderr) =>
        error === null ? resolve() : reject(new Error(`${error.message}${stderr}`)),
    );
  });
}

/** Runs the program, and holds its trace against its own counts. */
async function check(
  path: string,
  awaitSites: RegExp | undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<ReferenceModel> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stdout, stderr } = await runProgram(path, ['--rounds', '2'], {
      ...receiver.environment,
      // On a busy machine the reading takes longer than a program's end waits for it otherwise.
      WAKELINE_AWAIT_SITES: '60000',
      ...environment,
    });
    assert.equal(code, 0, stderr);
    const counters = JSON.parse(stdout) as RequestCounters;
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.ok(receiver.end !== undefined, 'the stream has no end');
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    const said = new Map(model.hello?.capabilities.map((each) => [each.name, each]));
    for (const name of ['reactor', 'sources', 'readiness', 'operations']) {
      assert.equal(said.get(name)?.visibility, visibility.recorded, name);
      assert.doesNotMatch(said.get(name)?.note ?? '', /not seen/);
    }
    const awaits = said.get('awaitSites');
    const expected = awaitSites === undefined ? visibility.recorded : visibility.notRecorded;
    assert.equal(awaits?.visibility, expected, awaits?.note);
    assert.match(awaits?.note ?? '', awaitSites ?? /read from the futures|where wakers are cloned/);
    // The root beside the clients.
    assert.equal(model.tasks.length, counters.tasks + 1);
    const polls = model.tasks.slice(1).map((task) => task.polls.length);
    assert.deepEqual(polls, counters.polls);
    for (const [kind, bytes] of [
      [operationKind.read, counters.bytesRead],
      [operationKind.write, counters.bytesWritten],
    ] as const) {
      const { operationKind: kindField, outcome, bytes: bytesField } = eventField.operation;
      const done = model.events.filter(
        ({ kind: event, values }) =>
          event === eventKind.operation &&
          values[kindField] === kind &&
          values[outcome] === operationOutcome.done,
      );
      assert.equal(
        done.reduce((sum, event) => sum + (event.values[bytesField] as number), 0),
        bytes,
      );
    }
    assert.ok(model.events.some((event) => event.kind === eventKind.readiness));
    return model;
  } finally {
    await receiver.close();
  }
}

/**
 * The pending polls of the clients say on which line they await, by the stacks on which their wakers were cloned. Of a
 * future that still has its waker nothing is told: how often that comes is up to the machine.
 */
function awaitedWhereWakersAreCloned(model: ReferenceModel): void {
  const texts = new Map<number, string>();
  for (const each of model.dictionary) if (each.record === 'text') texts.set(each.id, each.text);
  const lines = readFileSync(source, 'utf8').split('\n');
  const awaited = new Map<number, string>();
  for (const each of model.dictionary)
    if (each.record === 'site' && texts.get(each.file)?.endsWith('/requests-tokio.rs') === true)
      awaited.set(each.id, `${texts.get(each.function)}: ${lines[each.line - 1]?.trim()}`);
  const certain = [
    'requests_tokio::client: let mut stream = TcpStream::connect(server).await?;',
    'requests_tokio::client: sleep(PAUSE).await;',
    'requests_tokio::client: stream.read_exact(&mut response).await?;',
  ];
  const possible = [...certain, 'requests_tokio::client: stream.write_all(&request).await?;'];
  const seen = new Set<string>();
  const names = new Map<number, string>();
  for (const each of model.dictionary)
    if (each.record === 'task') names.set(each.id, texts.get(each.name) ?? '');
  const clients = model.tasks.filter((task) => names.get(task.id)?.startsWith('client ') === true);
  assert.equal(clients.length, 100);
  for (const client of clients)
    for (const poll of client.polls) {
      if (poll.outcome !== pollOutcome.pending) continue;
      for (const wait of poll.waits) {
        if (wait.site === 0) continue;
        const place = awaited.get(wait.site) ?? '';
        assert.ok(possible.includes(place), `poll ${poll.epoch} of task ${client.id} awaits at "${place}"`);
        seen.add(place);
      }
    }
  for (const place of certain) assert.ok(seen.has(place), `${place}: ${[...seen].join('; ')}`);
}

test('tokio: fat LTO, stripped, panic=abort: all symbols are the probe’s, all counts are right', async () => {
  await build(['--profile', 'smallest'], {});
  const program = join(workspace, 'target/smallest/requests-tokio');
  await check(program, /no debug information: build with debug = 2/);
  await check(program, /no frame pointers: build with RUSTFLAGS/, { WAKELINE_AWAIT_FRAMES: '1' });
});

test('tokio: linked statically, where the library has no second definition: the same', async () => {
  const target = 'x86_64-unknown-linux-gnu';
  await build(['--target', target, '--target-dir', 'target/static'], {
    RUSTFLAGS: '-C target-feature=+crt-static -C force-frame-pointers=yes',
  });
  const program = join(workspace, 'target/static', target, 'debug/requests-tokio');
  await check(program, undefined);
  awaitedWhereWakersAreCloned(await check(program, undefined, { WAKELINE_AWAIT_FRAMES: '1' }));
});
