// Owns the program's timers: armed, fired or cleared.
// Knows nothing of which task runs.
//
// Node tells nobody that a timer was cleared, but the timer itself knows. A list of those that are armed is looked
// through a little in each turn: as many as were armed since the last turn, twice over, and some more, so that what is
// over is found in time and the list is never longer than about twice the armed ones. No cost grows with their number.
// The list is long where connections are many, and then each entry is a miss of the processor's caches.
import { clockNs } from '../executor/clock.ts';
import { causeKind } from '../wire/index.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Cause } from './sources.ts';
import type { ResourceStamp } from './stamps.ts';

const nsPerMs = 1e6;
/** In each turn, and once in each ms: a server of 4,000 requests a second has as many turns. */
const looksPerTurn = 2;
const looksPerMs = 16;

/** Fields of Node's timer that the probe reads. None is public; all may be missing. */
interface NodeTimer {
  readonly _idleTimeout?: unknown;
  /** When it was armed, or refreshed, in ms of the loop's clock. */
  readonly _idleStart?: unknown;
  readonly _repeat?: unknown;
  readonly _destroyed?: unknown;
  readonly _onTimeout?: { readonly name?: string } | null;
  hasRef?(): boolean;
}

interface Armed {
  readonly stamp: ResourceStamp;
  readonly timer: NodeTimer;
  /** Which arming of the timer this entry stands for. */
  readonly id: number;
}

export class Timers {
  private readonly recorder: NodeRecorder;
  /** The loop's clock at CLOCK_MONOTONIC's 0, in ns; NaN where Node does not tell it. */
  private readonly loopOriginNs: number;
  private lastTimer = 0;
  private armed: Armed[] = [];
  private armedSinceTurn = 0;
  private nextLook = 0;
  /** When more were looked at than in each turn. */
  private lookedAtNs = 0;
  /** The last that was armed: Node puts in when only behind the hook that tells of the timer. */
  private fresh: Armed | undefined;

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
    this.loopOriginNs = loopOriginNs();
  }

  set(stamp: ResourceStamp, timer: NodeTimer): void {
    const delayMs = timer._idleTimeout;
    if (typeof delayMs === 'number' && delayMs >= 0)
      this.arm(stamp, timer, clockNs() + delayMs * nsPerMs, Number.NaN);
  }

  fired(stamp: ResourceStamp, timer: NodeTimer): Cause {
    this.settle();
    // One that has fired before was refreshed since, of which nobody told.
    if (stamp.id === 0) this.armAnew(stamp, timer);
    const { id } = stamp;
    this.recorder.timerFired(id, clockNs() - this.deadlineOf(stamp, timer));
    stamp.id = 0;
    // An interval is armed again after its callback; the trace takes the callback's begin for it.
    if (typeof timer._repeat === 'number') this.set(stamp, timer);
    return { kind: causeKind.timer, id };
  }

  /** To be called once in each turn of the loop. */
  look(): void {
    this.settle();
    if (this.armed.length === 0) return;
    const nowNs = clockNs();
    const more = nowNs - this.lookedAtNs >= nsPerMs;
    if (more) this.lookedAtNs = nowNs;
    const wanted = this.armedSinceTurn * 2 + (more ? looksPerMs : looksPerTurn);
    const looks = Math.min(this.armed.length, wanted);
    this.armedSinceTurn = 0;
    for (let i = 0; i < looks; i++) {
      if (this.nextLook >= this.armed.length) this.nextLook = 0;
      const entry = this.armed[this.nextLook];
      if (entry === undefined) return;
      if (this.isArmed(entry, nowNs)) this.nextLook++;
      else {
        const last = this.armed.pop();
        if (last !== undefined && last !== entry) this.armed[this.nextLook] = last;
      }
    }
  }

  private arm(stamp: ResourceStamp, timer: NodeTimer, deadlineNs: number, startMs: number): void {
    this.lastTimer++;
    stamp.id = this.lastTimer;
    stamp.deadlineNs = deadlineNs;
    this.recorder.timerSet(stamp.id, stamp.task?.id ?? 0, deadlineNs);
    stamp.startMs = startMs;
    const entry = { stamp, timer, id: stamp.id };
    this.settle();
    if (Number.isNaN(startMs)) this.fresh = entry;
    this.armed.push(entry);
    this.armedSinceTurn++;
  }

  private armAnew(stamp: ResourceStamp, timer: NodeTimer): void {
    const startMs = typeof timer._idleStart === 'number' ? timer._idleStart : Number.NaN;
    this.arm(stamp, timer, this.deadlineOf(stamp, timer), startMs);
  }

  private settle(): void {
    const { fresh } = this;
    if (fresh === undefined) return;
    this.fresh = undefined;
    const { stamp, timer, id } = fresh;
    // An interval is told as armed when its callback begins, but Node arms it behind the callback.
    if (stamp.id === id && typeof timer._repeat !== 'number' && typeof timer._idleStart === 'number')
      stamp.startMs = timer._idleStart;
  }

  /** False when the entry may go: the timer fired, or was cleared, or runs under another number. */
  private isArmed({ stamp, timer, id }: Armed, nowNs: number): boolean {
    if (stamp.id !== id) return false;
    if (timer._destroyed === true) {
      this.recorder.timerCancelled(id);
      stamp.id = 0;
      return false;
    }
    // One that is refreshed again and again, as a connection's time-out, is told anew when the told deadline is over.
    if (stamp.deadlineNs > nowNs) return true;
    const deadlineNs = this.deadlineOf(stamp, timer);
    if (deadlineNs === stamp.deadlineNs) return true;
    this.recorder.timerCancelled(id);
    this.armAnew(stamp, timer);
    return false;
  }

  /** As told, unless the timer was refreshed since. */
  private deadlineOf(stamp: ResourceStamp, timer: NodeTimer): number {
    const { _idleStart: startMs, _idleTimeout: delayMs } = timer;
    if (typeof startMs !== 'number' || typeof delayMs !== 'number') return stamp.deadlineNs;
    const moved = stamp.deadlineNs === 0 || (!Number.isNaN(stamp.startMs) && startMs !== stamp.startMs);
    return moved ? this.loopOriginNs + (startMs + delayMs) * nsPerMs : stamp.deadlineNs;
  }
}

/** The loop counts whole ms from a start, also in whole ms, that it does not tell: the least of some differences is it. */
function loopOriginNs(): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const timer = setTimeout(() => undefined, 1);
    const startMs = (timer as NodeTimer)._idleStart;
    clearTimeout(timer);
    leastMs = Math.min(leastMs, typeof startMs === 'number' ? clockNs() / nsPerMs - startMs : Number.NaN);
  }
  return Math.floor(leastMs) * nsPerMs;
}

/**
 * Whether it is the timer by which Node renews the date of HTTP answers each second. Whichever request is the first of
 * a second sets it, but it is no work of that request. A timer without a reference from the start can only be one of
 * Node's own: programs take the reference away later.
 */
export function renewsTheDate(type: string, resource: object): boolean {
  const timer = resource as NodeTimer;
  return type === 'Timeout' && timer._onTimeout?.name === 'resetCache' && timer.hasRef?.() === false;
}
