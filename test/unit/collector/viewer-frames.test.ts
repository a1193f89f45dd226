// Owns what must hold of the frames between collector and viewers: any split, limits before memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ViewerAnswer } from '../../../extension/messages/viewer-frames.ts';
import {
  answerLimits,
  encodeViewerFrame,
  requestLimits,
  type ViewerFrame,
  ViewerFrameSplitter,
} from '../../../extension/messages/viewer-frames.ts';

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

test('any split of the bytes gives the frames that were sent', () => {
  const message = fc.record({
    id: fc.nat(),
    ok: fc.constant(true as const),
    result: fc.oneof(fc.string(), fc.array(fc.nat(), { maxLength: 20 }), fc.constant(null)),
  });
  const frame = fc.tuple(message, fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(([m, binary]) => encodeViewerFrame(m, binary)));
      const splitter = new ViewerFrameSplitter(answerLimits);
      const received: ViewerFrame[] = [];
      for (const piece of split(bytes, cuts)) splitter.push(piece, (f) => received.push(f));
      assert.deepEqual(
        received.map((f) => [f.message, [...f.binary]]),
        sent.map(([m, binary]) => [JSON.parse(JSON.stringify(m)), [...binary]]),
      );
    }),
  );
});

test('a binary part owns its buffer, so that it can be handed on', () => {
  const answer: ViewerAnswer = { id: 1, ok: true, result: {} };
  const frames: ViewerFrame[] = [];
  new ViewerFrameSplitter(answerLimits).push(encodeViewerFrame(answer, new Uint8Array([1, 2, 3])), (f) =>
    frames.push(f),
  );
  assert.equal(frames[0]?.binary.buffer.byteLength, 3);
});

test('what is over the receiver’s limits, or no JSON, ends the connection', () => {
  const head = (json: number, binary: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(json, 0);
    bytes.writeUInt32LE(binary, 4);
    return bytes;
  };
  const push = (bytes: Uint8Array) => () => new ViewerFrameSplitter(requestLimits).push(bytes, () => {});
  assert.throws(push(head(requestLimits.jsonBytes + 1, 0)), /65537 bytes/);
  assert.throws(push(head(0xffff_ffff, 0)), /4294967295 bytes/);
  assert.throws(push(head(2, 1)), /binary part of 1 bytes/);
  assert.throws(push(head(0, 0)), /message of 0 bytes/);
  assert.throws(push(Buffer.concat([head(2, 0), Buffer.from('{x')])), /no JSON/);
});
