// Owns the list of gaps and the test whether one overlaps an interval. Knows nothing of tasks.
import type { Gap } from './entities.ts';

/** Gaps in order of their beginnings, with the highest end of all up to each: overlap is one binary search. */
export class GapList {
  readonly gaps: Gap[] = [];
  private highestTo: number[] = [];

  add(gap: Gap): void {
    let at = this.gaps.length;
    while (at > 0 && (this.gaps[at - 1] as Gap).fromNs > gap.fromNs) at--;
    this.gaps.splice(at, 0, gap);
    this.highestTo.length = at;
    for (let i = at; i < this.gaps.length; i++)
      this.highestTo.push(Math.max(this.highestTo[i - 1] ?? 0, (this.gaps[i] as Gap).toNs));
  }

  /** Whether a gap begins before `toNs` and ends after `fromNs`. */
  overlaps(fromNs: number, toNs: number): boolean {
    const before = this.countBeginningBefore(toNs);
    return before > 0 && (this.highestTo[before - 1] as number) > fromNs;
  }

  /** At most `limit` gaps that touch the interval. */
  within(fromNs: number, toNs: number, limit: number): Gap[] {
    const found: Gap[] = [];
    for (let i = this.countBeginningBefore(toNs) - 1; i >= 0 && found.length < limit; i--) {
      if ((this.highestTo[i] as number) < fromNs) break;
      const gap = this.gaps[i] as Gap;
      if (gap.toNs >= fromNs) found.push(gap);
    }
    return found.reverse();
  }

  private countBeginningBefore(ns: number): number {
    let low = 0;
    let high = this.gaps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.gaps[middle] as Gap).fromNs < ns) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
