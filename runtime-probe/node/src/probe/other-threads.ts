// Owns what is told of threads that record nothing themselves: when each began and ended, and which jobs it ran.
// Knows nothing of the thread that records but its number, and of no ring but that of the dictionary.
import type { EndOutcome, JobId, ThreadId, ThreadInfo } from '../executor/observe.ts';
import { endOutcome, eventKind, threadRole } from '../wire/index.ts';
import type { Dictionary } from './dictionary.ts';
import type { DictionaryRing } from './dictionary-ring.ts';
import { Lane } from './lane.ts';

interface OtherThreadsParts {
  readonly ring: DictionaryRing;
  readonly dictionary: Dictionary;
  /** The number of the thread that records: those of the others come behind it. */
  readonly recording: number;
  /** The tick of an instant of CLOCK_MONOTONIC, in ns. */
  readonly tickOf: (timeNs: number) => number;
}

export class OtherThreads {
  private readonly parts: OtherThreadsParts;
  /** By the executor's id; those that are told of and did not end. */
  private readonly lanes = new Map<ThreadId, Lane>();

  constructor(parts: OtherThreadsParts) {
    this.parts = parts;
  }

  started(thread: ThreadInfo, atNs: number): void {
    const { ring, dictionary } = this.parts;
    const id = this.numberOf(thread.thread);
    dictionary.put({
      record: 'thread',
      id,
      osId: thread.osThread,
      name: dictionary.text(thread.name),
      runtime: thread.runtime,
      role: threadRole.pool,
    });
    if (this.lanes.has(thread.thread)) return;
    const lane = new Lane(ring, id);
    this.lanes.set(thread.thread, lane);
    lane.event(eventKind.threadStart, this.parts.tickOf(atNs));
  }

  /** `sequence` is that of the last event of the thread that records: none behind it names the thread. */
  stopped(thread: ThreadId, atNs: number, sequence: number): void {
    this.lanes.get(thread)?.event(eventKind.threadStop, this.parts.tickOf(atNs));
    if (this.lanes.delete(thread)) this.parts.dictionary.retire('thread', this.numberOf(thread), sequence);
  }

  jobStarted(job: JobId, thread: ThreadId, atNs: number, queued: number): void {
    this.lanes.get(thread)?.event(eventKind.jobStart, this.parts.tickOf(atNs), job, queued);
  }

  /** False for a thread that is not told of. */
  jobEnded(job: JobId, thread: ThreadId, atNs: number, outcome: EndOutcome, bytes: number): boolean {
    const lane = this.lanes.get(thread);
    lane?.event(eventKind.jobEnd, this.parts.tickOf(atNs), job, endOutcome[outcome], bytes);
    return lane !== undefined;
  }

  /** Nothing is recorded from here on: each of them has a gap. */
  skip(): void {
    for (const lane of this.lanes.values()) lane.skip();
  }

  private numberOf(thread: ThreadId): number {
    return this.parts.recording + thread;
  }
}
