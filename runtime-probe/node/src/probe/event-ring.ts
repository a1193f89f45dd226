// Owns the program's side of the event slots: encoding events, publishing them, counting those that find no room.
// Knows nothing of what events mean beyond what a slot must state as open at its start. Never waits.
import { limits } from '../../../protocol/typescript/generated/records.ts';
import {
  controlWord,
  type RingLayout,
  slotBytes,
  slotField,
  slotHeaderBytes,
  slotState,
} from './ring-layout.ts';

/** No event is longer: kind, tick delta and seven fields of at most 8 bytes each. */
const longestEventBytes = 1 + 8 + 7 * 8;

/** A poll as the ring keeps it while it is open. */
export interface OpenPollOfRing {
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
}

/** Polls that are open, outermost first: three numbers each, so that a poll allocates nothing. */
class OpenPolls {
  private readonly numbers: number[] = [];
  /** To shorten an array costs more than the rest of an event. */
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(task: number, epoch: number, startTick: number): void {
    const at = 3 * this.count++;
    this.numbers[at] = task;
    this.numbers[at + 1] = epoch;
    this.numbers[at + 2] = startTick;
  }

  pop(): void {
    if (this.count > 0) this.count--;
  }

  clear(): void {
    this.count = 0;
  }

  innermost(): OpenPollOfRing | undefined {
    if (this.count === 0) return undefined;
    const at = 3 * (this.count - 1);
    const [task = 0, epoch = 0, startTick = 0] = this.numbers.slice(at, at + 3);
    return { task, epoch, startTick };
  }

  /** Hands the numbers of the first `count` to `write`, as a slot's context has them. */
  each(count: number, write: (value: number) => void): void {
    for (let i = 0; i < 3 * count; i++) write(this.numbers[i] ?? 0);
  }
}

export class EventRing {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  /** For whoever writes between `beginRun` and `endRun`. */
  readonly bytes: Uint8Array;
  private readonly layout: RingLayout;

  private slotIndex = 0;
  private slotOpen = false;
  /** Where the open slot begins; the header's fields are found from here. */
  private slotAt = 0;
  private slotEnd = 0;
  private cursor = 0;
  private lastTickWritten = 0;
  private sequenceTaken = 0;
  private droppedTotal = 0;
  /** Whether events are published only when this is false again, and then by whoever sets it. */
  held = false;
  /** True from the begin of an event until it is published: whoever interrupts this thread then must not write. */
  unpublished = false;

  /** Outermost first. Kept while events are dropped too, so that the next slot states the truth. */
  readonly openPolls = new OpenPolls();
  readonly openFrames: number[] = [];

