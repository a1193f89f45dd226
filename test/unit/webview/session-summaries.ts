// Owns summaries of sessions for the webview's tests.
import type { SessionSummary, Totals } from '../../../extension/messages/queries.ts';

const noTotals: Totals = {
  tasks: 0,
  tasksAlive: 0,
  polls: 0,
  spuriousPolls: 0,
  wakes: 0,
  events: 0,
  dropped: 0,
  gaps: 0,
  reactorParks: 0,
  readiness: 0,
  reads: 0,
  readBytes: 0,
  writes: 0,
  writtenBytes: 0,
  wouldBlocks: 0,
  jobs: 0,
  jobBytes: 0,
  poolThreadsPeak: 0,
  poolQueuePeak: 0,
  poolLimit: 0,
  timersSet: 0,
  timersFired: 0,
  debuggerStops: 0,
  waitsRecorded: 0,
  waitsInferred: 0,
  waitsUnknown: 0,
};

export function sessionSummary(
  name: string,
  endNs: number,
  state: SessionSummary['state'] = 'live',
): SessionSummary {
  return {
    session: name,
    program: '/project/app',
    language: 'rust',
    tier: 'executor',
    pid: 1,
    launch: '',
    state,
    workingFolder: '/project',
    sourceRoot: '/project',
    startedWallUs: 0,
    endNs,
    totals: noTotals,
    capabilities: [],
    recording: '',
    problem: '',
    stopped: false,
    detail: 'full',
  };
}
