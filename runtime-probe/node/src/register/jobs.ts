// Owns the work that libuv's pool does for the program: what it is, when it was submitted and when it is over.
// Knows nothing of which task runs. When a thread of the pool takes a job up pool-runs.ts finds out, as far as it can be.
import { clockNs } from '../executor/clock.ts';
import { poolLimit } from '../executor/pool-limit.ts';
import { captureStack, type PublicFunction, type Site, toSite } from '../executor/site.ts';
import type { RecordedJob } from '../probe/recorder.ts';
import { causeKind } from '../wire/index.ts';
import { jobsByType } from './kinds.ts';
import { NativeMethods } from './native-methods.ts';
import type { NodeRecorder } from './node-recorder.ts';
import { PoolRuns } from './pool-runs.ts';
import type { Cause } from './sources.ts';
import { type ResourceStamp, readResourceStamp, resourceRole } from './stamps.ts';
import { runtimeId } from './tasks.ts';

/** Fields of Node's own objects that the probe reads. None is public; all may be missing. */
interface Request {
  readonly ondone?: unknown;
  /** Of a name look-up; put there after the request was made. */
  readonly hostname?: unknown;
  readonly host?: unknown;
  /** Of a question to a name server, such as `queryMx`. */
  readonly bindingName?: unknown;
  oncomplete?: unknown;
}

interface Undecided {
  readonly request: Request;
  readonly stamp: ResourceStamp;
  /** When it was made, if what the pool's threads do is told; else 0. */
  readonly madeNs: number;
}

/** What a job does, as far as the code that asks for it tells. */
interface Operation {
  readonly kind: RecordedJob['kind'];
  readonly name: string;
  readonly site: Site | undefined;
}

/** As deep as Node's own functions stand between a request and the line that asks for it, and ours above them. */
const stackDepth = 9;
/** How long a packer's call of the pool may take until it is told, on a busy machine. */
const packerAheadNs = 5_000_000;
const hookFile = 'node:internal/async_hooks';
const fileModules = /^node:(?:internal\/)?fs(?:$|\/)/;

export class Jobs {
  readonly poolLimit = poolLimit();
  private readonly recorder: NodeRecorder;
  private readonly methods = new NativeMethods();
  readonly runs: PoolRuns;
  /** Requests that say only after they were made what they are. */
  private undecided: Undecided[] = [];
  private lastJob = 0;
  private inFlight = 0;
  /** How often recording was switched off: what was asked for before is forgotten, also when the answer comes later. */
  private pauses = 0;
  /** Whether what the pool's threads do is told. */
  private listensToPool = false;
  /** Whether the line that asks for a file operation, and its name, are looked for: 2 to 5 µs each. */
  sites = true;

  constructor(recorder: NodeRecorder) {
    this.recorder = recorder;
    this.runs = new PoolRuns(recorder);
  }

  /** A request was made. `above` is a function of ours on the stack, below which the program's own frames are. */
  made(stamp: ResourceStamp, request: object, above: PublicFunction): void {
    const job = jobsByType.get(stamp.type);
    if (job === undefined) return;
    if (stamp.role === resourceRole.cryptoJob || job.kind === 'dns')
      this.undecided.push({ request, stamp, madeNs: this.listensToPool ? clockNs() : 0 });
    else if (!this.sites) this.submit(stamp, { ...job, site: undefined });
    else this.submit(stamp, fileOperation(job.name, above));
  }

  /** What was made before is known now. */
  decide(): void {
    if (this.undecided.length === 0) return;
    for (const { request, stamp, madeNs } of this.undecided.splice(0)) {
      const job = jobsByType.get(stamp.type);
      // A crypto job that has a callback by now runs on the pool; one without has already run.
      if (job === undefined || (job.kind === 'crypto' && typeof request.ondone !== 'function')) continue;
      const host = request.hostname ?? request.host;
      const name = typeof host === 'string' ? `${job.name} ${host}` : job.name;
      this.submit(stamp, { kind: job.kind, name, site: undefined }, madeNs);
    }
  }

  /** A compression stream was made: each piece that is handed to it, but for the synchronous ones, is a job. */
  packerMade(packer: object): void {
    this.methods.watch(packer, 'write', (self) => {
      const stamp = readResourceStamp(self);
      if (stamp?.role === resourceRole.packer && stamp.id === 0)
        this.submit(stamp, {
          kind: 'compression',
          name: self.constructor.name.toLowerCase(),
          site: undefined,
        });
    });
    // What is under way is carried to its end, but nobody is called back.
    this.methods.watch(packer, 'close', (self) => {
      const stamp = readResourceStamp(self);
      if (stamp?.role === resourceRole.packer) this.end(stamp, 'cancelled');
    });
  }

