// Every text trace in traces/ is encoded, decoded and read by the reference reader; the bytes are the golden vectors
// that the Rust codec reads and writes too, the model is a golden text.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
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

for (const name of readdirSync(vectors).filter(
  (each) => each.startsWith('rust-') && each.endsWith('.wakeline'),
)) {
  test(`${name}: what Rust wrote decodes and encodes to the same bytes`, () => {
    const bytes = new Uint8Array(readFileSync(`${vectors}${name}`));
    const text = textOf(framesOfRecording(bytes));
    assert.deepEqual(recordingOf(framesOf(text)), bytes);
  });
}
