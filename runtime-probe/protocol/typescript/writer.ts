// Owns writing the wire's primitive types, records and frame payloads to bytes. Knows nothing of sockets or rings.
import {
  type DictionaryRecord,
  dictionaryKind,
  type EventRecord,
  eventKind,
  limits,
  shapes as ownShapes,
  type Shape,
  typeCode,
  wireVersion,
} from './generated/records.ts';
import type { Anchor, ChunkHead, Control, Hello, StreamEnd, Watermark } from './payloads.ts';

const textEncoder = new TextEncoder();

/** Grows as needed. `take` gives what was written and starts anew. */
export class ByteWriter {
  private bytes = new Uint8Array(1024);
  private length = 0;

  /** Unsigned LEB128. Throws on a negative, fractional or unsafe number: it would decode to something else. */
  uint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`only whole numbers from 0 to 2^53 - 1 fit on the wire, not ${value}`);
    let rest = value;
    this.reserve(8);
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
    return this;
  }

  /** Zigzag. The most negative safe number would leave 53 bits, so the range is half that of uint. */
  sint(value: number): this {
    return this.uint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  wide(value: bigint): this {
    if (value < 0n || value >= 1n << 64n) throw new RangeError(`${value} does not fit in 64 bits`);
    let rest = value;
    this.reserve(10);
    while (rest >= 0x80n) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
    return this;
  }

  /** Texts over the limit are cut: a name that is too long must not cost the trace. */
  text(value: string): this {
    let encoded = textEncoder.encode(value);
    if (encoded.length > limits.textBytes) encoded = encoded.subarray(0, limits.textBytes);
    this.uint(encoded.length);
    return this.raw(encoded);
  }

  list(values: readonly number[]): this {
    const kept = values.slice(0, limits.listItems);
    this.uint(kept.length);
    for (const value of kept) this.uint(value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  get written(): number {
    return this.length;
  }

  /** A copy of what was written; the writer is empty after. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  /** What was written, as its first `written` bytes, until more is written or `clear`: for whoever copies it. */
  get buffer(): Uint8Array {
    return this.bytes;
  }

  /** The writer is empty after. */
  clear(): void {
    this.length = 0;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

/** An event with the tick at which it happened. */
export interface TimedEvent {
  readonly tick: number;
  readonly event: EventRecord;
}

const shapeByName: ReadonlyMap<string, Shape> = new Map(ownShapes.map((shape) => [shape.name, shape]));

/** Kind, then fields. For events use `writeEvent`, which has the tick between. */
export function writeDictionaryRecord(writer: ByteWriter, record: DictionaryRecord): void {
  writer.uint(dictionaryKind[record.record]);
  writeFields(writer, record);
}

export function writeEvent(writer: ByteWriter, event: EventRecord, tickDelta: number): void {
  writer.uint(eventKind[event.record]).uint(tickDelta);
  writeFields(writer, event);
}

function writeFields(writer: ByteWriter, record: DictionaryRecord | EventRecord): void {
  const shape = shapeByName.get(record.record) as Shape;
  const values = record as unknown as Record<string, unknown>;
  for (const field of shape.fields) {
    const value = values[field.name];
    if (field.type === typeCode.text) writer.text(value as string);
    else if (field.type === typeCode.list) writer.list(value as readonly number[]);
    else if (field.type === typeCode.wide) writer.wide(value as bigint);
    else if (field.type === typeCode.sint) writer.sint(value as number);
    else writer.uint(value as number);
  }
}

/** The hello of a stream whose shapes are this version's unless others are given. */
export function encodeHello(hello: Omit<Hello, 'shapes'>, shapes: readonly Shape[] = ownShapes): Uint8Array {
  const w = new ByteWriter();
  w.text(hello.session).wide(hello.tickRate).wide(hello.originTick);
  w.wide(hello.anchorMonotonicNs).wide(hello.anchorWallUs).uint(hello.pid);
  w.text(hello.language).text(hello.program).text(hello.workingFolder).text(hello.sourceRoot);
  w.text(hello.probe).text(hello.tier).text(hello.launch).text(hello.ringFile).uint(hello.detail);
  w.uint(hello.capabilities.length);
  for (const each of hello.capabilities) w.text(each.name).uint(each.visibility).text(each.note);
  w.uint(shapes.length);
  for (const shape of shapes) {
    w.uint(shape.kind).text(shape.name).uint(shape.fields.length);
    for (const field of shape.fields) w.uint(field.type);
  }
  const { family } = hello;
  if (family !== undefined) w.text(family.group).text(family.parent).text(family.part);
  return w.take();
}

export function encodeDictionary(
  records: readonly DictionaryRecord[],
  head: { readonly sequence: number; readonly offset: number } = { sequence: 1, offset: 0 },
): Uint8Array {
  const w = new ByteWriter();
  w.uint(head.sequence).uint(head.offset);
  for (const record of records) writeDictionaryRecord(w, record);
  return w.take();
}

/** Everything of a chunk's head but where its events begin, which only a decoder needs. */
export type ChunkHeadToWrite = Omit<ChunkHead, 'eventsAt'>;

export function writeChunkHead(w: ByteWriter, head: ChunkHeadToWrite): void {
  w.uint(head.thread).uint(head.sequence).uint(head.offset).uint(head.dropped);
  w.uint(head.firstTick).uint(head.lastTick);
  w.uint(head.openPolls.length);
  for (const poll of head.openPolls) w.uint(poll.task).uint(poll.epoch).uint(poll.startTick);
  w.uint(head.openFrames.length);
  for (const frame of head.openFrames) w.uint(frame);
  w.uint(head.openJob);
}

/** A chunk of these events. `firstTick` and `lastTick` of the head are taken from the events where there are any. */
export function encodeChunk(head: ChunkHeadToWrite, events: readonly TimedEvent[]): Uint8Array {
  const w = new ByteWriter();
  writeChunkHead(w, { ...head, lastTick: events.at(-1)?.tick ?? head.firstTick });
  let tick = head.firstTick;
  for (const { tick: at, event } of events) {
    writeEvent(w, event, at - tick);
    tick = at;
  }
  return w.take();
}

export function encodeWatermarks(watermarks: readonly Watermark[]): Uint8Array {
  const w = new ByteWriter();
  w.uint(watermarks.length);
  for (const each of watermarks) w.uint(each.thread).uint(each.tick).uint(each.sequence).uint(each.end);
  return w.take();
}

export function encodeAnchor(anchor: Anchor): Uint8Array {
  return new ByteWriter().uint(anchor.tick).wide(anchor.monotonicNs).wide(anchor.wallUs).take();
}

export function encodeEnd(end: StreamEnd): Uint8Array {
  const w = new ByteWriter();
  w.uint(end.reason).uint(end.threads.length);
  for (const each of end.threads) w.uint(each.thread).uint(each.sequence).uint(each.end).uint(each.dropped);
  return w.take();
}

export function encodeControl(control: Control): Uint8Array {
  const w = new ByteWriter().uint(control.detail).uint(control.snapshot ? 1 : 0);
  if (control.breaks !== undefined) w.uint(control.breaks.on).uint(control.breaks.value);
  return w.take();
}

/** The bytes with which a program or viewer opens a connection. `token` is 32 hexadecimal digits. */
export function encodePreamble(role: number, token: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(token)) throw new RangeError('a token is 32 hexadecimal digits');
  const bytes = new Uint8Array(preambleBytes);
  bytes.set(textEncoder.encode('WAKELINE'));
  new DataView(bytes.buffer).setUint16(8, wireVersion, true);
  bytes[10] = role;
  for (let i = 0; i < limits.tokenBytes; i++)
    bytes[12 + i] = Number.parseInt(token.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

export const preambleBytes = 28;
