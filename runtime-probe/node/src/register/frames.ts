// Owns the calls of async functions: which run now, in which order they called each other, and where each waits.
// Knows nothing of hooks, polls or sources. Told by promises only, as runtime-probe/node/README.md says.
//
// `calls` holds what runs now, outermost first: the call that a continuation goes on with, and the calls made since.
// An await leaves the innermost call of its function, and all that was called from it has returned by then. A call that
// returns settles its promise. So each continuation ends with an await of its call, or with the end of it.
import { causeKind, endOutcome, pollOutcome } from '../wire/index.ts';
import type { NodeRecorder } from './node-recorder.ts';
import { type Place, placeKind } from './places.ts';
import { type Frame, PromiseStamp } from './promise-stamps.ts';
import type { Sites, Thread } from './sites.ts';
import type { Task } from './tasks.ts';

/** What a callback adds to `calls`. Used again for each. */
interface Level extends Thread {
  /** How long `calls` was when it began. */
  floor: number;
  /** The call that it goes on with. */
  frame: Frame | undefined;
  /** The last promise made in it that waits for another one. */
  lastReaction: PromiseStamp | undefined;
}

/** Of calls that are never settled as many are kept for a snapshot; about 10 MB with their promises' stamps. */
const livingLimit = 1 << 16;

export class Frames {
  readonly sites: Sites;
  private readonly recorder: NodeRecorder;
  private readonly calls: (PromiseStamp | undefined)[] = [];
  /** How many of `calls` run: to shorten an array costs as much as an event. */
  private running = 0;
  private readonly levels: Level[] = [newLevel()];
  private depth = 0;
  /** That of the innermost callback: the last of `levels` up to `depth`. */
  private level = this.levels[0] as Level;
  private lastId = 0;
  /** Calls that were told and are not over, in a ring of their own: a set costs ten times as much. */
  private readonly living: { before: Frame | undefined; after: Frame | undefined } = {
    before: undefined,
    after: undefined,
  };
  private livingCount = 0;
  /** Top levels of modules that wait, by the keys of their functions. */
  private readonly modules = new Map<number, PromiseStamp>();

  constructor(recorder: NodeRecorder, sites: Sites) {
    this.recorder = recorder;
    this.sites = sites;
  }

  /** A callback begins, or a continuation of that call; see Sites.begin. */
  begin(from: number, frame: Frame | undefined): void {
    const level = this.deeper();
    if (this.depth > 1) this.sites.save(level);
    this.level = level;
    level.floor = this.running;
    level.frame = frame;
    level.lastReaction = undefined;
    this.sites.begin(from);
    if (frame === undefined) return;
    this.push(frame.call);
    frame.waitsAt = undefined;
  }

  /** The poll for it has begun at that tick. */
  entered(tick: number): void {
    if (!this.recorder.tellsCalls) return;
    const { frame } = this.level;
    if (frame === undefined || frame.ended) return;
    this.recorder.frameEnter(frame.id, tick);
    frame.entered = true;
  }

  /** Whether something is to be told when the innermost callback ends. */
  get tellsAtEnd(): boolean {
    const { level } = this;
    return level.frame !== undefined || this.running > level.floor;
  }

  /**
   * The innermost callback ends. Tells what ends with it, but for the wait of the call that it went on with, which is
   * the last of it and is returned for the caller to tell.
   */
  leave(tick: number): Frame | undefined {
    if (this.depth === 0) return undefined;
    const { level } = this;
    const waiting = level.frame === undefined ? undefined : this.endOfTurn(level.frame, level, tick);
    if (this.running > level.floor) this.returnTo(level.floor, tick);
    level.frame = undefined;
    level.lastReaction = undefined;
    if (this.depth > 1) this.sites.restore(level);
    this.depth--;
    this.level = this.levels[this.depth] as Level;
    return waiting;
  }

  /** A promise is made without a parent: a call begins, if it is made there. */
  called(stamp: PromiseStamp): void {
    this.push(stamp);
    if (!this.recorder.tellsCalls) return;
    const tick = this.recorder.instant();
    const frame = this.open(this.running - 1, tick);
    this.recorder.frameEnter(frame.id, tick);
    frame.entered = true;
    this.recorder.publish();
  }

