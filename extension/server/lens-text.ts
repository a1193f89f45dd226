// Owns the words of a lens: pure, from what the trace knows of a spawn site.
import type { SiteSummary } from '../messages/queries.ts';
import { formatDuration } from '../trace/format.ts';

/** `100 tasks · ran 12.3 ms · waited 11.2 s (97 % source 127.0.0.1:4040) · queued 3.1 ms`. */
export function lensText(summary: SiteSummary): string {
  const parts = [
    `${count(summary.tasks, 'task')}${summary.alive > 0 ? ` (${summary.alive} alive)` : ''}`,
    `ran ${formatDuration(summary.runningNs)}`,
  ];
  if (summary.idleNs > 0) parts.push(`waited ${formatDuration(summary.idleNs)}${mostly(summary)}`);
  if (summary.scheduledNs > 0) parts.push(`queued ${formatDuration(summary.scheduledNs)}`);
  return parts.join(' · ');
}

/** What was waited for most, with the others when they matter (a tenth and more). */
function mostly(summary: SiteSummary): string {
  const share = (ns: number) => Math.round((100 * ns) / summary.idleNs);
  const named = summary.waits.filter((wait, i) => i === 0 || share(wait.ns) >= 10).slice(0, 3);
  if (named.length === 0) return '';
  return ` (${named.map((wait) => `${share(wait.ns)} % ${wait.on}`).join(', ')})`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
