// Tests how a lane becomes pixels: exact spans and coverage, at their own scale and moved or scaled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { laneKind, spanFlag } from '../../../extension/messages/lanes.ts';
import { clearStrip, fillStrip, type LaneStrip, newStrip } from '../../../webview/layout/coverage.ts';
import type { Interval } from '../../../webview/state/interval.ts';
import { type AnswerText, answerOf, letterNs, lettersOf } from './answers.ts';

function strip(text: AnswerText, interval: Interval, widthPx: number): LaneStrip {
  const answer = answerOf(text);
  const lane = answer.head.lanes[0];
  assert.ok(lane !== undefined);
  const made = newStrip(widthPx);
  fillStrip(made, answer, lane, interval);
  return made;
}

const checkExact = (exact: string, interval: Interval, widthPx: number, expected: string) =>
  assert.equal(lettersOf(strip({ lanes: [{ lane: 1, exact }] }, interval, widthPx).state), expected);

test('exact spans at one letter a pixel look like their text', () => {
  checkExact('qrrssssqr.', { fromNs: 0, toNs: 100 }, 10, 'qrrssssqr.');
});

test('exact spans moved by three pixels', () => {
  checkExact('qrrssssqr.', { fromNs: 30, toNs: 130 }, 10, 'ssssqr....');
});

test('a span that ended before the left edge leaves no mark on it', () => {
  checkExact('rrr.......', { fromNs: 40, toNs: 100 }, 6, '......');
});

test('exact spans at twice the scale', () => {
  checkExact('qrs', { fromNs: 0, toNs: 30 }, 6, 'qqrrss');
});

test('a poll much shorter than a pixel leaves its share, not its colour', () => {
  const made = strip(
    { lanes: [{ lane: 1, exact: `${'s'.repeat(50)}rr${'s'.repeat(48)}` }] },
    { fromNs: 0, toNs: 1000 },
    10,
  );
  assert.equal(lettersOf(made.state), 'ssssssssss');
  assert.deepEqual([...made.busy], [0, 0, 0, 0, 0, 51, 0, 0, 0, 0]);
});

test('flags reach the pixels of their span', () => {
  const made = strip(
    { lanes: [{ lane: 1, exact: '.ss.', flags: spanFlag.inferred | spanFlag.open }] },
    { fromNs: 0, toNs: 40 },
    4,
  );
  assert.deepEqual([...made.flags], [0, spanFlag.inferred, spanFlag.inferred, 0]);
});

test('coverage at its own scale is copied, moved it is shifted', () => {
  const text = { lanes: [{ lane: 1, coverage: 'ssrrttjj', running: [0, 9, 200, 255, 3, 0, 0, 0] }] };
  const same = strip(text, { fromNs: 0, toNs: 80 }, 8);
  assert.equal(lettersOf(same.state), 'ssrrttjj');
  assert.deepEqual([...same.busy], [0, 9, 200, 255, 3, 0, 0, 0]);
  assert.equal(lettersOf(strip(text, { fromNs: 20, toNs: 100 }, 8).state), 'rrttjj..');
  assert.equal(lettersOf(strip(text, { fromNs: -20, toNs: 60 }, 8).state), '..ssrrtt');
});

test('coverage zoomed out keeps the busiest of the columns that fall on a pixel', () => {
  const text = { lanes: [{ lane: 1, coverage: 'ssssssss', running: [0, 0, 0, 77, 0, 0, 0, 0] }] };
  assert.deepEqual([...strip(text, { fromNs: 0, toNs: 80 }, 4).busy], [0, 77, 0, 0]);
});

test('an answer that covers only the middle leaves what lies beside it', () => {
  const answer = answerOf({ lanes: [{ lane: 1, coverage: 'rr' }], fromNs: 20, toNs: 40, widthPx: 2 });
  const beneath = answerOf({ lanes: [{ lane: 1, coverage: 'ssssss' }] });
  const made = newStrip(6);
  clearStrip(made);
  for (const each of [beneath, answer]) {
    const lane = each.head.lanes[0];
    assert.ok(lane !== undefined);
    fillStrip(made, each, lane, { fromNs: 0, toNs: 60 });
  }
  assert.equal(lettersOf(made.state), 'ssrrss');
});

test('on a reactor lane the busy state is the turn', () => {
  const made = strip(
    { lanes: [{ lane: 1, kind: laneKind.reactor, exact: 'pTp' }] },
    { fromNs: 0, toNs: 30 },
    3,
  );
  assert.deepEqual([...made.busy], [0, 255, 0]);
});

test('the busy shares of an exact lane add up to its running time, at any scale', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('r', 's', 'q', '.'), minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 200 }),
      (exact, widthPx) => {
        const made = strip(
          { lanes: [{ lane: 1, exact }] },
          { fromNs: 0, toNs: exact.length * letterNs },
          widthPx,
        );
        const shown = made.busy.reduce((sum, share) => sum + share, 0) / 255 / widthPx;
        const wanted = [...exact].filter((letter) => letter === 'r').length / exact.length;
        // Each span is rounded once per pixel that it touches, and a sliver counts at least 1 of 255.
        const touched = exact.length + widthPx;
        assert.ok(Math.abs(shown - wanted) <= touched / 255 / widthPx, `${shown} is not ${wanted}`);
      },
    ),
  );
});