  /**
   * A promise is made in a function that waits for another promise: an await. Returns its stamp; undefined when it is
   * none, but what V8 wraps around an awaited value that is no promise: that names the call's own promise as its parent.
   */
  awaits(task: Task, place: Place, awaited: PromiseStamp | undefined): PromiseStamp | undefined {
    const { level } = this;
    let at = this.running - 1;
    while (at >= level.floor && this.calls[at]?.place.functionKey !== place.functionKey) at--;
    if (at < level.floor) {
      if (place.isTopLevel && isEvaluation(awaited)) return undefined;
      at = this.starts(task, place, level);
    }
    const call = at < level.floor ? undefined : this.calls[at];
    if (call !== undefined)
      return call === awaited ? undefined : this.suspends(call, at, task, place, awaited);
    // No call, as far as is known: the task waits.
    const stamp = new PromiseStamp(task, awaited);
    stamp.place = place;
    stamp.isAwait = true;
    this.recorder.waits(0, calledIn(awaited)?.id ?? 0, place);
    return stamp;
  }

  /** A promise is made for a step of an async generator, which runs from here on. */
  steps(stamp: PromiseStamp): void {
    this.push(stamp);
  }

  /** A promise is made that waits for another one: the last one of a continuation is its await. */
  reacts(stamp: PromiseStamp): void {
    this.level.lastReaction = stamp;
  }

  /** Whether the call that the innermost callback goes on with has come to its next await. */
  get waitsAgain(): boolean {
    return this.level.frame?.waitsAt !== undefined;
  }

  /** The promise of a call is settled: what it called has returned. */
  settled(stamp: PromiseStamp): void {
    const { level } = this;
    const { frame } = stamp;
    let at = this.running - 1;
    // Nearly always it is a call that never waited, and the innermost one.
    if (frame === undefined && at >= level.floor && this.calls[at] === stamp) {
      this.shorten(at);
      return;
    }
    while (at >= level.floor && this.calls[at] !== stamp) at--;
    if (frame !== undefined) frame.ended = true;
    // What a continuation goes on with is told at its end.
    if (frame !== undefined && frame === level.frame) {
      if (at >= level.floor) this.returnTo(at + 1, -1);
      return;
    }
    if (at < level.floor && frame === undefined) return;
    const tick = frame === undefined ? -1 : this.recorder.instant();
    if (at >= level.floor) this.returnTo(at + 1, tick);
    if (frame !== undefined) this.end(frame, tick);
    if (at >= level.floor) this.shorten(at);
    if (frame !== undefined) this.recorder.publish();
  }

  /** The call that runs now, if it was told. */
  current(): Frame | undefined {
    const at = this.belowSteps(this.running);
    const frame = at < 0 ? undefined : this.calls[at]?.frame;
    return frame?.ended === true ? undefined : frame;
  }

  /** Tells what lives to a listener who comes, or comes again. */
  snapshot(): void {
    for (let frame = this.living.after; frame !== undefined; frame = frame.after) {
      this.recorder.frameOpen(frame, this.recorder.instant());
      if (frame.waitsAt !== undefined) this.recorder.frameWaits(frame, this.recorder.instant());
      this.recorder.publish();
    }
  }

  /** The program's main script has run to its end. */
  endTopLevel(tick: number): void {
    if (this.depth === 0) this.returnTo(0, tick);
  }

  /** Forgets what runs: recording ends, or has been off. */
  reset(): void {
    for (const call of this.calls) if (call?.frame !== undefined) call.frame.entered = false;
    this.shorten(0);
    while (this.depth > 0) {
      const level = this.levels[this.depth] as Level;
      level.frame = undefined;
      level.lastReaction = undefined;
      this.depth--;
    }
    this.level = this.levels[0] as Level;
  }

