// Owns decoding the payloads of frames: hello, dictionary, chunk heads and events, watermarks, anchor, end.
// Stateless: what one payload means for the next is the stream's business.
import {
  type DictionaryRecord,
  dictionaryKind,
  eventKind,
  limits,
  shapes as ownShapes,
  type Shape,
  type ShortForm,
  shortForms,
  typeCode,
} from './generated/records.ts';
import { ByteReader, WireError } from './reader.ts';

export interface Capability {
  readonly name: string;
  readonly visibility: number;
  readonly note: string;
}

/** Which processes and threads of one program belong together: those that one start of it brought about. */
export interface Family {
  /** 32 hexadecimal digits; the same in all members. */
  readonly group: string;
  /** Session of the process that started this one or whose thread this is; empty where that has none. */
  readonly parent: string;
  /** What this is of the program, in words: "worker thread 2", "cluster worker 1"; empty for the program itself. */
  readonly part: string;
}

export interface Hello {
  readonly session: string;
  readonly tickRate: bigint;
  readonly originTick: bigint;
  readonly anchorMonotonicNs: bigint;
  readonly anchorWallUs: bigint;
  readonly pid: number;
  readonly language: string;
  readonly program: string;
  readonly workingFolder: string;
  readonly sourceRoot: string;
  readonly probe: string;
  readonly tier: string;
  readonly launch: string;
  readonly ringFile: string;
  readonly detail: number;
  readonly capabilities: readonly Capability[];
  readonly shapes: ReadonlyMap<number, Shape>;
  /** Absent where the writer knows of no others. */
  readonly family?: Family;
}

const listLimit = 1024;

export function decodeHello(payload: Uint8Array): Hello {
  const r = new ByteReader(payload);
  const hello = {
    session: r.text(),
    tickRate: r.wide(),
    originTick: r.wide(),
    anchorMonotonicNs: r.wide(),
    anchorWallUs: r.wide(),
    pid: r.uint(),
    language: r.text(),
    program: r.text(),
    workingFolder: r.text(),
    sourceRoot: r.text(),
    probe: r.text(),
    tier: r.text(),
    launch: r.text(),
    ringFile: r.text(),
    detail: r.uint(),
    capabilities: r.repeat(listLimit, 'list of capabilities', () => ({
      name: r.text(),
      visibility: r.uint(),
      note: r.text(),
    })),
    shapes: new Map(r.repeat(listLimit, 'list of shapes', () => decodeShape(r)).map((s) => [s.kind, s])),
    ...(r.atEnd ? {} : { family: { group: r.text(), parent: r.text(), part: r.text() } }),
  };
  if (!/^[0-9a-f]{32}$/.test(hello.session))
    throw new WireError(`a session is 32 hexadecimal digits, not ${JSON.stringify(hello.session)}`, 0);
  if (hello.tickRate < 1000n || hello.tickRate > 100_000_000_000n)
    throw new WireError(`a tick rate of ${hello.tickRate} per second is none that a clock has`, 0);
  return hello;
}

function decodeShape(r: ByteReader): Shape {
  const kind = r.uint();
  const name = r.text();
  const known = ownShape.get(kind);
  const fields = r.repeat(listLimit, 'list of fields', () => r.uint());
  for (const type of fields) {
    if (type < typeCode.uint || type > typeCode.wide)
      throw new WireError(
        `record kind ${kind} (${name}) has a field of type ${type}, which this reader cannot skip. Update Wakeline`,
        r.position,
      );
  }
  known?.fields.forEach((field, i) => {
    const type = fields[i];
    if (type !== undefined && type !== field.type)
      throw new WireError(
        `field ${known.name}.${field.name} has type ${type}, not ${field.type}`,
        r.position,
      );
  });
  return {
    kind,
    name,
    fields: fields.map((type, i) => ({ name: known?.fields[i]?.name ?? `field${i}`, type })),
  };
}

