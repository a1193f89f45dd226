// Writes the Rust side of the wire: constants, record structs with encode and decode, shapes. Knows only the schema.
import {
  type FieldSchema,
  type RecordSchema,
  type Schema,
  type ShortForm,
  shortFormsOf,
  type TypeName,
} from './schema.ts';

const typeInRust: Record<TypeName, string> = {
  uint: 'u64',
  sint: 'i64',
  text: 'String',
  list: 'Vec<u64>',
  wide: 'u64',
};

/** The whole generated module of the crate `wakeline-wire`, formatted as rustfmt would. */
export function rustModule(schema: Schema): string {
  const records = [...schema.dictionary, ...schema.events];
  const shortForms = shortFormsOf(schema);
  const shapes = [...records, ...shortForms.map((form) => ({ ...form, fields: form.written }))];
  return [
    '// Generated from runtime-probe/protocol/schema.json by `npm run generate`. Do not edit.',
    '//! Constants, records and shapes of the wire; the codec beside it is written by hand.',
    '',
    'use crate::codec::{DecodeError, Reader, Writer};',
    '',
    '/// Version of the wire.',
    `pub const WIRE_VERSION: u16 = ${schema.version};`,
    '',
    ...module('limits', 'Limits that hold on the wire.', schema.limits),
    ...module(
      'type_code',
      'Codes of field types in the shapes of a hello.',
      Object.fromEntries(
        Object.entries(schema.types).map(([k, v]) => [k, { value: v.code, about: v.about }]),
      ),
    ),
    ...Object.entries(schema.enums).flatMap(([name, set]) => module(snake(name), set.about, set.values)),
    ...Object.entries(schema.bits).flatMap(([name, bits]) =>
      module(
        `${snake(name)}_bit`,
        `Bits of a ${name} field.`,
        Object.fromEntries(Object.entries(bits).map(([k, v]) => [k, { value: v, about: `${k}.` }])),
      ),
    ),
    ...module('kind', 'Kinds of dictionary records and events.', kindsOf(records)),
    ...module(
      'short_kind',
      'Kinds that stand for an event in fewer bytes. Readers put the whole event in their place.',
      Object.fromEntries(shortForms.map((form) => [form.name, { value: form.kind, about: form.about }])),
    ),
    ...records.flatMap(recordStruct),
    ...recordEnum('DictionaryRecord', 'Any dictionary record.', schema.dictionary, []),
    ...recordEnum('EventRecord', 'Any event, without its tick.', schema.events, shortForms),
    '/// The shape of one record kind: its number, its name, the type codes of its fields.',
    '#[derive(Debug, Clone, Copy, PartialEq, Eq)]',
    'pub struct StaticShape {',
    '    /// Kind on the wire.',
    '    pub kind: u64,',
    '    /// Name in the schema.',
    "    pub name: &'static str,",
    '    /// Type code of each field, in order.',
    "    pub fields: &'static [u8],",
    '}',
    '',
    '/// What a writer of this version may put on the wire, kind by kind.',
    'pub const SHAPES: &[StaticShape] = &[',
    ...shapes.flatMap((record) => [
      '    StaticShape {',
      `        kind: ${record.kind},`,
      `        name: "${record.name}",`,
      `        fields: &[${record.fields.map((f) => schema.types[f.type].code).join(', ')}],`,
      '    },',
    ]),
    '];',
    '',
    '/// What a kind of [`short_kind`] stands for.',
    '#[derive(Debug, Clone, Copy, PartialEq, Eq)]',
    'pub struct ShortForm {',
    '    /// Kind on the wire.',
    '    pub kind: u64,',
    '    /// Kind of the event that it stands for.',
    '    pub of: u64,',
    '    /// For each field of that event its place among the written ones, or what it holds.',
    "    pub fields: &'static [FieldOfShort],",
    '}',
    '',
    '/// One field of the event that a short form stands for.',
    '#[derive(Debug, Clone, Copy, PartialEq, Eq)]',
    'pub enum FieldOfShort {',
    '    /// What is written at this place.',
    '    Written(usize),',
    '    /// Always this.',
    '    Fixed(u64),',
    '}',
    '',
    '/// Every short form.',
    'pub const SHORT_FORMS: &[ShortForm] = &[',
    ...shortForms.map(({ kind, of, from, value }) => {
      const fields = from.map((place, i) =>
        place < 0 ? `FieldOfShort::Fixed(${value[i]})` : `FieldOfShort::Written(${place})`,
      );
      return `    ShortForm { kind: ${kind}, of: ${of.kind}, fields: &[${fields.join(', ')}] },`;
    }),
    '];',
    '',
  ].join('\n');
}

