// Owns what is told of spans on the lanes of threads and pools: parks, turns, jobs, queues. A worker's poll is told as its task's.
// Knows nothing of lanes' order.
import { spanState } from '../../messages/lanes.ts';
import type { ExplanationStep } from '../../messages/queries.ts';
import { formatBytes, formatDuration, formatQuantity } from '../format.ts';
import { type DisjointSpans, firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Thread } from '../model/entities.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import { turnAround } from '../model/turn-cause.ts';
import { explainTask } from './explain-task.ts';
import { jobName, siteOf, taskName, threadName } from './names.ts';
import { doingsOf, listText } from './operations.ts';
import type { Summed } from './summaries.ts';
import type { Told } from './told.ts';
import { parkBefore, sentenceCase, step, timeOutText } from './wake-chain.ts';

interface Found {
  readonly index: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly open: boolean;
}

/** The span that holds the instant; one that is open also holds what comes after the last tick. */
function spanAt(spans: DisjointSpans, atNs: number, nowNs: number): Found | undefined {
  let index = firstEndingAfter(spans, atNs, nowNs);
  if (index === spans.count && index > 0 && spans.isOpen(index - 1)) index--;
  if (index >= spans.count || spans.startOf(index) > atNs) return undefined;
  return { index, fromNs: spans.startOf(index), toNs: spans.endOf(index, nowNs), open: spans.isOpen(index) };
}

const recorded = { certainty: 'recorded', site: null } as const;

export function explainReactor(view: Summed, thread: Thread, atNs: number): Told | null {
  const turn = spanAt(thread.turns, atNs, view.endNs);
  if (turn !== undefined) return explainTurn(view, thread, turn);
  const park = spanAt(thread.parks, atNs, view.endNs);
  if (park === undefined) return null;
  const { log } = thread;
  const number = thread.parks.refOf(park.index);
  const unpark = number - 1 < thread.turnLog.length ? thread.turnLog.get(number - 1) : -1;
  const parkLog = unpark >= 0 ? parkBefore(thread, unpark) : thread.parkLog.get(thread.parkLog.length - 1);
  const timeOut =
    parkLog >= 0 && log.nsOf(parkLog) === park.fromNs ? `, ${timeOutText(thread, parkLog)}` : '';
  const duration = formatDuration(park.toNs - park.fromNs);
  const steps: ExplanationStep[] = [
    step(
      'park',
      park.fromNs,
      `The thread parked in the operating system's readiness wait${timeOut}`,
      thread.reactorLane,
    ),
  ];
  let sentence = `Parked for ${duration} so far${timeOut}: nothing was ready and nothing was to be polled.`;
  if (!park.open) {
    const events = unpark >= 0 ? log.valueOf(unpark) : 0;
    const why =
      events === 0
        ? 'no source was ready (its time was up, or another thread woke it)'
        : `${formatQuantity(events, 'event')} came`;
    sentence = `Parked for ${duration}${timeOut}; the park ended because ${why}.`;
    steps.push(
      step(
        'unpark',
        park.toNs,
        `The park ended with ${formatQuantity(events, 'event')}; turn ${number} began`,
        thread.reactorLane,
      ),
    );
  }
  return { state: spanState.parked, ...spanHead(park), sentence, ...recorded, steps };
}

function spanHead(found: Found): Pick<Told, 'fromNs' | 'toNs' | 'open'> {
  return { fromNs: found.fromNs, toNs: found.toNs, open: found.open };
}

function explainTurn(view: Summed, thread: Thread, found: Found): Told {
  const number = thread.turns.refOf(found.index);
  const unpark = thread.turnLog.get(found.index);
  const range = turnAround(thread, unpark);
  const doings = doingsOf(view.model, thread, range.from + 1, range.to, thread.reactorLane, true);
  const readiness = doings.steps.filter((each) => each.kind === 'readiness').length;
  const did = [`reported ${formatQuantity(readiness, 'readiness event')}`];
  if (doings.wokenTasks > 0) did.push(`woke ${formatQuantity(doings.wokenTasks, 'task')}`);
  const duration = formatDuration(found.toNs - found.fromNs);
  const lasted = found.open ? `has lasted ${duration}` : `lasted ${duration}`;
  const sentence = `Turn ${number} of the reactor ${lasted}, up to the thread's next park, and ${listText(did)}. What the thread polled in between stands on its worker lane.`;
  return { state: spanState.turn, ...spanHead(found), sentence, ...recorded, steps: doings.steps };
}

