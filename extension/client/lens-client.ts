// Owns the language server's life on this side: started when there is something to show, fed with summaries, and answered
// when it asks of a line.
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import {
  type LineFacts,
  type LineQuery,
  lineMethod,
  type SiteSummaries,
  siteSummariesMethod,
} from '../messages/server.ts';

/** Languages whose spawn sites get a lens. */
export const tracedLanguages = ['rust', 'typescript', 'javascript', 'typescriptreact', 'javascriptreact'];

export class LensClient {
  private client: LanguageClient | undefined;
  private readonly serverModule: string;
  private latest: SiteSummaries = { session: '', sites: [] };

  /** What the trace knows of a line; set by who can ask. */
  line: (query: LineQuery) => Promise<LineFacts> = async () => null;

  constructor(serverModule: string) {
    this.serverModule = serverModule;
  }

  /** Shows these summaries in place of the ones before. The server is started by the first that are not empty. */
  async show(summaries: SiteSummaries): Promise<void> {
    this.latest = summaries;
    if (this.client === undefined) {
      if (summaries.sites.length === 0) return;
      this.client = new LanguageClient(
        'wakeline',
        'Wakeline',
        { module: this.serverModule, transport: TransportKind.ipc },
        {
          documentSelector: tracedLanguages.map((language) => ({ language })),
          // A hover has a link to the timeline, and no other command.
          markdown: { isTrusted: { enabledCommands: ['wakeline.showLine'] } },
        },
      );
      this.client.onRequest(lineMethod, (query: LineQuery) => this.line(query));
      await this.client.start();
    }
    if (this.client.isRunning()) await this.client.sendNotification(siteSummariesMethod, this.latest);
  }

  async dispose(): Promise<void> {
    await this.client?.dispose();
  }
}

/** Whether a document can have sites that the trace knows. */
export function isTraced(document: vscode.TextDocument): boolean {
  return (
    vscode.languages.match(
      tracedLanguages.map((language) => ({ language })),
      document,
    ) > 0
  );
}
