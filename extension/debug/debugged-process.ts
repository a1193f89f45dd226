// Owns which process, and which thread of Node's, a debug session stands for, as far as its adapter tells it.
// Pure: it reads configurations and messages. Where nothing is told it says so; nobody guesses.
import type { DebuggedPart } from '../messages/queries.ts';

/** What of a debug session is looked at; `vscode.DebugSession` has it. */
export interface SessionLike {
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly parentSession?: SessionLike | undefined;
}

/** js-debug's name of a process: its script and, in brackets, its process id; `server.js [4711]`. */
const processName = /(?:^| )\[(\d+)\]$/;
/** The inspector's title of a worker thread, which begins with Node's `threadId`: `[worker 2] name`. */
const workerName = /^\[worker (\d+)\]/;

/**
 * js-debug makes a debug session for each process and, below it, one for each worker thread. It sends no `process`
 * event, but the configurations of those sessions are its own, with the name that it gave the target (1.117); a user's
 * own configuration, whatever its name, has no target.
 */
export function partOfNodeSession(session: SessionLike): DebuggedPart | undefined {
  let thread = 0;
  for (let each: SessionLike | undefined = session; each !== undefined; each = each.parentSession) {
    const { __pendingTargetId: target, name } = each.configuration;
    if (target === undefined || typeof name !== 'string') return undefined;
    const worker = workerName.exec(name)?.[1];
    if (worker === undefined) {
      const pid = Number(processName.exec(name)?.[1] ?? 0);
      return pid > 0 ? { pid, nodeThread: thread } : undefined;
    }
    // A worker thread may have been started by another: the innermost is the session's own.
    if (thread === 0) thread = Number(worker);
  }
  return undefined;
}

/**
 * The process that an adapter's `process` event tells; undefined for every other message. lldb-dap 19 sends one before
 * the first stop. All its threads stand together, so no thread is named.
 */
export function processTold(message: unknown): DebuggedPart | undefined {
  const { type, event, body } = fieldsOf(message);
  if (type !== 'event' || event !== 'process') return undefined;
  const { systemProcessId: pid, isLocalProcess } = fieldsOf(body);
  // A process of another machine has an id of that machine.
  if (isLocalProcess === false || typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0)
    return undefined;
  return { pid };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