  /** A name server is asked: by libuv's loop over sockets of the resolver's own, so the pool has nothing to do with it. */
  asked(stamp: ResourceStamp, request: Request): void {
    const { bindingName, hostname, oncomplete } = request;
    if (typeof bindingName !== 'string' || typeof oncomplete !== 'function') return;
    this.lastJob++;
    stamp.id = this.lastJob;
    const asksFor = bindingName.replace(/^query/, '');
    this.tell(stamp, {
      kind: 'query',
      name: typeof hostname === 'string' ? `${asksFor} ${hostname}` : asksFor,
      site: undefined,
    });
    const { pauses } = this;
    const answer = (error: unknown): void => {
      if (pauses === this.pauses) this.answerCame(stamp, error);
    };
    request.oncomplete = function (this: unknown, ...given: readonly unknown[]): unknown {
      answer(given[0]);
      return Reflect.apply(oncomplete, this, given);
    };
  }

  /** Its callback begins, in which the answer is told; undefined when it is none that was told. */
  answered({ id }: ResourceStamp): Cause | undefined {
    return id === 0 ? undefined : { kind: causeKind.job, id };
  }

  /** The job is over, and its callback begins; undefined when it is none that was told. */
  done(stamp: ResourceStamp): Cause | undefined {
    const { id } = stamp;
    if (id === 0) return undefined;
    this.end(stamp, 'completed');
    return { kind: causeKind.job, id };
  }

  /** Whether what the threads of the pool do is to be told. */
  listenToPool(on: boolean): void {
    this.listensToPool = this.recorder.pool.listen(on);
    if (this.listensToPool) return;
    this.runs.clear();
    this.recorder.pool.forget();
  }

  /** Nothing is looked at from here on. Jobs under way are forgotten: their ends would not be seen. */
  pause(): void {
    this.methods.restore();
    this.undecided = [];
    this.inFlight = 0;
    this.pauses++;
    this.listenToPool(false);
  }

  private submit(stamp: ResourceStamp, operation: Operation, madeNs = 0): void {
    this.lastJob++;
    this.inFlight++;
    stamp.id = this.lastJob;
    this.tell(stamp, operation);
    this.tellPool();
    if (!this.listensToPool || !PoolRuns.tellsOf(operation.kind)) return;
    this.recorder.pool.jobSubmitted();
    // A packer is asked before we hear of it, so that a thread may have begun by now.
    this.runs.submitted(stamp.id, operation.kind, madeNs > 0 ? madeNs : clockNs() - packerAheadNs);
  }

  private tell({ id, task }: ResourceStamp, { kind, name, site }: Operation): void {
    const isPools = kind !== 'query';
    this.recorder.jobSubmitted({
      job: id,
      kind,
      task: task?.id ?? 0,
      runtime: isPools ? runtimeId : 0,
      site,
      name,
      queueDepth: isPools ? Math.max(0, this.inFlight - this.poolLimit) : 0,
      requests: undefined,
    });
  }

  /** A name server has answered, or nobody has. The error is a name of c-ares', or 0 or null for none. */
  private answerCame(stamp: ResourceStamp, error: unknown): void {
    const { id } = stamp;
    if (id === 0) return;
    stamp.id = 0;
    if (!error) {
      this.recorder.jobEnded(id, 'completed', 0);
      return;
    }
    this.recorder.jobFailed(id, String(error));
    this.recorder.jobEnded(id, error === 'ECANCELLED' ? 'cancelled' : 'panicked', 0);
  }

  private end(stamp: ResourceStamp, outcome: 'completed' | 'cancelled'): void {
    const { id } = stamp;
    if (id === 0) return;
    stamp.id = 0;
    if (this.inFlight > 0) this.inFlight--;
    if (this.runs.over(id, clockNs)) this.recorder.pool.jobOver();
    this.recorder.jobEnded(id, outcome, 0);
    this.tellPool();
  }

  private tellPool(): void {
    const running = Math.min(this.inFlight, this.poolLimit);
    this.recorder.poolState({ limit: this.poolLimit, running, queued: this.inFlight - running });
  }
}

/**
 * Which file operation is asked for and by which line: the innermost function of Node's file modules that has a name,
 * behind the one that the program called where that is another (`readFile: open`).
 */
function fileOperation(known: string, above: PublicFunction): Operation {
  const frames = captureStack(above, stackDepth);
  const hook = frames.findIndex((frame) => frame.getFileName() === hookFile);
  let inner = '';
  let outer = '';
  let site: Site | undefined;
  for (const frame of frames.slice(hook + 1)) {
    site = toSite(frame);
    const file = frame.getFileName();
    // The constructor of a promise has no file.
    if (site === undefined && !file) continue;
    if (site !== undefined || !fileModules.test(file ?? '')) break;
    outer = plainName(frame.getFunctionName());
    if (inner === '') inner = outer;
  }
  const base = known === '' ? inner : known;
  const name = site === undefined || outer === '' || outer === base ? base : `${outer}: ${base}`;
  const kind = /^read/.test(base) ? 'fileRead' : /^(?:write|append)/.test(base) ? 'fileWrite' : 'fileOther';
  return { kind, name, site };
}

/** `FileHandle.read` and `Object.stat` are `read` and `stat`. */
function plainName(name: string | null): string {
  return name?.slice(name.lastIndexOf('.') + 1) ?? '';
}