const ownShape: ReadonlyMap<number, Shape> = new Map(ownShapes.map((shape) => [shape.kind, shape]));
const dictionaryKinds: ReadonlySet<number> = new Set(Object.values(dictionaryKind));
const firstEventKind = eventKind.taskSpawn;

function skipField(r: ByteReader, type: number): void {
  if (type === typeCode.text) r.text();
  else if (type === typeCode.list) r.list();
  else if (type === typeCode.wide) r.wide();
  else r.uint();
}

function readField(r: ByteReader, type: number): number | string | readonly number[] | bigint {
  if (type === typeCode.text) return r.text();
  if (type === typeCode.list) return r.list();
  if (type === typeCode.wide) return r.wide();
  return type === typeCode.sint ? r.sint() : r.uint();
}

const absent: Readonly<Record<number, number | string | readonly number[] | bigint>> = {
  [typeCode.text]: '',
  [typeCode.list]: [],
  [typeCode.wide]: 0n,
};

export interface DictionaryHead {
  readonly sequence: number;
  readonly offset: number;
}

/** Decodes the records of a dictionary frame; kinds that only the writer knows are skipped by their shape. */
export function decodeDictionary(
  payload: Uint8Array,
  shapes: ReadonlyMap<number, Shape>,
  onRecord: (record: DictionaryRecord) => void,
): DictionaryHead {
  const r = new ByteReader(payload);
  const head = { sequence: r.uint(), offset: r.uint() };
  while (!r.atEnd) {
    const kind = r.uint();
    const shape = shapes.get(kind);
    if (shape === undefined) throw new WireError(`dictionary record kind ${kind} is in no shape`, r.position);
    if (!dictionaryKinds.has(kind)) {
      for (const field of shape.fields) skipField(r, field.type);
      continue;
    }
    onRecord(readRecord(r, shape));
  }
  return head;
}

function readRecord(r: ByteReader, shape: Shape): DictionaryRecord {
  const own = ownShape.get(shape.kind) as Shape;
  const record: Record<string, unknown> = { record: own.name };
  shape.fields.forEach((field, i) => {
    const ownField = own.fields[i];
    if (ownField === undefined) skipField(r, field.type);
    else record[ownField.name] = readField(r, field.type);
  });
  for (const field of own.fields.slice(shape.fields.length)) record[field.name] = absent[field.type] ?? 0;
  return record as unknown as DictionaryRecord;
}

export interface OpenPoll {
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
}

export interface ChunkHead {
  readonly thread: number;
  readonly sequence: number;
  readonly offset: number;
  readonly dropped: number;
  readonly firstTick: number;
  readonly lastTick: number;
  readonly openPolls: readonly OpenPoll[];
  readonly openFrames: readonly number[];
  readonly openJob: number;
  /** Where in the payload the events begin. */
  readonly eventsAt: number;
}

export function decodeChunkHead(payload: Uint8Array): ChunkHead {
  const r = new ByteReader(payload);
  const head = {
    thread: r.uint(),
    sequence: r.uint(),
    offset: r.uint(),
    dropped: r.uint(),
    firstTick: r.uint(),
    lastTick: r.uint(),
    ...decodeContext(r),
  };
  if (head.thread === 0 || head.sequence === 0)
    throw new WireError('a chunk names no thread or no sequence', r.position);
  return { ...head, eventsAt: r.position };
}

/** What is open at the start of a slot: part of a chunk's head, and of a ring slot's payload. */
export function decodeContext(r: ByteReader): Pick<ChunkHead, 'openPolls' | 'openFrames' | 'openJob'> {
  return {
    openPolls: r.repeat(limits.openPolls, 'list of open polls', () => ({
      task: r.uint(),
      epoch: r.uint(),
      startTick: r.uint(),
    })),
    openFrames: r.repeat(limits.openFrames, 'list of open frames', () => r.uint()),
    openJob: r.uint(),
  };
}

const shortFormOf: ReadonlyMap<number, ShortForm> = new Map(shortForms.map((form) => [form.kind, form]));