function module(
  name: string,
  about: string,
  values: Readonly<Record<string, { value: number; about: string }>>,
): string[] {
  const lines = Object.entries(values).flatMap(([key, each]) => [
    `    /// ${each.about}`,
    `    pub const ${snake(key).toUpperCase()}: u64 = ${each.value};`,
  ]);
  return [`/// ${about}`, `pub mod ${name} {`, ...lines, '}', ''];
}

function kindsOf(records: readonly RecordSchema[]): Record<string, { value: number; about: string }> {
  return Object.fromEntries(records.map((r) => [r.name, { value: r.kind, about: r.about }]));
}

function structName(record: RecordSchema): string {
  return record.name.charAt(0).toUpperCase() + record.name.slice(1);
}

function rustField(field: FieldSchema): string {
  return snake(field.name);
}

function recordStruct(record: RecordSchema): string[] {
  const name = structName(record);
  const copy = record.fields.every((f) => f.type !== 'text' && f.type !== 'list') ? ', Copy' : '';
  const unused = record.fields.length === 0;
  const fields = record.fields.flatMap((f) => [
    `    /// ${f.about}`,
    `    pub ${rustField(f)}: ${typeInRust[f.type]},`,
  ]);
  const encode = record.fields.map((f) => {
    const value = f.type === 'text' || f.type === 'list' ? `&self.${rustField(f)}` : `self.${rustField(f)}`;
    return `        writer.${f.type}(${value});`;
  });
  const decode = record.fields.map((f) => `            ${rustField(f)}: reader.${f.type}()?,`);
  return [
    `/// ${record.about}`,
    `#[derive(Debug, Clone${copy}, Default, PartialEq, Eq)]`,
    ...(unused ? [`pub struct ${name};`] : [`pub struct ${name} {`, ...fields, '}']),
    '',
    `impl ${name} {`,
    '    /// Kind on the wire.',
    `    pub const KIND: u64 = ${record.kind};`,
    '',
    '    /// Writes the fields, without kind and tick.',
    '    #[inline]',
    `    pub fn encode_fields(&self, ${unused ? '_writer' : 'writer'}: &mut impl Writer) {`,
    ...encode,
    '    }',
    '',
    '    /// Reads the fields, without kind and tick.',
    '    ///',
    '    /// # Errors',
    '    /// When a field is cut, malformed or over a limit.',
    `    pub fn decode_fields(${unused ? '_reader' : 'reader'}: &mut Reader<'_>) -> Result<Self, DecodeError> {`,
    ...(unused ? ['        Ok(Self)'] : ['        Ok(Self {', ...decode, '        })']),
    '    }',
    '}',
    '',
  ];
}

function recordEnum(
  name: string,
  about: string,
  records: readonly RecordSchema[],
  shortForms: readonly ShortForm[],
): string[] {
  return [
    `/// ${about}`,
    '#[derive(Debug, Clone, PartialEq, Eq)]',
    `pub enum ${name} {`,
    ...records.flatMap((r) => [`    /// ${r.about}`, `    ${structName(r)}(${structName(r)}),`]),
    '}',
    '',
    `impl ${name} {`,
    '    /// Kind on the wire.',
    '    pub fn kind(&self) -> u64 {',
    '        match self {',
    ...records.map((r) => `            Self::${structName(r)}(_) => ${structName(r)}::KIND,`),
    '        }',
    '    }',
    '',
    '    /// Writes the fields, without kind and tick.',
    '    pub fn encode_fields(&self, writer: &mut impl Writer) {',
    '        match self {',
    ...records.map((r) => `            Self::${structName(r)}(record) => record.encode_fields(writer),`),
    '        }',
    '    }',
    '',
    `    /// Reads the fields of a record of this kind${shortForms.length > 0 ? ', or of one that is short for it' : ''}; \`None\` when the kind is not known.`,
    '    ///',
    '    /// # Errors',
    '    /// When a field is cut, malformed or over a limit.',
    "    pub fn decode_fields(kind: u64, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {",
    '        Ok(Some(match kind {',
    ...records.map(
      (r) =>
        `            ${structName(r)}::KIND => Self::${structName(r)}(${structName(r)}::decode_fields(reader)?),`,
    ),
    ...shortForms.flatMap(shortForm),
    '            _ => return Ok(None),',
    '        }))',
    '    }',
    '}',
    '',
  ];
}

/** The arm that reads a short form as the event that it stands for. */
function shortForm(form: ShortForm): string[] {
  const { kind, of, written, from, value } = form;
  const reads = written.map((field) => `let ${rustField(field)} = reader.${field.type}()?;`);
  const fields = of.fields.map((field, i) => {
    const source = written[from[i] as number];
    const name = rustField(field);
    if (source === undefined) return `${name}: ${value[i]},`;
    return source.name === field.name ? `${name},` : `${name}: ${rustField(source)},`;
  });
  const type = structName(of);
  return [`${kind} => {`, ...reads, `Self::${type}(${type} {`, ...fields, '})', '}'];
}

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
