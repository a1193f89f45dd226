// Owns the debugger's stops as a viewer gets them: when, why, and which task the stopped thread polled.
import type { ViewportAnswer } from '../../messages/queries.ts';
import { taskLabel } from '../analysis/names.ts';
import { firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Stop, Thread } from '../model/entities.ts';
import type { Model } from '../model/model.ts';

const stopReasons = ['unknown', 'breakpoint', 'step', 'pause', 'exception', 'entry'] as const;

/**
 * Stops that overlap the interval, and the one that goes on wherever it is: it begins where the trace ends for now, which
 * an interval of whole pixels up to there may miss by a rounding.
 */
export function stopsWithin(
  model: Model,
  fromNs: number,
  toNs: number,
  endNs: number,
  limit: number,
): ViewportAnswer['stops'] {
  const isOpen = (stop: Stop) => stop.toNs === Number.POSITIVE_INFINITY;
  return model.stops
    .filter((stop) => isOpen(stop) || (stop.toNs > fromNs && stop.fromNs < toNs))
    .slice(0, limit)
    .map((stop) => ({
      fromNs: stop.fromNs,
      toNs: Math.min(stop.toNs, Math.max(stop.fromNs, endNs)),
      open: isOpen(stop),
      reason: stopReasons[stop.reason] ?? 'unknown',
      ...taskAt(model, stop),
    }));
}

/** What the stopped thread polled; nothing where nobody knows which one that is, or it polled nothing then. */
function taskAt(model: Model, stop: Stop): { task: string; lane: number } {
  const polls = stoppedThread(model, stop)?.polls;
  if (polls !== undefined) {
    const at = firstEndingAfter(polls, stop.fromNs, Number.POSITIVE_INFINITY);
    const task =
      at < polls.count && polls.startOf(at) <= stop.fromNs ? model.task(polls.refOf(at)) : undefined;
    if (task !== undefined) return { task: taskLabel(model, task.id), lane: task.lane };
  }
  return { task: '', lane: -1 };
}

/** Node's debuggers number threads in their own way, but one thread of a session polls at all. */
function stoppedThread(model: Model, { osThread }: Stop): Thread | undefined {
  if (osThread !== 0) return model.threads.find(({ osId }) => osId === osThread);
  return model.runsOnNode() ? model.threads.find(({ polls }) => polls.count > 0) : undefined;
}
