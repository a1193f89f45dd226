// Owns one measurement: a program of `programs/` on one Node, recorded in one way or in none, and the load that it needs.
// Must not know which measurements are made or what their figures are compared with.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EventCounter } from '../../support/event-counter.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';
import { bubbleprof } from './fetched.ts';
import { lostMs } from './loss.ts';

/** In which way a program is looked at. */
export interface Mode {
  readonly name: string;
  readonly by: 'nothing' | 'wakeline' | 'script' | 'trace events' | 'bubbleprof';
  /** Which of `programs/` is loaded before the program. */
  readonly script?: 'no-op-hooks' | 'no-op-promise-hooks' | 'no-op-callback-hooks';
  /** Of wakeline: how much is recorded, as WAKELINE_DETAIL says it. */
  readonly detail?: 'off' | 'native' | 'lean' | 'full';
}

/**
 * What is to be done: awaits, or requests over so many connections, at a rate or (0) as fast as they are answered. Those
 * before the measured ones are always made as fast as they are answered.
 */
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
  /** The measured ones and those before them. */
  readonly made: number;
  /** Of our stream: all of them, not only those of the measured part. */
  readonly events: number;
  readonly dropped: number;
  /** Requests a second as the client counted them, of the measured ones where they have a rate; 0 for awaits. */
  readonly perSecond: number;
}

/**
 * Made before the measured ones, so that the compiler has done its work by then; of less work no more than that. Of
 * 10,000 requests behind 500, each cost half as much again as in the long run.
 */
const warmUp = { awaits: 30_000, requests: 10_000 } as const;
const warmUpOf = ({ kind, count }: Work): number => Math.min(warmUp[kind], count);
const scripts = ['no-op-hooks', 'no-op-promise-hooks', 'no-op-callback-hooks'] as const;
const timeoutMs = 300_000;

export class MeasuredPrograms {
  private readonly programs = new ProbePrograms();
  private readonly paths = new Map<string, string>();

  async build(): Promise<void> {
    for (const name of ['awaits', 'server', 'client', ...scripts])
      this.paths.set(name, await this.programs.build(new URL(`./programs/${name}.ts`, import.meta.url)));
    const ticking = new URL('../../integration/node-register/programs/ticking.ts', import.meta.url);
    this.paths.set('ticking', await this.programs.build(ticking));
  }

  remove(): void {
    this.programs.remove();
  }

  /** What a program loses by this signal, in ms. */
  lostMs(node: string, signal: NodeJS.Signals): Promise<number> {
    return lostMs(node, this.programs.register(), this.path('ticking'), signal);
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
      const made = work.count + warmUpOf(work);
      const port = (await program.line('ready')).slice('ready '.length);
      if (receiver !== undefined)
        await until(() => receiver.connections.length > 0, 'the program to connect', timeoutMs);
      let perSecond = 0;
      if (work.kind === 'awaits') program.child.stdin?.write('go\n');
      else {
        const client = start(
          process.execPath,
          [
            this.path('client'),
            port,
            `${work.connections}`,
            `${made}`,
            `${work.perSecond}`,
            `${warmUpOf(work)}`,
          ],
          {},
          folder,
        );
        children.push(client.child);
        ({ perSecond } = JSON.parse(await client.line('{"perSecond"')) as { perSecond: number });
      }
      const used = JSON.parse(await program.line('{"mainNs"')) as Measured;
      await program.ended;
      if (receiver !== undefined)
        await until(() => receiver.connections[0]?.closed === true, 'the stream to end', timeoutMs);
      return { ...used, made, events: counter.events, dropped: counter.dropped ?? 0, perSecond };
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
        ? [this.path('awaits'), `${warmUpOf(work)}`, `${work.count}`]
        : [this.path('server'), `${warmUpOf(work)}`, `${work.count}`];
    const detail: Record<string, string> = mode.detail === undefined ? {} : { WAKELINE_DETAIL: mode.detail };
    const all = { ...receiver?.environment, ...environment, ...detail };
    return start(node, [...options, ...program], all, folder);
  }

  private options(
    { by, script = 'no-op-hooks' }: Mode,
    folder: string,
  ): { options: string[]; environment: Record<string, string> } {
    if (by === 'wakeline') return { options: ['--require', this.programs.register()], environment: {} };
    if (by === 'script') return { options: ['--import', this.path(script)], environment: {} };
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
