// Every text trace in traces/ is encoded, decoded and read by the reference reader; the bytes are the golden vectors
// that the Rust codec reads and writes too, the model is a golden text.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  checkEvents,
  decodeChunkHead,
  decodeEvents,
  EventPlan,
  frameKind,
  shapes,
  shortForms,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { checkGolden } from '../support/golden.ts';
import { dumpReference, readReference } from '../support/reference-reader.ts';
import { framesOf, framesOfRecording, recordingOf, textOf } from '../support/text-trace.ts';

const folder = fileURLToPath(new URL('./traces/', import.meta.url));
const vectors = fileURLToPath(new URL('../../runtime-probe/protocol/vectors/', import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.trace'))
  .map((name) => name.slice(0, -'.trace'.length));

assert.ok(names.length >= 10, 'the golden traces are missing');

for (const name of names) {
  const text = readFileSync(`${folder}${name}.trace`, 'utf8');

  test(`${name}: its bytes are the golden vector`, () => {
    checkGolden(`${vectors}${name}.wakeline`, recordingOf(framesOf(text)));
  });

  test(`${name}: decoded to text and encoded again it gives the same bytes`, () => {
    const bytes = recordingOf(framesOf(text));
    const again = recordingOf(framesOf(textOf(framesOfRecording(bytes))));
    assert.deepEqual(again, bytes);
  });

  test(`${name}: the reference reader gives the golden model`, () => {
    checkGolden(`${folder}${name}.model`, dumpReference(readReference(framesOf(text))));
  });
}

/** Short forms are written by probes only: what is decoded, and encoded again, is the whole event. */
const shortFormsVector = 'rust-short-forms.wakeline';

for (const name of readdirSync(vectors).filter(
  (each) => each.startsWith('rust-') && each.endsWith('.wakeline') && each !== shortFormsVector,
)) {
  test(`${name}: what Rust wrote decodes and encodes to the same bytes`, () => {
    const bytes = new Uint8Array(readFileSync(`${vectors}${name}`));
    const text = textOf(framesOfRecording(bytes));
    assert.deepEqual(recordingOf(framesOf(text)), bytes);
  });
}

test(`${shortFormsVector}: each short form that Rust wrote decodes to the whole event that follows it`, () => {
  const frames = framesOfRecording(new Uint8Array(readFileSync(`${vectors}${shortFormsVector}`)));
  const plan = new EventPlan(new Map(shapes.map((shape) => [shape.kind, shape])));
  const decoded: { kind: number; tick: number; values: number[] }[] = [];
  for (const { kind, payload } of frames) {
    if (kind !== frameKind.chunk) continue;
    const { eventsAt, firstTick } = decodeChunkHead(payload);
    const count = checkEvents(payload, eventsAt, payload.length, plan);
    decodeEvents(payload, eventsAt, payload.length, firstTick, plan, (event, tick, fields) => {
      const shape = shapes.find((each) => each.kind === event);
      decoded.push({ kind: event, tick, values: [...fields.slice(0, shape?.fields.length)] });
    });
    assert.equal(decoded.length, count);
  }
  assert.equal(decoded.length, shortForms.length * 3 * 2);
  for (let i = 0; i < decoded.length; i += 2) {
    const [short, whole] = [decoded[i], decoded[i + 1]];
    assert.deepEqual(short?.values, whole?.values);
    assert.equal(short?.kind, whole?.kind);
    assert.equal((short?.tick ?? 0) + 1, whole?.tick);
  }
});
