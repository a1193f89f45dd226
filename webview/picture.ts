// Owns one frame of the picture: gathers strips, labels, markers, arrows and bands for the rows in view and hands them
// to the painters. Decides nothing about what is in view and asks nobody for anything.
import type { Arrow, Explanation, LaneHeader } from '../extension/messages/queries.ts';
import type { AnswerStore } from './layout/answer-store.ts';
import { coverageStates } from './layout/appearance.ts';
import { clearStrip, fillStrip, type LaneStrip, newStrip } from './layout/coverage.ts';
import { barInsetCssPx, pxOfNs, type Rectangle, rowHeightCssPx } from './layout/geometry.ts';
import type { Hit } from './layout/hit.ts';
import { layoutArrows, layoutBands, layoutMarkers } from './layout/marks.ts';
import type { RowLayout } from './layout/rows.ts';
import { type SpanLabel, spanEdges, spanLabels } from './layout/span-labels.ts';
import { LanePainter } from './render/lane-painter.ts';
import { OverlayPainter } from './render/overlay-painter.ts';
import type { Theme } from './render/theme.ts';
import { makeTiles, type TileSet, tileWidthPx } from './render/tiles.ts';
import { type Interval, widthNs } from './state/interval.ts';
import type { Highlight, ViewState } from './state/view-state.ts';

export interface PictureSize {
  readonly widthCssPx: number;
  readonly heightCssPx: number;
  readonly devicePixelRatio: number;
}

export interface PictureInput {
  readonly state: ViewState;
  readonly store: AnswerStore;
  readonly rows: RowLayout;
  readonly size: PictureSize;
  readonly theme: Theme;
  readonly ticksNs: readonly number[];
  readonly arrows: readonly Arrow[];
  /** Of the selection; null while it is on the way. */
  readonly explanation: Explanation | null;
  readonly hover: Hit | null;
  readonly hoverXCssPx: number | null;
}

interface RowInView {
  readonly lane: LaneHeader;
  readonly yCssPx: number;
  readonly pinned: boolean;
}

export class Picture {
  private readonly lanes: LanePainter;
  private readonly overlay: OverlayPainter;
  private strip: LaneStrip = newStrip(1);
  private tiles: TileSet | null = null;
  private tilesFor: { theme: Theme; heightPx: number } | null = null;

  constructor(timeline: HTMLCanvasElement, overlay: HTMLCanvasElement) {
    this.lanes = new LanePainter(timeline);
    this.overlay = new OverlayPainter(overlay);
  }

  paint(input: PictureInput): void {
    if (input.size.widthCssPx < 1 || input.size.heightCssPx < 1) return;
    this.paintLanes(input, rowsInView(input));
    this.paintOverlay(input);
  }

  /** Only what lies above the bars: for the pointer's every move. */
  paintOverlay(input: PictureInput): void {
    const { size, state, store, rows, theme } = input;
    if (size.widthCssPx < 1 || size.heightCssPx < 1) return;
    const { interval } = state;
    const inView = rowsInView(input);
    const yByLane = new Map(inView.map((row) => [row.lane.lane, row.yCssPx]));
    const xOf = (atNs: number) => pxOfNs(interval, size.widthCssPx, atNs);
    const newest = store.newest;
    const nowXCssPx = xOf(state.endNs);
    this.overlay.paint(
      {
        ...size,
        bodyTopCssPx: rows.bodyTopCssPx,
        gridXCssPx: input.ticksNs.map(xOf),
        bands: newest === null ? [] : layoutBands(newest.head, interval, size.widthCssPx),
        markers: store
          .current()
          .flatMap((answer) => layoutMarkers(answer, (lane) => yByLane.get(lane), interval, size.widthCssPx)),
        edges: edgesOf(input, inView),
        labels: labelsOf(input, inView),
        arrows: layoutArrows(
          input.arrows,
          (lane) => yOfLane(lane, yByLane, store, rows),
          interval,
          size.widthCssPx,
          2,
          size.heightCssPx - 2,
        ),
        highlights: highlightsOf(state.highlight, yByLane, interval, size.widthCssPx),
        selection: selectionOf(input, yByLane),
        hover: hoverOf(input, yByLane),
        hoverXCssPx: input.hoverXCssPx,
        nowXCssPx: nowXCssPx < size.widthCssPx - 1 ? nowXCssPx : null,
      },
      theme,
    );
  }

  private paintLanes(input: PictureInput, inView: readonly RowInView[]): void {
    const { state, store, rows, size, theme } = input;
    const ratio = size.devicePixelRatio;
    const widthPx = Math.round(size.widthCssPx * ratio);
    const heightPx = Math.round(size.heightCssPx * ratio);
    const tiles = this.tilesOf(theme, Math.round((rowHeightCssPx - 2 * barInsetCssPx) * ratio), ratio);
    if (this.strip.state.length !== widthPx) this.strip = newStrip(widthPx);
    const fromPx = Math.round(state.interval.fromNs / (widthNs(state.interval) / widthPx));
    // The remainder of a negative number is negative: bring it into 0 … 7.
    const phasePx = ((fromPx % tileWidthPx) + tileWidthPx) % tileWidthPx;
    this.lanes.begin(widthPx, heightPx);
    for (const row of inView) {
      clearStrip(this.strip);
      let exact = false;
      for (const { answer, header } of store.showing(row.lane.lane)) {
        fillStrip(this.strip, answer, header, state.interval);
        exact = header.mode === 'exact';
      }
      const { busy, queued } = coverageStates[row.lane.kind];
      this.lanes.paint(
        this.strip,
        {
          topPx: Math.round((row.yCssPx + barInsetCssPx) * ratio),
          clipTopPx: row.pinned ? 0 : Math.round(rows.bodyTopCssPx * ratio),
          busyState: busy,
          queuedState: queued,
          thin: row.lane.folded === true,
          exact,
          phasePx,
        },
        tiles,
      );
    }
    this.lanes.end();
  }

