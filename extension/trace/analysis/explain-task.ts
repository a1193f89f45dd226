// Owns what is told of one interval of a task's life: why it waited, stood in the queue, ran. Knows nothing of other lanes.
import {
  causeKind,
  endOutcome,
  interestBit,
  pollOutcome,
  taskKind,
  taskState,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type SourceSite, type SpanState, spanFlag, spanState } from '../../messages/lanes.ts';
import type { ExplanationStep } from '../../messages/queries.ts';
import { formatCount, formatDuration, formatQuantity } from '../format.ts';
import { none } from '../model/columns.ts';
import type { Task } from '../model/entities.ts';
import { type LifeSink, LifeWalk, walkFlag } from '../model/life.ts';
import { pageAt } from '../model/pages.ts';
import {
  type PollRecord,
  pollIn,
  type WaitRecord,
  type WakeRecord,
  waitsIn,
  wakeIn,
} from '../model/records.ts';
import { awaitChains, awaitedAt, placeOfWait } from './await-chains.ts';
import { type Blame, blameOf, starvedBy } from './blame.ts';
import { type Handing, handingBefore, holdersNow } from './holders.ts';
import { causeName, siteOf, taskName, threadName } from './names.ts';
import { doingsOf, listText } from './operations.ts';
import { looksAt } from './poll-looks.ts';
import type { Summed } from './summaries.ts';
import type { Told } from './told.ts';
import { chainOfWake, hadEnded, laneOfThread, sentenceCase, step } from './wake-chain.ts';

/** Waits of a join that are named in a sentence. */
const namedWaits = 3;
/** A poll from which on it is said whom it starved: below, nobody would call it long. */
const longPollNs = 1_000_000;

interface Interval {
  readonly state: SpanState;
  readonly fromNs: number;
  readonly toNs: number;
  readonly flags: number;
  readonly epoch: number;
  readonly slot: number;
}

/** Finds the interval that holds an instant: the first that ends after it, else the last of the life. */
class IntervalAt implements LifeSink {
  private readonly atNs: number;
  found: Interval | undefined;

  constructor(atNs: number) {
    this.atNs = atNs;
  }

  interval(
    state: SpanState,
    fromNs: number,
    toNs: number,
    flags: number,
    epoch: number,
    slot: number,
  ): boolean {
    if (fromNs > this.atNs) return true;
    // What took no time is found only where nothing else is, or where it is a poll.
    const empty = toNs === fromNs && (flags & walkFlag.poll) === 0;
    if (!empty || this.found === undefined) this.found = { state, fromNs, toNs, flags, epoch, slot };
    return toNs > this.atNs;
  }
}

export function intervalAt(view: Summed, task: Task, atNs: number): Interval | null {
  const last = task.pages.length - 1;
  if (last >= 0) view.sums.preparePages(task, last);
  const sink = new IntervalAt(atNs);
  const from = last < 0 ? 0 : pageAt(view.model, task, atNs);
  new LifeWalk(view.model).walk(task, from, task.pages.length, sink);
  const { found } = sink;
  if (found === undefined) return null;
  const open = (found.flags & spanFlag.open) !== 0;
  return found.toNs < atNs && !open ? null : found;
}

export function explainTask(view: Summed, task: Task, atNs: number): Told | null {
  const interval = intervalAt(view, task, atNs);
  if (interval === null) return null;
  const head = {
    state: interval.state,
    fromNs: interval.fromNs,
    toNs: interval.toNs,
    open: (interval.flags & spanFlag.open) !== 0,
  };
  const stopped = view.model.stopOverlaps(interval.fromNs, interval.toNs)
    ? ' A debugger held the program for part of it, so it is left out of all statistics.'
    : '';
  const told = tellInterval(view, task, interval);
  return { ...head, ...told, sentence: told.sentence + stopped };
}

type Telling = Pick<Told, 'sentence' | 'certainty' | 'site' | 'steps' | 'stacks'>;

