// Programs that know nothing of Wakeline, recorded by `--require`: what they counted must stand in the trace.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  causeKind,
  detail,
  endOutcome,
  eventField,
  eventKind,
  jobKind,
  taskKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram, startProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import {
  type How,
  modelOf,
  nodes,
  nodeTitle,
  ofKind,
  type Recorded,
  record as recordOf,
  taskNames,
  textsOf,
} from '../../support/registered-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
const source = (name: string): URL => new URL(`./programs/${name}.ts`, import.meta.url);
const paths = new Map<string, string>();

before(async () => {
  for (const name of ['http-server', 'settlements', 'family', 'own-recording', 'footprint'])
    paths.set(name, await programs.build(source(name)));
});
after(() => programs.remove());

const pathOf = (name: string): string => paths.get(name) ?? '';
const preload = (): string[] => ['--require', programs.register()];
const record = <T>(path: string, how: How, check: (recorded: Recorded) => T | Promise<T>): Promise<T> =>
  recordOf(programs, path, how, check);

/** The program gets a path, and goes on when there is a file: once its first recording has begun. */
async function recordUntilGreeted(
  executable: string,
  path: string,
  check: (recorded: Recorded) => Promise<void>,
): Promise<void> {
  const receiver = await StreamReceiver.listen();
  const goOn = join(dirname(pathOf('own-recording')), `go-on-${process.pid}-${paths.size}`);
  const { child, result } = startProgram(path, {
    executable,
    arguments: [goOn],
    nodeArguments: preload(),
    environment: receiver.environment,
  });
  try {
    await until(() => receiver.hellos.length === 1, 'the greeting');
    writeFileSync(goOn, '');
    await check({ result: await result, receiver });
  } finally {
    child.kill('SIGKILL');
    rmSync(goOn, { force: true });
    await receiver.close();
  }
}

