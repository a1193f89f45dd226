// Tests which rows stand where and what is asked for them: pinned lanes, scrolling, overscan, the grid of pixels.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { laneKind } from '../../../extension/messages/lanes.ts';
import { rowHeightCssPx } from '../../../webview/layout/geometry.ts';
import {
  arrowInterval,
  type PlanInput,
  planQueries,
  stillAnswers,
} from '../../../webview/layout/query-plan.ts';
import {
  layoutRows,
  leadingOthers,
  pinnedCount,
  scrollToShow,
  slotAt,
} from '../../../webview/layout/rows.ts';
import { answerOf } from './answers.ts';

test('lanes before the first task are counted', () => {
  const kinds = [laneKind.reactor, laneKind.worker, laneKind.task, laneKind.task];
  assert.equal(leadingOthers(kinds.map((kind) => ({ kind }))), 2);
  assert.equal(leadingOthers([{ kind: laneKind.reactor }]), 1);
});

test('pinned rows never take more than two fifths of the height', () => {
  assert.equal(pinnedCount(3, 400), 3);
  assert.equal(pinnedCount(30, 400), 8);
  assert.equal(pinnedCount(3, 20), 0);
});

test('pinned rows stay, the others scroll beneath', () => {
  const layout = layoutRows(1000, 2, 10.5, 200);
  assert.deepEqual(
    layout.slots.slice(0, 4).map((slot) => [slot.place, slot.yCssPx]),
    [
      [0, 0],
      [1, rowHeightCssPx],
      [12, layout.bodyTopCssPx - rowHeightCssPx / 2],
      [13, layout.bodyTopCssPx + rowHeightCssPx / 2],
    ],
  );
  assert.equal(layout.contentHeightCssPx, layout.bodyTopCssPx + 998 * rowHeightCssPx);
});

test('ten thousand lanes give as many rows as fit', () => {
  const layout = layoutRows(10_000, 4, 5000, 600);
  assert.ok(layout.slots.length <= 600 / rowHeightCssPx + 2);
});

test('scrolled to the end the last row is at the bottom', () => {
  const layout = layoutRows(100, 0, 1e9, 200);
  const last = layout.slots[layout.slots.length - 1];
  assert.equal(last?.place, 99);
  assert.equal((last?.yCssPx ?? 0) + rowHeightCssPx, 200);
});

test('a row that is half under the pinned ones is hit only where it is seen', () => {
  const layout = layoutRows(100, 2, 0.5, 200);
  assert.equal(slotAt(layout, rowHeightCssPx + 1)?.place, 1);
  assert.equal(slotAt(layout, layout.bodyTopCssPx - 1), undefined);
  assert.equal(slotAt(layout, layout.bodyTopCssPx + 1)?.place, 2);
});

test('scrolling to a row moves no farther than needed', () => {
  const height = 10 * rowHeightCssPx;
  assert.equal(scrollToShow(5, 3, height), 3);
  assert.equal(scrollToShow(1, 3, height), 0);
  const first = scrollToShow(50, 3, height);
  assert.ok(50 >= first && 51 <= first + 10);
});

function input(change: Partial<PlanInput> = {}): PlanInput {
  const base: PlanInput = {
    session: 'a'.repeat(32),
    filter: '',
    expanded: [],
    allCalls: false,
    interval: { fromNs: 1000, toNs: 2000 },
    endNs: 10_000,
    following: false,
    size: { widthDevicePx: 100, heightCssPx: 200 },
    rows: layoutRows(1000, 2, 0, 200),
    rowsInView: 8,
  };
  return { ...base, ...change };
}

test('near the top one query covers pinned and scrolled lanes', () => {
  const plan = planQueries(input());
  assert.equal(plan.pinned, null);
  assert.equal(plan.body.firstLane, 0);
  assert.ok(plan.body.laneCount >= 10);
});

