// Owns what a watchdog saw of polls that were open for long: per poll its samples in order of time.
// Knows nothing of what a sample is called or where it is drawn.

/** One look at an open poll. */
export interface PollSample {
  /** From the poll's start, in ns. */
  readonly wallNs: number;
  /** For how much of it before the look processor time was measured; 0: it was not. */
  readonly watchedNs: number;
  readonly cpuNs: number;
  /** 0 when no stack was captured. */
  readonly stack: number;
}

/** A probe looks at one poll about ten times; more than this comes only from a stream that lies. */
const samplesPerPoll = 256;
const bytesPerSample = 120;

const noSamples: readonly PollSample[] = [];

/** The samples of all polls, by the slot of the poll. Independent of the order in which they come. */
export class PollSamples {
  private readonly bySlot = new Map<number, PollSample[]>();
  private count = 0;

  /** False when the poll has that sample already, or too many. */
  add(slot: number, sample: PollSample): boolean {
    const known = this.bySlot.get(slot);
    if (known === undefined) this.bySlot.set(slot, [sample]);
    else {
      if (known.length >= samplesPerPoll || known.some((each) => compare(each, sample) === 0)) return false;
      known.push(sample);
      known.sort(compare);
    }
    this.count++;
    return true;
  }

  /** In order of `wallNs`. */
  of(slot: number): readonly PollSample[] {
    return this.bySlot.get(slot) ?? noSamples;
  }

  get bytes(): number {
    return this.count * bytesPerSample;
  }
}

function compare(x: PollSample, y: PollSample): number {
  return x.wallNs - y.wallNs || x.watchedNs - y.watchedNs || x.cpuNs - y.cpuNs || x.stack - y.stack;
}
