// Owns running a program that knows nothing of Wakeline, given as text, and reading the calls and sites of its trace.
// Must not know what the programs do.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventField, eventKind, type Frame } from '../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from './node-probe-program.ts';
import { type ReferenceModel, readReference } from './reference-reader.ts';
import { ofKind } from './registered-program.ts';
import { recordsBeforeUse } from './stream-checks.ts';
import { StreamReceiver, until } from './stream-receiver.ts';

export interface TracedSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly functionName: string;
}

export interface Traced {
  readonly stdout: string;
  readonly model: ReferenceModel;
  /** Texts by id, and sites. */
  readonly text: (id: number) => string;
  readonly site: (id: number) => TracedSite;
}

export interface TraceHow {
  readonly detail?: 'lean' | 'full';
  /** With which it ends; 0 unless stated. */
  readonly code?: number;
  /** Before the program's name; the register script stands before them. */
  readonly nodeArguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export class TracedPrograms {
  /** Where their files are. */
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'wakeline-traced-')));
  private readonly programs = new ProbePrograms();

  /** A file beside the programs; gives its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** The script that is given to `node --require`; the package's module stands beside it. */
  register(): string {
    return this.programs.register();
  }

  /** Writes a program, runs it to its end and reads its trace. */
  trace(executable: string, name: string, text: string, how: TraceHow = {}): Promise<Traced> {
    return this.traceFile(executable, this.write(name, text), how);
  }

  /** Runs a program to its end and reads its trace. */
  async traceFile(executable: string, path: string, how: TraceHow = {}): Promise<Traced> {
    const receiver = await StreamReceiver.listen();
    try {
      const result = await runProgram(path, {
        executable,
        nodeArguments: ['--require', this.programs.register(), ...(how.nodeArguments ?? [])],
        environment: { ...receiver.environment, WAKELINE_DETAIL: how.detail ?? 'lean', ...how.environment },
      });
      assert.equal(result.code, how.code ?? 0, result.stderr);
      await until(
        () => receiver.connections.length > 0 && receiver.connections.every(({ closed }) => closed),
        'the connections to close',
      );
      assert.equal(receiver.connections.length, 1);
      return { stdout: result.stdout, ...readTrace(receiver.frames) };
    } finally {
      await receiver.close();
    }
  }

  remove(): void {
    this.programs.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readTrace(frames: readonly Frame[]): Omit<Traced, 'stdout'> {
  assert.deepEqual(recordsBeforeUse(frames), []);
  const model = readReference(frames);
  assert.deepEqual(model.gaps, []);
  const texts = new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.id, r.text]] : [])));
  const sites = new Map(model.dictionary.flatMap((r) => (r.record === 'site' ? [[r.id, r]] : [])));
  const text = (id: number): string => texts.get(id) ?? '';
  const site = (id: number): TracedSite => {
    const { file = 0, line = 0, column = 0, function: functionId = 0 } = sites.get(id) ?? {};
    return { file: text(file), line, column, functionName: text(functionId) };
  };
  return { model, text, site };
}

/** Frames' names by their ids. */
export function frameNames({ model, text }: Traced): Map<number, string> {
  return new Map(
    ofKind(model, eventKind.frameOpen).map(({ values }) => [
      values[eventField.frameOpen.frame] ?? 0,
      text(values[eventField.frameOpen.name] ?? 0),
    ]),
  );
}

/** How many calls of each function the trace tells, of those that stand in that file. */
export function callsByName({ model, text, site }: Traced, name: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { values } of ofKind(model, eventKind.frameOpen)) {
    if (!site(values[eventField.frameOpen.site] ?? 0).file.endsWith(`/${name}`)) continue;
    const called = text(values[eventField.frameOpen.name] ?? 0);
    counts[called] = (counts[called] ?? 0) + 1;
  }
  return counts;
}

/** Where frames waited: function and position, each once, in the order in which they were told. */
export function waitPlaces({ model, site }: Traced): TracedSite[] {
  const found = new Map<number, TracedSite>();
  for (const { values } of ofKind(model, eventKind.waitStart)) {
    const id = values[eventField.waitStart.site] ?? 0;
    if (!found.has(id)) found.set(id, site(id));
  }
  return [...found.values()];
}
