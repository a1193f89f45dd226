// Owns running the program of many connections under a probe that is counted: with enough open files, to its end.
// Knows the wire's events by their count and nothing of what they mean.
import { execFile } from 'node:child_process';
import { eventKind } from '../../runtime-probe/protocol/typescript/index.ts';
import { EventCounter } from './event-counter.ts';
import { StreamReceiver, until } from './stream-receiver.ts';

interface Memory {
  readonly residentBytes: number;
  readonly heapBytes: number;
}

export interface Loaded {
  readonly served: number;
  readonly accepted: number;
  readonly halfWay: Memory;
  readonly atEnd: Memory;
  readonly seconds: number;
}

export interface Load {
  /** Of the program `many-connections`. */
  readonly path: string;
  readonly connections: number;
  readonly requests: number;
  readonly nodeArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Beside its connections a process has some files open. */
const otherFiles = 200;
/** What is left of the stalled stream comes within this time, and with its end how much was dropped. */
const lingerMs = 3_000;

/** `lingerMs`: how long it stays after it has reported, which `onReport` hears. */
export function runLoad(load: Load, lingerMs = 0, onReport = (): void => undefined): Promise<Loaded> {
  const { path, connections, requests, nodeArguments, environment, timeoutMs } = load;
  const node = [
    process.execPath,
    '--expose-gc',
    ...nodeArguments,
    path,
    `${connections}`,
    `${requests}`,
    '0',
    `${lingerMs}`,
  ];
  const shell = `ulimit -n ${connections + otherFiles} && exec "$@"`;
  const { PATH = '' } = process.env;
  const beganMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = execFile(
      'sh',
      ['-c', shell, 'sh', ...node],
      { env: { PATH, ...environment }, timeout: timeoutMs, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${error.message}\n${stderr}`));
        else
          resolve({
            ...(JSON.parse(stdout) as Omit<Loaded, 'seconds'>),
            seconds: (performance.now() - beganMs) / 1000,
          });
      },
    );
    child.stdout?.once('data', onReport);
  });
}

export interface RecordedLoad extends Loaded {
  readonly events: number;
  readonly dropped: number;
  readonly spawned: number;
  readonly ended: number;
}

/**
 * The same while it is recorded; its events are counted as they come and not kept. A stalled receiver reads nothing while
 * the load lasts.
 */
export async function recordLoad(load: Load, isStalled = false): Promise<RecordedLoad> {
  const counter = new EventCounter();
  const receiver = await StreamReceiver.listen({ onFrame: (frame) => counter.take(frame) });
  try {
    const environment = { ...load.environment, ...receiver.environment };
    const running = runLoad({ ...load, environment }, isStalled ? lingerMs : 0, () =>
      receiver.setStalled(false),
    );
    if (isStalled) {
      await until(() => receiver.connections.length > 0, 'the program to connect', load.timeoutMs);
      receiver.setStalled(true);
    }
    const loaded = await running;
    await until(() => receiver.connections[0]?.closed === true, 'the stream to end', load.timeoutMs);
    return {
      ...loaded,
      events: counter.events,
      dropped: counter.dropped ?? Number.NaN,
      spawned: counter.ofKind(eventKind.taskSpawn),
      ended: counter.ofKind(eventKind.taskEnd),
    };
  } finally {
    await receiver.close();
  }
}
