// Which process and thread a debug session stands for: configurations as js-debug 1.117 makes them on Node 20 to 26, and
// the process event as lldb-dap 19 sends it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  partOfNodeSession,
  processTold,
  type SessionLike,
} from '../../../extension/debug/debugged-process.ts';

/** The debug session of a target of js-debug's; `name` is its own. */
function target(name: string, parentSession: SessionLike): SessionLike {
  const request = { type: 'pwa-node', request: 'launch' };
  return {
    configuration: {
      ...request,
      name,
      __pendingTargetId: '9ab02144eb3f40edfe17e09e',
      __parentId: '3b4686eb',
    },
    parentSession,
  };
}

const launched = (name: string): SessionLike => ({
  configuration: { type: 'pwa-node', request: 'launch', name, program: '/app/server.mjs' },
  parentSession: undefined,
});
const root = launched('shop');
const server = target('server.mjs [6179]', root);

for (const [what, session, part] of [
  ['a process', server, { pid: 6179, nodeThread: 0 }],
  ['a process that it forked', target('job.mjs [6229]', server), { pid: 6229, nodeThread: 0 }],
  ['a process without a script', target('[6230]', server), { pid: 6230, nodeThread: 0 }],
  ['a script with brackets', target('a [1].js [77]', server), { pid: 77, nodeThread: 0 }],
  ['a worker thread of Node 20', target('[worker 2]', server), { pid: 6179, nodeThread: 2 }],
  ['a worker thread of Node 24', target('[worker 2] WorkerThread', server), { pid: 6179, nodeThread: 2 }],
  ['a worker thread with a name', target('[worker 13] job [5]', server), { pid: 6179, nodeThread: 13 }],
  [
    'a worker thread of a worker thread',
    target('[worker 3] inner', target('[worker 2]', server)),
    { pid: 6179, nodeThread: 3 },
  ],
  ['the launch, whose name is the user’s', launched('server [6179]'), undefined],
  ['a worker thread below the launch alone', target('[worker 1]', launched('server [6179]')), undefined],
  ['a process whose id js-debug does not know', target('server.mjs [NaN]', root), undefined],
  ['a page', target('Shop', root), undefined],
] as const)
  test(`which part of a launch a debug session is: ${what}`, () => {
    assert.deepEqual(partOfNodeSession(session), part);
  });

test('a process event tells the process', () => {
  const body = { isLocalProcess: true, name: '/bin/app', startMethod: 'launch', systemProcessId: 17015 };
  const told = (change: object) =>
    processTold({ type: 'event', event: 'process', body: { ...body, ...change } });
  assert.deepEqual(told({}), { pid: 17015 });
  assert.equal(told({ isLocalProcess: false }), undefined);
  assert.equal(told({ systemProcessId: undefined }), undefined);
  assert.equal(told({ systemProcessId: 0 }), undefined);
  assert.equal(processTold({ type: 'event', event: 'initialized' }), undefined);
  assert.equal(processTold({ type: 'response', command: 'launch', success: true }), undefined);
  assert.equal(processTold(null), undefined);
});
