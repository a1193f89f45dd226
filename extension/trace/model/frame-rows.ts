// Owns in which rows below their task frames are drawn: each deeper than its caller, and what packages call inside of
// themselves folded into the call from outside, or not. Knows nothing of lanes' order or of how a row is asked for.
import type { Frame } from './frame.ts';

/** The package that the frame's code is of, "Node" for Node's own; empty for the program's code. */
export type PackageOf = (frame: Frame) => string;

/** Frames of one task that do not overlap, so that they make one lane. */
export class FrameRow {
  readonly task: number;
  /** From 0, and below that of the frame that called. */
  readonly depth: number;
  /** Whether it is of the layout in which calls inside packages are folded. */
  readonly folds: boolean;
  /** Its calls are of packages, and stand for what was called inside of them too. */
  readonly folded: boolean;
  lane = -1;
  /** In order of time. */
  readonly frames: Frame[] = [];

  constructor(task: number, depth: number, folds: boolean, folded: boolean) {
    this.task = task;
    this.depth = depth;
    this.folds = folds;
    this.folded = folded;
  }

  /** The first frame that ends after that instant. */
  firstEndingAfter(ns: number): number {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endOf(this.frames[middle] as Frame) > ns) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function endOf(frame: Frame): number {
  return Number.isNaN(frame.endNs) ? Number.POSITIVE_INFINITY : frame.endNs;
}

/** More frames of one task that live at once are not drawn: nobody could read so many rows. */
export const mostRows = 32;

type FrameOf = (id: number) => Frame | undefined;

/** One way in which the frames of a task are laid out. */
class Layout {
  private readonly folds: boolean;
  readonly rows: FrameRow[] = [];
  private laid = 0;
  private lastOpenNs = Number.NEGATIVE_INFINITY;
  /** What was laid out does not hold any more: a frame came that began before, or ended before the next began. */
  private stale = false;
  hidden = 0;

  constructor(folds: boolean) {
    this.folds = folds;
  }

  ends(frame: Frame): void {
    if (this.laid > 0 && frame.endNs < this.lastOpenNs) this.stale = true;
  }

  bringUpToDate(all: Frame[], place: (frame: Frame) => void): void {
    const fresh = all.slice(this.laid).sort(byOpening);
    if (this.stale || (fresh[0]?.openNs ?? Number.POSITIVE_INFINITY) < this.lastOpenNs) this.forget();
    const todo = this.laid === 0 ? [...all].sort(byOpening) : fresh;
    for (const frame of todo) place(frame);
    this.laid = all.length;
    this.lastOpenNs = Math.max(this.lastOpenNs, todo.at(-1)?.openNs ?? Number.NEGATIVE_INFINITY);
  }

  /** The first row below that depth that is free by then; undefined where there would be too many. */
  rowFor(
    frame: Frame,
    above: number,
    folded: boolean,
    newRow: (row: FrameRow) => void,
  ): FrameRow | undefined {
    const free = this.rows.find((each) => {
      const last = each.frames.at(-1);
      return (
        each.folded === folded && each.depth > above && (last === undefined || endOf(last) <= frame.openNs)
      );
    });
    if (free !== undefined) return free;
    if (this.rows.length >= mostRows) {
      this.hidden++;
      return undefined;
    }
    const row = new FrameRow(frame.task, this.rows.length, this.folds, folded);
    this.rows.push(row);
    newRow(row);
    return row;
  }

  private forget(): void {
    for (const row of this.rows) row.frames.length = 0;
    this.laid = 0;
    this.hidden = 0;
    this.lastOpenNs = Number.NEGATIVE_INFINITY;
    this.stale = false;
  }
}

export class FramesOfTask {
  private readonly all: Frame[] = [];
  private readonly whole = new Layout(false);
  private readonly folded = new Layout(true);

  get count(): number {
    return this.all.length;
  }

  /** How many lie too deep to be drawn. */
  hidden(folds: boolean): number {
    return (folds ? this.folded : this.whole).hidden;
  }

  add(frame: Frame): void {
    this.all.push(frame);
  }

  ends(frame: Frame): void {
    this.whole.ends(frame);
    this.folded.ends(frame);
  }

  layOut(
    frameOf: FrameOf,
    packageOf: PackageOf | undefined,
    newRow: (row: FrameRow) => void,
  ): readonly FrameRow[] {
    const layout = packageOf === undefined ? this.whole : this.folded;
    layout.bringUpToDate(this.all, (frame) => {
      const caller = frame.parent === 0 ? undefined : frameOf(frame.parent);
      if (packageOf === undefined) {
        const row = layout.rowFor(frame, caller?.depth ?? -1, false, newRow);
        row?.frames.push(frame);
        frame.depth = row?.depth ?? -1;
      } else this.fold(frame, caller, packageOf, newRow);
    });
    return layout.rows;
  }

  private fold(
    frame: Frame,
    caller: Frame | undefined,
    packageOf: PackageOf,
    newRow: (row: FrameRow) => void,
  ): void {
    const ofPackage = packageOf(frame) !== '';
    // Laid out anew it may be folded differently: the name of its file may have come only now.
    frame.foldedInto = undefined;
    frame.foldedCalls = 0;
    if (ofPackage && caller !== undefined && packageOf(caller) !== '') {
      const outermost = caller.foldedInto ?? caller;
      frame.foldedInto = outermost;
      frame.foldedDepth = outermost.foldedDepth;
      outermost.foldedCalls++;
      return;
    }
    const row = this.folded.rowFor(frame, caller?.foldedDepth ?? -1, ofPackage, newRow);
    row?.frames.push(frame);
    frame.foldedDepth = row?.depth ?? -1;
  }
}

function byOpening(x: Frame, y: Frame): number {
  return x.openNs - y.openNs || x.id - y.id;
}
