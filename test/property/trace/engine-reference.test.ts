// The engine holds what the reference reader says, on every golden trace and on random ones, whatever the order of chunks.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Frame } from '../../../runtime-probe/protocol/typescript/index.ts';
import { interleave, randomTrace } from '../../support/random-trace.ts';
import { type ReferenceTask, readReference } from '../../support/reference-reader.ts';
import { framesOf } from '../../support/text-trace.ts';
import { dumpTasks, sessionOf } from '../../unit/trace/engine-dump.ts';

function dumpOfReference(tasks: readonly ReferenceTask[]): string {
  const lines: string[] = [];
  for (const task of tasks) {
    lines.push(`task ${task.id} ${task.fromNs}..${task.toNs}${task.open ? ' open' : ''}`);
    for (const span of task.spans) lines.push(`  ${span.fromNs}..${span.toNs} ${span.state}`);
    if (task.spuriousEpochs.length > 0) lines.push(`  spurious ${task.spuriousEpochs.join(' ')}`);
  }
  return lines.join('\n');
}

function compare(frames: readonly Frame[]): void {
  const reference = readReference(frames);
  const session = sessionOf(frames);
  assert.equal(dumpTasks(session), dumpOfReference(reference.tasks));
  assert.equal(session.endNs, reference.endNs);
  const totals = session.totals();
  const causes = reference.tasks.flatMap((task) => task.causes);
  const having = (certainty: string) => causes.filter((cause) => cause.certainty === certainty).length;
  assert.deepEqual(
    {
      tasks: totals.tasks,
      alive: totals.tasksAlive,
      polls: totals.polls,
      wakes: totals.wakes,
      events: totals.events,
      gaps: totals.gaps,
      spurious: totals.spuriousPolls,
      recorded: totals.waitsRecorded,
      inferred: totals.waitsInferred,
      unknown: totals.waitsUnknown,
    },
    {
      tasks: reference.tasks.length,
      alive: reference.tasks.filter((task) => task.open).length,
      polls: reference.tasks.reduce((sum, task) => sum + task.polls.length, 0),
      wakes: reference.wakes.length,
      events: reference.events.length,
      gaps: reference.gaps.length,
      spurious: reference.tasks.reduce((sum, task) => sum + task.spuriousEpochs.length, 0),
      recorded: having('recorded'),
      inferred: having('inferred'),
      unknown: having('unknown'),
    },
  );
}

const folder = fileURLToPath(new URL('../../golden/traces/', import.meta.url));
for (const name of readdirSync(folder).filter((each) => each.endsWith('.trace')))
  test(`${name}: the engine reads it as the reference reader does`, () => {
    compare(framesOf(readFileSync(`${folder}${name}`, 'utf8')));
  });

test('random traces, with losses, in any order of chunks', () => {
  const choices = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 400 });
  const picks = fc.array(fc.nat(5), { minLength: 1 });
  fc.assert(
    fc.property(choices, picks, fc.boolean(), (list, order, losses) => {
      compare(interleave(randomTrace(list, 3, losses), order));
    }),
    { numRuns: 300 },
  );
});
