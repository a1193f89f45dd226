// Owns opening a recording as a document: the same timeline on a session that the collector reads from the file.
import * as vscode from 'vscode';
import { type TimelineParts, TimelineView } from './timeline-view.ts';

interface RecordingDocument extends vscode.CustomDocument {
  readonly session: string;
}

export class RecordingEditor implements vscode.CustomReadonlyEditorProvider<RecordingDocument> {
  private readonly parts: TimelineParts;

  constructor(parts: TimelineParts) {
    this.parts = parts;
  }

  static register(parts: TimelineParts): vscode.Disposable {
    return vscode.window.registerCustomEditorProvider('wakeline.recording', new RecordingEditor(parts));
  }

  async openCustomDocument(uri: vscode.Uri): Promise<RecordingDocument> {
    if (uri.scheme !== 'file')
      throw new Error(
        `Wakeline reads recordings from disk; ${uri.scheme}: documents have to be saved first.`,
      );
    const { result } = await this.parts.host.request('open', { path: uri.fsPath });
    const { session } = result;
    const forget = () => {
      this.parts.host.request('forget', { session }).catch((error: unknown) => {
        this.parts.log.warn(`The recording's session stays open: ${String(error)}`);
      });
    };
    return { uri, session, dispose: forget };
  }

  resolveCustomEditor(document: RecordingDocument, panel: vscode.WebviewPanel): void {
    const view = new TimelineView(panel.webview, this.parts, document.session);
    panel.onDidDispose(() => view.dispose());
  }
}
