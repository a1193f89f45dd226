// Owns what the program says of itself at the start of its stream, and honestly what the probe cannot see.
import { type Capability, detail, type Hello, visibility } from '../wire/index.ts';

/** Kept equal to package.json's version by a test. */
export const probeVersion = '0.1.0';

const { recorded, notRecorded } = visibility;

export const noCpuTime: Capability = {
  name: 'cpuTime',
  visibility: notRecorded,
  note: 'processor time is told of long polls only, see pollSamples',
};

/** Whether polls that are open for that many ms are looked at; 0 for never. `notInspectable` says why none can be. */
export function pollSamples(
  longPollMs: number,
  isMainThread: boolean,
  notInspectable: string | undefined,
): Capability {
  const name = 'pollSamples';
  if (!isMainThread)
    return {
      name,
      visibility: notRecorded,
      note: "Node lets no other thread reach a worker thread's stack but the main thread's",
    };
  if (longPollMs === 0)
    return { name, visibility: notRecorded, note: 'switched off by WAKELINE_LONG_POLL_MS=0' };
  if (notInspectable !== undefined) return { name, visibility: notRecorded, note: notInspectable };
  return {
    name,
    visibility: recorded,
    note: `of polls that are open for ${longPollMs} ms and more; a call that leaves JavaScript (a synchronous read, JSON.parse) is told where it comes back`,
  };
}

const executorCapabilities: readonly Capability[] = [
  { name: 'polls', visibility: recorded, note: '' },
  { name: 'wakes', visibility: recorded, note: '' },
  { name: 'wakeEffects', visibility: recorded, note: '' },
  { name: 'sources', visibility: recorded, note: "the executor's own sockets" },
  {
    name: 'operations',
    visibility: recorded,
    note: "reads are made by the loop's turn before any JavaScript runs; a poll takes what was read",
  },
  {
    name: 'readiness',
    visibility: recorded,
    note: "derived from the loop's callbacks, which Node calls after it has read",
  },
  {
    name: 'reactor',
    visibility: recorded,
    note: "from the loop's idle time, told at the first JavaScript after each park",
  },
  { name: 'timers', visibility: recorded, note: "the executor's own; other Node timers are not seen" },
  { name: 'jobs', visibility: recorded, note: "the executor's own; the queue is counted, not observed" },
  {
    name: 'jobThreads',
    visibility: notRecorded,
    note: 'Node does not tell when a thread of its pool takes a job up; worker pools of the executor tell',
  },
  { name: 'resources', visibility: recorded, note: '' },
  { name: 'frames', visibility: recorded, note: 'branches of join and select' },
  {
    name: 'awaitSites',
    visibility: recorded,
    note: 'inside generators predicted, and verified by stacks: the first times, then one time in 8 to 256',
  },
  noCpuTime,
];

/** How the program is looked at, and what can be seen in that way. */
export interface View {
  readonly tier: string;
  readonly capabilities: readonly Capability[];
}

const executorView: View = { tier: 'wakeline-executor', capabilities: executorCapabilities };

/** `originNs` is CLOCK_MONOTONIC at tick 0; call this at that moment. */
export function describeProgram(
  session: string,
  originNs: number,
  launch: string,
  view: View = executorView,
): Omit<Hello, 'shapes'> {
  return {
    session,
    tickRate: 1_000_000_000n,
    originTick: BigInt(originNs),
    anchorMonotonicNs: BigInt(originNs),
    anchorWallUs: BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)),
    pid: process.pid,
    language: 'node',
    program: process.argv[1] ?? process.execPath,
    workingFolder: process.cwd(),
    // Sites carry absolute paths.
    sourceRoot: '',
    probe: `wakeline ${probeVersion} (node ${process.versions.node})`,
    tier: view.tier,
    launch,
    ringFile: '',
    detail: detail.full,
    capabilities: view.capabilities,
  };
}
