// Owns where tasks await that other threads found out later: per poll its chains of awaits.
// Knows nothing of what a chain is called or how it is shown.

/** A probe tells sixteen branches at the most; more than this comes only from a stream that lies. */
const chainsPerPoll = 64;
const bytesPerPoll = 120;

const none: readonly FoundChain[] = [];

export interface FoundChain {
  readonly stack: number;
  /** How many futures of the task await there, from 1. */
  readonly count: number;
}

/** The stacks of all polls of which they were found later, by the slot of the poll. Independent of the order in which they come. */
export class FoundWaits {
  private readonly bySlot = new Map<number, FoundChain[]>();

  /** False when the poll has that chain already, or too many. */
  add(slot: number, chain: FoundChain): boolean {
    const known = this.bySlot.get(slot);
    if (known === undefined) this.bySlot.set(slot, [chain]);
    else {
      if (known.length >= chainsPerPoll || known.some((each) => compare(each, chain) === 0)) return false;
      known.push(chain);
      known.sort(compare);
    }
    return true;
  }

  of(slot: number): readonly FoundChain[] {
    return this.bySlot.get(slot) ?? none;
  }

  get bytes(): number {
    return this.bySlot.size * bytesPerPoll;
  }
}

function compare(x: FoundChain, y: FoundChain): number {
  return x.stack - y.stack || x.count - y.count;
}
