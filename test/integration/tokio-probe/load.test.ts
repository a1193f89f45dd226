// Far more happens than can be sent: 50,000 tasks that yield as fast as the machine can. Nothing may grow without
// bound, and what was written and what was dropped must add up, to the event, to what the program counted itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCounter } from '../../support/event-counter.ts';
import { runProgram, rustExample } from '../../support/rust-example.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const tasks = 50_000;
const seconds = 3;
/**
 * Rings of 2 MiB fill up in a fraction of a second, so that much is dropped. Nobody looks for long polls, of which a
 * busy machine makes some: what is recorded of them the program cannot count. Nor are its awaits told, one event each.
 */
const environment = { WAKELINE_MEMORY_MIB: '2', WAKELINE_LONG_POLL_MS: '0', WAKELINE_AWAIT_SITES: '0' };
/**
 * What resident memory may grow by in the last two thirds of the time: the flusher's buffers, of 512 KiB a send. What
 * is recorded meanwhile is some 50 MiB.
 */
const growthKib = 8 * 1024;

interface Load {
  readonly workers: number;
  readonly aliveTasks: number;
  readonly polls: number;
  readonly residentKib: { readonly before: number; readonly early: number; readonly late: number };
}

async function load(environment: Readonly<Record<string, string>>, workers: number): Promise<Load> {
  const args = ['--tasks', `${tasks}`, '--seconds', `${seconds}`, '--workers', `${workers}`];
  const { code, stdout, stderr } = await runProgram(rustExample('load-tokio'), args, environment);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const result = JSON.parse(stdout) as Load;
  assert.equal(result.aliveTasks, tasks);
  assert.ok(result.polls >= tasks);
  const { early, late } = result.residentKib;
  assert.ok(late - early <= growthKib, `resident memory grew from ${early} to ${late} KiB`);
  return result;
}

/**
 * Spawn and end of each task; start, end and wake of each poll, but that a task's last poll follows no yield. Start
 * and end of each worker, and the end of the main thread.
 */
const eventsMade = (polls: number, workers: number): number =>
  2 * tasks + (3 * polls - tasks) + (2 * workers + 1);

async function counted(
  workers: number,
  during: (receiver: StreamReceiver) => Promise<void>,
): Promise<{ counter: EventCounter; result: Load }> {
  const counter = new EventCounter();
  const receiver = await StreamReceiver.listen({ onFrame: (frame) => counter.take(frame) });
  try {
    const running = load({ ...receiver.environment, ...environment }, workers);
    await Promise.all([running, during(receiver)]);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    return { counter, result: await running };
  } finally {
    await receiver.close();
  }
}

function addsUp({ counter, result }: { counter: EventCounter; result: Load }): void {
  assert.ok(counter.dropped !== undefined, 'the stream has no end');
  assert.equal(counter.events + counter.dropped, eventsMade(result.polls, result.workers));
}

for (const workers of [1, 2])
  test(`load: ${workers} workers, a collector that reads: written and dropped are what was made`, async () => {
    addsUp(await counted(workers, async () => undefined));
  });

test('load: a collector that stalls: written and dropped are what was made', async () => {
  const stalled = await counted(2, async (receiver) => {
    await until(() => receiver.connections.length > 0, 'the program to connect');
    receiver.setStalled(true);
    await new Promise((resolve) => setTimeout(resolve, seconds * 500));
    receiver.setStalled(false);
  });
  addsUp(stalled);
  assert.ok((stalled.counter.dropped ?? 0) > 0, 'nothing was dropped, so nothing was tested');
});

test('load: nobody listens: memory stays where it is', async () => {
  await load({ WAKELINE: 'unix:/nowhere/wakeline.sock', WAKELINE_TOKEN: '0'.repeat(32), ...environment }, 2);
});
