// What a debug adapter says becomes stop and continue, whichever way the adapter says that the program goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, debuggeeEvent, NodeSession } from '../../../extension/debug/adapter-messages.ts';

test('a stop carries its reason and thread', () => {
  const message = { type: 'event', event: 'stopped', body: { reason: 'breakpoint', threadId: 4711 } };
  assert.deepEqual(debuggeeEvent(message), { event: 'stop', reason: 'breakpoint', threadId: 4711 });
});

test('a pause that lldb-dap tells as the signal by which it paused', () => {
  const body = { reason: 'exception', description: 'signal SIGSTOP', threadId: 7 };
  const stopped = (more: object) =>
    debuggeeEvent({ type: 'event', event: 'stopped', body: { ...body, ...more } });
  assert.deepEqual(stopped({}), { event: 'stop', reason: 'pause', threadId: 7 });
  assert.deepEqual(stopped({ description: 'signal SIGSEGV' }), {
    event: 'stop',
    reason: 'exception',
    threadId: 7,
  });
});

test('a reason that is not known and a thread that is none say so', () => {
  const message = { type: 'event', event: 'stopped', body: { reason: 'moonlight', threadId: -1 } };
  assert.deepEqual(debuggeeEvent(message), { event: 'stop', reason: 'unknown', threadId: 0 });
});

for (const message of [
  { type: 'event', event: 'continued' },
  { type: 'event', event: 'terminated' },
  { type: 'response', command: 'continue', success: true },
  { type: 'response', command: 'next', success: true },
])
  test(`the program goes on: ${JSON.stringify(message)}`, () => {
    assert.deepEqual(debuggeeEvent(message), { event: 'continue' });
  });

for (const message of [
  { type: 'response', command: 'continue', success: false },
  { type: 'response', command: 'threads', success: true },
  { type: 'event', event: 'output' },
  { type: 'request', command: 'runInTerminal' },
  null,
  'text',
])
  test(`nothing of stopping or running: ${JSON.stringify(message)}`, () => {
    assert.equal(debuggeeEvent(message), undefined);
  });

test('an answer is told from other answers and from events', () => {
  const request = 'setFunctionBreakpoints';
  assert.equal(answers({ type: 'response', command: request, success: false }, request), true);
  assert.equal(answers({ type: 'response', command: 'continue', success: true }, request), false);
  assert.equal(answers({ type: 'event', event: request }, request), false);
  assert.equal(answers(undefined, request), false);
});

test('a pause of Node’s debugger that nobody asked for is a breakpoint, and a pause only the next time that one asks', () => {
  const session = new NodeSession();
  const stopped = (reason: string) => {
    const event = session.said({ type: 'event', event: 'stopped', body: { reason, threadId: 1 } });
    return event?.event === 'stop' ? event.reason : event;
  };
  assert.equal(stopped('pause'), 'breakpoint');
  session.asked({ type: 'request', command: 'threads' });
  assert.equal(stopped('pause'), 'breakpoint');
  session.asked({ type: 'request', command: 'pause', arguments: { threadId: 1 } });
  assert.equal(stopped('pause'), 'pause');
  assert.equal(stopped('pause'), 'breakpoint');
  assert.equal(stopped('step'), 'step');
  assert.deepEqual(session.said({ type: 'event', event: 'continued' }), { event: 'continue' });
});
