// Owns the chain of causes behind a wake: readiness, turn and park; timer; job; the poll of another task and what woke that.
// Every link says how sure it is. Knows nothing of which span was asked about.
import { causeKind, eventKind, jobKind, parkKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import type { ExplanationStep } from '../../messages/queries.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { coveredUntil, type DisjointSpans, firstEndingAfter } from '../model/disjoint-spans.ts';
import type { Job, Submission, Task, Thread, ThreadLog } from '../model/entities.ts';
import { pageAt } from '../model/pages.ts';
import { epochAt, pollIn, type WakeRecord, wakeIn } from '../model/records.ts';
import { turnAround } from '../model/turn-cause.ts';
import {
  causeName,
  jobName,
  siteOf,
  sourceName,
  submissionName,
  taskName,
  textOf,
  threadName,
} from './names.ts';
import type { Summed } from './summaries.ts';

/** Tasks that a chain goes back through at most. */
const chainLimit = 8;
/** Log entries that are searched at most for a readiness before a wake. */
const searchLimit = 20_000;

export interface Chain {
  /** Oldest first. */
  readonly steps: ExplanationStep[];
  /** How the wait came to its end: "the kernel reported it readable, and the reactor's turn 37 woke the task". */
  readonly ending: string;
  /** Why the poll ran, after "because": "the reactor's turn 37 woke it for 127.0.0.1:4040 (fd 14)". */
  readonly because: string;
}

export function step(
  kind: ExplanationStep['kind'],
  atNs: number,
  text: string,
  lane: number,
  more: Partial<ExplanationStep> = {},
): ExplanationStep {
  return { atNs, kind, text, certainty: 'recorded', rule: '', site: null, lane, ...more };
}

/** The lane on which a thread's own doing is shown. */
export function laneOfThread(thread: Thread): number {
  if (thread.workerLane >= 0) return thread.workerLane;
  return thread.reactorLane >= 0 ? thread.reactorLane : thread.poolLane;
}

/** Covered time of the spans between two instants. */
export function coveredBetween(spans: DisjointSpans, fromNs: number, toNs: number, nowNs: number): number {
  if (toNs <= fromNs) return 0;
  const at = (ns: number) => coveredUntil(spans, firstEndingAfter(spans, ns, nowNs), ns, nowNs);
  return at(toNs) - at(fromNs);
}

/** The chain behind a wake of `task`, which waited from `fromNs` on. */
export function chainOfWake(
  view: Summed,
  task: Task,
  wake: WakeRecord,
  fromNs: number,
  seen: Set<number>,
): Chain {
  const { model } = view;
  seen.add(task.id);
  const certain = { certainty: wake.certainty, rule: wake.rule };
  const woken = (text: string, lane: number) => step('wake', wake.ns, text, lane, certain);
  const target = taskName(model, task.id);
  switch (wake.kind) {
    case causeKind.source:
      return sourceChain(view, wake, fromNs, target);
    case causeKind.timer:
      return timerChain(view, wake, target);
    case causeKind.job:
      return jobChain(view, wake, target);
    case causeKind.submission:
      return submissionChain(view, wake, target);
    case causeKind.poll:
      return pollChain(view, wake, target, seen);
    case causeKind.turn:
      return turnChain(view, wake, target);
    case causeKind.thread: {
      const name = threadName(model, model.thread(wake.id) ?? wake.thread);
      return {
        steps: [woken(`Code outside any poll on ${name} woke ${target}`, laneOfThread(wake.thread))],
        ending: `code outside any poll on ${name} woke the task`,
        because: `code outside any poll on ${name} woke it`,
      };
    }
    case causeKind.unknown:
      return {
        steps: [woken(`${target} was woken; by what is not known`, laneOfThread(wake.thread))],
        ending: 'it was woken, but by which of several wakes is not known',
        because: 'it was woken, but by which of several wakes is not known',
      };
    default: {
      const name = causeName(model, wake.kind, wake.id);
      const steps = [woken(`${sentenceCase(name)} woke ${target}`, -1)];
      return { steps, ending: `${name} woke the task`, because: `${name} woke it` };
    }
  }
}

/** A wake between polls, of which no more is known than the turn: with what the turn brought, where that was nothing. */
function turnChain({ model }: Summed, wake: WakeRecord, target: string): Chain {
  const certain = { certainty: wake.certainty, rule: wake.rule };
  const steps = turnSteps(wake.thread, wake.log);
  const lane = wake.thread.reactorLane;
  const unpark = turnAround(wake.thread, wake.log).from;
  // Node's loop does not count what a turn brings; whoever else tells of a wake by the turn does.
  if (!model.runsOnNode() && unpark >= 0 && wake.thread.log.valueOf(unpark) === 0) {
    const why = 'with no source ready: it had yielded, or a timer was due';
    const text = `After a turn with no source ready the runtime woke ${target}: it had yielded, or a timer was due`;
    return {
      steps: [...steps, step('wake', wake.ns, text, lane, certain)],
      ending: `the runtime woke the task after a turn ${why}`,
      because: `the runtime woke it after a turn ${why}`,
    };
  }
  const text = `A turn of the reactor woke ${target}`;
  return {
    steps: [...steps, step('wake', wake.ns, text, lane, certain)],
    ending: 'a turn of the reactor woke the task, for which source is not known',
    because: 'a turn of the reactor woke it, for which source is not known',
  };
}

/** The park that ended before the log entry, and its end: the turn in which the entry stands. */
function turnSteps(thread: Thread, log: number): ExplanationStep[] {
  const turn = turnAround(thread, log);
  if (turn.from < 0) return [];
  const steps: ExplanationStep[] = [];
  const unparkNs = thread.log.nsOf(turn.from);
  const park = parkBefore(thread, turn.from);
  const number = thread.log.idOf(turn.from);
  if (park >= 0) {
    const parkNs = thread.log.nsOf(park);
    const text = `The reactor parked for ${formatDuration(unparkNs - parkNs)}, ${timeOutText(thread, park)}`;
    steps.push(step('park', parkNs, text, thread.reactorLane));
  }
  const events = thread.log.valueOf(turn.from);
  const what =
    thread.log.detailOf(turn.from) === parkKind.reactor ? `turn ${number} began` : 'the thread went on';
  steps.push(
    step(
      'unpark',
      unparkNs,
      `The park ended with ${events === 1 ? '1 event' : `${events} events`}; ${what}`,
      thread.reactorLane,
    ),
  );
  return steps;
}

/** Log index of the last park before an entry; -1 when there is none. */
export function parkBefore(thread: Thread, log: number): number {
  let low = 0;
  let high = thread.parkLog.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (thread.parkLog.get(middle) < log) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : thread.parkLog.get(low - 1);
}

/** A park's time-out in words. The wire adds one, so that 0 can say that there is none. */
export function timeOutText(thread: Thread, park: number): string {
  const timeOut = thread.log.valueOf(park);
  const timer = thread.log.idOf(park);
  if (timeOut === 0) return 'until something happens';
  if (timeOut === 1) return 'only looking';
  const from = timer === 0 ? '' : `, which is when timer ${timer} is due`;
  return `for at most ${formatDuration(timeOut - 1)}${from}`;
}

function sourceChain(view: Summed, wake: WakeRecord, fromNs: number, target: string): Chain {
  const { model } = view;
  const { thread } = wake;
  const name = sourceName(model, wake.id);
  const site = siteOf(model, model.sources.get(wake.id)?.site ?? 0);
  const readiness = lastReadiness(thread, wake.id, wake.log);
  const certain = { certainty: wake.certainty, rule: wake.rule };
  const turn = readiness >= 0 ? turnAround(thread, readiness) : turnAround(thread, wake.log);
  const turnNumber = turn.from >= 0 ? thread.log.idOf(turn.from) : 0;
  const turnName = turnNumber > 0 ? `the reactor's turn ${turnNumber}` : 'the reactor';
  const steps = turnSteps(thread, readiness >= 0 ? readiness : wake.log);
  if (readiness >= 0)
    steps.push(
      step(
        'readiness',
        thread.log.nsOf(readiness),
        `The kernel reported ${name} ${readyText(thread.log, readiness)}`,
        thread.reactorLane,
        { site },
      ),
    );
  steps.push(
    step(
      'wake',
      wake.ns,
      `${sentenceCase(turnName)} woke ${target} for ${name}`,
      thread.reactorLane,
      certain,
    ),
  );
  const parkedNs = coveredBetween(thread.parks, fromNs, wake.ns, view.endNs);
  const parked = parkedNs > 0 ? `the reactor was parked ${formatDuration(parkedNs)} of it; ` : '';
  const ready = readiness >= 0 ? `the kernel reported it ${readyText(thread.log, readiness)}, and ` : '';
  const inferred = wake.certainty === 'inferred' ? ' (inferred from the operation that followed)' : '';
  return {
    steps,
    ending: `${parked}${ready}${turnName} woke the task${inferred}`,
    because: `${turnName} woke it for ${name}${inferred}`,
  };
}

/** The last readiness of the source before that entry of the log; -1 when none is found. */
function lastReadiness(thread: Thread, source: number, log: number): number {
  const stop = Math.max(0, log - searchLimit);
  for (let i = log - 1; i >= stop; i--)
    if (thread.log.kindOf(i) === eventKind.readiness && thread.log.idOf(i) === source) return i;
  return -1;
}

const readinessWords: readonly (readonly [number, string])[] = [
  [1, 'readable'],
  [2, 'writable'],
  [4, 'closed for reading'],
  [8, 'closed for writing'],
  [16, 'in error'],
  [32, 'with urgent data'],
];

/** "readable", "readable with 64 bytes in its buffer". */
export function readyText(log: ThreadLog, readiness: number): string {
  const mask = log.detailOf(readiness);
  const words = readinessWords.filter(([bit]) => (mask & bit) !== 0).map(([, word]) => word);
  // The wire adds one, so that 0 can say that nobody asked.
  const waiting = log.valueOf(readiness) - 1;
  const bytes = waiting > 0 ? ` with ${formatBytes(waiting)} in its buffer` : '';
  return (words.length === 0 ? 'ready' : words.join(' and ')) + bytes;
}

function timerChain(view: Summed, wake: WakeRecord, target: string): Chain {
  const { thread } = wake;
  const timer = view.model.timers.get(wake.id);
  const lane = thread.reactorLane >= 0 ? thread.reactorLane : laneOfThread(thread);
  const steps: ExplanationStep[] = [];
  if (timer !== undefined && !Number.isNaN(timer.setNs))
    steps.push(
      step(
        'timer',
        timer.setNs,
        `Timer ${wake.id} was set to ${formatDuration(timer.delayNs)}`,
        timer.task === 0 ? -1 : (view.model.task(timer.task)?.lane ?? -1),
      ),
    );
  steps.push(...turnSteps(thread, wake.log));
  const late = timer === undefined ? '' : ` ${formatDuration(timer.latenessNs)} after its deadline`;
  if (timer !== undefined && !Number.isNaN(timer.fireNs))
    steps.push(step('timer', timer.fireNs, `Timer ${wake.id} fired${late}`, lane));
  steps.push(step('wake', wake.ns, `Timer ${wake.id} woke ${target}`, lane, { certainty: wake.certainty }));
  return {
    steps,
    ending: `the timer fired${late} and woke the task`,
    because: `timer ${wake.id} fired${late} and woke it`,
  };
}

function jobChain(view: Summed, wake: WakeRecord, target: string): Chain {
  const { model } = view;
  const job = model.jobs.get(wake.id);
  const name = jobName(model, wake.id);
  const steps: ExplanationStep[] = [];
  let ending = `its completion woke the task`;
  const runner = job === undefined || job.thread < 0 ? undefined : model.threads[job.thread];
  if (job !== undefined) {
    const submitter = job.task === 0 ? -1 : (model.task(job.task)?.lane ?? -1);
    const site = siteOf(model, job.site);
    if (!Number.isNaN(job.submitNs))
      steps.push(
        step('job', job.submitNs, `${sentenceCase(name)} was ${handedTo(job)}`, submitter, { site }),
      );
    if (!Number.isNaN(job.startNs) && runner !== undefined)
      steps.push(
        step(
          'job',
          job.startNs,
          `${sentenceCase(threadName(model, runner))} began it${queuedText(job.submitNs, job.startNs)}`,
          runner.poolLane,
        ),
      );
    const error = textOf(model, job.error);
    const ended = error === '' ? 'It ended' : `It failed: ${error}`;
    if (error !== '') ending = `it failed (${error}), which woke the task`;
    if (!Number.isNaN(job.endNs)) steps.push(step('job', job.endNs, ended, runner?.poolLane ?? -1));
    if (!Number.isNaN(job.startNs) && !Number.isNaN(job.endNs))
      ending = `${Number.isNaN(job.submitNs) ? 'it' : `it stood ${formatDuration(job.startNs - job.submitNs)} in the pool's queue,`} ran ${formatDuration(job.endNs - job.startNs)}${runner === undefined ? '' : ` on ${threadName(model, runner)}`}, and ${ending}`;
  }
  steps.push(
    step(
      'wake',
      wake.ns,
      `${sentenceCase(name)} woke ${target}`,
      runner?.poolLane ?? laneOfThread(wake.thread),
      { certainty: wake.certainty },
    ),
  );
  return { steps, ending, because: `${name} was done and woke it` };
}

const handedTo = (job: Job): string =>
  job.jobKind === jobKind.query
    ? "sent to a name server, over a socket of the resolver's own"
    : 'submitted to the pool';

function queuedText(submitNs: number, startNs: number): string {
  return Number.isNaN(submitNs)
    ? ''
    : ` after ${formatDuration(Math.max(0, startNs - submitNs))} in the queue`;
}

function submissionChain(view: Summed, wake: WakeRecord, target: string): Chain {
  const { model } = view;
  const { thread } = wake;
  const submission = model.submissions.get(wake.id);
  const name = submissionName(model, wake.id);
  const lane = thread.reactorLane >= 0 ? thread.reactorLane : laneOfThread(thread);
  const ring = model.rings.get(submission?.source ?? 0);
  const ringLane = ring?.lane ?? lane;
  const steps: ExplanationStep[] = [];
  let ending = 'the kernel completed it, and that woke the task';
  if (submission !== undefined && !Number.isNaN(submission.submitNs)) {
    const beside = submission.depth > 1 ? ` as number ${submission.depth} under way` : '';
    const text = `${sentenceCase(name)} was put into the io_uring${beside}`;
    steps.push(step('job', submission.submitNs, text, ringLane));
  }
  steps.push(...turnSteps(thread, wake.log));
  const readiness = submission === undefined ? -1 : lastReadiness(thread, submission.source, wake.log);
  if (submission !== undefined && readiness >= 0)
    steps.push(
      step(
        'readiness',
        thread.log.nsOf(readiness),
        `The kernel reported completions in ${sourceName(model, submission.source)}`,
        lane,
      ),
    );
  if (submission !== undefined && !Number.isNaN(submission.completeNs)) {
    const text = `The kernel's completion of ${name} was taken: ${resultText(submission)}`;
    steps.push(step('job', submission.completeNs, text, ringLane));
    if (!Number.isNaN(submission.submitNs)) {
      const tookNs = Math.max(0, submission.completeNs - submission.submitNs);
      ending = `its completion (${resultText(submission)}) was taken ${formatDuration(tookNs)} after its submission, and that woke the task`;
    }
  }
  steps.push(step('wake', wake.ns, `Its completion woke ${target}`, lane, { certainty: wake.certainty }));
  return { steps, ending, because: `the kernel completed ${name} and that woke it` };
}

/** What the kernel answered: a number of bytes where some were asked for, else that it was done, or the error. */
function resultText({ result, bytes }: Submission): string {
  if (result < 0) return `error ${-result}`;
  return bytes > 0 ? formatBytes(result) : 'done';
}

/** Through the poll that made the wake to what had woken that, and so on. */
function pollChain(view: Summed, wake: WakeRecord, target: string, seen: Set<number>): Chain {
  const { model } = view;
  const waker = model.task(wake.id);
  const name = taskName(model, wake.id);
  if (waker === undefined)
    return {
      steps: [step('wake', wake.ns, `${sentenceCase(name)} woke ${target}`, -1)],
      ending: `${name} woke it`,
      because: `${name} woke it`,
    };
  const itself = name === target;
  const epoch = epochBefore(view, waker, wake.ns);
  const byEnd = hadEnded(waker, wake);
  const text = itself
    ? `${sentenceCase(target)} woke itself`
    : byEnd
      ? `The end of ${name} woke ${target}`
      : `${sentenceCase(name)} woke ${target}, in its poll ${epoch}`;
  const steps = [step('wake', wake.ns, text, waker.lane, { certainty: wake.certainty })];
  const because = itself
    ? 'it woke itself'
    : byEnd
      ? `the end of ${name} woke it`
      : `${name} woke it in its poll ${epoch}`;
  if (seen.has(wake.id) || seen.size >= chainLimit || epoch === 0) return { steps, ending: because, because };
  const slot = model.slotOf(waker, epoch);
  const poll = pollIn(model, slot);
  if (poll !== undefined)
    steps.unshift(step('poll', poll.startNs, `Poll ${epoch} of ${name} began`, waker.lane));
  if (epoch < 2) return { steps, ending: because, because };
  const before = model.slotOf(waker, epoch - 1);
  const cause = wakeIn(model, before, slot);
  const previous = pollIn(model, before);
  if (cause === undefined) return { steps, ending: because, because };
  const chain = chainOfWake(view, waker, cause, previous?.endNs ?? cause.ns, seen);
  return { steps: [...chain.steps, ...steps], ending: because, because };
}

/** A task that was over woke who waited for its end: its runtime did, right after it. */
export function hadEnded(waker: Task, wake: Pick<WakeRecord, 'ns'>): boolean {
  return waker.taskEndNs <= wake.ns;
}

function epochBefore(view: Summed, task: Task, ns: number): number {
  const last = task.pages.length - 1;
  if (last < 0) return 0;
  view.sums.preparePages(task, last);
  return epochAt(view.model, task, pageAt(view.model, task, ns), ns);
}

export function sentenceCase(text: string): string {
  return text === '' ? text : text[0]?.toUpperCase() + text.slice(1);
}
