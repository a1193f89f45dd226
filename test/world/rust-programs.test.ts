// Programs that nobody here wrote, given the probe by one line: their lock files move nothing, their own tests end as
// before, also while they are recorded, and the trace shows every connection that they serve or make.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sourceKind } from '../../runtime-probe/protocol/typescript/index.ts';
import { readReference } from '../support/reference-reader.ts';
import {
  differences,
  type Outcomes,
  ownCrate,
  RegistryCopy,
  type RegistryCrate,
} from '../support/registry-program.ts';
import { recordsBeforeUse } from '../support/stream-checks.ts';
import { type ReceivedConnection, StreamReceiver, until } from '../support/stream-receiver.ts';

const connections = 20;

interface Case {
  readonly program: RegistryCrate;
  /** Where `wakeline::init!();` goes: behind this text of this file. */
  readonly lines: readonly { readonly file: string; readonly after: string }[];
  readonly about: string;
  readonly binary: string;
  /** Has the program serve or make connections, and gives the ports of their far ends, as those have them. */
  readonly drive: (
    binary: string,
    environment: NodeJS.ProcessEnv,
    seen: (ports: readonly number[]) => Promise<void>,
  ) => Promise<readonly number[]>;
}

const cases: readonly Case[] = [
  {
    program: { name: 'mini-redis', version: '0.4.1' },
    // Its tests call the library, so the line is where a server begins.
    lines: [
      {
        file: 'src/server.rs',
        after: 'pub async fn run(listener: TcpListener, shutdown: impl Future) -> crate::Result<()> {',
      },
    ],
    about: 'a server on tokio 1.8 of 2021',
    binary: 'mini-redis-server',
    drive: async (binary, environment) => {
      const port = await freePort();
      const server = start(binary, ['--port', `${port}`], environment);
      const ports = await eachConnection(port, async (socket) => {
        socket.write('*3\r\n$3\r\nset\r\n$3\r\nkey\r\n$5\r\nvalue\r\n');
        assert.equal(await answer(socket), '+OK\r\n');
      });
      await stop(server, 'SIGINT');
      return ports;
    },
  },
  {
    program: { name: 'bore-cli', version: '0.6.0' },
    lines: [
      { file: 'src/main.rs', after: 'fn main() -> Result<()> {' },
      { file: 'src/server.rs', after: 'pub async fn listen(self) -> Result<()> {' },
    ],
    about: 'a tunnel',
    binary: 'bore',
    drive: async (binary, environment, seen) => {
      const { WAKELINE: _address, WAKELINE_TOKEN: _token, ...unrecorded } = environment;
      const target = await listenHttp();
      const server = start(binary, ['server', '--bind-addr', '127.0.0.1'], environment);
      // The port of its control connection is fixed.
      await accepts(7_835);
      const port = await freePort();
      const to = [`${portOf(target)}`, '--local-host', '127.0.0.1', '--to', '127.0.0.1', '--port', `${port}`];
      const local = start(binary, ['local', ...to], unrecorded);
      const ports = await eachConnection(port, async (socket) => {
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        assert.match(await answer(socket), /^HTTP\/1\.1 200 /);
      });
      await stop(local, 'SIGTERM');
      // The signal kills it. What it had not sent then stays in its ring, which this receiver does not read.
      await seen(ports);
      await stop(server, 'SIGTERM');
      target.close();
      return ports;
    },
  },
  {
    program: { name: 'dufs', version: '0.43.0' },
    lines: [{ file: 'src/main.rs', after: 'async fn main() -> Result<()> {' }],
    about: 'a file server on hyper',
    binary: 'dufs',
    drive: async (binary, environment) => {
      const folder = mkdtempSync(join(tmpdir(), 'wakeline-dufs-'));
      try {
        writeFileSync(join(folder, 'file.txt'), 'what is served');
        const port = await freePort();
        const server = start(binary, ['--bind', '127.0.0.1', '--port', `${port}`, folder], environment);
        const ports = await eachConnection(port, async (socket) => {
          socket.write('GET /file.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
          assert.match(await answer(socket), /what is served$/);
        });
        await stop(server, 'SIGINT');
        return ports;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
  {
    program: { name: 'xh', version: '0.24.0' },
    lines: [{ file: 'src/main.rs', after: '\nfn main() {' }],
    about: 'a client with reqwest',
    binary: 'xh',
    drive: async (binary, environment) => {
      const ports: number[] = [];
      const server = await listenHttp((request) => ports.push(request.socket.remotePort ?? 0));
      for (let i = 0; i < 5; i++)
        await done(start(binary, ['--ignore-stdin', `http://127.0.0.1:${portOf(server)}/`], environment));
      server.close();
      return ports;
    },
  },
];

for (const { program, lines, about, binary, drive } of cases)
  describe(`${program.name} ${program.version}, ${about}`, () => {
    let copy: RegistryCopy;
    let receiver: StreamReceiver;
    let lockBefore: ReturnType<RegistryCopy['lockedPackages']>;
    let testsBefore: Outcomes;

    before(async () => {
      receiver = await StreamReceiver.listen();
      copy = await RegistryCopy.fetch(program);
      lockBefore = copy.lockedPackages();
      testsBefore = await copy.test();
      await copy.addToManifest(`[dependencies.wakeline]\n${ownCrate('probe', ['tokio'])}`);
      for (const { file, after } of lines)
        copy.edit(file, (text) => text.replace(after, `${after}\n    wakeline::init!();`));
    });
    after(async () => {
      // Some tests kill their servers. A collector would read what is left in their rings and remove them.
      for (const { ringFile } of receiver.hellos) if (ringFile !== '') rmSync(ringFile, { force: true });
      await receiver.close();
    });

    test('adding the probe moves no entry of the lock file', () => {
      const lockAfter = copy.lockedPackages();
      const ours = (name: string): boolean => /^wakeline(-|$)/.test(name);
      const others = lockAfter.filter((entry) => !ours(entry.name));
      const itself = (entry: { readonly name: string }): boolean => entry.name === program.name;
      assert.deepEqual(
        others.filter((entry) => !itself(entry)),
        lockBefore.filter((entry) => !itself(entry)),
      );
      assert.ok(lockAfter.some((entry) => entry.name === 'wakeline'));
    });

    test('its own tests end as before, not recorded', async () => {
      assert.ok([...testsBefore.values()].filter((outcome) => outcome === 'ok').length >= 10);
      assert.deepEqual(await differences(copy, testsBefore, {}), []);
    });

    test('its own tests end as before while they are recorded', async () => {
      assert.deepEqual(await differences(copy, testsBefore, { environment: receiver.environment }), []);
      assert.ok(receiver.connections.length > 0, 'a recording came');
      for (const { frames } of receiver.connections) assert.deepEqual(recordsBeforeUse(frames), []);
    });

    test('the trace shows every connection', async () => {
      const path = await copy.build(binary);
      const earlier = receiver.connections.length;
      const recorded = (): readonly ReceivedConnection[] => receiver.connections.slice(earlier);
      const haveCome = (ports: readonly number[]): boolean => {
        const seen = new Set(recorded().flatMap(farPorts));
        return ports.every((port) => seen.has(port));
      };
      const ports = await drive(path, { ...process.env, ...receiver.environment }, (those) =>
        until(() => haveCome(those), 'the last connections to be told'),
      );
      await until(() => recorded().every((connection) => connection.closed), 'the recordings to end');
      const seen = recorded().flatMap(farPorts);
      assert.ok(ports.length > 0);
      for (const port of ports)
        assert.equal(seen.filter((each) => each === port).length, 1, `the connection of port ${port}`);
    });
  });

/** The ports at both ends of each TCP connection of a recording, but those of our own listeners. */
function farPorts({ frames }: ReceivedConnection): readonly number[] {
  const model = readReference(frames);
  const texts = new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.id, r.text]] : [])));
  const portIn = (text: number): number => Number(/:(\d+)$/.exec(texts.get(text) ?? '')?.[1] ?? 0);
  const streams = new Map<number, readonly number[]>();
  for (const record of model.dictionary)
    if (record.record === 'source' && record.sourceKind === sourceKind.tcpStream)
      streams.set(record.id, [portIn(record.local), portIn(record.peer)]);
  return [...streams.values()].flat();
}

async function eachConnection(
  port: number,
  use: (socket: Socket) => Promise<void>,
): Promise<readonly number[]> {
  await accepts(port);
  const ports: number[] = [];
  for (let i = 0; i < connections; i++) {
    const socket = await opened(port);
    ports.push(socket.localPort ?? 0);
    await use(socket);
    socket.destroy();
  }
  return ports;
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Waits until somebody listens there. */
async function accepts(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      (await opened(port)).destroy();
      return;
    } catch (error) {
      if (attempt === 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** What comes first; all of it where the server closes. */
function answer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setTimeout(30_000, () => reject(new Error('no answer in 30 s')));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (!text.startsWith('HTTP')) resolve(text);
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listenHttp(seen: (request: IncomingMessage) => void = () => undefined): Promise<Server> {
  const server = createServer((request, response) => {
    seen(request);
    response.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function start(path: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(path, args, { env, stdio: 'ignore', timeout: 120_000 });
}

function done(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await done(child);
}
