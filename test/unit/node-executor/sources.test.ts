// Behaviour of the sources besides TCP: Unix sockets, UDP, signals, child processes.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type Async,
  bindUdp,
  connectUnix,
  listenUnix,
  run,
  select,
  signals,
  spawn,
  startChild,
  type TcpStream,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

const folder = mkdtempSync(join(tmpdir(), 'wakeline-sources-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function* readAll(stream: TcpStream): Async<string> {
  let text = '';
  for (let bytes = yield* stream.read(); bytes.length > 0; bytes = yield* stream.read()) text += bytes;
  return text;
}

test('a Unix socket: listen, connect, write, read to the end', async () => {
  const path = join(folder, 'echo');
  const { trace, value } = await record(function* () {
    const listener = yield* listenUnix(path);
    spawn(function* () {
      const stream = yield* listener.accept();
      yield* stream.write((yield* readAll(stream)).toUpperCase());
      stream.shutdownWrite();
    });
    const client = yield* connectUnix(path);
    yield* client.write('hello');
    client.shutdownWrite();
    return yield* readAll(client);
  });
  assert.equal(value, 'HELLO');
  assert.equal(existsSync(path), false, 'the listener took its path away');
  const kinds = new Set(trace.sources.map((source) => source.kind));
  assert.deepEqual([...kinds].sort(), ['unixListener', 'unixStream']);
  assert.ok(trace.sources.some((source) => source.kind === 'unixStream' && source.peer === path));
  assert.ok(trace.sources.some((source) => source.kind === 'unixStream' && source.local === path));
  assert.ok(trace.trace('operation').includes('read 5 by turn'));
  assert.ok(trace.trace('operation').includes('take 5 by poll'));
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('a Unix socket that is not there: the error names it', async () => {
  const path = join(folder, 'nobody');
  await assert.rejects(run(connectUnix(path)), (error: unknown) => {
    assert.ok(error instanceof Error && error.message.includes(path));
    return /ENOENT/.test(error.message);
  });
});

test('UDP: datagrams go to and fro, each a read by the turn and a take by the poll', async () => {
  const { trace, value } = await record(function* receiving() {
    const server = yield* bindUdp({ port: 0 });
    const client = yield* bindUdp({ port: 0 });
    spawn(
      function* () {
        const asked = yield* server.receive();
        yield* server.send(`${asked.data} back`, asked);
      },
      { name: 'server' },
    );
    assert.equal(yield* client.send('there and', { port: server.port }), 9);
    const answer = yield* client.receive();
    assert.equal(answer.port, server.port);
    return `${answer.data}`;
  });
  assert.equal(value, 'there and back');
  assert.deepEqual([...new Set(trace.trace('operation'))].sort(), [
    'read 14 by turn',
    'read 9 by turn',
    'take 14 by poll',
    'take 9 by poll',
    'write 14 by turn',
    'write 9 by turn',
  ]);
  const ports = trace.sources.filter((source) => source.kind === 'udpSocket' && !source.local.endsWith(':0'));
  assert.equal(ports.length, 2);
  assert.match(siteLabel(ports[0]?.site), /receiving/);
  assert.deepEqual(trace.brokenEpochs(), []);
  assert.equal(trace.trace('sourceDeregistered').length, 2, 'the end of the root closed them');
});

test('a datagram that was given to a cancelled task goes to the next, and a closed socket says so', async () => {
  await run(function* () {
    const socket = yield* bindUdp({ port: 0 });
    const cancelled = spawn(function* () {
      yield* socket.receive();
      return assert.fail('it was cancelled');
    });
    const next = spawn(socket.receive());
    yield* yieldNow();
    // The first is cancelled before the datagram came or before it was polled for it, as the loop has it.
    yield* socket.send('x', { port: socket.port });
    cancelled.abort();
    assert.equal(`${(yield* next).data}`, 'x');
    const waiting = spawn(socket.receive());
    yield* yieldNow();
    socket.close();
    socket.close();
    let message = '';
    try {
      yield* waiting;
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.match(message, /closed by this program/);
  });
  await assert.rejects(run(bindUdp({ port: 0, host: '203.0.113.1' })), /binding 203\.0\.113\.1:0 failed/);
});

test('a signal wakes the task that waits for it; one that was taken is gone', async () => {
  const before = process.listenerCount('SIGWINCH');
  const { trace } = await record(function* () {
    const usr = signals('SIGWINCH');
    process.kill(process.pid, 'SIGWINCH');
    yield* usr.next();
    // Nothing is left of it.
    const lost = yield* select(usr.next(), yieldNow());
    assert.equal(lost.index, 1);
    usr.close();
  });
  assert.equal(process.listenerCount('SIGWINCH'), before, 'the signal has its ordinary effect again');
  const [source] = trace.sources;
  assert.deepEqual([source?.kind, source?.local], ['signal', 'SIGWINCH']);
  const wake = trace.wakesOf(trace.taskNamed('root'))[0];
  assert.equal(wake?.cause.kind, 'source');
});

test('a child process: its output is read, its end is collected', async () => {
  const program = `process.stdin.on('data', (d) => process.stdout.write('got ' + d)).on('end', () => process.exit(3))`;
  const { trace, value } = await record(function* starting() {
    const child = startChild(process.execPath, ['-e', program], { stdin: 'pipe', stdout: 'pipe' });
    assert.equal(child.stderr, undefined);
    yield* child.stdin?.write('this') ?? assert.fail();
    child.stdin?.shutdownWrite();
    const output = yield* readAll(child.stdout ?? assert.fail());
    const status = yield* child.wait();
    assert.deepEqual(yield* child.wait(), status);
    return { output, status };
  });
  assert.deepEqual(value, { output: 'got this', status: { code: 3, signal: null } });
  const child = trace.sources.find((source) => source.kind === 'child');
  assert.match(siteLabel(child?.site), /starting/);
  assert.deepEqual(
    trace.sources.filter((source) => source.kind === 'pipe').map((source) => source.peer.split(' ')[0]),
    ['stdin', 'stdout'],
  );
  assert.ok(trace.trace('operation').includes('collect 0 by turn'));
  assert.deepEqual(trace.brokenEpochs(), []);
});

test('a child that is killed says by which signal; one that is not there cannot be started', async () => {
  await run(function* () {
    const child = startChild(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    assert.equal(child.kill('SIGKILL'), true);
    assert.deepEqual(yield* child.wait(), { code: null, signal: 'SIGKILL' });
    assert.equal(child.kill(), false);
    assert.throws(() => startChild(join(folder, 'no-such-program')), /cannot start .*no-such-program/);
    yield* yieldNow();
  });
});

test('the end of the root forgets a child that runs', async () => {
  let pid = 0;
  await run(function* () {
    const child = startChild(process.execPath, ['-e', 'setTimeout(() => {}, 20000)']);
    pid = child.pid;
    yield* yieldNow();
  });
  // It lives; this throws when there is no such process.
  process.kill(pid, 'SIGKILL');
});
