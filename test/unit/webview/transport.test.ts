// Tests the way to the host: ids, answers, refusals, credits; and what is kept of answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneKind } from '../../../extension/messages/lanes.ts';
import { readAnswer } from '../../../webview/layout/answer.ts';
import { AnswerStore } from '../../../webview/layout/answer-store.ts';
import { type Announcement, HostLink, Refusal } from '../../../webview/transport/host-link.ts';
import { NewestWins } from '../../../webview/transport/newest-wins.ts';
import { answerOf, answerParts } from './answers.ts';

function link() {
  const posted: unknown[] = [];
  const heard: Announcement[] = [];
  let state: unknown = null;
  const host = new HostLink(
    {
      postMessage: (message) => posted.push(message),
      getState: () => state,
      setState: (next) => {
        state = next;
      },
    },
    (message) => heard.push(message),
  );
  return { host, posted, heard, setState: (next: unknown) => (state = next) };
}

const query = { session: 'a'.repeat(32), lane: 1, atNs: 5 };

test('answers find their requests in any order', async () => {
  const { host, posted } = link();
  const first = host.request('explain', query);
  const second = host.request('explain', { ...query, lane: 2 });
  const ids = posted.map((message) => (message as { id: number }).id);
  assert.equal(new Set(ids).size, 2);
  host.receive({ type: 'answer', id: ids[1], result: null, binary: new ArrayBuffer(0) });
  host.receive({ type: 'answer', id: ids[0], result: { lane: 1 }, binary: new ArrayBuffer(3) });
  assert.equal((await second).result, null);
  assert.equal((await first).binary.byteLength, 3);
});

test('a refusal says why', async () => {
  const { host, posted } = link();
  const asked = host.request('explain', query);
  host.receive({ type: 'refusal', id: (posted[0] as { id: number }).id, message: 'no such lane' });
  await assert.rejects(asked, (error) => error instanceof Refusal && error.message === 'no such lane');
});

test('what is no message of the host’s is ignored', () => {
  const { host, heard } = link();
  for (const message of [null, 5, 'x', {}, { type: 'unknown' }, { type: 5 }, { type: 'answer', id: 99 }])
    host.receive(message);
  assert.deepEqual(heard, []);
  host.receive({ type: 'sessions', sessions: [], shown: '' });
  assert.equal(heard.length, 1);
});

test('a kept state that is not one is dropped', () => {
  const { host, setState } = link();
  assert.equal(host.saved(), null);
  setState({ session: 'a', fromNs: 'x' });
  assert.equal(host.saved(), null);
  const good = {
    session: 'a',
    fromNs: 1,
    toNs: 2,
    follow: true,
    firstLane: 0,
    selectedLane: -1,
    selectedAtNs: 0,
    filter: '',
  };
  host.save(good);
  assert.deepEqual(host.saved(), good);
});

test('one goes out at a time, and of those that wait only the newest', async () => {
  const started: number[] = [];
  const finish: (() => void)[] = [];
  const queue = new NewestWins<number>((wanted) => {
    started.push(wanted);
    return new Promise((resolve) => finish.push(resolve));
  });
  for (const wanted of [1, 2, 3, 4]) queue.want(wanted);
  assert.deepEqual(started, [1]);
  finish[0]?.();
  await new Promise(setImmediate);
  assert.deepEqual(started, [1, 4]);
  queue.want(5);
  queue.drop();
  finish[1]?.();
  await new Promise(setImmediate);
  assert.deepEqual(started, [1, 4]);
  assert.equal(queue.underWay, false);
});

test('an answer whose columns reach beyond its bytes is refused', () => {
  const { head, binary } = answerParts({ lanes: [{ lane: 1, exact: 'rrss' }] });
  assert.throws(() => readAnswer(head, binary.slice(0, 20), ''), /ends at byte \d+ of 20/);
});

test('columns are read even where they are not aligned', () => {
  const { head, binary } = answerParts({ lanes: [{ lane: 1, exact: 'rrss' }] });
  const shifted = new Uint8Array(binary.byteLength + 1);
  shifted.set(new Uint8Array(binary), 1);
  const columns = Object.fromEntries(
    Object.entries(head.columns).map(([name, range]) => [name, { ...range, offset: range.offset + 1 }]),
  ) as unknown as typeof head.columns;
  const answer = readAnswer({ ...head, columns }, shifted.buffer, '');
  assert.deepEqual([...answer.spanStartNs], [0, 20]);
});

test('the store keeps a handful of answers and the widest of them', () => {
  const store = new AnswerStore();
  store.add(answerOf({ lanes: [{ lane: 1, coverage: 'ss' }], fromNs: 0, toNs: 1e6, widthPx: 2 }));
  for (let i = 0; i < 20; i++)
    store.add(answerOf({ lanes: [{ lane: 1, coverage: 'ss' }], fromNs: i, toNs: i + 10, widthPx: 2 }));
  assert.ok(store.all().length <= 5);
  assert.equal(store.all()[0]?.head.toNs, 1e6);
  assert.equal(store.newestShowing(1)?.answer.head.fromNs, 19);
});

test('lanes are found by their place and their number, and shift when new ones come before them', () => {
  const store = new AnswerStore();
  const reactor = { lane: 0, kind: laneKind.reactor, exact: 'pp' };
  store.add(answerOf({ lanes: [reactor, { lane: 5, exact: 'rr' }] }));
  assert.equal(store.others, 1);
  assert.equal(store.laneAt(1)?.lane, 5);
  assert.equal(store.placeOf(5), 1);
  const pool = { lane: 8, kind: laneKind.poolThread, exact: 'pp' };
  store.add(answerOf({ lanes: [reactor, pool, { lane: 5, exact: 'rr' }] }));
  assert.equal(store.others, 2);
  assert.equal(store.placeOf(5), 2);
  assert.equal(store.placeOf(77), undefined);
  store.add(answerOf({ lanes: [], located: [{ lane: 77, place: 4000 }], laneTotal: 5000 }));
  assert.equal(store.placeOf(77), 4000);
});

test('an answer for another filter or session makes the others worthless', () => {
  const store = new AnswerStore();
  store.add(answerOf({ lanes: [{ lane: 1, exact: 'rr' }] }));
  store.add(answerOf({ lanes: [{ lane: 2, exact: 'rr' }], filter: 'x' }));
  assert.equal(store.placeOf(1), undefined);
  assert.equal(store.laneTotal, 1);
});
