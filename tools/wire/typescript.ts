// Writes the TypeScript side of the wire: constants, record interfaces, shapes. Knows only the schema.
import { type FieldSchema, type RecordSchema, type Schema, shortFormsOf, type TypeName } from './schema.ts';

const typeInTypeScript: Record<TypeName, string> = {
  uint: 'number',
  sint: 'number',
  text: 'string',
  list: 'readonly number[]',
  wide: 'bigint',
};

/** The whole generated module. The extension and the Node probe both import it. */
export function typescriptModule(schema: Schema): string {
  const shortForms = shortFormsOf(schema);
  return [
    '// Generated from runtime-probe/protocol/schema.json by `npm run generate`. Do not edit.',
    '// Owns the constants, types and shapes of the wire; the codec beside it is written by hand.',
    '',
    `export const wireVersion = ${schema.version};`,
    '',
    constants('limits', 'Limits that hold on the wire.', schema.limits),
    constants(
      'typeCode',
      'Codes of field types in the shapes of a hello.',
      mapValues(schema.types, (each) => ({ value: each.code, about: each.about })),
    ),
    ...Object.entries(schema.enums).map(([name, set]) => enumeration(name, set.about, set.values)),
    ...Object.entries(schema.bits).map(([name, bits]) => bitSet(name, bits)),
    constants('dictionaryKind', 'Kinds of dictionary records.', kindsOf(schema.dictionary)),
    constants('eventKind', 'Kinds of events.', kindsOf(schema.events)),
    '/** Where each field of an event stands among its fields. */',
    'export const eventField = {',
    ...schema.events.map(
      (record) => `  ${record.name}: { ${record.fields.map((f, i) => `${f.name}: ${i}`).join(', ')} },`,
    ),
    '} as const;',
    '',
    ...[...schema.dictionary, ...schema.events].map(recordInterface),
    union('DictionaryRecord', 'Any dictionary record.', schema.dictionary),
    union('EventRecord', 'Any event, without its tick.', schema.events),
    '/** What a writer of this version may put on the wire, kind by kind. */',
    'export interface Shape {',
    '  readonly kind: number;',
    '  readonly name: string;',
    '  readonly fields: readonly { readonly name: string; readonly type: number }[];',
    '}',
    '',
    'export const shapes: readonly Shape[] = [',
    ...[...schema.dictionary, ...schema.events].map((record) => shape(schema, record)),
    ...shortForms.map((form) => shape(schema, { ...form, fields: form.written })),
    '];',
    '',
    constants(
      'shortKind',
      'Kinds that stand for an event in fewer bytes. Readers put the whole event in their place.',
      Object.fromEntries(shortForms.map((form) => [form.name, { value: form.kind, about: form.about }])),
    ),
    '/** What a kind of `shortKind` stands for: for each field of that event where it stands among the written ones, or -1. */',
    'export interface ShortForm {',
    '  readonly kind: number;',
    '  readonly of: number;',
    '  readonly from: readonly number[];',
    '  /** What a field holds that is not written. */',
    '  readonly value: readonly number[];',
    '}',
    '',
    'export const shortForms: readonly ShortForm[] = [',
    ...shortForms.map(
      ({ kind, of, from, value }) =>
        `  { kind: ${kind}, of: ${of.kind}, from: [${from.join(', ')}], value: [${value.join(', ')}] },`,
    ),
    '];',
    '',
  ].join('\n');
}

function constants(
  name: string,
  about: string,
  values: Readonly<Record<string, { value: number; about: string }>>,
) {
  const lines = Object.entries(values).map(
    ([key, each]) => `  /** ${each.about} */\n  ${key}: ${each.value},`,
  );
  return `/** ${about} */\nexport const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
}

function enumeration(
  name: string,
  about: string,
  values: Readonly<Record<string, { value: number; about: string }>>,
): string {
  const type = name.charAt(0).toUpperCase() + name.slice(1);
  return `${constants(name, about, values)}export type ${type} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function bitSet(name: string, bits: Readonly<Record<string, number>>): string {
  const lines = Object.entries(bits).map(([key, value]) => `  ${key}: ${value},`);
  return `/** Bits of a ${name} field. */\nexport const ${name}Bit = {\n${lines.join('\n')}\n} as const;\n`;
}

function kindsOf(records: readonly RecordSchema[]): Record<string, { value: number; about: string }> {
  return Object.fromEntries(records.map((r) => [r.name, { value: r.kind, about: r.about }]));
}

function recordInterface(record: RecordSchema): string {
  const fields = record.fields.map(
    (field) => `  /** ${fieldAbout(field)} */\n  readonly ${field.name}: ${typeInTypeScript[field.type]};`,
  );
  const type = `${record.name.charAt(0).toUpperCase()}${record.name.slice(1)}Record`;
  return `/** ${record.about} */\nexport interface ${type} {\n  readonly record: '${record.name}';\n${fields.join('\n')}${fields.length > 0 ? '\n' : ''}}\n`;
}

function fieldAbout(field: FieldSchema): string {
  if (field.enum !== undefined) return `${field.about} One of ${field.enum}.`;
  if (field.bits !== undefined) return `${field.about} Bits of ${field.bits}Bit.`;
  return field.about;
}

function union(name: string, about: string, records: readonly RecordSchema[]): string {
  const members = records.map((r) => `  | ${r.name.charAt(0).toUpperCase()}${r.name.slice(1)}Record`);
  return `/** ${about} */\nexport type ${name} =\n${members.join('\n')};\n`;
}

function shape(schema: Schema, record: RecordSchema): string {
  const fields = record.fields.map((f) => `{ name: '${f.name}', type: ${schema.types[f.type].code} }`);
  return `  { kind: ${record.kind}, name: '${record.name}', fields: [${fields.join(', ')}] },`;
}

function mapValues<K extends string, A, B>(from: Readonly<Record<K, A>>, f: (a: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries(from).map(([k, v]) => [k, f(v as A)])) as Record<K, B>;
}
