// Owns the table of waits: what polls stored wakers in, chained in the order in which they were stored;
// and the newest waits of each await.
// Knows nothing of polls or of how waits are shown.
import { causeKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { none } from './columns.ts';

const segmentShift = 12;
const segmentLength = 1 << segmentShift;
const segmentMask = segmentLength - 1;
const bytesPerWait = 22;

/** 4,096 waits of 22 bytes. An id that 32 bits do not hold comes from no counter: it reads as not known. */
class WaitSegment {
  readonly onKind: Uint8Array = new Uint8Array(segmentLength);
  readonly interest: Uint8Array = new Uint8Array(segmentLength);
  readonly onId: Uint32Array = new Uint32Array(segmentLength);
  readonly frame: Uint32Array = new Uint32Array(segmentLength);
  readonly site: Uint32Array = new Uint32Array(segmentLength);
  readonly stack: Uint32Array = new Uint32Array(segmentLength);
  readonly next: Uint32Array = new Uint32Array(segmentLength);
}

/** Among how many waits of a poll the one is looked for to which a chain of awaits belongs. */
export const joinedWaits = 64;

export class WaitTable {
  private readonly segments: WaitSegment[] = [];
  private length = 0;

  /** A wait that ends its chain. Returns its index. */
  push(onKind: number, onId: number, interest: number, frame: number, site: number, stack: number): number {
    const index = this.length++;
    const within = index & segmentMask;
    if (within === 0) this.segments.push(new WaitSegment());
    const segment = this.segmentOf(index);
    segment.onKind[within] = onKind;
    segment.interest[within] = interest;
    segment.onId[within] = onId < none ? onId : 0;
    segment.frame[within] = frame < none ? frame : 0;
    segment.site[within] = site < none ? site : 0;
    segment.stack[within] = stack < none ? stack : 0;
    segment.next[within] = none;
    return index;
  }

  setNext(index: number, next: number): void {
    this.segmentOf(index).next[index & segmentMask] = next;
  }

  onKindOf(index: number): number {
    return this.segmentOf(index).onKind[index & segmentMask] as number;
  }

  onIdOf(index: number): number {
    return this.segmentOf(index).onId[index & segmentMask] as number;
  }

  interestOf(index: number): number {
    return this.segmentOf(index).interest[index & segmentMask] as number;
  }

  siteOf(index: number): number {
    return this.segmentOf(index).site[index & segmentMask] as number;
  }

  stackOf(index: number): number {
    return this.segmentOf(index).stack[index & segmentMask] as number;
  }

  /** The wait that the same poll stored next; `none` after the last. */
  nextOf(index: number): number {
    return this.segmentOf(index).next[index & segmentMask] as number;
  }

  /** The first of a chain, from that one on, of which is known what it is for; `none` when none is. */
  firstKnown(index: number): number {
    let wait = index;
    while (wait !== none && this.onKindOf(wait) === causeKind.unknown) wait = this.nextOf(wait);
    return wait;
  }

  setStack(index: number, stack: number): void {
    this.segmentOf(index).stack[index & segmentMask] = stack < none ? stack : 0;
  }

  get bytes(): number {
    return this.segments.length * segmentLength * bytesPerWait;
  }

  private segmentOf(index: number): WaitSegment {
    return this.segments[index >>> segmentShift] as WaitSegment;
  }
}

/** How many waits of one site are remembered: as many as an answer may hold. */
const rememberedWaits = 1024;

/** The newest waits at one await, as the polls that began them. */
export class SiteWaits {
  total = 0;
  private readonly tasks: number[] = [];
  private readonly epochs: number[] = [];

  add(taskIndex: number, epoch: number): void {
    const at = this.total++ % rememberedWaits;
    this.tasks[at] = taskIndex;
    this.epochs[at] = epoch;
  }

  /** In no order. */
  each(onWait: (taskIndex: number, epoch: number) => void): void {
    this.tasks.forEach((task, i) => {
      onWait(task, this.epochs[i] as number);
    });
  }
}
