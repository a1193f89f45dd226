// Owns the promise that a trace agrees with an outside witness: what the kernel was asked, as strace saw it, against
// what the trace says, call by call. strace needs a program of the system group `witness`; without it these tests fail.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  eventField,
  eventKind,
  operationKind,
  operationOutcome,
  parkKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { type ReferenceEvent, type ReferenceModel, readReference } from '../../support/reference-reader.ts';
import { rustExample } from '../../support/rust-example.ts';
import { type CallName, type SystemCall, witness } from '../../support/strace.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const examples = new URL('../../../runtime-probe/examples/typescript/src/', import.meta.url);
const programs = new ProbePrograms();
after(() => programs.remove());

interface Seen {
  readonly model: ReferenceModel;
  /** The trace's one thread. */
  readonly thread: number;
  /** What strace saw that thread call. */
  readonly calls: readonly SystemCall[];
}

/** Runs a program with one executor thread under strace, its trace received beside. */
async function observe(command: readonly string[], calls: readonly CallName[]): Promise<Seen> {
  const receiver = await StreamReceiver.listen();
  try {
    const { callsByThread } = await witness(command, calls, receiver.environment);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    assert.ok(receiver.end !== undefined, 'the stream has no end');
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    const parking = new Set(ofKind(model, eventKind.park).map((event) => event.thread));
    assert.equal(parking.size, 1, 'one thread parks');
    const [thread] = [...parking] as [number];
    const record = model.dictionary.find((each) => each.record === 'thread' && each.id === thread);
    assert.ok(record?.record === 'thread');
    const threadCalls = callsByThread.get(record.osId);
    assert.ok(threadCalls !== undefined, `strace saw no thread ${record.osId}`);
    return { model, thread, calls: threadCalls };
  } finally {
    await receiver.close();
  }
}

const ofKind = (model: ReferenceModel, kind: number): readonly ReferenceEvent[] =>
  model.events.filter((event) => event.kind === kind);

/** Time-out in ms as epoll_wait takes it: rounded up, so that a timer is not looked at too early. */
function timeoutMsOf(park: ReferenceEvent): number {
  const stated = park.values[eventField.park.timeoutNs] as number;
  return stated === 0 ? -1 : Math.ceil((stated - 1) / 1e6);
}

function describeCall({ result, error }: SystemCall): string {
  return result < 0 ? error : `${result} bytes`;
}

function describeOperation(event: ReferenceEvent): string {
  const outcome = event.values[eventField.operation.outcome];
  const bytes = event.values[eventField.operation.bytes];
  if (outcome === operationOutcome.wouldBlock) return 'EAGAIN';
  return outcome === operationOutcome.done ? `${bytes} bytes` : `error ${bytes}`;
}

/** Results by descriptor, each in order: a descriptor that is used again goes on in its list. */
function byDescriptor<T>(
  items: readonly T[],
  descriptorOf: (item: T) => number,
  describe: (item: T) => string,
): Map<number, string[]> {
  const lists = new Map<number, string[]>();
  for (const item of items) {
    const descriptor = descriptorOf(item);
    const list = lists.get(descriptor) ?? [];
    list.push(describe(item));
    lists.set(descriptor, list);
  }
  return new Map([...lists].sort(([a], [b]) => a - b));
}

test('Rust: each epoll_wait is a park, each recvfrom and sendto an operation', async () => {
  const { model, calls } = await observe(
    [rustExample('requests'), '--rounds', '2'],
    ['epoll_wait', 'recvfrom', 'sendto'],
  );
  const waits = calls.filter((call) => call.name === 'epoll_wait');
  const parks = ofKind(model, eventKind.park);
  const unparks = ofKind(model, eventKind.unpark);
  assert.ok(parks.every((park) => park.values[eventField.park.parkKind] === parkKind.reactor));
  assert.deepEqual(
    parks.map((park, i) => [timeoutMsOf(park), unparks[i]?.values[eventField.unpark.events]]),
    waits.map((wait) => [wait.timeoutMs, wait.result]),
    'time-out and number of events of each park, and of each epoll_wait',
  );
  const readiness = ofKind(model, eventKind.readiness);
  assert.equal(
    readiness.length,
    waits.reduce((sum, wait) => sum + wait.result, 0),
  );

  const descriptors = new Map(
    model.dictionary.flatMap((each) => (each.record === 'source' ? [[each.id, each.fd]] : [])),
  );
  for (const [name, kind] of [
    ['recvfrom', operationKind.read],
    ['sendto', operationKind.write],
  ] as const) {
    const operations = ofKind(model, eventKind.operation).filter(
      (event) => event.values[eventField.operation.operationKind] === kind,
    );
    const inTrace = byDescriptor(
      operations,
      (event) => descriptors.get(event.values[eventField.operation.source] as number) ?? -1,
      describeOperation,
    );
    const inKernel = byDescriptor(
      calls.filter((call) => call.name === name),
      (call) => call.descriptor,
      describeCall,
    );
    assert.equal(inKernel.size, 100, `descriptors of ${name}`);
    assert.deepEqual(inTrace, inKernel, name);
  }
  // 100 tasks, two rounds: nothing is there at first, so nearly each response takes a WouldBlock and a read. Of 200,
  // a loaded machine may hold the thread so long between write and read that a few answers are there at once.
  const blocked = calls.filter((call) => call.name === 'recvfrom' && call.error === 'EAGAIN');
  assert.ok(blocked.length > 100, `${blocked.length} reads found nothing`);
});

test('Node: each blocking epoll wait is a park', async () => {
  const program = await programs.build(new URL('requests.ts', examples), new URL('server.ts', examples));
  const { model, calls } = await observe(
    [process.execPath, program, '--rounds', '4'],
    ['epoll_wait', 'epoll_pwait'],
  );
  assert.ok(model.hello !== undefined);
  const originMs = Number(model.hello.anchorWallUs) / 1000;
  // libuv looks with time-out 0 first and waits only when nothing was there; only that wait blocks. Waits before
  // tick 0 are Node's own start, from before the probe. No wait is under way at tick 0: JavaScript is running then.
  const waits = calls.filter((call) => call.timeoutMs !== 0 && call.startMs > originMs);
  const ends = ofKind(model, eventKind.unpark).map((event) => originMs + event.ns / 1e6);
  assert.equal(ofKind(model, eventKind.park).length, ends.length);
  // Some hundred on a machine at rest. On a loaded one nearly each look finds something, and few waits are left.
  assert.ok(waits.length >= 3, `only ${waits.length} waits: too few to say anything`);
  // A park is told by the first JavaScript after it. After the last wait there may be none any more, because the
  // process ends: that one park can be missing. Nothing else can, and no park may be there without its wait.
  const missing = waits.length - ends.length;
  assert.ok(missing === 0 || missing === 1, `${waits.length} blocking waits, ${ends.length} parks`);
  // The wall clock at tick 0 is in whole ms, so the two clocks differ by up to 1 ms; the other is for rounding by NTP.
  const slackMs = 2;
  ends.forEach((endMs, i) => {
    const wait = waits[i] as SystemCall;
    const nextMs = waits[i + 1]?.startMs ?? Number.POSITIVE_INFINITY;
    assert.ok(
      endMs > wait.endMs - slackMs && endMs < nextMs + slackMs,
      `park ${i} ends at ${endMs}, not between its wait (to ${wait.endMs}) and the next (from ${nextMs})`,
    );
  });
});
