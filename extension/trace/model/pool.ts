// Owns one blocking pool's queue: how many jobs wait at any instant, from submissions and starts in whatever order they are read.
// Knows nothing of threads or lanes.
import { SpanColumns } from './disjoint-spans.ts';

/** Sorted times. Insertion is at or near the end, because streams arrive nearly in order. */
class SortedTimes {
  times = new Float64Array(64);
  length = 0;

  insert(ns: number): void {
    if (this.length === this.times.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.times);
      this.times = larger;
    }
    const at = this.lowerBound(ns);
    this.times.copyWithin(at + 1, at, this.length);
    this.times[at] = ns;
    this.length++;
  }

  remove(ns: number): void {
    const at = this.lowerBound(ns);
    if (at >= this.length || this.times[at] !== ns) return;
    this.times.copyWithin(at, at + 1, this.length);
    this.length--;
  }

  /** How many times are below `ns`. */
  lowerBound(ns: number): number {
    if (this.length === 0 || (this.times[this.length - 1] as number) < ns) return this.length;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] as number) < ns) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Pool {
  readonly runtime: number;
  readonly lane: number;
  jobs = 0;
  firstNs = Number.POSITIVE_INFINITY;
  private readonly submits = new SortedTimes();
  private readonly departures = new SortedTimes();
  private readonly steps = new SpanColumns();
  private submitsUsed = 0;
  private departuresUsed = 0;

  constructor(runtime: number, lane: number) {
    this.runtime = runtime;
    this.lane = lane;
  }

  submit(ns: number): void {
    this.jobs++;
    this.firstNs = Math.min(this.firstNs, ns);
    this.submits.insert(ns);
    this.rewind(ns);
  }

  /** The job left the queue; not before it came. */
  depart(ns: number): void {
    this.departures.insert(ns);
    this.rewind(ns);
  }

  /** What was taken for its departure was not. */
  takeBack(ns: number): void {
    this.departures.remove(ns);
    this.rewind(ns);
  }

  /** Spans in which at least one job waits; the ref is how many. The last is open while jobs wait. */
  waiting(): SpanColumns {
    while (this.submitsUsed < this.submits.length || this.departuresUsed < this.departures.length) {
      const submitNs = this.nextOf(this.submits, this.submitsUsed);
      const departNs = this.nextOf(this.departures, this.departuresUsed);
      const ns = Math.min(submitNs, departNs);
      while (this.nextOf(this.submits, this.submitsUsed) === ns) this.submitsUsed++;
      while (this.nextOf(this.departures, this.departuresUsed) === ns) this.departuresUsed++;
      this.steps.end(ns);
      const level = this.submitsUsed - this.departuresUsed;
      if (level > 0) this.steps.begin(ns, level);
    }
    return this.steps;
  }

  get bytes(): number {
    return this.submits.times.byteLength + this.departures.times.byteLength + this.steps.bytes;
  }

  private nextOf(times: SortedTimes, used: number): number {
    return used < times.length ? (times.times[used] as number) : Number.POSITIVE_INFINITY;
  }

  /** Forgets the steps from `ns` on, and all that are not over before it. */
  private rewind(ns: number): void {
    let low = 0;
    let high = this.steps.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.steps.isOpen(middle) || this.steps.endOf(middle, 0) >= ns) high = middle;
      else low = middle + 1;
    }
    const fromNs = low < this.steps.count ? Math.min(ns, this.steps.startOf(low)) : ns;
    this.steps.truncate(low);
    // What was not used yet stays so.
    this.submitsUsed = Math.min(this.submitsUsed, this.submits.lowerBound(fromNs));
    this.departuresUsed = Math.min(this.departuresUsed, this.departures.lowerBound(fromNs));
  }
}
