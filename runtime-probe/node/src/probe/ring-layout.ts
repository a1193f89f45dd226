// Owns where things stand in the memory that the program's thread shares with the writer thread.
// Knows nothing of what events or dictionary records mean.
//
//   control words | dictionary ring (bytes, one entry after the other) | event slots (one sequence number each)
//
// There is one producer (the program's thread) and one consumer (the writer thread) for both rings,
// so a release store of a counter is all the synchronisation there is and neither side ever waits for the other.

/** Index of each 32-bit word at the start of the shared memory. */
export const controlWord = {
  /** The writer thread sleeps on this word; the program's thread adds one and notifies. */
  doorbell: 0,
  /** 1 while the writer thread sleeps and wants the doorbell rung at the next event. */
  writerSleeps: 1,
  /** One of writerStatus. Written by the writer thread alone. */
  status: 2,
  /** 0 while the program runs, then an endReason of the wire: send what is left, then the end frame. */
  finishReason: 3,
  /** 1 once nothing more can be sent; the program's thread may wait on this word at its exit. */
  finished: 4,
  /** Bytes put into the dictionary ring since the start, modulo 2^32. Written by the program's thread alone. */
  dictionaryHead: 5,
  /** Bytes taken out of the dictionary ring since the start, modulo 2^32. Written by the writer thread alone. */
  dictionaryTail: 6,
  /** Events dropped in total, in units of 2^31 and the rest. Stored before finishReason, read only after it. */
  droppedHigh: 7,
  droppedLow: 8,
  /** One of streamOwner. Whoever finds nobody there takes it by a compare-and-exchange, and keeps it. */
  owner: 9,
  /** How many sessions of the inspector the writer thread has open; the program's thread may wait on this word. */
  looking: 11,
  /** Scheduling breakpoints: the task at whose next poll, or wake, to stop; 0 for none. */
  breakOnPoll: 12,
  breakOnWake: 13,
  /** One of breakAsked: the program's thread waits to be stopped. */
  breakAsked: 14,
  /**
   * 1 when the inspector reaches the main thread. Stored before the writer thread begins; where it is 0, a session ends
   * the process.
   */
  inspectable: 15,
  /** 1 while the writer thread shall listen to the threads of the pool. */
  poolListening: 20,
  /** Jobs of the pool that are over, of those kinds that its threads tell of, modulo 2^32. */
  poolJobsOver: 21,
  /** How many of those kinds are not over. */
  poolJobsUnderWay: 22,
  /** One of greeting. Leaves `held` once, by a compare-and-exchange. */
  greeting: 10,
} as const;

/** Where the program's thread wants to be stopped. */
export const breakAsked = {
  nothing: 0,
  /** In the next function that it calls. */
  nextCall: 1,
  /** Where it waits. */
  here: 2,
} as const;

/** Whether the writer thread may say who the program is. */
export const greeting = {
  /** Not yet: the program may still say that it records itself in another way. */
  held: 0,
  released: 1,
  /** Never: another recording took the place of this one. */
  withdrawn: 2,
} as const;

/** Which thread reads the rings and sends the stream. There is one, for good. */
export const streamOwner = {
  /** The writer thread has not begun yet. */
  nobody: 0,
  writerThread: 1,
  /** The program ended before the writer thread began. */
  programThread: 2,
} as const;
type StreamOwner = (typeof streamOwner)[keyof typeof streamOwner];

/** True when the stream is now the caller's; false when the other thread has it. */
export function claimStream(words: Int32Array, owner: StreamOwner): boolean {
  return Atomics.compareExchange(words, controlWord.owner, streamOwner.nobody, owner) === streamOwner.nobody;
}

/** Where the writer thread stands with the collector. Up to `streaming` what is recorded may still be sent. */
export const writerStatus = {
  /** The thread is being started. */
  booting: 0,
  /** A connection is being made or the token is being checked. */
  connecting: 1,
  /** The collector accepted the stream. */
  streaming: 2,
  /** The last attempt failed; another follows. */
  unreachable: 3,
  /** The collector refused this program; no further attempt is made. */
  refused: 4,
  /** No collector for too long, or a bound was reached; no further attempt is made. */
  gaveUp: 5,
  /** The end frame is out. */
  ended: 6,
} as const;
export type WriterStatus = (typeof writerStatus)[keyof typeof writerStatus];

const controlBytes = 256;

/** State of a slot, stored with release order after the rest of its header. */
export const slotState = { free: 0, events: 1 } as const;

/** Byte offset of each field in a slot's header. The 8-byte fields are float64, which is exact up to 2^53. */
export const slotField = {
  state: 0,
  /** Event bytes and context bytes that are whole; a release store after each event publishes it. */
  committed: 4,
  /** 1 when the producer has left the slot; what `committed` said before is then final. */
  sealed: 8,
  /** Bytes of context (open polls, frames, job, as in a chunk) before the first event. */
  contextBytes: 12,
  sequence: 16,
  /** Events dropped before this slot, in total. */
  dropped: 24,
  firstTick: 32,
} as const;
export const slotHeaderBytes = 64;

/** As many bytes as the slots of native programs, so a chunk frame is small beside the wire's frame limit. */
export const slotBytes = 8192;

/** An entry of the dictionary ring begins with its byte count and its kind, 4 bytes each, and is padded to 8. */
export const dictionaryEntryHeadBytes = 8;
export const dictionaryEntryKind = {
  /** What follows up to the end of the ring is unused. */
  skip: 0,
  /** A dictionary record as it stands on the wire. */
  record: 1,
  /** kind, id, sequence: once that slot is sent, nothing refers to that record any more. */
  retire: 2,
  /** The payload of a chunk of another thread, which the program's thread tells of. */
  chunk: 3,
} as const;

export interface RingLayout {
  readonly dictionaryAt: number;
  /** A power of two, so that the counters may wrap. */
  readonly dictionaryBytes: number;
  readonly slotsAt: number;
  readonly slotCount: number;
  readonly totalBytes: number;
}

export const defaultRingBytes = 8 * 1024 * 1024;
/** Room for a dictionary that holds the longest record (4 KiB) twice over even at a wrap, and for four slots. */
export const smallestRingBytes = 128 * 1024;

/** Divides the memory: an eighth for the dictionary (about 16 bytes of dictionary go with 100 of events), the rest for events. */
export function layOutRing(ringBytes: number): RingLayout {
  if (!Number.isSafeInteger(ringBytes) || ringBytes < smallestRingBytes || ringBytes > 2 ** 30)
    throw new RangeError(
      `ringBytes must be a whole number from ${smallestRingBytes} to ${2 ** 30}, not ${ringBytes}`,
    );
  const dictionaryBytes = 2 ** Math.floor(Math.log2(ringBytes / 8));
  const slotsAt = controlBytes + dictionaryBytes;
  const slotCount = Math.floor((ringBytes - slotsAt) / slotBytes);
  return {
    dictionaryAt: controlBytes,
    dictionaryBytes,
    slotsAt,
    slotCount,
    totalBytes: slotsAt + slotCount * slotBytes,
  };
}