function tellInterval(view: Summed, task: Task, interval: Interval): Telling {
  if (interval.state === spanState.running) return tellRunning(view, task, interval);
  if (interval.state === spanState.scheduled) return tellScheduled(view, task, interval);
  if (interval.state === spanState.gap) return tellGap(view, task, interval);
  return tellIdle(view, task, interval);
}

/** "127.0.0.1:4040 (fd 14) to become readable". */
function waitText(view: Summed, wait: WaitRecord): string {
  const name = causeName(view.model, wait.onKind, wait.onId);
  if (wait.onKind === causeKind.poll) return `${name} to end`;
  if (wait.onKind !== causeKind.source) return name;
  const both = interestBit.readable | interestBit.writable;
  if ((wait.interest & both) === both) return `${name} to become readable or writable`;
  if ((wait.interest & interestBit.writable) !== 0) return `${name} to become writable`;
  return (wait.interest & interestBit.readable) !== 0 ? `${name} to become readable` : name;
}

/** What the waits are for, in words; the wake's own cause when no wait says it. */
function waitedFor(view: Summed, waits: readonly WaitRecord[], wake: WakeRecord | undefined): string {
  const answering =
    wake === undefined ? undefined : waits.find((w) => w.onKind === wake.kind && w.onId === wake.id);
  const known = wake !== undefined && wake.kind !== causeKind.unknown && wake.kind !== causeKind.turn;
  const told = waits.filter((wait) => wait.onKind !== causeKind.unknown);
  if (told.length === 0) {
    const names = known && wake.kind !== causeKind.thread ? causeName(view.model, wake.kind, wake.id) : '';
    const waker = wake?.kind === causeKind.poll ? view.model.task(wake.id) : undefined;
    if (wake !== undefined && waker !== undefined && hadEnded(waker, wake)) return `${names} to end`;
    if (names !== '') return names;
    return awaitedAt(view.model, waits);
  }
  const texts = told.slice(0, namedWaits).map((wait) => waitText(view, wait));
  if (told.length === 1) return texts[0] ?? '';
  const all =
    told.length > namedWaits
      ? `${texts.join(', ')} and ${formatCount(told.length - namedWaits)} more`
      : listText(texts);
  const first = answering === undefined ? '' : `; ${waitText(view, answering)} came first`;
  return `${formatQuantity(told.length, 'thing')} at once (${all})${first}`;
}

/** What the waits are for and where they stand in the source, as far as chains of awaits tell that. */
function awaitedText(view: Summed, waits: readonly WaitRecord[], wake: WakeRecord | undefined): string {
  const { model } = view;
  const what = waitedFor(view, waits, wake);
  const [only] = waits;
  if (waits.length === 1 && only?.count === 1) return what + placeOfWait(model, only);
  const isNamed = waits.some(({ onKind }) => onKind !== causeKind.unknown);
  if (isNamed || waits.every(({ stack }) => stack === 0)) return what;
  // The wake names one thing, and nobody knows at which of the places it was awaited.
  const places = awaitedAt(model, waits);
  return places === what ? what : `${what} while it awaited ${places}`;
}

/** A join of 10,000 would make a sentence nobody reads; more waits than this are only counted. */
const countedWaits = 10_000;

function siteOfWait(
  view: Summed,
  waits: readonly WaitRecord[],
  wake: WakeRecord | undefined,
): SourceSite | null {
  const answering = waits.find((w) => wake !== undefined && w.onKind === wake.kind && w.onId === wake.id);
  return siteOf(view.model, (answering ?? waits[0])?.site ?? 0);
}

