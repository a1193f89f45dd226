// Owns reading ring files and making frames of their slots. The files are real ones in shared memory.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { RingFile, RingFileError, type RingSlot } from '../../../extension/collector/ring-file.ts';
import { ringTail } from '../../../extension/collector/ring-tail.ts';
import {
  decodeChunkHead,
  decodeEvents,
  EventPlan,
  eventKind,
  frameKind,
  pollOutcome,
  type Shape,
  shapes,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { RingWriter } from '../../support/ring-writer.ts';

const session = 'fedcba9876543210fedcba9876543210';
const pid = process.pid;
const shapeMap: ReadonlyMap<number, Shape> = new Map(shapes.map((shape) => [shape.kind, shape]));
const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { force: true });
});

function makeRing(slotCount = 8): RingWriter {
  const ring = new RingWriter(pid, session, slotCount);
  made.push(ring.path);
  return ring;
}

const open = (ringFile: string, of = { pid, session }): RingFile => RingFile.open({ ringFile, ...of });
const poll = (tick: number, epoch: number) => [
  { tick, event: { record: 'pollStart', task: 1, epoch } as const },
  { tick: tick + 5, event: { record: 'pollEnd', outcome: pollOutcome.pending } as const },
];

test('slots come back as they were written, dictionary first', () => {
  const ring = makeRing();
  const endOf2 = ring.events(0, 3, 2, poll(100, 2), [{ task: 9, epoch: 1, startTick: 50 }], 4);
  ring.dictionary(5, 1, [{ record: 'text', id: 1, text: 'client' }]);
  const file = open(ring.path);
  const slots = file.readSlots();
  assert.deepEqual(
    slots.map((s) => [s.state, s.thread, s.sequence, s.dropped, s.firstTick]),
    [
      [1, 0, 1, 0, 0],
      [2, 3, 2, 4, 100],
    ],
  );
  assert.equal(slots[1]?.records.length, endOf2);
  file.remove();
  file.close();
  assert.equal(existsSync(ring.path), false);
});

test('only the program’s own, private, whole ring file is opened', () => {
  const refuse = (ringFile: string, message: RegExp, of = { pid, session }) =>
    assert.throws(
      () => open(ringFile, of),
      (error: unknown) => error instanceof RingFileError && message.test(error.message),
    );
  refuse('/etc/passwd', /is not where the ring file/);
  const ring = makeRing();
  refuse(`/dev/shm/../dev/shm/wakeline-${pid}-${session}`, /is not where/);
  refuse(ring.path, /is not where/, { pid: pid + 1, session });
  refuse(ring.path, /is not where/, { pid, session: '0'.repeat(32) });
  chmodSync(ring.path, 0o640);
  refuse(ring.path, /can be used by others/);
  chmodSync(ring.path, 0o600);
  truncateSync(ring.path, 4096 + 8192);
  refuse(ring.path, /12288 bytes, which 8 slots do not make/);
  truncateSync(ring.path, 100);
  refuse(ring.path, /shorter than its header/);
  rmSync(ring.path);
  refuse(ring.path, /cannot be opened/);
  symlinkSync('/etc/passwd', ring.path);
  refuse(ring.path, /cannot be opened/);
  rmSync(ring.path);
  new RingWriter(pid, '1'.repeat(32), 2, ring.path);
  refuse(ring.path, /of another session/);
});

test('slots that cannot be are left out', () => {
  const ring = makeRing();
  ring.events(0, 1, 1, poll(10, 1));
  ring.events(1, 1, 2, poll(20, 2));
  ring.raw(1, 40, Buffer.from([0xff, 0xff, 0, 0]));
  ring.events(2, 1, 3, poll(30, 3));
  ring.raw(2, 8, Buffer.alloc(8, 0xff));
  ring.events(3, 1, 4, poll(40, 4));
  ring.raw(3, 48, Buffer.from([0xff, 0x1f, 0, 0]));
  const file = open(ring.path);
  assert.deepEqual(
    file.readSlots().map((s) => s.sequence),
    [1],
  );
  file.close();
});

