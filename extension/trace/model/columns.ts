// Owns the growable columns in which the model keeps what it read: segments of typed arrays, never copied once full,
// so that growing costs no pause and no second copy. Knows nothing of what the numbers mean.

/** No entry: the value of an index column where there is none. */
export const none = 0xffffffff;

/** Polls of one task stand in pages of this many, by epoch. A page is also the grain of the prefix sums. */
export const slotsPerPage = 16;
export const pageShift = 4;
const slotShift = 14;
/** 16,384 slots of 51 bytes: 0.8 MiB a segment, small against any budget and large against the cost of making one. */
export const slotsPerSegment = 1 << slotShift;
const slotMask = slotsPerSegment - 1;
/** Prefix record of a page: see `pageColumn`. */
export const pageStride = 20;

/** Columns of a page's prefix record: what held when the page's first interval began. */
export const pageColumn = {
  /** Where the page's first interval begins. */
  entryNs: 0,
  /** Epoch of the last poll before the page; -1 where there is none. */
  previousEpoch: 1,
  /** Its slot; -1 where there is none. */
  previousSlot: 2,
  /** ns in each state before the page: this column + the state's number (1 … 9). */
  states: 2,
  spurious: 12,
  waitsRecorded: 13,
  waitsInferred: 14,
  waitsUnknown: 15,
  stoppedPolls: 16,
  stoppedRunningNs: 17,
  polls: 18,
  markers: 19,
} as const;

/** Bits of a slot's `bits`. */
export const slotBit = {
  hasStart: 1,
  hasEnd: 2,
  /** The end was lost in a gap; `endNs` is where the gap begins. */
  endUnknown: 4,
  outcomeShift: 4,
  outcomeMask: 0x30,
} as const;

/** Ranks of the wake that a slot holds: a higher one replaces a lower one, an earlier one its equal. */
export const wakeRank = {
  none: 0,
  /** An ambiguous wake of an earlier epoch that may have asked for this poll. */
  spread: 1,
  /** Its effect is not recorded. */
  unknownEffect: 2,
  /** It scheduled the task, by the executor's own record. */
  effectual: 3,
} as const;

/** Bits of a slot's `wakeBits`. */
export const wakeBit = {
  rankMask: 3,
  /** Its epoch changed while it was made, or several threads made one. */
  ambiguous: 4,
  /** The source behind a turn was looked for, and what was found is final. */
  turnSettled: 8,
  /** It was found: the cause id is that source. */
  turnInferred: 16,
  /** Rank unknownEffect only: more than one thread made such a wake. */
  severalThreads: 32,
} as const;

/** One segment of poll slots: slot e of a task holds poll e and the wake that asks for poll e + 1. */
export class SlotSegment {
  readonly startNs: Float64Array = new Float64Array(slotsPerSegment);
  readonly endNs: Float64Array = new Float64Array(slotsPerSegment);
  readonly wakeNs: Float64Array = new Float64Array(slotsPerSegment);
  readonly wakeCauseId: Uint32Array = new Uint32Array(slotsPerSegment);
  /** First of the poll's waits in the table of waits. */
  readonly firstWait: Uint32Array = new Uint32Array(slotsPerSegment).fill(none);
  /** Where in its thread's log the poll began, and ended. */
  readonly logFrom: Uint32Array = new Uint32Array(slotsPerSegment).fill(none);
  readonly logTo: Uint32Array = new Uint32Array(slotsPerSegment).fill(none);
  /** Where in the waking thread's log the wake stands. */
  readonly wakeLog: Uint32Array = new Uint32Array(slotsPerSegment).fill(none);
  /** Index of the thread, not its id. */
  readonly thread: Uint16Array = new Uint16Array(slotsPerSegment);
  readonly wakeThread: Uint16Array = new Uint16Array(slotsPerSegment);
  readonly bits: Uint8Array = new Uint8Array(slotsPerSegment);
  readonly wakeBits: Uint8Array = new Uint8Array(slotsPerSegment);
  readonly wakeCauseKind: Uint8Array = new Uint8Array(slotsPerSegment);
}

const bytesPerSlot = 8 * 3 + 4 * 5 + 2 * 2 + 3;

/** All poll slots, in pages that tasks take one by one. */
export class SlotTable {
  private readonly segments: SlotSegment[] = [];
  private readonly prefixes: Float64Array[] = [];
  private pageCount = 0;

