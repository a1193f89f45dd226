// Owns join and select: several futures in one task, each a frame of it.
// Must not know the leaf futures. All branches share the task's waker, so one wake polls every branch that is not done.

import { Awaitable, type IntoFuture, isFuture, toFuture } from './coroutine.ts';
import { type FrameId, type FrameInfo, idSequence, observer } from './observe.ts';
import { Context, dropFuture, type Future, PENDING, type Poll, ready } from './poll.ts';
import { captureSite, type Site } from './site.ts';

const nextFrameId = idSequence();

/** One branch: a future and the frame that stands for it. */
export class Branch<T> implements Future<T> {
  readonly #future: Future<T>;
  readonly #kind: FrameInfo['kind'];
  readonly #name: string;
  readonly #site: Site | undefined;
  #frame: FrameId = 0;
  #context: Context | undefined;
  #over = false;

  constructor(future: Future<T>, kind: FrameInfo['kind'], name: string, site: Site | undefined) {
    this.#future = future;
    this.#kind = kind;
    this.#name = name;
    this.#site = site;
  }

  get over(): boolean {
    return this.#over;
  }

  poll(cx: Context): Poll<T> {
    const context = this.#contextIn(cx);
    observer?.frameEntered(this.#frame);
    let polled: Poll<T>;
    try {
      polled = this.#future.poll(context);
    } catch (error) {
      this.#over = true;
      observer?.frameLeft(this.#frame, 'panicked');
      observer?.frameEnded(this.#frame, 'panicked');
      throw error;
    }
    observer?.frameLeft(this.#frame, polled === PENDING ? 'pending' : 'ready');
    if (polled !== PENDING) {
      this.#over = true;
      observer?.frameEnded(this.#frame, 'completed');
    }
    return polled;
  }

  /** Cancels the branch unless it is over. */
  drop(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      dropFuture(this.#future);
    } finally {
      if (this.#frame !== 0) observer?.frameEnded(this.#frame, 'cancelled');
    }
  }

  /** The context that names this branch's frame. The frame is opened by the first poll, when its task is known. */
  #contextIn(cx: Context): Context {
    if (this.#frame === 0) {
      this.#frame = nextFrameId();
      observer?.frameOpened({
        frame: this.#frame,
        parent: cx.frame,
        task: cx.task,
        kind: this.#kind,
        site: this.#site,
        name: this.#name,
      });
    }
    if (this.#context?.waker !== cx.waker) this.#context = new Context(cx.waker, cx.task, this.#frame);
    return this.#context;
  }
}

/** Cancels all branches; the first error that a clean-up threw comes out after all were cancelled. */
function dropAll(branches: readonly Branch<unknown>[]): void {
  let failure: { readonly error: unknown } | undefined;
  for (const branch of branches) {
    try {
      branch.drop();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}

class Join<T> extends Awaitable<T[]> {
  readonly #branches: readonly Branch<T>[];
  readonly #values: T[];

  constructor(futures: readonly IntoFuture<T>[], site: Site | undefined) {
    super();
    this.#branches = futures.map(
      (future, i) => new Branch(toFuture(future), 'joinBranch', `branch ${i}`, site),
    );
    this.#values = new Array<T>(futures.length);
  }

  override poll(cx: Context): Poll<T[]> {
    let pending = false;
    for (const [i, branch] of this.#branches.entries()) {
      if (branch.over) continue;
      const polled = this.#pollBranch(branch, cx);
      if (polled === PENDING) pending = true;
      else this.#values[i] = polled.ready;
    }
    return pending ? PENDING : ready(this.#values);
  }

  drop(): void {
    dropAll(this.#branches);
  }

  /** A branch that throws cancels the others; its error is the join's. */
  #pollBranch(branch: Branch<T>, cx: Context): Poll<T> {
    try {
      return branch.poll(cx);
    } catch (error) {
      this.drop();
      throw error;
    }
  }
}

/** Which branch of a select was done first, and its value. */
export interface Selected<T> {
  readonly index: number;
  readonly value: T;
}

class Select<T> extends Awaitable<Selected<T>> {
  readonly #branches: readonly Branch<T>[];

  constructor(futures: readonly IntoFuture<T>[], site: Site | undefined) {
    super();
    if (futures.length === 0)
      throw new RangeError('select needs at least one future: of none, none is ever done');
    this.#branches = futures.map((f, i) => new Branch(toFuture(f), 'selectBranch', `branch ${i}`, site));
  }

  override poll(cx: Context): Poll<Selected<T>> {
    for (const [index, branch] of this.#branches.entries()) {
      let polled: Poll<T>;
      try {
        polled = branch.poll(cx);
      } catch (error) {
        this.drop();
        throw error;
      }
      if (polled !== PENDING) {
        this.drop();
        return ready({ index, value: polled.ready });
      }
    }
    return PENDING;
  }

  drop(): void {
    dropAll(this.#branches);
  }
}

type ValueOf<F> = F extends Future<infer T> ? T : F extends Generator<unknown, infer T, unknown> ? T : never;
type AnyInput = IntoFuture<unknown>;

/** Polls all branches until each is done; the values in the order of the branches. An error cancels the others. */
export function join<const F extends readonly AnyInput[]>(
  ...futures: F
): Awaitable<{ -readonly [K in keyof F]: ValueOf<F[K]> }> {
  const all = new Join<unknown>(futures, observer && captureSite(join));
  return all as unknown as Awaitable<{ -readonly [K in keyof F]: ValueOf<F[K]> }>;
}

/** As join, for a list whose branches have one type. */
export function joinAll<T>(futures: Iterable<IntoFuture<T>>): Awaitable<T[]> {
  // A future can be iterated too, for yield*.
  if (isFuture(futures)) {
    throw new TypeError('joinAll expects one list of futures: joinAll([a, b]), or join(a, b)');
  }
  return new Join<T>([...futures], observer && captureSite(joinAll));
}

/** Polls the branches in order until one is done; the others are cancelled. An error does the same. */
export function select<const F extends readonly AnyInput[]>(
  ...futures: F
): Awaitable<Selected<ValueOf<F[number]>>> {
  const first = new Select<unknown>(futures, observer && captureSite(select));
  return first as unknown as Awaitable<Selected<ValueOf<F[number]>>>;
}
