// Owns when Node's loop was parked, and which of its turns this is.
// Knows nothing of resources or tasks.
//
// nodeTiming.idleTime rises by the time that the loop was blocked. The first of our JavaScript after a park (a
// callback, else an immediate that re-arms itself once per turn) sees the rise D at time t: parked in [t − D, t].
import { clockNs } from '../executor/clock.ts';
import type { NodeRecorder } from './node-recorder.ts';

const nsPerMs = 1e6;

export class Parks {
  private readonly recorder: NodeRecorder;
  /** `performance.nodeTiming` is a getter of a getter; the object itself never changes. */
  private readonly timing = performance.nodeTiming;
  private idleSeenMs = this.timing.idleTime;
  /** Turns of the loop so far. */
  turn = 1;

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
  }

  /** To be called first in whatever may be the first JavaScript after a park; `nowNs` where the clock was read for it. */
  look(nowNs: number | undefined): void {
    const idleMs = this.timing.idleTime;
    const parkedMs = idleMs - this.idleSeenMs;
    if (parkedMs <= 0) return;
    this.idleSeenMs = idleMs;
    const endNs = nowNs ?? clockNs();
    this.recorder.park(endNs - parkedMs * nsPerMs, endNs, 0);
  }

  /** What was before is not told. */
  restart(): void {
    this.idleSeenMs = this.timing.idleTime;
  }
}
