// Owns Node's hooks: what they tell is turned into callbacks, polls and resources.
// Knows nothing of the wire. A hook that throws ends the program, so none may.
//
// Promises come through v8.promiseHooks, which hand in the promise itself; async_hooks give only ids, and ids would
// have to be kept in a map that nothing empties. A newer Node's async_hooks can be told to leave promises alone.
import { type AsyncHook, createHook, executionAsyncResource, type HookCallbacks } from 'node:async_hooks';
import { causeKind } from '../wire/index.ts';
import type { Execution } from './execution.ts';
import type { Frames } from './frames.ts';
import type { InheritedHandle } from './inherited.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Parks } from './parks.ts';
import { placeKind } from './places.ts';
import { PromiseHooks } from './promise-hooks.ts';
import { type Frame, PromiseStamp, readPromiseStamp, stampPromise } from './promise-stamps.ts';
import { tracksPromisesByChoice } from './promises-by-choice.ts';
import { Rejections } from './rejections.ts';
import type { Resources } from './resources.ts';
import { peerOf } from './sources.ts';
import { type ResourceStamp, readResourceStamp, resourceRole, type Source, stampResource } from './stamps.ts';
import { causedBy, type Task, type Tasks, unseen } from './tasks.ts';
import type { Ticks } from './ticks.ts';
import { renewsTheDate } from './timers.ts';

/** Node's own: a program may put another one in its place, as tests do that set the clock. */
const nextTurn = setImmediate;

export interface HookParts {
  readonly tasks: Tasks;
  readonly main: Task;
  readonly recorder: NodeRecorder;
  readonly execution: Execution;
  readonly frames: Frames;
  readonly resources: Resources;
  readonly parks: Parks;
  readonly ticks: Ticks;
}

export class Hooks {
  private readonly parts: HookParts;
  private readonly hook: AsyncHook;
  private readonly promisesApart: boolean;
  private readonly promises: PromiseHooks;
  private readonly rejections: Rejections;
  private on = false;
  private watching = false;
  private pausedOnce = false;
  /** Node's id of the immediate that watches the turns, and whether that runs. */
  private watchId = 0;
  private asksForTurn = false;
  private inWatch = false;
  /** The parser that called back last, with Node's id of it: most often it is the next one too. */
  private lastParser: ResourceStamp | undefined;
  private lastParserId = 0;

  constructor(parts: HookParts) {
    this.parts = parts;
    const rejections = new Rejections(parts.recorder);
    this.rejections = rejections;
    // The client has gone, or the program hung up, before the response was written.
    parts.resources.sources.onClosed(({ serving }) => {
      for (const task of serving.splice(0)) parts.tasks.end(task, 'cancelled');
    });
    this.promisesApart = tracksPromisesByChoice();
    const callbacks: HookCallbacks = {
      init: (id, type, trigger, resource) => {
        this.made(id, type, trigger, resource);
        // A poll that waits for what is made in it begins here.
        const { breaks } = parts.recorder;
        if (breaks.isMet) breaks.stopNext();
      },
      before: (id) => {
        this.before(id);
        // Last: where the program is to stop, it stops in what is called next.
        const { breaks } = parts.recorder;
        if (breaks.isMet && !rejections.answering) breaks.stopNext();
      },
      after: () => this.after(),
    };
    const init = (promise: object, parent?: object): void => {
      try {
        this.promiseMade(promise, parent);
      } catch {
        // It has a stamp already, which stays. Out here, for a `try` around the stamping itself costs 20 ns.
      }
    };
    parts.frames.sites.lookBelow(init);
    this.promises = new PromiseHooks(
      [
        init,
        (promise) => {
          this.promiseBefore(promise);
          const { breaks } = parts.recorder;
          // Last, as above; where Node calls our other hook too, that one is the last.
          if (breaks.isMet && !this.promises.areFollowed && !rejections.answering) breaks.stopNext();
        },
        () => {
          if (rejections.answering) rejections.answering = false;
          else parts.execution.leave(true);
        },
        (promise) => this.promiseSettled(promise),
      ],
      !this.promisesApart,
    );
    this.hook = createHook(
      this.promisesApart ? Object.assign(callbacks, { trackPromises: false }) : callbacks,
    );
  }

