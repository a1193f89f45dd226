// Awaits outside async functions: at the top level of modules, and in async generators, as an unchanged program's trace
// tells them.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { eventField, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { nodes, nodeTitle, ofKind } from '../../support/registered-program.ts';
import { frameNames, type Traced, TracedPrograms } from '../../support/traced-program.ts';

const programs = new TracedPrograms();
after(() => programs.remove());

const sleep = 'const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));\n';

/** "caller > called" of each call of the program's own files, sorted; Node's own are left out. */
function callsIn(traced: Traced): string[] {
  const { model, site } = traced;
  const names = frameNames(traced);
  const own = ofKind(model, eventKind.frameOpen).filter(({ values }) =>
    site(values[eventField.frameOpen.site] ?? 0).file.startsWith(programs.folder),
  );
  return own
    .map(
      ({ values }) =>
        `${names.get(values[eventField.frameOpen.parent] ?? 0) ?? ''} > ${names.get(values[0] ?? 0)}`,
    )
    .sort();
}

/** Of calls of that name: the texts of the lines at which they waited, each in its order. */
function waitsOf(traced: Traced, name: string, text: string): string[] {
  const names = frameNames(traced);
  const lines = text.split('\n');
  return ofKind(traced.model, eventKind.waitStart)
    .filter(({ values }) => names.get(values[eventField.waitStart.frame] ?? 0) === name)
    .map(({ values }) => lines[traced.site(values[eventField.waitStart.site] ?? 0).line - 1]?.trim() ?? '');
}

function endedOf(traced: Traced): string[] {
  const names = frameNames(traced);
  return ofKind(traced.model, eventKind.frameEnd).map(({ values }) => names.get(values[0] ?? 0) ?? '');
}

for (const executable of nodes)
  describe(nodeTitle(executable), () => {
    for (const detail of ['lean', 'full'] as const) {
      test(`the top level of a module is a call with its awaits, at detail ${detail}`, async () => {
        programs.write('dependency.mjs', `${sleep}export const one = await sleep(1).then(() => 1);\n`);
        const text = `import { one } from './dependency.mjs';
${sleep}async function load() { await sleep(1); return one; }
const early = load();
await sleep(1);
const late = await load();
const value = await 7;
await early;
console.log(value + late);
void sleep(1).then(() => undefined);
`;
        const traced = await programs.trace(executable, 'top.mjs', text, { detail });
        assert.equal(traced.stdout, '8\n');
        // What is called before the first await has no caller that awaits.
        assert.deepEqual(callsIn(traced), [
          ' > load',
          ' > top level of dependency.mjs',
          ' > top level of top.mjs',
          'top level of top.mjs > load',
        ]);
        assert.deepEqual(waitsOf(traced, 'top level of top.mjs', text), [
          'await sleep(1);',
          'const late = await load();',
          'const value = await 7;',
          'await early;',
        ]);
        const ended = endedOf(traced);
        assert.ok(ended.includes('top level of top.mjs'));
        assert.ok(ended.includes('top level of dependency.mjs'));
      });

      test(`a step of an async generator that waits is a call, at detail ${detail}`, async () => {
        const text = `${sleep}async function one(i) { await sleep(1); return i; }
async function* values(n) {
  for (let i = 0; i < n; i++) {
    await sleep(1);
    const value = await one(i);
    yield value;
  }
}
async function* doubled(n) {
  for await (const value of values(n)) yield 2 * value;
}
async function* plain(list) {
  yield* list;
}
async function main() {
  let sum = 0;
  for await (const value of doubled(3)) sum += value;
  for await (const value of plain([1, 2])) sum += value;
  console.log(sum);
}
void main();
`;
        const traced = await programs.trace(executable, 'generators.mjs', text, { detail });
        assert.equal(traced.stdout, '9\n');
        const calls = callsIn(traced);
        const count = (call: string) => calls.filter((each) => each === call).length;
        assert.equal(count('values > one'), 3);
        assert.equal(count(' > main'), 1);
        const waits = waitsOf(traced, 'values', text);
        assert.equal(waits.filter((line) => line === 'await sleep(1);').length, 3);
        assert.equal(waits.filter((line) => line === 'const value = await one(i);').length, 3);
        // Each step that is told is over, and none is told twice.
        const opened = [...frameNames(traced)].filter(([, name]) => name === 'values' || name === 'doubled');
        const ended = endedOf(traced).filter((name) => name === 'values' || name === 'doubled');
        assert.equal(ended.length, opened.length);
        assert.deepEqual(
          [...new Set(waitsOf(traced, 'doubled', text))],
          ['for await (const value of values(n)) yield 2 * value;'],
        );
      });
    }
  });
