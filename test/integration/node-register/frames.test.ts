// Calls of async functions and their awaits, as an unchanged program's trace tells them: equal to what the program
// counts itself, at lines on which it awaits.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  causeKind,
  endOutcome,
  eventField,
  eventKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { newerNode, nodes, nodeTitle, ofKind } from '../../support/registered-program.ts';
import { callsByName, TracedPrograms } from '../../support/traced-program.ts';

const programs = new TracedPrograms();
after(() => programs.remove());
const { folder } = programs;
const trace = programs.trace.bind(programs);

const known = `const counts = {};
const count = (name) => { counts[name] = (counts[name] ?? 0) + 1; };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function fetchOne(i) {
  count('fetchOne');
  await sleep(1);
  if (i === 3) throw new Error('as planned');
  return i;
}
async function quick() {
  count('quick');
}
const fold = async (n) => {
  count('fold');
  let failed = 0;
  for (let i = 0; i < n; i++) {
    try {
      await fetchOne(i);
    } catch {
      failed++;
    }
    await quick();
  }
  await Promise.all([fetchOne(10), fetchOne(11)]);
  return failed;
};
async function stuck() {
  count('stuck');
  await new Promise(() => undefined);
}
async function follows() {
  count('follows');
  return fetchOne(12);
}
class Users {
  async find() {
    count('find');
    await null;
    await follows();
  }
}
async function main() {
  count('main');
  await fold(5);
  void stuck();
  await new Users().find();
  console.log(JSON.stringify(counts));
}
main();
`;

const failing = `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
class QuotaError extends Error {
  get name() { process.exitCode = 3; return 'a getter of the program'; }
}
async function lookUp() { await sleep(1); throw new RangeError('as planned'); }
async function passesOn() { await lookUp(); }
async function ownName() { await sleep(1); throw new QuotaError(); }
async function plain() {
  await new Promise((_, reject) => setTimeout(reject, 1, new TypeError('as planned')));
}
async function fine() { await sleep(1); return 1; }
async function nobodyAwaits() { await sleep(1); }
async function fineAndLate() { await sleep(1); return 2; }
async function takenLate() { await sleep(1); throw new TypeError('as planned'); }
async function main() {
  await passesOn().catch(() => undefined);
  try { await ownName(); } catch {}
  await plain().then(() => process.exit(4), () => undefined);
  try { await new Promise((_, reject) => setTimeout(reject, 1, 'a string')); } catch {}
  try {
    await Promise.all([fine(), new Promise((_, reject) => setImmediate(reject, new SyntaxError()))]);
  } catch {}
  await fine();
  nobodyAwaits();
  const late = fineAndLate();
  const failed = takenLate();
  process.once('unhandledRejection', () => undefined);
  await sleep(20);
  await late;
  await failed.catch(() => undefined);
}
main();
`;

