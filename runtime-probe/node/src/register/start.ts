// Owns the recording of an unchanged Node program: whether, with which parts, and when it makes room for another.
// Knows nothing of events. A program must not notice it: nothing here throws.
import { existsSync } from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';
import type { TaskInfo } from '../executor/observe.ts';
import { captureStack } from '../executor/site.ts';
import { readEnvironment } from '../probe/environment.ts';
import { isLeftOut, leaveOut } from '../probe/family.ts';
import { describeProgram, noCpuTime, type View } from '../probe/hello.ts';
import { isRecorded, takePlace } from '../probe/one-recording.ts';
import { whyPoolUnheard } from '../probe/pool-door.ts';
import { ProgramRecording } from '../probe/program-recording.ts';
import { defaultRingBytes } from '../probe/ring-layout.ts';
import type { PoolStep } from '../probe/writer/start.ts';
import { type Capability, detail, visibility } from '../wire/index.ts';
import { eligibility } from './eligible.ts';
import { Execution } from './execution.ts';
import { Frames } from './frames.ts';
import { Hooks } from './hooks.ts';
import { inheritedHandles } from './inherited.ts';
import { NodeRecorder } from './node-recorder.ts';
import { Parks } from './parks.ts';
import { Requests } from './requests.ts';
import { leaveOutResource, Resources } from './resources.ts';
import { Sites } from './sites.ts';
import { toSource } from './source-maps.ts';
import { runtimeId, type Task, Tasks, unseen } from './tasks.ts';
import { Ticks } from './ticks.ts';
import { Uncaught } from './uncaught.ts';

/**
 * A program that calls init() of the executor does so in its first lines, and then that recording is the one to be
 * shown. So the greeting waits for them, but not longer than this. What is recorded meanwhile is kept.
 */
const holdMs = 1000;

const { recorded, inferred, notRecorded } = visibility;
const afterwards = 'of promises when they are settled; all others when the callback that they made begins';

const view: View = {
  tier: 'node-register',
  capabilities: [
    { name: 'polls', visibility: recorded, note: "outermost callbacks and continuations of Node's own" },
    { name: 'wakes', visibility: recorded, note: afterwards },
    { name: 'wakeEffects', visibility: recorded, note: afterwards },
    { name: 'sources', visibility: recorded, note: 'sockets, pipes, signals, children, message ports' },
    {
      name: 'operations',
      visibility: recorded,
      note: "reads, which Node's loop makes, writes, accepted connections, datagrams; of what TLS and HTTP/2 write the bytes, not each system call",
    },
    { name: 'readiness', visibility: recorded, note: "once per turn, from the loop's callbacks" },
    { name: 'reactor', visibility: recorded, note: "from the loop's idle time, told after each park" },
    { name: 'parkTimeouts', visibility: notRecorded, note: '' },
    { name: 'timers', visibility: recorded, note: 'that one was cleared is told within some turns' },
    {
      name: 'jobs',
      visibility: recorded,
      note: 'files, names, cryptography and compression; the queue is counted; questions to name servers, which are not of the pool',
    },
    jobThreads(),
    { name: 'resources', visibility: notRecorded, note: '' },
    {
      name: 'frames',
      visibility: recorded,
      note: 'calls of async functions, steps of async generators, top levels of modules; at detail lean those that come to wait; that one was rejected is told behind its end, of one that nobody awaits not at all',
    },
    {
      name: 'awaitSites',
      visibility: recorded,
      note: 'predicted, and verified by stacks one time in 64 to 4,096',
    },
    noCpuTime,
  ],
};

/** When a thread of the pool runs a job. */
function jobThreads(): Capability {
  const name = 'jobThreads';
  const unheard = whyPoolUnheard();
  if (unheard !== undefined) return { name, visibility: notRecorded, note: unheard };
  return {
    name,
    visibility: inferred,
    note: 'of cryptography and compression, from the order and times of what the threads did; not of files and names; told some 100 ms later, the last before the end not',
  };
}

const ownFile = captureStack(captureStack, 1)[0]?.getFileName() ?? '';