for (const executable of nodes)
  describe(`an unchanged program on ${nodeTitle(executable)}`, () => {
    test('each of 200 requests over kept-alive connections is a task, which its response ends', () =>
      record(pathOf('http-server'), { executable }, async ({ result, receiver }) => {
        const counted = JSON.parse(result.stdout) as { served: number; accepted: number };
        assert.equal(counted.served, 200);
        const model = await modelOf(receiver);
        const names = taskNames(model);
        const requests = model.tasks.filter((task) => names.get(task.id) === 'GET /item');
        assert.equal(requests.length, counted.served);
        const ended = new Set(ofKind(model, eventKind.taskEnd).map((event) => event.values[0]));
        for (const request of requests) {
          assert.ok(ended.has(request.id), 'a request is over with its response');
          // Its handler waited for a timer, which woke it.
          assert.ok(request.causes.some((cause) => cause.kind === causeKind.timer));
        }
        const connections = [...names.values()].filter((name) => name.startsWith('connection 127.0.0.1:'));
        assert.ok(connections.length <= counted.accepted);
        assert.equal(requests.length + connections.length + 1, model.tasks.length, 'and the main task');
        const roots = model.dictionary.filter((r) => r.record === 'task' && r.taskKind === taskKind.root);
        assert.equal(roots.length, model.tasks.length);
        // A read of one turn is told once; each request needs one.
        const ready = ofKind(model, eventKind.readiness).length;
        assert.ok(ready >= counted.served, `${ready} readiness events`);
      }));

    test('its awaits, timers and pool jobs are counted as it counts them', () =>
      record(pathOf('settlements'), { executable }, async ({ result, receiver }) => {
        const counted = JSON.parse(result.stdout) as { awaits: number; timers: number; cryptoJobs: number };
        const model = await modelOf(receiver);
        const fired = ofKind(model, eventKind.timerFire).length;
        assert.equal(fired, counted.timers);
        const at = eventField.wakeFrom;
        const wakes = (kind: number): number =>
          ofKind(model, eventKind.wakeFrom).filter((event) => event.values[at.causeKind] === kind).length;
        assert.equal(wakes(causeKind.timer), counted.timers);
        // A wake that was told is followed by the poll that it asks for: the continuation was queued and has run.
        const polled = new Set(
          model.tasks.flatMap((task) => task.polls.map((poll) => `${task.id} ${poll.epoch}`)),
        );
        const unanswered = model.wakes.filter((wake) => !polled.has(`${wake.task} ${wake.epoch + 1}`));
        assert.deepEqual(unanswered, []);
        assert.ok(wakes(causeKind.poll) >= counted.awaits);
        const submitted = ofKind(model, eventKind.jobSubmit);
        const crypto = submitted.filter(
          (event) => event.values[eventField.jobSubmit.jobKind] === jobKind.crypto,
        );
        assert.equal(crypto.length, counted.cryptoJobs, 'the synchronous call is no job');
        // Four threads: of six jobs that were submitted at once the last two wait.
        assert.deepEqual(
          crypto.map((event) => event.values[eventField.jobSubmit.queued]),
          [0, 0, 0, 0, 1, 2],
        );
        assert.equal(ofKind(model, eventKind.jobEnd).length, submitted.length);
        assert.equal(wakes(causeKind.job), submitted.length);
      }));

    for (const [ending, code] of [
      ['exit', 7],
      ['throw', 1],
    ] as const)
      test(`nothing is lost by ${ending}`, () =>
        record(pathOf('settlements'), { executable, arguments: [ending] }, async ({ result, receiver }) => {
          assert.equal(result.code, code);
          const model = await modelOf(receiver);
          assert.equal(model.events.at(-1)?.kind, eventKind.threadStop);
          assert.equal(ofKind(model, eventKind.timerFire).length, 11);
        }));

    test('a program that records itself has one recording, its own', () =>
      record(pathOf('own-recording'), { executable }, async ({ result, receiver }) => {
        assert.equal(result.stdout.trim(), '{"value":7,"off":false}');
        await modelOf(receiver);
        assert.deepEqual(
          receiver.hellos.map((hello) => hello.tier),
          ['wakeline-executor'],
        );
      }));

    test('a program that begins to record itself late: the first recording ends, then comes its own', () =>
      recordUntilGreeted(executable, pathOf('own-recording'), async ({ result, receiver }) => {
        assert.equal(result.stdout.trim(), '{"value":7,"off":false}');
        await until(() => receiver.connections.every(({ closed }) => closed), 'the connections to close');
        assert.deepEqual(
          receiver.hellos.map((hello) => hello.tier),
          ['node-register', 'wakeline-executor'],
        );
        assert.deepEqual(
          receiver.connections.map(({ frames }) => readReference(frames).events.at(-1)?.kind),
          [eventKind.threadStop, eventKind.threadStop],
        );
      }));
  });

test('the wakes of a known program are its settlements, one by one', async () => {
  const script = programs.script(
    'known.cjs',
    `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    async function worker() { for (let i = 0; i < 5; i++) await sleep(1); }
    async function main() { await Promise.all([worker(), worker(), worker()]); }
    main();`,
  );
  await record(script, {}, async ({ result, receiver }) => {
    assert.equal(result.code, 0, result.stderr);
    const model = await modelOf(receiver);
    const at = eventField.wakeFrom;
    const wakes = ofKind(model, eventKind.wakeFrom);
    // 15 sleeps are over; Promise.all hears of 3 workers; its own promise is awaited once.
    assert.deepEqual(
      [causeKind.timer, causeKind.poll].map(
        (kind) => wakes.filter((w) => w.values[at.causeKind] === kind).length,
      ),
      [15, 15 + 3 + 1],
    );
    assert.equal(ofKind(model, eventKind.wake).length, 0);
    const [main] = model.tasks;
    assert.equal(model.tasks.length, 1);
    assert.equal(main?.polls.length, 1 + wakes.length, 'each poll after the first has its wake');
    const idle = new Set(main?.spans.map((span) => span.state).filter((state) => state.startsWith('idle')));
    assert.ok(idle.has('idleTimer'));
  });
});

