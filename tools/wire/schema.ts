// Reads and checks runtime-probe/protocol/schema.json, the one source of truth of the wire.
// Knows nothing of the languages that are generated from it.
import { readFileSync } from 'node:fs';

export interface NumberedValue {
  readonly value: number;
  readonly about: string;
}

export interface FieldSchema {
  readonly name: string;
  readonly type: TypeName;
  readonly about: string;
  /** The dictionary or event record whose id this field holds. */
  readonly ref?: string;
  readonly enum?: string;
  readonly bits?: string;
}

export interface RecordSchema {
  readonly kind: number;
  readonly name: string;
  readonly about: string;
  readonly fields: readonly FieldSchema[];
}

/** A kind that says in fewer bytes what an event of another kind says: fields that nearly always hold the same are left out. */
export interface ShortFormSchema {
  readonly kind: number;
  readonly name: string;
  readonly about: string;
  /** The event that it stands for. */
  readonly of: string;
  /** The event's fields that are written, in their order. */
  readonly fields: readonly string[];
  /** Fields that hold this: a number, or a value of the field's enum. */
  readonly fixed: Readonly<Record<string, number | string>>;
  /** Fields that hold what another field, which is written, holds. */
  readonly same?: Readonly<Record<string, string>>;
}

/** A short form, resolved: for each field of the event the place among the written ones, or -1 and its value. */
export interface ShortForm {
  readonly kind: number;
  readonly name: string;
  readonly about: string;
  readonly of: RecordSchema;
  readonly written: readonly FieldSchema[];
  readonly from: readonly number[];
  readonly value: readonly number[];
}

export const typeNames = ['uint', 'sint', 'text', 'list', 'wide'] as const;
export type TypeName = (typeof typeNames)[number];

export interface Schema {
  readonly version: number;
  readonly limits: Readonly<Record<string, NumberedValue>>;
  readonly types: Readonly<Record<TypeName, { readonly code: number; readonly about: string }>>;
  readonly enums: Readonly<
    Record<string, { readonly about: string; readonly values: Readonly<Record<string, NumberedValue>> }>
  >;
  readonly bits: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly dictionary: readonly RecordSchema[];
  readonly events: readonly RecordSchema[];
  readonly shortForms: readonly ShortFormSchema[];
}

/** Reads the schema. Throws with the first rule of the wire that it breaks. */
export function readSchema(path: string): Schema {
  const schema = JSON.parse(readFileSync(path, 'utf8')) as Schema;
  checkSchema(schema);
  return schema;
}

/** The short forms with their fields looked up. Throws where a field of the event is not told exactly once. */
export function shortFormsOf(schema: Schema): ShortForm[] {
  return schema.shortForms.map((form) => {
    const of = schema.events.find((event) => event.name === form.of);
    if (of === undefined) throw new Error(`schema: ${form.name} is short for ${form.of}, which is no event`);
    const told = [...form.fields, ...Object.keys(form.fixed), ...Object.keys(form.same ?? {})];
    const own = of.fields.map((field) => field.name);
    if (told.toSorted().join() !== own.toSorted().join())
      throw new Error(`schema: ${form.name} must tell each field of ${form.of} once: ${own.join(', ')}`);
    const from = of.fields.map((field) => form.fields.indexOf(form.same?.[field.name] ?? field.name));
    const value = of.fields.map((field) => fixedValue(schema, form, field));
    // A reader puts the written fields into their places from the last to the first.
    if (from.some((place, i) => place > i) || form.fields.some((name, i) => own.indexOf(name) < i))
      throw new Error(`schema: ${form.name} must write the fields of ${form.of} in their order`);
    const written = form.fields.map((name) => of.fields[own.indexOf(name)] as FieldSchema);
    return { kind: form.kind, name: form.name, about: form.about, of, written, from, value };
  });
}

function fixedValue(schema: Schema, form: ShortFormSchema, field: FieldSchema): number {
  const fixed = form.fixed[field.name] ?? 0;
  if (typeof fixed === 'number') return fixed;
  const value = schema.enums[field.enum ?? '']?.values[fixed]?.value;
  if (value === undefined)
    throw new Error(`schema: ${form.name}.${field.name} is ${fixed}, which is no value of its enum`);
  return value;
}

/** Throws unless kinds, names and values are unique and every reference names something that exists. */
export function checkSchema(schema: Schema): void {
  const kinds = new Set<number>();
  const names = new Set<string>();
  for (const record of [...schema.dictionary, ...schema.events, ...schema.shortForms]) {
    if (kinds.has(record.kind)) throw new Error(`schema: kind ${record.kind} stands twice (${record.name})`);
    if (names.has(record.name)) throw new Error(`schema: record ${record.name} stands twice`);
    kinds.add(record.kind);
    names.add(record.name);
  }
  names.add('frame');
  for (const record of schema.dictionary) {
    if (record.kind >= 32)
      throw new Error(`schema: dictionary kind ${record.name} must be below 32, it is ${record.kind}`);
  }
  for (const record of [...schema.events, ...schema.shortForms]) {
    if (record.kind < 32 || record.kind > 127)
      throw new Error(
        `schema: event kind ${record.name} must be 32 … 127 (one byte on the wire), it is ${record.kind}`,
      );
  }
  for (const record of schema.events) {
    for (const field of record.fields) {
      if (field.type !== 'uint' && field.type !== 'sint')
        throw new Error(
          `schema: event field ${record.name}.${field.name} is ${field.type}; events hold numbers only`,
        );
    }
  }
  for (const record of [...schema.dictionary, ...schema.events]) {
    const fieldNames = new Set<string>();
    for (const field of record.fields) {
      const where = `${record.name}.${field.name}`;
      if (fieldNames.has(field.name)) throw new Error(`schema: field ${where} stands twice`);
      fieldNames.add(field.name);
      if (!typeNames.includes(field.type))
        throw new Error(`schema: field ${where} has no type ${field.type}`);
      if (field.enum !== undefined && schema.enums[field.enum] === undefined)
        throw new Error(`schema: field ${where} names the enum ${field.enum}, which does not exist`);
      if (field.bits !== undefined && schema.bits[field.bits] === undefined)
        throw new Error(`schema: field ${where} names the bits ${field.bits}, which do not exist`);
      if (field.ref !== undefined && !names.has(field.ref))
        throw new Error(`schema: field ${where} refers to ${field.ref}, which is no record`);
    }
  }
  for (const [name, set] of Object.entries(schema.enums)) {
    const values = Object.values(set.values).map((each) => each.value);
    if (new Set(values).size !== values.length) throw new Error(`schema: enum ${name} has a value twice`);
  }
  shortFormsOf(schema);
}
