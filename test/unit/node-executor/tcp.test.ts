// Behaviour of TCP on Node's loop: reads are made by the turn, polls take what was read.

import assert from 'node:assert/strict';
import { createServer, connect as nodeConnect } from 'node:net';
import { test } from 'node:test';
import {
  type Async,
  connect,
  type JoinHandle,
  joinAll,
  listen,
  run,
  setObserver,
  sleep,
  spawn,
  TcpError,
  type TcpListener,
  type TcpStream,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { RecordingObserver, record, siteLabel } from '../../support/executor-observer.ts';

function* echo(stream: TcpStream): Async<number> {
  let total = 0;
  try {
    for (;;) {
      const bytes = yield* stream.read();
      if (bytes.length === 0) return total;
      total += bytes.length;
      yield* stream.write(bytes);
    }
  } finally {
    stream.close();
  }
}

function* serve(listener: TcpListener, connections: number): Async<void> {
  for (let i = 0; i < connections; i += 1) {
    const stream = yield* listener.accept();
    spawn(() => echo(stream), { name: `echo ${i}` });
  }
}

function* readExactly(stream: TcpStream, length: number): Async<Buffer> {
  const parts: Buffer[] = [];
  let missing = length;
  while (missing > 0) {
    const part = yield* stream.read(missing);
    if (part.length === 0) throw new Error(`the stream ended ${missing} bytes early`);
    parts.push(part);
    missing -= part.length;
  }
  return Buffer.concat(parts);
}

/** The lines that are about one source or one task, in order. */
function linesOf(trace: RecordingObserver, source: number, task: number): string[] {
  return trace.lines
    .filter((line) =>
      line.hook === 'operation' || line.hook === 'readiness'
        ? line.subject === source
        : (line.hook === 'wake' || line.hook === 'pollStart') && line.subject === task,
    )
    .map((line) => line.text);
}

test('an echo: the turn reads, readiness, wake, the poll takes; nothing would ever block', async () => {
  const { trace, value } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    spawn(() => serve(listener, 1), { name: 'accepting' });
    const client = spawn(
      function* asking() {
        const stream = yield* connect({ port: listener.port });
        yield* stream.write('ping');
        const answer = (yield* stream.read()).toString();
        stream.close();
        return answer;
      },
      { name: 'client' },
    );
    return yield* client;
  });
  assert.equal(value, 'ping');
  const client = trace.taskNamed('client');
  const source = trace.sources.find(
    ({ kind, site }) => kind === 'tcpStream' && siteLabel(site).endsWith(':asking'),
  );
  assert.ok(source !== undefined);
  assert.deepEqual(linesOf(trace, source.source, client), [
    'client poll 1',
    'connect 0 by turn',
    'readiness 2',
    'client woken by source at epoch 1: scheduled',
    'client poll 2',
    'write 4 by poll',
    'read 4 by turn',
    'readiness 1',
    'client woken by source at epoch 2: scheduled',
    'client poll 3',
    'take 4 by poll',
  ]);
  assert.deepEqual(trace.brokenEpochs(), []);
  const known = trace.sources.filter((info) => info.source === source.source).at(-1);
  assert.ok(known !== undefined && known.fd > 2, 'the descriptor is known once connected');
  assert.match(known.local, /^127\.0\.0\.1:\d+$/);
  assert.match(known.peer, /^127\.0\.0\.1:\d+$/);
});

test('the listener: the turn accepts, the poll takes the connection', async () => {
  const { trace } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    const port = listener.port;
    const peer = nodeConnect(port, '127.0.0.1');
    const stream = yield* listener.accept();
    stream.close();
    peer.destroy();
    listener.close();
  });
  const listener = trace.sources.find((info) => info.kind === 'tcpListener');
  assert.deepEqual(linesOf(trace, listener?.source ?? 0, trace.taskNamed('root')), [
    'root poll 1',
    // Binding is done by Node after the poll; no readiness, so the wake is by plain code.
    'root woken by outside at epoch 1: scheduled',
    'root poll 2',
    'accept 0 by turn',
    'readiness 1',
    'root woken by source at epoch 2: scheduled',
    'root poll 3',
    'take 0 by poll',
  ]);
  const deregistered = trace.trace('sourceDeregistered');
  assert.equal(new Set(deregistered).size, deregistered.length, 'each source leaves once');
  assert.equal(deregistered.length, new Set(trace.sources.map((info) => info.source)).size);
});