test('a promise that is resolved with another wakes nobody before that one is settled', async () => {
  const script = programs.script(
    'locked.cjs',
    `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    async function returnsOne() { return sleep(3); }
    (async () => { await returnsOne(); await new Promise((resolve) => resolve(sleep(3))); })();`,
  );
  await record(script, {}, async ({ receiver }) => {
    const model = await modelOf(receiver);
    // Had it woken somebody before, the task would stand in the queue when the timer fires.
    const fired = ofKind(model, eventKind.timerFire);
    assert.equal(fired.length, 2);
    for (const { ns } of fired) {
      const span = model.tasks[0]?.spans.find(({ fromNs, toNs }) => fromNs < ns && toNs >= ns);
      assert.equal(span?.state, 'idleTimer');
    }
  });
});

test("a program may put its own immediates in the place of Node's: the probe asks for none", async () => {
  const script = programs.script(
    'immediates.cjs',
    `let asked = 0;
    globalThis.setImmediate = () => { asked++; return { unref() {} }; };
    let turns = 0;
    const timer = setInterval(() => { if (++turns === 5) { clearInterval(timer); console.log(asked); } }, 1);`,
  );
  await record(script, {}, async ({ result, receiver }) => {
    assert.equal(result.stdout, '0\n');
    const model = await modelOf(receiver);
    assert.ok(ofKind(model, eventKind.timerFire).length >= 5);
  });
});

test('an error whose name cannot be read is told as an object, and throws nothing into the program', async () => {
  // The namespace of a module that has not come to its `name` yet throws when it is asked for it.
  const script = programs.script(
    'early.mjs',
    `import * as early from './early.mjs';
    async function fails() { await null; throw early; }
    try { await fails(); } catch {}
    // The name is asked for a microtask later.
    await new Promise((resolve) => setImmediate(resolve));
    export const name = 'by now';
    console.log(name);`,
  );
  await record(script, {}, async ({ result, receiver }) => {
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, 'by now\n');
    const model = await modelOf(receiver);
    const texts = textsOf(model);
    const rejected = ofKind(model, eventKind.reject);
    assert.deepEqual(
      rejected.map(({ values }) => texts.get(values[eventField.reject.error] ?? 0)),
      ['object'],
    );
  });
});

test('recording is switched off and on while the program runs', async () => {
  const script = programs.script(
    'ticking.cjs',
    `const timer = setInterval(async () => { await null; }, 5);
    process.once('SIGTERM', () => clearInterval(timer));`,
  );
  const receiver = await StreamReceiver.listen();
  try {
    const how = { nodeArguments: preload(), environment: receiver.environment };
    const { child, result: ended } = startProgram(script, how);
    const events = (kind: number): number => ofKind(readReference(receiver.frames), kind).length;
    const changes = (): number => events(eventKind.detailChange);
    await until(() => receiver.connections.length === 1, 'the greeting');
    receiver.sendControl(detail.off);
    await until(() => changes() === 1, 'the end of recording');
    receiver.sendControl(detail.full);
    await until(() => changes() === 2, 'recording again');
    const before = events(eventKind.pollStart);
    await until(() => events(eventKind.pollStart) > before + 20, 'polls again');
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    const model = readReference(receiver.frames);
    assert.equal(events(eventKind.snapshotTask), 1);
    const [off, on] = model.events.flatMap((event, i) =>
      event.kind === eventKind.detailChange ? [i] : [],
    ) as [number, number];
    assert.equal(on, off + 1, 'nothing was recorded meanwhile');
    const afterwards = model.events.slice(
      model.events.findIndex((event) => event.kind === eventKind.snapshotEnd),
    );
    const wakes = afterwards.filter((event) => event.kind === eventKind.wakeFrom);
    const polls = afterwards.filter((event) => event.kind === eventKind.pollStart);
    assert.ok(polls.length > 10);
    assert.equal(wakes.length, polls.length);
  } finally {
    await receiver.close();
  }
});

