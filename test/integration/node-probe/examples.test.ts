// The examples count for themselves what the trace must say: here both are held against each other.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  causeKind,
  endOutcome,
  eventField,
  eventKind,
  operationKind,
  operationMaker,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const examples = new URL('../../../runtime-probe/examples/typescript/src/', import.meta.url);
const programs = new ProbePrograms();
after(() => programs.remove());

async function record<T>(path: string, rounds: number): Promise<{ counters: T; model: ReferenceModel }> {
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(path, {
      environment: receiver.environment,
      arguments: ['--rounds', String(rounds)],
    });
    assert.equal(result.code, 0, result.stderr);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    return { counters: JSON.parse(result.stdout) as T, model };
  } finally {
    await receiver.close();
  }
}

/** Polls per task in the trace, for the tasks with this name and a number. */
function pollsByName(model: ReferenceModel, name: string, count: number): (number | undefined)[] {
  const texts = new Map(model.dictionary.flatMap((r) => (r.record === 'text' ? [[r.text, r.id]] : [])));
  const tasks = new Map(model.dictionary.flatMap((r) => (r.record === 'task' ? [[r.name, r.id]] : [])));
  const polls = new Map(model.tasks.map((task) => [task.id, task.polls.length]));
  return Array.from({ length: count }, (_, i) => polls.get(tasks.get(texts.get(`${name} ${i}`) ?? -1) ?? -1));
}

function ofKind(model: ReferenceModel, kind: number): readonly ReferenceEvent[] {
  return model.events.filter((event) => event.kind === kind);
}

/** Every poll after the first has its wake, and every wait a cause that was recorded. */
function checkCauses(model: ReferenceModel): void {
  for (const task of model.tasks) {
    assert.deepEqual(task.spuriousEpochs, []);
    assert.equal(task.causes.length, task.polls.length - 1);
    assert.ok(task.causes.every((cause) => cause.certainty === 'recorded'));
    const parts = task.spans.reduce((sum, span) => sum + span.toNs - span.fromNs, 0);
    assert.equal(parts, task.toNs - task.fromNs);
  }
}

interface RequestCounters {
  readonly tasks: number;
  readonly polls: readonly number[];
  readonly requests: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

test('one hundred requests: the trace says what the program counted', async () => {
  const path = await programs.build(new URL('requests.ts', examples), new URL('server.ts', examples));
  const { counters, model } = await record<RequestCounters>(path, 2);
  assert.equal(counters.tasks, 100);
  assert.equal(counters.requests, 200);
  assert.deepEqual(pollsByName(model, 'client', 100), counters.polls);
  checkCauses(model);

  const at = eventField.operation;
  const operations = ofKind(model, eventKind.operation);
  const bytes = (kind: number): number =>
    operations
      .filter((e) => e.values[at.operationKind] === kind)
      .reduce((sum, e) => sum + (e.values[at.bytes] ?? 0), 0);
  assert.equal(bytes(operationKind.read), counters.bytesRead);
  assert.equal(bytes(operationKind.take), counters.bytesRead);
  assert.equal(bytes(operationKind.write), counters.bytesWritten);
  const reads = operations.filter((e) => e.values[at.operationKind] === operationKind.read);
  assert.ok(
    reads.every((e) => e.values[at.madeBy] === operationMaker.turn),
    "Node's loop makes the reads",
  );
  assert.equal(ofKind(model, eventKind.sourceRegister).length, counters.requests);
  assert.equal(ofKind(model, eventKind.sourceDeregister).length, counters.requests);
  assert.equal(ofKind(model, eventKind.jobSubmit).length, 0);

  // Every wake by a source stands behind a readiness of that source in the same turn, and the turn behind a park.
  let ready = new Set<number>();
  let parks = 0;
  for (const event of model.events) {
    if (event.kind === eventKind.park) {
      ready = new Set();
      parks++;
    } else if (event.kind === eventKind.readiness) ready.add(event.values[eventField.readiness.source] ?? 0);
    else if (event.kind === eventKind.wakeFrom) {
      if (event.values[eventField.wakeFrom.causeKind] !== causeKind.source) continue;
      assert.ok(
        ready.has(event.values[eventField.wakeFrom.causeId] ?? 0),
        'a wake without a readiness in its turn',
      );
    }
  }
  // How often is up to the machine: where it is busy an answer is there before the loop could park.
  assert.ok(parks > 0, 'the loop parked');
});

interface WriteCounters {
  readonly polls: readonly number[];
  readonly jobs: number;
  readonly bytes: number;
  readonly poolThreads: number;
}

test('one hundred file writes: one hundred jobs, a queue behind four threads, no readiness', async () => {
  const path = await programs.build(new URL('file-writes.ts', examples));
  const { counters, model } = await record<WriteCounters>(path, 1);
  assert.equal(counters.jobs, 100);
  assert.deepEqual(pollsByName(model, 'writer', 100), counters.polls);
  checkCauses(model);
  assert.equal(ofKind(model, eventKind.jobSubmit).length, counters.jobs);
  const ends = ofKind(model, eventKind.jobEnd);
  assert.equal(ends.length, counters.jobs);
  assert.ok(ends.every((e) => e.values[eventField.jobEnd.outcome] === endOutcome.completed));
  assert.equal(
    ends.reduce((sum, e) => sum + (e.values[eventField.jobEnd.bytes] ?? 0), 0),
    counters.bytes,
  );
  assert.equal(ofKind(model, eventKind.jobStart).length, 0, 'Node does not tell when a job starts');
  assert.equal(ofKind(model, eventKind.readiness).length, 0);
  const queued = ofKind(model, eventKind.poolState).map((e) => e.values[eventField.poolState.queued] ?? 0);
  assert.equal(Math.max(...queued), counters.jobs - counters.poolThreads);
  const runtime = model.dictionary.find((r) => r.record === 'runtime');
  assert.ok(runtime?.record === 'runtime' && runtime.poolLimit === counters.poolThreads);
});
