// Owns how long data (or a connection) had been ready in the operating system before a task took it.
// Knows nothing of why the task came no earlier.
import {
  eventKind,
  operationKind,
  operationOutcome,
  readinessBit,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { operationDetail, type Thread, type ThreadLog } from '../model/entities.ts';
import type { Model } from '../model/model.ts';

/** Log entries of one thread that are searched at most. */
const searchLimit = 5_000;

/**
 * From the kernel's last report of the source as readable to this operation, in ns: what was taken had been there for
 * that long at least. Undefined when the operation took nothing, and when another one came between: what that one left
 * is not known. The report may stand on another thread; clocks of threads differ by some ns, so this is a duration, never a cause.
 */
export function waitInBuffer(model: Model, thread: Thread, operation: number): number | undefined {
  const { log } = thread;
  if (!takes(log, operation, true)) return undefined;
  const source = log.idOf(operation);
  const ns = log.nsOf(operation);
  let latestNs = Number.NEGATIVE_INFINITY;
  let isReport = false;
  for (const each of model.threads) {
    const from = each === thread ? operation : each.log.firstAt(ns);
    const found = lastOf(each.log, source, from);
    if (found < 0 || each.log.nsOf(found) < latestNs) continue;
    latestNs = each.log.nsOf(found);
    isReport = each.log.kindOf(found) === eventKind.readiness;
  }
  return isReport ? ns - latestNs : undefined;
}

/** The last report of the source as readable, or operation that may have taken of it, before an entry. */
function lastOf(log: ThreadLog, source: number, from: number): number {
  const stop = Math.max(0, from - searchLimit);
  for (let i = from - 1; i >= stop; i--) {
    if (log.idOf(i) !== source) continue;
    const kind = log.kindOf(i);
    if (kind === eventKind.readiness && (log.detailOf(i) & readinessBit.readable) !== 0) return i;
    if (kind === eventKind.operation && takes(log, i, false)) return i;
  }
  return -1;
}

function takes(log: ThreadLog, operation: number, withSuccess: boolean): boolean {
  const detail = log.detailOf(operation);
  const kind = detail & operationDetail.kindMask;
  if (kind !== operationKind.read && kind !== operationKind.accept) return false;
  if (!withSuccess) return true;
  const outcome = (detail >> operationDetail.outcomeShift) & operationDetail.outcomeMask;
  // A read of nothing is the end of the stream, which waits for nobody.
  return outcome === operationOutcome.done && (kind === operationKind.accept || log.valueOf(operation) > 0);
}
