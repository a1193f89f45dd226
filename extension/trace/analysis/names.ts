// Owns what things of a trace are called in sentences and labels. Knows nothing of time or cause.
import {
  causeKind,
  jobKind,
  resourceKind,
  sourceKind,
  submissionOperation,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { laneKind, type SourceSite, spanState } from '../../messages/lanes.ts';
import { formatQuantity } from '../format.ts';
import type { Task, Thread } from '../model/entities.ts';
import type { FrameRow } from '../model/frame-rows.ts';
import type { Lane, Model } from '../model/model.ts';
import type { Pool } from '../model/pool.ts';
import type { Ring } from '../model/ring.ts';
import type { SectionRow } from '../model/sections.ts';

/** What each state is called, by its number. */
export const stateNames: Readonly<Record<number, string>> = {
  [spanState.none]: 'nothing known',
  [spanState.running]: 'running',
  [spanState.scheduled]: 'scheduled',
  [spanState.idleSource]: 'waiting for a source',
  [spanState.idleTimer]: 'waiting for a timer',
  [spanState.idleJob]: 'waiting for a job or a submission',
  [spanState.idleTask]: 'waiting for a task',
  [spanState.idleResource]: 'waiting for a resource',
  [spanState.idleUnknown]: 'waiting, for what is not known',
  [spanState.gap]: 'not recorded',
  [spanState.parked]: 'parked in the reactor',
  [spanState.turn]: 'reactor turn',
  [spanState.parkedOnLock]: 'parked on a lock',
  [spanState.job]: 'running a job',
  [spanState.queued]: 'jobs waiting',
  [spanState.inFlight]: 'submissions under way',
  [spanState.section]: "a span of the program's own",
};

export function siteOf(model: Model, id: number): SourceSite | null {
  const site = id === 0 ? undefined : model.sites.get(id);
  if (site === undefined) return null;
  return {
    file: textOf(model, site.file),
    line: site.line,
    column: site.column,
    functionName: textOf(model, site.functionName),
  };
}

export function textOf(model: Model, id: number): string {
  return id === 0 ? '' : (model.texts.get(id) ?? '');
}

/** "task 12", or "task 12 (handle_client)". */
export function taskName(model: Model, id: number): string {
  const task = model.task(id);
  const name = task === undefined ? '' : textOf(model, task.name);
  return name === '' ? `task ${id}` : `task ${id} (${shortName(name)})`;
}

/** Type names of futures run to hundreds of characters; what tells them apart stands first or last. */
function shortName(name: string): string {
  return name.length <= 60 ? name : `${name.slice(0, 28)}…${name.slice(-30)}`;
}

export function threadName(model: Model, thread: Thread): string {
  const name = textOf(model, thread.name);
  return name === '' ? `thread ${thread.id}` : name;
}

export function taskLabel(model: Model, id: number): string {
  const name = textOf(model, model.task(id)?.name ?? 0);
  return name === '' ? `task ${id}` : `${name} #${id}`;
}

export function laneLabel(model: Model, lane: Lane): string {
  if (lane.kind === laneKind.task) {
    return taskLabel(model, (lane.owner as Task).id);
  }
  if (lane.kind === laneKind.poolQueue) {
    const runtime = (lane.owner as Pool).runtime;
    const name = textOf(model, model.runtimes.get(runtime)?.name ?? 0);
    return name === '' ? 'pool queue' : `pool queue of ${name}`;
  }
  if (lane.kind === laneKind.ring) {
    const fd = model.sources.get((lane.owner as Ring).source)?.fd ?? -1;
    return fd < 0 ? 'io_uring' : `io_uring (fd ${fd})`;
  }
  if (lane.kind === laneKind.section) {
    const { task, depth } = lane.owner as SectionRow;
    const of = task === 0 ? 'spans outside of tasks' : `spans of ${taskLabel(model, task)}`;
    return depth === 0 ? of : `${of}, ${depth + 1} deep`;
  }
  if (lane.kind === laneKind.frame) return frameRowLabel(model, lane.owner as FrameRow);
  const name = threadName(model, lane.owner as Thread);
  if (lane.kind === laneKind.reactor) return `reactor on ${name}`;
  return lane.kind === laneKind.poolThread ? `pool ${name}` : name;
}

/** "127.0.0.1:4040 (fd 14)", "connections on 127.0.0.1:8080 (fd 3)", "fd 7". */
export function sourceName(model: Model, id: number): string {
  const source = model.sources.get(id);
  if (source === undefined) return id === 0 ? 'a source that is not known' : `source ${id}`;
  const fd = source.fd >= 0 ? `fd ${source.fd}` : '';
  const local = textOf(model, source.local);
  const peer = textOf(model, source.peer);
  const listens =
    source.sourceKind === sourceKind.tcpListener || source.sourceKind === sourceKind.unixListener;
  let name = peer === '' ? local : peer;
  if (listens && local !== '') name = `connections on ${local}`;
  if (name === '') name = sourceKindNames[source.sourceKind] ?? '';
  if (name === '') return fd === '' ? `source ${id}` : fd;
  return fd === '' ? name : `${name} (${fd})`;
}

const sourceKindNames: Readonly<Record<number, string>> = {
  [sourceKind.tcpStream]: 'a TCP socket',
  [sourceKind.tcpListener]: 'a TCP listener',
  [sourceKind.udpSocket]: 'a UDP socket',
  [sourceKind.unixStream]: 'a Unix socket',
  [sourceKind.unixListener]: 'a Unix listener',
  [sourceKind.unixDatagram]: 'a Unix datagram socket',
  [sourceKind.pipe]: 'a pipe',
  [sourceKind.signal]: 'a signal',
  [sourceKind.child]: 'a child process',
  [sourceKind.eventFd]: 'an eventfd',
  [sourceKind.ioUring]: 'an io_uring',
  [sourceKind.messagePort]: 'a message port',
  [sourceKind.timerFd]: 'a timerfd',
};

const resourceKindNames: Readonly<Record<number, string>> = {
  [resourceKind.mutex]: 'mutex',
  [resourceKind.rwLock]: 'read-write lock',
  [resourceKind.semaphore]: 'semaphore',
  [resourceKind.notify]: 'notify',
  [resourceKind.channel]: 'channel',
  [resourceKind.oneshot]: 'oneshot channel',
  [resourceKind.watch]: 'watch channel',
  [resourceKind.broadcast]: 'broadcast channel',
  [resourceKind.barrier]: 'barrier',
};

/** "the mutex queue", "channel 4". */
export function resourceName(model: Model, id: number): string {
  const resource = model.resources.get(id);
  const kind = resourceKindNames[resource?.resourceKind ?? 0] ?? 'resource';
  const name = textOf(model, resource?.name ?? 0);
  return name === '' ? `${kind} ${id}` : `the ${kind} ${name}`;
}

const jobKindNames: Readonly<Record<number, string>> = {
  [jobKind.fileWrite]: 'the file write',
  [jobKind.fileRead]: 'the file read',
  [jobKind.fileOther]: 'the file operation',
  [jobKind.dns]: 'the name look-up',
  [jobKind.crypto]: 'the cryptographic job',
  [jobKind.compression]: 'the compression job',
  [jobKind.query]: 'the name server query',
};

/** "the file write of /tmp/a (job 3)", "blocking job 3". */
export function jobName(model: Model, id: number): string {
  const job = model.jobs.get(id);
  const kind = jobKindNames[job?.jobKind ?? 0];
  if (kind === undefined) return `blocking job ${id}`;
  const name = textOf(model, job?.name ?? 0);
  return name === '' ? `${kind} (job ${id})` : `${kind} of ${name} (job ${id})`;
}

const submissionNames: Readonly<Record<number, string>> = {
  [submissionOperation.write]: 'write',
  [submissionOperation.read]: 'read',
  [submissionOperation.sync]: 'sync',
  [submissionOperation.open]: 'open',
  [submissionOperation.close]: 'close',
  [submissionOperation.cancel]: 'cancellation',
};

/** "write submission #7", "submission #7". */
export function submissionName(model: Model, id: number): string {
  const operation = submissionNames[model.submissions.get(id)?.operation ?? 0];
  return operation === undefined ? `submission #${id}` : `${operation} submission #${id}`;
}

/** What is waited for, as the object of "waited for". */
export function causeName(model: Model, kind: number, id: number): string {
  switch (kind) {
    case causeKind.poll:
      return taskName(model, id);
    case causeKind.source:
      return sourceName(model, id);
    case causeKind.timer:
      return `timer ${id}`;
    case causeKind.job:
      return jobName(model, id);
    case causeKind.thread: {
      const thread = model.thread(id);
      return thread === undefined ? `thread ${id}` : threadName(model, thread);
    }
    case causeKind.turn:
      return 'the reactor';
    case causeKind.resource:
      return resourceName(model, id);
    case causeKind.submission:
      return submissionName(model, id);
    case causeKind.frame:
      return callName(model, id);
    default:
      return 'something that was not recorded';
  }
}

/** "fetchUser (async call 12)". */
export function callName(model: Model, id: number): string {
  const name = textOf(model, model.frames.get(id)?.name ?? 0);
  return name === '' ? `async call ${id}` : `${name} (async call ${id})`;
}

/** How many functions of a row are named. */
const namedOfRow = 2;
/** Among how many of the newest calls they are looked for. */
const callsLookedAt = 64;

/** "3 calls in undici": what is folded into the call of that id. */
export function foldedName(model: Model, id: number): string {
  const frame = model.frames.get(id);
  if (frame === undefined) return '';
  return `${formatQuantity(1 + frame.foldedCalls, 'call')} in ${model.packageOf(frame.site)}`;
}

/** "fetchUser, parse and more": the functions whose calls a row shows, the newest first; of a folded row the packages. */
function frameRowLabel(model: Model, row: FrameRow): string {
  const names = new Set<string>();
  for (const frame of row.frames.slice(-callsLookedAt).reverse()) {
    const name = row.folded ? `in ${model.packageOf(frame.site)}` : textOf(model, frame.name);
    names.add(name || 'a function without a name');
  }
  const told = [...names].slice(0, namedOfRow).join(', ');
  return names.size > namedOfRow ? `${told} and more` : told;
}

/** " in fetchUser (users.ts:14:9)"; empty where nothing tells it. */
export function placeText(site: SourceSite | null): string {
  if (site === null) return '';
  const file = site.file.split(/[\\/]/).pop() ?? site.file;
  const at = `${file}:${site.line}${site.column > 0 ? `:${site.column}` : ''}`;
  return site.functionName === '' ? ` at ${at}` : ` in ${site.functionName} (${at})`;
}