function tellIdle(view: Summed, task: Task, interval: Interval): Telling {
  const { model } = view;
  const { slot, fromNs, toNs } = interval;
  const duration = formatDuration(toNs - fromNs);
  if (slot === none) return tellSnapshotIdle(view, task, interval);
  const pollSlot = model.slotOf(task, interval.epoch + 1);
  const wake = wakeIn(model, slot, pollSlot);
  const waits = waitsIn(model, slot, countedWaits);
  const site = siteOfWait(view, waits, wake);
  const handing = handingOf(view, waits, wake);
  const what = `${awaitedText(view, waits, wake)}${handing.clause}`;
  const stacks = awaitChains(model, waits);
  const begin = step(
    'wait',
    fromNs,
    `Poll ${interval.epoch} returned pending: ${taskName(model, task.id)} waits for ${what}`,
    task.lane,
    { site },
  );
  if (wake === undefined) {
    const poll = pollIn(model, pollSlot);
    if (poll === undefined)
      return {
        sentence: `Waiting for ${what}, for ${duration} so far; nothing has woken it yet.`,
        certainty: 'recorded',
        site,
        steps: [begin],
        stacks,
      };
    const sentence = `Waited ${duration} for ${what}; then it was polled without a wake (a spurious poll).`;
    const steps = [begin, pollStep(task, interval.epoch + 1, poll)];
    return { sentence, certainty: 'unknown', site, steps, stacks };
  }
  const chain = chainOfWake(view, task, wake, fromNs, new Set());
  const after = whatFollowed(view, task, interval.epoch + 1, Math.max(wake.ns, fromNs));
  return {
    sentence: `Waited ${duration} for ${what}; ${chain.ending}${after.clause}.`,
    certainty: wake.certainty,
    site,
    steps: inOrder([begin, ...handing.steps, ...chain.steps], after.steps),
    stacks,
  };
}

/** Who held or gave what was waited for, where that is one resource. */
function handingOf(view: Summed, waits: readonly WaitRecord[], wake: WakeRecord | undefined): Handing {
  const [wait, ...more] = waits;
  if (wait?.onKind !== causeKind.resource || more.length > 0) return { clause: '', steps: [] };
  return wake === undefined
    ? { clause: holdersNow(view.model, wait.onId), steps: [] }
    : handingBefore(view.model, wake, wait.onId);
}

function tellSnapshotIdle(view: Summed, task: Task, interval: Interval): Telling {
  const { snapshot } = task;
  const what =
    snapshot === undefined
      ? 'something that was not recorded'
      : causeName(view.model, snapshot.onKind, snapshot.onId);
  const duration = formatDuration(interval.toNs - interval.fromNs);
  return {
    sentence: `Waited for ${what} when recording began, and for ${duration} after; what came before was not recorded.`,
    certainty: 'recorded',
    site: siteOf(view.model, snapshot?.site ?? 0),
    steps: [
      step(
        'wait',
        interval.fromNs,
        `Recording began while ${taskName(view.model, task.id)} waited for ${what}`,
        task.lane,
      ),
    ],
  };
}

/** The queue, the poll and its first operation, after a wake. */
function whatFollowed(
  view: Summed,
  task: Task,
  epoch: number,
  wokenNs: number,
): { clause: string; steps: ExplanationStep[] } {
  const { model } = view;
  const poll = pollIn(model, model.slotOf(task, epoch));
  if (poll === undefined) return { clause: '; it has not been polled since', steps: [] };
  const startNs = Math.max(poll.startNs, wokenNs);
  const queued = queueText(view, poll, wokenNs, startNs);
  const steps = [...queued.steps, pollStep(task, epoch, poll)];
  const doings = doingsOf(model, poll.thread, poll.logFrom, poll.logTo, task.lane, false);
  const first = doings.steps.find((each) => each.kind === 'operation');
  if (first !== undefined) steps.push(first);
  const then = doings.firstOperation === '' ? '' : `, then ${doings.firstOperation}`;
  return {
    clause: `; the task stood ${formatDuration(startNs - wokenNs)} in the queue${queued.behind}${then}`,
    steps,
  };
}

function pollStep(task: Task, epoch: number, poll: PollRecord): ExplanationStep {
  const lasted = poll.endNs === undefined ? '' : `, and lasted ${formatDuration(poll.endNs - poll.startNs)}`;
  return step('poll', poll.startNs, `Poll ${epoch} began${lasted}`, task.lane);
}