  /**
   * An await in a function that none of `calls` is of: a module's top level, or what the last step of an async
   * generator runs. From here on it is one of `calls`. Gives where; −1 when it is none.
   */
  private starts(task: Task, place: Place, { floor }: Level): number {
    if (place.isTopLevel) {
      const call = this.modules.get(place.functionKey) ?? this.evaluates(task, place);
      if (call === undefined) return -1;
      this.push(call);
      return this.running - 1;
    }
    let at = this.running - 1;
    while (at >= floor && this.calls[at]?.place.kind !== placeKind.step) at--;
    const step = at < floor ? undefined : this.calls[at];
    const around = step === undefined ? undefined : this.sites.places.callAround(place);
    if (step === undefined || around === undefined) return -1;
    step.place = around;
    return at;
  }

  /** A module is evaluated once, so its top level is one call, though none of its promises names it. */
  private evaluates(task: Task, place: Place): PromiseStamp | undefined {
    const around = this.sites.places.callAround(place);
    if (around === undefined) return undefined;
    const call = new PromiseStamp(task, undefined);
    call.place = around;
    this.modules.set(place.functionKey, call);
    return call;
  }

  /** Nobody settles a module's call: it is over with the continuation that comes to no other await. */
  private endModule(frame: Frame, { lastReaction }: Level): void {
    const { place } = frame.call;
    // A promise whose place is not known may be the await.
    if (!place.isTopLevel || frame.waitsAt !== undefined || lastReaction?.place.index === 0) return;
    frame.ended = true;
    this.modules.delete(place.functionKey);
  }

  /** Returns the call when all that is left to be told is that it waits. */
  private endOfTurn(frame: Frame, level: Level, tick: number): Frame | undefined {
    const waits = frame.waitsAt !== undefined;
    if (this.running > level.floor) this.returnTo(level.floor + (waits ? 0 : 1), tick);
    this.endModule(frame, level);
    if (frame.ended) {
      this.end(frame, tick);
      return undefined;
    }
    const last = level.lastReaction;
    if (!waits && last !== undefined && last.frame === undefined) {
      // Where it was made is not known, but not what it is: the last act is the await.
      last.frame = frame;
      last.isAwait = true;
      frame.waitsAt = last.place;
      frame.onKind = causeKind.unknown;
      frame.onId = 0;
    }
    if (!frame.entered) return frame.waitsAt === undefined ? undefined : frame;
    if (frame.waitsAt !== undefined) this.recorder.frameWaits(frame, tick);
    this.recorder.frameLeave(pollOutcome.pending, tick);
    frame.entered = false;
    return undefined;
  }

  private suspends(
    call: PromiseStamp,
    at: number,
    task: Task,
    place: Place,
    awaited: PromiseStamp | undefined,
  ): PromiseStamp {
    const ownTurn = call.frame !== undefined && call.frame === this.level.frame;
    // The end of the callback tells the wait of what it goes on with: nothing of it comes after.
    const tick = ownTurn ? -1 : this.recorder.instant();
    if (this.running > at + 1) this.returnTo(at + 1, tick);
    const frame = call.frame ?? this.open(at, tick);
    // What is settled already is told as a wait for itself.
    const onId = awaited?.settled === true ? frame.id : (calledIn(awaited)?.id ?? 0);
    const { wait } = frame;
    wait.task = task;
    wait.parent = awaited;
    wait.place = place;
    wait.queued = false;
    wait.ran = false;
    wait.wokenBy = undefined;
    frame.waitsAt = place;
    frame.onKind = onId === 0 ? causeKind.unknown : causeKind.frame;
    frame.onId = onId;
    this.shorten(at);
    if (ownTurn) return wait;
    this.recorder.frameWaits(frame, tick);
    if (frame.entered) this.recorder.frameLeave(pollOutcome.pending, tick);
    frame.entered = false;
    this.recorder.publish();
    return wait;
  }

  /** All calls from that one on have returned, or wait for a promise that they returned. */
  private returnTo(length: number, tick: number): void {
    for (let at = this.running - 1; at >= length; at--) {
      const frame = this.calls[at]?.frame;
      if (frame?.entered !== true) continue;
      this.recorder.frameLeave(pollOutcome.pending, tick < 0 ? this.recorder.instant() : tick);
      frame.entered = false;
    }
    if (this.running > length) this.shorten(length);
  }

