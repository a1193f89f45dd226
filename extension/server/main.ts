// The language server process: a lens on every spawn site that the trace knows, a hover on lines at which tasks wait.
// Knows documents and summaries, not the trace.
import {
  type CodeLens,
  CodeLensRefreshRequest,
  createConnection,
  type Hover,
  type InitializeResult,
  MarkupKind,
  NotificationType,
  ProposedFeatures,
  RequestType,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  type LineFacts,
  type LineQuery,
  lineMethod,
  type ResolvedSiteSummary,
  type SiteSummaries,
  siteSummariesMethod,
} from '../messages/server.ts';
import { hoverText } from './hover-text.ts';
import { lensText } from './lens-text.ts';

const connection = createConnection(ProposedFeatures.all);
const documents = new TextDocuments(TextDocument);
let sitesByUri = new Map<string, ResolvedSiteSummary[]>();

connection.onInitialize(
  (): InitializeResult => ({
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Incremental,
      codeLensProvider: { resolveProvider: false },
      hoverProvider: true,
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

const lineRequest = new RequestType<LineQuery, LineFacts, void>(lineMethod);

connection.onHover(async ({ textDocument, position }): Promise<Hover | null> => {
  const query = { uri: textDocument.uri, line: position.line + 1 };
  const facts = await connection.sendRequest(lineRequest, query);
  const text = facts === null ? undefined : hoverText(facts, query);
  return text === undefined ? null : { contents: { kind: MarkupKind.Markdown, value: text } };
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
