// Owns the spans that the program opened itself (`wakeline::span`): which belong to a task, how many deep they lie, and the
// instants that it marked outside of any task. Knows nothing of how they are drawn.
// They are laid out when somebody looks, from the set of what was read: in whatever order threads come, the rows are the same.
import { SpanColumns } from './disjoint-spans.ts';

export interface Section {
  readonly id: number;
  readonly task: number;
  /** Text id. */
  readonly name: number;
  readonly site: number;
  readonly startNs: number;
  /** NaN while it is open. */
  endNs: number;
}

/** Spans of one task at one depth: they do not overlap, so that they make one lane. */
export class SectionRow {
  /** The task's id; 0 for spans that were opened outside of any task. */
  readonly task: number;
  /** From 0. */
  readonly depth: number;
  lane = -1;
  /** The ref is the name's text id. */
  readonly spans = new SpanColumns();
  /** By index of the span. */
  readonly sections: Section[] = [];
  /** From when on the row has room; never while a span of it is open. */
  freeFromNs = 0;

  constructor(task: number, depth: number) {
    this.task = task;
    this.depth = depth;
  }
}

/** An instant that the program marked where no task ran. */
export interface LooseMark {
  readonly ns: number;
  readonly name: number;
}

/** More spans of one task that are open at once are not drawn: nobody could read so many rows. */
const mostRows = 16;
/** Bytes of a section with its place in a row, about. */
const bytesPerSection = 200;

/** The spans of one task. */
class SectionsOfTask {
  private readonly task: number;
  private readonly all: Section[] = [];
  readonly rows: SectionRow[] = [];
  private laid = 0;
  /** What was laid out does not hold any more: a span came that began before, or ended before the next began. */
  private stale = false;
  private lastStartNs = Number.NEGATIVE_INFINITY;
  private readonly rowOf = new Map<number, SectionRow>();
  /** How many found no row. */
  hidden = 0;

  constructor(task: number) {
    this.task = task;
  }

  add(section: Section): void {
    this.all.push(section);
  }

  ends(section: Section): void {
    const row = this.rowOf.get(section.id);
    if (row === undefined) return;
    const endNs = Math.max(section.endNs, section.startNs);
    row.spans.end(endNs);
    row.freeFromNs = endNs;
    this.rowOf.delete(section.id);
    if (this.lastStartNs >= endNs) this.stale = true;
  }

  layOut(newRow: (row: SectionRow) => void): void {
    const { all } = this;
    const fresh = all.slice(this.laid).sort(byStart);
    if (this.stale || (fresh[0]?.startNs ?? Number.POSITIVE_INFINITY) <= this.lastStartNs) this.forget();
    const todo = this.laid === 0 ? all.sort(byStart) : fresh;
    for (const section of todo) this.place(section, newRow);
    this.laid = all.length;
    this.lastStartNs = Math.max(this.lastStartNs, todo.at(-1)?.startNs ?? Number.NEGATIVE_INFINITY);
  }

  private forget(): void {
    for (const row of this.rows) {
      row.spans.truncate(0);
      row.sections.length = 0;
      row.freeFromNs = 0;
    }
    this.rowOf.clear();
    this.laid = 0;
    this.hidden = 0;
    this.lastStartNs = Number.NEGATIVE_INFINITY;
    this.stale = false;
  }

  private place(section: Section, newRow: (row: SectionRow) => void): void {
    let row = this.rows.find((each) => each.freeFromNs <= section.startNs);
    if (row === undefined) {
      if (this.rows.length >= mostRows) {
        this.hidden++;
        return;
      }
      row = new SectionRow(this.task, this.rows.length);
      this.rows.push(row);
      newRow(row);
    }
    row.sections.push(section);
    row.spans.begin(section.startNs, section.name);
    if (Number.isNaN(section.endNs)) {
      row.freeFromNs = Number.POSITIVE_INFINITY;
      this.rowOf.set(section.id, row);
    } else {
      row.freeFromNs = Math.max(section.endNs, section.startNs);
      row.spans.end(row.freeFromNs);
    }
  }
}

function byStart(x: Section, y: Section): number {
  return x.startNs - y.startNs || x.id - y.id;
}

export class Sections {
  private readonly open = new Map<number, Section>();
  /** Ends that were read before their beginnings. */
  private readonly endsOfUnknown = new Map<number, number>();
  private readonly byTask = new Map<number, SectionsOfTask>();
  private changed = new Set<SectionsOfTask>();
  private readonly marks: LooseMark[] = [];
  private marksSorted = true;
  private count = 0;

  begins(id: number, task: number, name: number, site: number, ns: number): void {
    if (this.open.has(id)) return;
    const endNs = this.endsOfUnknown.get(id) ?? Number.NaN;
    this.endsOfUnknown.delete(id);
    const section: Section = { id, task, name, site, startNs: ns, endNs };
    const of = this.of(task);
    of.add(section);
    this.changed.add(of);
    this.count++;
    if (Number.isNaN(endNs)) this.open.set(id, section);
  }

  ends(id: number, ns: number): void {
    const section = this.open.get(id);
    if (section === undefined) {
      this.endsOfUnknown.set(id, ns);
      return;
    }
    this.open.delete(id);
    section.endNs = ns;
    const of = this.of(section.task);
    of.ends(section);
    this.changed.add(of);
  }

  private of(task: number): SectionsOfTask {
    const known = this.byTask.get(task);
    if (known !== undefined) return known;
    const made = new SectionsOfTask(task);
    this.byTask.set(task, made);
    return made;
  }

  /** The program marked an instant where no task ran. */
  mark(ns: number, name: number): void {
    if ((this.marks.at(-1)?.ns ?? 0) > ns) this.marksSorted = false;
    this.marks.push({ ns, name });
  }

  /** In order of time, those from `fromNs` on and before `toNs`. */
  marksWithin(fromNs: number, toNs: number): readonly LooseMark[] {
    const { marks } = this;
    if (!this.marksSorted) marks.sort((x, y) => x.ns - y.ns || x.name - y.name);
    this.marksSorted = true;
    const from = firstAt(marks, fromNs);
    return marks.slice(from, firstAt(marks, toNs));
  }

  get markCount(): number {
    return this.marks.length;
  }

  /** Brings the rows up to date; `newRow` gives each new one its lane. */
  layOut(newRow: (row: SectionRow) => void): void {
    if (this.marks.length > 0 && !this.byTask.has(0)) this.changed.add(this.of(0));
    for (const of of this.changed) of.layOut(newRow);
    this.changed = new Set();
    const loose = this.byTask.get(0);
    if (this.marks.length === 0 || loose === undefined || loose.rows.length > 0) return;
    const row = new SectionRow(0, 0);
    loose.rows.push(row);
    newRow(row);
  }

  rowsOf(task: number): readonly SectionRow[] {
    return this.byTask.get(task)?.rows ?? [];
  }

  /** How many spans of the task lie too deep to be drawn. */
  hiddenOf(task: number): number {
    return this.byTask.get(task)?.hidden ?? 0;
  }

  get bytes(): number {
    return this.count * bytesPerSection + this.marks.length * 40;
  }
}

function firstAt(marks: readonly LooseMark[], ns: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((marks[middle] as LooseMark).ns >= ns) high = middle;
    else low = middle + 1;
  }
  return low;
}
