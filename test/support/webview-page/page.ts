// Owns the page in which the view runs without an editor: it stands in for VS Code's webview interface and for the host.
// The view's own bundle runs unchanged. Settings come by the address:
// ?recording=<name>&live=<seconds>&theme=dark, or ?tasks=100&rounds=6&sessions=2&delay=<ms> for a drawn trace.
import type { Detail } from '../../../extension/messages/queries.ts';
import type { ToHost, ToWebview } from '../../../extension/messages/webview.ts';
import { drawTrace } from './drawn-trace.ts';
import { DrawnHost, type PageHost, RecordedHost } from './page-host.ts';

const settings = new URLSearchParams(location.search);
const numberOf = (name: string, otherwise: number) => Number(settings.get(name) ?? otherwise);
const liveSeconds = numberOf('live', 0);
const delayMs = numberOf('delay', 0);

/** Messages that the view sent, for tests to read. */
const sent: ToHost[] = [];
const hosts = makeHosts();
/** As the programs of all sessions were told last. */
let recordedDetail: Detail = 'full';

async function makeHosts(): Promise<readonly PageHost[]> {
  const recording = settings.get('recording');
  const made =
    recording === null
      ? Array.from({ length: numberOf('sessions', 1) }, (_, index) => drawnHost(index))
      : [new RecordedHost(new Uint8Array(await (await fetch(`/recordings/${recording}`)).arrayBuffer()))];
  for (const host of made) host.advance(liveSeconds > 0 ? 0.02 : 1);
  return made;
}

function drawnHost(index: number): PageHost {
  return new DrawnHost(drawTrace(numberOf('tasks', 100), numberOf('rounds', 6)), index);
}

function toView(message: ToWebview): void {
  setTimeout(() => window.postMessage(message, '*'), delayMs);
}

async function sendSessions(): Promise<void> {
  const list = (await hosts).map((host) => ({ ...host.summary(), detail: recordedDetail }));
  toView({ type: 'sessions', sessions: list, shown: list[0]?.session ?? '' });
}

async function hear(message: ToHost): Promise<void> {
  sent.push(message);
  if (message.type === 'control') recordedDetail = message.detail;
  if (message.type === 'ready' || message.type === 'control') await sendSessions();
  if (message.type !== 'request') return;
  const { id, method, params } = message;
  const session = 'session' in params ? params.session : '';
  const host = (await hosts).find((each) => each.summary().session === session);
  const answer = (result: unknown, binary = new ArrayBuffer(0)) =>
    toView({ type: 'answer', id, result, binary });
  if (host === undefined) toView({ type: 'refusal', id, message: `there is no session ${session}` });
  else if (method === 'viewport' && 'widthPx' in params) {
    const { answer: head, binary } = host.viewport(params);
    // What travels to a webview is made JSON of, so the page does the same.
    answer(JSON.parse(JSON.stringify(head)), binary);
  } else if (method === 'arrows' && 'lane' in params && 'fromNs' in params) answer(host.arrows(params));
  else if (method === 'explain' && 'atNs' in params) answer(host.explain(params));
  else toView({ type: 'refusal', id, message: `this page does not answer ${method}` });
}

let kept: unknown = JSON.parse(sessionStorage.getItem('state') ?? 'null');

Object.assign(window, {
  wakelineSent: sent,
  wakelineToView: toView,
  acquireVsCodeApi: () => ({
    postMessage: (message: ToHost) => void hear(message),
    getState: () => kept,
    setState: (state: unknown) => {
      kept = state;
      sessionStorage.setItem('state', JSON.stringify(state));
    },
  }),
});

if (liveSeconds > 0) {
  const startedMs = performance.now();
  const timer = setInterval(async () => {
    const share = Math.min(1, (performance.now() - startedMs) / 1000 / liveSeconds);
    for (const host of await hosts) host.advance(share);
    await sendSessions();
    if (share >= 1) clearInterval(timer);
  }, 250);
}
