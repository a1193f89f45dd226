// Owns the panel beside the editor: at most one, restored after a window reload.
import * as vscode from 'vscode';
import type { ToWebview } from '../messages/webview.ts';
import { type TimelineParts, TimelineView } from './timeline-view.ts';

const viewType = 'wakeline.timeline';

export class TimelinePanel implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly parts: TimelineParts;
  private readonly registration: vscode.Disposable;
  private panel: vscode.WebviewPanel | undefined;
  private view: TimelineView | undefined;

  constructor(parts: TimelineParts) {
    this.parts = parts;
    this.registration = vscode.window.registerWebviewPanelSerializer(viewType, this);
  }

  get isOpen(): boolean {
    return this.panel !== undefined;
  }

  /** Shows the panel beside the editor; the editor keeps the focus. */
  show(): void {
    if (this.panel !== undefined) {
      this.panel.reveal(undefined, true);
      return;
    }
    this.adopt(
      vscode.window.createWebviewPanel(
        viewType,
        'Wakeline',
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        {},
      ),
    );
  }

  /** Sends to the page if the panel is open. */
  post(message: ToWebview): void {
    this.view?.post(message);
  }

  /** Called by VS Code after a window reload. The page brings its own state back. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.adopt(panel);
    await this.parts.host.connect().catch(() => undefined);
  }

  dispose(): void {
    this.registration.dispose();
    this.panel?.dispose();
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel = panel;
    panel.iconPath = vscode.Uri.joinPath(this.parts.extensionUri, 'media', 'icon.svg');
    const view = new TimelineView(panel.webview, this.parts);
    this.view = view;
    panel.onDidDispose(() => {
      view.dispose();
      this.view = undefined;
      this.panel = undefined;
    });
  }
}
