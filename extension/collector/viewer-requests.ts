// Owns what each request of a viewer does. Parameters have passed their guard.
// Must not know sockets or frames: it answers values, or throws an Error whose message the viewer shows.
import { breakOn, detail } from '../../runtime-probe/protocol/typescript/index.ts';
import type { CollectorStatus, Method, Requests, SessionSummary } from '../messages/queries.ts';
import { siteMatchesDocument } from '../messages/site-paths.ts';
import type { ViewerRequest } from '../messages/viewer-frames.ts';
import type { CollectorSession } from './collector-session.ts';
import { SettingsError } from './endpoint.ts';
import { DialError } from './program-dialer.ts';
import { idOfPath, RecordingError, replayRecording, trueRecordingPath } from './replay.ts';
import type { RingSalvage } from './ring-salvage.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface Answer<M extends Method = Method> {
  readonly result: Requests[M]['answer'];
  /** Only a viewport has one. */
  readonly binary?: Uint8Array;
}

/** A request that cannot be met, in words for the person who looks. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

type Handlers = {
  readonly [M in Method]: (params: Requests[M]['params']) => Answer<M> | Promise<Answer<M>>;
};

export interface RequestServices {
  readonly registry: SessionRegistry;
  readonly salvage: RingSalvage;
  readonly memoryBudgetBytes: number;
  readonly status: () => CollectorStatus;
  /** Throws DialError or SettingsError. */
  readonly attach: (address: string, token: string) => Promise<void>;
  readonly shutdown: () => void;
}

export class RequestHandler {
  private readonly services: RequestServices;
  /** Recordings that are being read: a second request for one waits for the first. */
  private readonly opening = new Map<string, Promise<CollectorSession>>();

  constructor(services: RequestServices) {
    this.services = services;
  }

  /** Answers at once where it can, so that a batch of small requests needs no turn of the loop each. */
  handle(request: ViewerRequest): Answer | Promise<Answer> {
    // The handler of a method takes that method's parameters: the guard made the pair.
    const handler = this.handlers[request.method] as (
      params: ViewerRequest['params'],
    ) => Answer | Promise<Answer>;
    return handler(request.params);
  }

  private readonly handlers: Handlers = {
    sessions: () => ({ result: this.summaries() }),
    viewport: (query) => {
      const { answer, binary } = this.session(query.session).engine.viewport(query);
      return { result: answer, binary };
    },
    explain: (query) => ({ result: this.session(query.session).engine.explain(query) }),
    arrows: (query) => ({ result: this.session(query.session).engine.arrows(query) }),
    siteSpans: (query) => {
      const { engine } = this.session(query.session);
      const roots = {
        sourceRoot: engine.hello?.sourceRoot ?? '',
        workingFolder: engine.hello?.workingFolder ?? '',
      };
      // Sites are many and files few: each path is compared once.
      const known = new Map<string, boolean>();
      const isFile = (path: string): boolean => {
        const before = known.get(path);
        if (before !== undefined) return before;
        const matches = siteMatchesDocument(query.file, path, roots);
        known.set(path, matches);
        return matches;
      };
      return {
        result: engine.siteSpans(query, (site) => site.line === query.line && isFile(site.file)),
      };
    },
    sites: ({ session }) => ({ result: this.session(session).engine.sites() }),
    debugger: (event) => ({ result: { sessions: this.services.registry.debuggerEvent(event) } }),
    open: async ({ path }) => ({ result: { session: (await this.open(path)).id } }),
    control: (params) => {
      const session = this.services.registry.get(params.session);
      // A program that was off has told nothing of what came alive meanwhile.
      const snapshot = params.detail !== 'off';
      const control = { detail: detail[params.detail], snapshot };
      return { result: { sent: session?.link?.sendControl(control) ?? false } };
    },
    breakOn: ({ session, on, value }) => ({
      result: { sent: this.services.registry.get(session)?.breakOn(breakOn[on], value) ?? false },
    }),
    attach: async ({ address, token }) => {
      await this.services.attach(address, token);
      return { result: { attached: true } };
    },
    detach: ({ session }) => {
      const link = this.services.registry.get(session)?.link;
      link?.close('it was detached');
      return { result: { detached: link !== undefined } };
    },
    forget: ({ session }) => ({ result: { forgotten: this.services.registry.forget(session) } }),
    status: () => ({ result: this.services.status() }),
    shutdown: () => {
      this.services.shutdown();
      return { result: {} };
    },
  };

  private summaries(): readonly SessionSummary[] {
    return this.services.registry.summaries();
  }

  private session(id: string): CollectorSession {
    const session = this.services.registry.get(id);
    if (session === undefined)
      throw new RequestError(
        `there is no session ${id}: it was forgotten or the collector started anew. Open its recording`,
      );
    if (session.hello === undefined)
      throw new RequestError(
        `nothing of session ${id} can be shown: ${session.streamProblem || 'no hello came'}`,
      );
    return session;
  }

  private async open(path: string): Promise<CollectorSession> {
    const truePath = await trueRecordingPath(path);
    const { registry } = this.services;
    const shown = registry.all().find((session) => session.recordingPath === truePath);
    // A session in memory knows more than its file, which may lag behind or be going on.
    if (shown !== undefined && shown.state !== 'opened') return shown;
    const underWay = this.opening.get(truePath);
    if (underWay !== undefined) return underWay;
    const reading = this.replay(truePath).finally(() => this.opening.delete(truePath));
    this.opening.set(truePath, reading);
    return reading;
  }

  /** Reads anew even what was opened before: the file may have changed. */
  private async replay(path: string): Promise<CollectorSession> {
    const { registry, memoryBudgetBytes } = this.services;
    const chooseId = (session: string | undefined): string => {
      const holder = session === undefined ? undefined : registry.get(session);
      const isFree = holder === undefined || (holder.state === 'opened' && holder.recordingPath === path);
      return session !== undefined && isFree ? session : idOfPath(path);
    };
    await this.services.salvage.complete(path);
    const session = await replayRecording(path, memoryBudgetBytes, chooseId);
    registry.add(session);
    return session;
  }
}

/** Whether the message of an error is meant for the person who asked. */
export function isForViewer(error: unknown): error is Error {
  const kinds = [RequestError, RecordingError, DialError, SettingsError];
  return kinds.some((kind) => error instanceof kind);
}
