// Owns what is known of one io_uring as a whole: how many submissions are under way at any instant, whatever the order
// in which they are read. Knows nothing of tasks or of what a submission asks.
import type { SpanColumns } from './disjoint-spans.ts';
import type { Submission } from './entities.ts';
import { Pool } from './pool.ts';

export class Ring {
  readonly source: number;
  readonly lane: number;
  /** A ring's depth goes up and down as a pool's queue does. */
  private readonly depths: Pool;

  constructor(source: number, lane: number) {
    this.source = source;
    this.lane = lane;
    this.depths = new Pool(0, lane);
  }

  get submissions(): number {
    return this.depths.jobs;
  }

  get firstNs(): number {
    return this.depths.firstNs;
  }

  get bytes(): number {
    return this.depths.bytes;
  }

  /** To be called once for each submission, when it is known. */
  submitted(submission: Submission): void {
    this.depths.submit(submission.submitNs);
    if (!Number.isNaN(submission.completeNs)) this.completed(submission);
  }

  /** To be called once, when both ends are known; not before its beginning. */
  completed(submission: Submission): void {
    this.depths.depart(Math.max(submission.submitNs, submission.completeNs));
  }

  /** Spans in which something is under way; the ref is how much. */
  inFlight(): SpanColumns {
    return this.depths.waiting();
  }
}
