// Owns structured scopes: a scope ends when all its children have ended, and a child's failure cancels the others.
// Must not know the children's work.
//
//   body ──ready──► children left? ──none──► the body's value
//     │                  └─ some ──► waits for the oldest that lives, then for the next …
//     └─throws, or a child panics ──► all others are cancelled ──► the first error

import { Branch } from './combine.ts';
import { type Async, Awaitable, toFuture } from './coroutine.ts';
import { observer } from './observe.ts';
import { type Context, PENDING, type Poll, type Ready, ready } from './poll.ts';
import { currentRuntime, type Spawnable, type SpawnOptions } from './runtime.ts';
import { captureSite, type Site } from './site.ts';
import { type JoinHandle, type TaskResult, warnOfPanic } from './task.ts';
import { WaitList } from './wait-list.ts';

/** Where a scope's body spawns. */
export class Scope {
  readonly #site: Site | undefined;
  readonly #waiter = new WaitList();
  /** Those that live, oldest first. */
  readonly #children = new Set<JoinHandle<unknown>>();
  /** The child that the scope's wait names. */
  #awaited: JoinHandle<unknown> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #over = false;

  constructor(site: Site | undefined) {
    this.#site = site;
  }

  /** Spawns a child. If it panics the scope ends with its error; if it is aborted by its handle the scope goes on. */
  spawn<T>(work: Spawnable<T>, options: SpawnOptions = {}): JoinHandle<T> {
    if (this.#over) throw new Error('this scope is over: spawn inside its body or one of its children');
    const site = observer && captureSite(this.spawn);
    const handle: JoinHandle<T> = currentRuntime().spawnAt(work, options, site, (result) =>
      this.#childEnded(handle, result),
    );
    this.#children.add(handle);
    return handle;
  }

  /** For the scope's future only: the first failure, if there is one. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** For the scope's future only: a failure of its body counts as one of a child. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** For the scope's future only: whether all children have ended; if not the waker is stored. */
  pollChildren(cx: Context, wait: boolean): boolean {
    const [oldest] = this.#children;
    if (oldest === undefined) return true;
    this.#waiter.store(this, cx.waker);
    this.#awaited = wait ? oldest : undefined;
    if (wait) observer?.waitStarted(cx.frame, { kind: 'task', id: oldest.id }, this.#site);
    return false;
  }

  /** For the scope's future only: cancels what lives. Nothing can be spawned afterwards. */
  close(): void {
    this.#over = true;
    this.#waiter.remove(this);
    for (const child of this.#children) child.abort();
  }

  #childEnded(child: JoinHandle<unknown>, result: TaskResult<unknown>): void {
    this.#children.delete(child);
    if (result.outcome === 'panicked') {
      // Only the first failure is the scope's; one more, of clean-up code mostly, must not vanish.
      if (this.#failure !== undefined) warnOfPanic(child.info, result.error);
      this.fail(result.error);
      this.#waiter.wakeAll();
    } else if (child === this.#awaited) this.#waiter.wakeAll();
  }
}

class ScopeFuture<T> extends Awaitable<T> {
  readonly #scope: Scope;
  readonly #body: Branch<T>;
  #value: Ready<T> | undefined;

  constructor(body: (scope: Scope) => Async<T>, site: Site | undefined) {
    super();
    this.#scope = new Scope(site);
    this.#body = new Branch(toFuture(body(this.#scope)), 'joinBranch', 'scope body', site);
  }

  override poll(cx: Context): Poll<T> {
    this.#pollBody(cx);
    const scope = this.#scope;
    if (scope.failure === undefined) {
      // While the body still waits for something of its own, that is what the task waits for.
      if (!scope.pollChildren(cx, this.#value !== undefined)) return PENDING;
      if (this.#value === undefined) return PENDING;
    }
    try {
      this.drop();
    } catch (error) {
      scope.fail(error);
    }
    if (scope.failure !== undefined) throw scope.failure.error;
    return this.#value ?? PENDING;
  }

  /** Cancels the body, then the children. An error of the body's clean-up comes out after all were cancelled. */
  drop(): void {
    try {
      this.#body.drop();
    } finally {
      this.#scope.close();
    }
  }

  #pollBody(cx: Context): void {
    if (this.#value !== undefined || this.#scope.failure !== undefined) return;
    try {
      const polled = this.#body.poll(cx);
      if (polled !== PENDING) this.#value = ready(polled.ready);
    } catch (error) {
      this.#scope.fail(error);
    }
  }
}

/**
 * Runs the body and waits for every task that it spawned in the scope. The first error, of the body or of a child,
 * cancels the rest and is thrown. When the scope itself is cancelled, so is all inside it: no task outlives it.
 */
export function scope<T>(body: (scope: Scope) => Async<T>): Awaitable<T> {
  return new ScopeFuture(body, observer && captureSite(scope));
}
