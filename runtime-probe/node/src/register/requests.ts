// Owns that each incoming HTTP request is a task, from its head to the end of its response.
// Knows nothing of hooks. Node's own resource for it is no help: there is one for each connection, not for each request.
import { executionAsyncResource } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Execution } from './execution.ts';
import { readResourceStamp, resourceRole, type Source } from './stamps.ts';
import type { Task, Tasks } from './tasks.ts';

/** Node's own, as in hooks.ts. */
const nextTurn = setImmediate;

const started = 'http.server.request.start';
const finished = 'http.server.response.finish';

/** As many names of requests are kept, so that those that come again need not be put together again. */
const namesLimit = 1000;

interface RequestMessage {
  readonly request: { readonly method?: string; readonly url?: string };
  readonly response: object;
  readonly socket?: { readonly _handle?: object | null };
}

export class Requests {
  private readonly tasks: Tasks;
  private readonly execution: Execution;
  /** Of requests over something that is no handle, by their responses. To put one in costs 0.7 µs. */
  private readonly byResponse = new WeakMap<object, Task>();
  private readonly names = new Map<string, string>();
  /** Tasks whose streams are over. */
  private readonly over = new Map<Task, Task['outcome']>();
  private on = false;

  constructor(tasks: Tasks, execution: Execution) {
    this.tasks = tasks;
    this.execution = execution;
  }

  enable(): void {
    if (this.on) return;
    this.on = true;
    subscribe(started, this.start);
    subscribe(finished, this.finish);
  }

  disable(): void {
    if (!this.on) return;
    this.on = false;
    unsubscribe(started, this.start);
    unsubscribe(finished, this.finish);
  }

  private readonly start = (message: unknown): void => {
    const { request, response, socket } = message as RequestMessage;
    const task = this.execution.switchToNew(this.nameOf(request));
    const parser = readResourceStamp(executionAsyncResource());
    // The rest of the request comes through the same parser, so it belongs to this task until the next one begins.
    if (parser?.role === resourceRole.parser) parser.task = task;
    const source = sourceOf(socket);
    if (source === undefined) this.byResponse.set(response, task);
    else source.serving.push(task);
  };

  private readonly finish = (message: unknown): void => {
    const { response, socket } = message as RequestMessage;
    // Responses go out in the order of their requests.
    const task = sourceOf(socket)?.serving.shift() ?? this.byResponse.get(response);
    if (task !== undefined) this.tasks.end(task, 'completed');
  };

  /** A request of HTTP/2 is announced: its task, which the callbacks of its stream belong to. */
  begin(method: string, url: string): Task {
    return this.tasks.spawn(this.nameOf({ method, url }), undefined);
  }

  /**
   * Its stream is over, and so is the task, behind the immediates by which Node itself puts the stream in order. They
   * are queued by now or in this callback, so that they run before the second one from here.
   */
  end(task: Task, outcome: Task['outcome']): void {
    this.over.set(task, outcome);
    this.execution.hide(() => nextTurn(() => nextTurn(() => this.settle(task))));
  }

  /** Nothing follows any more. */
  settleAll(): void {
    for (const task of [...this.over.keys()]) this.settle(task);
  }

  private settle(task: Task): void {
    const outcome = this.over.get(task);
    if (outcome === undefined) return;
    this.over.delete(task);
    this.tasks.end(task, outcome);
  }

  private nameOf({ method = '', url = '' }: RequestMessage['request']): string {
    if (method === 'GET') {
      const known = this.names.get(url);
      if (known !== undefined) return known;
    }
    // Without its query: names are kept for the whole session, and queries are without number.
    const query = url.indexOf('?');
    const name = `${method} ${query < 0 ? url : url.slice(0, query)}`;
    if (method === 'GET' && this.names.size < namesLimit) this.names.set(url, name);
    return name;
  }
}

function sourceOf(socket: RequestMessage['socket']): Source | undefined {
  const handle = socket?._handle ?? undefined;
  return handle === undefined ? undefined : readResourceStamp(handle)?.source;
}
