// Owns what the view shows: session, interval, lanes, selection, filter, and how each action changes it.
// A pure reducer; knows nothing of the DOM, of messages or of what the trace holds.
import type { SessionSummary } from '../../extension/messages/queries.ts';
import type { WebviewState } from '../../extension/messages/webview.ts';
import { around, type Interval, keepNear, minimumWidthNs, panBy, widthNs, zoomAt } from './interval.ts';

/** What moves the interval while the program runs. */
export const anchorMode = {
  /** All of the trace, until it is longer than `fitLimitNs`. */
  fit: 'fit',
  /** All of the trace, however long: the user asked for it. */
  fitAlways: 'fitAlways',
  /** The right edge is the newest instant. */
  follow: 'follow',
  /** The interval stays where the user put it. */
  free: 'free',
} as const;
export type AnchorMode = (typeof anchorMode)[keyof typeof anchorMode];

/** Longer live traces are followed rather than fitted: in half a minute per screen a 25 ms poll is still a pixel. */
export const fitLimitNs = 30e9;

/** Before anything is known of a session: the axis shows one millisecond rather than nothing. */
const emptyWidthNs = 1e6;

export interface Selection {
  readonly lane: number;
  readonly atNs: number;
}

export interface Highlight {
  readonly lanes: readonly number[];
  readonly waits: readonly { readonly lane: number; readonly fromNs: number; readonly toNs: number }[];
  readonly label: string;
}

export interface ViewState {
  readonly sessions: readonly SessionSummary[];
  /** The session in view; empty when there is none. */
  readonly session: string;
  /** What the host said last, to tell its change of mind from its repetition. */
  readonly hostShown: string;
  readonly interval: Interval;
  readonly anchor: AnchorMode;
  /** While paused this is where the trace ended when the view was frozen. */
  readonly endNs: number;
  readonly paused: boolean;
  /** Scroll position in rows, fractional; pinned lanes are not counted. */
  readonly firstRow: number;
  readonly selection: Selection | null;
  /** A lane that is to be scrolled into view as soon as its row is known; -1 for none. */
  readonly revealLane: number;
  readonly filter: string;
  /** Lanes of tasks whose frames are shown below them. */
  readonly expanded: readonly number[];
  /** Whether calls inside packages and Node have rows of their own. */
  readonly allCalls: boolean;
  readonly highlight: Highlight | null;
  /** What an earlier life of this view showed, until its session appears. */
  readonly restore: WebviewState | null;
}

export type Action =
  | { readonly type: 'sessions'; readonly sessions: readonly SessionSummary[]; readonly shown: string }
  | { readonly type: 'choose'; readonly session: string }
  | { readonly type: 'interval'; readonly interval: Interval }
  | { readonly type: 'zoom'; readonly anchor: number; readonly factor: number }
  | { readonly type: 'pan'; readonly share: number }
  | { readonly type: 'fit' }
  | { readonly type: 'follow'; readonly on: boolean }
  | { readonly type: 'pause'; readonly on: boolean }
  | { readonly type: 'toStart' }
  | { readonly type: 'toEnd' }
  | { readonly type: 'scroll'; readonly firstRow: number }
  | { readonly type: 'select'; readonly selection: Selection; readonly reveal: boolean }
  | { readonly type: 'clear' }
  | { readonly type: 'revealed' }
  | { readonly type: 'filter'; readonly filter: string }
  | { readonly type: 'expand'; readonly lane: number; readonly on: boolean }
  | { readonly type: 'allCalls'; readonly on: boolean }
  | { readonly type: 'highlight'; readonly session: string; readonly highlight: Highlight }
  | {
      readonly type: 'reveal';
      readonly session: string;
      readonly lane: number;
      readonly fromNs: number;
      readonly toNs: number;
    };

export function initialState(restore: WebviewState | null): ViewState {
  return {
    sessions: [],
    session: '',
    hostShown: '',
    interval: { fromNs: 0, toNs: emptyWidthNs },
    anchor: anchorMode.fit,
    endNs: 0,
    paused: false,
    firstRow: 0,
    selection: null,
    revealLane: -1,
    filter: '',
    expanded: [],
    allCalls: false,
    highlight: null,
    restore,
  };
}

/** The summary of the session in view. */
export function shownSession(state: ViewState): SessionSummary | undefined {
  return state.sessions.find((each) => each.session === state.session);
}

export function reduce(state: ViewState, action: Action): ViewState {
  switch (action.type) {
    case 'sessions':
      return withSessions(state, action.sessions, action.shown);
    case 'choose':
      return chosen(state, action.session);
    case 'interval':
      return moved(state, action.interval);
    case 'zoom':
      return zoomed(state, action.anchor, action.factor);
    case 'pan':
      return moved(state, panBy(state.interval, action.share));
    case 'fit':
      return anchored({ ...state, anchor: anchorMode.fitAlways });
    case 'follow':
      return anchored({
        ...state,
        anchor: action.on ? anchorMode.follow : anchorMode.free,
        paused: state.paused && !action.on,
        endNs: action.on ? newestNs(state) : state.endNs,
      });
    case 'pause':
      return anchored({ ...state, paused: action.on, endNs: action.on ? state.endNs : newestNs(state) });
    case 'toStart':
      return moved(state, { fromNs: 0, toNs: widthNs(state.interval) });
    case 'toEnd':
      return moved(state, { fromNs: state.endNs - widthNs(state.interval), toNs: state.endNs });
    case 'scroll':
      return { ...state, firstRow: Math.max(0, action.firstRow) };
    case 'select':
      return {
        ...state,
        selection: action.selection,
        revealLane: action.reveal ? action.selection.lane : state.revealLane,
      };
    case 'clear':
      return { ...state, selection: null, highlight: null, revealLane: -1 };
    case 'revealed':
      return { ...state, revealLane: -1 };
    case 'filter':
      return { ...state, filter: action.filter, firstRow: 0 };
    case 'expand':
      return { ...state, expanded: withLane(state.expanded, action.lane, action.on) };
    case 'allCalls':
      return { ...state, allCalls: action.on };
    case 'highlight':
      return action.session === state.session ? { ...state, highlight: action.highlight } : state;
    case 'reveal':
      return revealed(chosen(state, action.session), action.lane, action.fromNs, action.toNs);
  }
}