  /** A fresh page. Its slots are `page << pageShift` and the 15 after. */
  takePage(): number {
    const page = this.pageCount++;
    if (page << pageShift >= this.segments.length << slotShift) {
      this.segments.push(new SlotSegment());
      this.prefixes.push(new Float64Array((slotsPerSegment >> pageShift) * pageStride));
    }
    return page;
  }

  segmentOf(slot: number): SlotSegment {
    return this.segments[slot >>> slotShift] as SlotSegment;
  }

  /** Index of the slot inside its segment. */
  static within(slot: number): number {
    return slot & slotMask;
  }

  /** The block of prefix records that holds the page's; it begins at `prefixAt(page)`. */
  prefixBlock(page: number): Float64Array {
    return this.prefixes[page >>> (slotShift - pageShift)] as Float64Array;
  }

  static prefixAt(page: number): number {
    return (page & ((slotsPerSegment >> pageShift) - 1)) * pageStride;
  }

  get bytes(): number {
    return (
      this.segments.length *
      (slotsPerSegment * bytesPerSlot + (slotsPerSegment >> pageShift) * pageStride * 8)
    );
  }
}

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

const columnShift = 13;
const columnSegment = 1 << columnShift;

/** A growable column of numbers. The first segment grows by doubling, so that small tables stay small. */
export class Column<T extends Numbers> {
  private readonly make: (length: number) => T;
  private readonly segments: T[] = [];
  length = 0;

  constructor(make: (length: number) => T) {
    this.make = make;
  }

  push(value: number): void {
    const index = this.length++;
    const within = index & (columnSegment - 1);
    let segment = this.segments[index >>> columnShift];
    if (segment === undefined || within >= segment.length)
      segment = this.grow(index >>> columnShift, segment);
    segment[within] = value;
  }

  get(index: number): number {
    const segment = this.segments[index >>> columnShift];
    return segment === undefined ? 0 : (segment[index & (columnSegment - 1)] as number);
  }

  set(index: number, value: number): void {
    (this.segments[index >>> columnShift] as T)[index & (columnSegment - 1)] = value;
  }

  /** Forgets what lies at `length` and beyond; the memory stays. */
  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.byteLength, 0);
  }

  private grow(number: number, old: T | undefined): T {
    const length = number > 0 ? columnSegment : Math.min(columnSegment, Math.max(64, (old?.length ?? 0) * 4));
    const larger = this.make(length);
    if (old !== undefined) larger.set(old);
    this.segments[number] = larger;
    return larger;
  }
}

export const doubles = (length: number): Float64Array => new Float64Array(length);
export const words = (length: number): Uint32Array => new Uint32Array(length);
export const halves = (length: number): Uint16Array => new Uint16Array(length);
export const bytes = (length: number): Uint8Array => new Uint8Array(length);

/**
 * Things by id. Ids are counters from 1, so they index an array; an id far beyond what was seen (a hostile stream)
 * goes into a map, so that no id can make the table take memory for those between.
 */
export class IdTable<T> {
  private readonly dense: (T | undefined)[] = [undefined];
  private readonly sparse = new Map<number, T>();
  size = 0;

  get(id: number): T | undefined {
    return id < this.dense.length ? this.dense[id] : this.sparse.get(id);
  }

  set(id: number, value: T): void {
    if (this.get(id) === undefined) this.size++;
    if (id < this.dense.length) this.dense[id] = value;
    else if (id <= this.dense.length + 1024) {
      while (this.dense.length < id) this.dense.push(this.takeSparse(this.dense.length));
      this.sparse.delete(id);
      this.dense.push(value);
    } else this.sparse.set(id, value);
  }

  *values(): Generator<T> {
    for (const value of this.dense) if (value !== undefined) yield value;
    yield* this.sparse.values();
  }

  /** With their ids; the sparse ones last. */
  *entries(): Generator<[number, T]> {
    for (let id = 1; id < this.dense.length; id++) {
      const value = this.dense[id];
      if (value !== undefined) yield [id, value];
    }
    yield* this.sparse.entries();
  }

  private takeSparse(id: number): T | undefined {
    if (this.sparse.size === 0) return undefined;
    const value = this.sparse.get(id);
    this.sparse.delete(id);
    return value;
  }
}
