// Owns finding the document that a site means, and opening it. Candidates come from the pure rule in messages;
// whether a file is there is asked of the workspace once per path and session.
import * as vscode from 'vscode';
import type { SourceSite } from '../messages/lanes.ts';
import type { SessionSummary } from '../messages/queries.ts';
import { candidatePaths } from '../messages/site-paths.ts';

export class SourceFiles {
  private readonly found = new Map<string, Promise<vscode.Uri | undefined>>();

  /** The document of a site; undefined when no candidate exists here. */
  resolve(file: string, session: SessionSummary): Promise<vscode.Uri | undefined> {
    const key = `${session.session} ${file}`;
    const known = this.found.get(key) ?? this.search(file, session);
    this.found.set(key, known);
    return known;
  }

  /** Opens the site's line beside the trace. Tells the user when the file is not here. */
  async open(site: SourceSite, session: SessionSummary): Promise<void> {
    const uri = await this.resolve(site.file, session);
    if (uri === undefined) {
      void vscode.window.showWarningMessage(
        `Wakeline: ${site.file} was not found here. Open the folder that the program was built from.`,
      );
      return;
    }
    const line = Math.max(0, site.line - 1);
    const at = new vscode.Position(line, Math.max(0, site.column - 1));
    await vscode.window.showTextDocument(uri, {
      viewColumn: vscode.ViewColumn.One,
      selection: new vscode.Range(at, at),
      preserveFocus: false,
    });
  }

  private async search(file: string, session: SessionSummary): Promise<vscode.Uri | undefined> {
    for (const path of candidatePaths(file, session)) {
      const uri = vscode.Uri.file(path);
      if (await exists(uri)) return uri;
    }
    // The folder may have moved since the build, or the recording come from elsewhere: by its end, if only one fits.
    const name = file.replaceAll('\\', '/').replace(/^(\.\.?\/)+/, '');
    const byEnd = await vscode.workspace.findFiles(`**/${name}`, '**/{node_modules,target}/**', 2);
    return byEnd.length === 1 ? byEnd[0] : undefined;
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.File) !== 0;
  } catch {
    return false;
  }
}
