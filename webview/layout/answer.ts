// Owns reading a viewport's answer: typed columns over its binary part, checked, and lanes found by their number.
// Copies no column; knows nothing of pixels on the screen.

import type {
  ColumnRange,
  LaneHeader,
  ViewportAnswer,
  ViewportQuery,
} from '../../extension/messages/queries.ts';

export interface TimelineAnswer {
  readonly head: ViewportAnswer;
  /** What decided which lanes there are. */
  readonly order: string;
  readonly spanStartNs: Float64Array;
  readonly spanEndNs: Float64Array;
  readonly spanState: Uint8Array;
  readonly spanFlags: Uint8Array;
  readonly spanRef: Float64Array;
  readonly pixelState: Uint8Array;
  readonly pixelRunning: Uint8Array;
  readonly pixelScheduled: Uint8Array;
  readonly markerAtNs: Float64Array;
  readonly markerLane: Uint16Array;
  readonly markerKind: Uint8Array;
  readonly markerRef: Float64Array;
  /** Place in `head.lanes` by lane number. */
  readonly placeOfLane: ReadonlyMap<number, number>;
}

/** The filter and the tasks whose frames are shown, and which: answers that differ in them have other lanes at a place. */
export function orderOf({
  filter,
  expanded,
  allCalls,
}: Pick<ViewportQuery, 'filter' | 'expanded' | 'allCalls'>): string {
  if (expanded === undefined || expanded.length === 0) return filter;
  return `${filter}\n${expanded.join()}${allCalls === true ? ' all' : ''}`;
}

/**
 * Lays typed columns over an answer's binary part.
 *
 * @throws Error when a column reaches beyond the binary part, which says that sender and receiver do not fit together.
 */
export function readAnswer(head: ViewportAnswer, binary: ArrayBuffer, order: string): TimelineAnswer {
  const bytes = (name: string, range: ColumnRange, itemBytes: number): ArrayBuffer => {
    const end = range.offset + range.length * itemBytes;
    if (!(range.offset >= 0 && range.length >= 0 && end <= binary.byteLength))
      throw new Error(
        `The answer's column ${name} ends at byte ${end} of ${binary.byteLength}. Reload the window so that the view and the collector are of one version.`,
      );
    return binary;
  };
  const float64 = (name: string, r: ColumnRange) =>
    r.offset % 8 === 0
      ? new Float64Array(bytes(name, r, 8), r.offset, r.length)
      : new Float64Array(bytes(name, r, 8).slice(r.offset, r.offset + r.length * 8));
  const uint8 = (name: string, r: ColumnRange) => new Uint8Array(bytes(name, r, 1), r.offset, r.length);
  const uint16 = (name: string, r: ColumnRange) =>
    r.offset % 2 === 0
      ? new Uint16Array(bytes(name, r, 2), r.offset, r.length)
      : new Uint16Array(bytes(name, r, 2).slice(r.offset, r.offset + r.length * 2));
  const { columns } = head;
  return {
    head,
    order,
    spanStartNs: float64('spanStartNs', columns.spanStartNs),
    spanEndNs: float64('spanEndNs', columns.spanEndNs),
    spanState: uint8('spanState', columns.spanState),
    spanFlags: uint8('spanFlags', columns.spanFlags),
    spanRef: float64('spanRef', columns.spanRef),
    pixelState: uint8('pixelState', columns.pixelState),
    pixelRunning: uint8('pixelRunning', columns.pixelRunning),
    pixelScheduled: uint8('pixelScheduled', columns.pixelScheduled),
    markerAtNs: float64('markerAtNs', columns.markerAtNs),
    markerLane: uint16('markerLane', columns.markerLane),
    markerKind: uint8('markerKind', columns.markerKind),
    markerRef: float64('markerRef', columns.markerRef),
    placeOfLane: new Map(head.lanes.map((lane, place) => [lane.lane, place])),
  };
}

export interface SpanView {
  readonly fromNs: number;
  readonly toNs: number;
  readonly state: number;
  readonly flags: number;
  readonly ref: number;
}

/** The span of that index in the columns. */
export function spanAtIndex(answer: TimelineAnswer, index: number): SpanView {
  return {
    fromNs: answer.spanStartNs[index] ?? 0,
    toNs: answer.spanEndNs[index] ?? 0,
    state: answer.spanState[index] ?? 0,
    flags: answer.spanFlags[index] ?? 0,
    ref: answer.spanRef[index] ?? 0,
  };
}

/** Index of the last of an exact lane's spans that starts at or before an instant; -1 before the first. */
export function spanIndexAt(answer: TimelineAnswer, lane: LaneHeader, atNs: number): number {
  let low = lane.first;
  let high = lane.first + lane.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((answer.spanStartNs[middle] ?? 0) <= atNs) low = middle + 1;
    else high = middle;
  }
  return low > lane.first ? low - 1 : -1;
}
