// Owns the way to the extension host: messages out, requests with their answers, and what the host says unasked.
// Knows VS Code's webview interface and the message types; nothing of what the answers mean.
import type { Requests, WebviewMethod } from '../../extension/messages/queries.ts';
import type { ToHost, ToWebview, WebviewState } from '../../extension/messages/webview.ts';

/** What VS Code gives a webview, once. */
export interface WebviewApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

export interface Answer<M extends WebviewMethod> {
  readonly result: Requests[M]['answer'];
  readonly binary: ArrayBuffer;
}

/** The host refused a request; its message says why, in words for a person. */
export class Refusal extends Error {}

export type Announcement = Exclude<ToWebview, { type: 'answer' } | { type: 'refusal' }>;

/** A collector answers in milliseconds; after this long the answer was lost on the way, and the credit comes back. */
const answerTimeoutMs = 15_000;

interface Waiting {
  readonly timer: ReturnType<typeof setTimeout>;
  readonly resolve: (answer: { result: unknown; binary: ArrayBuffer }) => void;
  readonly reject: (refusal: Refusal) => void;
}

export class HostLink {
  private readonly api: WebviewApi;
  private readonly waiting = new Map<number, Waiting>();
  private readonly onAnnouncement: (message: Announcement) => void;
  private nextId = 1;

  constructor(api: WebviewApi, onAnnouncement: (message: Announcement) => void) {
    this.api = api;
    this.onAnnouncement = onAnnouncement;
  }

  send(message: Exclude<ToHost, { type: 'request' }>): void {
    this.api.postMessage(message);
  }

  request<M extends WebviewMethod>(method: M, params: Requests[M]['params']): Promise<Answer<M>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      // The host answers a request with the answer of its method: the types of messages/ say so.
      const timer = setTimeout(() => {
        const seconds = answerTimeoutMs / 1000;
        this.take(id)?.reject(new Refusal(`The collector has not answered (${method}) for ${seconds} s.`));
      }, answerTimeoutMs);
      this.waiting.set(id, { timer, resolve: resolve as Waiting['resolve'], reject });
      const message: ToHost = { type: 'request', id, method, params };
      this.api.postMessage(message);
    });
  }

  /** Takes one message of the window; what is no message of the host's is ignored. */
  receive(data: unknown): void {
    if (!isToWebview(data)) return;
    if (data.type === 'answer') {
      this.take(data.id)?.resolve({ result: data.result, binary: data.binary });
    } else if (data.type === 'refusal') {
      this.take(data.id)?.reject(new Refusal(data.message));
    } else {
      this.onAnnouncement(data);
    }
  }

  save(state: WebviewState): void {
    this.api.setState(state);
  }

  saved(): WebviewState | null {
    const state = this.api.getState();
    return isWebviewState(state) ? state : null;
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting !== undefined) clearTimeout(waiting.timer);
    return waiting;
  }
}

const announced: ReadonlySet<string> = new Set<ToWebview['type']>([
  'sessions',
  'answer',
  'refusal',
  'highlight',
  'reveal',
]);

function isToWebview(data: unknown): data is ToWebview {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    typeof data.type === 'string' &&
    announced.has(data.type)
  );
}

/** State of an older version of the view is dropped rather than misread. */
function isWebviewState(state: unknown): state is WebviewState {
  if (typeof state !== 'object' || state === null) return false;
  const fields = state as Readonly<Record<string, unknown>>;
  const numbers = ['fromNs', 'toNs', 'firstLane', 'selectedLane', 'selectedAtNs'];
  return (
    numbers.every((name) => Number.isFinite(fields[name])) &&
    typeof fields['session'] === 'string' &&
    typeof fields['filter'] === 'string' &&
    typeof fields['follow'] === 'boolean'
  );
}
