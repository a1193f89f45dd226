// Owns what a program may say of itself: spans, markers, names of tasks. Without a recording each costs one look-up.
// Must not start anything. It works beside `wakeline/register` and `init()` alike, for it asks whoever records.
import { captureSite } from './executor/site.ts';
import { annotations } from './probe/one-recording.ts';

/** A span that is open. */
export interface OpenSpan {
  /** Ends it; once. */
  end(): void;
}

/**
 * Runs `work` inside a span of this name, which ends when `work` returns or throws, or when the promise that it returns
 * is settled. Gives back what `work` gave; of a promise one that is settled alike.
 */
export function span<T>(name: string, work: () => T): T {
  const recording = annotations();
  if (recording === undefined) return work();
  const id = recording.spanOpened(name, captureSite(span));
  const close = (): void => recording.spanClosed(id);
  let result: T;
  try {
    result = work();
  } catch (error) {
    close();
    throw error;
  }
  if (result instanceof Promise) return result.finally(close) as T;
  close();
  return result;
}

/** Begins a span that the caller ends. */
export function startSpan(name: string): OpenSpan {
  const recording = annotations();
  const id = recording?.spanOpened(name, captureSite(startSpan)) ?? 0;
  return { end: () => recording?.spanClosed(id) };
}

/** Marks this instant. `value` is a whole number, shown beside the name. */
export function marker(name: string, value = 0): void {
  annotations()?.marked(name, value);
}

/** Gives the task that runs now this name in the timeline. */
export function nameTask(name: string): void {
  annotations()?.taskNamed(name);
}