  private push(call: PromiseStamp): void {
    this.calls[this.running++] = call;
  }

  private shorten(length: number): void {
    // What has returned must not be kept alive.
    while (this.running > length) this.calls[--this.running] = undefined;
  }

  private open(at: number, tick: number): Frame {
    const call = this.calls[at] as PromiseStamp;
    const caller = this.callerOf(at);
    const parent = caller < 0 ? 0 : (this.calls[caller]?.frame ?? this.open(caller, tick)).id;
    this.lastId++;
    const wait = new PromiseStamp(call.task, undefined);
    const frame: Frame = {
      id: this.lastId,
      parent,
      task: call.task,
      call,
      wait,
      waitsAt: undefined,
      onKind: causeKind.unknown,
      onId: 0,
      entered: false,
      ended: false,
      asked: false,
      before: undefined,
      after: undefined,
    };
    call.frame = frame;
    wait.isAwait = true;
    wait.frame = frame;
    this.recorder.frameOpen(frame, tick);
    if (this.livingCount < livingLimit) this.link(frame);
    return frame;
  }

  /** Which of `calls` made that one: the function that the stack named, else the innermost; −1 for none. */
  private callerOf(at: number): number {
    const { floor } = this.level;
    const key = this.calls[at]?.place.callerKey ?? 0;
    for (let below = at - 1; key !== 0 && below >= floor; below--)
      if (this.calls[below]?.place.functionKey === key) return below;
    if (this.calls[at]?.place.isOutermost === true) return -1;
    const below = this.belowSteps(at);
    return below >= floor ? below : -1;
  }

  /** The innermost of the first so many of `calls` that is no step of which nothing is known; −1 for none. */
  private belowSteps(length: number): number {
    let at = length - 1;
    while (at >= 0 && this.calls[at]?.place.kind === placeKind.step) at--;
    return at;
  }

  private end(frame: Frame, tick: number): void {
    // Who asks tells a rejection behind this. Where nobody awaits the call there is nobody to ask.
    this.recorder.frameEnd(frame.id, frame.asked ? endOutcome.completed : endOutcome.unknown, tick);
    if (frame.entered) this.recorder.frameLeave(pollOutcome.ready, tick);
    frame.entered = false;
    this.unlink(frame);
  }

  private link(frame: Frame): void {
    const { before } = this.living;
    frame.before = before;
    if (before === undefined) this.living.after = frame;
    else before.after = frame;
    this.living.before = frame;
    this.livingCount++;
  }

  private unlink(frame: Frame): void {
    const { before, after } = frame;
    if (before === undefined && this.living.after !== frame) return;
    if (before === undefined) this.living.after = after;
    else before.after = after;
    if (after === undefined) this.living.before = before;
    else after.before = before;
    frame.before = undefined;
    frame.after = undefined;
    this.livingCount--;
  }

  private deeper(): Level {
    this.depth++;
    const level = this.levels[this.depth] ?? newLevel();
    if (this.levels.length === this.depth) this.levels.push(level);
    return level;
  }
}

/** The call whose promise is awaited, if it was told. */
function calledIn(awaited: PromiseStamp | undefined): Frame | undefined {
  return awaited?.isAwait === false ? awaited.frame : undefined;
}

/**
 * Whether it is the promise of a module's evaluation: no code of the module has it, so what names it as its parent is
 * what V8 makes around an awaited value that is no promise.
 */
function isEvaluation(promise: PromiseStamp | undefined): boolean {
  if (promise === undefined || promise.parent !== undefined || promise.settled) return false;
  const { index, kind, site } = promise.place;
  return (
    index === 0 || (kind === placeKind.inside && site?.file.startsWith('node:internal/modules/') === true)
  );
}

function newLevel(): Level {
  return { floor: 0, frame: undefined, lastReaction: undefined, resumed: 0, last: 0, before: 0 };
}
