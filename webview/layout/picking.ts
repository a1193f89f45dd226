// Owns what a click, a key or a place in the picture means: which lane, which span, what its state is called.
// Pure: state, answers and rows in; actions and words out.
import { laneKind } from '../../extension/messages/lanes.ts';
import type { LaneHeader } from '../../extension/messages/queries.ts';
import { formatDuration } from '../../extension/trace/format.ts';
import { widthNs } from '../state/interval.ts';
import type { Action, ViewState } from '../state/view-state.ts';
import type { AnswerStore } from './answer-store.ts';
import { appearanceOf } from './appearance.ts';
import { nsOfPx } from './geometry.ts';
import { type Hit, hitAt, neighbourNs } from './hit.ts';
import { type RowLayout, slotAt } from './rows.ts';

export interface Scene {
  readonly state: ViewState;
  readonly store: AnswerStore;
  readonly rows: RowLayout;
}

/** The lane whose row is at a height of the picture. */
export function laneAtHeight(scene: Scene, yCssPx: number): LaneHeader | undefined {
  const slot = slotAt(scene.rows, yCssPx);
  return slot === undefined ? undefined : scene.store.laneAt(slot.place);
}

export function hitAtPoint(scene: Scene, xCssPx: number, yCssPx: number, widthCssPx: number): Hit | null {
  const lane = laneAtHeight(scene, yCssPx);
  const shown = lane === undefined ? undefined : scene.store.newestShowing(lane.lane);
  if (shown === undefined) return null;
  const { interval } = scene.state;
  return hitAt(shown.answer, shown.header, interval, widthCssPx, nsOfPx(interval, widthCssPx, xCssPx));
}

/** A click selects the span, or the instant where there is none. */
export function selectHit(scene: Scene, hit: Hit): Action {
  const atNs = Math.min(Math.max(hit.atNs, 0), scene.state.endNs);
  return { type: 'select', selection: { lane: hit.lane.lane, atNs }, reveal: false };
}

/** The task whose lane, or a lane below it, is selected; 0 when none is. */
export function selectedTask(scene: Scene): number {
  const { selection } = scene.state;
  const lane = selection === null ? undefined : scene.store.newestShowing(selection.lane)?.header;
  return lane?.kind === laneKind.task || lane?.kind === laneKind.section ? lane.id : 0;
}

/**
 * The poll in which the debugger stopped the program, when that is new: at once what a user wants to see, but nobody who
 * reads of another task is taken away from it.
 */
export function selectStopped(scene: Scene, seen: string): { action: Action | null; seen: string } {
  const stop = scene.store.newest?.head.stops.at(-1);
  if (stop === undefined || !stop.open || stop.lane < 0) return { action: null, seen };
  const { session, selection } = scene.state;
  const now = `${session} ${stop.fromNs}`;
  if (now === seen || (selection !== null && selection.lane !== stop.lane))
    return { action: null, seen: now };
  const selected = { lane: stop.lane, atNs: stop.fromNs };
  return { action: { type: 'select', selection: selected, reveal: true }, seen: now };
}

/** Keeps the selected instant, as far as the lane lives then. */
export function selectInLane(scene: Scene, lane: LaneHeader): Action {
  const { interval, selection } = scene.state;
  const wanted = selection?.atNs ?? (interval.fromNs + interval.toNs) / 2;
  const atNs = withinLife(lane, wanted);
  return { type: 'select', selection: { lane: lane.lane, atNs }, reveal: true };
}

/** The lane above or below the selected one; the first scrolled one when nothing is selected. */
export function selectNextLane(scene: Scene, direction: 1 | -1): Action | null {
  const { selection } = scene.state;
  const here = selection === null ? undefined : scene.store.placeOf(selection.lane);
  const first = scene.rows.slots.find((slot) => !slot.pinned)?.place ?? 0;
  const lane = scene.store.laneAt(here === undefined ? first : here + direction);
  return lane === undefined ? null : selectInLane(scene, lane);
}

/** The neighbour span of the selected one, with a pan when it is out of view; null when nothing is selected. */
export function selectNextSpan(scene: Scene, direction: 1 | -1): Action[] | null {
  const { selection, interval } = scene.state;
  const shown = selection === null ? undefined : scene.store.newestShowing(selection.lane);
  if (selection === null || shown === undefined) return null;
  const atNs = neighbourNs(shown.answer, shown.header, selection.atNs, direction);
  if (atNs === null) return null;
  const select: Action = { type: 'select', selection: { lane: selection.lane, atNs }, reveal: true };
  if (atNs >= interval.fromNs && atNs <= interval.toNs) return [select];
  const middleNs = (interval.fromNs + interval.toNs) / 2;
  return [select, { type: 'pan', share: (atNs - middleNs) / widthNs(interval) }];
}

/** Where keys zoom, 0 … 1: at the selection when it is in view, else at the pointer, else in the middle. */
export function keyAnchor(state: ViewState, pointerShare: number | null): number {
  const { selection, interval } = state;
  const anchor =
    selection === null ? (pointerShare ?? 0.5) : (selection.atNs - interval.fromNs) / widthNs(interval);
  return anchor >= 0 && anchor <= 1 ? anchor : 0.5;
}

/** What a lane does at an instant, in a word or two; empty when nothing is known. */
export function stateWord(scene: Scene, lane: LaneHeader, atNs: number): string {
  const ofTask = lane.kind === laneKind.task || lane.kind === laneKind.frame;
  if (ofTask && atNs >= lane.toNs && lane.toNs < scene.state.endNs) return 'over';
  if (atNs < lane.fromNs) return ofTask ? 'not yet' : '';
  const shown = scene.store.newestShowing(lane.lane);
  if (shown === undefined) return '';
  // One ns before: an instant on a boundary belongs to the span that ends there, not to nothing.
  const insideNs = Math.max(lane.fromNs, atNs - 1);
  // The width makes a pixel of next to no time: no span is preferred to the one that is there.
  const { state } = hitAt(shown.answer, shown.header, scene.state.interval, 1e9, insideNs);
  return state === 0 ? '' : appearanceOf(state).word;
}

/** What to say of a selected place where the lane has no span. */
export function whyNothing(scene: Scene): string {
  const { selection, endNs } = scene.state;
  const lane = selection === null ? undefined : scene.store.newestShowing(selection.lane)?.header;
  if (selection === null || lane === undefined) return 'The trace holds nothing at this place.';
  if (selection.atNs < lane.fromNs)
    return `${lane.label} did not exist yet: it begins at ${formatDuration(lane.fromNs)}.`;
  if (selection.atNs >= lane.toNs && lane.toNs < endNs)
    return `${lane.label} is over: it ended at ${formatDuration(lane.toNs)}.`;
  return `${lane.label} did nothing at this instant that the trace holds.`;
}

/** The instant, or the nearest at which the lane lives. */
export function withinLife(lane: LaneHeader, atNs: number): number {
  return Math.min(Math.max(atNs, lane.fromNs), Math.max(lane.fromNs, lane.toNs - 1));
}