  /** Begins to listen; without `promises` to the loop's callbacks alone. May be called again to change that. */
  enable(promises: boolean): void {
    this.promises.listen(promises, () => this.hook.enable());
    if (this.on) return;
    this.on = true;
    this.parts.parks.restart();
    this.parts.resources.resume();
    if (!this.watching) this.watch();
  }

  disable(): void {
    if (!this.on) return;
    this.on = false;
    this.pausedOnce = true;
    this.promises.listen(false, () => this.hook.disable());
    this.parts.resources.pause();
  }

  /** A handle that is older than the hooks is the main task's. */
  adopt({ type, handle, asyncId }: InheritedHandle): void {
    if (readResourceStamp(handle) !== undefined) return;
    const { resources, main } = this.parts;
    stampResource(handle, resources.describe(type, asyncId, 0, main, handle));
  }

  private made(id: number, type: string, trigger: number, resource: object): void {
    const { execution, resources, main } = this.parts;
    // Most of what is made, so it comes first.
    if (type === 'TickObject') {
      const { streams } = resources;
      const request = streams.anyUnannounced ? streams.announcedBy(resource, sourceOfCallback()) : undefined;
      this.parts.ticks.add(id, request ?? execution.context() ?? main);
      return;
    }
    if (type === 'PROMISE') return;
    if (this.asksForTurn) {
      this.watchId = id;
      return;
    }
    // Node names the listener as what a connection was made on.
    const accepted = resources.sources.isListener(trigger);
    let task = accepted ? undefined : execution.context();
    // What the loop makes outside any callback is a connection that it accepted; else it is the program's start.
    if ((task === undefined && !type.endsWith('WRAP')) || renewsTheDate(type, resource)) task = main;
    if (readResourceStamp(resource) !== undefined) return;
    if (task?.isSuccessor === true) task.made = true;
    const stamp = resources.describe(type, id, trigger, task, resource);
    stampResource(resource, stamp);
  }

  private before(id: number): void {
    const { execution, resources, ticks } = this.parts;
    const tickOf = ticks.take(id);
    if (tickOf !== undefined) {
      resources.decide();
      execution.enter(tickOf, causedBy(tickOf), tickOf.id, fromTick);
      return;
    }
    if (id === this.watchId) {
      this.outermost(undefined);
      this.inWatch = true;
      execution.beginHidden();
      return;
    }
    // A parser's callbacks for the body and the end of what it has just told the head of.
    const { lastParser } = this;
    if (id === this.lastParserId && lastParser !== undefined && this.parserGoesOn(lastParser)) return;
    const resource = executionAsyncResource();
    if (!this.promisesApart && resource instanceof Promise) return;
    resources.decide();
    const stamp = readResourceStamp(resource) ?? this.adopted(resource);
    // What was made before the program began is no part of it, such as the writer thread.
    if (stamp === undefined || stamp.task === unseen) {
      this.outermost(undefined);
      execution.enter(unseen, 0, 0, -1);
      return;
    }
    if (stamp.role === resourceRole.parser) {
      this.lastParser = stamp;
      this.lastParserId = id;
      if (this.parserGoesOn(stamp)) return;
    }
    const nowNs = this.parts.recorder.beginTogether();
    this.begins(resource, stamp, nowNs);
    this.parts.recorder.endTogether();
  }

  private parserGoesOn(stamp: ResourceStamp): boolean {
    const { execution, resources } = this.parts;
    if (!execution.goesOn(stamp.task, 0, 0, kindOf(stamp))) return false;
    resources.decide();
    return true;
  }

  private begins(resource: object, stamp: ResourceStamp, nowNs: number): void {
    const { execution, resources, tasks } = this.parts;
    if (stamp.type !== 'Microtask') this.outermost(nowNs);
    const cause = resources.calledBack(stamp, resource);
    if (stamp.role === resourceRole.session && stamp.task === undefined) {
      execution.enterLazily(undefined, cause.kind, cause.id, kindOf(stamp));
      return;
    }
    if (stamp.role === resourceRole.parser) {
      // A parser calls back for the next request before anybody knows that there is one.
      const over = stamp.task === undefined || tasks.isOver(stamp.task);
      execution.enterLazily(over ? undefined : stamp.task, cause.kind, cause.id, kindOf(stamp));
      return;
    }
    execution.enter(this.taskOf(stamp, resource), cause.kind, cause.id, kindOf(stamp));
  }

