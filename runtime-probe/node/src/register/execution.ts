// Owns what runs now: the stack of callbacks that Node has begun, the task of each, and the polls that they make.
// Knows nothing of hooks or of why a callback came.
import type { Frames } from './frames.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Frame } from './promise-stamps.ts';
import type { Task, Tasks, Wake } from './tasks.ts';
import { unseen } from './tasks.ts';
import type { Ticks } from './ticks.ts';

interface Callback {
  /** What is made in it belongs to this task; undefined where the loop itself makes something. */
  task: Task | undefined;
  /** Polls that it opened, outermost first: its own, and that of a request that was found to begin in it. */
  readonly polls: Task[];
  /** Opens its poll only when something is made in it, for this cause; see Execution.enterLazily. */
  lazy: boolean;
  cause: number;
  causeId: number;
}

export class Execution {
  private readonly tasks: Tasks;
  private readonly main: Task;
  private readonly frames: Frames;
  private readonly recorder: NodeRecorder;
  private readonly ticks: Ticks;
  private readonly stack: Callback[] = [];
  private depth = 0;
  /** See goesOn. */
  private keepsPoll = false;
  /** When the innermost lazy callback began. */
  private lazyTick = 0;
  private topLevel = true;
  private hidden = 0;
  /** Whose callback was the last one. */
  private last: Task | undefined;
  /**
   * Where promises are not looked at, what is made outside any callback belongs to the last one: it is made in the
   * microtasks behind it.
   */
  private lingers = false;

  constructor(parts: { tasks: Tasks; main: Task; frames: Frames; recorder: NodeRecorder; ticks: Ticks }) {
    this.tasks = parts.tasks;
    this.ticks = parts.ticks;
    this.main = parts.main;
    this.frames = parts.frames;
    this.recorder = parts.recorder;
    this.tasks.beginPoll(this.main, 0, 0, undefined, this.recorder.instant());
    this.recorder.publish();
  }

  /** Whether no callback runs. */
  get idle(): boolean {
    return this.depth === 0;
  }

  /** The task that what is made now belongs to; undefined when the loop makes it, outside any callback. */
  context(): Task | undefined {
    if (this.hidden > 0) return unseen;
    const top = this.stack[this.depth - 1];
    if (this.depth === 0 || top === undefined) return this.topLevel ? this.main : this.lingering;
    if (top.lazy) this.open(top, undefined, this.lazyTick);
    return top.task;
  }

  /** Whether promises are looked at from here on. */
  setPromises(heard: boolean): void {
    this.lingers = !heard;
    // What runs belongs to no call of a function any more; callbacks that end later find none.
    if (!heard) this.frames.reset();
  }

  private get lingering(): Task | undefined {
    if (!this.lingers || this.last === undefined) return undefined;
    // What the probe itself did makes nothing afterwards: it is the program, whose module was loaded meanwhile.
    return this.last === unseen ? this.main : this.tasks.inLife(this.last);
  }

  /** As context, but opens nothing; for telling who did something. */
  who(): Task | undefined {
    if (this.depth === 0) return this.topLevel ? this.main : undefined;
    return this.stack[this.depth - 1]?.task;
  }

  /** Why the innermost callback came, for whoever wakes in it; `poll` where a task's continuation runs. */
  get cause(): Readonly<Pick<Callback, 'cause' | 'causeId'>> | undefined {
    return this.depth === 0 ? undefined : this.stack[this.depth - 1];
  }

  /** A callback of the task begins. `from` says what kind of callback it is, as Sites.begin has it. */
  enter(task: Task | undefined, cause: number, causeId: number, from: number): void {
    if (this.goesOn(task, cause, causeId, from)) return;
    const callback = this.push(task, false, cause, causeId);
    if (!this.lingers) this.frames.begin(from, undefined);
    if (task !== undefined) this.open(callback, undefined, this.recorder.instant());
  }

  /** A continuation of the task begins that was queued with this wake: made at that place, and of that call. */
  goOn(
    task: Task,
    cause: number,
    causeId: number,
    wake: Wake | undefined,
    from: number,
    frame: Frame | undefined,
  ): void {
    const callback = this.push(task, false, cause, causeId);
    this.frames.begin(from, frame);
    this.open(callback, wake, this.recorder.takeInstant());
  }

  /** A callback that may turn out to belong to a task that does not exist yet: its poll waits for what comes. */
  enterLazily(task: Task | undefined, cause: number, causeId: number, from: number): void {
    if (this.goesOn(task, cause, causeId, from)) return;
    this.push(task, true, cause, causeId);
    this.lazyTick = this.recorder.instant();
    if (!this.lingers) this.frames.begin(from, undefined);
  }

