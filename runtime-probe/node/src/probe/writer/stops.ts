// Owns the writer thread's side of scheduling breakpoints: setting the shared words, answering the main thread that
// waits to be stopped, and stopping it in a poll that is open for too long. Knows nothing of what a poll is about.
import { breakOn } from '../../wire/index.ts';
import { breakAsked, controlWord } from '../ring-layout.ts';
import { MainSession } from './main-session.ts';
import type { RunningTime, SeenPoll } from './running-time.ts';
import { waitAsync } from './wait-async.ts';

/** How often is looked, in ms, where nothing is heard. */
const longestWaitMs = 1000;

export class Stops {
  private readonly words: Int32Array;
  private readonly running: RunningTime;
  /** Another thread stops by itself: no session of the inspector reaches it, and so not in a long poll either. */
  private readonly isMainThread: boolean;
  private readonly open = new Set<MainSession>();
  /** Stop in the next poll that is open for longer; 0 for none. */
  private longNs = 0;
  /** Whether the last that was asked for was to take all away. */
  private cleared = false;
  private asking = false;
  private listening = false;
  private ended = false;

  constructor(words: Int32Array, running: RunningTime, isMainThread: boolean) {
    this.words = words;
    this.running = running;
    this.isMainThread = isMainThread;
  }

  /** `value` is a task, or a time in ns. */
  set(on: number, value: number): void {
    this.cleared = on === breakOn.clear;
    if (on === breakOn.poll) this.setWord(controlWord.breakOnPoll, value);
    else if (on === breakOn.wake) this.setWord(controlWord.breakOnWake, value);
    else if (on === breakOn.longPoll) this.longNs = this.isMainThread ? value : 0;
    else if (on === breakOn.clear) {
      this.longNs = 0;
      this.setWord(controlWord.breakOnPoll, 0);
      this.setWord(controlWord.breakOnWake, 0);
    }
    if (!this.listening && this.isMainThread) void this.listen();
  }

  /** `poll` is the innermost that is open at that tick. Gives in how many ms to come again at the latest. */
  round(poll: SeenPoll | undefined, tick: number): number {
    if (this.longNs === 0 || poll === undefined) return Number.POSITIVE_INFINITY;
    const leftMs = this.running.msUntil(poll, tick, this.longNs);
    if (leftMs > 0) return leftMs;
    if (!this.asking) void this.stopIn(poll);
    return longestWaitMs;
  }

  /** Closes what is open: the program is about to end. */
  stop(): void {
    this.ended = true;
    for (const session of this.open) session.close();
  }

  private async stopIn(poll: SeenPoll): Promise<void> {
    const { task, epoch, startTick } = poll;
    const wanted = this.longNs;
    this.longNs = 0;
    this.asking = true;
    let stands = false;
    await this.withSession(async (session) => {
      if (!(await this.running.hasRun(poll, session))) return;
      const isOpen = await session.evaluate(`isOpen?.(${task}, ${epoch}, ${startTick})`);
      stands = isOpen === true && (await session.pause());
    });
    this.asking = false;
    // It ended meanwhile: the next one is meant, unless another condition was set or all were taken away.
    if (!stands && this.longNs === 0 && !this.cleared) this.longNs = wanted;
  }

  /** Tasks beyond 31 bits cannot be meant: their ids count from 1. */
  private setWord(word: number, task: number): void {
    Atomics.store(this.words, word, task < 2 ** 31 ? task : 0);
  }

  private async listen(): Promise<void> {
    this.listening = true;
    while (!this.ended) {
      const waited = waitAsync(this.words, controlWord.breakAsked, breakAsked.nothing, longestWaitMs);
      if (waited.async) await waited.value;
      const asked = Atomics.load(this.words, controlWord.breakAsked);
      if (asked === breakAsked.nextCall) await this.withSession((session) => session.evaluate('arm?.()'));
      else if (asked === breakAsked.here) await this.withSession((session) => this.pauseWaiting(session));
      if (asked === breakAsked.nothing) continue;
      // Whoever could not be stopped shall not wait either.
      Atomics.store(this.words, controlWord.breakAsked, breakAsked.nothing);
      Atomics.notify(this.words, controlWord.breakAsked);
    }
  }

  /** It may have waited for so long that it goes on by now. */
  private async pauseWaiting(session: MainSession): Promise<void> {
    const { breakAsked: word } = controlWord;
    while (Atomics.load(this.words, word) === breakAsked.here && !(await session.pause()));
  }

  private async withSession(ask: (session: MainSession) => Promise<unknown>): Promise<void> {
    let session: MainSession | undefined;
    try {
      session = await MainSession.connect(this.words);
      this.open.add(session);
      if (!this.ended) await ask(session);
    } catch {
      // Nobody can be asked: the program goes on as without a condition.
    }
    if (session === undefined) return;
    this.open.delete(session);
    session.close();
  }
}
