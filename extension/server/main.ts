// The language server process: a lens on every spawn site that the trace knows.
// Knows documents and summaries, not the trace.
import {
  type CodeLens,
  CodeLensRefreshRequest,
  createConnection,
  type InitializeResult,
  NotificationType,
  ProposedFeatures,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { type ResolvedSiteSummary, type SiteSummaries, siteSummariesMethod } from '../messages/server.ts';
import { lensText } from './lens-text.ts';

const connection = createConnection(ProposedFeatures.all);
const documents = new TextDocuments(TextDocument);
let sitesByUri = new Map<string, ResolvedSiteSummary[]>();

connection.onInitialize(
  (): InitializeResult => ({
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      codeLensProvider: { resolveProvider: false },
    },
    serverInfo: { name: 'wakeline' },
  }),
);

connection.onNotification(new NotificationType<SiteSummaries>(siteSummariesMethod), (summaries) => {
  sitesByUri = grouped(summaries.sites);
  connection.sendRequest(CodeLensRefreshRequest.type).catch(() => {
    // A client that does not know refresh asks again with the next edit.
  });
});

connection.onCodeLens(({ textDocument }): CodeLens[] => {
  const lines = documents.get(textDocument.uri)?.lineCount ?? Number.POSITIVE_INFINITY;
  // A file that lost lines since the run has no line for the site any more.
  return (sitesByUri.get(textDocument.uri) ?? []).filter((s) => s.site.line <= lines).map(lensOf);
});

function lensOf(summary: ResolvedSiteSummary): CodeLens {
  const line = summary.site.line - 1;
  return {
    range: { start: { line, character: 0 }, end: { line, character: 0 } },
    command: {
      title: lensText(summary),
      command: 'wakeline.showLine',
      arguments: [summary.uri, summary.site.line],
    },
  };
}

function grouped(sites: readonly ResolvedSiteSummary[]): Map<string, ResolvedSiteSummary[]> {
  const byUri = new Map<string, ResolvedSiteSummary[]>();
  for (const site of sites) byUri.set(site.uri, [...(byUri.get(site.uri) ?? []), site]);
  return byUri;
}

documents.listen(connection);
connection.listen();