/** Puts the fields of the event that a short form stands for in the place of the written ones. Returns the event's kind. */
export function expandShortForm(form: ShortForm, fields: Float64Array): number {
  const { from, value, of } = form;
  // From the last: a written field stands never behind its place in the whole event.
  for (let i = from.length - 1; i >= 0; i--) {
    const place = from[i] as number;
    fields[i] = place < 0 ? (value[i] as number) : (fields[place] as number);
  }
  return of;
}

/**
 * How events of each kind are read: how many fields the writer puts there, how many of these we know, which are signed.
 * Made once per hello, so that the loop over events looks up an array and reads numbers.
 */
export class EventPlan {
  readonly written: Int16Array = new Int16Array(128).fill(-1);
  readonly known: Uint8Array = new Uint8Array(128);
  readonly signed: Uint32Array = new Uint32Array(128);
  readonly foreign: (Shape | undefined)[] = new Array<Shape | undefined>(128).fill(undefined);
  readonly short: (ShortForm | undefined)[] = new Array<ShortForm | undefined>(128).fill(undefined);

  constructor(shapes: ReadonlyMap<number, Shape>) {
    for (const shape of shapes.values()) {
      if (shape.kind < firstEventKind || shape.kind > 127) continue;
      const own = ownShape.get(shape.kind);
      const simple = shape.fields.every((f) => f.type === typeCode.uint || f.type === typeCode.sint);
      this.written[shape.kind] = shape.fields.length;
      this.known[shape.kind] = own?.fields.length ?? 0;
      this.short[shape.kind] = shortFormOf.get(shape.kind);
      if (own === undefined || !simple) this.foreign[shape.kind] = shape;
      shape.fields.forEach((f, i) => {
        if (f.type === typeCode.sint && i < 32)
          this.signed[shape.kind] = (this.signed[shape.kind] ?? 0) | (1 << i);
      });
    }
  }
}

/**
 * Throws what `decodeEvents` would throw on these bytes, without handing anything out, so that a reader can
 * refuse a damaged chunk before it has taken any of it. Returns how many events there are.
 */
export function checkEvents(bytes: Uint8Array, position: number, end: number, plan: EventPlan): number {
  const { written, foreign } = plan;
  let at = position;
  let count = 0;
  while (at < end) {
    const kind = bytes[at] as number;
    const fieldCount = kind < 128 ? (written[kind] as number) : -1;
    if (fieldCount < 0 || foreign[kind] !== undefined) {
      at = checkUncommonEvent(bytes, at, end, plan);
    } else {
      at++;
      // The tick delta, then the fields.
      for (let i = -1; i < fieldCount; i++) {
        const start = at;
        while (at < end && (bytes[at] as number) >= 0x80) at++;
        at++;
        // Up to four bytes cannot be too large.
        if (at > end || at - start > 4) at = checkLongNumber(bytes, start, end);
      }
    }
    count++;
  }
  return count;
}

function checkLongNumber(bytes: Uint8Array, at: number, end: number): number {
  const r = new ByteReader(bytes, at, end);
  r.uint();
  return r.position;
}

function checkUncommonEvent(bytes: Uint8Array, at: number, end: number, plan: EventPlan): number {
  const r = new ByteReader(bytes, at, end);
  const kind = r.uint();
  const shape = kind < 128 ? plan.foreign[kind] : undefined;
  if (shape === undefined) throw new WireError(`event kind ${kind} is in no shape`, at);
  r.uint();
  for (const field of shape.fields) skipField(r, field.type);
  return r.position;
}

/** Steps over an event of a kind that only the writer knows; `position` is behind its kind. */
export function skipForeignEvent(
  bytes: Uint8Array,
  position: number,
  shape: Shape,
): { tickDelta: number; position: number } {
  const r = new ByteReader(bytes, position);
  const tickDelta = r.uint();
  for (const field of shape.fields) skipField(r, field.type);
  return { tickDelta, position: r.position };
}

