// Owns the sources, timers and pool jobs of a Node program: when they come, call back and go.
// Knows nothing of which task runs; it is told.
import { clockNs } from '../executor/clock.ts';
import { READINESS } from '../executor/observe.ts';
import { causeKind } from '../wire/index.ts';
import { cryptoJobs, handleKinds, jobKinds, parserType, writableRequests } from './kinds.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Parks } from './parks.ts';
import { type ResourceStamp, readResourceStamp, resourceRole, type Source } from './stamps.ts';
import { runtimeId, type Task, unseen } from './tasks.ts';

const nsPerMs = 1e6;

/** Fields of Node's own objects that the probe reads. None is public; all may be missing. */
interface Internals {
  readonly fd?: unknown;
  readonly socket?: { readonly _handle?: object | null } | null;
  readonly req?: { readonly socket?: { readonly _handle?: object | null } | null };
  readonly _idleTimeout?: unknown;
  readonly _repeat?: unknown;
  readonly _onTimeout?: { readonly name?: string } | null;
  hasRef?(): boolean;
  readonly ondone?: unknown;
  getpeername?(target: { address?: string; port?: number; family?: string }): number;
}

/** Why a callback came, as a wake of the wire says it. */
export interface Cause {
  kind: number;
  id: number;
}

export class Resources {
  private readonly recorder: NodeRecorder;
  private readonly parks: Parks;
  /** Open handles by Node's id, for the requests that name them as what they were made on. */
  private readonly handles = new Map<number, Source>();
  /** Crypto jobs of which it is not known yet whether they are synchronous. */
  private undecided: { readonly resource: Internals; readonly stamp: ResourceStamp }[] = [];
  private lastSource = 0;
  private lastTimer = 0;
  private lastJob = 0;
  private jobsInFlight = 0;
  readonly poolLimit = Number(process.env['UV_THREADPOOL_SIZE'] ?? '') || 4;

  constructor(recorder: NodeRecorder, parks: Parks) {
    this.recorder = recorder;
    this.parks = parks;
  }

  /** A resource was made for the task. `trigger` is Node's id of what it was made on. */
  describe(type: string, id: number, trigger: number, task: Task | undefined, target: object): ResourceStamp {
    const stamp: ResourceStamp = {
      type,
      role: resourceRole.other,
      task,
      source: undefined,
      id: 0,
      deadlineNs: 0,
    };
    if (task === unseen) return stamp;
    const resource = target as Internals;
    if (type === 'Timeout') return this.armed({ ...stamp, role: resourceRole.timer }, resource);
    if (type === parserType) return { ...stamp, role: resourceRole.parser, source: connectionOf(resource) };
    if (handleKinds[type] !== undefined) return this.opened({ ...stamp, role: resourceRole.handle }, id);
    if (writableRequests.has(type))
      return { ...stamp, role: resourceRole.request, source: this.handles.get(trigger) };
    if (jobKinds[type] !== undefined) return this.submitted({ ...stamp, role: resourceRole.job });
    if (cryptoJobs[type] === undefined) return stamp;
    const job = { ...stamp, role: resourceRole.job };
    this.undecided.push({ resource, stamp: job });
    return job;
  }

  /** The resource calls back, outside any other callback: tells what the loop has seen, and says why. */
  calledBack(stamp: ResourceStamp, target: object): Cause {
    switch (stamp.role) {
      case resourceRole.handle:
      case resourceRole.parser:
        return this.ready(stamp, READINESS.readable, target);
      case resourceRole.request:
        return this.ready(stamp, READINESS.writable, target);
      case resourceRole.timer:
        return this.fired(stamp, target as Internals);
      case resourceRole.job:
        return this.jobDone(stamp);
      default:
        return queuedBy(stamp);
    }
  }

  /** A crypto job that has a callback by now runs on the pool; one without has already run. */
  decide(): void {
    if (this.undecided.length === 0) return;
    for (const { resource, stamp } of this.undecided.splice(0))
      if (typeof resource.ondone === 'function') this.submitted(stamp);
  }

  /** The handle is being closed: it cannot become ready any more. */
  closing(stamp: ResourceStamp): void {
    const { source } = stamp;
    if (source === undefined || !source.open) return;
    source.open = false;
    for (const [id, each] of this.handles) if (each === source) this.handles.delete(id);
    this.recorder.sourceDeregistered(source.id);
  }

  /** Node forgets the timer: it was cleared, or it has fired for the last time. */
  timerGone(stamp: ResourceStamp): void {
    if (stamp.id !== 0) this.recorder.timerCancelled(stamp.id);
    stamp.id = 0;
  }

  private opened(stamp: ResourceStamp, id: number): ResourceStamp {
    this.lastSource++;
    const source: Source = { id: this.lastSource, open: true, readyTurn: 0, serving: undefined };
    this.handles.set(id, source);
    stamp.source = source;
    this.recorder.sourceRegistered({
      source: source.id,
      fd: -1,
      kind: handleKinds[stamp.type] ?? 'unknown',
      local: '',
      peer: '',
      interest: READINESS.readable,
      site: undefined,
    });
    return stamp;
  }

