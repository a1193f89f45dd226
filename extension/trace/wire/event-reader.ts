// Owns what each kind of event means for its thread and for the model. The hot path of reading: no allocation for
// polls and wakes but what the columns need. Knows nothing of frames, gaps or queries.
import {
  causeKind,
  type EventPlan,
  eventKind,
  expandShortForm,
  jobKind,
  operationMaker,
  parkKind,
  pollOutcome,
  skipForeignEvent,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { laneKind } from '../../messages/lanes.ts';
import { SlotTable } from '../model/columns.ts';
import { countOnly, countOperation } from '../model/counts.ts';
import { type Job, operationDetail, type Submission, type Thread, type Timer } from '../model/entities.ts';
import type { Model, WakeFact } from '../model/model.ts';
import type { TickClock } from './ticks.ts';

/** The same object for every wake; whoever keeps a fact copies it. */
interface MutableWakeFact {
  ns: number;
  thread: Thread;
  log: number;
  causeKind: number;
  causeId: number;
}

export class EventReader {
  private readonly model: Model;
  private thread: Thread;
  /** Fields of the event at hand: used again for each. */
  private readonly fields = new Float64Array(32);
  private readonly fact: MutableWakeFact;

  constructor(model: Model) {
    this.model = model;
    this.thread = undefined as unknown as Thread;
    this.fact = { ns: 0, thread: this.thread, log: 0, causeKind: 0, causeId: 0 };
  }

  /**
   * Reads the events of a chunk, from `position` to the end of the bytes; what ends at or before `skipTo` was read before.
   * The bytes have passed `checkEvents`, so nothing is checked again: this is the engine's hottest loop.
   */
  read(
    thread: Thread,
    clock: TickClock,
    bytes: Uint8Array,
    position: number,
    skipTo: number,
    firstTick: number,
    plan: EventPlan,
  ): void {
    const { fields } = this;
    const { written, known, signed, foreign, short } = plan;
    const eventsBefore = thread.eventCount;
    const end = bytes.length;
    this.thread = thread;
    this.fact.thread = thread;
    let tick = firstTick;
    let at = position;
    while (at < end) {
      const kind = bytes[at++] as number;
      const unknown = foreign[kind];
      if (unknown !== undefined) {
        const skipped = skipForeignEvent(bytes, at, unknown);
        tick += skipped.tickDelta;
        at = skipped.position;
        continue;
      }
      const count = written[kind] as number;
      const ownCount = known[kind] as number;
      // The tick delta is number -1, then come the fields.
      for (let i = -1; i < count; i++) {
        let value = bytes[at++] as number;
        if (value >= 0x80) {
          const second = bytes[at++] as number;
          value = (value & 0x7f) | ((second & 0x7f) << 7);
          if (second >= 0x80) {
            let scale = 16384;
            let byte: number;
            do {
              byte = bytes[at++] as number;
              value += (byte & 0x7f) * scale;
              scale *= 128;
            } while (byte >= 0x80);
          }
        }
        if (i < 0) tick += value;
        else if (i < ownCount) fields[i] = value;
      }
      if (at <= skipTo) continue;
      for (let i = count; i < ownCount; i++) fields[i] = 0;
      if (signed[kind] !== 0) unzigzag(fields, signed[kind] as number);
      const form = short[kind];
      this.onEvent(form === undefined ? kind : expandShortForm(form, fields), clock.toNs(tick));
    }
    this.model.counts.events += thread.eventCount - eventsBefore;
  }

  private onEvent(kind: number, ns: number): void {
    const { thread, fields } = this;
    if (this.model.full) {
      thread.eventCount++;
      countOnly(this.model.counts, kind, fields);
      return;
    }
    thread.lastNs = ns;
    if (thread.eventCount++ === 0) thread.firstNs = ns;
    switch (kind) {
      case eventKind.pollStart:
        this.pollStart(ns, fields[0] as number, fields[1] as number);
        break;
      case eventKind.pollEnd:
        this.pollEnd(ns, fields[0] as number);
        break;
      case eventKind.pollEndAt:
        this.pollEndAt(ns, fields[0] as number);
        break;
      case eventKind.waitFound:
        this.model.waitFound(fields[0] as number, fields[1] as number, {
          stack: fields[2] as number,
          count: Math.max(1, fields[3] as number),
        });
        break;
      case eventKind.wake: {
        const epoch = fields[1] as number;
        this.wake(ns, fields[0] as number, epoch, fields[2] as number, epoch, 0, 0);
        break;
      }
      case eventKind.wakeFrom: {
        const epochAfter = fields[5] as number;
        this.wake(
          ns,
          fields[0] as number,
          fields[1] as number,
          fields[2] as number,
          epochAfter,
          fields[3] as number,
          fields[4] as number,
        );
        break;
      }
      case eventKind.waitStart:
        this.waitStart();
        break;
      default:
        this.uncommon(kind, ns, fields);
    }
  }

  private uncommon(kind: number, ns: number, fields: Float64Array): void {
    if (kind <= eventKind.reject) this.taskOrFrame(kind, ns, fields);
    else if (kind === eventKind.frameWake || kind === eventKind.waitRejected) this.frame(kind, ns, fields);
    else if (kind === eventKind.jobSeen) this.jobSeen(ns, fields);
    else if (kind <= eventKind.operation) this.sourceOrReactor(kind, ns, fields);
    else if (kind <= eventKind.poolState) this.timerOrJob(kind, ns, fields);
    else this.rest(kind, ns, fields);
  }

  private waitStart(): void {
    const { model, thread, fields } = this;
    const poll = thread.open[thread.open.length - 1];
    const frame = fields[0] as number;
    if (frame !== 0) {
      const wait = { onKind: fields[1] as number, onId: fields[2] as number, site: fields[4] as number };
      model.frames.note(frame, (each) => each.waits(thread.lastNs, this.pollStartNs(), wait));
    }
    // A frame's wait outside any poll is part of a snapshot; another task's is none of this poll's.
    if (poll === undefined) return;
    this.model.wait(
      poll,
      fields[0] as number,
      fields[1] as number,
      fields[2] as number,
      fields[3] as number,
      fields[4] as number,
      fields[5] as number,
    );
  }

  private pollStart(ns: number, taskId: number, epoch: number): void {
    const { model, thread } = this;
    const task = model.taskFor(taskId, ns);
    thread.open.push(model.pollBegins(task, epoch, ns, thread, thread.log.length));
  }

  private pollEndAt(ns: number, stack: number): void {
    const { thread } = this;
    const poll = thread.open[thread.open.length - 1];
    if (poll !== undefined) this.model.awaits(poll, stack);
    this.pollEnd(ns, pollOutcome.pending);
  }

  private pollEnd(ns: number, outcome: number): void {
    const { thread } = this;
    const poll = thread.open.pop();
    if (poll === undefined) return;
    this.model.pollEnds(poll, ns, outcome, false, thread.log.length);
    thread.spare = poll;
    if (thread.open.length === 0) thread.polls.end();
  }

  private wake(
    ns: number,
    taskId: number,
    epoch: number,
    effect: number,
    epochAfter: number,
    kind: number,
    id: number,
  ): void {
    const { model, thread, fact } = this;
    model.counts.wakes++;
    const task = model.taskFor(taskId, ns);
    fact.ns = ns;
    fact.log = thread.log.push(ns, eventKind.wake, effect & 0xff, task.index, epoch);
    fact.causeKind = kind;
    fact.causeId = id;
    if (kind === causeKind.unknown) this.nameWhatRuns(fact);
    model.wake(task, epoch, epochAfter, effect, fact as WakeFact);
  }

  /** A wake that names no cause is made by what runs: the innermost open poll, else the job, else the thread. */
  private nameWhatRuns(fact: MutableWakeFact): void {
    const { thread } = this;
    // Index -1 would be looked up as a name, which is ten times slower than this test.
    const depth = thread.open.length;
    const poll = depth === 0 ? undefined : thread.open[depth - 1];
    if (poll !== undefined) {
      fact.causeKind = causeKind.poll;
      fact.causeId = poll.task.id;
    } else if (thread.openJob !== 0) {
      fact.causeKind = causeKind.job;
      fact.causeId = thread.openJob;
    } else {
      fact.causeKind = causeKind.thread;
      fact.causeId = thread.id;
    }
  }

  private taskOrFrame(kind: number, ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const id = fields[0] as number;
    if (kind === eventKind.taskSpawn) {
      const task = model.taskFor(id, ns);
      const log = thread.log.push(ns, kind, 0, task.index, 0);
      model.spawn(id, fields[1] as number, ns, thread, log);
    } else if (kind === eventKind.taskEnd) {
      model.taskEnds(id, {
        taskEndNs: ns,
        endOutcome: fields[1] as number,
        endByKind: fields[2] as number,
        endById: fields[3] as number,
      });
      // block_on has returned: what the thread does now is no turn of the reactor. Node's loop goes on.
      if (model.isBlockedOn(id)) thread.turns.end(ns);
    } else this.frame(kind, ns, fields);
  }

  private frame(kind: number, ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const [id = 0, second = 0, task = 0, frameKind = 0, site = 0, name = 0] = fields;
    if (kind === eventKind.frameOpen)
      model.frames.opens(id, { parent: second, task, frameKind, site, name }, ns);
    else if (kind === eventKind.frameEnter) {
      thread.openFrames.push(id);
      model.frames.note(id, (frame) => frame.enters(ns));
    } else if (kind === eventKind.frameLeave) {
      const left = thread.openFrames.pop();
      if (left !== undefined) model.frames.note(left, (frame) => frame.leaves(ns, id));
    } else if (kind === eventKind.frameEnd) model.frames.ends(id, ns, second, this.pollStartNs());
    else if (kind === eventKind.frameWake) model.frames.note(id, (frame) => frame.wakes(ns, second, task));
    else if (kind === eventKind.waitRejected)
      model.frames.note(id, (frame) => frame.waitRejected(ns - second, task));
    else if (kind === eventKind.settle) model.frames.get(id)?.settles();
    else if (kind === eventKind.reject) model.frames.get(id)?.rejects(second);
  }

  /** When the innermost open poll of the thread began; NaN outside any. */
  private pollStartNs(): number {
    const poll = this.thread.open[this.thread.open.length - 1];
    if (poll === undefined) return Number.NaN;
    return this.model.slots.segmentOf(poll.slot).startNs[SlotTable.within(poll.slot)] as number;
  }

  private sourceOrReactor(kind: number, ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const { counts } = model;
    if (kind === eventKind.operation) this.operation(ns, fields);
    else if (kind === eventKind.readiness) {
      counts.readiness++;
      const [source, mask, waiting] = fields as unknown as [number, number, number];
      thread.reactorMarks.push(thread.log.push(ns, kind, mask, source, waiting));
    } else if (kind === eventKind.park) this.park(ns, fields);
    else if (kind === eventKind.unpark) this.unpark(ns, fields);
    else if (kind === eventKind.resourceAcquire || kind === eventKind.resourceRelease) {
      const [resource = 0, task = 0, amount = 0] = fields;
      thread.log.push(ns, kind, 0, resource, task);
      model.holds(resource, task, kind === eventKind.resourceAcquire ? amount : -amount);
    }
  }

  private operation(ns: number, fields: Float64Array): void {
    countOperation(this.model.counts, fields);
    const kind = fields[1] as number;
    const outcome = fields[2] as number;
    const bytes = fields[3] as number;
    const detail =
      (kind & operationDetail.kindMask) |
      ((outcome & operationDetail.outcomeMask) << operationDetail.outcomeShift) |
      (((fields[4] as number) & 3) << operationDetail.makerShift);
    const { thread } = this;
    const log = thread.log.push(ns, eventKind.operation, detail, fields[0] as number, bytes);
    if (fields[4] === operationMaker.turn) thread.reactorMarks.push(log);
  }

  private park(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const kind = fields[0] as number;
    thread.turns.end(ns);
    thread.parkLog.push(
      thread.log.push(ns, eventKind.park, kind & 0xff, fields[2] as number, fields[1] as number),
    );
    if (kind === parkKind.reactor) {
      model.counts.reactorParks++;
      if (thread.reactorLane < 0) thread.reactorLane = model.newLane(laneKind.reactor, thread);
      thread.parks.begin(ns, thread.turns.count + 1);
    } else {
      if (thread.workerLane < 0) thread.workerLane = model.newLane(laneKind.worker, thread);
      thread.lockParks.begin(ns, 0);
    }
  }

  private unpark(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const kind = fields[0] as number;
    thread.parks.end(ns);
    thread.lockParks.end(ns);
    thread.unparkLog.push(
      thread.log.push(ns, eventKind.unpark, kind & 0xff, thread.turns.count + 1, fields[1] as number),
    );
    if (kind !== parkKind.reactor) return;
    if (thread.reactorLane < 0) thread.reactorLane = model.newLane(laneKind.reactor, thread);
    thread.turnLog.push(thread.log.length - 1);
    thread.turns.begin(ns, thread.turns.count + 1);
  }

  private timerOrJob(kind: number, ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const { counts } = model;
    const id = fields[0] as number;
    if (kind === eventKind.timerSet) {
      counts.timersSet++;
      const timer = this.timer(id);
      timer.setNs = ns;
      timer.task = fields[1] as number;
      timer.delayNs = fields[2] as number;
      thread.log.push(ns, kind, 0, id, fields[2] as number);
    } else if (kind === eventKind.timerFire) {
      counts.timersFired++;
      const timer = this.timer(id);
      timer.fireNs = ns;
      timer.latenessNs = fields[1] as number;
      thread.reactorMarks.push(thread.log.push(ns, kind, 0, id, fields[1] as number));
    } else if (kind === eventKind.timerCancel) {
      this.timer(id).cancelNs = ns;
    } else if (kind === eventKind.jobSubmit) this.jobSubmit(ns, fields);
    else if (kind === eventKind.jobStart) this.jobBegins(ns, fields[0] as number, fields[1] as number);
    else if (kind === eventKind.jobEnd) this.jobEnd(ns, fields);
    else if (kind === eventKind.poolState) {
      counts.poolThreadsPeak = Math.max(counts.poolThreadsPeak, fields[1] as number);
      counts.poolQueuePeak = Math.max(counts.poolQueuePeak, fields[3] as number);
    } else if (kind === eventKind.submission) this.submits(ns, fields);
    else if (kind === eventKind.completion) this.completes(ns, fields);
  }

  private submits(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const submission = this.submission(fields[0] as number);
    thread.log.push(ns, eventKind.submission, 0, submission.id, fields[3] as number);
    if (!Number.isNaN(submission.submitNs)) return;
    submission.submitNs = ns;
    submission.source = fields[1] as number;
    submission.task = thread.open.at(-1)?.task.id ?? 0;
    submission.operation = fields[2] as number;
    submission.bytes = fields[3] as number;
    submission.depth = fields[4] as number;
    model.ringFor(submission.source).submitted(submission);
  }

  private completes(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const submission = this.submission(fields[0] as number);
    thread.log.push(ns, eventKind.completion, 0, submission.id, Math.max(0, fields[1] as number));
    if (!Number.isNaN(submission.completeNs)) return;
    submission.completeNs = ns;
    submission.result = fields[1] as number;
    if (!Number.isNaN(submission.submitNs)) model.ringFor(submission.source).completed(submission);
  }

  private jobSubmit(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const job = this.job(fields[0] as number);
    thread.log.push(ns, eventKind.jobSubmit, 0, job.id, fields[5] as number);
    model.counts.poolQueuePeak = Math.max(model.counts.poolQueuePeak, fields[5] as number);
    if (!Number.isNaN(job.submitNs)) return;
    job.submitNs = ns;
    job.jobKind = fields[1] as number;
    job.task = fields[2] as number;
    job.site = fields[3] as number;
    job.name = fields[4] as number;
    job.runtime = fields[6] as number;
    if (!isOfPool(job)) return;
    const pool = model.poolFor(job.runtime);
    pool.submit(ns);
    const departNs = Number.isNaN(job.startNs) ? job.endNs : job.startNs;
    if (!Number.isNaN(departNs)) pool.depart(Math.max(ns, departNs));
  }

  private jobBegins(ns: number, id: number, queued: number): void {
    const { thread } = this;
    thread.log.push(ns, eventKind.jobStart, 0, id, queued);
    this.jobRuns(thread, id, ns);
    thread.openJob = id;
  }

  /** Begun like any other, but in no queue before that is known. */
  private jobSeen(ns: number, fields: Float64Array): void {
    const [id = 0, jobKind = 0, runtime = 0] = fields;
    Object.assign(this.job(id), { jobKind, runtime });
    this.jobBegins(ns, id, 0);
  }

  /** The job runs on that thread from then on: its own start, or a chunk's head that names it. */
  jobRuns(thread: Thread, id: number, ns: number): void {
    const { model } = this;
    const job = this.job(id);
    if (thread.poolLane < 0) {
      thread.poolLane = model.newLane(laneKind.poolThread, thread);
      model.counts.poolThreads++;
    }
    thread.jobs.begin(ns, id);
    if (!Number.isNaN(job.startNs)) return;
    const pool = Number.isNaN(job.submitNs) ? undefined : model.poolFor(job.runtime);
    if (pool !== undefined && !Number.isNaN(job.endNs)) pool.takeBack(Math.max(job.submitNs, job.endNs));
    job.startNs = ns;
    job.thread = thread.index;
    pool?.depart(Math.max(job.submitNs, ns));
  }

  private jobEnd(ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    const job = this.job(fields[0] as number);
    thread.log.push(ns, eventKind.jobEnd, 0, job.id, fields[2] as number);
    if (thread.openJob === job.id) {
      thread.jobs.end(ns);
      thread.openJob = 0;
    }
    if (!Number.isNaN(job.endNs)) return;
    job.endNs = ns;
    job.outcome = fields[1] as number;
    job.bytes = fields[2] as number;
    model.counts.jobBytes += job.bytes;
    if (Number.isNaN(job.startNs) && !Number.isNaN(job.submitNs) && isOfPool(job))
      model.poolFor(job.runtime).depart(Math.max(job.submitNs, ns));
  }

  private rest(kind: number, ns: number, fields: Float64Array): void {
    const { model, thread } = this;
    if (kind === eventKind.threadStop) {
      thread.stopped = true;
      thread.turns.end(ns);
      thread.parks.end(ns);
      thread.lockParks.end(ns);
    } else if (kind === eventKind.threadCpu) thread.cpuNs = fields[0] as number;
    else if (kind === eventKind.marker) {
      const [name = 0, task = 0, value = 0] = fields;
      thread.log.push(ns, kind, value < 0 ? 1 : 0, name, Math.abs(value));
      if (task === 0) model.sections.mark(ns, name);
    } else if (kind === eventKind.spanOpen) {
      const [span = 0, task = 0, name = 0, site = 0] = fields;
      model.sections.begins(span, task, name, site, ns);
    } else if (kind === eventKind.spanClose) model.sections.ends(fields[0] as number, ns);
    else if (kind === eventKind.detailChange) model.detail = fields[0] as number;
    else if (kind === eventKind.jobError) this.job(fields[0] as number).error = fields[1] as number;
    else if (kind === eventKind.operationPeer)
      thread.log.push(ns, kind, 0, fields[0] as number, fields[1] as number);
    else if (kind === eventKind.debuggerStop) {
      const last = model.stops.at(-1);
      if (last !== undefined && last.toNs === Number.POSITIVE_INFINITY) return;
      const reason = fields[0] as number;
      model.stops.push({ fromNs: ns, toNs: Number.POSITIVE_INFINITY, reason, osThread: fields[1] as number });
      model.invalidateFrom(ns);
    } else if (kind === eventKind.debuggerContinue) {
      const last = model.stops.at(-1);
      if (last === undefined || last.toNs !== Number.POSITIVE_INFINITY) return;
      last.toNs = Math.max(ns, last.fromNs);
      model.invalidateFrom(last.fromNs);
    } else if (kind === eventKind.pollSample) {
      const [task = 0, epoch = 0, wallNs = 0, watchedNs = 0, cpuNs = 0, stack = 0] = fields;
      model.sample(task, epoch, { wallNs, watchedNs, cpuNs, stack });
    } else if (kind === eventKind.pollSettled) {
      const [task = 0, epoch = 0, outcome = 0] = fields;
      model.pollSettles(task, epoch, outcome);
    } else if (kind === eventKind.snapshotTask) {
      const task = model.taskFor(fields[0] as number, ns);
      if (task.snapshot !== undefined) return;
      const [, epoch = 0, state = 0, onKind = 0, onId = 0, site = 0] = fields;
      task.snapshot = { ns, epoch, state, onKind, onId, site };
      task.validPages = 0;
    }
  }

  private job(id: number): Job {
    const known = this.model.jobs.get(id);
    if (known !== undefined) return known;
    const job: Job = {
      id,
      jobKind: 0,
      task: 0,
      site: 0,
      name: 0,
      runtime: 0,
      submitNs: Number.NaN,
      startNs: Number.NaN,
      endNs: Number.NaN,
      outcome: 0,
      error: 0,
      bytes: 0,
      thread: -1,
    };
    this.model.jobs.set(id, job);
    return job;
  }

  private timer(id: number): Timer {
    const known = this.model.timers.get(id);
    if (known !== undefined) return known;
    const timer: Timer = {
      id,
      task: 0,
      setNs: Number.NaN,
      delayNs: 0,
      fireNs: Number.NaN,
      latenessNs: 0,
      cancelNs: Number.NaN,
    };
    this.model.timers.set(id, timer);
    return timer;
  }

  private submission(id: number): Submission {
    const known = this.model.submissions.get(id);
    if (known !== undefined) return known;
    const submission: Submission = {
      id,
      source: 0,
      task: 0,
      operation: 0,
      bytes: 0,
      submitNs: Number.NaN,
      completeNs: Number.NaN,
      result: 0,
      depth: 0,
    };
    this.model.submissions.set(id, submission);
    return submission;
  }
}

/** Fields that are signed come zigzag-coded. */
function unzigzag(fields: Float64Array, signed: number): void {
  for (let i = 0; i < 32; i++) {
    if ((signed & (1 << i)) === 0) continue;
    const raw = fields[i] as number;
    fields[i] = raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }
}

/** A question to a name server stands in no pool's queue. */
const isOfPool = (job: Job): boolean => job.jobKind !== jobKind.query;
