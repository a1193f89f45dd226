// Owns every message between the language client and the language server beyond the protocol's own.
import type { SiteSpans, SiteSummary } from './queries.ts';

/** Client → server: what the trace knows of each spawn site, with the file found on this machine. */
export const siteSummariesMethod = 'wakeline/siteSummaries';

export interface ResolvedSiteSummary extends SiteSummary {
  /** URI of the document, as the editor names it. */
  readonly uri: string;
}

export interface SiteSummaries {
  /** Empty when no session is shown. */
  readonly session: string;
  readonly sites: readonly ResolvedSiteSummary[];
}

/** Server → client: what the trace knows of one line; null when no session is shown. */
export const lineMethod = 'wakeline/line';

export interface LineQuery {
  readonly uri: string;
  /** From 1. */
  readonly line: number;
}
export type LineFacts = SiteSpans | null;
