// Owns the promise that a trace agrees with an outside witness: what the kernel was asked, as strace saw it, against
// what the trace says, call by call. strace needs a program of the system group `witness`; without it these tests fail.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  eventField,
  eventKind,
  operationKind,
  operationMaker,
  operationOutcome,
  parkKind,
  sourceKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { rustExample } from '../../support/rust-example.ts';
import { type CallName, type SystemCall, witness } from '../../support/strace.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const examples = new URL('../../../runtime-probe/examples/typescript/src/', import.meta.url);
const programs = new ProbePrograms();
after(() => programs.remove());

interface Seen {
  readonly model: ReferenceModel;
  /** The trace's one thread. */
  readonly thread: number;
  /** What strace saw that thread call. */
  readonly calls: readonly SystemCall[];
}

/** Runs a program with one executor thread under strace, its trace received beside. */
async function observe(command: readonly string[], calls: readonly CallName[]): Promise<Seen> {
  const receiver = await StreamReceiver.listen();
  try {
    const { callsByThread } = await witness(command, calls, receiver.environment);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.ok(receiver.end !== undefined, 'the stream has no end');
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    const parks = ofKind(model, eventKind.park);
    // On a busy machine a short program of Node's may find something at each look and never park.
    const parking = new Set((parks.length > 0 ? parks : model.events).map((event) => event.thread));
    assert.equal(parking.size, 1, 'one thread parks');
    const [thread] = [...parking] as [number];
    const record = model.dictionary.find((each) => each.record === 'thread' && each.id === thread);
    assert.ok(record?.record === 'thread');
    const threadCalls = callsByThread.get(record.osId);
    assert.ok(threadCalls !== undefined, `strace saw no thread ${record.osId}`);
    return { model, thread, calls: threadCalls };
  } finally {
    await receiver.close();
  }
}

const ofKind = (model: ReferenceModel, kind: number): readonly ReferenceEvent[] =>
  model.events.filter((event) => event.kind === kind);

/** Time-out in ms as epoll_wait takes it: rounded up, so that a timer is not looked at too early. */
function timeoutMsOf(park: ReferenceEvent): number {
  const stated = park.values[eventField.park.timeoutNs] as number;
  return stated === 0 ? -1 : Math.ceil((stated - 1) / 1e6);
}

function describeCall({ result, error }: SystemCall): string {
  return result < 0 ? error : `${result} bytes`;
}

function describeOperation(event: ReferenceEvent): string {
  const outcome = event.values[eventField.operation.outcome];
  const bytes = event.values[eventField.operation.bytes];
  if (outcome === operationOutcome.wouldBlock) return 'EAGAIN';
  return outcome === operationOutcome.done ? `${bytes} bytes` : `error ${bytes}`;
}

/** Results by descriptor, each in order: a descriptor that is used again goes on in its list. */
function byDescriptor<T>(
  items: readonly T[],
  descriptorOf: (item: T) => number,
  describe: (item: T) => string,
): Map<number, string[]> {
  const lists = new Map<number, string[]>();
  for (const item of items) {
    const descriptor = descriptorOf(item);
    const list = lists.get(descriptor) ?? [];
    list.push(describe(item));
    lists.set(descriptor, list);
  }
  return new Map([...lists].sort(([a], [b]) => a - b));
}

/** Results of each connection in their order, connections in the order of their first. */
function inGroups<T>(
  items: readonly T[],
  of: (item: T) => unknown,
  describe: (item: T) => string,
): string[][] {
  const groups = new Map<unknown, string[]>();
  for (const item of items) {
    const group = groups.get(of(item)) ?? [];
    group.push(describe(item));
    groups.set(of(item), group);
  }
  return [...groups.values()];
}