  private tilesOf(theme: Theme, heightPx: number, ratio: number): TileSet {
    const { tiles, tilesFor } = this;
    if (tiles !== null && tilesFor?.theme === theme && tilesFor.heightPx === heightPx) return tiles;
    const made = makeTiles(theme, heightPx, ratio);
    this.tiles = made;
    this.tilesFor = { theme, heightPx };
    return made;
  }
}

function rowsInView(input: PictureInput): RowInView[] {
  return input.rows.slots.flatMap(({ place, yCssPx, pinned }) => {
    const lane = input.store.laneAt(place);
    return lane === undefined ? [] : [{ lane, yCssPx, pinned }];
  });
}

/** Of a lane that is not in view: −∞ above, ∞ below; undefined when nobody has said where it stands. */
function yOfLane(
  lane: number,
  yByLane: ReadonlyMap<number, number>,
  store: AnswerStore,
  rows: RowLayout,
): number | undefined {
  const yCssPx = yByLane.get(lane);
  if (yCssPx !== undefined) return yCssPx;
  const place = store.placeOf(lane);
  if (place === undefined) return undefined;
  const first = rows.slots.find((slot) => !slot.pinned)?.place ?? 0;
  return place < first ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function labelsOf(input: PictureInput, inView: readonly RowInView[]): { yCssPx: number; label: SpanLabel }[] {
  const { state, store, size } = input;
  return inView.flatMap((row) => {
    const shown = store.newestShowing(row.lane.lane);
    if (shown === undefined) return [];
    return spanLabels(shown.answer, shown.header, state.interval, size.widthCssPx).map((label) => ({
      yCssPx: row.yCssPx,
      label,
    }));
  });
}

function edgesOf(input: PictureInput, inView: readonly RowInView[]): { xCssPx: number; yCssPx: number }[] {
  const { state, store, size } = input;
  return inView.flatMap((row) => {
    const shown = store.newestShowing(row.lane.lane);
    if (shown === undefined) return [];
    return spanEdges(shown.answer, shown.header, state.interval, size.widthCssPx).map((xCssPx) => ({
      xCssPx,
      yCssPx: row.yCssPx,
    }));
  });
}

function barAt(
  yCssPx: number,
  fromNs: number,
  toNs: number,
  interval: Interval,
  widthCssPx: number,
): Rectangle {
  // Two px beyond the edge: the outline of what goes on outside is open there.
  const left = Math.max(-2, pxOfNs(interval, widthCssPx, fromNs));
  const right = Math.min(widthCssPx + 2, pxOfNs(interval, widthCssPx, toNs));
  return {
    xCssPx: left,
    yCssPx: yCssPx + barInsetCssPx - 1,
    widthCssPx: Math.max(2, right - left),
    heightCssPx: rowHeightCssPx - 2 * barInsetCssPx + 2,
  };
}

function highlightsOf(
  highlight: Highlight | null,
  yByLane: ReadonlyMap<number, number>,
  interval: Interval,
  widthCssPx: number,
): Rectangle[] {
  return (highlight?.waits ?? []).flatMap((wait) => {
    const yCssPx = yByLane.get(wait.lane);
    if (yCssPx === undefined || wait.toNs < interval.fromNs || wait.fromNs > interval.toNs) return [];
    return [barAt(yCssPx, wait.fromNs, wait.toNs, interval, widthCssPx)];
  });
}

function selectionOf(input: PictureInput, yByLane: ReadonlyMap<number, number>): Rectangle | null {
  const { state, explanation, size } = input;
  if (state.selection === null) return null;
  const yCssPx = yByLane.get(state.selection.lane);
  if (yCssPx === undefined) return null;
  const { atNs } = state.selection;
  const [fromNs, toNs] = explanation === null ? [atNs, atNs] : [explanation.fromNs, explanation.toNs];
  if (toNs < state.interval.fromNs || fromNs > state.interval.toNs) return null;
  return barAt(yCssPx, fromNs, toNs, state.interval, size.widthCssPx);
}

function hoverOf(input: PictureInput, yByLane: ReadonlyMap<number, number>): Rectangle | null {
  const { hover, state, size } = input;
  if (hover === null || hover.span === null) return null;
  const yCssPx = yByLane.get(hover.lane.lane);
  if (yCssPx === undefined) return null;
  return barAt(yCssPx, hover.span.fromNs, hover.span.toNs, state.interval, size.widthCssPx);
}
