// Owns lists of spans that never overlap and stand in order of time: what a thread did, one list for each state.
// Prefix sums by blocks give the covered time before any instant in bounded work. Knows nothing of lanes or tasks.
import { Column, doubles, none, SlotTable as Slots, type SlotTable, slotBit, words } from './columns.ts';

const blockShift = 5;
/** Covered time is summed by blocks of this many spans: at most so many are looked at to answer for an instant. */
export const spansPerBlock = 1 << blockShift;

/** What queries need of such a list. The last span may be open; its end is then `nowNs`. */
export interface DisjointSpans {
  readonly count: number;
  startOf(index: number): number;
  /** The end; `nowNs` while it is open. */
  endOf(index: number, nowNs: number): number;
  isOpen(index: number): boolean;
  refOf(index: number): number;
  /** Covered time of all spans before `index`, which must be a multiple of `spansPerBlock`. */
  coveredBefore(index: number): number;
}

/** Index of the first span from `from` on and before `to` that ends after `atNs`; `to` when none does. */
export function firstEndingAfter(
  spans: DisjointSpans,
  atNs: number,
  nowNs: number,
  from = 0,
  to = spans.count,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans.endOf(middle, nowNs) > atNs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Covered time before `atNs`, given the first span that ends after it. */
export function coveredUntil(spans: DisjointSpans, index: number, atNs: number, nowNs: number): number {
  // An open span is never part of the prefix sums, which keep what they once summed.
  const summed = index > 0 && spans.isOpen(index - 1) ? index - 1 : index;
  const block = summed & ~(spansPerBlock - 1);
  let covered = spans.coveredBefore(block);
  for (let i = block; i < index; i++) covered += spans.endOf(i, nowNs) - spans.startOf(i);
  if (index < spans.count) covered += Math.max(0, atNs - spans.startOf(index));
  return covered;
}

abstract class SummedSpans {
  private readonly sums = new Column(doubles);
  abstract readonly count: number;
  abstract startOf(index: number): number;
  abstract endOf(index: number, nowNs: number): number;

  /** Extends the prefix sums up to the block before `index`: only closed spans come before an open one. */
  coveredBefore(index: number): number {
    const block = index >>> blockShift;
    while (this.sums.length <= block) {
      const done = this.sums.length;
      let sum = done === 0 ? 0 : this.sums.get(done - 1);
      for (let i = Math.max(0, done - 1) << blockShift; i < done << blockShift; i++)
        sum += this.endOf(i, 0) - this.startOf(i);
      this.sums.push(sum);
    }
    return this.sums.get(block);
  }

  protected get sumBytes(): number {
    return this.sums.bytes;
  }

  protected forgetSumsFrom(index: number): void {
    this.sums.truncate((index >>> blockShift) + 1);
  }
}

/** Spans with times of their own. */
export class SpanColumns extends SummedSpans implements DisjointSpans {
  private readonly starts = new Column(doubles);
  private readonly ends = new Column(doubles);
  private readonly refs = new Column(doubles);
  private open = false;

  get count(): number {
    return this.starts.length;
  }

  begin(startNs: number, ref: number): void {
    if (this.open) this.end(startNs);
    this.starts.push(startNs);
    this.ends.push(startNs);
    this.refs.push(ref);
    this.open = true;
  }

  /** Ends the open span; nothing when none is open. */
  end(endNs: number): void {
    if (!this.open) return;
    this.ends.set(this.count - 1, Math.max(endNs, this.starts.get(this.count - 1)));
    this.open = false;
  }

  get hasOpen(): boolean {
    return this.open;
  }

  /** Replaces everything from `index` on, which must be a span's. */
  truncate(index: number): void {
    this.starts.truncate(index);
    this.ends.truncate(index);
    this.refs.truncate(index);
    this.forgetSumsFrom(index);
    this.open = false;
  }

  startOf(index: number): number {
    return this.starts.get(index);
  }

  endOf(index: number, nowNs: number): number {
    return this.isOpen(index) ? Math.max(nowNs, this.starts.get(index)) : this.ends.get(index);
  }

  isOpen(index: number): boolean {
    return this.open && index === this.count - 1;
  }

  refOf(index: number): number {
    return this.refs.get(index);
  }

  get bytes(): number {
    return this.starts.bytes + this.ends.bytes + this.refs.bytes + this.sumBytes;
  }
}

/** The outermost polls of one thread: 8 bytes each, the times stand in the slots. */
export class PollSpans extends SummedSpans implements DisjointSpans {
  private readonly slots: SlotTable;
  private readonly slotOf = new Column(words);
  private readonly taskOf = new Column(words);
  private readonly taskId: (taskIndex: number) => number;
  /** Only the last poll may be open. */
  private openSlot: number = none;

  constructor(slots: SlotTable, taskId: (taskIndex: number) => number) {
    super();
    this.slots = slots;
    this.taskId = taskId;
  }

  get count(): number {
    return this.slotOf.length;
  }

  begin(slot: number, taskIndex: number): void {
    this.slotOf.push(slot);
    this.taskOf.push(taskIndex);
    this.openSlot = slot;
  }

  end(): void {
    this.openSlot = none;
  }

  startOf(index: number): number {
    const slot = this.slotOf.get(index);
    return this.slots.segmentOf(slot).startNs[Slots.within(slot)] as number;
  }

  endOf(index: number, nowNs: number): number {
    const slot = this.slotOf.get(index);
    const segment = this.slots.segmentOf(slot);
    const within = Slots.within(slot);
    const ended = ((segment.bits[within] as number) & slotBit.hasEnd) !== 0;
    return ended ? (segment.endNs[within] as number) : Math.max(nowNs, segment.startNs[within] as number);
  }

  isOpen(index: number): boolean {
    return index === this.count - 1 && this.openSlot !== none;
  }

  refOf(index: number): number {
    return this.taskId(this.taskOf.get(index));
  }

  taskIndexOf(index: number): number {
    return this.taskOf.get(index);
  }

  slotAt(index: number): number {
    return this.slotOf.get(index);
  }

  get bytes(): number {
    return this.slotOf.bytes + this.taskOf.bytes + this.sumBytes;
  }
}
