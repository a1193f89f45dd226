// Owns what the extension knows of the collector and its sessions: one link for the window, the list of sessions,
// which one is shown. The views listen to it; it knows none of them.
import * as vscode from 'vscode';
import { viewportLimits } from '../messages/guards.ts';
import { laneKind } from '../messages/lanes.ts';
import type {
  BreakCondition,
  CollectorEvent,
  DebuggerEvent,
  Method,
  Requests,
  SessionSummary,
} from '../messages/queries.ts';
import { sessionToShow } from '../messages/session-groups.ts';
import {
  type CollectorLink,
  type CollectorSettings,
  findCollector,
  openCollector,
} from './collector-link.ts';

export class TraceHost implements vscode.Disposable {
  private readonly log: vscode.LogOutputChannel;
  private readonly settings: () => CollectorSettings;
  private readonly changed = new vscode.EventEmitter<void>();
  private link: Promise<CollectorLink> | undefined;
  private linked: CollectorLink | undefined;
  private disposed = false;
  private known: readonly SessionSummary[] = [];
  private chosen = '';
  private selection = { session: '', task: 0 };

  /** Sessions came, went or grew, or another one is shown. At most four times a second. */
  readonly onDidChange = this.changed.event;

  constructor(settings: () => CollectorSettings, log: vscode.LogOutputChannel) {
    this.settings = settings;
    this.log = log;
  }

  get sessions(): readonly SessionSummary[] {
    return this.known;
  }

  /** The session that the views show: the chosen one, else the newest live one, else the newest. */
  get shown(): SessionSummary | undefined {
    return (
      this.known.find((s) => s.session === this.chosen) ??
      this.known.findLast((s) => s.state === 'live') ??
      this.known.at(-1)
    );
  }

  show(session: string): void {
    this.chosen = session;
    this.changed.fire();
  }

  /** A timeline's selection: of several timelines the one that was used last. */
  select(session: string, task: number): void {
    this.selection = { session, task };
  }

  /** The selected task of the shown program; 0 when none is. */
  get selectedTask(): number {
    return this.selection.session === this.shown?.session ? this.selection.task : 0;
  }

  session(id: string): SessionSummary | undefined {
    return this.known.find((s) => s.session === id);
  }

  /** The link, opened by the first who asks. A failed one is tried again by the next. */
  connect(): Promise<CollectorLink> {
    this.link ??= this.open().catch((error: unknown) => {
      this.link = undefined;
      this.log.error(`The collector cannot be had: ${String(error)}`);
      throw error;
    });
    return this.link;
  }

  /** After a window reload: joins the collector that still runs, and starts none. */
  async rejoin(): Promise<void> {
    if (this.link !== undefined) return;
    const found = await findCollector(this.settings(), (message) => this.log.info(message));
    if (found === undefined) return;
    if (this.link !== undefined) {
      found.client.close();
      return;
    }
    this.link = Promise.resolve(found);
    await this.adopt(found);
  }

  async request<M extends Method>(
    method: M,
    params: Requests[M]['params'],
  ): Promise<{ result: Requests[M]['answer']; binary: Uint8Array }> {
    const { client } = await this.connect();
    return client.request(method, params);
  }

  /** Tasks of the shown program that are alive, in the order of their ids; 4,096 at the most. */
  async aliveTasks(): Promise<{ task: number; label: string }[]> {
    const session = this.shown;
    if (session?.state !== 'live') return [];
    const { result } = await this.request('viewport', {
      session: session.session,
      fromNs: 0,
      toNs: Math.max(1, session.endNs),
      widthPx: 1,
      firstLane: 0,
      laneCount: viewportLimits.laneCount,
      filter: '',
    });
    const alive = result.lanes.filter((lane) => lane.kind === laneKind.task && lane.toNs >= result.endNs);
    return alive.map(({ id, label }) => ({ task: id, label }));
  }

  /** Whether the program that is shown runs, and takes scheduling breakpoints from the collector. */
  get takesBreaks(): boolean {
    return this.shown?.state === 'live' && this.shown.language === 'node';
  }

  /** Sets a scheduling breakpoint in the program that is shown; false when it takes none. */
  async breakOn(on: BreakCondition, value: number): Promise<boolean> {
    const session = this.shown?.session;
    if (session === undefined) return false;
    return (await this.request('breakOn', { session, on, value })).result.sent;
  }

  /** Tells the collector of a stop or continue. Lost when there is no collector: then there is no trace either. */
  debuggerEvent(event: DebuggerEvent): void {
    this.linked?.client.request('debugger', event).catch((error: unknown) => {
      this.log.warn(`The ${event.event} of the debugger did not reach the trace: ${String(error)}`);
    });
  }

  dispose(): void {
    this.disposed = true;
    this.linked?.client.close();
    this.changed.dispose();
  }

  private async open(): Promise<CollectorLink> {
    const link = await openCollector(this.settings(), (message) => this.log.info(message));
    await this.adopt(link);
    return link;
  }

  private async adopt(link: CollectorLink): Promise<void> {
    link.client.onEvent((event) => this.hear(event));
    link.client.onClose(() => {
      this.linked = undefined;
      this.link = undefined;
      if (this.disposed) return;
      this.log.warn('The collector went away; it is started again when something needs it.');
      this.known = this.known.map((s) => (s.state === 'live' ? { ...s, state: 'cut' } : s));
      this.changed.fire();
    });
    this.linked = link;
    const { result } = await link.client.request('sessions', {});
    this.known = result;
    this.changed.fire();
  }

  private hear(event: CollectorEvent): void {
    if (event.event === 'log') {
      const write = { info: this.log.info, warning: this.log.warn, error: this.log.error }[event.level];
      write.call(this.log, event.message);
      return;
    }
    const before = new Set(this.known.map((s) => s.session));
    const shownId = this.shown?.session;
    this.known = event.sessions;
    const arrived = event.sessions.filter((s) => s.state === 'live' && !before.has(s.session));
    // A program that was just started is what the user wants to see.
    const wanted = sessionToShow(
      event.sessions.find((s) => s.session === shownId),
      arrived,
    );
    this.chosen = wanted?.session ?? shownId ?? this.chosen;
    this.changed.fire();
  }
}
