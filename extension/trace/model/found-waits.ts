// Owns where tasks await that other threads found out later: per poll its chains of awaits.
// Knows nothing of what a chain is called or how it is shown.

/** A probe tells sixteen branches at the most; more than this comes only from a stream that lies. */
const chainsPerPoll = 64;
const bytesPerPoll = 120;

const none: readonly number[] = [];

/** The stacks of all polls of which they were found later, by the slot of the poll. Independent of the order in which they come. */
export class FoundWaits {
  private readonly bySlot = new Map<number, number[]>();

  /** False when the poll has that chain already, or too many. */
  add(slot: number, stack: number): boolean {
    const known = this.bySlot.get(slot);
    if (known === undefined) this.bySlot.set(slot, [stack]);
    else {
      if (known.length >= chainsPerPoll || known.includes(stack)) return false;
      known.push(stack);
      known.sort((x, y) => x - y);
    }
    return true;
  }

  of(slot: number): readonly number[] {
    return this.bySlot.get(slot) ?? none;
  }

  get bytes(): number {
    return this.bySlot.size * bytesPerPoll;
  }
}
