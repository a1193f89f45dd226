// Owns the prediction of where a promise is made, verified by stacks now and then.
// Knows nothing of what the place is used for.
//
// A stack costs 1.5 to 2 µs (Node 20 to 26), an await without one 0.3. Code that runs again makes its promises in the
// same order, so what was seen after the same beginnings is predicted: the key is the place that the callback goes on
// from, the last places before this one, and the place of the promise that it waits for. What was never seen is
// captured; of what is predicted the first eight, then eight times one in 64, eight times one in 512, then one in 4096
// is checked. Where one key turned out to have several outcomes (an `if` between two awaits) a stack is taken each time,
// within a budget; beyond it the place is not told rather than told wrongly.
import { nowhere, type Place, Places } from './places.ts';

/** Power of two. 16,384 keys of 4 + 4 + 2 bytes; a program of a thousand async functions has about as many. */
const tableLength = 1 << 14;
const probes = 4;
/**
 * A prediction is checked at its first uses, then at intervals; one that has held at eight checks is looked at an
 * eighth as often, twice: a stack costs 4 to 8 µs where calls are inlined, so that one in 512 were 30 ns of an await.
 * The count of uses goes round in the last interval.
 */
const firstChecks = 8;
const checkEvery = 64;
const trustedAfter = firstChecks + 8 * checkEvery;
const checkTrustedEvery = 512;
const provedAfter = trustedAfter + 8 * checkTrustedEvery;
const checkProvedEvery = 4096;
const ambiguous = 0xffff;
/** Stacks in advance, and one more for each fourth promise: at most 0.4 µs a promise where nothing can be predicted. */
const stacksInAdvance = 4096;
const promisesForAStack = 4;

/** Where a callback stands in the code, kept while another one runs inside it. */
export interface Thread {
  resumed: number;
  last: number;
  before: number;
}

export class Sites {
  readonly places = new Places();
  /** The function that V8 calls when a promise is made: a stack is looked at below it. */
  private hook: (...args: never[]) => unknown = () => undefined;
  private readonly keys = new Int32Array(tableLength);
  private readonly found = new Int32Array(tableLength);
  private readonly counts = new Uint16Array(tableLength);
  private budget = stacksInAdvance * promisesForAStack;
  private resumed = 0;
  private last = 0;
  private before = 0;
  /** Whether the place that was told last was looked at, not predicted. */
  exact = false;

  lookBelow(hook: (...args: never[]) => unknown): void {
    this.hook = hook;
  }

  /** A callback begins: a continuation goes on from that place, anything else from a number below 0 for its kind. */
  begin(from: number): void {
    this.resumed = from;
    this.last = 0;
    this.before = 0;
  }

  save(into: Thread): void {
    into.resumed = this.resumed;
    into.last = this.last;
    into.before = this.before;
  }

  restore(from: Thread): void {
    this.resumed = from.resumed;
    this.last = from.last;
    this.before = from.before;
  }

  /** Where the promise is made that waits for one of that place; −1 when it waits for none. */
  next(parent: number): Place {
    const place = this.places.all[this.predict(parent)] ?? nowhere;
    this.before = this.last;
    this.last = place.index;
    return place;
  }

  private predict(parent: number): number {
    if (this.budget < stacksInAdvance * promisesForAStack) this.budget++;
    let key = Math.imul(this.resumed, 0x9e37_79b1) ^ Math.imul(this.last, 0x85eb_ca6b);
    key = Math.imul(key ^ (key >>> 15), 0x2c1b_3c6d) + Math.imul(this.before, 0xc2b2_ae35);
    key = Math.imul(key ^ (key >>> 13), 0x297a_2d39) + Math.imul(parent + 2, 0x1656_67b1);
    key = (key ^ (key >>> 16)) | 1;
    let slot = (key >>> 1) & (tableLength - 1);
    for (let probe = 0; probe < probes; probe++) {
      const at = (slot + probe) & (tableLength - 1);
      const held = this.keys[at];
      if (held === key) return this.known(at, parent);
      if (held === 0) {
        slot = at;
        break;
      }
    }
    // Where all four are taken the first gives way.
    return this.learn(slot, key, parent);
  }

  private known(at: number, parent: number): number {
    const count = this.counts[at] ?? 0;
    const predicted = this.found[at] ?? 0;
    this.exact = false;
    if (count === ambiguous) return this.affordable() ? this.look(parent) : 0;
    const next = count + 1;
    this.counts[at] = next < provedAfter + checkProvedEvery ? next : provedAfter;
    if (!isChecked(count)) return predicted;
    const seen = this.look(parent);
    if (seen !== predicted) this.counts[at] = ambiguous;
    return seen;
  }

  private learn(at: number, key: number, parent: number): number {
    this.exact = false;
    if (!this.affordable()) return 0;
    const seen = this.look(parent);
    this.keys[at] = key;
    this.found[at] = seen;
    this.counts[at] = 0;
    return seen;
  }

  private affordable(): boolean {
    if (this.budget < promisesForAStack) return false;
    this.budget -= promisesForAStack;
    return true;
  }

  private look(parent: number): number {
    this.exact = true;
    return this.places.capture(this.hook, parent >= 0).index;
  }
}

/** Whether the use with this number is checked. */
function isChecked(count: number): boolean {
  if (count < firstChecks) return true;
  if (count < trustedAfter) return (count - firstChecks) % checkEvery === checkEvery - 1;
  if (count < provedAfter) return (count - trustedAfter) % checkTrustedEvery === checkTrustedEvery - 1;
  return count === provedAfter + checkProvedEvery - 1;
}
