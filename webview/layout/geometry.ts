// Owns the sizes of the picture and the way between time and pixels.
// Pure arithmetic; knows nothing of the DOM.
import { type Interval, widthNs } from '../state/interval.ts';

/** A row is as high as a dense list row of the editor less two: 20 px hold a 13 px font and a bar with air. */
export const rowHeightCssPx = 20;
/** Room between a row's edge and its bar, above and below. */
export const barInsetCssPx = 3;
/** The narrowest span that is told from its neighbour when it is clicked. */
export const grabCssPx = 3;

export function pxOfNs(interval: Interval, widthPx: number, atNs: number): number {
  return ((atNs - interval.fromNs) / widthNs(interval)) * widthPx;
}

export function nsOfPx(interval: Interval, widthPx: number, atPx: number): number {
  return interval.fromNs + (atPx / widthPx) * widthNs(interval);
}

/** A rectangle of the picture. */
export interface Rectangle {
  readonly xCssPx: number;
  readonly yCssPx: number;
  readonly widthCssPx: number;
  readonly heightCssPx: number;
}