test('the tail is what lies beyond the positions, whole slots, each thread in order', () => {
  const ring = makeRing();
  const end = ring.events(3, 1, 4, poll(40, 4));
  ring.events(0, 1, 6, poll(60, 6));
  ring.events(1, 1, 5, poll(50, 5));
  ring.events(2, 2, 1, poll(45, 1), [{ task: 7, epoch: 3, startTick: 12 }]);
  ring.dictionary(7, 2, [{ record: 'text', id: 2, text: 'b' }]);
  ring.dictionary(6, 1, [{ record: 'text', id: 1, text: 'a' }]);
  const file = open(ring.path);
  const slots = file.readSlots();
  file.close();
  const heads = (end4: number) =>
    ringTail(slots, shapeMap, [{ thread: 1, sequence: 4, end: end4 }])
      .frames.filter((frame) => frame.kind === frameKind.chunk)
      .map((frame) => decodeChunkHead(frame.payload));
  assert.deepEqual(
    heads(end).map((h) => [h.thread, h.sequence, h.offset, h.firstTick, h.lastTick]),
    [
      [1, 5, 0, 50, 55],
      [1, 6, 0, 60, 65],
      [2, 1, 0, 45, 50],
    ],
  );
  // One byte short: the slot comes whole, and the engine counts only what is new.
  assert.deepEqual(
    heads(end - 1).map((h) => h.sequence),
    [4, 5, 6, 1],
  );
  assert.deepEqual(heads(end)[2]?.openPolls, [{ task: 7, epoch: 3, startTick: 12 }]);
  const { frames } = ringTail(slots, shapeMap, []);
  assert.deepEqual(
    frames.map((frame) => frame.kind),
    [2, 2, 3, 3, 3, 3],
  );
  const chunk = frames[2]?.payload as Uint8Array;
  const head = decodeChunkHead(chunk);
  const ticks: number[] = [];
  decodeEvents(chunk, head.eventsAt, chunk.length, head.firstTick, new EventPlan(shapeMap), (_, tick) =>
    ticks.push(tick),
  );
  assert.deepEqual(ticks, [40, 45]);
});

test('a hole is told, because the socket may still bring it', () => {
  const slot = (sequence: number): RingSlot => ({
    state: 2,
    thread: 1,
    sequence,
    dropped: 0,
    firstTick: 0,
    context: new Uint8Array(3),
    records: new Uint8Array(0),
  });
  const holes = (sequences: number[], read: number) =>
    ringTail(sequences.map(slot), shapeMap, [{ thread: 1, sequence: read, end: 0 }]).threadsWithHole;
  assert.deepEqual(holes([5, 6], 4), []);
  assert.deepEqual(holes([4, 5], 4), []);
  assert.deepEqual(holes([6], 4), [1]);
  assert.deepEqual(holes([5, 7], 4), [1]);
  assert.deepEqual(holes([2, 3], 4), []);
  assert.deepEqual(ringTail([slot(2)], shapeMap, []).threadsWithHole, [1]);
});

test('a slot without events is no chunk: its number was left out, and the gap must show', () => {
  const slot = (sequence: number, records: number[]): RingSlot => ({
    state: 2,
    thread: 1,
    sequence,
    dropped: 0,
    firstTick: 9,
    context: new Uint8Array(records.length > 0 ? 3 : 0),
    records: new Uint8Array(records),
  });
  const threadStop = [eventKind.threadStop, 0];
  const tail = ringTail([slot(1, threadStop), slot(2, []), slot(3, threadStop)], shapeMap, []);
  assert.deepEqual(
    tail.frames.map((frame) => decodeChunkHead(frame.payload).sequence),
    [1, 3],
  );
  assert.deepEqual([tail.threadsWithHole, tail.problems], [[], []]);
});

test('slots with events that no stream may hold are left out with a word', () => {
  const bad: RingSlot = {
    state: 2,
    thread: 1,
    sequence: 1,
    dropped: 0,
    firstTick: 0,
    context: new Uint8Array(3),
    records: new Uint8Array([127, 1]),
  };
  const tail = ringTail([bad, { ...bad, sequence: 2, context: new Uint8Array(0) }], shapeMap, []);
  assert.equal(tail.frames.length, 0);
  assert.match(tail.problems[0] as string, /slot 1 of thread 1: event kind 127/);
  assert.match(tail.problems[1] as string, /slot 2 of thread 1: a number is cut off/);
});