export function explainWorker(view: Summed, thread: Thread, atNs: number): Told | null {
  const poll = spanAt(thread.polls, atNs, view.endNs);
  if (poll !== undefined) {
    const task = view.model.tasks[thread.polls.taskIndexOf(poll.index)];
    if (task === undefined) return null;
    const told = explainTask(view, task, atNs);
    if (told === null || told.state !== spanState.running) return null;
    return { ...told, sentence: `${sentenceCase(taskName(view.model, task.id))}: ${told.sentence}` };
  }
  const park = spanAt(thread.lockParks, atNs, view.endNs);
  if (park === undefined) return null;
  const duration = formatDuration(park.toNs - park.fromNs);
  const sentence = `${sentenceCase(threadName(view.model, thread))} was parked on a lock for ${duration}: it had nothing to poll, and another thread has the reactor.`;
  return { state: spanState.parkedOnLock, ...spanHead(park), sentence, ...recorded, steps: [] };
}

export function explainPoolThread(view: Summed, thread: Thread, atNs: number): Told | null {
  const { model } = view;
  const found = spanAt(thread.jobs, atNs, view.endNs);
  if (found === undefined) return null;
  const id = thread.jobs.refOf(found.index);
  const job = model.jobs.get(id);
  const name = jobName(model, id);
  const duration = formatDuration(found.toNs - found.fromNs);
  const steps: ExplanationStep[] = [];
  let submitted = ' Who submitted it, and when, was not recorded.';
  const site = siteOf(model, job?.site ?? 0);
  if (job !== undefined && !Number.isNaN(job.submitNs)) {
    const by = job.task === 0 ? '' : ` by ${taskName(model, job.task)}`;
    submitted = ` It was submitted${by} and stood ${formatDuration(Math.max(0, found.fromNs - job.submitNs))} in the queue.`;
    steps.push(step('job', job.submitNs, `Submitted${by}`, model.task(job.task)?.lane ?? -1, { site }));
  }
  steps.push(
    step('job', found.fromNs, `${sentenceCase(threadName(model, thread))} began it`, thread.poolLane),
  );
  const moved = job !== undefined && job.bytes > 0 ? ` and moved ${formatBytes(job.bytes)}` : '';
  if (!found.open) steps.push(step('job', found.toNs, `It ended${moved}`, thread.poolLane));
  const ran = found.open ? `has run for ${duration}` : `ran ${duration}`;
  const sentence = `${sentenceCase(name)} ${ran} on ${threadName(model, thread)}${moved}; there it may block without holding a worker.${submitted}`;
  return { state: spanState.job, ...spanHead(found), sentence, certainty: 'recorded', site, steps };
}

export function explainPool(view: Summed, pool: Pool, atNs: number): Told | null {
  const waiting = pool.waiting();
  const found = spanAt(waiting, atNs, view.endNs);
  if (found === undefined) return null;
  const count = waiting.refOf(found.index);
  const duration = formatDuration(found.toNs - found.fromNs);
  const limit = view.model.runtimes.get(pool.runtime)?.poolLimit ?? 0;
  const threads =
    limit > 0
      ? ` The pool may have up to ${formatQuantity(limit, 'thread')}.`
      : ' How many threads the pool may have is not known.';
  const sentence = view.model.jobThreadsRecorded
    ? `${sentenceCase(formatQuantity(count, 'blocking job'))} waited for a pool thread, for ${duration}.${threads}`
    : `${sentenceCase(formatQuantity(count, 'blocking job'))} in flight for ${duration}; when a thread began each is not recorded by this tier.${threads}`;
  return { state: spanState.queued, ...spanHead(found), sentence, ...recorded, steps: [] };
}

export function explainRing(view: Summed, ring: Ring, atNs: number): Told | null {
  const inFlight = ring.inFlight();
  const found = spanAt(inFlight, atNs, view.endNs);
  if (found === undefined) return null;
  const count = inFlight.refOf(found.index);
  const duration = formatDuration(found.toNs - found.fromNs);
  const were = count === 1 ? 'was' : 'were';
  const sentence = `${sentenceCase(formatQuantity(count, 'submission'))} ${were} under way in the kernel, for ${duration}; no thread of the program blocks for them. The reactor learns of a completion as it does of a socket's readiness.`;
  return { state: spanState.inFlight, ...spanHead(found), sentence, ...recorded, steps: [] };
}
