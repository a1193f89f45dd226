// Owns for how long the poll that is open has run: time in which a debugger held the program is left out, as far as it
// was seen. Knows nothing of what is done about a poll that runs for long. Runs on the writer thread.
//
// Nobody tells this thread of the debugger's stops. So whoever finds a poll long asks first, by a request of the
// inspector that V8 refuses unless the program stands. A poll that stood counts from the moment when it was seen to run.
import type { MainSession } from './main-session.ts';

/** A poll that is open, as the events say. */
export interface SeenPoll {
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
}

const nsPerMs = 1e6;
/** How often a program that stands is asked whether it goes on. */
const heldPaceNs = 100 * nsPerMs;

export class RunningTime {
  private readonly tickNow: () => number;
  /** When the program was last seen to stand, or to go on after that. */
  private heldTick = 0;
  private held = false;

  constructor(tickNow: () => number) {
    this.tickNow = tickNow;
  }

  /** From which tick on that poll counts. */
  from(poll: SeenPoll): number {
    return Math.max(poll.startTick, this.heldTick);
  }

  /** In how many ms the poll has run for `wantedNs`; 0 when it has. */
  msUntil(poll: SeenPoll, tick: number, wantedNs: number): number {
    const ranNs = tick - this.from(poll);
    const dueNs = this.wasHeld(poll) ? heldPaceNs : wantedNs;
    return ranNs >= dueNs ? 0 : Math.ceil((dueNs - ranNs) / nsPerMs);
  }

  /** Asks whether it did run. False when a debugger holds the program, or held it until now. */
  async hasRun(poll: SeenPoll, session: MainSession): Promise<boolean> {
    const isHeld = await session.isHeld();
    const wasHeld = this.wasHeld(poll);
    this.held = isHeld;
    if (!isHeld && !wasHeld) return true;
    this.heldTick = this.tickNow();
    return false;
  }

  /** A poll that began since then says that the program goes on. */
  private wasHeld(poll: SeenPoll): boolean {
    return this.held && poll.startTick <= this.heldTick;
  }
}
