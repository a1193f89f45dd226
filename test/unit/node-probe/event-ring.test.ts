// The event slots: what is published comes out once, in order and decodable alone; what finds no room is counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeChunkHead, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { readReference } from '../../support/reference-reader.ts';
import { chunkFrames, decodeChunks, makeRing, type TestRing } from './support.ts';

function wake({ events }: TestRing, tick: number, task: number): boolean {
  if (!events.begin(eventKind.wake, tick)) return false;
  events.uint(task);
  events.uint(3);
  events.uint(1);
  events.commit();
  return true;
}

function poll({ events }: TestRing, startTick: number, endTick: number, task: number): void {
  if (events.begin(eventKind.pollStart, startTick)) {
    events.uint(task);
    events.uint(1);
    events.commit();
  }
  events.openPolls.push(task, 1, startTick);
  endPoll({ events }, endTick);
}

function endPoll({ events }: Pick<TestRing, 'events'>, endTick: number): void {
  if (events.begin(eventKind.pollEnd, endTick)) {
    events.uint(2);
    events.commit();
  }
  events.openPolls.pop();
}

test('numbers of any size come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 50 }), (tasks) => {
      const ring = makeRing();
      tasks.forEach((task, i) => {
        wake(ring, i * 10, task);
      });
      const events = decodeChunks(ring.reader.take(1e9).chunks);
      assert.deepEqual(
        events.map((e) => e.first),
        tasks,
      );
      assert.deepEqual(
        events.map((e) => e.tick),
        tasks.map((_, i) => i * 10),
      );
    }),
  );
});

test('however often the reader looks, the same events come out', () => {
  const looks = fc.array(fc.record({ write: fc.nat(400), free: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(looks, (steps) => {
      const ring = makeRing();
      const chunks: Uint8Array[] = [];
      let written = 0;
      let dropped = 0;
      const expected: number[] = [];
      for (const step of steps) {
        for (let i = 0; i < step.write; i++) {
          written++;
          if (wake(ring, written * 7, written)) expected.push(written);
          else dropped++;
        }
        const taken = ring.reader.take(1e9);
        chunks.push(...taken.chunks);
        if (step.free) ring.reader.free(taken.takenThrough);
      }
      assert.equal(ring.events.dropped, dropped);
      assert.deepEqual(
        decodeChunks(chunks).map((e) => e.first),
        expected,
      );
      const gaps = readReference(chunkFrames(chunks)).gaps.reduce((sum, gap) => sum + gap.dropped, 0);
      // What was dropped after the last slot is told by the next slot or by the end frame.
      const told = chunks.length === 0 ? 0 : decodeChunkHead(chunks.at(-1) ?? new Uint8Array()).dropped;
      assert.equal(gaps, told);
      assert.equal(expected.length + dropped, written);
    }),
    { numRuns: 50 },
  );
});

test('a piece says which polls and frames are open where it begins', () => {
  const ring = makeRing();
  poll(ring, 5, 8, 40);
  assert.ok(ring.events.begin(eventKind.pollStart, 10));
  ring.events.uint(41);
  ring.events.uint(6);
  ring.events.commit();
  ring.events.openPolls.push(41, 6, 10);
  assert.ok(ring.events.begin(eventKind.frameEnter, 11));
  ring.events.uint(9);
  ring.events.commit();
  ring.events.openFrames.push(9);
  ring.reader.take(1e9);
  assert.equal(ring.reader.insidePoll, true);
  // The next piece of the same slot, then enough for the next slot.
  while (ring.events.sequence === 1) wake(ring, 20, 41);
  const heads = ring.reader.take(1e9).chunks.map(decodeChunkHead);
  assert.deepEqual(
    heads.map((h) => [h.sequence, h.offset > 0]),
    [
      [1, true],
      [2, false],
    ],
  );
  for (const head of heads) {
    assert.deepEqual(head.openPolls, [{ task: 41, epoch: 6, startTick: 10 }]);
    assert.deepEqual(head.openFrames, [9]);
  }
  endPoll(ring, 30);
  ring.reader.take(1e9);
  assert.equal(ring.reader.insidePoll, false);
});

test('ticks never go back', () => {
  const ring = makeRing();
  for (const tick of [100, 50, 120, 119, 121]) wake(ring, tick, 1);
  assert.deepEqual(
    decodeChunks(ring.reader.take(1e9).chunks).map((e) => e.tick),
    [100, 100, 120, 120, 121],
  );
});

test('after a lost connection everything that was not given back comes again', () => {
  const ring = makeRing();
  for (let i = 1; i <= 3000; i++) wake(ring, i, i);
  const first = ring.reader.take(1e9);
  assert.ok(first.takenThrough >= 2);
  ring.reader.free(1);
  ring.reader.rewind();
  const again = ring.reader.take(1e9);
  assert.deepEqual(decodeChunks(again.chunks), decodeChunks(first.chunks.slice(1)));
  // A reader that gets both counts each event once.
  const model = readReference(chunkFrames([...first.chunks, ...again.chunks]));
  assert.equal(model.events.length, 3000);
  assert.deepEqual(model.gaps, []);
});

test('a full ring counts, and goes on when there is room', () => {
  const ring = makeRing();
  let written = 0;
  while (wake(ring, written, written)) written++;
  assert.equal(ring.events.dropped, 1);
  assert.equal(ring.events.hasRoom, false);
  for (let i = 0; i < 99; i++) assert.equal(wake(ring, written, 0), false);
  const { chunks, takenThrough } = ring.reader.take(1e9);
  assert.equal(decodeChunks(chunks).length, written);
  ring.reader.free(takenThrough);
  assert.equal(ring.events.hasRoom, true);
  assert.ok(wake(ring, written + 5, 1));
  const [last] = ring.reader.take(1e9).chunks;
  assert.ok(last);
  assert.equal(decodeChunkHead(last).dropped, 100);
});

test('an event dropped for its dictionary record leaves a gap though its slot had room', () => {
  const ring = makeRing();
  wake(ring, 1, 1);
  ring.events.drop();
  wake(ring, 9, 2);
  const heads = ring.reader.take(1e9).chunks.map(decodeChunkHead);
  assert.deepEqual(
    heads.map((h) => [h.sequence, h.dropped, h.firstTick]),
    [
      [1, 0, 1],
      [2, 1, 9],
    ],
  );
});
