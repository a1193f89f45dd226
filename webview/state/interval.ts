// Owns the arithmetic of the visible interval: zooming, panning, keeping it near the trace.
// Knows nothing of pixels, lanes or events.

/** What part of the session's time is in view, in ns since the session's tick 0. May reach a little beyond the trace. */
export interface Interval {
  readonly fromNs: number;
  readonly toNs: number;
}

/** The closest zoom: at 1,000 px one pixel is 0.02 ns, well below the 1 ns that times are given in. */
export const minimumWidthNs = 20;

/** How much empty room beside the trace may be in view, as a share of the interval's width. */
const marginShare = 0.1;

export function widthNs(interval: Interval): number {
  return interval.toNs - interval.fromNs;
}

/** The same instant stays at `anchor` (0 = left edge, 1 = right edge); a factor above 1 shows more time. */
export function zoomAt(interval: Interval, anchor: number, factor: number): Interval {
  const width = widthNs(interval);
  const nextWidth = Math.max(minimumWidthNs, width * factor);
  const anchorNs = interval.fromNs + width * anchor;
  const fromNs = anchorNs - nextWidth * anchor;
  return { fromNs, toNs: fromNs + nextWidth };
}

/** Moves by a share of the width: 1 is one whole screen towards later. */
export function panBy(interval: Interval, share: number): Interval {
  const shiftNs = widthNs(interval) * share;
  return { fromNs: interval.fromNs + shiftNs, toNs: interval.toNs + shiftNs };
}

/** The nearest interval that still has the trace in view: not wider than the trace and its margins, not beside it. */
export function keepNear(interval: Interval, endNs: number): Interval {
  const widest = Math.max(minimumWidthNs, endNs) / (1 - 2 * marginShare);
  const width = Math.min(Math.max(widthNs(interval), minimumWidthNs), widest);
  const centreNs = (interval.fromNs + interval.toNs) / 2;
  const lowest = -width * marginShare;
  const highest = Math.max(lowest, endNs + width * marginShare - width);
  const fromNs = Math.min(Math.max(centreNs - width / 2, lowest), highest);
  return { fromNs, toNs: fromNs + width };
}

/** An interval that holds [fromNs, toNs] with air on both sides, so that what came before and after is seen too. */
export function around(fromNs: number, toNs: number, air: number): Interval {
  const width = Math.max(toNs - fromNs, minimumWidthNs);
  return { fromNs: fromNs - width * air, toNs: toNs + width * air };
}
