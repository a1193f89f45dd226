// A launch gets the environment once, in the form that its adapter reads, and the user's own entries stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  launchKey,
  wantsEnvironment,
  withEnvironment,
  withPreload,
} from '../../../extension/debug/injection.ts';

const environment = { WAKELINE: 'unix:/run/c.sock', WAKELINE_TOKEN: 'secret', WAKELINE_LAUNCH: 'launch-1' };
const node = { type: 'node', request: 'launch', name: 'app', program: 'app.js' };

test('Node gets variables as an object, beside what the user has', () => {
  const given = withEnvironment({ ...node, env: { NODE_OPTIONS: '--inspect-port=0', A: 'b' } }, environment);
  assert.deepEqual(given['env'], { NODE_OPTIONS: '--inspect-port=0', A: 'b', ...environment });
  assert.equal(given[launchKey], 'launch-1');
});

test('Node is given the script that records it, behind what the user has in NODE_OPTIONS', () => {
  const given = (env: Record<string, string> | undefined) =>
    withEnvironment(env === undefined ? node : { ...node, env }, environment, '/ext/dist/register.cjs');
  assert.deepEqual(given(undefined)['env'], {
    ...environment,
    NODE_OPTIONS: '--require "/ext/dist/register.cjs"',
  });
  assert.deepEqual(given({ NODE_OPTIONS: '--enable-source-maps ', A: 'b' })['env'], {
    NODE_OPTIONS: '--enable-source-maps --require "/ext/dist/register.cjs"',
    A: 'b',
    ...environment,
  });
});

test('a debugger of Node skips that script, beside what it skips anyway', () => {
  const given = (more: object) =>
    withEnvironment({ ...node, ...more }, environment, '/ext/dist/register.cjs')['skipFiles'];
  const own = ['register.cjs', 'register-probe.cjs', 'wakeline-stop.cdp'].map((name) => `/ext/dist/${name}`);
  own.push('**/node_modules/wakeline/**');
  assert.deepEqual(given({}), ['<node_internals>/**', ...own]);
  assert.deepEqual(given({ skipFiles: ['**/lib/**'] }), ['**/lib/**', ...own]);
  assert.equal(withEnvironment(node, environment)['skipFiles'], undefined);
});

test('no other program gets NODE_OPTIONS', () => {
  const rust = { type: 'lldb-dap', request: 'launch', name: 'app', program: 'app' };
  const once = withEnvironment(rust, environment, '/ext/dist/register.cjs');
  assert.deepEqual(once, withEnvironment(rust, environment));
});

test('a path with spaces, quotes or backslashes is one word to Node', () => {
  assert.equal(withPreload('', '/my ext/register.cjs'), '--require "/my ext/register.cjs"');
  assert.equal(withPreload('', 'C:\\ext\\register.cjs'), '--require "C:\\\\ext\\\\register.cjs"');
  const once = withPreload('--inspect', '/a"b/register.cjs');
  assert.equal(once, '--inspect --require "/a\\"b/register.cjs"');
  assert.equal(withPreload(once, '/a"b/register.cjs'), once);
});

test('lldb-dap keeps the form that the user chose, list or object', () => {
  const rust = { type: 'lldb-dap', request: 'launch', name: 'app', program: 'app' };
  assert.deepEqual(withEnvironment({ ...rust, env: ['A=b'] }, environment)['env'], [
    'A=b',
    'WAKELINE=unix:/run/c.sock',
    'WAKELINE_TOKEN=secret',
    'WAKELINE_LAUNCH=launch-1',
  ]);
  assert.deepEqual(withEnvironment({ ...rust, env: { A: 'b' } }, environment)['env'], {
    A: 'b',
    ...environment,
  });
  assert.deepEqual(withEnvironment(rust, environment)['env'], [
    'WAKELINE=unix:/run/c.sock',
    'WAKELINE_TOKEN=secret',
    'WAKELINE_LAUNCH=launch-1',
  ]);
});

test('cppdbg gets a list of names and values', () => {
  const cpp = { type: 'cppdbg', request: 'launch', environment: [{ name: 'A', value: 'b' }] };
  assert.deepEqual(withEnvironment(cpp, environment)['environment'], [
    { name: 'A', value: 'b' },
    { name: 'WAKELINE', value: 'unix:/run/c.sock' },
    { name: 'WAKELINE_TOKEN', value: 'secret' },
    { name: 'WAKELINE_LAUNCH', value: 'launch-1' },
  ]);
});

test('a configuration that is resolved again is not given it twice', () => {
  const once = withEnvironment({ ...node, type: 'pwa-node' }, environment);
  const twice = withEnvironment(once, { ...environment, WAKELINE_LAUNCH: 'launch-2' });
  assert.equal(twice, once);
});

for (const [why, configuration] of Object.entries({
  'an attach': { ...node, request: 'attach' },
  'a child session of js-debug (target)': { ...node, __pendingTargetId: 'x' },
  'a child session of js-debug (parent)': { ...node, __parentId: 'x' },
  'a debug type that runs no program of ours': { ...node, type: 'chrome' },
  'a configuration that says wakeline: false': { ...node, wakeline: false },
  'a configuration whose user set WAKELINE': { ...node, env: { WAKELINE: 'tcp://127.0.0.1:1' } },
  'an lldb-dap list that sets WAKELINE': { type: 'lldb-dap', request: 'launch', env: ['WAKELINE=x'] },
})) {
  test(`left alone: ${why}`, () => {
    assert.equal(wantsEnvironment(configuration), false);
    assert.equal(withEnvironment(configuration, environment), configuration);
  });
}