  /** A callback of the loop itself: what came before it is done, and the loop may have been parked. */
  private outermost(nowNs: number | undefined): void {
    const { execution, tasks, parks } = this.parts;
    if (!execution.idle || execution.betweenCallbacks) return;
    tasks.settleEnds();
    parks.look(nowNs);
  }

  private after(): void {
    if (this.inWatch) {
      this.inWatch = false;
      this.parts.execution.endHidden();
      return;
    }
    if (!this.promisesApart && executionAsyncResource() instanceof Promise) return;
    this.parts.resources.decide();
    this.parts.execution.leave(false);
  }

  /** The task of a resource; an accepted connection becomes one when it first calls back by itself. */
  private taskOf(stamp: ResourceStamp, resource: object): Task | undefined {
    if (stamp.task !== undefined) return stamp.task;
    // The close of a connection that never had a task of its own is no work of the program.
    if (stamp.source?.open !== true || stamp.source.consumed) return undefined;
    const peer = peerOf(resource);
    stamp.task = this.parts.tasks.spawn(peer === '' ? 'connection' : `connection ${peer}`, undefined);
    return stamp.task;
  }

  /**
   * A promise is made, which waits for `parent` if there is one. As one function that stamps in one place: V8 inlines
   * only so much into one, and the stamping must be.
   */
  private promiseMade(promise: object, parent: object | undefined): void {
    const { execution, frames, main, recorder, tasks } = this.parts;
    const { rejections } = this;
    const task = rejections.asking ? unseen : (execution.context() ?? main);
    let stamp: PromiseStamp | undefined;
    if (rejections.asking) stamp = rejections.question;
    else if (task === unseen) stamp = new PromiseStamp(task, undefined);
    else if (parent === undefined) {
      stamp = new PromiseStamp(task, undefined);
      stamp.place = frames.sites.next(-1);
      if (stamp.place.kind === placeKind.call) frames.called(stamp);
      else if (stamp.place.kind === placeKind.step) frames.steps(stamp);
    } else {
      const before = readPromiseStamp(parent);
      const place = frames.sites.next(before === undefined ? 0 : before.place.index);
      const isInside = place.kind === placeKind.inside;
      stamp = isInside ? frames.awaits(task, place, before) : undefined;
      // What V8 wraps around a value is no reaction.
      const reacts = stamp !== undefined || !isInside;
      if (stamp === undefined) {
        stamp = new PromiseStamp(task, before);
        stamp.place = place;
      }
      if (reacts) frames.reacts(stamp);
      if (!reacts || before === undefined) {
        // Nobody wakes it, or nobody can tell who.
      } else if (before.settled) {
        if (before.frame !== undefined) rejections.askLate(parent, before.frame);
        // Of a settled promise a reaction is queued at once, by whoever asks for it; at the end: where that is the
        // last act of the continuation that runs.
        const atEnd = frames.waitsAgain;
        stamp.queued = tasks.queue(task, stamp, execution.who(), atEnd, atEnd ? -1 : recorder.instant());
        if (!atEnd) recorder.publish();
      } else if (before.waiting === undefined) before.waiting = stamp;
      else if (Array.isArray(before.waiting)) before.waiting.push(stamp);
      else before.waiting = [before.waiting, stamp];
    }
    stampPromise(promise, stamp);
  }

