// Properties of the codec: what is encoded decodes to itself, however the bytes are split; a cut stream gives whole
// frames and nothing else; no bytes whatever make the decoder do anything but return or throw a WireError.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ByteReader,
  ByteWriter,
  decodeChunkHead,
  decodeDictionary,
  decodeEnd,
  decodeEvents,
  decodeHello,
  decodeWatermarks,
  EventPlan,
  type EventRecord,
  encodeChunk,
  encodeFrame,
  encodeHello,
  type Frame,
  FrameSplitter,
  shapes,
  type TimedEvent,
  WireError,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { schema, testHello, textOf } from '../../support/text-trace.ts';

const ownShapes = new Map(shapes.map((shape) => [shape.kind, shape]));
const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const sint = fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 });

const event: fc.Arbitrary<EventRecord> = fc.oneof(
  ...schema.events.map((own) =>
    fc
      .record(Object.fromEntries(own.fields.map((f) => [f.name, f.type === 'sint' ? sint : uint])))
      .map((fields) => ({ record: own.name, ...fields }) as unknown as EventRecord),
  ),
);
const events: fc.Arbitrary<TimedEvent[]> = fc
  .array(fc.tuple(fc.nat(100_000), event), { maxLength: 60 })
  .map((list) => {
    let tick = 1000;
    return list.map(([delta, each]) => {
      tick += delta;
      return { tick, event: each };
    });
  });
const head = {
  thread: 3,
  sequence: 9,
  offset: 0,
  dropped: 1,
  firstTick: 1000,
  lastTick: 0,
  openPolls: [{ task: 1, epoch: 2, startTick: 999 }],
  openFrames: [4],
  openJob: 0,
};

test('numbers of every size decode to themselves', () => {
  fc.assert(
    fc.property(
      uint,
      sint,
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.string(),
      fc.array(uint),
      (u, s, w, text, list) => {
        const r = new ByteReader(new ByteWriter().uint(u).sint(s).wide(w).text(text).list(list).take());
        assert.deepEqual(
          [r.uint(), r.sint(), r.wide(), r.text(), r.list()],
          [u, s, w, text.toWellFormed(), list],
        );
        assert.ok(r.atEnd);
      },
    ),
  );
});

test('the events of a chunk decode to themselves', () => {
  fc.assert(
    fc.property(events, (list) => {
      const payload = encodeChunk(head, list);
      const decoded = decodeChunkHead(payload);
      assert.deepEqual(
        { ...decoded, eventsAt: 0 },
        { ...head, eventsAt: 0, lastTick: list.at(-1)?.tick ?? 1000 },
      );
      const back: TimedEvent[] = [];
      decodeEvents(
        payload,
        decoded.eventsAt,
        payload.length,
        1000,
        new EventPlan(ownShapes),
        (kind, tick, fields) => {
          const own = schema.events.find((e) => e.kind === kind);
          assert.ok(own);
          const values = Object.fromEntries(own.fields.map((f, i) => [f.name, fields[i]]));
          back.push({ tick, event: { record: own.name, ...values } as unknown as EventRecord });
        },
      );
      assert.deepEqual(back, list);
    }),
  );
});

test('any split of the byte stream gives the same frames', () => {
  const frames = fc.array(
    fc.record({ kind: fc.integer({ min: 1, max: 9 }), payload: fc.uint8Array({ maxLength: 9000 }) }),
  );
  fc.assert(
    fc.property(frames, fc.array(fc.nat(7000), { minLength: 1, maxLength: 12 }), (list, cuts) => {
      const bytes = Buffer.concat(list.map((f) => encodeFrame(f.kind, f.payload)));
      const splitter = new FrameSplitter();
      const back: Frame[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const step = 1 + (cuts[i % cuts.length] ?? 0);
        splitter.push(bytes.subarray(at, at + step), (f) =>
          back.push({ kind: f.kind, payload: Uint8Array.from(f.payload) }),
        );
        at += step;
      }
      assert.deepEqual(
        back,
        list.map((f) => ({ kind: f.kind, payload: new Uint8Array(f.payload) })),
      );
      assert.equal(splitter.unfinishedBytes, 0);
      assert.equal(splitter.consumedBytes, bytes.length);
    }),
  );
});

test('a stream cut at any byte gives the whole frames before the cut', () => {
  const bytes = Buffer.concat([1, 2, 3].map((n) => encodeFrame(n, new Uint8Array(n * 10).fill(n))));
  for (let cut = 0; cut <= bytes.length; cut++) {
    let count = 0;
    const splitter = new FrameSplitter();
    splitter.push(bytes.subarray(0, cut), () => count++);
    assert.equal(count, [15, 40, 75].filter((end) => end <= cut).length, `cut at ${cut}`);
    assert.equal(splitter.consumedBytes + splitter.unfinishedBytes, cut);
  }
});

test('no bytes do anything but decode or throw a WireError', () => {
  const decoders = [
    decodeHello,
    (b: Uint8Array) => decodeDictionary(b, ownShapes, () => {}),
    decodeChunkHead,
    decodeWatermarks,
    decodeEnd,
    (b: Uint8Array) => decodeEvents(b, 0, b.length, 0, new EventPlan(ownShapes), () => {}),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(decoders.length - 1), (bytes, which) => {
      try {
        decoders[which]?.(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('a hello cut or changed at any byte is refused or read, never worse', () => {
  const hello = encodeHello(testHello);
  for (let i = 0; i < hello.length; i++) {
    assert.throws(() => decodeHello(hello.subarray(0, i)), WireError);
    const changed = hello.slice();
    changed[i] = (changed[i] as number) ^ 0xff;
    try {
      decodeHello(changed);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  }
});

test('records that only the writer knows are skipped by their shape', () => {
  const foreign = {
    kind: 100,
    name: 'later',
    fields: [
      { name: 'a', type: 3 },
      { name: 'b', type: 4 },
    ],
  };
  const longer = shapes.map((s) =>
    s.name === 'wake' ? { ...s, fields: [...s.fields, { name: 'more', type: 1 }] } : s,
  );
  const hello = decodeHello(encodeHello(testHello, [...longer, foreign]));
  const w = new ByteWriter();
  w.uint(100).uint(5).text('new').list([1, 2, 3]);
  w.uint(35).uint(2).uint(7).uint(8).uint(1).uint(99);
  const seen: number[][] = [];
  const bytes = w.take();
  decodeEvents(bytes, 0, bytes.length, 10, new EventPlan(hello.shapes), (kind, tick, fields) => {
    seen.push([kind, tick, ...fields.slice(0, 3)]);
  });
  assert.deepEqual(seen, [[35, 17, 7, 8, 1]]);
});

test('fields that an older writer does not send read as 0', () => {
  const shorter = shapes.map((s) => (s.name === 'wake' ? { ...s, fields: s.fields.slice(0, 2) } : s));
  const hello = decodeHello(encodeHello(testHello, shorter));
  const bytes = new ByteWriter().uint(35).uint(2).uint(7).uint(8).take();
  decodeEvents(bytes, 0, bytes.length, 0, new EventPlan(hello.shapes), (_kind, _tick, fields) => {
    assert.deepEqual([...fields.slice(0, 3)], [7, 8, 0]);
  });
});

test('text of a recording names the frame kinds it does not know', () => {
  assert.match(textOf([{ kind: 200, payload: new Uint8Array(3) }]), /unknown kind 200, 3 bytes/);
});
