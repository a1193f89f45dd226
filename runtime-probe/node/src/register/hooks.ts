// Owns Node's hooks: what they tell is turned into callbacks, polls and resources.
// Knows nothing of the wire. A hook that throws ends the program, so none may.
//
// Promises come through v8.promiseHooks, which hand in the promise itself; async_hooks give only ids, and ids would
// have to be kept in a map that nothing empties. From Node 24 on async_hooks can be told to leave promises alone.
import { type AsyncHook, createHook, executionAsyncResource, type HookCallbacks } from 'node:async_hooks';
import { promiseHooks } from 'node:v8';
import { causeKind } from '../wire/index.ts';
import type { Execution } from './execution.ts';
import type { InheritedHandle } from './inherited.ts';
import type { Parks } from './parks.ts';
import type { Resources } from './resources.ts';
import { peerOf } from './sources.ts';
import {
  type PromiseStamp,
  type ResourceStamp,
  readPromiseStamp,
  readResourceStamp,
  resourceRole,
  stampPromise,
  stampResource,
} from './stamps.ts';
import { causedBy, type Task, type Tasks, unseen } from './tasks.ts';
import { renewsTheDate } from './timers.ts';

/** From this Node on createHook takes `trackPromises`. */
const tracksPromisesByChoice = 24;

export interface HookParts {
  readonly nodeMajor: number;
  readonly tasks: Tasks;
  readonly main: Task;
  readonly execution: Execution;
  readonly resources: Resources;
  readonly parks: Parks;
}

export class Hooks {
  private readonly parts: HookParts;
  private readonly hook: AsyncHook;
  private readonly promisesApart: boolean;
  private stopPromises: (() => void) | undefined;
  private on = false;
  private watching = false;
  private closePatched = false;

  constructor(parts: HookParts) {
    this.parts = parts;
    this.promisesApart = parts.nodeMajor >= tracksPromisesByChoice;
    const callbacks: HookCallbacks = {
      init: (id, type, trigger, resource) => this.made(id, type, trigger, resource),
      before: () => this.before(),
      after: () => this.after(),
    };
    this.hook = createHook(
      this.promisesApart ? Object.assign(callbacks, { trackPromises: false }) : callbacks,
    );
  }

  enable(): void {
    if (this.on) return;
    this.on = true;
    this.parts.parks.restart();
    this.stopPromises = promiseHooks.createHook({
      init: (promise, parent) => this.promiseMade(promise, parent),
      before: (promise) => this.promiseBefore(promise),
      after: () => this.parts.execution.leave(),
      settled: (promise) => this.promiseSettled(promise),
    }) as () => void;
    this.hook.enable();
    if (!this.watching) this.parts.execution.hide(() => this.watch());
  }

  disable(): void {
    if (!this.on) return;
    this.on = false;
    this.hook.disable();
    this.stopPromises?.();
    this.parts.resources.pause();
  }

  /** A handle that is older than the hooks is the main task's. */
  adopt({ type, handle, asyncId }: InheritedHandle): void {
    if (readResourceStamp(handle) !== undefined) return;
    const { resources, main } = this.parts;
    stampResource(handle, resources.describe(type, asyncId, 0, main, handle));
    if (type !== 'MESSAGEPORT' && !this.closePatched) this.watchClosing(handle);
  }

  private made(id: number, type: string, trigger: number, resource: object): void {
    if (type === 'PROMISE') return;
    const { execution, resources, main } = this.parts;
    let task = execution.context();
    // What the loop makes outside any callback is a connection that it accepted; else it is the program's start.
    if ((task === undefined && !type.endsWith('WRAP')) || renewsTheDate(type, resource)) task = main;
    if (readResourceStamp(resource) !== undefined) return;
    const stamp = resources.describe(type, id, trigger, task, resource);
    stampResource(resource, stamp);
    if (stamp.role !== resourceRole.handle || this.closePatched) return;
    // Ports have a close() of their own.
    if (type !== 'MESSAGEPORT') this.watchClosing(resource);
  }

  private before(): void {
    const resource = executionAsyncResource();
    if (!this.promisesApart && resource instanceof Promise) return;
    const { execution, resources, tasks } = this.parts;
    resources.decide();
    const stamp = readResourceStamp(resource);
    // What was made before the recording began is no part of the program: the writer thread, a debugger's own.
    if (stamp === undefined || stamp.task === unseen) {
      this.outermost();
      execution.enter(unseen, 0, 0);
      return;
    }
    if (stamp.type !== 'TickObject' && stamp.type !== 'Microtask') this.outermost();
    const cause = resources.calledBack(stamp, resource);
    if (stamp.role === resourceRole.parser) {
      // A parser calls back for the next request before anybody knows that there is one.
      const over = stamp.task === undefined || tasks.isOver(stamp.task);
      execution.enterLazily(over ? undefined : stamp.task, cause.kind, cause.id);
      return;
    }
    execution.enter(this.taskOf(stamp, resource), cause.kind, cause.id);
  }