  /** The innermost callback ends; a continuation, whose end another one follows before any tick, or another one. */
  leave(isContinuation: boolean): void {
    if (this.depth === 0) return;
    const { frames, recorder } = this;
    this.depth--;
    const callback = this.stack[this.depth];
    if (callback === undefined) return;
    const { polls } = callback;
    let keeps = false;
    const followed = isContinuation && this.tasks.anyQueued;
    if (this.depth === 0) {
      this.last = callback.task;
      keeps = !followed && polls.length === 1 && polls[0] === this.ticks.next;
      this.keepsPoll = keeps;
    }
    // Nothing of frames where promises are not heard.
    if ((keeps || polls.length === 0) && (this.lingers || !frames.tellsAtEnd)) {
      if (!this.lingers) frames.leave(0);
      return;
    }
    const tick = recorder.instant();
    const waiting = frames.leave(tick);
    if (!keeps && polls.length === 1) this.tasks.endPoll(polls.pop() as Task, waiting, tick);
    else {
      if (waiting !== undefined) recorder.frameWaits(waiting, tick);
      if (!keeps) this.endPolls(polls, tick);
    }
    if (this.tasks.anyQueued) recorder.keepInstant(tick);
    // What follows at once publishes this too.
    if (!followed) recorder.publish();
  }

  /**
   * A poll is not ended where a tick of the same task waits behind its callback, for that runs before the loop goes on:
   * the tick, and whatever else of the task comes before it, such as an HTTP parser's other callbacks for the same
   * read, go on with the poll. True when this callback does.
   */
  goesOn(task: Task | undefined, cause: number, causeId: number, from: number): boolean {
    const callback = this.stack[0];
    if (!this.keepsPoll || callback === undefined || callback.task !== task) return false;
    this.keepsPoll = false;
    this.depth = 1;
    callback.cause = cause;
    callback.causeId = causeId;
    if (!this.lingers) this.frames.begin(from, undefined);
    return true;
  }

  /** Whether the poll that is open belongs to a callback that is over; see goesOn. */
  get betweenCallbacks(): boolean {
    return this.keepsPoll;
  }

  /** Ends the poll that was kept: what follows is another task's. */
  endKeptPoll(): void {
    if (!this.keepsPoll) return;
    this.keepsPoll = false;
    this.endPolls(this.stack[0]?.polls ?? [], this.recorder.instant());
    this.recorder.publish();
  }

  /** What the innermost callback makes from here on belongs to a new task, which is polled in it. */
  switchToNew(name: string): Task {
    const { recorder, tasks } = this;
    const top = this.depth === 0 ? undefined : this.stack[this.depth - 1];
    // What a lazy callback did before was done for the task that it turns out to belong to.
    if (top?.lazy === true) recorder.beginTogetherAt(this.lazyTick);
    else recorder.beginTogether();
    const task = tasks.spawn(name, undefined);
    if (top !== undefined) {
      top.lazy = false;
      top.task = task;
      if (tasks.beginPoll(task, 0, 0, undefined, recorder.instant())) top.polls.push(task);
    }
    recorder.endTogether();
    return task;
  }

  /** Runs something of the probe's own, of which nothing is to be told. */
  hide<T>(work: () => T): T {
    this.beginHidden();
    try {
      return work();
    } finally {
      this.endHidden();
    }
  }

  /** As hide, for what cannot throw. */
  beginHidden(): void {
    this.hidden++;
  }

  endHidden(): void {
    this.hidden--;
  }

  /** The program's main script has run to its end, or to its first pause. */
  endTopLevel(): void {
    if (!this.topLevel) return;
    this.topLevel = false;
    this.last = this.main;
    if (!this.main.running) return;
    const tick = this.recorder.instant();
    this.frames.endTopLevel(tick);
    this.tasks.endPoll(this.main, undefined, tick);
    this.recorder.publish();
  }

  /** Forgets every callback. With `tell`, ends their polls. */
  reset(tell: boolean): void {
    if (tell) this.endKeptPoll();
    else if (this.keepsPoll) this.depth = 1;
    this.keepsPoll = false;
    this.ticks.clear();
    while (this.depth > 0) {
      if (tell) this.leave(false);
      else {
        this.depth--;
        for (const task of this.stack[this.depth]?.polls.splice(0) ?? []) task.running = false;
      }
    }
    this.frames.reset();
    if (tell) this.endTopLevel();
    else {
      this.topLevel = false;
      this.main.running = false;
    }
  }

  private push(task: Task | undefined, lazy: boolean, cause: number, causeId: number): Callback {
    if (this.depth === 0) {
      if (this.topLevel) this.endTopLevel();
      if (this.keepsPoll) this.endKeptPoll();
    }
    // Entries are used again, because there is one for each callback and continuation of the program.
    let callback = this.stack[this.depth];
    if (callback === undefined) {
      callback = { task, polls: [], lazy, cause, causeId };
      this.stack.push(callback);
    } else {
      callback.task = task;
      callback.lazy = lazy;
      callback.cause = cause;
      callback.causeId = causeId;
    }
    this.depth++;
    return callback;
  }

  private endPolls(polls: Task[], tick: number): void {
    for (let task = polls.pop(); task !== undefined; task = polls.pop())
      this.tasks.endPoll(task, undefined, tick);
  }

  private open(callback: Callback, wake: Wake | undefined, tick: number): void {
    callback.lazy = false;
    const { task } = callback;
    if (task === undefined) return;
    const living = this.tasks.inLife(task);
    callback.task = living;
    const { cause, causeId } = callback;
    if (this.tasks.beginPoll(living, cause, causeId, wake, tick)) callback.polls.push(living);
    this.frames.entered(tick);
    this.recorder.publish();
  }
}
