// Owns when a poll of the program's thread that is open for long is looked at, and asking for the look.
// Knows nothing of stacks. Runs on the writer thread.
//
// A poll is looked at when it has been open for the threshold, then at twice that, four times and so on. The session
// of the inspector is open for the time of a look only: Node does not let a program end before all of them are closed.
import { type LookAnswer, type LookRequest, lookAnswer } from '../looks.ts';
import { cpuNsOf } from '../processor-time.ts';
import { MainSession } from './main-session.ts';
import type { RunningTime, SeenPoll } from './running-time.ts';

interface WatchParts {
  readonly words: Int32Array;
  readonly session: string;
  readonly osThread: number;
  readonly thresholdNs: number;
  readonly running: RunningTime;
}

interface Watched {
  readonly poll: SeenPoll;
  /** From when on the poll counts; see RunningTime. */
  readonly fromTick: number;
  readonly baseTick: number;
  readonly baseCpuNs: number;
  /** The next look is due when the poll has run for this long. */
  nextNs: number;
}

const nsPerMs = 1e6;

export class Watch {
  private readonly parts: WatchParts;
  private watched: Watched | undefined;
  private open: MainSession | undefined;
  private asking = false;
  private able: boolean;

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
    const leftMs = this.parts.running.msUntil(poll, tick, watched.nextNs);
    if (leftMs > 0) return leftMs;
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
    const fromTick = this.parts.running.from(poll);
    const isKnown = known?.poll.startTick === poll.startTick && known.poll.task === poll.task;
    if (isKnown && known.fromTick === fromTick) return known;
    this.watched = {
      poll,
      fromTick,
      baseTick: tick,
      baseCpuNs: cpuNsOf(this.parts.osThread) ?? -1,
      nextNs: this.parts.thresholdNs,
    };
    return this.watched;
  }

  private lookAt(watched: Watched, tick: number): void {
    const { poll, baseTick, baseCpuNs } = watched;
    const { session } = this.parts;
    this.asking = true;
    void this.ask({ session, ...poll, baseTick, baseCpuNs }).then((answer) => {
      this.asking = false;
      if (answer === undefined) this.able = false;
      if (answer !== lookAnswer.told) return;
      const ranNs = tick - watched.fromTick;
      while (watched.nextNs <= ranNs) watched.nextNs *= 2;
    });
  }

  /** Undefined where there is nobody to ask. */
  private async ask(request: LookRequest): Promise<LookAnswer | undefined> {
    try {
      const session = await MainSession.connect(this.parts.words);
      this.open = session;
      if (!this.able) return undefined;
      if (!(await this.parts.running.hasRun(request, session))) return lookAnswer.held;
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