test('a request whose client goes away ends as cancelled, and what its handler still does is a task after it', async () => {
  const script = programs.script(
    'abandoned.cjs',
    `const http = require('node:http');
    let call;
    const server = http.createServer(async (request, response) => {
      call.destroy();
      await new Promise((resolve) => response.once('close', resolve));
      await new Promise((resolve) => setTimeout(resolve, 1));
      response.end('too late');
      server.close();
    }).listen(0, () => {
      call = http.get({ port: server.address().port, path: '/slow' });
      call.on('error', () => undefined);
    });`,
  );
  await record(script, {}, async ({ result, receiver }) => {
    assert.equal(result.code, 0, result.stderr);
    const model = await modelOf(receiver);
    const names = taskNames(model);
    const idOf = (name: string): number | undefined => [...names].find(([, each]) => each === name)?.[0];
    const request = idOf('GET /slow');
    const end = ofKind(model, eventKind.taskEnd).find((event) => event.values[0] === request);
    assert.equal(end?.values[eventField.taskEnd.outcome], endOutcome.cancelled);
    const after = idOf('GET /slow, after its end');
    const spawned = ofKind(model, eventKind.taskSpawn).find((event) => event.values[0] === after);
    assert.equal(spawned?.values[eventField.taskSpawn.parent], request);
    assert.ok(
      (model.tasks.find((task) => task.id === after)?.polls.length ?? 0) >= 2,
      'timer and continuation',
    );
  });
});

test('what only closes a connection after the response leaves no task behind', async () => {
  const script = programs.script(
    'closing.cjs',
    `const http = require('node:http');
    const get = (port) => new Promise((resolve) =>
      http.get({ port, agent: false }, (response) => response.resume().on('close', resolve)));
    const server = http.createServer((request, response) => {
      setTimeout(() => {
        response.end('done');
        setTimeout(() => setTimeout(() => undefined, 1), 1);
      }, 1);
    }).listen(0, async () => {
      const { port } = server.address();
      for (let i = 0; i < 40; i++) await get(port);
      server.close();
    });`,
  );
  await record(script, {}, async ({ result, receiver }) => {
    assert.equal(result.code, 0, result.stderr);
    const model = await modelOf(receiver);
    const names = taskNames(model);
    const requests = [...names.values()].filter((name) => name === 'GET /').length;
    assert.equal(requests, 40);
    const lives = ofKind(model, eventKind.taskSpawn).map(({ values }) => values[0] ?? 0);
    const ended = new Set(ofKind(model, eventKind.taskEnd).map(({ values }) => values[0]));
    const left = lives.filter((task) => !ended.has(task)).map((task) => names.get(task));
    // The last request's may be left: the program ends first.
    assert.ok(left.filter((name) => name === 'GET /, after its end').length <= 2, left.join());
  });
});

test('NODE_OPTIONS reach a child process, which is a session of its own', () =>
  record(pathOf('family'), { byOptions: true }, async ({ result, receiver }) => {
    assert.equal(result.stdout.trim(), 'child', result.stderr);
    await until(() => receiver.connections.filter(({ closed }) => closed).length === 2, 'two sessions');
    assert.equal(new Set(receiver.hellos.map((hello) => hello.pid)).size, 2);
    assert.equal(new Set(receiver.hellos.map((hello) => hello.session)).size, 2);
  }));

test("a package manager's own process is left out", async () => {
  const cli = join(dirname(pathOf('family')), 'npm-cli.js');
  mkdirSync(dirname(cli), { recursive: true });
  writeFileSync(cli, 'console.log("managed");');
  await record(cli, {}, ({ result, receiver }) => {
    assert.equal(result.stdout.trim(), 'managed');
    assert.equal(receiver.connections.length, 0);
  });
});

test('without WAKELINE the script leaves nothing behind', async () => {
  const plain = await runProgram(pathOf('footprint'), { nodeArguments: [] });
  const loaded = await runProgram(pathOf('footprint'), { nodeArguments: preload() });
  assert.equal(plain.code, 0, plain.stderr);
  assert.equal(loaded.stdout, plain.stdout);
  assert.equal(loaded.stderr, '');
});

test('while it records, promises and globals look as they do without', async () => {
  const plain = JSON.parse((await runProgram(pathOf('footprint'), { nodeArguments: [] })).stdout);
  await record(pathOf('footprint'), {}, ({ result }) => {
    const seen = JSON.parse(result.stdout);
    assert.deepEqual(seen.globals, plain.globals);
    // Node's own hooks put their ids on each promise; ours adds nothing.
    assert.ok(
      seen.own.every((key: unknown) => key === null),
      'no named property',
    );
  });
});
