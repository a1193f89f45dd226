// Owns what a poll (or a turn) did, from its range of its thread's log: operations, wakes, jobs, timers, in words and steps.
// Knows nothing of why it ran.
import {
  eventKind,
  operationKind,
  operationMaker,
  operationOutcome,
  sourceKind,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import type { ExplanationStep } from '../../messages/queries.ts';
import { formatBytes, formatCount, formatDuration, formatQuantity } from '../format.ts';
import { operationDetail, type Thread, type ThreadLog } from '../model/entities.ts';
import type { Model } from '../model/model.ts';
import { jobName, siteOf, sourceName, submissionName, taskName, textOf } from './names.ts';
import { waitInBuffer } from './waits-in-buffer.ts';
import { readyText, sentenceCase, step } from './wake-chain.ts';

/** Entries of one poll or turn that are told one by one. */
const toldLimit = 50;
/** Entries that are looked at. */
const lookedLimit = 10_000;
/** Operations of one poll for which it is sought how long their data had waited: each is a search. */
const waitsSought = 5;
/** From here on a sentence says that data waited: below, nobody would call it late. */
const longWaitNs = 1_000_000;

const pastVerbs: Readonly<Record<number, string>> = {
  [operationKind.read]: 'read',
  [operationKind.write]: 'wrote',
  [operationKind.accept]: 'accepted a connection from',
  [operationKind.connect]: 'connected',
  [operationKind.take]: 'took',
  [operationKind.close]: 'closed',
  [operationKind.collect]: 'collected the end of',
  [operationKind.shutdownRead]: 'shut down the reading side of',
  [operationKind.shutdownWrite]: 'shut down the writing side of',
  [operationKind.shutdownBoth]: 'shut down both sides of',
};
const attempts: Readonly<Record<number, string>> = {
  [operationKind.read]: 'to read',
  [operationKind.write]: 'to write',
  [operationKind.accept]: 'to accept a connection',
  [operationKind.connect]: 'to connect',
  [operationKind.take]: 'to take',
  [operationKind.close]: 'to close',
  [operationKind.collect]: 'to collect the end of',
  [operationKind.shutdownRead]: 'to shut down the reading side of',
  [operationKind.shutdownWrite]: 'to shut down the writing side of',
  [operationKind.shutdownBoth]: 'to shut down both sides of',
};
/** Operations whose words name the source as what they are done to, not as where bytes come from or go. */
const withoutPreposition: ReadonlySet<number> = new Set([
  operationKind.collect,
  operationKind.shutdownRead,
  operationKind.shutdownWrite,
  operationKind.shutdownBoth,
]);

/** "read 64 bytes from 127.0.0.1:4040 (fd 14)", "tried to read from …: would block". */
function operationText(model: Model, detail: number, source: number, bytes: number, peer: string): string {
  const kind = detail & operationDetail.kindMask;
  const outcome = (detail >> operationDetail.outcomeShift) & operationDetail.outcomeMask;
  const own = sourceName(model, source);
  const name = peer === '' ? own : `${peer}, by ${own}`;
  const preposition = kind === operationKind.write || kind === operationKind.connect ? 'to' : 'from';
  const on = kind === operationKind.accept || kind === operationKind.close ? 'on' : preposition;
  const attempt = `${attempts[kind] ?? 'an operation'} ${withoutPreposition.has(kind) ? name : `${on} ${name}`}`;
  if (outcome === operationOutcome.wouldBlock && kind === operationKind.connect)
    return `began to connect to ${name}`;
  if (outcome === operationOutcome.wouldBlock) return `tried ${attempt}: it would block`;
  if (outcome === operationOutcome.error) return `tried ${attempt}: error ${bytes}`;
  const verb = pastVerbs[kind] ?? 'made an operation';
  if (kind === operationKind.accept || kind === operationKind.close || withoutPreposition.has(kind))
    return `${verb} ${name}`;
  if (kind === operationKind.connect) return `${verb} to ${name}`;
  const isDatagram = model.sources.get(source)?.sourceKind === sourceKind.udpSocket;
  if (bytes === 0 && !isDatagram && (kind === operationKind.read || kind === operationKind.take))
    return `${verb} the end of the stream from ${name}`;
  return `${verb} ${formatBytes(bytes)} ${preposition} ${name}`;
}

/** Of a datagram: its other end, which is told just before the operation; empty when it is not. */
function peerOf(model: Model, log: ThreadLog, operation: number): string {
  const before = operation - 1;
  const told = before >= 0 && log.kindOf(before) === eventKind.operationPeer;
  return told && log.idOf(before) === log.idOf(operation) ? textOf(model, log.valueOf(before)) : '';
}

/** " that had waited at least 12.0 ms in the operating system's buffer". */
function waitText(detail: number, waitedNs: number | undefined): string {
  if (waitedNs === undefined) return '';
  const accepted = (detail & operationDetail.kindMask) === operationKind.accept;
  const where = accepted ? 'to be accepted' : "in the operating system's buffer";
  return ` that had waited at least ${formatDuration(waitedNs)} ${where}`;
}

export interface Doings {
  readonly steps: ExplanationStep[];
  /** In order, as verbs in the past: "read 64 bytes from …". */
  readonly phrases: string[];
  /** The first operation, or empty. */
  readonly firstOperation: string;
  readonly wokenTasks: number;
}

/** What the log range [from, to) says was done. */
export function doingsOf(
  model: Model,
  thread: Thread,
  from: number,
  to: number,
  lane: number,
  ofTurn: boolean,
): Doings {
  const steps: ExplanationStep[] = [];
  const phrases: string[] = [];
  let firstOperation = '';
  let wokenTasks = 0;
  let more = 0;
  let operations = 0;
  const woken: string[] = [];
  const spawned: string[] = [];
  let spawnedTasks = 0;
  const tell = (told: ExplanationStep) => {
    if (steps.length < toldLimit) steps.push(told);
    else more++;
  };
  const { log } = thread;
  const end = Math.min(to, from + lookedLimit);
  for (let i = from; i < end; i++) {
    const kind = log.kindOf(i);
    const ns = log.nsOf(i);
    const id = log.idOf(i);
    if (kind === eventKind.operation) {
      const detail = log.detailOf(i);
      if ((detail >> operationDetail.makerShift === operationMaker.turn) !== ofTurn) continue;
      const plain = operationText(model, detail, id, log.valueOf(i), peerOf(model, log, i));
      const waited = operations++ < waitsSought ? waitInBuffer(model, thread, i) : undefined;
      const text = plain + waitText(detail, waited);
      // Waits too short to matter are told in the step alone.
      const phrase = waited === undefined || waited < longWaitNs ? plain : text;
      if (firstOperation === '') firstOperation = phrase;
      phrases.push(phrase);
      tell(
        step('operation', ns, sentenceCase(text), lane, {
          site: siteOf(model, model.sources.get(id)?.site ?? 0),
        }),
      );
    } else if (kind === eventKind.wake) {
      const task = model.tasks[id];
      if (task === undefined) continue;
      wokenTasks++;
      const name = task.lane === lane ? 'itself' : taskName(model, task.id);
      if (woken.length < 3) woken.push(name);
      tell(step('wake', ns, `Woke ${name}`, task.lane));
    } else if (kind === eventKind.jobSubmit) {
      const text = `submitted ${jobName(model, id)}`;
      phrases.push(text);
      tell(
        step('job', ns, sentenceCase(text), model.pools.get(model.jobs.get(id)?.runtime ?? 0)?.lane ?? -1),
      );
    } else if (kind === eventKind.submission) {
      const asked = log.valueOf(i) > 0 ? ` of ${formatBytes(log.valueOf(i))}` : '';
      const text = `put ${submissionName(model, id)}${asked} into the io_uring`;
      phrases.push(text);
      const ring = model.rings.get(model.submissions.get(id)?.source ?? 0);
      tell(step('job', ns, sentenceCase(text), ring?.lane ?? lane));
    } else if (kind === eventKind.completion) {
      const ring = model.rings.get(model.submissions.get(id)?.source ?? 0);
      const text = `Took the completion of ${submissionName(model, id)}`;
      tell(step('job', ns, text, ring?.lane ?? lane));
    } else if (kind === eventKind.timerSet) {
      const text = `set timer ${id} to ${formatDuration(log.valueOf(i))}`;
      phrases.push(text);
      tell(step('timer', ns, sentenceCase(text), lane));
    } else if (kind === eventKind.marker) {
      const value = `${log.detailOf(i) === 0 ? '' : '−'}${log.valueOf(i)}`;
      tell(step('poll', ns, `Marked “${textOf(model, id)}”: ${value}`, lane));
    } else if (kind === eventKind.timerFire) tell(step('timer', ns, `Timer ${id} fired`, lane));
    else if (kind === eventKind.taskSpawn) {
      const task = model.tasks[id];
      if (task === undefined) continue;
      spawnedTasks++;
      const name = taskName(model, task.id);
      if (spawned.length < 3) spawned.push(name);
      const text = `spawned ${name}`;
      tell(step('spawn', ns, sentenceCase(text), task.lane, { site: siteOf(model, task.site) }));
    } else if (kind === eventKind.readiness)
      tell(step('readiness', ns, `The kernel reported ${sourceName(model, id)} ${readyText(log, i)}`, lane));
  }
  if (spawnedTasks > 0) phrases.push(`spawned ${namedText(spawned, spawnedTasks)}`);
  if (wokenTasks > 0) phrases.push(`woke ${namedText(woken, wokenTasks)}`);
  if (more > 0 && steps.length > 0)
    steps.push(step('end', log.nsOf(end - 1), `and ${formatQuantity(more, 'thing')} more`, lane));
  return { steps, phrases: shortened(phrases), firstOperation, wokenTasks };
}

/** "task 2, task 3, task 4 and 97 more". */
function namedText(names: readonly string[], count: number): string {
  const rest = count - names.length;
  return rest > 0 ? `${names.join(', ')} and ${formatCount(rest)} more` : listText(names);
}

/** "a", "a and b", "a, b and c". */
export function listText(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** A sentence carries four doings; the steps have the rest. */
function shortened(phrases: readonly string[]): string[] {
  if (phrases.length <= 4) return [...phrases];
  return [...phrases.slice(0, 3), `did ${phrases.length - 3} more things`];
}
