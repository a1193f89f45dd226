// Owns whether what a call awaited, or what became of a call, was an error.
// Knows nothing of hooks. Must not change what the program does with its own promises.
//
// Node's hook of a settlement comes before the promise has its state, and nothing reads the state of a promise later
// without waiting for it. So a reaction of our own asks, behind those of the program, and tells a microtask later.
// Only where the program has a reaction too: with ours alone a rejection that nobody handles would count as handled.
import { types } from 'node:util';
import type { NodeRecorder } from './node-recorder.ts';
import { type Frame, PromiseStamp } from './promise-stamps.ts';
import { unseen } from './tasks.ts';

type Waiting = PromiseStamp | PromiseStamp[];

const plainPromise = Promise;
const { prototype } = Promise;
const { then } = prototype;
const { apply, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
const { hasOwn } = Object;
/** Names of errors are kept for the whole session. */
const longestName = 64;
/** No class has more ancestors than this; each is looked at for a name. */
const mostAncestors = 16;

export class Rejections {
  private readonly recorder: NodeRecorder;
  /** The stamp of each promise that a question makes. An await's, for nobody waits for it either. */
  readonly question = new PromiseStamp(unseen, undefined);
  /** While a question makes its promise. */
  asking = false;
  /** While an answer comes; whoever sees it end sets this back. */
  answering = false;

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
    this.question.isAwait = true;
  }

  /** The promise is being settled, and was waited for by these, who were told so at that tick. `call`: whose it is. */
  ask(promise: object, call: Frame | undefined, waiting: Waiting, tick: number): void {
    if (call !== undefined) {
      if (call.asked || !isWaitedFor(waiting) || !isPlain(promise)) return;
      call.asked = true;
      this.react(promise, undefined, (error) => this.recorder.frameRejected(call.id, errorName(error)));
      return;
    }
    // By the time of the answer they have gone on.
    const frames = Array.isArray(waiting) ? waiting.map(awaiterOf) : awaiterOf(waiting);
    if (Array.isArray(frames) ? frames.every((id) => id === 0) : frames === 0) return;
    if (!isPlain(promise)) return;
    this.react(promise, undefined, (error) => {
      const name = errorName(error);
      for (const id of Array.isArray(frames) ? frames : [frames])
        if (id !== 0) this.recorder.waitRejected(id, tick, name);
    });
  }

  /** Somebody waits for a call that is over, and was over before anybody did. */
  askLate(promise: object | undefined, call: Frame): void {
    if (call.asked || promise === undefined || !isPlain(promise)) return;
    call.asked = true;
    const { recorder } = this;
    this.react(
      promise,
      () => recorder.frameSettled(call.id),
      (error) => recorder.frameRejected(call.id, errorName(error)),
    );
  }

  private react(promise: object, onValue: (() => void) | undefined, onError: (error: unknown) => void): void {
    this.asking = true;
    try {
      apply(then, promise, [onValue, onError]);
    } catch {
      // Then it is not told.
    } finally {
      this.asking = false;
    }
  }
}

/** Whether `then` of it calls no code of the program: not of a class of its own, nor of another realm's. */
function isPlain(promise: object): boolean {
  return (
    getPrototypeOf(promise) === prototype &&
    !hasOwn(promise, 'constructor') &&
    prototype.constructor === plainPromise
  );
}

/** What V8 makes around a value names a parent, but waits for nothing: it is settled already. */
function isWaitedFor(waiting: Waiting): boolean {
  return Array.isArray(waiting) ? waiting.some((each) => !each.settled) : !waiting.settled;
}

/** Which told call waits by this reaction; 0 for none. */
function awaiterOf(stamp: PromiseStamp): number {
  return stamp.isAwait && !stamp.settled ? (stamp.frame?.id ?? 0) : 0;
}

/** The name of an error, read without calling code of the program: getters and proxies are left alone. */
export function errorName(error: unknown): string {
  if (error === null || (typeof error !== 'object' && typeof error !== 'function')) return typeof error;
  try {
    const name = dataOf(error, 'name') ?? classOf(error);
    if (name !== undefined) return name.slice(0, longestName);
  } catch {
    // A module's namespace throws for what is exported and not there yet. Thrown on, it would be a rejection of ours.
  }
  return 'object';
}

function classOf(error: object): string | undefined {
  const made = propertyOf(error, 'constructor');
  return typeof made === 'function' ? dataOf(made, 'name') : undefined;
}

function dataOf(target: object, key: string): string | undefined {
  const value = propertyOf(target, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function propertyOf(target: object, key: string): unknown {
  let at: object | null = target;
  for (let i = 0; at !== null && i < mostAncestors; i++) {
    if (types.isProxy(at)) return undefined;
    const found = getOwnPropertyDescriptor(at, key);
    if (found !== undefined) return found.value;
    at = getPrototypeOf(at);
  }
  return undefined;
}
