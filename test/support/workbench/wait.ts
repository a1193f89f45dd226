// Owns bounded waiting by polling, for what no event announces. It knows nothing of browsers or servers.

import { setTimeout as delay } from 'node:timers/promises';

/** Interval between two looks: short beside every wait here (0.1–10 s), long beside what one look costs. */
const POLL_INTERVAL_MS = 50;

/**
 * The first value of `probe` that is not undefined.
 *
 * @param what completes "no … within n ms" in the error
 * @throws Error when `timeoutMs` have passed; errors of `probe` pass through at once.
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() >= deadlineMs) throw new Error(`no ${what} within ${timeoutMs} ms`);
    await delay(POLL_INTERVAL_MS);
  }
}
