// Owns the frames of all tasks, by their ids and by their tasks.
// Knows nothing of the rows in which they are drawn beyond who lays them out; see frame-rows.ts.
import { IdTable } from './columns.ts';
import { Frame, type FrameWait, factLength } from './frame.ts';
import { type FrameRow, FramesOfTask, mostRows, type PackageOf } from './frame-rows.ts';

export class Frames {
  private readonly table = new IdTable<Frame>();
  private readonly byTask = new Map<number, FramesOfTask>();
  private allBytes = 0;

  get(id: number): Frame | undefined {
    return this.table.get(id);
  }

  /** Told again by a snapshot: what is known stays. */
  opens(id: number, told: Pick<Frame, 'task' | 'parent' | 'frameKind' | 'site' | 'name'>, ns: number): void {
    if (this.table.get(id) !== undefined) return;
    const frame = new Frame(id, told, ns);
    this.table.set(id, frame);
    let of = this.byTask.get(told.task);
    if (of === undefined) {
      of = new FramesOfTask();
      this.byTask.set(told.task, of);
    }
    of.add(frame);
    this.allBytes += frame.bytes;
  }

  /** A fact of one frame: 48 bytes. */
  note(id: number, tell: (frame: Frame) => void): void {
    const frame = this.table.get(id);
    if (frame === undefined) return;
    tell(frame);
    this.allBytes += factLength * 8;
  }

  ends(id: number, ns: number, outcome: number, pollNs: number): void {
    const frame = this.table.get(id);
    if (frame === undefined || !Number.isNaN(frame.endNs)) return;
    frame.ends(ns, outcome, pollNs);
    this.byTask.get(frame.task)?.ends(frame);
  }

  /** How many frames the task has had. */
  countOf(task: number): number {
    return this.byTask.get(task)?.count ?? 0;
  }

  /** How many of them lie too deep to be drawn. */
  hiddenOf(task: number, folds: boolean): number {
    return this.byTask.get(task)?.hidden(folds) ?? 0;
  }

  /**
   * The rows of a task, brought up to date; `newRow` gives each new one its lane. With `packageOf` what packages call
   * inside of themselves is folded into the call from outside.
   */
  rowsOf(
    task: number,
    packageOf: PackageOf | undefined,
    newRow: (row: FrameRow) => void,
  ): readonly FrameRow[] {
    return this.byTask.get(task)?.layOut((id) => this.table.get(id), packageOf, newRow) ?? [];
  }

  /** The frame and those that called it, innermost first; each with where it stood at that instant. */
  chainAt(id: number, ns: number, nowNs: number): { readonly frame: Frame; readonly wait: FrameWait }[] {
    const chain: { frame: Frame; wait: FrameWait }[] = [];
    let frame = this.table.get(id);
    while (frame !== undefined && chain.length < mostRows) {
      let found: FrameWait | undefined;
      frame.walk(nowNs, (segment) => {
        if (segment.fromNs <= ns) found = segment.wait;
        return segment.toNs > ns;
      });
      if (found === undefined) break;
      chain.push({ frame, wait: found });
      const parent = this.table.get(frame.parent);
      frame = parent;
    }
    return chain;
  }

  get bytes(): number {
    return this.allBytes;
  }
}