test('Rust: each epoll_wait is a park, each recvfrom and sendto an operation', async () => {
  const { model, calls } = await observe(
    [rustExample('requests'), '--rounds', '2'],
    ['epoll_wait', 'recvfrom', 'sendto'],
  );
  const waits = calls.filter((call) => call.name === 'epoll_wait');
  const parks = ofKind(model, eventKind.park);
  const unparks = ofKind(model, eventKind.unpark);
  assert.ok(parks.every((park) => park.values[eventField.park.parkKind] === parkKind.reactor));
  assert.deepEqual(
    parks.map((park, i) => [timeoutMsOf(park), unparks[i]?.values[eventField.unpark.events]]),
    waits.map((wait) => [wait.timeoutMs, wait.result]),
    'time-out and number of events of each park, and of each epoll_wait',
  );
  const readiness = ofKind(model, eventKind.readiness);
  assert.equal(
    readiness.length,
    waits.reduce((sum, wait) => sum + wait.result, 0),
  );

  const descriptors = new Map(
    model.dictionary.flatMap((each) => (each.record === 'source' ? [[each.id, each.fd]] : [])),
  );
  for (const [name, kind] of [
    ['recvfrom', operationKind.read],
    ['sendto', operationKind.write],
  ] as const) {
    const operations = ofKind(model, eventKind.operation).filter(
      (event) => event.values[eventField.operation.operationKind] === kind,
    );
    const inTrace = byDescriptor(
      operations,
      (event) => descriptors.get(event.values[eventField.operation.source] as number) ?? -1,
      describeOperation,
    );
    const inKernel = byDescriptor(
      calls.filter((call) => call.name === name),
      (call) => call.descriptor,
      describeCall,
    );
    assert.equal(inKernel.size, 100, `descriptors of ${name}`);
    assert.deepEqual(inTrace, inKernel, name);
  }
  // 100 tasks, two rounds: nothing is there at first, so nearly each response takes a WouldBlock and a read. Of 200,
  // a loaded machine may hold the thread so long between write and read that a few answers are there at once.
  const blocked = calls.filter((call) => call.name === 'recvfrom' && call.error === 'EAGAIN');
  assert.ok(blocked.length > 100, `${blocked.length} reads found nothing`);
});

