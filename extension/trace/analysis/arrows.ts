// Owns the arrows of one lane and interval: what woke it, and what it woke. Knows nothing of how they are drawn.
import { causeKind, eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { laneKind, type SpanState } from '../../messages/lanes.ts';
import type { Arrow, ArrowsQuery } from '../../messages/queries.ts';
import { none } from '../model/columns.ts';
import type { Task, Thread } from '../model/entities.ts';
import { type LifeSink, LifeWalk, walkFlag } from '../model/life.ts';
import { pageAt } from '../model/pages.ts';
import { type PollRecord, pollIn, type WakeRecord, wakeIn } from '../model/records.ts';
import type { Summed } from './summaries.ts';
import { laneOfThread } from './wake-chain.ts';

/** Above this many arrows none can be told from the other. */
const arrowLimit = 3000;

const kindNames: Readonly<Record<number, Arrow['kind']>> = {
  [causeKind.poll]: 'poll',
  [causeKind.source]: 'source',
  [causeKind.timer]: 'timer',
  [causeKind.job]: 'job',
  [causeKind.submission]: 'source',
  [causeKind.thread]: 'thread',
  [causeKind.turn]: 'turn',
};

export function arrowsOf(view: Summed, query: ArrowsQuery): Arrow[] {
  const lane = view.model.lanes[query.lane];
  if (lane === undefined || !(query.toNs > query.fromNs)) return [];
  const arrows: Arrow[] = [];
  if (lane.kind === laneKind.task) taskArrows(view, lane.owner as Task, query, arrows);
  else if (
    lane.kind === laneKind.reactor ||
    lane.kind === laneKind.worker ||
    lane.kind === laneKind.poolThread
  ) {
    const { log } = lane.owner as Thread;
    outgoing(
      view,
      lane.owner as Thread,
      log.firstAt(query.fromNs),
      log.firstAt(query.toNs),
      lane.lane,
      arrows,
    );
  }
  return arrows;
}

/** From where the wake came: the waking poll's lane, the reactor's, the pool thread's, the thread's. */
function wakerLane(view: Summed, wake: WakeRecord): number {
  const { model } = view;
  if (wake.kind === causeKind.poll) return model.task(wake.id)?.lane ?? laneOfThread(wake.thread);
  if (wake.kind === causeKind.job && wake.thread.poolLane >= 0) return wake.thread.poolLane;
  if (wake.thread.reactorLane >= 0 && wake.kind !== causeKind.thread) return wake.thread.reactorLane;
  return laneOfThread(wake.thread);
}

function arrowOf(view: Summed, wake: WakeRecord, task: Task, poll: PollRecord | undefined): Arrow {
  return {
    fromLane: wakerLane(view, wake),
    fromNs: wake.ns,
    toLane: task.lane,
    toNs: poll === undefined ? wake.ns : Math.max(poll.startNs, wake.ns),
    kind: kindNames[wake.kind] ?? 'unknown',
    certainty: wake.certainty,
  };
}

function taskArrows(view: Summed, task: Task, query: ArrowsQuery, arrows: Arrow[]): void {
  const { model } = view;
  const spawner = model.threads[task.spawnThread];
  if (task.spawnNs >= query.fromNs && task.spawnNs < query.toNs && spawner !== undefined) {
    const first = pollIn(model, model.slotOf(task, 1));
    arrows.push({
      fromLane: model.task(task.parent)?.lane ?? laneOfThread(spawner),
      fromNs: task.spawnNs,
      toLane: task.lane,
      toNs: Math.max(task.spawnNs, first?.startNs ?? task.spawnNs),
      kind: 'spawn',
      certainty: 'recorded',
    });
  }
  const last = task.pages.length - 1;
  if (last < 0) return;
  view.sums.preparePages(task, last);
  const sink: LifeSink = {
    interval(_state: SpanState, fromNs: number, toNs: number, flags: number, epoch: number, slot: number) {
      if (fromNs >= query.toNs || arrows.length >= arrowLimit) return true;
      if ((flags & walkFlag.poll) === 0 || toNs < query.fromNs || slot === none) return false;
      const poll = pollIn(model, slot);
      if (poll === undefined) return false;
      const wake = epoch > 1 ? wakeIn(model, model.slotOf(task, epoch - 1), slot) : undefined;
      if (wake !== undefined) arrows.push(arrowOf(view, wake, task, poll));
      outgoing(view, poll.thread, poll.logFrom, poll.logTo, task.lane, arrows);
      return false;
    },
  };
  new LifeWalk(model).walk(task, pageAt(model, task, query.fromNs), task.pages.length, sink);
}

/** Wakes that were made in a range of a thread's log, and that caused a poll. */
function outgoing(
  view: Summed,
  thread: Thread,
  from: number,
  to: number,
  lane: number,
  arrows: Arrow[],
): void {
  const { model } = view;
  const { log } = thread;
  for (let i = from; i < to && arrows.length < arrowLimit; i++) {
    if (log.kindOf(i) !== eventKind.wake) continue;
    const task = model.tasks[log.idOf(i)];
    if (task === undefined || task.lane === lane) continue;
    const epoch = log.valueOf(i);
    const pollSlot = model.slotOf(task, epoch + 1);
    const wake = wakeIn(model, model.slotOf(task, epoch), pollSlot);
    if (wake === undefined || wake.thread !== thread || wake.log !== i) continue;
    arrows.push({ ...arrowOf(view, wake, task, pollIn(model, pollSlot)), fromLane: lane });
  }
}
