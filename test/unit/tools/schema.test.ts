// A schema that breaks a rule of the wire is refused with the place named; the committed one keeps them all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSchema, type Schema } from '../../../tools/wire/schema.ts';
import { schema } from '../../support/text-trace.ts';

const base = structuredClone(schema) as unknown as {
  events: { kind: number; name: string; about: string; fields: Record<string, string>[] }[];
  shortForms: {
    kind: number;
    name: string;
    about: string;
    of: string;
    fields: string[];
    fixed: Record<string, number | string>;
  }[];
  enums: Record<string, { about: string; values: Record<string, { value: number; about: string }> }>;
};

function changed(change: (copy: typeof base) => void): Schema {
  const copy = structuredClone(base);
  change(copy);
  return copy as unknown as Schema;
}

const event = (kind: number, name: string, ...fields: Record<string, string>[]) => ({
  kind,
  name,
  about: '',
  fields,
});

const short = (of: string, fields: string[], fixed: Record<string, number | string>) => ({
  kind: 121,
  name: 'short',
  about: '',
  of,
  fields,
  fixed,
});

test('the committed schema keeps the rules', () => checkSchema(schema));

for (const [what, broken, said] of [
  ['a kind used twice', changed((s) => s.events.push(event(32, 'again'))), /kind 32 stands twice/],
  ['a name used twice', changed((s) => s.events.push(event(120, 'wake'))), /record wake stands twice/],
  ['an event kind of two bytes', changed((s) => s.events.push(event(200, 'far'))), /must be 32 … 127/],
  [
    'a text in an event',
    changed((s) => s.events.push(event(120, 'wordy', { name: 'text', type: 'text', about: '' }))),
    /events hold numbers only/,
  ],
  [
    'a reference to nothing',
    changed((s) => s.events.push(event(120, 'lost', { name: 'a', type: 'uint', about: '', ref: 'nothing' }))),
    /refers to nothing/,
  ],
  [
    'an enum that is not there',
    changed((s) =>
      s.events.push(event(120, 'lost', { name: 'a', type: 'uint', about: '', enum: 'nothing' })),
    ),
    /enum nothing/,
  ],
  ['a short form of nothing', changed((s) => s.shortForms.push(short('nothing', [], {}))), /is no event/],
  [
    'a short form that leaves a field untold',
    changed((s) => s.shortForms.push(short('wake', ['task', 'epoch'], {}))),
    /must tell each field of wake once/,
  ],
  [
    'a short form that writes fields in another order',
    changed((s) => s.shortForms.push(short('wake', ['epoch', 'task'], { effect: 0 }))),
    /in their order/,
  ],
  [
    'a short form with a value that is none',
    changed((s) => s.shortForms.push(short('wake', ['task', 'epoch'], { effect: 'loud' }))),
    /effect is loud/,
  ],
  [
    'an enum value used twice',
    changed((s) => {
      const values = s.enums['role']?.values;
      if (values !== undefined) values['again'] = { value: 1, about: '' };
    }),
    /enum role has a value twice/,
  ],
] as const)
  test(`refused: ${what}`, () => {
    assert.throws(() => checkSchema(broken), said);
  });
