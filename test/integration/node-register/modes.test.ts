// How much of an unchanged program is recorded: by its environment from the start, and by control frames while it runs.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  causeKind,
  detail,
  eventField,
  eventKind,
  operationKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { EventCounter } from '../../support/event-counter.ts';
import { ProbePrograms, startProgram } from '../../support/node-probe-program.ts';
import type { ReferenceEvent } from '../../support/reference-reader.ts';
import { modelOf, nodes, nodeTitle, ofKind, record } from '../../support/registered-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

const counting = `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  for (let i = 0; i < 5; i++) {
    await sleep(1);
    for (let k = 0; k < 20; k++) await null;
  }
})();`;

/** A server and a client that asks it again and again, over one kept-alive connection, until a signal comes. */
const asking = `const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let on = true;
const server = http.createServer(async (request, response) => {
  for (let i = 0; i < 50; i++) await null;
  setTimeout(() => response.end('x'.repeat(100)), 1);
}).listen(0, '127.0.0.1', () => {
  const ask = () => http.get({ port: server.address().port, host: '127.0.0.1', agent, path: '/ask' }, (response) =>
    response.resume().on('end', () => {
      if (on) return setTimeout(ask, 5);
      agent.destroy();
      server.close();
    }));
  ask();
});
process.once('SIGTERM', () => { on = false; });`;

/** Asks a name server, which says at a signal that it does not know the name. */
const answeredLate = `const server = require('node:dgram').createSocket('udp4');
const resolver = new (require('node:dns').Resolver)({ timeout: 600_000 });
server.once('message', (question, { port, address }) => {
  const answer = Buffer.from(question);
  answer[2] = 0x81;
  answer[3] = 0x83;
  process.once('SIGUSR2', () => server.send(answer, port, address));
  console.log('asked');
});
server.bind(0, '127.0.0.1', () => {
  resolver.setServers(['127.0.0.1:' + server.address().port]);
  resolver.resolve4('late.test', () => console.log('answered'));
});
process.once('SIGTERM', () => server.close());`;

/** A client whose second request, on the same connection, is answered at a signal; then there are 18 more. */
const heldRequest = `const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let asked = 0;
let held;
const server = http.createServer((request, response) => {
  // Node renews the date by a timer each second: one more than the program's own.
  response.sendDate = false;
  asked++;
  if (asked !== 2) return response.end('x');
  held = response;
  console.log('held');
}).listen(0, '127.0.0.1', () => {
  const ask = () => http.get({ port: server.address().port, host: '127.0.0.1', agent }, (response) =>
    response.resume().on('end', () => {
      if (asked < 20) return setTimeout(ask, 1);
      agent.destroy();
      server.close();
    }));
  ask();
});
process.once('SIGUSR2', () => held.end('x'));`;

const isPromiseWake = (event: ReferenceEvent): boolean =>
  event.kind === eventKind.wakeFrom && event.values[eventField.wakeFrom.causeKind] === causeKind.poll;