/** Behind whom the task stood in the queue of the worker that polled it. */
function queueText(
  view: Summed,
  poll: PollRecord,
  fromNs: number,
  toNs: number,
): { behind: string; steps: ExplanationStep[] } {
  if (toNs <= fromNs) return { behind: '', steps: [] };
  const { model } = view;
  const blame = blameOf(poll.thread, fromNs, toNs, view.endNs);
  const behind = blame.tasks.length === 0 ? '' : ` behind ${behindText(view, blame)}`;
  const steps = blame.tasks
    .slice(0, 10)
    .map(({ task, ns, polls }) =>
      step(
        'queue',
        fromNs,
        `${sentenceCase(taskName(model, task))} held ${threadName(model, poll.thread)} for ${formatDuration(ns)} (${formatQuantity(polls, 'poll')})`,
        model.task(task)?.lane ?? -1,
      ),
    );
  return { behind, steps };
}

function behindText(view: Summed, blame: Blame): string {
  const names = blame.tasks.slice(0, 2).map(({ task }) => taskName(view.model, task));
  const rest = blame.tasks.length - names.length;
  return rest > 0 ? `${names.join(', ')} and ${formatQuantity(rest, 'task')} more` : listText(names);
}

function tellScheduled(view: Summed, task: Task, interval: Interval): Telling {
  const { model } = view;
  const { fromNs, toNs, slot, epoch } = interval;
  const duration = formatDuration(toNs - fromNs);
  const open = (interval.flags & spanFlag.open) !== 0;
  const pollSlot = model.slotOf(task, epoch + 1);
  const poll = pollIn(model, pollSlot);
  const snapshotted = slot === none && Number.isNaN(task.spawnNs);
  const wake = wakeIn(model, snapshotted ? model.slotOf(task, epoch) : slot, pollSlot);
  const steps: ExplanationStep[] = [];
  let certainty: Told['certainty'] = 'recorded';
  let why = 'Woken';
  let site: SourceSite | null = null;
  if (snapshotted && wake === undefined) why = 'It stood in the run queue when recording began';
  else if (slot === none && !snapshotted) {
    why = spawnText(view, task);
    site = siteOf(model, task.site);
    steps.push(step('spawn', fromNs, `${why}`, spawnLane(view, task), { site }));
  } else if (wake !== undefined) {
    const chain = chainOfWake(view, task, wake, pollIn(model, slot)?.endNs ?? fromNs, new Set());
    steps.push(...chain.steps);
    certainty = wake.certainty;
    why = `Woken: ${chain.because}`;
  }
  if (open || poll === undefined)
    return {
      sentence: `${why}; it has stood in the queue for ${duration} and was not polled yet.`,
      certainty,
      site,
      steps,
    };
  const queued = queueText(view, poll, fromNs, toNs);
  const blame = blameOf(poll.thread, fromNs, toNs, view.endNs);
  const held = blameText(view, poll, blame);
  return {
    sentence: `${why}; it stood ${duration} in the queue before ${threadName(model, poll.thread)} polled it. ${held}`,
    certainty,
    site,
    steps: inOrder(steps, [...queued.steps, pollStep(task, epoch + 1, poll)]),
  };
}

function spawnText(view: Summed, task: Task): string {
  const parent = task.parent === 0 ? '' : ` by ${taskName(view.model, task.parent)}`;
  const isRoot = task.taskKind === taskKind.root || task.taskKind === taskKind.rootUnheard;
  return isRoot ? 'Started as the root task' : `Spawned${parent}`;
}

function spawnLane(view: Summed, task: Task): number {
  const spawner = view.model.threads[task.spawnThread];
  return view.model.task(task.parent)?.lane ?? (spawner === undefined ? -1 : laneOfThread(spawner));
}

