// A program on hyper that spawns nothing through wakeline: tokio tells of every task itself, those that the library
// spawns included. The trace is held against what the program and tokio's own metrics count.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  causeKind,
  eventField,
  eventKind,
  pollOutcome,
  taskKind,
  visibility,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { runProgram, unstableExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

interface Counters {
  readonly clientPolls: readonly number[];
  /** tokio's own: polls of all workers, and tasks that were ever spawned. */
  readonly polls: number;
  readonly spawned: number;
  readonly connections: number;
  readonly requests: number;
}

let model: ReferenceModel;
let counters: Counters;

before(async () => {
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(unstableExample('wakeline-example-hyper'), [], receiver.environment);
    assert.equal(result.code, 0, result.stderr);
    counters = JSON.parse(result.stdout) as Counters;
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    model = readReference(receiver.frames);
  } finally {
    await receiver.close();
  }
});

/** The spawned tasks with the file of their spawn. */
function spawnedTasks() {
  const texts = new Map<number, string>();
  const files = new Map<number, string>();
  const kinds = new Map<number, { kind: number; site: number }>();
  for (const each of model.dictionary) {
    if (each.record === 'text') texts.set(each.id, each.text);
    else if (each.record === 'task') kinds.set(each.id, { kind: each.taskKind, site: each.site });
  }
  for (const each of model.dictionary)
    if (each.record === 'site') files.set(each.id, texts.get(each.file) ?? '');
  return model.tasks.flatMap((task) => {
    const told = kinds.get(task.id);
    return told?.kind === taskKind.task ? [{ task, file: files.get(told.site) ?? '' }] : [];
  });
}

test('hyper: the greeting names the tier and says what it does not see', () => {
  assert.equal(model.hello?.tier, 'tokio tracing');
  const seen = new Map(model.hello?.capabilities.map((each) => [each.name, each.visibility]));
  assert.equal(seen.get('polls'), visibility.recorded);
  assert.equal(seen.get('wakes'), visibility.recorded);
  assert.equal(seen.get('timers'), visibility.inferred);
  assert.equal(seen.get('wakeEffects'), visibility.notRecorded);
});

test('hyper: every task that tokio counts is in the trace, those that the library spawns too', () => {
  const tasks = spawnedTasks();
  assert.equal(tasks.length, counters.spawned);
  const own = tasks.filter(({ file }) => file.endsWith('src/main.rs'));
  // The server, its connections, and the clients are spawned by the program; hyper-util spawns the rest.
  assert.equal(own.length, 1 + counters.connections + counters.clientPolls.length);
  const ofLibrary = tasks.filter(({ file }) => file.includes('hyper-util'));
  assert.equal(own.length + ofLibrary.length, tasks.length);
  assert.ok(ofLibrary.length >= counters.connections, `${ofLibrary.length} tasks of the library`);
});

test('hyper: polls are as many as the tasks and tokio count, each after a wake', () => {
  const tasks = spawnedTasks();
  const polls = tasks.map(({ task }) => task.polls.length);
  // An aborted task's last turn drops it and polls nothing; tokio counts the turn.
  const dropped = model.events.filter(
    (event) =>
      event.kind === eventKind.pollSettled &&
      event.values[eventField.pollSettled.outcome] === pollOutcome.none,
  );
  const sum = polls.reduce((a, b) => a + b, 0);
  assert.ok(sum <= counters.polls && counters.polls <= sum + dropped.length, `${sum} of ${counters.polls}`);
  const clients = tasks.filter(({ task }) => counters.clientPolls.includes(task.polls.length));
  for (const count of counters.clientPolls)
    assert.ok(
      clients.some(({ task }) => task.polls.length === count),
      `no task with ${count} polls`,
    );
  for (const { task } of tasks)
    assert.deepEqual(task.spuriousEpochs, [], `task ${task.id} was polled without a wake`);
});

test('hyper: each request waits for a timer that is set and fires', () => {
  const waits = model.events.filter(
    (event) =>
      event.kind === eventKind.waitStart && event.values[eventField.waitStart.onKind] === causeKind.timer,
  );
  const timers = new Set(waits.map((event) => event.values[eventField.waitStart.onId]));
  const fired = model.events.filter((event) => event.kind === eventKind.timerFire);
  const ofTimers = new Set(fired.map((event) => event.values[eventField.timerFire.timer]));
  const both = [...timers].filter((timer) => ofTimers.has(timer));
  assert.ok(both.length >= counters.requests, `${both.length} timers for ${counters.requests} requests`);
});