  /** A callback of the loop itself: what came before it is done, and the loop may have been parked. */
  private outermost(): void {
    if (!this.parts.execution.idle) return;
    this.parts.tasks.settleEnds();
    this.parts.parks.look();
  }

  private after(): void {
    if (!this.promisesApart && executionAsyncResource() instanceof Promise) return;
    this.parts.resources.decide();
    this.parts.execution.leave();
  }

  /** The task of a resource; an accepted connection becomes one when it first calls back by itself. */
  private taskOf(stamp: ResourceStamp, resource: object): Task | undefined {
    if (stamp.task !== undefined) return stamp.task;
    // The close of a connection that never had a task of its own is no work of the program.
    if (stamp.source?.open !== true) return undefined;
    const peer = peerOf(resource);
    stamp.task = this.parts.tasks.spawn(peer === '' ? 'connection' : `connection ${peer}`, undefined);
    return stamp.task;
  }

  private promiseMade(promise: object, parent: object | undefined): void {
    const { execution, main } = this.parts;
    const before = parent === undefined ? undefined : readPromiseStamp(parent);
    const stamp: PromiseStamp = {
      task: execution.context() ?? main,
      parent: before,
      settled: false,
      settledBy: undefined,
      waiting: undefined,
      queued: false,
      wokenBy: undefined,
      ran: false,
    };
    stampPromise(promise, stamp);
    if (before === undefined) return;
    // Of a settled promise a reaction is queued at once, by whoever asks for it.
    if (before.settled) stamp.queued = this.parts.tasks.queue(stamp.task, stamp, execution.who());
    else if (before.waiting === undefined) before.waiting = stamp;
    else if (Array.isArray(before.waiting)) before.waiting.push(stamp);
    else before.waiting = [before.waiting, stamp];
  }

  private promiseBefore(promise: object): void {
    const { execution, main, resources } = this.parts;
    resources.decide();
    const stamp = readPromiseStamp(promise);
    if (stamp === undefined) {
      execution.enter(main, causeKind.unknown, 0);
      return;
    }
    const { parent } = stamp;
    // Without a parent this is no reaction: the promise was resolved with another one and now begins to wait for it.
    // After its own reaction, that reaction gave the other promise; else nobody tells who did.
    const cause = stamp.ran ? stamp.task : parent?.settledBy;
    stamp.ran = true;
    // A chain of promises must not keep alive what is over.
    stamp.parent = undefined;
    const wake = stamp.queued ? stamp : undefined;
    stamp.queued = false;
    if (cause === undefined && parent === undefined) execution.enter(stamp.task, causeKind.turn, 0, wake);
    else execution.enter(stamp.task, causedBy(cause), cause?.id ?? 0, wake);
  }

  private promiseSettled(promise: object): void {
    const stamp = readPromiseStamp(promise);
    if (stamp === undefined) return;
    const by = this.parts.execution.who();
    stamp.settled = true;
    stamp.settledBy = by;
    const { waiting } = stamp;
    if (waiting === undefined) return;
    stamp.waiting = undefined;
    // For `await 5` V8 makes a promise that is settled at once, and names the call's own promise as its parent.
    if (!Array.isArray(waiting)) this.queueReaction(waiting, by);
    else for (const each of waiting) this.queueReaction(each, by);
  }

  private queueReaction(stamp: PromiseStamp, by: Task | undefined): void {
    // For `await 5` V8 makes a promise that is settled at once, and names the call's own promise as its parent.
    if (!stamp.settled) stamp.queued = this.parts.tasks.queue(stamp.task, stamp, by);
  }

  /** An unref'ed immediate runs once per turn of the loop; it neither keeps the loop alive nor from parking. */
  private watch(): void {
    this.watching = true;
    setImmediate(() => {
      if (!this.on) {
        this.watching = false;
        return;
      }
      // The park was told in the hook before this callback.
      this.parts.parks.turn++;
      this.parts.tasks.settleEnds();
      this.parts.resources.turnEnds();
      this.parts.execution.hide(() => this.watch());
    }).unref();
  }

  /** Without `destroy` hooks only the call of close() says that a handle is gone. All handles share one close(). */
  private watchClosing(handle: object): void {
    let owner: object | null = Object.getPrototypeOf(handle);
    while (owner !== null && !Object.hasOwn(owner, 'close')) owner = Object.getPrototypeOf(owner);
    const close: unknown = owner === null ? undefined : Reflect.get(owner, 'close');
    if (owner === null || typeof close !== 'function') return;
    this.closePatched = true;
    const closing = (target: object): void => this.closing(target);
    Reflect.set(owner, 'close', function (this: object, ...args: unknown[]): unknown {
      closing(this);
      return Reflect.apply(close, this, args);
    });
  }

  private closing(handle: object): void {
    const stamp = readResourceStamp(handle);
    if (stamp === undefined || !this.on) return;
    // The client has gone, or the program hung up, before the response was written.
    const { serving } = stamp.source ?? {};
    if (serving !== undefined) this.parts.tasks.end(serving, 'cancelled');
    this.parts.resources.sources.closing(stamp);
  }
}
