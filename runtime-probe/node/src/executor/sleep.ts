// Owns the futures of time: sleep, sleepUntil, timeout.
// Must not know how timers are queued.

import { clockNs } from './clock.ts';
import { Branch } from './combine.ts';
import { Awaitable, type IntoFuture, toFuture } from './coroutine.ts';
import { observer, type WakeCause } from './observe.ts';
import { type Context, PENDING, type Poll, ready } from './poll.ts';
import { captureSite, type Site } from './site.ts';
import { cancelTimer, setTimer, type TimerEntry } from './timer-queue.ts';
import { WaitList } from './wait-list.ts';

const NS_PER_MS = 1e6;

/** Done at its deadline. The timer enters the queue at the first poll and leaves it when dropped. */
export class Sleep extends Awaitable<void> {
  readonly deadlineNs: number;
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  #timer: TimerEntry | undefined;
  #fired = false;

  constructor(deadlineNs: number, site: Site | undefined) {
    super();
    this.deadlineNs = deadlineNs;
    this.#site = site;
  }

  override poll(cx: Context): Poll<void> {
    if (this.#fired || (this.#timer === undefined && this.deadlineNs <= clockNs())) return ready(undefined);
    if (this.#timer === undefined) this.#timer = this.#set(cx);
    this.#waiter.store(this, cx.waker);
    observer?.waitStarted(cx.frame, { kind: 'timer', id: this.#timer.id }, this.#site);
    return PENDING;
  }

  drop(): void {
    this.#waiter.remove(this);
    if (this.#timer !== undefined && cancelTimer(this.#timer)) observer?.timerCancelled(this.#timer.id);
  }

  #set(cx: Context): TimerEntry {
    const timer = setTimer(this.deadlineNs, (latenessNs) => {
      this.#fired = true;
      if (observer !== undefined) observer.timerFired(timer.id, latenessNs);
      const cause: WakeCause = { kind: 'timer', id: timer.id };
      this.#waiter.wakeAll(cause);
    });
    observer?.timerSet(timer.id, cx.task, this.deadlineNs);
    return timer;
  }
}

/** Done that many ms from now. The time runs from this call, not from the first poll. */
export function sleep(durationMs: number): Sleep {
  // The site first: what it costs to take one must not eat into the time that was asked for.
  const site = observer && captureSite(sleep);
  return new Sleep(deadlineIn(durationMs), site);
}

/** Done at a time of clockNs(). */
export function sleepUntil(deadlineNs: number): Sleep {
  return new Sleep(deadlineNs, observer && captureSite(sleepUntil));
}

export class TimeoutError extends Error {
  constructor(durationMs: number) {
    super(`not done within ${durationMs} ms: the awaited future was cancelled`);
    this.name = 'TimeoutError';
  }
}

/** The future's value, or a TimeoutError after that many ms, when the future is cancelled. Both are frames of a select. */
export function timeout<T>(durationMs: number, work: IntoFuture<T>): Awaitable<T> {
  return new Timeout(durationMs, work, observer && captureSite(timeout));
}

class Timeout<T> extends Awaitable<T> {
  readonly #durationMs: number;
  readonly #work: Branch<T>;
  readonly #deadline: Branch<void>;

  constructor(durationMs: number, work: IntoFuture<T>, site: Site | undefined) {
    super();
    this.#durationMs = durationMs;
    this.#work = new Branch(toFuture(work), 'selectBranch', 'work', site);
    this.#deadline = new Branch(new Sleep(deadlineIn(durationMs), site), 'selectBranch', 'time-out', site);
  }

  override poll(cx: Context): Poll<T> {
    const polled = this.#pollWork(cx);
    if (polled !== PENDING) {
      this.#deadline.drop();
      return polled;
    }
    if (this.#deadline.poll(cx) === PENDING) return PENDING;
    this.#work.drop();
    throw new TimeoutError(this.#durationMs);
  }

  drop(): void {
    this.#work.drop();
    this.#deadline.drop();
  }

  #pollWork(cx: Context): Poll<T> {
    try {
      return this.#work.poll(cx);
    } catch (error) {
      this.#deadline.drop();
      throw error;
    }
  }
}

function deadlineIn(durationMs: number): number {
  if (!(durationMs >= 0)) {
    throw new RangeError(`a duration in ms must be a number from 0; got ${durationMs}`);
  }
  return clockNs() + durationMs * NS_PER_MS;
}
