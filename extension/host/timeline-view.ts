// Owns one timeline: the HTML, and the messages between it and the rest. Hostile until checked: a message from the
// webview is only forwarded when it is one of the methods that a webview may ask.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { guardParams } from '../messages/guards.ts';
import type { SourceSite } from '../messages/lanes.ts';
import { details, type WebviewMethod, webviewMethods } from '../messages/queries.ts';
import { type ToWebview, type WebviewCommand, webviewCommands } from '../messages/webview.ts';
import type { SourceFiles } from './source-files.ts';
import type { TraceHost } from './trace-host.ts';

export interface TimelineParts {
  readonly host: TraceHost;
  readonly files: SourceFiles;
  readonly log: vscode.LogOutputChannel;
  readonly extensionUri: vscode.Uri;
}

export class TimelineView implements vscode.Disposable {
  private readonly webview: vscode.Webview;
  private readonly parts: TimelineParts;
  /** Set when this view shows one session only: a recording opened as a document. */
  private readonly fixedSession: string | undefined;
  private readonly subscriptions: vscode.Disposable[];
  private ready = false;
  private readonly waiting: ToWebview[] = [];

  constructor(webview: vscode.Webview, parts: TimelineParts, fixedSession?: string) {
    this.webview = webview;
    this.parts = parts;
    this.fixedSession = fixedSession;
    webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(parts.extensionUri, 'dist')],
    };
    this.subscriptions = [
      webview.onDidReceiveMessage((message: unknown) => this.receive(message)),
      parts.host.onDidChange(() => this.postSessions()),
    ];
    webview.html = html(webview, parts.extensionUri);
  }

  /** Sends a message; kept until the page has said that it is ready. */
  post(message: ToWebview): void {
    if (this.ready) void this.webview.postMessage(message);
    else this.waiting.push(message);
  }

  dispose(): void {
    for (const each of this.subscriptions) each.dispose();
  }

  private receive(message: unknown): void {
    const { type, ...rest } = fieldsOf(message);
    if (type === 'ready') {
      this.ready = true;
      this.postSessions();
      for (const each of this.waiting.splice(0)) this.post(each);
    } else if (type === 'request') void this.forward(rest);
    else if (type === 'openSite') void this.openSite(rest['session'], rest['site']);
    else if (type === 'showSession' && typeof rest['session'] === 'string')
      this.parts.host.show(rest['session']);
    else if (type === 'selected') this.select(rest['session'], rest['task']);
    else if (type === 'control') void this.control(rest['session'], rest['detail']);
    else if (type === 'command') this.runCommand(rest['command']);
    else if (type === 'problem') this.parts.log.error(`Timeline: ${String(rest['message']).slice(0, 2000)}`);
    else this.parts.log.warn(`The timeline sent a message of unknown type ${String(type).slice(0, 100)}.`);
  }

  private async forward(request: Readonly<Record<string, unknown>>): Promise<void> {
    const { id, method, params } = request;
    if (typeof id !== 'number') return;
    try {
      if (!webviewMethods.includes(method as WebviewMethod))
        throw new Error(`a timeline may not ask for ${String(method).slice(0, 100)}`);
      const known = method as WebviewMethod;
      const { result, binary } = await this.parts.host.request(known, guardParams(known, params));
      // A copy of just these bytes: the buffer below may be a larger pool's.
      this.post({ type: 'answer', id, result, binary: Uint8Array.from(binary).buffer });
    } catch (error) {
      this.post({ type: 'refusal', id, message: (error as Error).message });
    }
  }

  private async openSite(session: unknown, site: unknown): Promise<void> {
    const summary = this.parts.host.session(String(session));
    const { file, line, column, functionName } = fieldsOf(site);
    if (summary === undefined || typeof file !== 'string' || typeof line !== 'number') return;
    const where: SourceSite = {
      file,
      line,
      column: typeof column === 'number' ? column : 0,
      functionName: typeof functionName === 'string' ? functionName : '',
    };
    await this.parts.files.open(where, summary);
  }

  private select(session: unknown, task: unknown): void {
    if (typeof session === 'string' && Number.isSafeInteger(task))
      this.parts.host.select(session, Number(task));
  }

  private runCommand(command: unknown): void {
    if (!webviewCommands.includes(command as WebviewCommand)) {
      this.parts.log.warn(
        `The timeline asked for the command ${String(command).slice(0, 100)}, which it may not run.`,
      );
      return;
    }
    void vscode.commands.executeCommand(`wakeline.${command}`);
  }

  private async control(session: unknown, detail: unknown): Promise<void> {
    const wanted = details.find((each) => each === detail);
    if (typeof session !== 'string' || wanted === undefined) return;
    try {
      await this.parts.host.request('control', { session, detail: wanted });
    } catch (error) {
      this.parts.log.error(`Recording could not be switched: ${String(error)}`);
    }
  }

  private postSessions(): void {
    if (!this.ready) return;
    const { sessions, shown } = this.parts.host;
    const visible =
      this.fixedSession === undefined ? sessions : sessions.filter((s) => s.session === this.fixedSession);
    this.post({ type: 'sessions', sessions: visible, shown: this.fixedSession ?? shown?.session ?? '' });
  }
}

function html(webview: vscode.Webview, extensionUri: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64url');
  const uri = (file: string) =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', file)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
    `font-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wakeline</title>
<link rel="stylesheet" href="${uri('webview.css')}">
</head>
<body>
<main id="root"></main>
<script nonce="${nonce}" src="${uri('webview.js')}"></script>
</body>
</html>`;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