test('one hundred clients on one thread: every byte comes back, reads and takes add up', async () => {
  const clients = 100;
  const { trace } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    spawn(() => serve(listener, clients), { name: 'accepting' });
    const tasks = Array.from({ length: clients }, (_, i) =>
      spawn(
        function* () {
          const stream = yield* connect({ port: listener.port });
          const question = Buffer.alloc(100 + i, i);
          yield* stream.write(question);
          const answer = yield* readExactly(stream, question.length);
          stream.close();
          assert.deepEqual(answer, question);
        },
        { name: `client ${i}` },
      ),
    );
    yield* joinAll(tasks);
  });
  assert.deepEqual(trace.brokenEpochs(), []);
  for (let i = 0; i < clients; i += 1) assert.ok(trace.pollsOf(trace.taskNamed(`client ${i}`)) >= 3);
  const bytes = (kind: string, madeBy: string): number =>
    trace.operations
      .filter((operation) => operation.kind === kind && operation.madeBy === madeBy)
      .reduce((sum, { outcome }) => sum + ('bytes' in outcome ? outcome.bytes : 0), 0);
  assert.equal(bytes('read', 'turn'), bytes('take', 'poll'));
  assert.equal(bytes('write', 'poll') + bytes('write', 'turn'), bytes('read', 'turn'));
  assert.equal(bytes('read', 'poll'), 0, 'no poll makes a read of its own');
});

test('a large write: what the kernel takes at once is the poll’s, the rest the turns’', async () => {
  const size = 16_000_000;
  const { trace, value } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    const reader = spawn(function* () {
      const stream = yield* listener.accept();
      yield* sleep(20);
      let total = 0;
      for (;;) {
        const bytes = yield* stream.read();
        if (bytes.length === 0) return total;
        total += bytes.length;
      }
    });
    const stream = yield* connect({ port: listener.port });
    yield* stream.write(Buffer.alloc(size));
    stream.shutdownWrite();
    return yield* reader;
  });
  assert.equal(value, size);
  const writes = trace.operations.filter((operation) => operation.kind === 'write');
  const bytes = writes.map(({ outcome }) => ('bytes' in outcome ? outcome.bytes : -1));
  assert.deepEqual(
    writes.map((operation) => operation.madeBy),
    ['poll', 'turn'],
  );
  assert.equal((bytes[0] ?? 0) + (bytes[1] ?? 0), size);
  assert.ok((bytes[0] ?? 0) > 0 && (bytes[1] ?? 0) > 0);
  const read = trace.operations.filter((operation) => operation.kind === 'read');
  assert.equal(
    read.reduce((sum, { outcome }) => sum + ('bytes' in outcome ? outcome.bytes : 0), 0),
    size,
    'reads made while the slow reader had paused the socket are counted too',
  );
});

