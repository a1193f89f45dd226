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

interface OpenPoll {
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
}

export class EventRing {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly bytes: Uint8Array;
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

  /** Outermost first. Kept while events are dropped too, so that the next slot states the truth. */
  readonly openPolls: OpenPoll[] = [];
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
    const tick = Math.max(tickWanted, this.lastTickWritten);
    if (!this.slotOpen || this.slotEnd - this.cursor < longestEventBytes) {
      if (this.slotOpen) this.seal();
      if (!this.openSlot(tick)) {
        this.droppedTotal++;
        return false;
      }
    }
    this.bytes[this.cursor++] = kind;
    this.uint(tick - this.lastTickWritten);
    this.lastTickWritten = tick;
    return true;
  }

  /** Unsigned LEB128. The caller hands in whole numbers from 0 to 2^53 − 1. */
  uint(value: number): void {
    const bytes = this.bytes;
    let at = this.cursor;
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
    bytes[at++] = rest;
    this.cursor = at;
  }

  /** Zigzag. */
  sint(value: number): void {
    this.uint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** Publishes the event that was begun. */
  commit(): void {
    const header = this.slotAt >> 2;
    // Ordering: a release store, so that a reader who sees the count sees the bytes below it.
    Atomics.store(
      this.words,
      header + (slotField.committed >> 2),
      this.cursor - this.slotAt - slotHeaderBytes,
    );
    if (Atomics.load(this.words, controlWord.writerSleeps) === 1) this.ringDoorbell();
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

  private seal(): void {
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
    for (let i = 0; i < polls; i++) {
      const poll = this.openPolls[i];
      if (poll === undefined) break;
      this.uint(poll.task);
      this.uint(poll.epoch);
      this.uint(poll.startTick);
    }
    const frames = Math.min(this.openFrames.length, limits.openFrames);
    this.uint(frames);
    for (let i = 0; i < frames; i++) this.uint(this.openFrames[i] ?? 0);
    // Node's pool threads cannot be seen, so no job runs on a thread that records.
    this.uint(0);
  }
}
