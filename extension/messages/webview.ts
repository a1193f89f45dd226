// Owns every message between the extension host and the timeline webview.
import type { SourceSite } from './lanes.ts';
import type { Detail, Requests, SessionSummary, WebviewMethod } from './queries.ts';

/** Commands that the page may run, named as in package.json without the prefix. */
export const webviewCommands = ['openRecording', 'copyEnvironment', 'showLog'] as const;
export type WebviewCommand = (typeof webviewCommands)[number];

/** Webview → host. */
export type ToHost =
  | { readonly type: 'ready' }
  | WebviewRequest
  | { readonly type: 'openSite'; readonly session: string; readonly site: SourceSite }
  | { readonly type: 'showSession'; readonly session: string }
  /** The task whose lane, or a lane below it, is selected; 0 when none is. */
  | { readonly type: 'selected'; readonly session: string; readonly task: number }
  | { readonly type: 'control'; readonly session: string; readonly detail: Detail }
  /** Runs one of the extension's own commands: only these. */
  | { readonly type: 'command'; readonly command: WebviewCommand }
  /** Something went wrong in the webview; for the log. */
  | { readonly type: 'problem'; readonly message: string };

export interface WebviewRequest {
  readonly type: 'request';
  readonly id: number;
  readonly method: WebviewMethod;
  readonly params: Requests[WebviewMethod]['params'];
}

/** Host → webview. */
export type ToWebview =
  | { readonly type: 'sessions'; readonly sessions: readonly SessionSummary[]; readonly shown: string }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly result: unknown;
      /** The binary part; empty where the method has none. */
      readonly binary: ArrayBuffer;
    }
  | { readonly type: 'refusal'; readonly id: number; readonly message: string }
  /** The cursor stands on a line that the trace knows: draw these lanes and intervals apart. */
  | {
      readonly type: 'highlight';
      readonly session: string;
      readonly lanes: readonly number[];
      readonly waits: readonly { lane: number; fromNs: number; toNs: number }[];
      readonly label: string;
    }
  /** Select and show this lane at this interval. */
  | {
      readonly type: 'reveal';
      readonly session: string;
      readonly lane: number;
      readonly fromNs: number;
      readonly toNs: number;
    };

/** What the webview keeps across hiding and window reloads (vscode.setState). */
export interface WebviewState {
  readonly session: string;
  readonly fromNs: number;
  readonly toNs: number;
  readonly follow: boolean;
  readonly firstLane: number;
  readonly selectedLane: number;
  readonly selectedAtNs: number;
  readonly filter: string;
}
