// Owns the credit of one kind of query: one under way at a time, and of those wanted meanwhile only the newest goes out.
// Knows nothing of what is asked. Two of these (pinned lanes, the others) make the two viewport queries of the view.

/** Runs what it is asked for, one at a time; what is asked for meanwhile waits, and is replaced by what is newer. */
export class NewestWins<Wanted> {
  private readonly run: (wanted: Wanted) => Promise<void>;
  private busy = false;
  private next: { readonly wanted: Wanted } | null = null;

  /** `run` must settle once its answer came or was refused; it handles its own errors. */
  constructor(run: (wanted: Wanted) => Promise<void>) {
    this.run = run;
  }

  get underWay(): boolean {
    return this.busy;
  }

  want(wanted: Wanted): void {
    if (this.busy) {
      this.next = { wanted };
      return;
    }
    this.start(wanted);
  }

  /** Forgets what waits; what is under way comes back all the same. */
  drop(): void {
    this.next = null;
  }

  private start(wanted: Wanted): void {
    this.busy = true;
    void this.run(wanted).finally(() => {
      this.busy = false;
      const { next } = this;
      this.next = null;
      if (next !== null) this.start(next.wanted);
    });
  }
}
