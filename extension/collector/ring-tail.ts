// Owns turning ring slots into ordinary dictionary and chunk frames, for what the socket has not delivered.
// Pure: it must not know files or sessions. Slots are as hostile as any stream.
import {
  ByteReader,
  ByteWriter,
  decodeContext,
  decodeDictionary,
  decodeEvents,
  EventPlan,
  frameKind,
  type Shape,
  writeChunkHead,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { type RingSlot, slotState } from './ring-file.ts';

export interface ThreadPosition {
  readonly thread: number;
  readonly sequence: number;
  /** Event bytes of that slot that have been read. */
  readonly end: number;
}

export interface TailFrame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

export interface RingTail {
  /** Dictionary first, then each thread's chunks in order. */
  readonly frames: readonly TailFrame[];
  /** Threads of which a slot lies between what was read and what the ring holds: it may still be on the socket. */
  readonly threadsWithHole: readonly number[];
  /** Slots that hold what no stream may hold, in words. */
  readonly problems: readonly string[];
}

/**
 * Frames for every slot that is beyond `positions`.
 * A slot goes whole, from its first byte: the engine counts no byte twice, and so nothing must be cut inside it.
 * Dictionary slots all go: the program frees those that were sent, and a record may come again.
 */
export function ringTail(
  slots: readonly RingSlot[],
  shapes: ReadonlyMap<number, Shape>,
  positions: readonly ThreadPosition[],
): RingTail {
  const frames: TailFrame[] = [];
  const problems: string[] = [];
  const holes = new Set<number>();
  const keep = (what: string, make: () => TailFrame): void => {
    try {
      frames.push(make());
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`);
    }
  };
  const dictionary = slots.filter((slot) => slot.state === slotState.dictionary && slot.records.length > 0);
  for (const slot of dictionary.sort((a, b) => a.sequence - b.sequence))
    keep(`dictionary slot ${slot.sequence}`, () => dictionaryFrame(slot, shapes));
  const plan = new EventPlan(shapes);
  const read = new Map(positions.map((position) => [position.thread, position]));
  const last = new Map<number, number>();
  const events = slots.filter((slot) => slot.state === slotState.events);
  for (const slot of events.sort((a, b) => a.thread - b.thread || a.sequence - b.sequence)) {
    const position = read.get(slot.thread);
    const before = last.get(slot.thread) ?? position?.sequence ?? 0;
    if (slot.sequence < before) continue;
    if (slot.sequence > before + 1) holes.add(slot.thread);
    last.set(slot.thread, slot.sequence);
    // A number that the thread left out because recording was off: a chunk of it would hide the gap.
    if (slot.records.length === 0) continue;
    if (slot.sequence === position?.sequence && slot.records.length <= position.end) continue;
    keep(`slot ${slot.sequence} of thread ${slot.thread}`, () => chunkFrame(slot, plan));
  }
  return { frames, threadsWithHole: [...holes], problems };
}

function dictionaryFrame(slot: RingSlot, shapes: ReadonlyMap<number, Shape>): TailFrame {
  const payload = new ByteWriter().uint(slot.sequence).uint(0).raw(slot.records).take();
  // Only to see that it can be read: a record that cannot would end the session in the engine.
  decodeDictionary(payload, shapes, () => {});
  return { kind: frameKind.dictionary, payload };
}

function chunkFrame(slot: RingSlot, plan: EventPlan): TailFrame {
  const context = decodeContext(new ByteReader(slot.context));
  // The header states the last tick only of a sealed slot, and this also tries whether the events can be read.
  const lastTick = decodeEvents(slot.records, 0, slot.records.length, slot.firstTick, plan, () => {});
  const w = new ByteWriter();
  writeChunkHead(w, {
    thread: slot.thread,
    sequence: slot.sequence,
    offset: 0,
    dropped: slot.dropped,
    firstTick: slot.firstTick,
    lastTick,
    ...context,
  });
  return { kind: frameKind.chunk, payload: w.raw(slot.records).take() };
}
