// Owns one measurement: a process of `runtime-probe/rust/bench-peers`, with the collector, client or folder that its
// recorder needs. Must not know which measurements are made or what their figures are compared with.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  checkEvents,
  decodeChunkHead,
  decodeEvents,
  EventPlan,
  eventKind,
  type Frame,
  frameHeadBytes,
  frameKind,
  type Shape,
  shapes,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

/** What a recorder needs around its process. */
export type Needs = 'nothing' | 'collector' | 'folder' | 'console client';

export interface Measured {
  /** Processor time of the whole process, flushers included. */
  readonly processNs: number;
  /** Bytes that the recorder sent or wrote; 0 where it writes none. */
  readonly bytes: number;
  /** Of our stream: events in it, those that were dropped, and polls begun. */
  readonly events: number;
  readonly dropped: number;
  readonly polls: number;
  /** Of echo: how long the client took. */
  readonly wallNs: number;
}

/** A measurement may take this long; tracing-chrome and console-subscriber need a good part of it. */
const timeoutMs = 300_000;
const plan = new EventPlan(new Map(shapes.map((shape: Shape) => [shape.kind, shape])));

export interface Measurement {
  readonly binary: string;
  readonly program: string;
  readonly recorder: string;
  readonly needs: Needs;
  readonly polls: number;
}

/** Runs one measurement to its end. */
export async function measure(measurement: Measurement): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-bench-'));
  const receiver = measurement.needs === 'collector' ? await StreamReceiver.listen() : undefined;
  const children: ChildProcess[] = [];
  try {
    const consolePort = measurement.needs === 'console client' ? await freePort() : 0;
    const program = start(
      measurement.binary,
      [measurement.program, measurement.recorder, `${measurement.polls}`],
      {
        ...receiver?.environment,
        BENCH_FOLDER: folder,
        CONSOLE_PORT: `${consolePort}`,
      },
    );
    children.push(program.child);
    let client: Started | undefined;
    if (measurement.needs === 'console client') {
      const reader = start(join(measurement.binary, '../console-client'), [`${consolePort}`], {});
      children.push(reader.child);
      await reader.line('connected');
      program.child.stdin?.write('\n');
    } else if (measurement.program.startsWith('echo')) {
      const said = await program.line('{"address"');
      const address = (JSON.parse(said) as { address: string }).address;
      client = start(measurement.binary, ['echo-client', address, `${measurement.polls}`], {});
      children.push(client.child);
    }
    const { processNs, bytes } = JSON.parse(await program.line('{"processNs"')) as Record<string, number>;
    const wall = client === undefined ? undefined : await client.line('{"wallNs"');
    const wallNs = wall === undefined ? 0 : (JSON.parse(wall) as { wallNs: number }).wallNs;
    if (receiver !== undefined)
      await until(() => receiver.connections[0]?.closed === true, 'the stream to end', timeoutMs);
    const stream = streamFigures(receiver?.frames ?? []);
    const dropped = receiver?.end?.threads.reduce((sum, thread) => sum + thread.dropped, 0) ?? 0;
    const written = receiver === undefined ? (bytes ?? 0) : stream.bytes;
    return { ...stream, processNs: processNs ?? 0, bytes: written, dropped, wallNs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await receiver?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Started {
  readonly child: ChildProcess;
  /** Resolves with the first line that begins so; rejects when the process ends without one. */
  line(beginning: string): Promise<string>;
}

function start(binary: string, args: readonly string[], environment: Record<string, string>): Started {
  const { PATH = '' } = process.env;
  const child = spawn(binary, args, {
    env: { PATH, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: timeoutMs,
  });
  const seen: string[] = [];
  let ended = false;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => seen.push(line));
  lines.on('close', () => {
    ended = true;
  });
  const line = async (beginning: string): Promise<string> => {
    for (;;) {
      const found = seen.find((each) => each.startsWith(beginning));
      if (found !== undefined) return found;
      if (ended) throw new Error(`${[binary, ...args].join(' ')} ended without printing ${beginning}…`);
      await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    }
  };
  return { child, line };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

/** All of the stream counts as its bytes: frame heads, dictionary and watermarks too. */
function streamFigures(frames: readonly Frame[]): { bytes: number; events: number; polls: number } {
  let bytes = 0;
  let events = 0;
  let polls = 0;
  for (const { kind, payload } of frames) {
    bytes += frameHeadBytes + payload.length;
    if (kind !== frameKind.chunk) continue;
    const { eventsAt, firstTick } = decodeChunkHead(payload);
    events += checkEvents(payload, eventsAt, payload.length, plan);
    decodeEvents(payload, eventsAt, payload.length, firstTick, plan, (event) => {
      if (event === eventKind.pollStart) polls++;
    });
  }
  return { bytes, events, polls };
}