/** Who held the worker meanwhile; the parts add up to the scheduled time. */
function blameText(view: Summed, poll: PollRecord, blame: Blame): string {
  const worker = threadName(view.model, poll.thread);
  const parts = blame.tasks
    .slice(0, 3)
    .map(({ task, ns }) => `${taskName(view.model, task)} for ${formatDuration(ns)}`);
  const rest = blame.tasks.slice(3);
  if (rest.length > 0)
    parts.push(
      `${formatQuantity(rest.length, 'task')} more for ${formatDuration(rest.reduce((sum, each) => sum + each.ns, 0))}`,
    );
  if (parts.length === 0) return `No other poll held ${worker} meanwhile.`;
  const other = blame.otherNs > 0 ? `; for ${formatDuration(blame.otherNs)} no poll did` : '';
  return `Meanwhile ${worker} was held by ${listText(parts)}${other}.`;
}

function tellRunning(view: Summed, task: Task, interval: Interval): Telling {
  const { model } = view;
  const { fromNs, toNs, epoch, slot } = interval;
  const duration = formatDuration(toNs - fromNs);
  const poll = pollIn(model, slot);
  if (poll === undefined)
    return {
      sentence: `Was being polled when recording began, for ${duration} more.`,
      certainty: 'recorded',
      site: null,
      steps: [],
    };
  const reason = whyPolled(view, task, interval);
  const doings = doingsOf(model, poll.thread, poll.logFrom, poll.logTo, task.lane, false);
  const waits = waitsIn(model, slot, countedWaits);
  // A poll goes on where the task awaited before it.
  const resumed = epoch > 1 ? waitsIn(model, model.slotOf(task, epoch - 1), 1)[0] : undefined;
  const site = siteOf(model, resumed?.site ?? 0) ?? siteOf(model, task.site);
  const open = (interval.flags & spanFlag.open) !== 0;
  const outcome = outcomeText(view, task, poll, waits, open);
  const did = doings.phrases.length === 0 ? '' : ` It ${listText(doings.phrases)}.`;
  const starved = starvedText(view, poll, fromNs, toNs);
  const ran = open ? `Poll ${epoch} has run for ${duration}` : `Poll ${epoch} ran ${duration}`;
  const end =
    open || poll.endNs === undefined
      ? []
      : [
          step('end', poll.endNs, sentenceCase(outcome), task.lane, {
            site: siteOf(model, waits[0]?.site ?? 0),
          }),
        ];
  const looked = looksAt(model, slot, poll.startNs, task.lane);
  return {
    sentence: `${ran} on ${threadName(model, poll.thread)}${reason.clause}.${looked.sentence}${did} ${sentenceCase(outcome)}.${starved}`,
    certainty: reason.certainty,
    site,
    steps: inOrder(reason.steps, [pollStep(task, epoch, poll), ...doings.steps, ...looked.steps, ...end]),
    stacks: looked.stacks,
  };
}

function whyPolled(
  view: Summed,
  task: Task,
  interval: Interval,
): { clause: string; certainty: Told['certainty']; steps: ExplanationStep[] } {
  const { model } = view;
  const { epoch } = interval;
  if ((interval.flags & spanFlag.spurious) !== 0)
    return { clause: ', without any wake before it: a spurious poll', certainty: 'unknown', steps: [] };
  if (epoch === 1) {
    const text = spawnText(view, task);
    const steps = Number.isNaN(task.spawnNs)
      ? []
      : [
          step('spawn', task.spawnNs, text, spawnLane(view, task), {
            site: siteOf(model, task.site),
          }),
        ];
    return { clause: ', its first poll', certainty: 'recorded', steps };
  }
  const before = model.slotOf(task, epoch - 1);
  const wake = wakeIn(model, before, interval.slot);
  if (wake === undefined)
    return { clause: '; what woke it was not recorded', certainty: 'unknown', steps: [] };
  const chain = chainOfWake(view, task, wake, pollIn(model, before)?.endNs ?? wake.ns, new Set());
  return { clause: `, because ${chain.because}`, certainty: wake.certainty, steps: chain.steps };
}

