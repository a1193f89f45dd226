// Owns the events of a thread that does not record by itself: each is told later, with the time at which it happened.
// Knows nothing of what they mean. They go to the writer thread as finished chunks, one for each event, through the
// dictionary ring, which is in order and loses nothing: such a thread makes few events, two for each job.
import { ByteWriter, eventKind, writeChunkHead } from '../wire/index.ts';
import type { DictionaryRing } from './dictionary-ring.ts';
import { dictionaryEntryKind } from './ring-layout.ts';

export class Lane {
  private readonly ring: DictionaryRing;
  private readonly thread: number;
  private sequence = 0;
  private lastTick = 0;
  private openJob = 0;

  constructor(ring: DictionaryRing, thread: number) {
    this.ring = ring;
    this.thread = thread;
  }

  event(kind: number, tickWanted: number, ...fields: readonly number[]): void {
    // As in the ring of events: ticks never go back inside a thread.
    const tick = Math.max(tickWanted, this.lastTick);
    this.lastTick = tick;
    this.sequence++;
    const writer = new ByteWriter();
    writeChunkHead(writer, {
      thread: this.thread,
      sequence: this.sequence,
      offset: 0,
      dropped: 0,
      firstTick: tick,
      lastTick: tick,
      openPolls: [],
      openFrames: [],
      openJob: this.openJob,
    });
    writer.uint(kind).uint(0);
    for (const field of fields) writer.uint(field);
    this.ring.put(dictionaryEntryKind.chunk, writer.take());
    if (kind === eventKind.jobStart) this.openJob = fields[0] ?? 0;
    else if (kind === eventKind.jobEnd) this.openJob = 0;
  }

  /** Nothing was recorded for a while: the number that is left out shows it as a gap. */
  skip(): void {
    this.sequence++;
    this.openJob = 0;
  }
}
