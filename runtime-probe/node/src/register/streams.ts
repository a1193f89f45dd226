// Owns that each request that came over HTTP/2 is a task, from the callback that announces it to its stream's end.
// Knows nothing of hooks or bytes.
//
// Node 20 and 22 have no diagnostics channel for it. What all versions do: the native stream is made, gets its owner,
// and the server's `stream` event, by which every handler is reached, is put off to a tick that carries the headers.
import type { NativeMethods } from './native-methods.ts';
import { readResourceStamp, type Source } from './stamps.ts';
import type { Task } from './tasks.ts';

/** Fields of Node's own objects that the probe reads. None is public; all may be missing. */
interface Handle {
  /** Only of a request that came. */
  readonly owner?: { readonly rstCode?: unknown };
}
interface Tick {
  readonly args?: readonly unknown[];
}

/** What is to be done with a request's task. */
export interface Serving {
  begin(method: string, path: string): Task;
  end(task: Task, outcome: 'completed' | 'cancelled'): void;
}

export class Streams {
  private readonly methods: NativeMethods;
  private serving: Serving | undefined;
  /** The stream that was made last, as long as no tick has announced it. */
  private newest: Handle | undefined;
  /** The requests under way, by their streams. */
  private readonly tasks = new WeakMap<object, Task>();

  constructor(methods: NativeMethods) {
    this.methods = methods;
  }

  serveBy(serving: Serving): void {
    this.serving = serving;
  }

  /** A native stream was made, for a request that came or one that goes out. */
  made(target: object): void {
    this.newest = target;
    this.methods.watch(target, 'destroy', (self) => this.destroyed(self));
  }

  /** Whether a tick that is made now may announce a request. */
  get anyUnannounced(): boolean {
    return this.newest !== undefined;
  }

  /** The task of the request that the tick announces, which came over that source; undefined when it announces none. */
  announcedBy(tick: Tick, source: Source | undefined): Task | undefined {
    const [, event, owner, headers] = tick.args ?? [];
    const handle = this.newest;
    if (event !== 'stream' || handle?.owner === undefined || handle.owner !== owner) return undefined;
    this.newest = undefined;
    const stamp = readResourceStamp(handle);
    if (stamp === undefined || this.serving === undefined) return undefined;
    const { ':method': method, ':path': path } = (headers ?? {}) as Record<string, unknown>;
    const task = this.serving.begin(textOf(method), textOf(path));
    stamp.task = task;
    stamp.source = source;
    this.tasks.set(handle, task);
    return task;
  }

  /** Nothing is looked at from here on. */
  pause(): void {
    this.newest = undefined;
  }

  /** The stream is over; a code other than 0 says that one side gave it up. */
  private destroyed(handle: Handle): void {
    const task = this.tasks.get(handle);
    if (task === undefined) return;
    this.tasks.delete(handle);
    this.serving?.end(task, handle.owner?.rstCode === 0 ? 'completed' : 'cancelled');
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