test('a slow reader stops the peer: little lies untaken', async () => {
  let sent = 0;
  const peer = createServer((socket) => {
    const chunk = Buffer.alloc(65_536);
    const fill = (): void => {
      while (socket.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    socket.on('drain', fill);
    socket.on('error', () => undefined);
    fill();
  });
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  const address = peer.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { trace, value: untaken } = await record(function* () {
    const stream = yield* connect({ port: address.port });
    yield* sleep(100);
    const bytes = yield* stream.read(Number.MAX_SAFE_INTEGER);
    stream.close();
    return bytes.length;
  });
  peer.close();
  const taken = trace.operations.findIndex((operation) => operation.kind === 'take');
  const readBytes = trace.operations
    .slice(0, taken)
    .filter((operation) => operation.kind === 'read')
    .reduce((sum, { outcome }) => sum + ('bytes' in outcome ? outcome.bytes : 0), 0);
  assert.ok(untaken >= 262_144, `it read up to its limit: ${untaken}`);
  // Node reads once more after the pause, into its own buffer, and no callback tells of it.
  assert.ok(readBytes > untaken, `that read is recorded when it was made: ${readBytes} > ${untaken}`);
  assert.ok(readBytes <= 262_144 + 2 * 65_536, `and at most what was under way: ${readBytes}`);
  assert.ok(sent > readBytes);
});

test('a refused connection throws at the await and is recorded as the turn’s', async () => {
  const unused = createServer();
  await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
  const address = unused.address();
  assert.ok(typeof address === 'object' && address !== null);
  await new Promise<void>((resolve) => unused.close(() => resolve()));
  const { trace, value } = await record(function* () {
    try {
      yield* connect({ port: address.port });
    } catch (error) {
      return error;
    }
    return undefined;
  });
  assert.ok(value instanceof TcpError);
  assert.equal(value.code, 'ECONNREFUSED');
  assert.match(value.message, /connecting source \d+ \(127\.0\.0\.1:\d+\) failed/);
  assert.deepEqual(trace.trace('operation', 'readiness'), ['connect failed by turn', 'readiness 18']);
});

test('a name is looked up by a job of the pool', async () => {
  const { trace, value } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    spawn(() => serve(listener, 1));
    const stream = yield* connect({ host: 'localhost', port: listener.port });
    yield* stream.write('x');
    return (yield* stream.read()).toString();
  });
  assert.equal(value, 'x');
  assert.deepEqual(
    trace.jobs.map((job) => `${job.kind} ${job.name}`),
    ['dns localhost'],
  );
});

test('closing a stream wakes who reads it, with an error that says so', async () => {
  const { value } = await record(function* () {
    const listener = yield* listen({ port: 0 });
    const stream = yield* connect({ port: listener.port });
    const reader = spawn(function* () {
      try {
        yield* stream.read();
      } catch (error) {
        return error;
      }
      return undefined;
    });
    yield* sleep(2);
    stream.close();
    return yield* reader;
  });
  assert.ok(value instanceof TcpError);
  assert.match(value.message, /was closed by this program/);
});

test('a reset by the peer is an error of the turn’s read', async () => {
  const peer = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  const address = peer.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { trace, value } = await record(function* () {
    const stream = yield* connect({ port: address.port });
    yield* stream.write('go away');
    try {
      yield* stream.read();
    } catch (error) {
      return error;
    }
    return undefined;
  });
  peer.close();
  assert.ok(value instanceof TcpError);
  assert.equal(value.code, 'ECONNRESET');
  assert.ok(trace.trace('operation').includes('read failed by turn'));
});

test('sockets that a cancelled task left open are closed with the runtime', async () => {
  const open = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind)).length;
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  await settle();
  const before = open();
  await run(function* () {
    const listener = yield* listen({ port: 0 });
    spawn(function* () {
      yield* connect({ port: listener.port });
      yield* sleep(60_000);
    });
    yield* listener.accept();
  });
  await settle();
  assert.equal(open(), before);
});

/** Cancels the first acceptor after it was woken and before it is polled. */
class CancelOnWake extends RecordingObserver {
  victim: JoinHandle<unknown> | undefined;

  override wake(...args: Parameters<RecordingObserver['wake']>): void {
    super.wake(...args);
    const [task, , , cause] = args;
    // The next-tick queue runs after this callback of the loop and before the batch of polls.
    if (task === this.victim?.id && cause.kind === 'source') process.nextTick(() => this.victim?.abort());
  }
}

test('an acceptor that is cancelled between its wake and its poll passes the connection on', async () => {
  const trace = new CancelOnWake();
  setObserver(trace);
  const value = await run(function* () {
    const listener = yield* listen({ port: 0 });
    trace.victim = spawn(() => listener.accept()[Symbol.iterator](), { name: 'first' });
    const second = spawn(function* () {
      yield* listener.accept();
      return 'second';
    });
    yield* sleep(1);
    const peer = nodeConnect(listener.port, '127.0.0.1');
    const winner = yield* second;
    peer.destroy();
    return winner;
  });
  setObserver(undefined);
  assert.equal(value, 'second');
  assert.ok(trace.trace('taskEnded').includes('first cancelled by outside'));
});

test('bad arguments get clear errors', () => {
  assert.throws(() => connect({ port: 70_000 }), /whole number from 0 to 65535/);
  assert.throws(() => listen({ port: 1.5 }), RangeError);
});
