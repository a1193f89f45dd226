// Owns the numbers in words: a lane's one-line summary, a task's facts, the summaries of spawn sites.
// Knows nothing of single spans or causes.

import { laneKind, type SpanState, spanState } from '../../messages/lanes.ts';
import type { SiteSummary } from '../../messages/queries.ts';
import { formatDuration, formatQuantity } from '../format.ts';
import { pageColumn } from '../model/columns.ts';
import { coveredUntil, type DisjointSpans } from '../model/disjoint-spans.ts';
import type { Task, Thread } from '../model/entities.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import type { Lane, Model } from '../model/model.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import type { SectionRow } from '../model/sections.ts';
import type { SiteSums, Sums } from '../model/sums.ts';
import { siteOf } from './names.ts';

export interface Summed {
  readonly model: Model;
  readonly sums: Sums;
  readonly endNs: number;
}

/** What was waited for in each idle state, as a word. */
export const idleWords: readonly (readonly [SpanState, string])[] = [
  [spanState.idleSource, 'source'],
  [spanState.idleTimer, 'timer'],
  [spanState.idleJob, 'job'],
  [spanState.idleTask, 'task'],
  [spanState.idleResource, 'resource'],
  [spanState.idleUnknown, 'unknown'],
];

/** ns that one task spent in each state up to now; index is the state. */
export function timesOf(view: Summed, task: Task): Float64Array {
  const life = view.sums.lifeOf(task);
  const times = life.sums.slice(pageColumn.states, pageColumn.states + 10);
  times[0] = 0;
  if (life.openState !== 0)
    times[life.openState] = (times[life.openState] as number) + Math.max(0, view.endNs - life.openFromNs);
  return times;
}

export function laneSummary(view: Summed, lane: Lane): string {
  switch (lane.kind) {
    case laneKind.task:
      return taskSummary(view, lane.owner as Task);
    case laneKind.reactor: {
      const thread = lane.owner as Thread;
      const turns = formatQuantity(thread.turns.count, 'turn');
      return `${turns}, parked ${formatDuration(coveredTotal(thread.parks, view.endNs))}`;
    }
    case laneKind.worker: {
      const thread = lane.owner as Thread;
      const polls = formatQuantity(thread.polls.count, 'poll');
      return `${polls}, ran ${formatDuration(coveredTotal(thread.polls, view.endNs))}`;
    }
    case laneKind.poolThread: {
      const thread = lane.owner as Thread;
      const jobs = formatQuantity(thread.jobs.count, 'job');
      return `${jobs}, ran ${formatDuration(coveredTotal(thread.jobs, view.endNs))}`;
    }
    case laneKind.poolQueue:
      return poolSummary(lane.owner as Pool, view);
    case laneKind.ring:
      return ringSummary(lane.owner as Ring);
    case laneKind.section:
      return sectionSummary(lane.owner as SectionRow, view);
    case laneKind.frame:
      return frameSummary(lane.owner as FrameRow, view);
    default:
      return '';
  }
}

function poolSummary(pool: Pool, view: Summed): string {
  const waiting = pool.waiting();
  const now = waiting.hasOpen ? waiting.refOf(waiting.count - 1) : 0;
  const word = view.model.jobThreadsRecorded ? 'waiting' : 'in flight';
  return `${formatQuantity(pool.jobs, 'job')} submitted, ${now} ${word} now`;
}

function sectionSummary(row: SectionRow, view: Summed): string {
  const { sections } = view.model;
  const spans = formatQuantity(row.spans.count, 'span');
  const loose = row.task === 0 && row.depth === 0 && sections.markCount > 0;
  const marks = loose ? `, ${formatQuantity(sections.markCount, 'mark')}` : '';
  const hidden = sections.hiddenOf(row.task);
  return `${spans}${marks}${hidden === 0 ? '' : `; ${formatQuantity(hidden, 'span')} deeper than can be drawn`}`;
}

