// From a program that holds its thread up to what the engine says of it: computing or blocked, and on which line.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Explanation } from '../../../extension/messages/queries.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { recordsBeforeUse } from '../../support/stream-checks.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const source = new URL(
  '../../../runtime-probe/examples/rust-tokio/src/bin/long-polls-tokio.rs',
  import.meta.url,
);
const lineOf = (text: string): number =>
  readFileSync(source, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1;

async function tracedSession(): Promise<TraceSession> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stderr } = await runProgram(rustExample('long-polls-tokio'), [], receiver.environment);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.deepEqual(recordsBeforeUse(receiver.frames), []);
    const session = new TraceSession();
    for (const frame of receiver.frames) session.pushFrame(frame.kind, frame.payload);
    return session;
  } finally {
    await receiver.close();
  }
}

/** What is told of the one poll of each task of that name, of which stacks were taken. */
function toldOf(session: TraceSession, name: string): Explanation[] {
  const { answer } = session.viewport({
    session: '',
    fromNs: 0,
    toNs: 1e15,
    widthPx: 1000,
    firstLane: 0,
    laneCount: 4096,
    filter: name,
  });
  const own = answer.lanes.filter((lane) => lane.label.startsWith(`${name} #`));
  assert.equal(own.length, 10);
  return own
    .flatMap(({ lane, toNs }) => session.explain({ session: '', lane, atNs: toNs - 1000 }) ?? [])
    .filter((told) => told.stacks.length > 0);
}

test('long polls of tokio: the sentence tells computing from blocking, and where', async () => {
  const session = await tracedSession();

  const parsing = toldOf(session, 'parse');
  assert.ok(parsing.length > 0, 'no stack of a poll that computes');
  for (const told of parsing) {
    assert.match(told.sentence, /It used the processor for [^:]+ms that were watched: /);
    assert.match(told.sentence, / in [^;]*(count_words|parse_request)[^;]* \(long-polls-tokio\.rs:\d+\)/);
    assert.doesNotMatch(told.sentence, /: blocked/);
  }

  const sleepLine = lineOf('std::thread::sleep(HOLD)');
  const saving = toldOf(session, 'save');
  assert.ok(saving.length > 0, 'no stack of a poll that sleeps');
  const blocked = /: blocked in std::thread::[a-z:]*sleep ← \S*save_answer/;
  assert.ok(saving.some((told) => blocked.test(told.sentence)));
  for (const told of saving) {
    assert.match(told.sentence, / in std::thread::[a-z:]*sleep ← \S*save_answer/);
    assert.ok(told.sentence.includes(`(long-polls-tokio.rs:${sleepLine})`), told.sentence);
    const step = told.steps.find((each) => each.kind === 'sample');
    assert.equal(step?.site?.line, sleepLine);
    assert.ok(step?.site?.file.startsWith('/'), 'a link needs the whole path');
  }
});