for (const executable of nodes)
  describe(`what is recorded, on ${nodeTitle(executable)}`, () => {
    test('native: callbacks of the loop, and nothing of promises', () => {
      const environment = { WAKELINE_DETAIL: 'native' };
      const path = programs.script('counting.cjs', counting);
      return record(programs, path, { executable, environment }, async ({ result, receiver }) => {
        assert.equal(result.code, 0, result.stderr);
        assert.equal(receiver.hellos[0]?.detail, detail.native);
        const model = await modelOf(receiver);
        assert.equal(ofKind(model, eventKind.timerFire).length, 5);
        assert.deepEqual(model.events.filter(isPromiseWake), []);
        const timers = ofKind(model, eventKind.timerSet).map(
          ({ values }) => values[eventField.timerSet.task],
        );
        // Those behind the first are armed in microtasks, outside any callback that is told.
        assert.deepEqual(timers, [1, 1, 1, 1, 1]);
      });
    });

    test('lean is what is recorded unless the environment says another', () =>
      record(programs, programs.script('counting.cjs', counting), { executable }, async ({ receiver }) => {
        assert.equal(receiver.hellos[0]?.detail, detail.lean);
        const model = await modelOf(receiver);
        assert.ok(model.events.filter(isPromiseWake).length >= 100);
      }));

    test('a detail that does not exist is named, and the program runs without a recording', () => {
      const environment = { WAKELINE_DETAIL: 'everything' };
      const path = programs.script('counting.cjs', counting);
      return record(programs, path, { executable, environment }, ({ result, receiver }) => {
        assert.equal(result.code, 0);
        assert.match(result.stderr, /WAKELINE_DETAIL is "everything", which is none of/);
        assert.equal(receiver.connections.length, 0);
      });
    });

    test('off from the start, then each detail by control: polls stay whole and connections have their bytes', async () => {
      const receiver = await StreamReceiver.listen();
      const { child, result } = startProgram(programs.script('asking.cjs', asking), {
        executable,
        nodeArguments: ['--require', programs.register()],
        environment: { ...receiver.environment, WAKELINE_DETAIL: 'off' },
      });
      try {
        const counter = new EventCounter();
        let taken = 0;
        const count = (kind: number): number => {
          for (const frame of receiver.frames.slice(taken)) counter.take(frame);
          taken = receiver.frames.length;
          return counter.ofKind(kind);
        };
        let changes = 1;
        const goTo = async (level: number): Promise<void> => {
          receiver.sendControl(level);
          changes++;
          await until(() => count(eventKind.detailChange) === changes, `detail ${level}`);
          const before = count(eventKind.operation);
          // Two reads and two writes for each request; of each connection the first are of unknown size after a pause.
          if (level !== detail.off) await until(() => count(eventKind.operation) >= before + 16, 'requests');
        };
        await until(() => count(eventKind.detailChange) === 1, 'the greeting');
        const levels = [detail.lean, detail.native, detail.off, detail.native, detail.full, detail.lean];
        for (const level of levels) await goTo(level);
        child.kill('SIGTERM');
        const { code, stderr } = await result;
        assert.equal(code, 0, stderr);
        const model = await modelOf(receiver);
        const parts = partsByDetail(model.events);
        assert.deepEqual(
          parts.map(({ level }) => level),
          [detail.off, ...levels],
        );
        for (const { level, events } of parts) {
          if (level === detail.off) {
            assert.deepEqual(events, []);
            continue;
          }
          // Each request awaits 50 times, and queues some ticks beside.
          const told = events.filter(isPromiseWake).length;
          const requests = events.filter((event) => event.kind === eventKind.taskSpawn).length;
          if (level === detail.native) assert.ok(told <= (requests + 1) * 30, `${told} of ${requests}`);
          else assert.ok(told >= 100, `${told} of ${requests}`);
          for (const kind of [operationKind.read, operationKind.write])
            assert.ok(moved(events, kind) > 0, `detail ${level}, operations ${kind}`);
        }
      } finally {
        child.kill('SIGKILL');
        await receiver.close();
      }
    });

    test('what a name server answers while nothing is recorded is not told', async () => {
      const receiver = await StreamReceiver.listen();
      const { child, result } = startProgram(programs.script('answered-late.cjs', answeredLate), {
        executable,
        nodeArguments: ['--require', programs.register()],
        environment: receiver.environment,
      });
      let printed = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        printed += bytes.toString();
      });
      const counted = (kind: number) => {
        const counter = new EventCounter();
        for (const frame of receiver.frames) counter.take(frame);
        return counter.ofKind(kind);
      };
      try {
        await until(() => counted(eventKind.jobSubmit) === 1, 'the question');
        await until(() => printed.includes('asked'), 'the name server to hear it');
        receiver.sendControl(detail.off);
        await until(() => counted(eventKind.detailChange) === 1, 'the end of recording');
        child.kill('SIGUSR2');
        await until(() => printed.includes('answered'), 'the answer');
        receiver.sendControl(detail.lean);
        await until(() => counted(eventKind.detailChange) === 2, 'recording again');
        child.kill('SIGTERM');
        const { code, stderr } = await result;
        assert.equal(code, 0, stderr);
        const model = await modelOf(receiver);
        assert.deepEqual(partsByDetail(model.events)[0]?.events, []);
        assert.equal(ofKind(model, eventKind.jobEnd).length, 0);
      } finally {
        child.kill('SIGKILL');
        await receiver.close();
      }
    });

    test('what begins in a callback that is older than the recording belongs to the program too', async () => {
      const receiver = await StreamReceiver.listen();
      const { child, result } = startProgram(programs.script('held.cjs', heldRequest), {
        executable,
        nodeArguments: ['--require', programs.register()],
        environment: { ...receiver.environment, WAKELINE_DETAIL: 'off' },
      });
      let printed = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        printed += bytes.toString();
      });
      try {
        await until(() => printed.includes('held'), 'the request that waits');
        await until(() => receiver.connections.length === 1, 'the greeting');
        receiver.sendControl(detail.lean);
        const changes = () => {
          const counter = new EventCounter();
          for (const frame of receiver.frames) counter.take(frame);
          return counter.ofKind(eventKind.detailChange);
        };
        await until(() => changes() === 2, 'detail lean');
        child.kill('SIGUSR2');
        const { code, stderr } = await result;
        assert.equal(code, 0, stderr);
        const model = await modelOf(receiver);
        // Of each end of the connection the first read and the first write are of unknown size.
        const at = eventField.operation;
        const moves = ofKind(model, eventKind.operation).map(({ values }) => ({
          end: `${values[at.source]}, ${values[at.operationKind]}`,
          bytes: values[at.bytes] ?? 0,
        }));
        const whole = moves.filter(({ bytes }) => bytes > 0);
        const ends = [...new Set(whole.map(({ end }) => end))];
        const counts = ends.map((end) => whole.filter((move) => move.end === end).length);
        assert.equal(ends.length, 4, ends.join('; '));
        for (const count of counts) assert.ok(count >= 17, counts.join(', '));
        assert.equal(ofKind(model, eventKind.timerFire).length, 18);
      } finally {
        child.kill('SIGKILL');
        await receiver.close();
      }
    });
  });

interface Part {
  readonly level: number;
  readonly events: readonly ReferenceEvent[];
}

/** Events behind each change of detail, up to the next. */
function partsByDetail(events: readonly ReferenceEvent[]): readonly Part[] {
  const starts = events.flatMap((event, i) => (event.kind === eventKind.detailChange ? [i] : []));
  return starts.map((start, i) => ({
    level: events[start]?.values[0] ?? 0,
    events: events.slice(start + 1, starts[i + 1]),
  }));
}

/** Bytes of all operations of a kind. */
function moved(events: readonly ReferenceEvent[], kind: number): number {
  const at = eventField.operation;
  return events
    .filter((event) => event.kind === eventKind.operation && event.values[at.operationKind] === kind)
    .reduce((sum, { values }) => sum + (values[at.bytes] ?? 0), 0);
}
