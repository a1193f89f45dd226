// Owns when a poll of the program's thread that is open for long is looked at, and asking for the look.
// Knows nothing of stacks. Runs on the writer thread.
//
// A poll is looked at when it has been open for the threshold, then at twice that, four times and so on. The session
// of the inspector is open for the time of a look only: Node does not let a program end before all of them are closed.
import { type LookAnswer, type LookRequest, lookAnswer } from '../looks.ts';
import { cpuNsOf } from '../processor-time.ts';
import { MainSession } from './main-session.ts';

/** A poll that is open, as the events say. */
export interface SeenPoll {
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
}

interface WatchParts {
  readonly words: Int32Array;
  readonly session: string;
  readonly osThread: number;
  readonly thresholdNs: number;
}

interface Watched {
  readonly poll: SeenPoll;
  readonly baseTick: number;
  readonly baseCpuNs: number;
  lastCpuNs: number;
  /** The next look is due when the poll has been open for this long. */
  nextNs: number;
}

/** Less than that between two looks, which are 10 ms and more apart, uses a thread that a debugger holds. */
const advanceNs = 1_000_000;
const nsPerMs = 1e6;

export class Watch {
  private readonly parts: WatchParts;
  private watched: Watched | undefined;
  private open: MainSession | undefined;
  private asking = false;
  private able: boolean;
  /** A debugger may be attached, so a look waits until the thread is known to run. */
  private careful = false;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.able = parts.thresholdNs > 0;
  }

  /** `poll` is the innermost that is open now, at that tick. Gives in how many ms to come again at the latest. */
  round(poll: SeenPoll | undefined, tick: number): number {
    if (!this.able || poll === undefined) {
      this.watched = undefined;
      return Number.POSITIVE_INFINITY;
    }
    const watched = this.follow(poll, tick);
    const openNs = tick - poll.startTick;
    if (openNs < watched.nextNs) return Math.ceil((watched.nextNs - openNs) / nsPerMs);
    if (!this.asking) this.lookAt(watched, tick);
    return this.parts.thresholdNs / nsPerMs;
  }

  /** Closes what is open: the program is about to end. */
  stop(): void {
    this.able = false;
    this.close();
  }

  private follow(poll: SeenPoll, tick: number): Watched {
    const known = this.watched;
    if (known !== undefined && known.poll.startTick === poll.startTick && known.poll.task === poll.task)
      return known;
    const baseCpuNs = cpuNsOf(this.parts.osThread) ?? -1;
    this.watched = {
      poll,
      baseTick: tick,
      baseCpuNs,
      lastCpuNs: baseCpuNs,
      nextNs: this.parts.thresholdNs,
    };
    return this.watched;
  }

  private lookAt(watched: Watched, tick: number): void {
    const cpuNs = cpuNsOf(this.parts.osThread) ?? -1;
    const advances = cpuNs >= 0 && cpuNs - watched.lastCpuNs >= advanceNs;
    watched.lastCpuNs = cpuNs;
    if (this.careful && !advances) return;
    const { task, epoch, startTick } = watched.poll;
    const { baseTick, baseCpuNs } = watched;
    const { session } = this.parts;
    this.asking = true;
    void this.ask({ session, task, epoch, startTick, baseTick, baseCpuNs, advances }).then((answer) => {
      this.asking = false;
      if (answer === undefined) this.able = false;
      this.careful = answer === lookAnswer.held || (this.careful && answer !== undefined);
      if (answer !== lookAnswer.told) return;
      const openNs = tick - startTick;
      while (watched.nextNs <= openNs) watched.nextNs *= 2;
    });
  }

  /** Undefined where there is nobody to ask. */
  private async ask(request: LookRequest): Promise<LookAnswer | undefined> {
    try {
      const session = await MainSession.connect(this.parts.words);
      this.open = session;
      if (!this.able) return undefined;
      const answer = await session.evaluate(`look?.(${JSON.stringify(request)})`);
      return answers.has(answer) ? (answer as LookAnswer) : undefined;
    } catch {
      return undefined;
    } finally {
      this.close();
    }
  }

  private close(): void {
    this.open?.close();
    this.open = undefined;
  }
}

const answers: ReadonlySet<unknown> = new Set(Object.values(lookAnswer));
