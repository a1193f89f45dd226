// From a program whose thread is held up while data lies there, up to the sentence that says for how long it lay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Explanation } from '../../../extension/messages/queries.ts';
import { TraceSession } from '../../../extension/trace/session.ts';
import { probeTestProgram, runProgram } from '../../support/rust-example.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

/** As the program holds its thread: a lower bound on any machine. */
const holdMs = 30;

/** What is told of the last poll of each reader. */
function toldOfReaders(session: TraceSession): Explanation[] {
  const { answer } = session.viewport({
    session: '',
    fromNs: 0,
    toNs: 1e15,
    widthPx: 1000,
    firstLane: 0,
    laneCount: 64,
    filter: 'reader',
  });
  const lanes = answer.lanes.filter((lane) => lane.label.startsWith('reader #'));
  assert.equal(lanes.length, 2);
  // The thread is held at the end of that poll, so an instant before the task's end is inside of it.
  return lanes.map(({ lane, toNs }) => {
    const told = session.explain({ session: '', lane, atNs: toNs - 1_000_000 });
    assert.ok(told !== null);
    return told;
  });
}

test('tokio: data that waited in the buffer while the thread was held up: how long, and how much', async () => {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stderr } = await runProgram(probeTestProgram('waiting_data'), [], receiver.environment);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    const session = new TraceSession();
    for (const frame of receiver.frames) session.pushFrame(frame.kind, frame.payload);

    const told = toldOfReaders(session);
    const all = told.map(({ sentence }) => sentence).join('\n');
    const waits = told.flatMap(({ sentence }) => {
      const match =
        /It read 19 bytes from \S.* that had waited at least ([\d.]+) (ms|s) in the operating system's buffer/.exec(
          sentence,
        );
      return match === null ? [] : [Number(match[1]) * (match[2] === 's' ? 1000 : 1)];
    });
    assert.ok(waits.length > 0, all);
    assert.ok(Math.max(...waits) >= holdMs, all);
    for (const { steps } of told)
      assert.ok(
        steps.some(({ text }) =>
          /^The kernel reported .* readable( and writable)? with 19 bytes in its buffer$/.test(text),
        ),
        steps.map(({ text }) => text).join('\n'),
      );
  } finally {
    await receiver.close();
  }
});
