// Owns one measurement: a program of `programs/` on one Node, recorded in one way or in none, and the load that it needs.
// Must not know which measurements are made or what their figures are compared with.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { detail, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { EventCounter } from '../../support/event-counter.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';
import { bubbleprof } from './fetched.ts';

/** In which way a program is looked at. */
export interface Mode {
  readonly name: string;
  readonly by: 'nothing' | 'wakeline' | 'no-op hooks' | 'trace events' | 'bubbleprof';
  /** Of wakeline: how much is recorded. */
  readonly detail?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What is to be done: awaits, or requests over so many connections, at a rate or (0) as fast as they are answered. */
export type Work =
  | { readonly kind: 'awaits'; readonly count: number }
  | {
      readonly kind: 'requests';
      readonly count: number;
      readonly connections: number;
      readonly perSecond: number;
    };

export interface Measured {
  readonly mainNs: number;
  readonly processNs: number;
  readonly count: number;
  /** Of our stream; what came before and after the measured part is in it. */
  readonly events: number;
  readonly dropped: number;
  /** Requests a second as the client counted them; 0 for awaits. */
  readonly perSecond: number;
}

/** Requests before the measured ones; awaits have their own. */
const warmUpRequests = 500;
const timeoutMs = 300_000;

export class MeasuredPrograms {
  private readonly programs = new ProbePrograms();
  private readonly paths = new Map<string, string>();

  async build(): Promise<void> {
    for (const name of ['awaits', 'server', 'client', 'no-op-hooks'])
      this.paths.set(name, await this.programs.build(new URL(`./programs/${name}.ts`, import.meta.url)));
  }

  remove(): void {
    this.programs.remove();
  }

  /** Runs one measurement to its end. */
  async measure(node: string, mode: Mode, work: Work): Promise<Measured> {
    const counter = new EventCounter();
    const receiver =
      mode.by === 'wakeline'
        ? await StreamReceiver.listen({ onFrame: (frame) => counter.take(frame) })
        : undefined;
    // Trace events and bubbleprof leave files where they run.
    const folder = mkdtempSync(join(tmpdir(), 'wakeline-bench-'));
    const children: ChildProcess[] = [];
    try {
      const program = this.start(node, mode, work, folder, receiver);
      children.push(program.child);
      const port = (await program.line('ready')).slice('ready '.length);
      if (receiver !== undefined) await settle(receiver, counter, mode.detail ?? detail.full);
      let perSecond = 0;
      if (work.kind === 'awaits') program.child.stdin?.write('go\n');
      else {
        const all = work.count + warmUpRequests;
        const client = start(
          process.execPath,
          [this.path('client'), port, `${work.connections}`, `${all}`, `${work.perSecond}`],
          {},
          folder,
        );
        children.push(client.child);
        perSecond = all / (JSON.parse(await client.line('{"seconds"')) as { seconds: number }).seconds;
      }
      const used = JSON.parse(await program.line('{"mainNs"')) as Measured;
      await program.ended;
      if (receiver !== undefined)
        await until(() => receiver.connections[0]?.closed === true, 'the stream to end', timeoutMs);
      return { ...used, events: counter.events, dropped: counter.dropped ?? 0, perSecond };
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await receiver?.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  private start(
    node: string,
    mode: Mode,
    work: Work,
    folder: string,
    receiver: StreamReceiver | undefined,
  ): Started {
    const { options, environment } = this.options(mode, folder);
    const program =
      work.kind === 'awaits'
        ? [this.path('awaits'), `${work.count}`]
        : [this.path('server'), `${warmUpRequests}`, `${work.count}`];
    return start(
      node,
      [...options, ...program],
      { ...receiver?.environment, ...environment, ...mode.environment },
      folder,
    );
  }

  private options({ by }: Mode, folder: string): { options: string[]; environment: Record<string, string> } {
    if (by === 'wakeline') return { options: ['--require', this.programs.register()], environment: {} };
    if (by === 'no-op hooks') return { options: ['--import', this.path('no-op-hooks')], environment: {} };
    if (by === 'trace events')
      return { options: ['--trace-event-categories', 'node.async_hooks'], environment: {} };
    if (by === 'nothing') return { options: [], environment: {} };
    // As its own `collect` starts a program.
    return {
      options: [],
      environment: {
        NODE_PATH: join(bubbleprof(), 'injects'),
        NODE_OPTIONS:
          '-r no-cluster.js -r logger.js --trace-events-enabled --trace-event-categories node.async_hooks',
        NODE_CLINIC_BUBBLEPROF_DATA_PATH: folder,
      },
    };
  }

  private path(name: string): string {
    return this.paths.get(name) ?? '';
  }
}

/** Waits until the program records as much as it shall. */
async function settle(receiver: StreamReceiver, counter: EventCounter, level: number): Promise<void> {
  await until(() => receiver.connections.length > 0, 'the program to connect', timeoutMs);
  if (level === detail.full) return;
  receiver.sendControl(level);
  await until(() => counter.ofKind(eventKind.detailChange) > 0, 'the program to hear', timeoutMs);
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** Resolves with the first line that begins so; rejects when the process ends without one. */
  line(beginning: string): Promise<string>;
}

function start(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd: string,
): Started {
  const { PATH = '' } = process.env;
  const child = spawn(command, args, {
    env: { PATH, ...environment },
    // bubbleprof talks over the fourth.
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    cwd,
    timeout: timeoutMs,
  });
  const ended = once(child, 'exit');
  const seen: string[] = [];
  let closed = false;
  const { stdout } = child;
  if (stdout === null) throw new Error('a child without output');
  const lines = createInterface({ input: stdout });
  lines.on('line', (line) => seen.push(line));
  lines.on('close', () => {
    closed = true;
  });
  const line = async (beginning: string): Promise<string> => {
    for (;;) {
      const found = seen.find((each) => each.startsWith(beginning));
      if (found !== undefined) return found;
      if (closed) throw new Error(`${[command, ...args].join(' ')} ended without printing ${beginning}…`);
      await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    }
  };
  return { child, ended, line };
}
