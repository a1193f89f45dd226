// Owns checks of a stream that need no model: that every dictionary record came before what names it.
// Which fields name records is read from the schema, not from the code under test.
import { readFileSync } from 'node:fs';
import {
  decodeChunkHead,
  decodeDictionary,
  decodeEvents,
  decodeHello,
  EventPlan,
  type Frame,
  frameKind,
  type Hello,
} from '../../runtime-probe/protocol/typescript/index.ts';

interface SchemaRecord {
  readonly kind: number;
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly ref?: string }[];
}

const schema = JSON.parse(
  readFileSync(new URL('../../runtime-probe/protocol/schema.json', import.meta.url), 'utf8'),
) as { readonly dictionary: readonly SchemaRecord[]; readonly events: readonly SchemaRecord[] };
const dictionaryNames = new Set(schema.dictionary.map((record) => record.name));
const eventByKind = new Map(schema.events.map((record) => [record.kind, record]));
const dictionaryByName = new Map(schema.dictionary.map((record) => [record.name, record]));

/** Each id that stood in the stream before its dictionary record, as a sentence. Empty for a right stream. */
export function recordsBeforeUse(frames: readonly Frame[]): string[] {
  const problems = new Set<string>();
  const known = new Set<string>();
  const use = (by: string, ref: string | undefined, id: unknown): void => {
    if (ref === undefined || !dictionaryNames.has(ref) || id === 0) return;
    if (Array.isArray(id)) {
      for (const each of id) use(by, ref, each);
      return;
    }
    if (!known.has(`${ref} ${id}`)) problems.add(`${by} names ${ref} ${id}, which was not told before`);
  };
  let hello: Hello | undefined;
  for (const { kind, payload } of frames) {
    if (kind === frameKind.hello) hello = decodeHello(payload);
    else if (hello === undefined) problems.add('the first frame is no hello');
    else if (kind === frameKind.dictionary)
      decodeDictionary(payload, hello.shapes, (record) => {
        for (const field of dictionaryByName.get(record.record)?.fields ?? []) {
          const value = (record as unknown as Record<string, unknown>)[field.name];
          for (const id of Array.isArray(value) ? value : [value]) use(record.record, field.ref, id);
        }
        known.add(`${record.record} ${record.id}`);
      });
    else if (kind === frameKind.chunk) {
      const head = decodeChunkHead(payload);
      use('chunk', 'thread', head.thread);
      const plan = new EventPlan(hello.shapes);
      decodeEvents(
        payload,
        head.eventsAt,
        payload.length,
        head.firstTick,
        plan,
        (eventKind, _tick, values) => {
          const event = eventByKind.get(eventKind);
          event?.fields.forEach((field, i) => {
            use(event.name, field.ref, values[i]);
          });
        },
      );
    }
  }
  return [...problems];
}
