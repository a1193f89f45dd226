// Owns the way from the source to the trace: the cursor on a line that the trace knows marks its spans; a lens shows its
// tasks, a hover who waits there. Also keeps the language server fed with the sites of the shown session.
import * as vscode from 'vscode';
import { isTraced, type LensClient } from '../client/lens-client.ts';
import type { SessionSummary } from '../messages/queries.ts';
import type { LineFacts, LineQuery, ResolvedSiteSummary } from '../messages/server.ts';
import type { SourceFiles } from './source-files.ts';
import type { TimelinePanel } from './timeline-panel.ts';
import type { TraceHost } from './trace-host.ts';

/** A cursor that moves is asked about when it rests; live summaries are asked for at most once in this time. */
const cursorRestMs = 120;
const summariesEveryMs = 1000;

export interface EditorLinkParts {
  readonly host: TraceHost;
  readonly files: SourceFiles;
  readonly panel: TimelinePanel;
  readonly lenses: LensClient;
  readonly log: vscode.LogOutputChannel;
  lensesWanted(): boolean;
}

export class EditorLink implements vscode.Disposable {
  private readonly parts: EditorLinkParts;
  private readonly subscriptions: vscode.Disposable[];
  private cursorTimer: NodeJS.Timeout | undefined;
  private summariesTimer: NodeJS.Timeout | undefined;
  private summarised = '';

  constructor(parts: EditorLinkParts) {
    this.parts = parts;
    parts.lenses.line = (query) => this.factsOf(query);
    this.subscriptions = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.cursorMoved(textEditor)),
      parts.host.onDidChange(() => this.sessionsChanged()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('wakeline.codeLens')) this.sessionsChanged();
      }),
    ];
  }

  /** Marks what the trace knows of a line, and shows the panel. */
  async showLine(uri: vscode.Uri, line: number): Promise<void> {
    this.parts.panel.show();
    await this.mark(uri.fsPath, line, true);
  }

  dispose(): void {
    clearTimeout(this.cursorTimer);
    clearTimeout(this.summariesTimer);
    for (const each of this.subscriptions) each.dispose();
  }

  private cursorMoved(editor: vscode.TextEditor): void {
    clearTimeout(this.cursorTimer);
    const { document, selection } = editor;
    if (!this.parts.panel.isOpen || document.uri.scheme !== 'file' || !isTraced(document)) return;
    this.cursorTimer = setTimeout(
      () => void this.mark(document.uri.fsPath, selection.active.line + 1, false),
      cursorRestMs,
    );
  }

  private async mark(file: string, line: number, reveal: boolean): Promise<void> {
    const session = this.parts.host.shown?.session;
    if (session === undefined) return;
    try {
      const { result } = await this.parts.host.request('siteSpans', { session, file, line });
      const { spawnedLanes, waits } = result;
      const name = file.split(/[\\/]/).at(-1) ?? file;
      const label = spawnedLanes.length + waits.length === 0 ? '' : `${name}:${line}`;
      this.parts.panel.post({ type: 'highlight', session, lanes: spawnedLanes, waits, label });
      const last = waits.at(-1);
      const lane = spawnedLanes[0] ?? last?.lane;
      if (reveal && lane !== undefined)
        this.parts.panel.post({
          type: 'reveal',
          session,
          lane,
          fromNs: last?.lane === lane ? last.fromNs : 0,
          toNs: last?.lane === lane ? last.toNs : (this.parts.host.session(session)?.endNs ?? 0),
        });
    } catch (error) {
      this.parts.log.warn(`What the trace knows of ${file}:${line} could not be asked: ${String(error)}`);
    }
  }

  /** For a hover: what the trace knows of a line of a document on disk. */
  private async factsOf({ uri, line }: LineQuery): Promise<LineFacts> {
    const session = this.parts.lensesWanted() ? this.parts.host.shown?.session : undefined;
    const document = vscode.Uri.parse(uri);
    if (session === undefined || document.scheme !== 'file') return null;
    try {
      return (await this.parts.host.request('siteSpans', { session, file: document.fsPath, line })).result;
    } catch (error) {
      this.parts.log.warn(`What waits at ${uri}:${line} could not be asked: ${String(error)}`);
      return null;
    }
  }

  private sessionsChanged(): void {
    this.summariesTimer ??= setTimeout(() => {
      this.summariesTimer = undefined;
      void this.summarise();
    }, summariesEveryMs / 2);
  }

  private async summarise(): Promise<void> {
    const session = this.parts.lensesWanted() ? this.parts.host.shown : undefined;
    // Summaries of a session that has not grown are the same.
    const revision =
      session === undefined ? '' : `${session.session} ${session.totals.events} ${session.endNs}`;
    if (revision === this.summarised) return;
    try {
      const sites = session === undefined ? [] : await this.resolvedSites(session);
      await this.parts.lenses.show({ session: session?.session ?? '', sites });
      this.summarised = revision;
    } catch (error) {
      this.parts.log.warn(`The lenses could not be brought up to date: ${String(error)}`);
    }
  }

  private async resolvedSites(session: SessionSummary): Promise<ResolvedSiteSummary[]> {
    const { result } = await this.parts.host.request('sites', { session: session.session });
    const resolved = await Promise.all(
      result.map(async (summary) => {
        const uri = await this.parts.files.resolve(summary.site.file, session);
        return uri === undefined ? [] : [{ ...summary, uri: uri.toString() }];
      }),
    );
    return resolved.flat();
  }
}
