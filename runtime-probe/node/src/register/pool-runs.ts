// Owns which job each piece of work was that a thread of the pool says to have done.
// Knows nothing of how the threads tell it. Node gives their work no id that a job would have, too.
//
// The rule: the pool is a queue, so the next piece of work of a kind is the next job of that kind, unless the times speak
// against it: no job runs before it is submitted or after its callback. Where another thread of the program hands work to
// the same pool, nothing is told any more. What is lost between two batches is lost for the job that the times leave over.
import type { PoolStep } from '../probe/writer/start.ts';
import type { NodeRecorder } from './node-recorder.ts';
import { runtimeId } from './tasks.ts';

interface Job {
  readonly id: number;
  /** No run of it began earlier. */
  readonly fromNs: number;
  /** When its callback began; infinite before. */
  toNs: number;
}

interface Run {
  readonly job: Job;
  readonly queued: number;
  readonly startNs: number;
}

/** As Node calls what a thread does, by what it is to us. */
const works = { crypto: 'crypto', compression: 'zlib' } as const;
type Kind = keyof typeof works;

/** Jobs of a kind that wait for what is told of them; a program that hands over more has some told of less. */
const waitingLimit = 10_000;
/** Threads tell whole µs. */
const clockStepNs = 1000;

export class PoolRuns {
  private readonly recorder: NodeRecorder;
  private readonly waiting: Readonly<Record<(typeof works)[Kind], Job[]>> = { crypto: [], zlib: [] };
  private readonly byId = new Map<number, Job>();
  private readonly threads = new Map<number, number>();
  private readonly running = new Map<number, Run | undefined>();
  private others = false;

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
  }

  static tellsOf(kind: string): kind is Kind {
    return Object.hasOwn(works, kind);
  }

  /** A job was handed to the pool, at that time or later. */
  submitted(id: number, kind: Kind, fromNs: number): void {
    const job: Job = { id, fromNs, toNs: Number.POSITIVE_INFINITY };
    const waiting = this.waiting[works[kind]];
    if (waiting.length === waitingLimit) waiting.shift();
    waiting.push(job);
    this.byId.set(id, job);
  }

  /** Its callback begins, at that time. False for a job of which the threads do not tell. */
  over(id: number, nowNs: () => number): boolean {
    const job = this.byId.get(id);
    if (job === undefined) return false;
    job.toNs = nowNs();
    return this.byId.delete(id);
  }

  /** What the threads did since the last time, each thread's in its order. */
  take(steps: readonly PoolStep[], others: boolean): void {
    if (others) this.others = true;
    if (this.others) return;
    const ends = endsOf(steps);
    const inOrder = steps.map((step, at) => ({ step, endNs: ends[at] ?? Number.NaN }));
    inOrder.sort((a, b) => a.step.atNs - b.step.atNs);
    for (const { step, endNs } of inOrder) {
      if (step.begins) this.begins(step, endNs);
      else this.ends(step);
    }
  }

  /** What is under way is not told of any more. */
  clear(): void {
    this.waiting.crypto.length = 0;
    this.waiting.zlib.length = 0;
    this.byId.clear();
    this.running.clear();
  }

  /** `endNs` is NaN when the end is not known yet. */
  private begins({ osThread, work, atNs }: PoolStep, endNs: number): void {
    const waiting = work === 'crypto' || work === 'zlib' ? this.waiting[work] : [];
    let job = waiting[0];
    while (job !== undefined && (job.toNs < atNs || job.toNs + clockStepNs < endNs)) {
      waiting.shift();
      job = waiting[0];
    }
    const isHis = job !== undefined && job.fromNs <= atNs + clockStepNs;
    if (isHis) waiting.shift();
    const run = isHis && job !== undefined ? { job, queued: waiting.length, startNs: atNs } : undefined;
    this.running.set(osThread, run);
  }

  private ends({ osThread, atNs }: PoolStep): void {
    const run = this.running.get(osThread);
    this.running.delete(osThread);
    if (run === undefined || atNs > run.job.toNs + clockStepNs) return;
    const { job, queued, startNs } = run;
    const thread = this.threadOf(osThread, startNs);
    this.recorder.jobStarted(job.id, thread, startNs, queued);
    this.recorder.jobEnded(job.id, 'completed', 0, { thread, atNs });
  }

  private threadOf(osThread: number, atNs: number): number {
    const known = this.threads.get(osThread);
    if (known !== undefined) return known;
    const thread = this.threads.size + 1;
    this.threads.set(osThread, thread);
    this.recorder.threadStarted({ thread, name: `pool ${thread}`, osThread, runtime: runtimeId }, atNs);
    return thread;
  }
}

/** For each beginning its end, where it is among the steps; a thread does one thing after the other. */
function endsOf(steps: readonly PoolStep[]): readonly number[] {
  const ends: number[] = [];
  const begun = new Map<number, number>();
  steps.forEach(({ osThread, begins, atNs }, at) => {
    ends.push(Number.NaN);
    if (begins) {
      begun.set(osThread, at);
      return;
    }
    const began = begun.get(osThread);
    begun.delete(osThread);
    if (began !== undefined) ends[began] = atNs;
  });
  return ends;
}
