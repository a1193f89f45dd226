// Owns a ring with both of its ends on one thread, so that tests decide when the reader looks.

import { DictionaryRing } from '../../../runtime-probe/node/src/probe/dictionary-ring.ts';
import { EventRing } from '../../../runtime-probe/node/src/probe/event-ring.ts';
import { layOutRing, smallestRingBytes } from '../../../runtime-probe/node/src/probe/ring-layout.ts';
import { DictionaryStore } from '../../../runtime-probe/node/src/probe/writer/dictionary-store.ts';
import { EventReader } from '../../../runtime-probe/node/src/probe/writer/event-reader.ts';
import {
  decodeChunkHead,
  decodeEvents,
  EventPlan,
  type Frame,
  frameKind,
  shapes,
} from '../../../runtime-probe/protocol/typescript/index.ts';

export function makeRing(ringBytes: number = smallestRingBytes) {
  const layout = layOutRing(ringBytes);
  const memory = new SharedArrayBuffer(layout.totalBytes);
  return {
    layout,
    events: new EventRing(memory, layout),
    reader: new EventReader(memory, layout, 1),
    dictionary: new DictionaryRing(memory, layout),
    store: new DictionaryStore(memory, layout),
  };
}

export type TestRing = ReturnType<typeof makeRing>;

export interface DecodedEvent {
  readonly kind: number;
  readonly tick: number;
  readonly first: number;
}

const plan = new EventPlan(new Map(shapes.map((shape) => [shape.kind, shape])));

/** Decodes each chunk by itself, as a reader that has nothing else must be able to. */
export function decodeChunks(chunks: readonly Uint8Array[]): DecodedEvent[] {
  const events: DecodedEvent[] = [];
  for (const payload of chunks) {
    const head = decodeChunkHead(payload);
    decodeEvents(payload, head.eventsAt, payload.length, head.firstTick, plan, (kind, tick, fields) =>
      events.push({ kind, tick, first: fields[0] ?? 0 }),
    );
  }
  return events;
}

export function chunkFrames(chunks: readonly Uint8Array[]): Frame[] {
  return chunks.map((payload) => ({ kind: frameKind.chunk, payload }));
}
