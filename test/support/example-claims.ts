// Owns what a recording of an example must hold, claim by claim, against the counters that the example kept itself.
// Reads recordings with the reference reader, so that the engine is no witness in its own case.
// Each claim gives a sentence when it does not hold; an empty list means that all do.
import {
  causeKind,
  eventField,
  eventKind,
  jobKind,
  operationKind,
  operationMaker,
  operationOutcome,
  sourceKind,
  submissionOperation,
  taskKind,
} from '../../runtime-probe/protocol/typescript/index.ts';
import type { ReferenceEvent, ReferenceModel, ReferencePoll, ReferenceTask } from './reference-reader.ts';

/** What `requests` prints of itself. */
export interface RequestCounters {
  readonly tasks: number;
  /** Polls of each client task, in the order in which they were spawned. */
  readonly polls: readonly number[];
  readonly requests: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What `file-writes` prints of itself. */
export interface FileCounters {
  /** How the program made its file operations; absent where it has one way only. */
  readonly files?: 'pool' | 'threads' | 'io-uring';
  readonly jobs: number;
  readonly submissions?: number;
  readonly bytes: number;
  readonly poolThreads: number;
}

export type Language = 'rust' | 'node';

export function brokenRequestClaims(
  model: ReferenceModel,
  counters: RequestCounters,
  language: Language,
): string[] {
  const clients = spawnedTasks(model);
  const broken = new Claims();
  broken.unless(model.gaps.length === 0, `the trace has ${model.gaps.length} gaps`);
  broken.equal('client tasks', clients.length, counters.tasks);
  clients.forEach((task, i) => {
    const polls = task.polls.length;
    broken.equal(`polls of client ${i} (task ${task.id})`, polls, counters.polls[i] ?? -1);
    broken.unless(polls >= 2, `task ${task.id} was polled ${polls} times; it must have waited at least once`);
    broken.unless(!task.open, `task ${task.id} never ended`);
  });
  for (const task of model.tasks) {
    broken.unless(
      task.spuriousEpochs.length === 0,
      `task ${task.id} was polled without a wake: polls ${task.spuriousEpochs}`,
    );
    broken.equal(
      `waits of task ${task.id} with a cause`,
      task.causes.length,
      Math.max(0, task.polls.length - 1),
    );
    for (const cause of task.causes)
      broken.unless(
        cause.certainty === 'recorded',
        `the cause of poll ${cause.epoch} of task ${task.id} is ${cause.certainty}, not recorded`,
      );
  }
  const written = operations(model, operationKind.write).filter(isDone);
  broken.equal('bytes written', sumBytes(written), counters.bytesWritten);
  const reads = operations(model, operationKind.read).filter((e) => isDone(e) && bytesOf(e) > 0);
  broken.equal('bytes read from the operating system', sumBytes(reads), counters.bytesRead);
  broken.unless(
    reads.length >= counters.requests,
    `only ${reads.length} reads brought ${counters.requests} answers`,
  );
  if (language === 'rust') {
    const atOnce = reads.filter((read) => answeredAtOnce(model, read));
    broken.unless(
      atOnce.length <= reads.length / 100,
      `${atOnce.length} of ${reads.length} reads found their answer there at once; that can be a rare accident only`,
    );
    for (const read of reads)
      if (!atOnce.includes(read)) broken.unlessUndefined(brokenReadChain(model, read));
  } else {
    for (const read of reads)
      broken.unless(
        makerOf(read) === operationMaker.turn,
        `a read at ${read.ns} ns is not recorded as made by the turn`,
      );
    broken.equal(
      'bytes that tasks took',
      sumBytes(operations(model, operationKind.take)),
      counters.bytesRead,
    );
    broken.equal(
      'WouldBlock that Node cannot make',
      operations(model, operationKind.read).filter(isWouldBlock).length,
      0,
    );
  }
  return broken.found;
}

export function brokenFileClaims(
  model: ReferenceModel,
  counters: FileCounters,
  language: Language,
): string[] {
  if (counters.files === 'io-uring') return brokenRingClaims(model, counters);
  if (counters.files === 'threads') return brokenThreadClaims(model, counters);
  const broken = new Claims();
  const submits = model.events.filter((e) => e.kind === eventKind.jobSubmit);
  const ends = model.events.filter((e) => e.kind === eventKind.jobEnd);
  broken.unless(model.gaps.length === 0, `the trace has ${model.gaps.length} gaps`);
  const writes = submits.filter((e) => e.values[eventField.jobSubmit.jobKind] === jobKind.fileWrite);
  broken.equal('file-write jobs', writes.length, counters.jobs);
  broken.equal('job ends', ends.length, submits.length);
  const bytes = ends.reduce((sum, e) => sum + (e.values[eventField.jobEnd.bytes] as number), 0);
  broken.equal('bytes that jobs wrote', bytes, counters.bytes);
  const limits = model.dictionary.flatMap((r) => (r.record === 'runtime' ? [r.poolLimit] : []));
  broken.unless(
    limits.includes(counters.poolThreads),
    `the pool's size ${counters.poolThreads} is not in the trace, but ${limits}`,
  );
  // How long the queue gets is the disk's affair: a fast one takes jobs as quickly as one thread hands them over.
  const queuePeak = Math.max(0, ...submits.map((e) => e.values[eventField.jobSubmit.queued] as number));
  broken.unless(queuePeak >= 1, "no job ever stood in the pool's queue");
  const readiness = model.events.filter(
    (e) => e.kind === eventKind.readiness && e.values[eventField.readiness.source] !== 0,
  );
  broken.equal('readiness events (files have none)', readiness.length, 0);
  for (const task of spawnedTasks(model))
    for (const cause of task.causes)
      broken.unless(
        cause.kind === causeKind.job && cause.certainty === 'recorded',
        `poll ${cause.epoch} of task ${task.id} was not caused by a job`,
      );
  if (language === 'rust') brokenPoolThreads(model, counters, broken);
  return broken.found;
}

/** Each job has a thread of its own, and never waits for one. */
function brokenThreadClaims(model: ReferenceModel, counters: FileCounters): string[] {
  const broken = new Claims();
  const submits = model.events.filter((e) => e.kind === eventKind.jobSubmit);
  const starts = model.events.filter((e) => e.kind === eventKind.jobStart);
  const ends = model.events.filter((e) => e.kind === eventKind.jobEnd);
  broken.unless(model.gaps.length === 0, `the trace has ${model.gaps.length} gaps`);
  broken.equal('file-write jobs', submits.length, counters.jobs);
  broken.equal('job ends', ends.length, counters.jobs);
  broken.equal('threads that ran a job', new Set(starts.map((e) => e.thread)).size, counters.jobs);
  const bytes = ends.reduce((sum, e) => sum + (e.values[eventField.jobEnd.bytes] as number), 0);
  broken.equal('bytes that jobs wrote', bytes, counters.bytes);
  const queued = submits.filter((e) => e.values[eventField.jobSubmit.queued] !== 0);
  broken.equal('jobs that stood in a queue', queued.length, 0);
  brokenCauses(model, causeKind.job, broken);
  return broken.found;
}

/** No job and no thread: submissions, each completed in a turn that the ring's readiness began. */
function brokenRingClaims(model: ReferenceModel, counters: FileCounters): string[] {
  const broken = new Claims();
  const of = (kind: number) => model.events.filter((e) => e.kind === kind);
  const submissions = of(eventKind.submission);
  const completions = of(eventKind.completion);
  broken.unless(model.gaps.length === 0, `the trace has ${model.gaps.length} gaps`);
  broken.equal('jobs', of(eventKind.jobSubmit).length, 0);
  broken.equal('submissions', submissions.length, counters.submissions ?? -1);
  broken.equal('completions', completions.length, counters.submissions ?? -1);
  const rings = model.dictionary.flatMap((r) =>
    r.record === 'source' && r.sourceKind === sourceKind.ioUring ? [r.id] : [],
  );
  broken.equal('rings', rings.length, 1);
  const field = eventField.submission;
  const foreign = submissions.filter((e) => e.values[field.source] !== rings[0]);
  broken.equal('submissions to anything but the ring', foreign.length, 0);
  const writes = new Set(
    submissions
      .filter((e) => e.values[field.operation] === submissionOperation.write)
      .map((e) => e.values[field.submission]),
  );
  let bytes = 0;
  for (const each of completions) {
    const [id, result] = each.values as readonly [number, number];
    broken.unless(result >= 0, `submission ${id} failed with error ${-result}`);
    if (writes.has(id)) bytes += result;
    const before = model.events.findLast(
      (e) =>
        e.thread === each.thread &&
        e.index < each.index &&
        (e.kind === eventKind.readiness || e.kind === eventKind.park),
    );
    broken.unless(
      before?.kind === eventKind.readiness && before.values[eventField.readiness.source] === rings[0],
      `the completion of submission ${id} follows no readiness of the ring`,
    );
  }
  broken.equal('bytes that the kernel wrote', bytes, counters.bytes);
  const deepest = Math.max(0, ...submissions.map((e) => e.values[field.depth] as number));
  // The one thread polls at least 61 writers before it tells the kernel and looks for completions.
  broken.unless(deepest >= 61, `only ${deepest} submissions were ever in flight`);
  brokenCauses(model, causeKind.submission, broken);
  return broken.found;
}

function brokenCauses(model: ReferenceModel, kind: number, broken: Claims): void {
  for (const task of spawnedTasks(model))
    for (const cause of task.causes)
      broken.unless(
        cause.kind === kind && cause.certainty === 'recorded',
        `poll ${cause.epoch} of task ${task.id} has cause kind ${cause.kind} (${cause.certainty}), not ${kind}`,
      );
}

/** Jobs run on pool threads, as many as the pool has, and never more at once. */
function brokenPoolThreads(model: ReferenceModel, counters: FileCounters, broken: Claims): void {
  const starts = model.events.filter((e) => e.kind === eventKind.jobStart);
  broken.equal('jobs that a pool thread began', starts.length, counters.jobs);
  const threads = new Set(starts.map((e) => e.thread));
  broken.unless(
    threads.size >= 1 && threads.size <= counters.poolThreads,
    `jobs ran on ${threads.size} threads; the pool has ${counters.poolThreads}`,
  );
}

/** Why a read is not at the end of a recorded chain readiness → turn → wake → poll → read; undefined when it is. */
function brokenReadChain(model: ReferenceModel, read: ReferenceEvent): string | undefined {
  const where = `the read at ${read.ns} ns`;
  if (makerOf(read) !== operationMaker.poll) return `${where} is not made by a poll`;
  const source = read.values[eventField.operation.source] as number;
  const poll = pollAround(model, read);
  if (poll === undefined) return `${where} lies in no poll`;
  const cause = model.tasks.find((t) => t.id === poll.task)?.causes.find((c) => c.epoch === poll.epoch);
  if (cause?.kind !== causeKind.source || cause.id !== source || cause.certainty !== 'recorded')
    return `${where}: poll ${poll.epoch} of task ${poll.task} was not caused by its source ${source}`;
  const wake = model.wakes.find(
    (w) =>
      w.task === poll.task &&
      w.epoch === poll.epoch - 1 &&
      w.causeKind === causeKind.source &&
      w.causeId === source,
  );
  if (wake === undefined)
    return `${where}: no wake by source ${source} before poll ${poll.epoch} of task ${poll.task}`;
  const before = model.events.filter((e) => e.thread === wake.thread && e.index < wake.index);
  const readiness = before.findLast((e) => e.kind === eventKind.readiness && e.values[0] === source);
  if (readiness === undefined) return `${where}: no readiness of source ${source} before the wake`;
  const turn = before.findLast(
    (e) => e.index < readiness.index && (e.kind === eventKind.unpark || e.kind === eventKind.park),
  );
  if (turn?.kind !== eventKind.unpark) return `${where}: the readiness lies in no turn of the reactor`;
  return undefined;
}

/**
 * On a machine that stood still the answer may be there before the first read: then the same poll made the request
 * and read, nothing said WouldBlock between, and no readiness was needed. None of 3,000 reads measured was one.
 */
function answeredAtOnce(model: ReferenceModel, read: ReferenceEvent): boolean {
  const before = model.events.findLast(
    (e) =>
      e.thread === read.thread &&
      e.index < read.index &&
      (e.kind === eventKind.pollStart ||
        (e.kind === eventKind.operation &&
          e.values[eventField.operation.source] === read.values[eventField.operation.source])),
  );
  return (
    before?.kind === eventKind.operation &&
    before.values[eventField.operation.operationKind] === operationKind.write &&
    isDone(before)
  );
}

/** The outermost poll of the event's thread that was open at it. */
function pollAround(model: ReferenceModel, event: ReferenceEvent): ReferencePoll | undefined {
  const start = model.events.findLast(
    (e) =>
      e.thread === event.thread &&
      e.index < event.index &&
      (e.kind === eventKind.pollStart || e.kind === eventKind.pollEnd),
  );
  if (start?.kind !== eventKind.pollStart) return undefined;
  const [task, epoch] = start.values;
  return model.tasks.find((t) => t.id === task)?.polls.find((p) => p.epoch === epoch);
}

/** Tasks that the program spawned, without the root that spawned them, in the order of their ids. */
function spawnedTasks(model: ReferenceModel): ReferenceTask[] {
  const roots = new Set(
    model.dictionary.flatMap((r) => (r.record === 'task' && r.taskKind === taskKind.root ? [r.id] : [])),
  );
  return model.tasks.filter((task) => !roots.has(task.id));
}

function operations(model: ReferenceModel, kind: number): ReferenceEvent[] {
  return model.events.filter(
    (e) => e.kind === eventKind.operation && e.values[eventField.operation.operationKind] === kind,
  );
}

const bytesOf = (e: ReferenceEvent) => e.values[eventField.operation.bytes] as number;
const makerOf = (e: ReferenceEvent) => e.values[eventField.operation.madeBy];
const isDone = (e: ReferenceEvent) => e.values[eventField.operation.outcome] === operationOutcome.done;
const isWouldBlock = (e: ReferenceEvent) =>
  e.values[eventField.operation.outcome] === operationOutcome.wouldBlock;
const sumBytes = (events: readonly ReferenceEvent[]) => events.reduce((sum, e) => sum + bytesOf(e), 0);

class Claims {
  readonly found: string[] = [];

  unless(holds: boolean, otherwise: string): void {
    if (!holds) this.found.push(otherwise);
  }

  unlessUndefined(problem: string | undefined): void {
    if (problem !== undefined) this.found.push(problem);
  }

  equal(what: string, inTrace: number, counted: number): void {
    this.unless(inTrace === counted, `${what}: the trace says ${inTrace}, the program counted ${counted}`);
  }
}