  private ready(stamp: ResourceStamp, mask: number, target: object): Cause {
    const { source } = stamp;
    if (source === undefined || !source.open) return { kind: causeKind.turn, id: 0 };
    // Node calls back several times for one read: for the head, the body and the end of a message.
    if (source.readyTurn !== this.parks.turn) {
      if (source.readyTurn === 0) this.tellAddress(stamp, source, target as Internals);
      source.readyTurn = this.parks.turn;
      this.recorder.readiness(source.id, mask);
    }
    return { kind: causeKind.source, id: source.id };
  }

  /** The descriptor and the peer are known once the handle is connected, so at its first readiness. */
  private tellAddress(stamp: ResourceStamp, source: Source, resource: Internals): void {
    if (stamp.role === resourceRole.request) return;
    const handle = stamp.role === resourceRole.parser ? handleOf(resource) : resource;
    if (handle === undefined) return;
    this.recorder.sourceRegistered({
      source: source.id,
      fd: typeof handle.fd === 'number' ? handle.fd : -1,
      kind: stamp.role === resourceRole.parser ? 'tcpStream' : (handleKinds[stamp.type] ?? 'unknown'),
      local: '',
      peer: peerOf(handle),
      interest: READINESS.readable,
      site: undefined,
    });
  }

  private armed(stamp: ResourceStamp, resource: Internals): ResourceStamp {
    const delayMs = resource._idleTimeout;
    if (typeof delayMs !== 'number' || delayMs < 0) return stamp;
    this.lastTimer++;
    stamp.id = this.lastTimer;
    stamp.deadlineNs = clockNs() + delayMs * nsPerMs;
    this.recorder.timerSet(stamp.id, stamp.task?.id ?? 0, stamp.deadlineNs);
    return stamp;
  }

  private fired(stamp: ResourceStamp, resource: Internals): Cause {
    const { id } = stamp;
    if (id === 0) return { kind: causeKind.turn, id: 0 };
    this.recorder.timerFired(id, clockNs() - stamp.deadlineNs);
    stamp.id = 0;
    // An interval is armed again after its callback; the trace takes the callback's begin for it.
    if (typeof resource._repeat === 'number') this.armed(stamp, resource);
    return { kind: causeKind.timer, id };
  }

  private submitted(stamp: ResourceStamp): ResourceStamp {
    const job = jobKinds[stamp.type] ?? cryptoJobs[stamp.type];
    if (job === undefined) return stamp;
    this.lastJob++;
    this.jobsInFlight++;
    stamp.id = this.lastJob;
    this.recorder.jobSubmitted({
      job: stamp.id,
      kind: job.kind,
      task: stamp.task?.id ?? 0,
      runtime: runtimeId,
      site: undefined,
      name: job.name,
      queueDepth: Math.max(0, this.jobsInFlight - this.poolLimit),
      requests: undefined,
    });
    return stamp;
  }

  private jobDone(stamp: ResourceStamp): Cause {
    const { id } = stamp;
    if (id === 0) return queuedBy(stamp);
    stamp.id = 0;
    this.jobsInFlight--;
    this.recorder.jobEnded(id, 'completed', 0);
    return { kind: causeKind.job, id };
  }
}

/** A tick, an immediate, a microtask: whoever made it made it run. */
function queuedBy(stamp: ResourceStamp): Cause {
  const { task } = stamp;
  return task === undefined || task === unseen
    ? { kind: causeKind.turn, id: 0 }
    : { kind: causeKind.poll, id: task.id };
}

function handleOf(parser: Internals): Internals | undefined {
  return (parser.socket?._handle ?? parser.req?.socket?._handle ?? undefined) as Internals | undefined;
}

function connectionOf(parser: Internals): Source | undefined {
  const handle = handleOf(parser);
  return handle === undefined ? undefined : readResourceStamp(handle)?.source;
}

/**
 * Whether it is the timer by which Node renews the date of HTTP answers each second. Whichever request is the first of
 * a second sets it, but it is no work of that request. A timer without a reference from the start can only be one of
 * Node's own: programs take the reference away later.
 */
export function renewsTheDate(type: string, resource: object): boolean {
  const timer = resource as Internals;
  return type === 'Timeout' && timer._onTimeout?.name === 'resetCache' && timer.hasRef?.() === false;
}

/** host:port; empty for what has no peer. */
export function peerOf(handle: Internals): string {
  if (typeof handle.getpeername !== 'function') return '';
  const name: { address?: string; port?: number; family?: string } = {};
  try {
    if (handle.getpeername(name) !== 0 || name.address === undefined) return '';
  } catch {
    return '';
  }
  return name.family === 'IPv6' ? `[${name.address}]:${name.port}` : `${name.address}:${name.port}`;
}
