// Owns what the guard lets through, and what it says of the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  GuardError,
  guardParams,
  guardRequest,
  isMethod,
  requestId,
} from '../../../extension/messages/guards.ts';

const session = '0123456789abcdef0123456789abcdef';
const viewport = { session, fromNs: 0, toNs: 10, widthPx: 100, firstLane: 0, laneCount: 5, filter: '' };

test('a right request passes with exactly the fields that its method knows', () => {
  const request = { id: 7, method: 'viewport', params: { ...viewport, extra: '__proto__' } };
  assert.deepEqual(guardRequest(request), { id: 7, method: 'viewport', params: viewport });
  assert.deepEqual(guardRequest({ id: 0, method: 'sessions', params: { x: 1 } }).params, {});
});

test('each wrong field is named', () => {
  const check = (change: Record<string, unknown>, message: RegExp) =>
    assert.throws(() => guardParams('viewport', { ...viewport, ...change }), message);
  check({ session: 'x' }, /session must be 32 hexadecimal digits, not "x"/);
  check({ session: `${session}\n` }, /session must be/);
  check({ widthPx: 0 }, /widthPx must be a whole number from 1 to 8192, not 0/);
  check({ widthPx: 8193 }, /widthPx/);
  check({ widthPx: 1.5 }, /widthPx/);
  check({ laneCount: 1e9 }, /laneCount/);
  check({ fromNs: Number.NaN }, /fromNs must be a finite number/);
  check({ fromNs: 11 }, /toNs \(10\) lies before fromNs \(11\)/);
  check({ fromNs: 10 }, /empty/);
  check({ filter: 'x'.repeat(1025) }, /filter has 1025 characters/);
  check({ filter: undefined }, /filter must be a string, not missing/);
});

test('paths are absolute, and names come from their lists', () => {
  assert.throws(() => guardParams('open', { path: 'a/b' }), /path must be an absolute path/);
  assert.throws(() => guardParams('open', { path: '/a\0b' }), /absolute path/);
  assert.deepEqual(guardParams('open', { path: '/a/b' }), { path: '/a/b' });
  assert.throws(
    () => guardParams('control', { session, detail: 'some' }),
    /off, native, lean, full, not "some"/,
  );
  const condition = { session, on: 'poll', value: 3 };
  assert.deepEqual(guardParams('breakOn', condition), condition);
  assert.throws(() => guardParams('breakOn', { ...condition, on: 'spawn' }), /poll, wake, longPoll, clear/);
  assert.throws(() => guardParams('breakOn', { ...condition, value: -1 }), /value must be a whole number/);
  const token = '0'.repeat(32);
  assert.throws(() => guardParams('attach', { address: '/a.sock', token }), /unix:<path> or tcp:/);
  assert.throws(
    () => guardParams('attach', { address: 'unix:/a.sock', token: 'secret' }),
    (error: Error) => {
      return error.message.includes('32 hexadecimal digits') && !error.message.includes('secret');
    },
  );
  const event = { launch: 'l', event: 'stop', monotonicNs: 5, reason: 'step', osThread: 3 };
  assert.deepEqual(guardParams('debugger', event), event);
  for (const part of [{ pid: 7 }, { pid: 7, nodeThread: 0 }])
    assert.deepEqual(guardParams('debugger', { ...event, part }), { ...event, part });
  assert.throws(() => guardParams('debugger', { ...event, part: 7 }), /part must be an object/);
  assert.throws(() => guardParams('debugger', { ...event, part: { pid: 0 } }), /pid must be a whole number/);
  assert.throws(
    () => guardParams('debugger', { ...event, part: { pid: 7, nodeThread: -1 } }),
    /nodeThread must be a whole number/,
  );
  assert.throws(() => guardParams('debugger', { ...event, launch: '' }), /launch/);
  assert.throws(() => guardParams('debugger', { ...event, monotonicNs: -1 }), /monotonicNs/);
});

test('names of the language itself are no methods', () => {
  for (const name of ['constructor', '__proto__', 'toString', '', 5, null])
    assert.equal(isMethod(name), false);
  assert.throws(() => guardRequest({ id: 1, method: 'constructor', params: {} }), /no request is called/);
});

test('whatever comes, the guard passes it or throws a GuardError', () => {
  const field = fc.oneof(fc.anything(), fc.constant(session), fc.constant('viewport'));
  fc.assert(
    fc.property(
      fc.anything(),
      fc.dictionary(fc.constantFrom('id', 'method', 'params'), field),
      (any, some) => {
        for (const value of [any, some]) {
          requestId(value);
          try {
            guardRequest(value);
          } catch (error) {
            assert.ok(error instanceof GuardError, String(error));
          }
        }
      },
    ),
  );
});
