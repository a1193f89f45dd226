// A server with one runtime of one thread for each worker, as actix-web makes them: every connection is in the trace, and
// each worker's tasks are polled on its own thread.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventKind, sourceKind, visibility } from '../../runtime-probe/protocol/typescript/index.ts';
import { type ReferenceModel, readReference } from '../support/reference-reader.ts';
import { runProgram } from '../support/rust-example.ts';
import { recordsBeforeUse } from '../support/stream-checks.ts';
import { StreamReceiver, until } from '../support/stream-receiver.ts';

const example = fileURLToPath(new URL('../../runtime-probe/examples/rust-actix', import.meta.url));
const target = fileURLToPath(new URL('../../test-results/world/actix', import.meta.url));

let model: ReferenceModel;
let reactor: number | undefined;
/** Of the clients' ends of all connections. */
let ports: readonly number[];

before(async () => {
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  await promisify(execFile)('cargo', ['build', '--locked', '--quiet'], { cwd: example, env });
  const receiver = await StreamReceiver.listen();
  try {
    const path = join(target, 'debug/wakeline-example-actix');
    const outcome = await runProgram(path, [], receiver.environment);
    assert.equal(outcome.code, 0, outcome.stderr);
    ({ ports } = JSON.parse(outcome.stdout) as { ports: readonly number[] });
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    model = readReference(receiver.frames);
    reactor = receiver.hellos.at(-1)?.capabilities.find(({ name }) => name === 'reactor')?.visibility;
  } finally {
    await receiver.close();
  }
});

const textOf = (id: number): string =>
  model.dictionary.flatMap((each) => (each.record === 'text' && each.id === id ? [each.text] : []))[0] ?? '';

const tasksNamed = (name: string) => {
  const ids = new Set(
    model.dictionary.flatMap((each) =>
      each.record === 'task' && textOf(each.name) === name ? [each.id] : [],
    ),
  );
  return model.tasks.filter((task) => ids.has(task.id));
};

test('every connection is a source, once', () => {
  const seen = model.dictionary.flatMap((each) =>
    each.record === 'source' && each.sourceKind === sourceKind.tcpStream
      ? [Number(/:(\d+)$/.exec(textOf(each.peer))?.[1])]
      : [],
  );
  assert.equal(ports.length, 20);
  assert.deepEqual(
    [...seen].sort((x, y) => x - y),
    [...ports].sort((x, y) => x - y),
  );
  assert.equal(reactor, visibility.recorded);
});

test("each worker's tasks stay on its thread, which parks in a reactor of its own", () => {
  const threadOf = new Map(
    model.dictionary.flatMap((each) => (each.record === 'thread' ? [[each.id, textOf(each.name)]] : [])),
  );
  const parking = new Set(
    model.events.filter(({ kind }) => kind === eventKind.park).map(({ thread }) => thread),
  );
  for (const name of ['work', 'part']) {
    const tasks = tasksNamed(name);
    assert.equal(tasks.length, ports.length);
    for (const task of tasks) {
      const threads = [...new Set(task.polls.map((poll) => poll.thread))];
      assert.equal(threads.length, 1, `${name} ${task.id} was polled on several threads`);
      const [thread = 0] = threads;
      assert.match(threadOf.get(thread) ?? '', /^actix-rt/);
      assert.ok(parking.has(thread));
    }
  }
});

test('each poll of a spawned task has a wake', () => {
  // What is not spawned is a part of the connection's task, which polls it for reasons of its own too.
  for (const task of tasksNamed('part')) {
    assert.ok(task.polls.length >= 2);
    assert.deepEqual(task.spuriousEpochs, []);
  }
});