for (const executable of nodes)
  describe(`calls on ${nodeTitle(executable)}`, () => {
    test('the frames of a known program are the calls that it counts, each inside its caller', async () => {
      // At detail lean only those that came to wait are told.
      const { quick, ...waiting } = JSON.parse((await trace(executable, 'known.cjs', known)).stdout);
      assert.equal(quick, 5);
      assert.deepEqual(callsByName(await trace(executable, 'known.cjs', known), 'known.cjs'), waiting);
      const traced = await trace(executable, 'known.cjs', known, { detail: 'full' });
      const { model, text, site } = traced;
      assert.deepEqual(callsByName(traced, 'known.cjs'), JSON.parse(traced.stdout));

      const nameOf = new Map(
        ofKind(model, eventKind.frameOpen).map(({ values }) => [
          values[0],
          text(values[eventField.frameOpen.name] ?? 0),
        ]),
      );
      const callers = new Set(
        ofKind(model, eventKind.frameOpen).map(
          ({ values }) => `${nameOf.get(values[1]) ?? ''} > ${nameOf.get(values[0])}`,
        ),
      );
      assert.deepEqual([...callers].sort(), [
        ' > main',
        'find > follows',
        'fold > fetchOne',
        'fold > quick',
        'follows > fetchOne',
        'main > find',
        'main > fold',
        'main > stuck',
      ]);
      // Only the call that is never settled has no end; it waits to the end of the program, and where is known.
      const ended = new Set(ofKind(model, eventKind.frameEnd).map(({ values }) => values[0]));
      const open = [...nameOf].filter(([id]) => !ended.has(id));
      assert.deepEqual(
        open.map(([, name]) => name),
        ['stuck'],
      );
      const waits = ofKind(model, eventKind.waitStart).filter(({ values }) => values[0] === open[0]?.[0]);
      assert.deepEqual(
        waits.map(({ values }) => site(values[eventField.waitStart.site] ?? 0).line),
        [1 + known.split('\n').findIndex((line) => line.includes('await new Promise(() =>'))],
      );
    });

    test('each await is told at a line on which its function awaits, and on what', async () => {
      const { model, text, site } = await trace(executable, 'known.cjs', known);
      const lines = known.split('\n');
      const at = eventField.waitStart;
      const names = new Map(
        ofKind(model, eventKind.frameOpen).map(({ values }) => [
          values[0],
          text(values[eventField.frameOpen.name] ?? 0),
        ]),
      );
      const told = new Map<string, number>();
      for (const { values } of ofKind(model, eventKind.waitStart)) {
        const { file, line, column, functionName } = site(values[at.site] ?? 0);
        assert.equal(file, join(folder, 'known.cjs'));
        assert.match(lines[line - 1] ?? '', /await /);
        // V8 names the await, or the call that it awaits.
        assert.ok(lines[line - 1]?.slice(0, column + 5).includes('await '));
        assert.equal(functionName, names.get(values[at.frame]));
        const on = values[at.onKind] === causeKind.frame ? names.get(values[at.onId]) : '';
        const key = `${functionName}: ${lines[line - 1]?.trim()} [${on}]`;
        told.set(key, (told.get(key) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries([...told].sort()), {
        'fetchOne: await sleep(1); []': 8,
        'find: await follows(); [follows]': 1,
        'find: await null; [find]': 1,
        'fold: await Promise.all([fetchOne(10), fetchOne(11)]); []': 1,
        'fold: await fetchOne(i); [fetchOne]': 5,
        // It has returned by then: what is settled already is told as a wait for itself.
        'fold: await quick(); [fold]': 5,
        'main: await fold(5); [fold]': 1,
        'main: await new Users().find(); [find]': 1,
        'stuck: await new Promise(() => undefined); []': 1,
      });
    });

    test('each settlement that a call waits for wakes that call, and names who settled it', async () => {
      const { model, text } = await trace(executable, 'known.cjs', known);
      const names = new Map(
        ofKind(model, eventKind.frameOpen).map(({ values }) => [
          values[0],
          text(values[eventField.frameOpen.name] ?? 0),
        ]),
      );
      const at = eventField.frameWake;
      const wakes = new Map<string, number>();
      for (const { values } of ofKind(model, eventKind.frameWake)) {
        const kind = values[at.causeKind];
        const by =
          kind === causeKind.frame
            ? names.get(values[at.causeId])
            : kind === causeKind.timer
              ? 'timer'
              : kind;
        const key = `${by} > ${names.get(values[at.frame])}`;
        wakes.set(key, (wakes.get(key) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries([...wakes].sort()), {
        // The last of two that Promise.all waits for: V8's own reaction settles it, in the task.
        '1 > fold': 1,
        'fetchOne > fold': 5,
        'find > main': 1,
        'fold > main': 1,
        // A promise that was returned is followed by V8, in the task.
        '1 > find': 1,
        'timer > fetchOne': 8,
      });
    });

    test('a rejection is told of the call and of the await that threw, with the error, and of nothing else', async () => {
      const { model, text, site } = await trace(executable, 'failing.cjs', failing);
      const names = new Map(
        ofKind(model, eventKind.frameOpen).map(({ values }) => [
          values[0],
          text(values[eventField.frameOpen.name] ?? 0),
        ]),
      );
      const rejected = ofKind(model, eventKind.reject).map(
        ({ values }) => `${names.get(values[0])}: ${text(values[1] ?? 0)}`,
      );
      assert.deepEqual(rejected.sort(), [
        'lookUp: RangeError',
        'ownName: QuotaError',
        'passesOn: RangeError',
        'plain: TypeError',
        'takenLate: TypeError',
      ]);
      // An await of a promise that is no call: it is named by when it was settled.
      const at = eventField.waitRejected;
      const waits = ofKind(model, eventKind.waitRejected).map(({ values, ns }) => {
        const wake = ofKind(model, eventKind.frameWake).find(
          (each) => each.values[0] === values[at.frame] && each.ns === ns - (values[at.sinceNs] ?? 0),
        );
        assert.ok(wake !== undefined, 'a rejected wait was woken');
        return `${names.get(values[at.frame])}: ${text(values[at.error] ?? 0)}`;
      });
      assert.deepEqual(waits.sort(), ['main: SyntaxError', 'main: string', 'plain: TypeError']);
      // How a call ended that nobody awaits cannot be asked; one that somebody awaits too late is told then.
      const outcomes = new Map(
        ofKind(model, eventKind.frameEnd).map(({ values }) => [names.get(values[0]), values[1]]),
      );
      assert.deepEqual(
        [...outcomes].filter(([, outcome]) => outcome === endOutcome.unknown).map(([name]) => name),
        ['nobodyAwaits', 'fineAndLate', 'takenLate', 'main'],
      );
      assert.deepEqual(
        ofKind(model, eventKind.settle).map(({ values }) => names.get(values[0])),
        ['fineAndLate'],
      );
      assert.equal(site(1).file, join(folder, 'failing.cjs'));
    });
  });

test('an error that nobody caught, and a rejection that nobody handled, are markers', async () => {
  const sources = {
    'unhandled rejection: RangeError': 'void (async () => { await null; throw new RangeError(); })();\n',
    // Node makes an error of what is none.
    'unhandled rejection: UnhandledPromiseRejection': "setTimeout(() => Promise.reject('a string'), 1);\n",
    'uncaught exception: TypeError': 'setTimeout(() => undefined.x, 1);\n',
  };
  for (const [told, text] of Object.entries(sources)) {
    const { model, text: textOf } = await trace(process.execPath, 'uncaught.cjs', text, { code: 1 });
    const markers = ofKind(model, eventKind.marker).map(({ values }) =>
      textOf(values[eventField.marker.name] ?? 0),
    );
    assert.deepEqual(markers, [told]);
  }
});

test('what runs is told where the user wrote it: a map beside the file, and one in it', async () => {
  // "await" stands in line 3 of the source and in line 2 of what runs.
  const source =
    '// A comment that the compiler leaves out.\nasync function main(): Promise<void> {\n  await null;\n}\nmain();\n';
  const generated = 'async function main() {\n    await null;\n}\nmain();\n';
  const { SourceMap } = await import('node:module');
  // Line 1 → 2, line 2 → 3 with columns 4 → 2 and 10 → 8, lines 3 and 4 → 4 and 5.
  const mappings = 'AACA,KAAK,UAAU,IAAI;IACjB,MAAM,IAAI,CAAC;AACb,CAAC;AACD,IAAI,EAAE,CAAC';
  const payload = { version: 3, file: 'mapped.cjs', sources: ['mapped.ts'], names: [], mappings };
  assert.ok(new SourceMap({ ...payload, sourcesContent: [source], sourceRoot: '' }).findEntry(1, 4));
  writeFileSync(join(folder, 'mapped.cjs.map'), JSON.stringify({ ...payload, sourceRoot: '' }));
  const inline = Buffer.from(JSON.stringify({ ...payload, sources: ['mapped.ts'] })).toString('base64');
  for (const url of ['mapped.cjs.map', `data:application/json;base64,${inline}`]) {
    const { model, site } = await trace(
      process.execPath,
      'mapped.cjs',
      `${generated}//# sourceMappingURL=${url}\n`,
    );
    const [wait] = ofKind(model, eventKind.waitStart);
    const told = site(wait?.values[eventField.waitStart.site] ?? 0);
    assert.deepEqual(
      { file: told.file, line: told.line, functionName: told.functionName },
      { file: join(folder, 'mapped.ts'), line: 3, functionName: 'main' },
    );
  }
});

if (existsSync(newerNode))
  test('files that run as TypeScript are told as they are: strip-types', async () => {
    const text =
      'type Answer = number;\nasync function main(x: Answer): Promise<Answer> {\n  await null;\n  return x;\n}\nvoid main(1);\n';
    const { model, site } = await trace(newerNode, 'stripped.ts', text);
    const [wait] = ofKind(model, eventKind.waitStart);
    const told = site(wait?.values[eventField.waitStart.site] ?? 0);
    assert.deepEqual(told, { file: join(folder, 'stripped.ts'), line: 3, column: 3, functionName: 'main' });
    assert.equal(readFileSync(told.file, 'utf8').split('\n')[told.line - 1], '  await null;');
  });
