// A tokio program counts for itself what the trace must say, and strace what the kernel was asked: here the trace is
// held against both. What tokio keeps to itself must be marked as inferred or unknown, never as recorded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  causeKind,
  eventField,
  eventKind,
  operationKind,
  operationMaker,
  operationOutcome,
  parkKind,
  sourceKind,
  visibility,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import type { RequestCounters } from '../../support/example-claims.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { type SystemCall, witness } from '../../support/strace.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

interface Counters extends RequestCounters {
  /** tokio's own `num_alive_tasks` when all clients were spawned. */
  readonly aliveTasks: number;
}

interface Traced {
  readonly model: ReferenceModel;
  readonly counters: Counters;
}

async function received<T>(run: (environment: Readonly<Record<string, string>>) => Promise<T>) {
  const receiver = await StreamReceiver.listen();
  try {
    const result = await run(receiver.environment);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.ok(receiver.end !== undefined, 'the stream has no end');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    return { result, model: readReference(receiver.frames) };
  } finally {
    await receiver.close();
  }
}

async function traceRequests(rounds: number): Promise<Traced> {
  const { result, model } = await received((environment) =>
    runProgram(rustExample('requests-tokio'), ['--rounds', `${rounds}`], environment),
  );
  assert.equal(result.code, 0, result.stderr);
  return { model, counters: JSON.parse(result.stdout) as Counters };
}

const ofKind = (model: ReferenceModel, kind: number): readonly ReferenceEvent[] =>
  model.events.filter((event) => event.kind === kind);

function operations(model: ReferenceModel, kind: number): readonly ReferenceEvent[] {
  return ofKind(model, eventKind.operation).filter(
    (event) => event.values[eventField.operation.operationKind] === kind,
  );
}

const outcomeOf = (event: ReferenceEvent) => event.values[eventField.operation.outcome];
const bytesOf = (event: ReferenceEvent) => event.values[eventField.operation.bytes] as number;

/** The tasks named `client …`, in the order of their spawns. */
function clientsOf(model: ReferenceModel) {
  const texts = new Map(
    model.dictionary.flatMap((each) => (each.record === 'text' ? [[each.id, each.text] as const] : [])),
  );
  const names = new Map(
    model.dictionary.flatMap((each) =>
      each.record === 'task' ? [[each.id, texts.get(each.name) ?? ''] as const] : [],
    ),
  );
  return model.tasks.filter((task) => names.get(task.id)?.startsWith('client '));
}

test('tokio: a hundred tasks, polled as often as they counted, each poll after a wake', async () => {
  const { model, counters } = await traceRequests(2);
  assert.equal(model.hello?.tier, 'tokio stable');
  assert.deepEqual(model.gaps, []);
  const clients = clientsOf(model);
  assert.equal(clients.length, 100);
  // tokio's count, with the root beside it in ours: block_on's future is no task of tokio's.
  assert.equal(counters.aliveTasks, 100);
  assert.equal(model.tasks.length, counters.aliveTasks + 1);
  assert.deepEqual(
    clients.map((task) => task.polls.length),
    counters.polls,
  );
  for (const task of model.tasks) {
    assert.deepEqual(task.spuriousEpochs, [], `task ${task.id} was polled without a wake`);
    assert.equal(task.open, false, `task ${task.id} never ended`);
  }
});

test('tokio: bytes are what the program counted, each moved by a poll', async () => {
  const { model, counters } = await traceRequests(2);
  for (const [kind, bytes] of [
    [operationKind.read, counters.bytesRead],
    [operationKind.write, counters.bytesWritten],
  ] as const) {
    const all = operations(model, kind);
    const done = all.filter((event) => outcomeOf(event) === operationOutcome.done);
    assert.equal(
      done.reduce((sum, event) => sum + bytesOf(event), 0),
      bytes,
    );
    for (const event of all) assert.equal(event.values[eventField.operation.madeBy], operationMaker.poll);
  }
});