/** Receives one event. `fields` is reused: copy what must stay. Fields the writer did not send read 0. */
export type OnEvent = (kind: number, tick: number, fields: Float64Array, eventEnd: number) => void;

/**
 * Walks the events of a chunk from `position` to `end`, ticks counted from `baseTick`.
 * `eventEnd` is the byte behind the event, counted in `bytes`. Returns the last tick.
 * The loop is the engine's hot path: no allocation, numbers only.
 */
export function decodeEvents(
  bytes: Uint8Array,
  position: number,
  end: number,
  baseTick: number,
  plan: EventPlan,
  onEvent: OnEvent,
): number {
  const r = new ByteReader(bytes, position, end);
  const fields = new Float64Array(32);
  let tick = baseTick;
  while (r.position < end) {
    const at = r.position;
    const kind = r.uint();
    const written = kind < 128 ? (plan.written[kind] as number) : -1;
    if (written < 0) throw new WireError(`event kind ${kind} is in no shape`, at);
    tick += r.uint();
    const foreign = plan.foreign[kind];
    if (foreign !== undefined) {
      for (const field of foreign.fields) skipField(r, field.type);
      continue;
    }
    const known = plan.known[kind] as number;
    const signed = plan.signed[kind] as number;
    for (let i = 0; i < written; i++) {
      const value = signed !== 0 && (signed & (1 << i)) !== 0 ? r.sint() : r.uint();
      if (i < known) fields[i] = value;
    }
    for (let i = written; i < known; i++) fields[i] = 0;
    const form = plan.short[kind];
    onEvent(form === undefined ? kind : expandShortForm(form, fields), tick, fields, r.position);
  }
  return tick;
}

export interface Watermark {
  readonly thread: number;
  readonly tick: number;
  readonly sequence: number;
  readonly end: number;
}

const threadLimit = 65536;

export function decodeWatermarks(payload: Uint8Array): Watermark[] {
  const r = new ByteReader(payload);
  return r.repeat(threadLimit, 'list of watermarks', () => ({
    thread: r.uint(),
    tick: r.uint(),
    sequence: r.uint(),
    end: r.uint(),
  }));
}

export interface Anchor {
  readonly tick: number;
  readonly monotonicNs: bigint;
  readonly wallUs: bigint;
}

export function decodeAnchor(payload: Uint8Array): Anchor {
  const r = new ByteReader(payload);
  return { tick: r.uint(), monotonicNs: r.wide(), wallUs: r.wide() };
}

export interface StreamEnd {
  readonly reason: number;
  readonly threads: readonly { thread: number; sequence: number; end: number; dropped: number }[];
}

export function decodeEnd(payload: Uint8Array): StreamEnd {
  const r = new ByteReader(payload);
  return {
    reason: r.uint(),
    threads: r.repeat(threadLimit, 'list of threads', () => ({
      thread: r.uint(),
      sequence: r.uint(),
      end: r.uint(),
      dropped: r.uint(),
    })),
  };
}

export interface Control {
  readonly detail: number;
  readonly snapshot: boolean;
  /** A scheduling breakpoint is set or all are cleared; then nothing else changes. Undefined: it is about the detail. */
  readonly breaks?: { readonly on: BreakOn; readonly value: number };
}

/** Where to stop next; 0, or nothing behind the snapshot, is none. */
export const breakOn = {
  /** At the next poll of the task. */
  poll: 1,
  /** At the next wake of the task. */
  wake: 2,
  /** In the next poll that is open for that many ns. */
  longPoll: 3,
  /** Takes all of these away. */
  clear: 4,
} as const;
export type BreakOn = (typeof breakOn)[keyof typeof breakOn];

export function decodeControl(payload: Uint8Array): Control {
  const r = new ByteReader(payload);
  const control = { detail: r.uint(), snapshot: r.uint() === 1 };
  const on = r.atEnd ? 0 : r.uint();
  const value = r.atEnd ? 0 : r.uint();
  const known = Object.values(breakOn).find((each) => each === on);
  return known === undefined ? control : { ...control, breaks: { on: known, value } };
}