  private promiseBefore(promise: object): void {
    const { execution, main, resources } = this.parts;
    const stamp = readPromiseStamp(promise);
    if (stamp === this.rejections.question) {
      this.rejections.answering = true;
      return;
    }
    resources.decide();
    if (stamp === undefined) {
      execution.goOn(main, causeKind.unknown, 0, undefined, 0, undefined);
      return;
    }
    const { parent, frame } = stamp;
    // Without a parent this is no reaction: the promise was resolved with another one and now begins to wait for it.
    // After its own reaction, that reaction gave the other promise; else nobody tells who did.
    const cause = stamp.ran ? stamp.task : parent?.settledBy;
    stamp.ran = true;
    // A chain of promises must not keep alive what is over.
    stamp.parent = undefined;
    const wake = stamp.queued ? stamp : undefined;
    stamp.queued = false;
    const unknown = cause === undefined && parent === undefined;
    const kind = unknown ? causeKind.turn : causedBy(cause);
    const own = stamp.isAwait ? frame : undefined;
    execution.goOn(stamp.task, kind, cause?.id ?? 0, wake, stamp.place.index, own);
  }

  private promiseSettled(promise: object): void {
    const stamp = readPromiseStamp(promise);
    if (stamp === undefined) return;
    // The stamp of a call's await is used again, by now maybe for the next one.
    if (stamp.frame?.wait === stamp) return;
    stamp.settled = true;
    // V8 settles the promise of an await itself, at the end of the continuation; nobody waits for it.
    if (stamp.isAwait) return;
    const { execution, frames } = this.parts;
    const by = execution.who();
    stamp.settledBy = by;
    const { waiting } = stamp;
    if (waiting !== undefined) {
      stamp.waiting = undefined;
      const tick = this.parts.recorder.instant();
      if (!Array.isArray(waiting)) this.queueReaction(waiting, by, tick);
      else for (const each of waiting) this.queueReaction(each, by, tick);
      this.rejections.ask(promise, stamp.frame, waiting, this.parts.recorder.lastTick);
    }
    const { kind } = stamp.place;
    if ((kind === placeKind.call || kind === placeKind.step) && stamp.task !== unseen) frames.settled(stamp);
  }

  private queueReaction(stamp: PromiseStamp, by: Task | undefined, tick: number): void {
    // A promise that V8 makes around a value is settled at once, and is no reaction though it names a parent.
    if (stamp.settled) return;
    const { recorder, tasks } = this.parts;
    stamp.queued = tasks.queue(stamp.task, stamp, by, false, tick);
    if (stamp.isAwait && stamp.frame !== undefined) this.wakeFrame(stamp.frame, by, tick);
    recorder.publish();
  }

  private wakeFrame(frame: Frame, by: Task | undefined, tick: number): void {
    const { execution, frames, recorder } = this.parts;
    const waker = frames.current();
    if (waker !== undefined) {
      recorder.frameWoken(frame.id, causeKind.frame, waker.id, tick);
      return;
    }
    const callback = execution.cause;
    const told =
      callback !== undefined && callback.cause !== causeKind.unknown && callback.cause !== causeKind.poll;
    if (told) recorder.frameWoken(frame.id, callback.cause, callback.causeId, tick);
    else recorder.frameWoken(frame.id, causedBy(by), by?.id ?? 0, tick);
  }

  /** An unref'ed immediate runs once per turn of the loop; it neither keeps the loop alive nor from parking. */
  private watch(): void {
    this.watching = true;
    this.asksForTurn = true;
    nextTurn(this.turnEnds).unref();
    this.asksForTurn = false;
  }

  private readonly turnEnds = (): void => {
    if (!this.on) {
      this.watching = false;
      return;
    }
    const { parks, execution, tasks, resources } = this.parts;
    // The park was told in the hook before this callback.
    parks.turn++;
    execution.endTopLevel();
    execution.endKeptPoll();
    tasks.settleEnds();
    resources.turnEnds();
    this.watch();
  };

  /** What the program made while nothing was recorded. */
  private adopted(resource: object): ResourceStamp | undefined {
    return this.pausedOnce ? this.parts.resources.adopt(resource, this.parts.main) : undefined;
  }
}

/** As kindOf, of a tick. */
const fromTick = -1;

/** The source whose callback runs. */
function sourceOfCallback(): Source | undefined {
  return readResourceStamp(executionAsyncResource())?.source;
}

/** What kind of callback it is, as a number below 0: what it makes first is predicted from that. */
function kindOf(stamp: ResourceStamp): number {
  return -(2 + stamp.role + 16 * stamp.type.length);
}