  constructor(memory: SharedArrayBuffer, layout: RingLayout) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = new Uint8Array(memory);
    this.layout = layout;
  }

  /** Events that found no room, since the start. */
  get dropped(): number {
    return this.droppedTotal;
  }

  /** The number of the slot that takes the next event, or that took the last. */
  get sequence(): number {
    return this.sequenceTaken;
  }

  get lastTick(): number {
    return this.lastTickWritten;
  }

  /** Whether the next event finds room. */
  get hasRoom(): boolean {
    if (this.slotOpen && this.slotEnd - this.cursor >= longestEventBytes) return true;
    return this.nextSlotIsFree(this.layout.slotsAt + this.slotIndex * slotBytes);
  }

  /**
   * Begins an event; false when there is no room, and then it is counted and the caller goes on without it.
   * Ticks never go back inside a thread: one that would is moved to the last.
   */
  begin(kind: number, tickWanted: number): boolean {
    this.unpublished = true;
    const tick = Math.max(tickWanted, this.lastTickWritten);
    if ((!this.slotOpen || this.slotEnd - this.cursor < longestEventBytes) && !this.makeRoom(tick))
      return false;
    this.bytes[this.cursor++] = kind;
    this.uint(tick - this.lastTickWritten);
    this.lastTickWritten = tick;
    return true;
  }

  /** Unsigned LEB128. The caller hands in whole numbers from 0 to 2^53 − 1. */
  uint(value: number): void {
    this.cursor = put(this.bytes, this.cursor, value);
  }

  /** Zigzag. */
  sint(value: number): void {
    this.uint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** A whole event of `count` of these fields, for whoever writes many: begin and the fields at once. */
  write(
    kind: number,
    tickWanted: number,
    count: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
  ): boolean {
    this.unpublished = true;
    const tick = tickWanted > this.lastTickWritten ? tickWanted : this.lastTickWritten;
    if ((!this.slotOpen || this.slotEnd - this.cursor < longestEventBytes) && !this.makeRoom(tick))
      return false;
    const { bytes } = this;
    let at = this.cursor;
    bytes[at++] = kind;
    at = put(bytes, at, tick - this.lastTickWritten);
    this.lastTickWritten = tick;
    if (count > 0) at = put(bytes, at, a);
    if (count > 1) at = put(bytes, at, b);
    if (count > 2) at = put(bytes, at, c);
    if (count > 3) at = put(bytes, at, d);
    if (count > 4) at = put(bytes, at, e);
    if (count > 5) at = put(bytes, at, f);
    this.cursor = at;
    return true;
  }

  /**
   * Begins up to `count` events of one instant whose fields the caller writes himself, behind kind and tick of the
   * first, from the place that is returned; the tick of each further one is 0. That costs half of what write() does.
   * Below 0 where a slot must be taken first, which is done by write().
   */
  beginRun(kind: number, tickWanted: number, count: number): number {
    if (!this.slotOpen || this.slotEnd - this.cursor < count * longestEventBytes) return -1;
    this.unpublished = true;
    const last = this.lastTickWritten;
    const tick = tickWanted > last ? tickWanted : last;
    this.lastTickWritten = tick;
    const { bytes, cursor } = this;
    bytes[cursor] = kind;
    return put(bytes, cursor + 1, tick - last);
  }

  /** The events end before that place. */
  endRun(at: number): void {
    this.cursor = at;
  }

  /** Publishes the events that were begun since the last time: one, or several that happened at one instant. */
  commit(): void {
    if (this.held) return;
    this.publish();
    this.unpublished = false;
    // Ordering: the store above is a full barrier, and this thread reads shared memory in the order of its program;
    // an atomic load would cost 9 ns more. A bell that is missed all the same is heard at the sleeper's time-out.
    if (this.words[controlWord.writerSleeps] === 1) this.ringDoorbell();
  }

  /** Counts an event that must not be published, for a reason outside this ring, and leaves a gap that a reader sees. */
  drop(): void {
    if (this.slotOpen) this.seal();
    this.droppedTotal++;
  }

  ringDoorbell(): void {
    Atomics.store(this.words, controlWord.writerSleeps, 0);
    Atomics.add(this.words, controlWord.doorbell, 1);
    Atomics.notify(this.words, controlWord.doorbell);
  }

  /** Seals what is full and takes the next slot; without one the event is counted. */
  private makeRoom(tick: number): boolean {
    if (this.slotOpen) this.seal();
    if (this.openSlot(tick)) return true;
    this.droppedTotal++;
    // What was begun before was published with the seal.
    this.unpublished = false;
    return false;
  }

  private publish(): void {
    if (!this.slotOpen) return;
    // Ordering: a release store, so that a reader who sees the count sees the bytes below it.
    Atomics.store(
      this.words,
      (this.slotAt + slotField.committed) >> 2,
      this.cursor - this.slotAt - slotHeaderBytes,
    );
  }

  private seal(): void {
    // Several events may be begun before they are published together.
    this.publish();
    // Ordering: release, so that whoever sees the seal sees the final count.
    Atomics.store(this.words, (this.slotAt + slotField.sealed) >> 2, 1);
    this.slotOpen = false;
  }

  /** Takes the next slot if the writer thread has freed it. */
  private openSlot(tick: number): boolean {
    const at = this.layout.slotsAt + this.slotIndex * slotBytes;
    if (!this.nextSlotIsFree(at)) return false;
    this.slotIndex = (this.slotIndex + 1) % this.layout.slotCount;
    this.slotAt = at;
    this.slotEnd = at + slotBytes;
    this.slotOpen = true;
    this.sequenceTaken++;
    this.cursor = at + slotHeaderBytes;
    this.writeContext();
    const contextBytes = this.cursor - at - slotHeaderBytes;
    this.words[(at + slotField.sealed) >> 2] = 0;
    this.words[(at + slotField.contextBytes) >> 2] = contextBytes;
    this.words[(at + slotField.committed) >> 2] = contextBytes;
    this.doubles[(at + slotField.sequence) >> 3] = this.sequenceTaken;
    this.doubles[(at + slotField.dropped) >> 3] = this.droppedTotal;
    this.doubles[(at + slotField.firstTick) >> 3] = tick;
    this.lastTickWritten = tick;
    // Ordering: release, so that a reader who sees the state sees the header.
    Atomics.store(this.words, (at + slotField.state) >> 2, slotState.events);
    return true;
  }

  private nextSlotIsFree(at: number): boolean {
    // Ordering: acquire; the writer thread has read all it wants of a slot before it frees it.
    return Atomics.load(this.words, (at + slotField.state) >> 2) === slotState.free;
  }

  private writeContext(): void {
    const polls = Math.min(this.openPolls.length, limits.openPolls);
    this.uint(polls);
    this.openPolls.each(polls, (value) => this.uint(value));
    const frames = Math.min(this.openFrames.length, limits.openFrames);
    this.uint(frames);
    for (let i = 0; i < frames; i++) this.uint(this.openFrames[i] ?? 0);
    // Node's pool threads cannot be seen, so no job runs on a thread that records.
    this.uint(0);
  }
}

/** Writes a value as LEB128; gives where the next begins. Nearly all are small: one byte, two or three. */
export function put(bytes: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    bytes[at] = value;
    return at + 1;
  }
  if (value < 0x4000) {
    bytes[at] = value | 0x80;
    bytes[at + 1] = value >>> 7;
    return at + 2;
  }
  if (value < 0x20_0000) {
    bytes[at] = value | 0x80;
    bytes[at + 1] = (value >>> 7) | 0x80;
    bytes[at + 2] = value >>> 14;
    return at + 3;
  }
  return putLong(bytes, at, value);
}

function putLong(bytes: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  // Shifts work on 31 bits here, so larger values are divided first.
  while (rest > 0x7fff_ffff) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}
