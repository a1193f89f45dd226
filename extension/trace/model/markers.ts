// Owns the instants on the lanes of tasks and of reactors: wakes, readiness, operations and the like, found in threads' logs.
// Knows nothing of how they are sent or drawn.
import {
  eventKind,
  operationKind,
  operationMaker,
  operationOutcome,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type MarkerKind, markerKind, type SpanState, spanState } from '../../messages/lanes.ts';
import { none, SlotTable, slotBit } from './columns.ts';
import type { Thread, ThreadLog } from './entities.ts';
import { operationDetail } from './entities.ts';
import { type LifeSink, walkFlag } from './life.ts';
import type { Model } from './model.ts';
import type { PollSample } from './poll-samples.ts';

/** Receives markers in order of time. `ref` by kind: epoch of the poll before a wake; source, timer, job or name. */
export type OnMarker = (atNs: number, kind: MarkerKind, ref: number) => void;

const operationMarkers: Readonly<Record<number, MarkerKind>> = {
  [operationKind.read]: markerKind.read,
  [operationKind.write]: markerKind.write,
  [operationKind.accept]: markerKind.accept,
  [operationKind.connect]: markerKind.connect,
  [operationKind.take]: markerKind.take,
};

/** What marker the log entry is on the lane of the task whose poll holds it; 0 for none. */
export function taskMarkerOf(log: ThreadLog, index: number): MarkerKind | 0 {
  const kind = log.kindOf(index);
  if (kind === eventKind.jobSubmit) return markerKind.jobSubmit;
  if (kind === eventKind.marker) return markerKind.user;
  if (kind !== eventKind.operation) return 0;
  const detail = log.detailOf(index);
  if (detail >> operationDetail.makerShift === operationMaker.turn) return 0;
  return operationMarker(detail);
}

function operationMarker(detail: number): MarkerKind | 0 {
  const outcome = (detail >> operationDetail.outcomeShift) & operationDetail.outcomeMask;
  if (outcome === operationOutcome.wouldBlock) return markerKind.wouldBlock;
  return operationMarkers[detail & operationDetail.kindMask] ?? 0;
}

/** The looks at a poll that have something to show. */
function stacksOfPoll(model: Model, slot: number): readonly PollSample[] {
  const samples = model.samples.of(slot);
  return samples.length === 0 ? samples : samples.filter((sample) => sample.stack !== 0);
}

/** How many markers the poll's range of its thread's log holds. */
export function markersOfPoll(model: Model, slot: number): number {
  if (slot === none) return 0;
  const segment = model.slots.segmentOf(slot);
  const within = SlotTable.within(slot);
  const from = segment.logFrom[within] as number;
  const to = segment.logTo[within] as number;
  const thread = model.threads[segment.thread[within] as number];
  if (from === none || thread === undefined) return 0;
  let count = stacksOfPoll(model, slot).length;
  const end = to === none ? thread.log.length : to;
  for (let i = from; i < end; i++) if (taskMarkerOf(thread.log, i) !== 0) count++;
  return count;
}

/** Markers of a task's life from `fromNs` to `toNs`. */
export class TaskMarkers implements LifeSink {
  private readonly model: Model;
  private readonly fromNs: number;
  private readonly toNs: number;
  private readonly onMarker: OnMarker;

  constructor(model: Model, fromNs: number, toNs: number, onMarker: OnMarker) {
    this.model = model;
    this.fromNs = fromNs;
    this.toNs = toNs;
    this.onMarker = onMarker;
  }

  interval(
    state: SpanState,
    fromNs: number,
    toNs: number,
    flags: number,
    epoch: number,
    slot: number,
  ): boolean {
    if (fromNs > this.toNs) return true;
    if (slot === none) return false;
    if (state === spanState.scheduled) {
      if (fromNs >= this.fromNs && fromNs < this.toNs) this.onMarker(fromNs, markerKind.wake, epoch);
    } else if ((flags & walkFlag.poll) !== 0 && toNs >= this.fromNs) this.ofPoll(slot);
    return false;
  }

  private ofPoll(slot: number): void {
    const segment = this.model.slots.segmentOf(slot);
    const within = SlotTable.within(slot);
    const from = segment.logFrom[within] as number;
    const thread = this.model.threads[segment.thread[within] as number];
    if (from === none || thread === undefined) return;
    const { log } = thread;
    const samples = stacksOfPoll(this.model, slot);
    const startNs = segment.startNs[within] as number;
    let nextSample = 0;
    const samplesBefore = (ns: number) => {
      for (; nextSample < samples.length; nextSample++) {
        const atNs = startNs + (samples[nextSample] as PollSample).wallNs;
        if (atNs >= ns) return;
        if (atNs >= this.fromNs && atNs < this.toNs) this.onMarker(atNs, markerKind.sample, nextSample);
      }
    };
    const ended = ((segment.bits[within] as number) & slotBit.hasEnd) !== 0;
    const to = ended ? (segment.logTo[within] as number) : log.length;
    for (let i = from; i < to; i++) {
      const kind = taskMarkerOf(log, i);
      if (kind === 0) continue;
      const ns = log.nsOf(i);
      samplesBefore(ns);
      if (ns >= this.fromNs && ns < this.toNs) this.onMarker(ns, kind, log.idOf(i));
    }
    samplesBefore(Number.POSITIVE_INFINITY);
  }
}

/** First of the reactor's marks at or after `atNs`. */
export function firstReactorMark(thread: Thread, atNs: number): number {
  const { reactorMarks, log } = thread;
  let low = 0;
  let high = reactorMarks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (log.nsOf(reactorMarks.get(middle)) >= atNs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The marker of one of the reactor's marks. */
export function reactorMarker(thread: Thread, mark: number, onMarker: OnMarker): void {
  const { log } = thread;
  const index = thread.reactorMarks.get(mark);
  const kind = log.kindOf(index);
  let marker: MarkerKind | 0 = markerKind.readiness;
  if (kind === eventKind.timerFire) marker = markerKind.timerFire;
  else if (kind === eventKind.operation) marker = operationMarker(log.detailOf(index));
  if (marker !== 0) onMarker(log.nsOf(index), marker, log.idOf(index));
}
