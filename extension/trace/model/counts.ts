// Owns what is counted of single events: counts that need no life and no order. Knows nothing of tasks or lanes.
import {
  eventKind,
  operationKind,
  operationOutcome,
  parkKind,
  pollOutcome,
} from '../../../runtime-probe/protocol/typescript/index.ts';

/** Counts that only ever grow, by event. */
export interface Counts {
  events: number;
  polls: number;
  wakes: number;
  dropped: number;
  reactorParks: number;
  readiness: number;
  reads: number;
  readBytes: number;
  writes: number;
  writtenBytes: number;
  wouldBlocks: number;
  jobBytes: number;
  poolThreads: number;
  poolThreadsPeak: number;
  poolQueuePeak: number;
  timersSet: number;
  timersFired: number;
  /** Beyond the memory budget: tasks, living tasks and jobs that are counted but not kept. */
  tasksNotKept: number;
  aliveNotKept: number;
  jobsNotKept: number;
}

export function newCounts(): Counts {
  return {
    events: 0,
    polls: 0,
    wakes: 0,
    dropped: 0,
    reactorParks: 0,
    readiness: 0,
    reads: 0,
    readBytes: 0,
    writes: 0,
    writtenBytes: 0,
    wouldBlocks: 0,
    jobBytes: 0,
    poolThreads: 0,
    poolThreadsPeak: 0,
    poolQueuePeak: 0,
    timersSet: 0,
    timersFired: 0,
    tasksNotKept: 0,
    aliveNotKept: 0,
    jobsNotKept: 0,
  };
}

/** An operation by its kind and outcome. */
export function countOperation(counts: Counts, fields: Float64Array): void {
  const kind = fields[1] as number;
  const outcome = fields[2] as number;
  const bytes = fields[3] as number;
  if (outcome === operationOutcome.wouldBlock) counts.wouldBlocks++;
  else if (outcome === operationOutcome.done && kind === operationKind.read) {
    counts.reads++;
    counts.readBytes += bytes;
  } else if (outcome === operationOutcome.done && kind === operationKind.write) {
    counts.writes++;
    counts.writtenBytes += bytes;
  }
}

/** What of an event is counted when the memory budget leaves no room to keep it. */
export function countOnly(counts: Counts, kind: number, fields: Float64Array): void {
  if (kind === eventKind.pollStart) counts.polls++;
  else if (kind === eventKind.wake || kind === eventKind.wakeFrom) counts.wakes++;
  else if (kind === eventKind.operation) countOperation(counts, fields);
  else if (kind === eventKind.readiness) counts.readiness++;
  else if (kind === eventKind.park && fields[0] === parkKind.reactor) counts.reactorParks++;
  else if (kind === eventKind.timerSet) counts.timersSet++;
  else if (kind === eventKind.timerFire) counts.timersFired++;
  else if (kind === eventKind.jobSubmit) counts.jobsNotKept++;
  else if (kind === eventKind.jobEnd) counts.jobBytes += fields[2] as number;
  else if (kind === eventKind.taskSpawn) {
    counts.tasksNotKept++;
    counts.aliveNotKept++;
  } else if (kind === eventKind.taskEnd) counts.aliveNotKept--;
  else if (kind === eventKind.pollSettled && fields[2] === pollOutcome.none) counts.polls--;
}