/** Those that were expanded last, at most as many as one question may name. */
const expandedMost = 256;

function withLane(lanes: readonly number[], lane: number, on: boolean): readonly number[] {
  const others = lanes.filter((each) => each !== lane);
  return on ? [...others, lane].slice(-expandedMost) : others;
}

/** What the view must hold to come back as it was. */
export function savedState(state: ViewState): WebviewState {
  return {
    session: state.session,
    fromNs: state.interval.fromNs,
    toNs: state.interval.toNs,
    follow: state.anchor !== anchorMode.free,
    firstLane: state.firstRow,
    selectedLane: state.selection?.lane ?? -1,
    selectedAtNs: state.selection?.atNs ?? 0,
    filter: state.filter,
  };
}

function newestNs(state: ViewState): number {
  return shownSession(state)?.endNs ?? state.endNs;
}

function withSessions(state: ViewState, sessions: readonly SessionSummary[], shown: string): ViewState {
  const has = (session: string) => sessions.some((each) => each.session === session);
  const hostChanged = shown !== state.hostShown && has(shown);
  const stays = has(state.session) && !hostChanged;
  const session = stays ? state.session : hostChanged ? shown : (sessions[0]?.session ?? '');
  const next = { ...state, sessions, hostShown: shown };
  if (session !== state.session) return entered(next, session);
  return state.paused ? next : anchored({ ...next, endNs: newestNs(next) });
}

function chosen(state: ViewState, session: string): ViewState {
  const exists = state.sessions.some((each) => each.session === session);
  return session === state.session || !exists ? state : entered(state, session);
}

/** A session comes into view: as it was left if an earlier life of this view showed it, else all of it. */
function entered(state: ViewState, session: string): ViewState {
  const fresh: ViewState = {
    ...initialState(state.restore),
    sessions: state.sessions,
    hostShown: state.hostShown,
    session,
  };
  const atEnd = { ...fresh, endNs: newestNs(fresh) };
  const saved = state.restore;
  if (saved === null || saved.session !== session || session === '') return anchored(atEnd);
  return anchored({
    ...atEnd,
    restore: null,
    interval: { fromNs: saved.fromNs, toNs: Math.max(saved.toNs, saved.fromNs + 1) },
    anchor: !saved.follow ? anchorMode.free : saved.fromNs <= 0 ? anchorMode.fit : anchorMode.follow,
    firstRow: saved.firstLane,
    selection: saved.selectedLane >= 0 ? { lane: saved.selectedLane, atNs: saved.selectedAtNs } : null,
    filter: saved.filter,
  });
}

/** The interval where the anchor wants it. */
function anchored(state: ViewState): ViewState {
  const { endNs } = state;
  if (state.anchor === anchorMode.free) return state;
  const fitted = { fromNs: 0, toNs: endNs > 0 ? Math.max(endNs, minimumWidthNs) : emptyWidthNs };
  if (state.anchor === anchorMode.fitAlways) return { ...state, interval: fitted };
  const live = shownSession(state)?.state === 'live';
  if (state.anchor === anchorMode.fit) {
    if (!live || endNs <= fitLimitNs) return { ...state, interval: fitted };
    return {
      ...state,
      anchor: anchorMode.follow,
      interval: { fromNs: endNs - fitLimitNs, toNs: endNs },
    };
  }
  const width = Math.max(widthNs(state.interval), 1);
  return { ...state, interval: { fromNs: endNs - width, toNs: endNs } };
}

/** Zooming does not stop following: the right edge stays, only the width changes. */
function zoomed(state: ViewState, anchor: number, factor: number): ViewState {
  if (state.anchor !== anchorMode.follow) return moved(state, zoomAt(state.interval, anchor, factor));
  return anchored({ ...state, interval: keepNear(zoomAt(state.interval, 1, factor), state.endNs) });
}

function moved(state: ViewState, interval: Interval): ViewState {
  return { ...state, anchor: anchorMode.free, interval: keepNear(interval, state.endNs) };
}

/** A span is shown with what stands around it; an instant only moves the interval, its width says nothing. */
function revealed(state: ViewState, lane: number, fromNs: number, toNs: number): ViewState {
  const width = widthNs(state.interval);
  const span = toNs - fromNs;
  const atNs = fromNs + span / 2;
  const inView = fromNs >= state.interval.fromNs && toNs <= state.interval.toNs;
  const legible = span <= 0 || span > width / 50;
  const wanted = span > 0 ? around(fromNs, toNs, 0.75) : { fromNs: atNs - width / 2, toNs: atNs + width / 2 };
  const next = inView && legible ? { ...state, anchor: anchorMode.free } : moved(state, wanted);
  return { ...next, selection: { lane, atNs }, revealLane: lane, filter: '' };
}
