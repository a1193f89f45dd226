// What a recorded program starts: each process and thread is a session of its own, all of one group.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  causeKind,
  decodeHello,
  eventField,
  eventKind,
  type Family,
  frameKind,
  type Hello,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { nodes, nodeTitle } from '../../support/registered-program.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { type ReceivedConnection, StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let relatives = '';
let clusterServer = '';
before(async () => {
  relatives = await programs.build(new URL('./programs/relatives.ts', import.meta.url));
  clusterServer = await programs.build(new URL('./programs/cluster-server.ts', import.meta.url));
});
after(() => programs.remove());

/** What a session said of itself last: a thread learns the name of its script after its first words. */
function lastHello(connection: ReceivedConnection): Hello {
  const hello = connection.frames.findLast((frame) => frame.kind === frameKind.hello);
  assert.ok(hello, 'no hello');
  return decodeHello(hello.payload);
}

async function record(
  executable: string,
  path: string,
  check: (receiver: StreamReceiver, output: string) => void,
): Promise<void> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stdout, stderr } = await runProgram(path, {
      executable,
      nodeArguments: [],
      environment: { ...receiver.environment, NODE_OPTIONS: `--require ${programs.register()}` },
      timeoutMs: 240_000,
    });
    assert.equal(code, 0, stderr);
    const { connections } = receiver;
    await until(() => connections.every(({ closed }) => closed), 'the connections to close');
    check(receiver, stdout);
  } finally {
    await receiver.close();
  }
}

function familyOf(hello: Hello): Family {
  assert.ok(hello.family, 'a hello without a family');
  return hello.family;
}

function requestsOf(model: ReferenceModel): number {
  const texts = new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.id, r.text]] : [])));
  return model.dictionary.filter((r) => r.record === 'task' && texts.get(r.name) === 'GET /work').length;
}

for (const executable of nodes)
  describe(`what a program starts on ${nodeTitle(executable)}`, () => {
    test('processes and threads are sessions of one group, Node’s own threads are none', () =>
      record(executable, relatives, ({ connections }, output) => {
        assert.deepEqual(output.trim().split('\n').sort(), [
          'clustered',
          'clustered',
          'executed',
          'executed by a thread',
          'forked',
          'parent',
          'parent thread',
          'spawned',
          'thread',
          'thread',
        ]);
        const hellos = connections.map(lastHello);
        const root = hellos.find((hello) => familyOf(hello).part === '');
        assert.ok(root);
        assert.equal(root.family?.parent, '');
        const parts = hellos.map((hello) => familyOf(hello).part.replace(/^(worker thread) \d+$/, '$1'));
        assert.deepEqual(parts.sort(), [
          '',
          'child process',
          'child process',
          'child process',
          'cluster worker 1',
          'cluster worker 2',
          'forked process',
          'worker thread',
          'worker thread',
          'worker thread',
        ]);
        for (const hello of hellos) {
          assert.equal(familyOf(hello).group, familyOf(root).group);
          assert.equal(hello.program, relatives);
          if (hello !== root) assert.equal(familyOf(hello).parent, root.session);
          if (familyOf(hello).part.startsWith('worker thread')) assert.equal(hello.pid, root.pid);
        }
        assert.equal(new Set(hellos.map(({ session }) => session)).size, hellos.length);
      }));

    test("cluster's workers tell of their requests, threads and children of the messages that they get", () =>
      record(executable, clusterServer, ({ connections }, output) => {
        const told = JSON.parse(output) as {
          served: Record<string, number>;
          byThread: number;
          byChild: number;
        };
        const bodies = connections.map((connection) => ({
          part: familyOf(lastHello(connection)).part,
          pid: lastHello(connection).pid,
          model: readReference(connection.frames),
        }));
        const workers = bodies.filter(({ part }) => part.startsWith('cluster worker'));
        assert.deepEqual(
          Object.fromEntries(workers.map(({ pid, model }) => [pid, requestsOf(model)])),
          told.served,
        );
        // Each message makes the main task run, woken by the handle that it came through.
        for (const [part, count] of [
          [/^worker thread/, told.byThread],
          [/^forked process/, told.byChild],
        ] as const) {
          const body = bodies.find((each) => part.test(each.part));
          assert.ok(body, String(part));
          const woken = body.model.events.filter(
            ({ kind, values }) =>
              kind === eventKind.wakeFrom && values[eventField.wakeFrom.causeKind] === causeKind.source,
          );
          // Several that wait are read in one turn; of one that waits for each answer there is one in a turn.
          assert.ok(woken.length >= count, `${part}: ${woken.length} wakes for ${count} messages`);
        }
      }));

    test('each of them is recorded to its end, with its timer', () =>
      record(executable, relatives, ({ connections }) => {
        for (const connection of connections) {
          const { frames } = connection;
          assert.equal(frames.at(-1)?.kind, frameKind.end, `${lastHello(connection).family?.part} was cut`);
          assert.deepEqual(recordsBeforeUse(frames), []);
          const model = readReference(frames);
          assert.deepEqual(model.gaps, []);
          if (lastHello(connection).family?.part !== '')
            assert.ok(model.events.some(({ kind }) => kind === eventKind.timerFire));
        }
      }));
  });

test("a package manager's process and threads are left out, and what it starts is one group", async () => {
  const cli = join(dirname(relatives), 'npm-cli.js');
  writeFileSync(
    cli,
    `import { execFileSync } from 'node:child_process';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    await once(new Worker('console.log("thread")', { eval: true }), 'exit');
    for (const name of ['one', 'two'])
      execFileSync(process.execPath, ['-e', \`console.log("\${name}")\`], { stdio: 'inherit' });`,
  );
  await record(process.execPath, cli, ({ connections }, output) => {
    assert.deepEqual(output.trim().split('\n'), ['thread', 'one', 'two']);
    const families = connections.map((connection) => familyOf(lastHello(connection)));
    assert.equal(families.length, 2);
    assert.equal(new Set(families.map(({ group }) => group)).size, 1);
    for (const { parent, part } of families) assert.deepEqual({ parent, part }, { parent: '', part: '' });
  });
});
