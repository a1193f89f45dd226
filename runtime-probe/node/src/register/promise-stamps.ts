// Owns what the probe remembers of a promise, fastened to the promise itself as stamps.ts tells, and of a call.
// Knows nothing of hooks or events.
import { nowhere, type Place } from './places.ts';
import { SameObject } from './stamps.ts';
import type { Task, Wake } from './tasks.ts';

/** A call that was told. */
export interface Frame {
  readonly id: number;
  readonly parent: number;
  readonly task: Task;
  /** Its own promise. */
  readonly call: PromiseStamp;
  /** The stamp of each of its awaits: it has one at a time, and a new one for each would cost 30 ns. */
  readonly wait: PromiseStamp;
  /** Where it waits; undefined while it runs, and after an end that was not an await. */
  waitsAt: Place | undefined;
  onKind: number;
  onId: number;
  /** Whether its entering was told and its leaving not yet. */
  entered: boolean;
  ended: boolean;
  /** Whether somebody is to tell, when its promise is settled, whether it was rejected; see rejections.ts. */
  asked: boolean;
  before: Frame | undefined;
  after: Frame | undefined;
}

/** A promise: whose it is, what it comes after, and who settled it. */
export class PromiseStamp implements Wake {
  task: Task;
  /** The promise that it waits for; cut once it has run, so that chains do not keep what is over. */
  parent: PromiseStamp | undefined;
  /** Where it was made. */
  place: Place = nowhere;
  /** Of an async function's call: that call, once it was told. Of an await: the call that goes on. */
  frame: Frame | undefined = undefined;
  /** Whether it is the promise that V8 makes for an await: nobody but V8 has it. */
  isAwait = false;
  /** Whether it is settled; not yet where it was only resolved with another promise. */
  settled = false;
  /** The task that settled it; undefined before, and where no task ran. */
  settledBy: Task | undefined = undefined;
  /** Reactions to be queued when it is settled, in their order; without a list where there is one, as mostly. */
  waiting: PromiseStamp | PromiseStamp[] | undefined = undefined;
  /** Whether its own reaction is in the microtask queue, and a wake of its task told or to be told. */
  queued = false;
  wokenBy: Task | undefined = undefined;
  /** Whether its own reaction has run. */
  ran = false;

  constructor(task: Task, parent: PromiseStamp | undefined) {
    this.task = task;
    this.parent = parent;
  }
}

class PromiseStamps extends SameObject {
  readonly #stamp: PromiseStamp;

  constructor(target: object, stamp: PromiseStamp) {
    super(target);
    this.#stamp = stamp;
  }

  static read(target: object): PromiseStamp {
    return (target as PromiseStamps).#stamp;
  }
}

/**
 * The stamp of a promise that was made while the probe looked. Reading a field that is not there throws, which costs
 * microseconds, but asking first would cost 20 ns each time, and nearly all have one.
 */
export function readPromiseStamp(promise: object): PromiseStamp | undefined {
  try {
    return PromiseStamps.read(promise);
  } catch {
    return undefined;
  }
}

/** A promise is stamped once, when it is made: throws where it has a stamp. */
export function stampPromise(promise: object, stamp: PromiseStamp): void {
  new PromiseStamps(promise, stamp);
}
