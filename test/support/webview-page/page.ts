// Owns the page in which the view runs without an editor: it stands in for VS Code's webview interface and for the host.
// The view's own bundle runs unchanged. Settings come by the address: ?tasks=100&rounds=6&live=1&sessions=2&theme=dark
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import type { ToHost, ToWebview } from '../../../extension/messages/webview.ts';
import { answerArrows, answerExplain, answerViewport, drawTrace } from './drawn-trace.ts';

const settings = new URLSearchParams(location.search);
const numberOf = (name: string, otherwise: number) => Number(settings.get(name) ?? otherwise);
const trace = drawTrace(numberOf('tasks', 100), numberOf('rounds', 6));
const live = settings.get('live') === '1';
const sessionCount = numberOf('sessions', 1);
const delayMs = numberOf('delay', 0);
const startedMs = performance.now();

/** Messages that the view sent, for tests to read. */
const sent: ToHost[] = [];

function nowNs(): number {
  return live ? Math.min(trace.endNs, (performance.now() - startedMs) * 1e6 * 0.02) : trace.endNs;
}

function summary(index: number): SessionSummary {
  const tasks = trace.lanes.filter((lane) => lane.kind === 5);
  const polls = tasks.reduce((sum, lane) => sum + lane.spans.filter((s) => s.state === 1).length, 0);
  return {
    session: String(index + 1)
      .repeat(32)
      .slice(0, 32),
    program: index === 0 ? '/project/target/debug/requests' : '/project/server.ts',
    language: index === 0 ? 'rust' : 'typescript',
    tier: 'executor',
    pid: 4242 + index,
    launch: '',
    state: live ? 'live' : 'ended',
    workingFolder: '/project',
    sourceRoot: '/project',
    startedWallUs: 1_700_000_000_000_000,
    endNs: nowNs(),
    totals: {
      tasks: tasks.length,
      tasksAlive: live ? tasks.length : 0,
      polls,
      spuriousPolls: 1,
      wakes: trace.arrows.length,
      events: polls * 4,
      dropped: 42,
      gaps: 1,
      reactorParks: trace.lanes[0]?.spans.filter((s) => s.state === 10).length ?? 0,
      readiness: trace.arrows.length,
      reads: polls,
      readBytes: polls * 64,
      writes: 0,
      writtenBytes: 0,
      wouldBlocks: 12,
      jobs: trace.lanes[3]?.spans.length ?? 0,
      jobBytes: 0,
      poolThreadsPeak: 2,
      poolQueuePeak: 5,
      poolLimit: 4,
      timersSet: 0,
      timersFired: 0,
      debuggerStops: 1,
      waitsRecorded: polls,
      waitsInferred: 3,
      waitsUnknown: 0,
    },
    capabilities: [
      {
        name: 'jobThreads',
        visibility: 'notRecorded',
        note: 'libuv runs jobs where JavaScript cannot look.',
      },
      { name: 'operations', visibility: 'recorded', note: '' },
    ],
    recording: '',
    problem: '',
    stopped: false,
  };
}

function toView(message: ToWebview): void {
  setTimeout(() => window.postMessage(message, '*'), delayMs);
}

function sessions(): ToWebview {
  const list = Array.from({ length: sessionCount }, (_, index) => summary(index));
  return { type: 'sessions', sessions: list, shown: list[0]?.session ?? '' };
}

function hear(message: ToHost): void {
  sent.push(message);
  if (message.type === 'ready') toView(sessions());
  if (message.type !== 'request') return;
  const { id, method, params } = message;
  const answer = (result: unknown, binary = new ArrayBuffer(0)) =>
    toView({ type: 'answer', id, result, binary });
  if (method === 'viewport' && 'widthPx' in params) {
    const { answer: head, binary } = answerViewport(trace, params, nowNs());
    answer(head, binary);
  } else if (method === 'arrows' && 'fromNs' in params) answer(answerArrows(trace, params as never));
  else if (method === 'explain' && 'atNs' in params) answer(answerExplain(trace, params));
  else toView({ type: 'refusal', id, message: `this page does not answer ${method}` });
}

let kept: unknown = JSON.parse(sessionStorage.getItem('state') ?? 'null');

Object.assign(window, {
  wakelineSent: sent,
  wakelineToView: toView,
  acquireVsCodeApi: () => ({
    postMessage: hear,
    getState: () => kept,
    setState: (state: unknown) => {
      kept = state;
      sessionStorage.setItem('state', JSON.stringify(state));
    },
  }),
});

if (live) {
  const timer = setInterval(() => {
    toView(sessions());
    if (nowNs() >= trace.endNs) clearInterval(timer);
  }, 250);
}
