// Owns which lanes stand where: pinned rows on top, the others scrolled beneath, and how many of each.
// Pure; knows lanes by their place in the session's order only.
import { type LaneKind, laneKind } from '../../extension/messages/lanes.ts';
import { rowHeightCssPx } from './geometry.ts';

/** Room between pinned and scrolled rows. */
export const pinnedGapCssPx = 5;
/** Pinned rows take at most this share of the height, so that tasks are never pushed out by pool threads. */
const pinnedShare = 0.4;
const pinnedMost = 12;

export interface RowSlot {
  /** Place of the lane in the session's order, from 0. */
  readonly place: number;
  readonly yCssPx: number;
  readonly pinned: boolean;
}

export interface RowLayout {
  readonly pinned: number;
  /** Where scrolled rows begin; what is above it is never drawn over by them. */
  readonly bodyTopCssPx: number;
  readonly slots: readonly RowSlot[];
  /** Height of everything, for the scroll bar. */
  readonly contentHeightCssPx: number;
}

/** How many of the lanes at the top are no tasks: reactors, workers and pools, in that order. */
export function leadingOthers(lanes: readonly { readonly kind: LaneKind }[]): number {
  const first = lanes.findIndex((lane) => lane.kind === laneKind.task || lane.kind === laneKind.frame);
  return first < 0 ? lanes.length : first;
}

export function pinnedCount(others: number, heightCssPx: number): number {
  const room = Math.floor((heightCssPx * pinnedShare) / rowHeightCssPx);
  return Math.max(0, Math.min(others, room, pinnedMost));
}

export function layoutRows(
  laneTotal: number,
  pinned: number,
  firstRow: number,
  heightCssPx: number,
): RowLayout {
  const pinnedRows = Math.min(pinned, laneTotal);
  const bodyTopCssPx = pinnedRows === 0 ? 0 : pinnedRows * rowHeightCssPx + pinnedGapCssPx;
  const bodyRows = laneTotal - pinnedRows;
  const slots: RowSlot[] = [];
  for (let place = 0; place < pinnedRows; place++)
    slots.push({ place, yCssPx: place * rowHeightCssPx, pinned: true });
  const top = Math.min(firstRow, lastFirstRow(bodyRows, bodyTopCssPx, heightCssPx));
  for (let row = Math.floor(top); row < bodyRows; row++) {
    const yCssPx = bodyTopCssPx + (row - top) * rowHeightCssPx;
    if (yCssPx >= heightCssPx) break;
    slots.push({ place: pinnedRows + row, yCssPx, pinned: false });
  }
  return {
    pinned: pinnedRows,
    bodyTopCssPx,
    slots,
    contentHeightCssPx: bodyTopCssPx + bodyRows * rowHeightCssPx,
  };
}

/** The farthest scroll position: the last row stands at the bottom. */
export function lastFirstRow(bodyRows: number, bodyTopCssPx: number, heightCssPx: number): number {
  return Math.max(0, bodyRows - (heightCssPx - bodyTopCssPx) / rowHeightCssPx);
}

/** The scroll position nearest to the present one at which the row is wholly in view. */
export function scrollToShow(row: number, firstRow: number, bodyHeightCssPx: number): number {
  const rowsInView = bodyHeightCssPx / rowHeightCssPx;
  if (row < firstRow) return Math.max(0, row - Math.min(2, rowsInView / 4));
  if (row + 1 > firstRow + rowsInView) return Math.max(0, row + 1 - rowsInView + Math.min(2, rowsInView / 4));
  return firstRow;
}

/** The slot at a height of the picture; pinned rows lie above scrolled ones. */
export function slotAt(layout: RowLayout, yCssPx: number): RowSlot | undefined {
  return layout.slots.find(
    (slot) =>
      yCssPx >= slot.yCssPx &&
      yCssPx < slot.yCssPx + rowHeightCssPx &&
      (slot.pinned || yCssPx >= layout.bodyTopCssPx),
  );
}