function frameSummary(row: FrameRow, view: Summed): string {
  const open = row.frames.filter((frame) => Number.isNaN(frame.endNs)).length;
  const hidden = row.depth === 0 ? view.model.frames.hiddenOf(row.task, row.folds) : 0;
  const deep = hidden === 0 ? '' : `; ${formatQuantity(hidden, 'call')} of the task deeper than can be drawn`;
  const inside = row.frames.reduce((sum, frame) => sum + (row.folded ? frame.foldedCalls : 0), 0);
  const folded = inside === 0 ? '' : `; ${inside} more inside, folded`;
  return `${formatQuantity(row.frames.length, 'call')}, ${open} not over${folded}${deep}`;
}

function ringSummary(ring: Ring): string {
  const inFlight = ring.inFlight();
  const now = inFlight.hasOpen ? inFlight.refOf(inFlight.count - 1) : 0;
  return `${formatQuantity(ring.submissions, 'submission')}, ${now} under way now`;
}

function coveredTotal(spans: DisjointSpans, endNs: number): number {
  return coveredUntil(spans, spans.count, endNs, endNs);
}

function taskSummary(view: Summed, task: Task): string {
  const times = timesOf(view, task);
  const parts = [
    formatQuantity(task.polls, 'poll'),
    `ran ${formatDuration(times[spanState.running] as number)}`,
    `scheduled ${formatDuration(times[spanState.scheduled] as number)}`,
  ];
  for (const [state, word] of idleWords) {
    const ns = times[state] as number;
    if (ns > 0) parts.push(`idle on ${word} ${formatDuration(ns)}`);
  }
  const gapNs = times[spanState.gap] as number;
  if (gapNs > 0) parts.push(`not recorded ${formatDuration(gapNs)}`);
  return parts.join(', ');
}

/** Totals of a task that add up to its life, for the details pane. */
export function taskFacts(view: Summed, task: Task): { label: string; value: string }[] {
  const times = timesOf(view, task);
  const total = times.reduce((sum, ns) => sum + ns, 0);
  const fact = (label: string, ns: number) => ({
    label,
    value: total > 0 ? `${formatDuration(ns)} (${percent(ns / total)})` : formatDuration(ns),
  });
  const facts = [
    { label: 'Life', value: formatDuration(total) },
    { label: 'Polls', value: String(task.polls) },
    fact('Running', times[spanState.running] as number),
    fact('Scheduled', times[spanState.scheduled] as number),
  ];
  for (const [state, word] of idleWords) {
    const ns = times[state] as number;
    if (ns > 0) facts.push(fact(`Idle on ${word}`, ns));
  }
  const gapNs = times[spanState.gap] as number;
  if (gapNs > 0) facts.push(fact('Not recorded', gapNs));
  return facts;
}

function percent(part: number): string {
  const value = part * 100;
  return value > 0 && value < 0.1 ? '< 0.1 %' : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

/** One summary for each spawn site that is known, most idle and busy time first. */
export function siteSummaries(view: Summed): SiteSummary[] {
  view.sums.settle();
  const summaries: SiteSummary[] = [];
  for (const [id, sums] of view.sums.sites) {
    const site = siteOf(view.model, id);
    if (site !== null && sums.tasks > 0) summaries.push({ site, ...siteNumbers(sums, view.endNs) });
  }
  return summaries.sort((x, y) => y.tasks - x.tasks || x.site.line - y.site.line);
}

function siteNumbers(sums: SiteSums, endNs: number): Omit<SiteSummary, 'site'> {
  const waits = idleWords
    .map(([state, on]) => ({ on, ns: sums.stateNs(state, endNs) }))
    .filter((wait) => wait.ns > 0)
    .sort((x, y) => y.ns - x.ns);
  return {
    tasks: sums.tasks,
    alive: sums.alive,
    polls: sums.polls,
    runningNs: sums.stateNs(spanState.running, endNs),
    scheduledNs: sums.stateNs(spanState.scheduled, endNs),
    idleNs: waits.reduce((total, wait) => total + wait.ns, 0),
    waits,
  };
}
