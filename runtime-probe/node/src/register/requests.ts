// Owns that each incoming HTTP request is a task, from its head to the end of its response.
// Knows nothing of hooks. Node's own resource for it is no help: there is one for each connection, not for each request.
import { executionAsyncResource } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Execution } from './execution.ts';
import { readResourceStamp, resourceRole } from './stamps.ts';
import type { Task, Tasks } from './tasks.ts';

const started = 'http.server.request.start';
const finished = 'http.server.response.finish';

interface RequestMessage {
  readonly request: { readonly method?: string; readonly url?: string };
  readonly response: object;
  readonly socket?: { readonly _handle?: object | null };
}

export class Requests {
  private readonly tasks: Tasks;
  private readonly execution: Execution;
  private readonly byResponse = new WeakMap<object, Task>();
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
    // Without its query: names are kept for the whole session, and queries are without number.
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const task = this.tasks.spawn(`${request.method ?? ''} ${path}`, undefined);
    this.byResponse.set(response, task);
    const parser = readResourceStamp(executionAsyncResource());
    // The rest of the request comes through the same parser, so it belongs to this task until the next one begins.
    if (parser?.role === resourceRole.parser) parser.task = task;
    const handle = socket?._handle ?? undefined;
    const source = handle === undefined ? undefined : readResourceStamp(handle)?.source;
    if (source !== undefined) source.serving = task;
    this.execution.switchTo(task);
  };

  private readonly finish = (message: unknown): void => {
    const task = this.byResponse.get((message as RequestMessage).response);
    if (task !== undefined) this.tasks.end(task, 'completed');
  };
}
