// Tests the reducer: sessions come and go, the view follows, freezes, is moved, and comes back as it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import {
  type Action,
  anchorMode,
  fitLimitNs,
  initialState,
  reduce,
  savedState,
  type ViewState,
} from '../../../webview/state/view-state.ts';
import { sessionSummary as session } from './session-summaries.ts';

const sessions = (shown: string, ...list: SessionSummary[]): Action => ({
  type: 'sessions',
  sessions: list,
  shown,
});

function after(...actions: Action[]): ViewState {
  return actions.reduce(reduce, initialState(null));
}

test('a new session is shown whole and grows with its trace', () => {
  const state = after(sessions('a', session('a', 5e6)));
  assert.equal(state.session, 'a');
  assert.deepEqual(state.interval, { fromNs: 0, toNs: 5e6 });
  assert.deepEqual(reduce(state, sessions('a', session('a', 9e6))).interval, { fromNs: 0, toNs: 9e6 });
});

test('a live trace that becomes longer than the limit is followed', () => {
  const state = after(sessions('a', session('a', 5e6)), sessions('a', session('a', fitLimitNs + 2e9)));
  assert.equal(state.anchor, anchorMode.follow);
  assert.deepEqual(state.interval, { fromNs: 2e9, toNs: fitLimitNs + 2e9 });
});

test('a long trace that the user wants whole stays whole', () => {
  const state = after(
    sessions('a', session('a', 5e6)),
    { type: 'fit' },
    sessions('a', session('a', fitLimitNs * 3)),
  );
  assert.deepEqual(state.interval, { fromNs: 0, toNs: fitLimitNs * 3 });
});

test('following keeps the width and the right edge; zooming does not end it', () => {
  const followed = after(
    sessions('a', session('a', 10e6)),
    { type: 'interval', interval: { fromNs: 2e6, toNs: 4e6 } },
    { type: 'follow', on: true },
    sessions('a', session('a', 12e6)),
  );
  assert.deepEqual(followed.interval, { fromNs: 10e6, toNs: 12e6 });
  const zoomed = reduce(followed, { type: 'zoom', anchor: 0.2, factor: 0.5 });
  assert.equal(zoomed.anchor, anchorMode.follow);
  assert.deepEqual(zoomed.interval, { fromNs: 11e6, toNs: 12e6 });
});

test('moving the view ends following, and new events leave it where it is', () => {
  const state = after(sessions('a', session('a', 10e6)), { type: 'zoom', anchor: 0, factor: 0.5 });
  assert.equal(state.anchor, anchorMode.free);
  assert.deepEqual(state.interval, { fromNs: 0, toNs: 5e6 });
  assert.deepEqual(reduce(state, sessions('a', session('a', 20e6))).interval, { fromNs: 0, toNs: 5e6 });
});

test('a frozen view stays at its instant and goes on at the newest', () => {
  const frozen = after(
    sessions('a', session('a', 10e6)),
    { type: 'pause', on: true },
    sessions('a', session('a', 20e6)),
  );
  assert.equal(frozen.endNs, 10e6);
  assert.deepEqual(frozen.interval, { fromNs: 0, toNs: 10e6 });
  const onward = reduce(frozen, { type: 'pause', on: false });
  assert.equal(onward.endNs, 20e6);
  assert.deepEqual(onward.interval, { fromNs: 0, toNs: 20e6 });
});

test('the user’s choice of session stands until the host shows another', () => {
  const both = [session('a', 1e6), session('b', 2e6)] as const;
  const chosen = after(sessions('a', ...both), { type: 'choose', session: 'b' });
  assert.equal(chosen.session, 'b');
  assert.equal(reduce(chosen, sessions('a', ...both)).session, 'b', 'the host only repeats itself');
  const third = session('c', 3e6);
  assert.equal(reduce(chosen, sessions('c', ...both, third)).session, 'c', 'the host shows a new one');
});

test('a session that is gone gives way to one that is there', () => {
  const state = after(sessions('a', session('a', 1e6), session('b', 2e6)), sessions('', session('b', 2e6)));
  assert.equal(state.session, 'b');
  assert.equal(reduce(state, sessions('')).session, '');
});

test('what was shown before a reload is shown again', () => {
  const before = after(
    sessions('a', session('a', 10e6)),
    { type: 'interval', interval: { fromNs: 2e6, toNs: 4e6 } },
    { type: 'scroll', firstRow: 12.5 },
    { type: 'select', selection: { lane: 7, atNs: 3e6 }, reveal: false },
  );
  const saved = savedState({ ...before, filter: 'client' });
  const back = reduce(initialState(saved), sessions('a', session('a', 11e6)));
  assert.deepEqual(savedState(back), saved);
  assert.equal(reduce(initialState(saved), sessions('b', session('b', 1e6))).selection, null);
});

test('a span is revealed with air around it, an instant at the width that is there', () => {
  const wide = after(sessions('a', session('a', 1e9)));
  const reveal = (fromNs: number, toNs: number) =>
    reduce(wide, { type: 'reveal', session: 'a', lane: 3, fromNs, toNs });
  const span = reveal(500e6, 501e6);
  assert.deepEqual(span.interval, { fromNs: 499.25e6, toNs: 501.75e6 });
  assert.deepEqual(span.selection, { lane: 3, atNs: 500.5e6 });
  assert.equal(span.revealLane, 3);
  assert.deepEqual(reveal(500e6, 500e6).interval, wide.interval);
});

test('a highlight for a session that is not in view changes nothing', () => {
  const state = after(sessions('a', session('a', 1e6)));
  const highlight = { lanes: [1], waits: [], label: 'line 4' };
  assert.equal(reduce(state, { type: 'highlight', session: 'b', highlight }), state);
  assert.equal(reduce(state, { type: 'highlight', session: 'a', highlight }).highlight, highlight);
});

test('clearing takes selection and highlight, a filter goes to the first row', () => {
  const state = after(
    sessions('a', session('a', 1e6)),
    { type: 'select', selection: { lane: 1, atNs: 5 }, reveal: true },
    { type: 'scroll', firstRow: 40 },
    { type: 'clear' },
    { type: 'filter', filter: 'x' },
  );
  assert.equal(state.selection, null);
  assert.equal(state.revealLane, -1);
  assert.equal(state.firstRow, 0);
});