function outcomeText(
  view: Summed,
  task: Task,
  poll: PollRecord,
  waits: readonly WaitRecord[],
  open: boolean,
): string {
  if (open) return 'it has not returned yet';
  if (poll.outcome === pollOutcome.ready) return 'it returned ready: the task is done';
  if (poll.outcome === pollOutcome.panicked) return 'it panicked: the task is over';
  if (poll.endNs === undefined) return 'its end was not recorded';
  const cancelled =
    task.endOutcome === endOutcome.cancelled &&
    !Number.isNaN(task.taskEndNs) &&
    pollIn(view.model, poll.slot + 1) === undefined;
  const then = cancelled ? `; later the task was cancelled${cancelledBy(view, task)}` : '';
  return waits.length === 0
    ? `it returned pending${then}`
    : `it returned pending, to wait for ${awaitedText(view, waits, undefined)}${then}`;
}

/** By whom, as far as it was recorded. A thread is all that is known of what a runtime drops without saying why. */
function cancelledBy(view: Summed, task: Task): string {
  const inPoll = task.endById === 0 ? '' : ` in a poll of ${taskName(view.model, task.endById)}`;
  switch (task.endByKind) {
    case causeKind.poll:
      return ` by a poll of ${taskName(view.model, task.endById)}`;
    case causeKind.abort:
      return `: it was aborted${inPoll}`;
    case causeKind.shutdown:
      return `: its runtime or set of tasks ended${inPoll}`;
    case causeKind.thread:
      return task.endById === 0
        ? ''
        : ` on ${causeName(view.model, causeKind.thread, task.endById)}, outside any poll`;
    default:
      return '';
  }
}

function starvedText(view: Summed, poll: PollRecord, fromNs: number, toNs: number): string {
  if (toNs - fromNs < longPollNs) return '';
  const starved = starvedBy(view.model, poll.thread, fromNs, toNs, view.endNs);
  const first = starved[0];
  if (first === undefined) return '';
  const others = starved.length > 1 ? ` and ${formatQuantity(starved.length - 1, 'other task')}` : '';
  return ` Meanwhile ${taskName(view.model, first.task)}${others} stood in the queue, for up to ${formatDuration(first.ns)}.`;
}

function tellGap(view: Summed, task: Task, interval: Interval): Telling {
  const { model } = view;
  const gaps = model.gaps.within(interval.fromNs, interval.toNs, 100);
  const dropped = gaps.reduce((sum, gap) => sum + gap.dropped, 0);
  const threads = [...new Set(gaps.map((gap) => gap.thread))].slice(0, 3).map((id) => {
    const thread = model.thread(id);
    return thread === undefined ? `thread ${id}` : threadName(model, thread);
  });
  const lost =
    dropped > 0
      ? `${formatQuantity(dropped, 'event')} of ${listText(threads)} were lost`
      : `events of ${listText(threads)} were lost`;
  const missing =
    interval.slot === none && task.snapshot?.state === taskState.unknown
      ? 'it was not polled when recording began, and whether it waited or stood in the queue nobody saw'
      : 'a poll or its end is missing from the trace';
  const why = gaps.length === 0 ? missing : lost;
  return {
    sentence: `What the task did for these ${formatDuration(interval.toNs - interval.fromNs)} was not recorded: ${why}.`,
    certainty: 'unknown',
    site: null,
    steps: [],
  };
}

/** Clocks of threads differ by a little: the steps stand in the order of cause, and are only sorted within each part. */
function inOrder(causes: readonly ExplanationStep[], effects: readonly ExplanationStep[]): ExplanationStep[] {
  const byTime = (steps: readonly ExplanationStep[]) =>
    steps
      .map((each, i) => ({ each, i }))
      .sort((x, y) => x.each.atNs - y.each.atNs || x.i - y.i)
      .map(({ each }) => each);
  return [...byTime(causes), ...byTime(effects)];
}
