// Owns which part of the probe a native resource concerns: a source, a timer, a job of the pool, or none.
// Knows nothing of which task runs; it is told.
import { causeKind } from '../wire/index.ts';
import { Jobs } from './jobs.ts';
import { isReused, roleOfType, typeOfUntold } from './kinds.ts';
import type { NodeRecorder } from './node-recorder.ts';
import type { Parks } from './parks.ts';
import { type Cause, isOwnConnection, Sources } from './sources.ts';
import { type ResourceStamp, resourceRole, stampResource } from './stamps.ts';
import { Streams } from './streams.ts';
import { type Task, unseen } from './tasks.ts';
import { Timers } from './timers.ts';

export class Resources {
  readonly sources: Sources;
  readonly timers: Timers;
  readonly jobs: Jobs;
  readonly streams: Streams;

  constructor(recorder: NodeRecorder, parks: Parks) {
    this.sources = new Sources(recorder, parks);
    this.timers = new Timers(recorder);
    this.jobs = new Jobs(recorder);
    this.streams = new Streams(this.sources.methods);
  }

  /** A resource was made for the task. `trigger` is Node's id of what it was made on. */
  describe(type: string, id: number, trigger: number, task: Task | undefined, target: object): ResourceStamp {
    const stamp = newStamp(type, task);
    if (task === unseen) return stamp;
    switch (stamp.role) {
      case resourceRole.timer:
        // One that was armed while nothing was recorded has its deadline from Node.
        if (id !== 0) this.timers.set(stamp, target);
        break;
      case resourceRole.parser:
        stamp.source = this.sources.ofParser(target);
        break;
      case resourceRole.handle:
        this.sources.opened(stamp, id, target, task === undefined);
        break;
      case resourceRole.request:
        this.sources.requested(stamp, trigger);
        break;
      case resourceRole.job:
      case resourceRole.cryptoJob:
        this.jobs.made(stamp, target, Resources.prototype.describe);
        break;
      case resourceRole.packer:
        this.jobs.packerMade(target);
        break;
      case resourceRole.query:
        this.jobs.asked(stamp, target);
        break;
      case resourceRole.tls:
      case resourceRole.session:
        this.sources.layered(target);
        break;
      case resourceRole.stream:
        this.streams.made(target);
        break;
    }
    return stamp;
  }

  /**
   * A resource that was made while nothing was recorded calls back: what it is its class tells, if anything does. What
   * the loop makes by itself is nobody's, all else the main task's: unseen is what only the probe itself does, because
   * whatever is made in such a callback is unseen too, and so on without end.
   */
  adopt(target: object, main: Task): ResourceStamp {
    const type = typeOfUntold(target) ?? '';
    const below = type === 'HTTPINCOMINGMESSAGE' ? this.sources.untold(target) : undefined;
    if (below !== undefined) this.adopt(below, main);
    const loops =
      type === 'TCPWRAP' || type === 'PIPEWRAP' || type === 'HTTPINCOMINGMESSAGE' || type === 'TLSWRAP';
    const isNobodys = loops && !isReused(target) && !isOwnConnection(target);
    const described = this.describe(type, 0, 0, isNobodys ? undefined : main, target);
    const { role } = described;
    const stamp = role === resourceRole.other ? { ...described, role: resourceRole.untold } : described;
    stampResource(target, stamp);
    return stamp;
  }

  /** The resource calls back, outside any other callback: tells what the loop has seen, and says why. */
  calledBack(stamp: ResourceStamp, target: object): Cause {
    switch (stamp.role) {
      case resourceRole.handle:
      case resourceRole.parser:
      case resourceRole.request:
      case resourceRole.tls:
      case resourceRole.session:
        return this.sources.calledBack(stamp, target);
      case resourceRole.stream:
        return stamp.source === undefined ? queuedBy(stamp) : this.sources.above(stamp.source);
      case resourceRole.timer:
        return this.timers.fired(stamp, target);
      case resourceRole.job:
      case resourceRole.cryptoJob:
      case resourceRole.packer:
        return this.jobs.done(stamp) ?? queuedBy(stamp);
      case resourceRole.query:
        return this.jobs.answered(stamp) ?? queuedBy(stamp);
      case resourceRole.untold:
        return { kind: causeKind.unknown, id: 0 };
      default:
        return queuedBy(stamp);
    }
  }

  /** Something else begins to run or has run: what was made before is known now. */
  decide(): void {
    this.jobs.decide();
    this.sources.left();
  }

  /** To be called once in each turn of the loop. */
  turnEnds(): void {
    this.timers.look();
  }

  /** Goes on after a pause. */
  resume(): void {
    this.sources.resume();
  }

  /** Nothing is recorded from here on. */
  pause(): void {
    this.sources.pause();
    this.jobs.pause();
    this.streams.pause();
  }
}

/** What the probe itself made before its hooks: nothing that comes of it is told. */
export function leaveOutResource(target: object): void {
  stampResource(target, newStamp('', unseen));
}

function newStamp(type: string, task: Task | undefined): ResourceStamp {
  return {
    type,
    role: roleOfType.get(type) ?? resourceRole.other,
    task,
    source: undefined,
    id: 0,
    deadlineNs: 0,
    startMs: Number.NaN,
    bytes: 0,
  };
}

/** A tick, an immediate, a microtask: whoever made it made it run. */
function queuedBy(stamp: ResourceStamp): Cause {
  const { task } = stamp;
  return task === undefined || task === unseen
    ? { kind: causeKind.turn, id: 0 }
    : { kind: causeKind.poll, id: task.id };
}
