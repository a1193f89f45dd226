// Tests the interval's arithmetic: zooming and panning go back to where they came from, and never lose the trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  around,
  type Interval,
  keepNear,
  minimumWidthNs,
  panBy,
  widthNs,
  zoomAt,
} from '../../../webview/state/interval.ts';

const intervals = fc
  .record({
    fromNs: fc.double({ min: 0, max: 1e15, noNaN: true }),
    width: fc.double({ min: 1e4, max: 1e13, noNaN: true }),
  })
  .map(({ fromNs, width }): Interval => ({ fromNs, toNs: fromNs + width }));
const shares = fc.double({ min: -3, max: 3, noNaN: true });
const anchors = fc.double({ min: 0, max: 1, noNaN: true });
const factors = fc.double({ min: 0.05, max: 20, noNaN: true });

/** Times are float64: at 1e15 ns (11 days) one step is 0.125 ns, so a millionth of the width is far above the noise. */
function assertNear(actual: Interval, expected: Interval): void {
  const slack = widthNs(expected) * 1e-6 + expected.toNs * 1e-14;
  assert.ok(Math.abs(actual.fromNs - expected.fromNs) <= slack, `${actual.fromNs} is not ${expected.fromNs}`);
  assert.ok(Math.abs(actual.toNs - expected.toNs) <= slack, `${actual.toNs} is not ${expected.toNs}`);
}

test('zooming in and out again at one anchor gives the same interval', () => {
  fc.assert(
    fc.property(intervals, anchors, factors, (interval, anchor, factor) => {
      assertNear(zoomAt(zoomAt(interval, anchor, factor), anchor, 1 / factor), interval);
    }),
  );
});

test('panning there and back gives the same interval', () => {
  fc.assert(
    fc.property(intervals, shares, (interval, share) => {
      assertNear(panBy(panBy(interval, share), -share), interval);
    }),
  );
});

test('the instant under the anchor stays under it', () => {
  fc.assert(
    fc.property(intervals, anchors, factors, (interval, anchor, factor) => {
      const zoomed = zoomAt(interval, anchor, factor);
      const before = interval.fromNs + widthNs(interval) * anchor;
      const after = zoomed.fromNs + widthNs(zoomed) * anchor;
      assert.ok(Math.abs(before - after) <= widthNs(interval) * 1e-6 + before * 1e-14);
    }),
  );
});

test('wherever it was, the interval is kept where some of the trace is in view', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e14, max: 1e14, noNaN: true }),
      fc.double({ min: 0, max: 1e14, noNaN: true }),
      fc.double({ min: 0, max: 1e13, noNaN: true }),
      (fromNs, width, endNs) => {
        const kept = keepNear({ fromNs, toNs: fromNs + width }, endNs);
        assert.ok(widthNs(kept) >= minimumWidthNs * 0.999);
        const inView = Math.min(kept.toNs, endNs) - Math.max(kept.fromNs, 0);
        const possible = Math.min(widthNs(kept), endNs);
        assert.ok(inView >= possible * 0.75 - 1, `${inView} of ${possible} ns in view`);
        assertNear(keepNear(kept, endNs), kept);
      },
    ),
  );
});

test('an interval that is near already is left as it is', () => {
  const interval = { fromNs: 100, toNs: 300 };
  assert.deepEqual(keepNear(interval, 1000), interval);
});

test('around a span there is air on both sides', () => {
  assert.deepEqual(around(100, 200, 0.5), { fromNs: 50, toNs: 250 });
});
