// Which processes the preloaded script records: the program itself, on a Node that was tested.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eligibility } from '../../../runtime-probe/node/src/register/eligible.ts';
import { refusal } from '../../../runtime-probe/node/src/register/supported.ts';

const program = { isMainThread: true, isForeignThread: false, script: '/home/me/app.js' };

for (const version of ['20.11.0', '21.7.3', '22.0.0', '24.0.0', '26.1.0'])
  test(`Node ${version} is recorded`, () => {
    assert.equal(refusal({ node: version }), undefined);
  });

for (const [what, versions] of Object.entries({
  'Node 18': { node: '18.20.0' },
  'Node 20.10': { node: '20.10.0' },
  'Node 21.6': { node: '21.6.2' },
  'Node 27': { node: '27.0.0' },
  Bun: { node: '24.3.0', bun: '1.3.0' },
  Electron: { node: '22.21.1', electron: '39.2.3' },
  'no version': {},
}))
  test(`refused with a sentence: ${what}`, () => {
    assert.match(
      refusal(versions) ?? '',
      /was tested on Node 20\.11 to 26 and does nothing on (Node|runtimes) /,
    );
  });

test('a program is recorded', () => {
  assert.equal(eligibility(program), 'yes');
});

test('a worker thread is recorded, one that Node made for itself is not', () => {
  const thread = { ...program, isMainThread: false, script: undefined };
  assert.equal(eligibility(thread), 'yes');
  assert.equal(eligibility({ ...thread, isForeignThread: true }), 'no');
});

for (const script of [
  '/usr/lib/node_modules/npm/bin/npm-cli.js',
  'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js',
  '/usr/bin/npx',
  '/usr/bin/yarn',
  '/home/me/app/.yarn/releases/yarn-4.5.0.cjs',
  '/usr/lib/node_modules/corepack/dist/pnpm.js',
])
  test(`a package manager is left out: ${script}`, () => {
    assert.equal(eligibility({ ...program, script }), 'packageManager');
  });

test('a program is no package manager because its name begins like one', () => {
  assert.equal(eligibility({ ...program, script: '/home/me/yarn-spinner.js' }), 'yes');
});

test('the prompt and -e are recorded', () => {
  assert.equal(eligibility({ ...program, script: undefined }), 'yes');
});
