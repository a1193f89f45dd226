import { fileURLToPath } from 'node:url';
import {
  type ChunkHead,
  checkRecordingHead,
  type DictionaryRecord,
  decodeAnchor,
  decodeChunkHead,
  decodeDictionary,
  decodeEnd,
  decodeEvents,
  decodeHello,
  decodeWatermarks,
  EventPlan,
  type EventRecord,
  encodeAnchor,
  encodeChunk,
  encodeDictionary,
  encodeEnd,
  encodeFrame,
  encodeHello,
  encodeWatermarks,
  endReason,
  type Frame,
  FrameSplitter,
  frameKind,
  type Hello,
  recordingHead,
  recordingHeadBytes,
  shapes,
  type TimedEvent,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { type FieldSchema, type RecordSchema, readSchema } from '../../tools/wire/schema.ts';

export const schema = readSchema(
  fileURLToPath(new URL('../../runtime-probe/protocol/schema.json', import.meta.url)),
);
const eventByName = new Map(schema.events.map((r) => [r.name, r]));
const eventByKind = new Map(schema.events.map((r) => [r.kind, r]));
const dictionaryByName = new Map(schema.dictionary.map((r) => [r.name, r]));

export const testSession = '0123456789abcdef0123456789abcdef';

/** The hello of every text trace, but for what its line overrides. */
export const testHello: Omit<Hello, 'shapes'> = {
  session: testSession,
  tickRate: 1_000_000_000n,
  originTick: 0n,
  anchorMonotonicNs: 0n,
  anchorWallUs: 0n,
  pid: 42,
  language: 'rust',
  program: '/app/demo',
  workingFolder: '/app',
  sourceRoot: '/app',
  probe: 'test 1',
  tier: 'test',
  launch: '',
  ringFile: '',
  detail: 3,
  capabilities: [],
};

/** The frames that a text trace describes. Throws with the line that it cannot read. */
export function framesOf(text: string): Frame[] {
  const frames: Frame[] = [];
  const lines = text.split('\n').map((line) => line.trim());
  const sequences = new Map<number, number>();
  let records: DictionaryRecord[] = [];
  let chunk: { head: Omit<ChunkHead, 'eventsAt'>; events: TimedEvent[] } | undefined;
  const flush = () => {
    if (records.length > 0) frames.push({ kind: frameKind.dictionary, payload: encodeDictionary(records) });
    if (chunk !== undefined) {
      const head = { ...chunk.head, firstTick: Math.max(chunk.head.firstTick, 0) };
      frames.push({ kind: frameKind.chunk, payload: encodeChunk(head, chunk.events) });
    }
    records = [];
    chunk = undefined;
  };
  lines.forEach((line, index) => {
    if (line === '' || line.startsWith('#')) return;
    try {
      const [verb = '', ...rest] = words(line);
      if (verb === 'dict') {
        if (chunk !== undefined) flush();
        const [name = '', ...fields] = rest;
        records.push(recordOf(dictionaryByName.get(name), name, fields) as DictionaryRecord);
        return;
      }
      if (/^\d+$/.test(verb)) {
        if (chunk === undefined) throw new Error('an event stands outside any chunk');
        const [name = '', ...fields] = rest;
        const event = recordOf(eventByName.get(name), name, fields) as EventRecord;
        chunk.events.push({ tick: Number(verb), event });
        if (chunk.events.length === 1 && chunk.head.firstTick === -1)
          chunk = { ...chunk, head: { ...chunk.head, firstTick: Number(verb) } };
        return;
      }
      flush();
      if (verb === 'hello') frames.push({ kind: frameKind.hello, payload: encodeHello(helloOf(rest)) });
      else if (verb === 'chunk') chunk = { head: chunkHeadOf(rest, sequences), events: [] };
      else if (verb === 'watermarks')
        frames.push({ kind: frameKind.watermarks, payload: encodeWatermarks(rest.map(watermarkOf)) });
      else if (verb === 'end') frames.push({ kind: frameKind.end, payload: endOf(rest) });
      else if (verb === 'anchor') {
        const at = pairs(rest);
        const payload = encodeAnchor({
          tick: Number(at.get('tick') ?? 0),
          monotonicNs: BigInt(at.get('monotonicNs') ?? 0),
          wallUs: BigInt(at.get('wallUs') ?? 0),
        });
        frames.push({ kind: frameKind.anchor, payload });
      } else throw new Error(`there is no verb ${verb}`);
    } catch (error) {
      throw new Error(`text trace, line ${index + 1} (${line}): ${(error as Error).message}`);
    }
  });
  flush();
  return frames;
}

/** A recording's bytes. */
export function recordingOf(frames: readonly Frame[]): Uint8Array {
  const parts = [recordingHead(), ...frames.map((f) => encodeFrame(f.kind, f.payload))];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** The whole frames of a recording's bytes, copied; a frame that is cut off is left out. */
export function framesOfRecording(bytes: Uint8Array): Frame[] {
  checkRecordingHead(bytes);
  const frames: Frame[] = [];
  new FrameSplitter().push(bytes.subarray(recordingHeadBytes), (frame) =>
    frames.push({ kind: frame.kind, payload: Uint8Array.from(frame.payload) }),
  );
  return frames;
}

/** The canonical text of frames: every field written, enums by name. `framesOf` gives the frames back. */
export function textOf(frames: readonly Frame[]): string {
  const lines: string[] = [];
  let shapesOfHello: Hello['shapes'] = new Map(shapes.map((s) => [s.kind, s]));
  for (const frame of frames) {
    if (frame.kind === frameKind.hello) {
      const hello = decodeHello(frame.payload);
      shapesOfHello = hello.shapes;
      lines.push(helloText(hello));
    } else if (frame.kind === frameKind.dictionary) {
      decodeDictionary(frame.payload, shapesOfHello, (record) => {
        const own = dictionaryByName.get(record.record) as RecordSchema;
        lines.push(`dict ${own.name}${fieldsText(own, record as unknown as Record<string, unknown>)}`);
      });
    } else if (frame.kind === frameKind.chunk) lines.push(...chunkText(frame.payload, shapesOfHello));
    else if (frame.kind === frameKind.watermarks)
      lines.push(
        `watermarks ${decodeWatermarks(frame.payload)
          .map((w) => `${w.thread}/${w.tick}/${w.sequence}/${w.end}`)
          .join(' ')}`,
      );
    else if (frame.kind === frameKind.anchor) {
      const anchor = decodeAnchor(frame.payload);
      lines.push(`anchor tick=${anchor.tick} monotonicNs=${anchor.monotonicNs} wallUs=${anchor.wallUs}`);
    } else if (frame.kind === frameKind.end) {
      const end = decodeEnd(frame.payload);
      const reason = Object.entries(endReason).find(([, value]) => value === end.reason)?.[0] ?? end.reason;
      lines.push(
        `end ${reason} ${end.threads.map((t) => `${t.thread}/${t.sequence}/${t.end}/${t.dropped}`).join(' ')}`.trimEnd(),
      );
    } else lines.push(`# frame of unknown kind ${frame.kind}, ${frame.payload.length} bytes`);
  }
  return `${lines.join('\n')}\n`;
}

function words(line: string): string[] {
  return line.match(/[^\s"]*"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
}

function pairs(fields: readonly string[]): Map<string, string> {
  return new Map(
    fields.map((field) => {
      const at = field.indexOf('=');
      if (at < 0) throw new Error(`${field} is not name=value`);
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

function recordOf(own: RecordSchema | undefined, name: string, fields: readonly string[]): unknown {
  if (own === undefined) throw new Error(`the schema has no record ${name}`);
  const given = pairs(fields);
  const record: Record<string, unknown> = { record: own.name };
  for (const field of own.fields) {
    const text = given.get(field.name);
    record[field.name] = text === undefined ? absentOf(field) : parseValue(field, text);
    given.delete(field.name);
  }
  for (const unknown of given.keys()) throw new Error(`${name} has no field ${unknown}`);
  return record;
}

function absentOf(field: FieldSchema): unknown {
  if (field.type === 'text') return '';
  if (field.type === 'list') return [];
  return field.type === 'wide' ? 0n : 0;
}

function parseValue(field: FieldSchema, text: string): unknown {
  if (field.type === 'text') return JSON.parse(text) as string;
  if (field.type === 'list') return text === '' ? [] : text.split(',').map(Number);
  if (field.type === 'wide') return BigInt(text);
  if (/^-?\d+$/.test(text)) return Number(text);
  if (field.enum !== undefined) {
    const value = schema.enums[field.enum]?.values[text];
    if (value !== undefined) return value.value;
  }
  if (field.bits !== undefined) {
    const bits = schema.bits[field.bits] ?? {};
    return text.split('|').reduce((sum, name) => {
      const bit = bits[name];
      if (bit === undefined) throw new Error(`${field.bits} has no bit ${name}`);
      return sum | bit;
    }, 0);
  }
  throw new Error(`${field.name}=${text} is no value that the schema knows`);
}

function fieldsText(own: RecordSchema, record: Record<string, unknown>): string {
  return own.fields.map((field) => ` ${field.name}=${valueText(field, record[field.name])}`).join('');
}

function valueText(field: FieldSchema, value: unknown): string {
  if (field.type === 'text') return JSON.stringify(value);
  if (field.type === 'list') return (value as number[]).join(',');
  if (field.enum !== undefined) {
    const values = Object.entries(schema.enums[field.enum]?.values ?? {});
    return values.find(([, each]) => each.value === value)?.[0] ?? String(value);
  }
  if (field.bits !== undefined) {
    const bits = Object.entries(schema.bits[field.bits] ?? {});
    const names = bits.filter(([, bit]) => ((value as number) & bit) !== 0);
    const sum = names.reduce((total, [, bit]) => total + bit, 0);
    return sum === value && sum !== 0 ? names.map(([name]) => name).join('|') : String(value);
  }
  return String(value);
}

const helloTexts = [
  'session',
  'language',
  'program',
  'workingFolder',
  'sourceRoot',
  'probe',
  'tier',
  'launch',
  'ringFile',
] as const;
const familyTexts = ['group', 'parent', 'part'] as const;

function helloOf(fields: readonly string[]): Omit<Hello, 'shapes'> {
  const given = pairs(fields);
  const texts = Object.fromEntries(
    helloTexts.flatMap((name) => {
      const text = given.get(name);
      return text === undefined ? [] : [[name, JSON.parse(text) as string]];
    }),
  );
  const [group, parent, part] = familyTexts.map((name) => JSON.parse(given.get(name) ?? '""') as string);
  return {
    ...testHello,
    ...texts,
    ...(given.has('group') ? { family: { group: group ?? '', parent: parent ?? '', part: part ?? '' } } : {}),
    tickRate: BigInt(given.get('rate') ?? testHello.tickRate),
    originTick: BigInt(given.get('originTick') ?? 0),
    anchorMonotonicNs: BigInt(given.get('anchorMonotonicNs') ?? 0),
    anchorWallUs: BigInt(given.get('anchorWallUs') ?? 0),
    pid: Number(given.get('pid') ?? testHello.pid),
    detail: Number(given.get('detail') ?? testHello.detail),
    capabilities: (given.get('capabilities') ?? '')
      .split(',')
      .filter((each) => each !== '')
      .map((each) => {
        const [name = '', visibility = '1'] = each.split('/');
        return { name, visibility: Number(visibility), note: '' };
      }),
  };
}

function helloText(hello: Hello): string {
  const texts = helloTexts.map((name) => `${name}=${JSON.stringify(hello[name])}`).join(' ');
  const capabilities = hello.capabilities.map((c) => `${c.name}/${c.visibility}`).join(',');
  const { family } = hello;
  const kin =
    family === undefined
      ? ''
      : familyTexts.map((name) => ` ${name}=${JSON.stringify(family[name])}`).join('');
  return (
    `hello rate=${hello.tickRate} originTick=${hello.originTick} anchorMonotonicNs=${hello.anchorMonotonicNs}` +
    ` anchorWallUs=${hello.anchorWallUs} pid=${hello.pid} detail=${hello.detail} ${texts} capabilities=${capabilities}${kin}`
  );
}

function chunkHeadOf(fields: readonly string[], sequences: Map<number, number>): Omit<ChunkHead, 'eventsAt'> {
  const given = pairs(fields);
  const number = (name: string, otherwise: number) => Number(given.get(name) ?? otherwise);
  const thread = number('thread', 1);
  const sequence = number('sequence', (sequences.get(thread) ?? 0) + 1);
  sequences.set(thread, sequence);
  const split = (name: string) => (given.get(name) ?? '').split(',').filter((each) => each !== '');
  return {
    thread,
    sequence,
    offset: number('offset', 0),
    dropped: number('dropped', 0),
    firstTick: number('firstTick', -1),
    lastTick: 0,
    openPolls: split('openPolls').map((each) => {
      const [task = 0, epoch = 0, startTick = 0] = each.split('/').map(Number);
      return { task, epoch, startTick };
    }),
    openFrames: split('openFrames').map(Number),
    openJob: number('openJob', 0),
  };
}

function chunkText(payload: Uint8Array, shapesOfHello: Hello['shapes']): string[] {
  const head = decodeChunkHead(payload);
  const polls = head.openPolls.map((p) => `${p.task}/${p.epoch}/${p.startTick}`).join(',');
  const lines = [
    `chunk thread=${head.thread} sequence=${head.sequence} offset=${head.offset} dropped=${head.dropped}` +
      ` firstTick=${head.firstTick} openPolls=${polls} openFrames=${head.openFrames.join(',')} openJob=${head.openJob}`,
  ];
  const plan = new EventPlan(shapesOfHello);
  decodeEvents(payload, head.eventsAt, payload.length, head.firstTick, plan, (kind, tick, values) => {
    const own = eventByKind.get(kind) as RecordSchema;
    const record = Object.fromEntries(own.fields.map((field, i) => [field.name, values[i]]));
    lines.push(`  ${tick} ${own.name}${fieldsText(own, record)}`);
  });
  return lines;
}

function watermarkOf(text: string) {
  const [thread = 0, tick = 0, sequence = 0, end = 0] = text.split('/').map(Number);
  return { thread, tick, sequence, end };
}

function endOf(rest: readonly string[]): Uint8Array {
  const [name = 'exit', ...threads] = rest;
  const reason = (endReason as Record<string, number>)[name];
  if (reason === undefined) throw new Error(`there is no end reason ${name}`);
  return encodeEnd({
    reason,
    threads: threads.map((each) => {
      const [thread = 0, sequence = 0, end = 0, dropped = 0] = each.split('/').map(Number);
      return { thread, sequence, end, dropped };
    }),
  });
}
