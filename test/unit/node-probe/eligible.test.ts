// Which processes the preloaded script records: the program itself, on a Node that was tested.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eligibility } from '../../../runtime-probe/node/src/register/eligible.ts';

const program = {
  versions: { node: '24.1.0' },
  isMainThread: true,
  isForeignThread: false,
  script: '/home/me/app.js',
};

for (const [version, major] of [
  ['20.0.0', 20],
  ['22.12.0', 22],
  ['26.1.0', 26],
] as const)
  test(`Node ${version} is recorded`, () => {
    assert.deepEqual(eligibility({ ...program, versions: { node: version } }), {
      kind: 'yes',
      nodeMajor: major,
    });
  });

for (const [what, versions] of Object.entries({
  'Node 18': { node: '18.20.0' },
  'Node 27': { node: '27.0.0' },
  Bun: { node: '24.3.0', bun: '1.3.0' },
  'no version': {},
}))
  test(`refused with a sentence: ${what}`, () => {
    const answer = eligibility({ ...program, versions });
    assert.ok(answer.kind === 'unsupported');
    assert.match(answer.message, /was tested on Node 20 to 26 and does nothing/);
  });

test('a worker thread is recorded, one that Node made for itself is not', () => {
  const thread = { ...program, isMainThread: false, script: undefined };
  assert.equal(eligibility(thread).kind, 'yes');
  assert.deepEqual(eligibility({ ...thread, isForeignThread: true }), { kind: 'no' });
});

for (const script of [
  '/usr/lib/node_modules/npm/bin/npm-cli.js',
  '/usr/bin/npx',
  '/usr/bin/yarn',
  '/home/me/app/.yarn/releases/yarn-4.5.0.cjs',
  '/usr/lib/node_modules/corepack/dist/pnpm.js',
])
  test(`a package manager is left out: ${script}`, () => {
    assert.deepEqual(eligibility({ ...program, script }), { kind: 'packageManager' });
  });

test('a program is no package manager because its name begins like one', () => {
  assert.equal(eligibility({ ...program, script: '/home/me/yarn-spinner.js' }).kind, 'yes');
});

test('the prompt and -e are recorded', () => {
  assert.equal(eligibility({ ...program, script: undefined }).kind, 'yes');
});