/** Begins to record this process when it is one to record. */
export function startRegister(): void {
  // The script may be named twice, by the user and by a launch, and a program may have begun by itself.
  if (isRecorded()) return;
  // Node's own threads, such as that of its module loader's hooks, have no port to whoever made them.
  const isForeignThread = !isMainThread && (parentPort === null || isLeftOut(process.env['WAKELINE_FAMILY']));
  const eligible = eligibility({ isMainThread, isForeignThread, script: process.argv[1] });
  if (eligible === 'packageManager') leaveOut();
  if (eligible !== 'yes') return;
  try {
    const address = readEnvironment(process.env);
    if (address === undefined) return;
    if (address.endpoint.kind === 'unix' && !existsSync(address.endpoint.path)) return;
    let parts: Parts | undefined;
    takePlace(
      () =>
        new ProgramRecording<NodeRecorder>({
          address,
          ringBytes: defaultRingBytes,
          hello: (session, originNs, launch) => describeProgram(session, originNs, launch, view),
          makeRecorder: (options) => new NodeRecorder(options),
          nextTimer: () => undefined,
          current: () => parts?.current(),
          listen: (recorder, level) => {
            if (recorder === undefined) parts?.pause();
            else if (parts === undefined) parts = new Parts(recorder, level);
            else parts.resume(level);
          },
          detail: detail.lean,
          // The register script is a file of its own: nothing of it is the program's.
          toSource: (file, line, column, functionName) =>
            file === ownFile ? undefined : toSource(file, line, column, functionName),
          leaveOut: leaveOutResource,
          pool: (steps, others) => parts?.takePool(steps, others),
          finish: () => parts?.finish(),
          holdMs,
        }),
    );
  } catch (error) {
    process.stderr.write(`Wakeline does not record this program: ${String(error)}\n`);
  }
}

/** What listens to Node, as one thing that is switched on and off. */
class Parts {
  private readonly tasks: Tasks;
  private readonly main: Task;
  private readonly frames: Frames;
  private readonly execution: Execution;
  private readonly hooks: Hooks;
  private readonly requests: Requests;
  private readonly uncaught: Uncaught;
  private readonly resources: Resources;

  constructor(recorder: NodeRecorder, level: number) {
    const parks = new Parks(recorder);
    this.resources = new Resources(recorder, parks);
    const { resources } = this;
    recorder.runtimeStarted({
      id: runtimeId,
      name: 'node',
      flavor: 'node',
      workers: 1,
      poolLimit: resources.jobs.poolLimit,
    });
    this.tasks = new Tasks(recorder);
    const { tasks } = this;
    this.main = tasks.spawn('main', undefined);
    const { main } = this;
    // The sites look below the hook, which is not made yet.
    const sites = new Sites();
    this.frames = new Frames(recorder, sites);
    const { frames } = this;
    const ticks = new Ticks();
    this.execution = new Execution({ tasks, main, frames, recorder, ticks });
    const { execution } = this;
    this.hooks = new Hooks({ recorder, tasks, main, execution, frames, resources, parks, ticks });
    for (const handle of inheritedHandles()) this.hooks.adopt(handle);
    this.requests = new Requests(tasks, execution);
    resources.streams.serveBy(this.requests);
    this.uncaught = new Uncaught(recorder, execution);
    this.listen(level);
    // The first tick comes when the main script has run to its end, or to the first wait of its loading.
    execution.hide(() => process.nextTick(() => undefined));
  }

  /** The task that runs now. */
  current(): TaskInfo | undefined {
    const task = this.execution.context();
    return task === undefined || task === unseen ? undefined : this.tasks.describe(this.tasks.inLife(task));
  }

  pause(): void {
    this.hooks.disable();
    this.requests.disable();
    this.uncaught.disable();
    this.execution.reset(false);
  }

  /** What the threads of the pool did. */
  takePool(steps: readonly PoolStep[], others: boolean): void {
    this.resources.jobs.runs.take(steps, others);
  }

  /** Goes on after a pause, or in another detail. */
  resume(level: number): void {
    this.tasks.snapshot();
    this.frames.snapshot();
    this.listen(level);
  }

  private listen(level: number): void {
    const promises = level !== detail.native;
    this.resources.jobs.sites = promises;
    this.resources.jobs.listenToPool(true);
    this.execution.setPromises(promises);
    this.hooks.enable(promises);
    this.requests.enable();
    this.uncaught.enable();
  }

  /** The program ends: so does what runs, and what never ended. */
  finish(): void {
    this.execution.reset(true);
    this.requests.settleAll();
    this.tasks.end(this.main, 'completed');
    this.tasks.settleEnds();
  }
}