test('farther down the pinned lanes are asked for apart', () => {
  const plan = planQueries(input({ rows: layoutRows(1000, 2, 500, 200) }));
  assert.equal(plan.pinned?.laneCount, 2);
  assert.ok(plan.body.firstLane > 400 && plan.body.firstLane <= 502);
  assert.ok(plan.body.firstLane + plan.body.laneCount >= 502 + 8);
});

test('a query lies on the grid of the screen’s pixels and reaches beyond both edges', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -500, max: 9000, noNaN: true }),
      fc.double({ min: 100, max: 10_000, noNaN: true }),
      fc.integer({ min: 1, max: 4000 }),
      (fromNs, width, widthDevicePx) => {
        const interval = { fromNs, toNs: fromNs + width };
        const { body } = planQueries(input({ interval, size: { widthDevicePx, heightCssPx: 200 } }));
        const pitch = width / widthDevicePx;
        assert.ok(Math.abs((body.toNs - body.fromNs) / body.widthPx / pitch - 1) < 1e-6);
        const shiftPx = (body.fromNs - fromNs) / pitch;
        assert.ok(Math.abs(shiftPx - Math.round(shiftPx)) < 1e-3 || body.fromNs === 0, `${shiftPx} px`);
        assert.ok(body.fromNs >= 0 && body.toNs > body.fromNs);
        assert.ok(Number.isInteger(body.widthPx) && body.widthPx >= 1 && body.widthPx <= 8192);
        assert.ok(body.fromNs <= Math.max(0, fromNs) + pitch);
        assert.ok(body.toNs >= Math.min(interval.toNs, 10_000) - pitch);
      },
    ),
  );
});

test('an answer serves as long as view and trace are within it', () => {
  const at = input({
    interval: { fromNs: 0, toNs: 100 },
    endNs: 100,
    rows: layoutRows(2, 0, 0, 200),
    size: { widthDevicePx: 10, heightCssPx: 200 },
  });
  const lanes = [
    { lane: 1, exact: 'rrrrssssrr' },
    { lane: 2, exact: 'rrrrssssrr' },
  ];
  const answer = answerOf({ lanes, provisionalFromNs: 50 });
  const { body } = planQueries(at);
  assert.ok(stillAnswers(answer, body, at));
  assert.ok(!stillAnswers(answer, { ...body, filter: 'x' }, at), 'another filter');
  assert.ok(!stillAnswers(answer, body, { ...at, endNs: 120 }), 'the trace went on');
  assert.ok(!stillAnswers(answer, body, { ...at, interval: { fromNs: 0, toNs: 50 } }), 'another scale');
  assert.ok(
    !stillAnswers(answer, body, { ...at, interval: { fromNs: 50, toNs: 150 }, endNs: 150 }),
    'beside it',
  );
  const short = answerOf({ lanes: lanes.slice(0, 1), laneTotal: 2 });
  assert.ok(!stillAnswers(short, body, at), 'a lane is missing');
});

test('what is settled serves although the trace went on', () => {
  const lanes = [{ lane: 1, exact: 'rrrrssssrr' }];
  const answer = answerOf({ lanes, endNs: 100, provisionalFromNs: 90 });
  const at = input({
    interval: { fromNs: 0, toNs: 80 },
    endNs: 500,
    rows: layoutRows(1, 0, 0, 200),
    size: { widthDevicePx: 8, heightCssPx: 200 },
  });
  assert.ok(stillAnswers(answer, planQueries(at).body, at));
});

test('arrows are asked for around the view, and the same for views near each other', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      fc.double({ min: 20, max: 1e12, noNaN: true }),
      (fromNs, width) => {
        const asked = arrowInterval({ fromNs, toNs: fromNs + width });
        assert.ok(asked.fromNs <= Math.max(0, fromNs - width / 2) + 1e-3);
        assert.ok(asked.toNs >= fromNs + width * 1.5 - 1e-3);
        assert.ok(asked.toNs - asked.fromNs <= 10 * width);
      },
    ),
  );
  assert.deepEqual(arrowInterval({ fromNs: 700, toNs: 1500 }), arrowInterval({ fromNs: 720, toNs: 1490 }));
});
