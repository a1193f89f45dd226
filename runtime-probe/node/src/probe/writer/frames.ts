// Owns the frames that need both rings' state to be put together: dictionary groups, the anchor and the end.
// Knows nothing of sockets, so that whichever thread sends the stream makes the same bytes.
import {
  encodeAnchor,
  encodeEnd,
  encodeFrame,
  encodeWatermarks,
  frameKind,
  type Watermark,
} from '../../wire/index.ts';
import { controlWord } from '../ring-layout.ts';

/** How much is handed to the socket at once. */
export const batchBytes = 256 * 1024;

/** The records as dictionary frames of at most about a batch each, in their order. */
export function dictionaryFrames(records: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let groupBytes = 0;
  const close = (): void => {
    if (group.length === 0) return;
    // Sequence and offset 0: they serve readers of ring files, and Node has none.
    const head = Uint8Array.of(0, 0);
    frames.push(encodeFrame(frameKind.dictionary, Buffer.concat([head, ...group])));
    group = [];
    groupBytes = 0;
  };
  for (const record of records) {
    if (groupBytes + record.length > batchBytes) close();
    group.push(record);
    groupBytes += record.length;
  }
  close();
  return frames;
}

export function watermarkFrame(mark: Watermark): Uint8Array {
  return encodeFrame(frameKind.watermarks, encodeWatermarks([mark]));
}

/** Ties the clock of ticks to the wall clock once more, now. */
export function anchorFrame(originTick: bigint): Uint8Array {
  const monotonicNs = process.hrtime.bigint();
  const tick = Number(monotonicNs - originTick);
  const wallUs = BigInt(Date.now()) * 1000n;
  return encodeFrame(frameKind.anchor, encodeAnchor({ tick, monotonicNs, wallUs }));
}

/** To be made only after finishReason was seen in `words`: the count of the dropped is final then. */
export function endFrame(words: Int32Array, mark: Watermark | undefined): Uint8Array {
  const dropped = (words[controlWord.droppedHigh] ?? 0) * 2 ** 31 + (words[controlWord.droppedLow] ?? 0);
  const threads =
    mark === undefined ? [] : [{ thread: mark.thread, sequence: mark.sequence, end: mark.end, dropped }];
  const reason = Atomics.load(words, controlWord.finishReason);
  return encodeFrame(frameKind.end, encodeEnd({ reason, threads }));
}
