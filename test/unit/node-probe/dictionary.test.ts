// The dictionary ring and the living dictionary: nothing is lost while there is room, and nothing is kept for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Dictionary } from '../../../runtime-probe/node/src/probe/dictionary.ts';
import { dictionaryEntryKind } from '../../../runtime-probe/node/src/probe/ring-layout.ts';
import {
  ByteWriter,
  type DictionaryRecord,
  decodeDictionary,
  dictionaryKind,
  shapes,
  writeDictionaryRecord,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { makeRing } from './support.ts';

const shapeByKind = new Map(shapes.map((shape) => [shape.kind, shape]));

function decode(records: readonly Uint8Array[]): DictionaryRecord[] {
  const decoded: DictionaryRecord[] = [];
  decodeDictionary(Buffer.concat([Uint8Array.of(0, 0), ...records]), shapeByKind, (r) => decoded.push(r));
  return decoded;
}

function textRecord(id: number, text: string): Uint8Array {
  const writer = new ByteWriter();
  writeDictionaryRecord(writer, { record: 'text', id, text });
  return writer.take();
}

test('records come out as they went in, at any wrap of the ring', () => {
  const steps = fc.array(fc.record({ length: fc.nat(4000), drain: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (list) => {
      const { dictionary, store } = makeRing();
      const texts: string[] = [];
      const received: Uint8Array[] = [];
      list.forEach(({ length, drain }, i) => {
        texts.push('t'.repeat(length));
        dictionary.put(dictionaryEntryKind.record, textRecord(i + 1, 't'.repeat(length)));
        if (!drain) return;
        store.drain();
        received.push(...store.takeFresh());
      });
      // What found no room waits in the program's memory and moves on as the ring is read.
      while (dictionary.behind) {
        store.drain();
        dictionary.catchUp();
      }
      store.drain();
      received.push(...store.takeFresh());
      assert.deepEqual(
        decode(received).map((r) => (r.record === 'text' ? r.text : '')),
        texts,
      );
      assert.equal(dictionary.broken, false);
    }),
    { numRuns: 60 },
  );
});

test('when nobody reads, recording is told to stop before a record is lost unseen', () => {
  const { dictionary } = makeRing();
  const record = textRecord(1, 'x'.repeat(4000));
  for (let i = 0; i < 20_000 && !dictionary.broken; i++) dictionary.put(dictionaryEntryKind.record, record);
  assert.equal(dictionary.broken, true);
  assert.equal(dictionary.behind, true);
});

test('when nobody reads, short records count with what each costs in memory', () => {
  const { dictionary } = makeRing();
  const record = textRecord(1, 'short');
  let waiting = 0;
  for (; waiting < 300_000 && !dictionary.broken; waiting++)
    dictionary.put(dictionaryEntryKind.record, record);
  assert.equal(dictionary.broken, true, `${waiting} records wait`);
});

test('a new connection is told what lives, texts before what names them', () => {
  const ring = makeRing();
  const dictionary = new Dictionary(ring.dictionary);
  const source = { record: 'source', id: 1, fd: -1, sourceKind: 1, local: 0, peer: 0, site: 0 } as const;
  dictionary.put(source);
  const local = dictionary.text('127.0.0.1:80');
  dictionary.put({ ...source, fd: 12, local });
  ring.store.drain();
  assert.equal(ring.store.takeFresh().length, 3);
  assert.deepEqual(decode(ring.store.takeLiving()), [
    { record: 'text', id: local, text: '127.0.0.1:80' },
    { ...source, fd: 12, local },
  ]);
});

test('a task is forgotten once the slot in which it ended is sent, not before', () => {
  const ring = makeRing();
  const dictionary = new Dictionary(ring.dictionary);
  const task = { record: 'task', id: 5, parent: 0, site: 0, name: 0, taskKind: 1, runtime: 0 } as const;
  dictionary.put(task);
  dictionary.retire('task', 5, 3);
  ring.store.drain();
  ring.store.forget(2);
  assert.deepEqual(decode(ring.store.takeLiving()), [task]);
  ring.store.forget(3);
  assert.deepEqual(ring.store.takeLiving(), []);
});

test('the same text and the same site have one id', () => {
  const ring = makeRing();
  const dictionary = new Dictionary(ring.dictionary);
  const site = { file: '/a.ts', line: 3, column: 4, functionName: 'f' };
  assert.equal(dictionary.text(''), 0);
  assert.equal(dictionary.text('a'), dictionary.text('a'));
  assert.notEqual(dictionary.text('a'), dictionary.text('b'));
  assert.equal(dictionary.site(undefined), 0);
  assert.equal(dictionary.site(site), dictionary.site(site));
  ring.store.drain();
  const sites = decode(ring.store.takeFresh()).filter((r) => r.record === 'site');
  assert.deepEqual(sites, [
    {
      record: 'site',
      id: 1,
      file: dictionary.text('/a.ts'),
      line: 3,
      column: 4,
      function: dictionary.text('f'),
    },
  ]);
});

test('numbers that go straight into the ring are read as those that go the long way, at any wrap of it', () => {
  const seven = fc.array(fc.maxSafeNat(), { minLength: 7, maxLength: 7 });
  const steps = fc.array(fc.record({ numbers: seven, padding: fc.nat(3000), drain: fc.boolean() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, (list) => {
      const { dictionary, store } = makeRing();
      const written = new ByteWriter();
      const received: Uint8Array[] = [];
      const drain = (): void => {
        store.drain();
        received.push(...store.takeFresh());
      };
      list.forEach(({ numbers, padding, drain: drained }, i) => {
        const [, ...fields] = numbers;
        const [id = 0, parent = 0, site = 0, name = 0, kind = 0, runtime = 0] = fields;
        const text = textRecord(i + 1, 't'.repeat(padding));
        dictionary.putNumbers(
          dictionaryEntryKind.record,
          7,
          dictionaryKind.task,
          id,
          parent,
          site,
          name,
          kind,
          runtime,
        );
        dictionary.put(dictionaryEntryKind.record, text);
        written.uint(dictionaryKind.task);
        for (const field of fields) written.uint(field);
        written.raw(text);
        if (drained) drain();
      });
      while (dictionary.behind) {
        store.drain();
        dictionary.catchUp();
      }
      drain();
      const records = received.filter(({ length }) => length > 0);
      assert.deepEqual(Buffer.concat(records), Buffer.from(written.take()));
    }),
    { numRuns: 60 },
  );
});