test('tokio: which source ended a wait is inferred and said so, a timer is unknown, nothing is claimed', async () => {
  const { model, counters } = await traceRequests(2);
  const sources = new Set(
    model.dictionary.flatMap((each) =>
      each.record === 'source' && each.sourceKind === sourceKind.tcpStream ? [each.id] : [],
    ),
  );
  assert.equal(sources.size, 100);
  const causes = clientsOf(model).flatMap((task) => task.causes);
  const inferred = causes.filter((cause) => cause.certainty === 'inferred');
  for (const cause of inferred) {
    assert.equal(cause.kind, causeKind.source);
    assert.ok(sources.has(cause.id), `a wait is said to be for source ${cause.id}, which is no connection`);
  }
  // Each answer is waited for; a loaded machine may have it there before the read now and then.
  assert.ok(inferred.length > counters.requests, `only ${inferred.length} waits have an inferred source`);
  assert.deepEqual(
    causes.filter((cause) => cause.certainty === 'recorded'),
    [],
    'tokio says of no wait for a source or timer who ended it',
  );
  const said = new Map(model.hello?.capabilities.map((each) => [each.name, each.visibility]));
  for (const name of ['wakeEffects', 'timers', 'resources', 'frames', 'cpuTime'])
    assert.equal(said.get(name), visibility.notRecorded, name);
  for (const name of ['polls', 'wakes', 'reactor', 'readiness', 'operations', 'sources', 'jobs'])
    assert.equal(said.get(name), visibility.recorded, name);
});

/** Time-out in ms as epoll_wait takes it. */
function timeoutMsOf(park: ReferenceEvent): number {
  const stated = park.values[eventField.park.timeoutNs] as number;
  return stated === 0 ? -1 : (stated - 1) / 1e6;
}

function describeCall({ result, error }: SystemCall): string {
  return result < 0 ? error : `${result} bytes`;
}

function describeOperation(event: ReferenceEvent): string {
  if (outcomeOf(event) === operationOutcome.wouldBlock) return 'EAGAIN';
  return outcomeOf(event) === operationOutcome.done ? `${bytesOf(event)} bytes` : `error ${bytesOf(event)}`;
}

test('tokio: each epoll_wait of strace is a park, each recvfrom and sendto an operation', async () => {
  const { result, model } = await received((environment) =>
    witness(
      [rustExample('requests-tokio'), '--rounds', '2'],
      ['epoll_wait', 'recvfrom', 'sendto'],
      environment,
    ),
  );
  const parks = ofKind(model, eventKind.park);
  const unparks = ofKind(model, eventKind.unpark);
  const [thread] = [...new Set(parks.map((park) => park.thread))];
  const record = model.dictionary.find((each) => each.record === 'thread' && each.id === thread);
  assert.ok(record?.record === 'thread');
  const calls = result.callsByThread.get(record.osId);
  assert.ok(calls !== undefined, `strace saw no thread ${record.osId}`);

  const waits = calls.filter((call) => call.name === 'epoll_wait');
  assert.ok(waits.length > 0);
  assert.ok(parks.every((park) => park.values[eventField.park.parkKind] === parkKind.reactor));
  assert.deepEqual(
    parks.map((park, i) => [timeoutMsOf(park), unparks[i]?.values[eventField.unpark.events]]),
    waits.map((wait) => [wait.timeoutMs, wait.result]),
  );
  assert.equal(
    ofKind(model, eventKind.readiness).length,
    waits.reduce((sum, wait) => sum + wait.result, 0),
  );
  for (const [name, kind] of [
    ['recvfrom', operationKind.read],
    ['sendto', operationKind.write],
  ] as const)
    assert.deepEqual(
      operations(model, kind).map(describeOperation),
      calls.filter((call) => call.name === name).map(describeCall),
      name,
    );
});

test('tokio: without a collector the example prints the same and ends the same', async () => {
  const plain = await runProgram(rustExample('requests-tokio'), ['--rounds', '1']);
  const nobody = await runProgram(rustExample('requests-tokio'), ['--rounds', '1'], {
    WAKELINE: 'unix:/nowhere/wakeline.sock',
    WAKELINE_TOKEN: '0'.repeat(32),
  });
  for (const { code, stdout, stderr } of [plain, nobody]) {
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal((JSON.parse(stdout) as Counters).requests, 100);
  }
});
