// Owns the queue of process.nextTick, as far as it was told: whose the next tick is.
// Knows nothing of hooks or polls.
//
// Ticks run in the order in which they were made, all of them before the loop goes on. So a tick needs no stamp, which
// costs ten times as much, and whoever ends a callback knows whose callback is the next. Kept as runs of ticks of one
// task: an HTTP request makes eight ticks in a row, and to put a young object into an old list costs 30 ns each time.
import type { Task } from './tasks.ts';

/** A run is this long at most, so that one that never runs dry does not grow for ever. */
const longestRun = 1024;

interface Run {
  task: Task | undefined;
  /** Node's ids of its ticks, which rise. */
  readonly ids: number[];
  /** How many of `ids` were taken, and how many there are: to shorten an array costs more than an event. */
  taken: number;
  count: number;
}

export class Ticks {
  /**
   * A ring in which runs are used again; grows to the most runs that ever waited at once. Its length is a power of two:
   * a place in it is found by a mask, for a division costs as much as the rest of a tick.
   */
  private runs: Run[] = [newRun()];
  private first = 0;
  private waiting = 0;

  /** The task of the next tick; undefined when none waits. */
  get next(): Task | undefined {
    return this.waiting === 0 ? undefined : this.runs[this.first]?.task;
  }

  /** A tick was made, with this id of Node's. */
  add(id: number, task: Task): void {
    const newest = this.waiting === 0 ? undefined : this.at(this.waiting - 1);
    const run = newest?.task === task && newest.count < longestRun ? newest : this.begin(task);
    run.ids[run.count++] = id;
  }

  /** The task of the tick with this id, which begins now; undefined when the id is not that of a tick that was told. */
  take(id: number): Task | undefined {
    if (this.waiting === 0) return undefined;
    let oldest = this.at(0);
    if (oldest.ids[oldest.taken] !== id) {
      if (!this.skipTo(id)) return undefined;
      oldest = this.at(0);
    }
    const { task } = oldest;
    oldest.taken++;
    if (oldest.taken === oldest.count) this.end(oldest);
    return task;
  }

  /** Forgets what waits: nothing more is told. */
  clear(): void {
    while (this.waiting > 0) this.end(this.at(0));
  }

  /** Nobody told that the ticks before it ran: they will not come any more. False when there is no such tick. */
  private skipTo(id: number): boolean {
    for (let place = 0; place < this.waiting; place++) {
      const run = this.at(place);
      for (let at = run.taken; at < run.count && (run.ids[at] as number) <= id; at++) {
        if (run.ids[at] !== id) continue;
        for (let over = 0; over < place; over++) this.end(this.at(0));
        run.taken = at;
        return true;
      }
    }
    return false;
  }

  private at(place: number): Run {
    return this.runs[(this.first + place) & (this.runs.length - 1)] as Run;
  }

  private begin(task: Task): Run {
    if (this.waiting === this.runs.length) {
      const inOrder = [...this.runs.slice(this.first), ...this.runs.slice(0, this.first)];
      this.runs = [...inOrder, ...inOrder.map(newRun)];
      this.first = 0;
    }
    const run = this.at(this.waiting++);
    run.task = task;
    return run;
  }

  private end(run: Run): void {
    run.task = undefined;
    run.taken = 0;
    run.count = 0;
    this.first = (this.first + 1) & (this.runs.length - 1);
    this.waiting--;
  }
}

function newRun(): Run {
  return { task: undefined, ids: [], taken: 0, count: 0 };
}