interface Park {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * By how much the trace's wall clock is ahead of strace's, when park i is wait `first` + i for every i: the end of a
 * park is told by the first JavaScript after it, so between the end of its wait and the start of the next. Undefined
 * when no one difference fits all: then the parks are not these waits. The difference itself is no fault: the program
 * reads its two clocks one after the other, and may be held in between.
 */
function clockDifference(
  parks: readonly Park[],
  waits: readonly SystemCall[],
  first: number,
): number | undefined {
  let most = Number.POSITIVE_INFINITY;
  let least = Number.NEGATIVE_INFINITY;
  for (const [i, park] of parks.entries()) {
    const wait = waits[first + i];
    if (wait === undefined) return undefined;
    most = Math.min(most, park.endMs - wait.endMs);
    const next = waits[first + i + 1];
    if (next !== undefined) least = Math.max(least, park.endMs - next.startMs);
  }
  return least <= most ? most : undefined;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;

async function checkNodeParks(command: readonly string[]): Promise<void> {
  const { model, calls } = await observe([process.execPath, ...command], ['epoll_wait', 'epoll_pwait']);
  assert.ok(model.hello !== undefined);
  const originMs = Number(model.hello.anchorWallUs) / 1000;
  // libuv looks with time-out 0 first and waits only when nothing was there; only that wait blocks.
  const waits = calls.filter((call) => call.timeoutMs !== 0);
  const starts = ofKind(model, eventKind.park);
  const parks = ofKind(model, eventKind.unpark).map((end, i) => ({
    startMs: originMs + (starts[i]?.ns ?? Number.NaN) / 1e6,
    endMs: originMs + end.ns / 1e6,
  }));
  assert.equal(starts.length, parks.length);
  // Some hundred on a machine at rest. On a loaded one nearly each look finds something, and few waits are left.
  assert.ok(parks.length >= 3, `only ${parks.length} parks: too few to say anything`);
  // Waits before tick 0 are those of Node's own start. After the last one there may be no JavaScript any more, because
  // the process ends: that one park may be missing. No other may, and none may be there without its wait.
  const fit = [0, 1].flatMap((missing) => {
    const first = waits.length - missing - parks.length;
    const aheadMs = first < 0 ? undefined : clockDifference(parks, waits, first);
    return aheadMs === undefined ? [] : [{ first, aheadMs }];
  })[0];
  assert.ok(fit !== undefined, `${parks.length} parks are not the last of ${waits.length} blocking waits`);
  const { first, aheadMs } = fit;
  // No wait is under way at tick 0, for JavaScript runs then; 1 ms is how finely Node reads the wall clock.
  const lastOfStart = waits[first - 1];
  if (lastOfStart !== undefined)
    assert.ok(lastOfStart.endMs + aheadMs <= originMs + 1, 'a wait after tick 0 has no park');
  assert.ok((waits[first] as SystemCall).startMs + aheadMs >= originMs - 1, 'a park is from before tick 0');
  // The first park may begin before the thread's first record, and is cut there.
  const differencesMs = parks.slice(1).map((park, i) => {
    const wait = waits[first + 1 + i] as SystemCall;
    return Math.abs(park.endMs - park.startMs - (wait.endMs - wait.startMs));
  });
  assert.ok(median(differencesMs) < 1, `parks are off by ${median(differencesMs)} ms`);
}

test('Node: each blocking epoll wait is a park', async () => {
  const program = await programs.build(new URL('requests.ts', examples), new URL('server.ts', examples));
  await checkNodeParks([program, '--rounds', '4']);
});

test('Node, a program that knows nothing of Wakeline: each blocking epoll wait is a park', async () => {
  const program = await programs.build(new URL('../node-register/programs/settlements.ts', import.meta.url));
  await checkNodeParks(['--require', programs.register(), program]);
});

test('Node, a program that knows nothing of Wakeline: each read of a socket and each accepted connection is an operation', async () => {
  const program = programs.script(
    'sockets.cjs',
    `const net = require('node:net');
    const http = require('node:http');
    const echo = net.createServer((c) => c.on('data', (bytes) => c.write(bytes)).on('end', () => c.end()));
    echo.listen(0, '127.0.0.1', () => {
      const c = net.connect(echo.address().port, '127.0.0.1', () => c.write('a'.repeat(100)));
      let heard = 0;
      c.on('data', () => (++heard < 20 ? c.write('b'.repeat(heard * 50)) : c.end()));
      c.on('close', () => { echo.close(); requests(); });
    });
    function requests() {
      const server = http.createServer((request, response) =>
        request.resume().on('end', () => response.end('c'.repeat(300_000))));
      server.listen(0, '127.0.0.1', () => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
        let done = 0;
        for (let i = 0; i < 10; i++)
          http.request({ port: server.address().port, host: '127.0.0.1', agent, method: 'POST' }, (response) =>
            response.resume().on('end', () => {
              if (++done < 10) return;
              agent.destroy();
              server.close();
            })).end('d'.repeat(70_000));
      });
    }`,
  );
  const { model, calls } = await observe(
    [process.execPath, '--require', programs.register(), program],
    ['epoll_wait', 'epoll_pwait', 'read', 'accept4'],
  );
  const operations = ofKind(model, eventKind.operation);
  const at = eventField.operation;
  const reads = operations.filter((event) => event.values[at.operationKind] === operationKind.read);
  assert.ok(reads.every((event) => event.values[at.madeBy] === operationMaker.turn));
  const inTrace = inGroups(reads, (event) => event.values[at.source], describeOperation);
  const found = calls.filter(
    ({ name, object, error }) => name === 'read' && object.startsWith('socket:') && error !== 'EAGAIN',
  );
  const inKernel = inGroups(found, (call) => call.object, describeCall);
  // A program that ends before its writer thread has begun reads the collector's reply itself, at its very end.
  if (inKernel.length > inTrace.length) assert.deepEqual(inKernel.pop(), ['4 bytes']);
  assert.ok(found.length > 40, `${found.length} reads`);
  assert.deepEqual(inTrace, inKernel);
  const accepted = calls.filter(({ name, result }) => name === 'accept4' && result >= 0);
  assert.equal(
    operations.filter((event) => event.values[at.operationKind] === operationKind.accept).length,
    accepted.length,
  );
});

test('Node, a program that knows nothing of Wakeline: each datagram received or sent is an operation', async () => {
  const program = programs.script(
    'datagrams.cjs',
    `const dgram = require('node:dgram');
    const a = dgram.createSocket('udp4');
    const b = dgram.createSocket('udp4');
    let left = 40;
    b.on('message', (bytes, { port, address }) => {
      if (--left === 0) { a.close(); b.close(); return; }
      b.send(Buffer.alloc(left * 11), port, address);
    });
    a.on('message', (bytes) => a.send(Buffer.alloc(bytes.length * 2), b.address().port, '127.0.0.1', () => undefined));
    b.bind(0, '127.0.0.1', () => a.send('begin', b.address().port, '127.0.0.1'));`,
  );
  const { model, calls } = await observe(
    [process.execPath, '--require', programs.register(), program],
    ['epoll_wait', 'epoll_pwait', 'recvmsg', 'sendmsg', 'recvmmsg', 'sendmmsg'],
  );
  const at = eventField.operation;
  const sockets = new Set(
    model.dictionary.flatMap((r) =>
      r.record === 'source' && r.sourceKind === sourceKind.udpSocket ? [r.id] : [],
    ),
  );
  const told = ofKind(model, eventKind.operation).filter(({ values }) =>
    sockets.has(values[at.source] as number),
  );
  for (const [kind, names] of [
    [operationKind.read, ['recvmsg', 'recvmmsg']],
    [operationKind.write, ['sendmsg', 'sendmmsg']],
  ] as const) {
    const inTrace = inGroups(
      told.filter(({ values }) => values[at.operationKind] === kind),
      ({ values }) => values[at.source],
      describeOperation,
    );
    const found = calls.filter(
      ({ name, object, error }) =>
        names.some((each) => each === name) && object.startsWith('socket:') && error !== 'EAGAIN',
    );
    const inKernel = inGroups(
      found,
      ({ object }) => object,
      ({ bytes }) => `${bytes} bytes`,
    );
    assert.deepEqual(inTrace, inKernel);
    assert.equal(found.length, 79);
  }
});

test('Node, a program that knows nothing of Wakeline: what TLS reads and writes is all told of the connection below it', async () => {
  const program = programs.script(
    'secured.cjs',
    `const tls = require('node:tls');
    const agreed = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
    const psk = Buffer.alloc(16, 7);
    const server = tls.createServer({ ...agreed, pskCallback: () => psk }, (c) => {
      let heard = 0;
      c.on('data', (bytes) => { heard += bytes.length; if (heard === 40_000) c.end('z'.repeat(70_000)); });
    });
    server.listen(0, '127.0.0.1', () => {
      const c = tls.connect({ ...agreed, port: server.address().port, host: '127.0.0.1',
        pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined });
      c.on('secureConnect', () => c.write('y'.repeat(40_000)));
      c.on('data', () => undefined).on('close', () => server.close());
    });`,
  );
  const { model, calls } = await observe(
    [process.execPath, '--require', programs.register(), program],
    ['epoll_wait', 'epoll_pwait', 'read', 'write', 'writev'],
  );
  const at = eventField.operation;
  const streams = new Set(
    model.dictionary.flatMap((r) =>
      r.record === 'source' && r.sourceKind === sourceKind.tcpStream ? [r.id] : [],
    ),
  );
  assert.equal(streams.size, 2);
  const told = ofKind(model, eventKind.operation).filter(({ values }) =>
    streams.has(values[at.source] as number),
  );
  const ofSockets = calls.filter(({ object, error }) => object.startsWith('socket:') && error === '');
  // A read that brings no whole record of TLS calls nobody back, so it is told with the next one; sums are exact.
  const sums = (of: readonly SystemCall[]): Map<string, number> => {
    const sum = new Map<string, number>();
    for (const { object, bytes } of of) sum.set(object, (sum.get(object) ?? 0) + bytes);
    return sum;
  };
  const toldSums = (kind: number): number[] =>
    [...streams]
      .map((source) =>
        told
          .filter(({ values }) => values[at.source] === source && values[at.operationKind] === kind)
          .reduce((sum, { values }) => sum + (values[at.bytes] as number), 0),
      )
      .sort((a, b) => a - b);
  const read = sums(ofSockets.filter(({ name }) => name === 'read'));
  const written = sums(ofSockets.filter(({ name }) => name !== 'read'));
  // Two of them: the collector's comes after them, if this thread reads from it at all.
  const objects = [...read.keys()].slice(0, 2);
  const inKernel = (of: ReadonlyMap<string, number>): number[] =>
    objects.map((object) => of.get(object) ?? 0).sort((a, b) => a - b);
  assert.deepEqual(toldSums(operationKind.read), inKernel(read));
  assert.deepEqual(toldSums(operationKind.write), inKernel(written));
});
