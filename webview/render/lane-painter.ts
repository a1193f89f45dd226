// Owns the timeline canvas: paints strips of lanes into one image, pixel by pixel, and puts it up in one call.
// Knows nothing of answers or of the view's state; text and everything thin is the overlay's.
import { spanFlag } from '../../extension/messages/lanes.ts';
import type { LaneStrip } from '../layout/coverage.ts';
import { panickedTile, spuriousTile, type TileSet, tileOffset, tileOfState, tileWidthPx } from './tiles.ts';

export interface StripPlace {
  /** Top of the bar in device pixels; may be negative for a row that is partly scrolled away. */
  readonly topPx: number;
  /** Rows of the image above this one are not painted: pinned rows stand there. */
  readonly clipTopPx: number;
  readonly busyState: number;
  readonly queuedState: number;
  /** In exact lanes every poll is drawn at full height; in coverage lanes height tells the share. */
  readonly exact: boolean;
  /** Drawn as a thin line: what it shows stands for more that is folded. */
  readonly thin: boolean;
  /** Where the texture begins, so that it moves with time and not with the window. */
  readonly phasePx: number;
}

/** The least height of a share above 0: a poll that takes 0.1 % of a pixel is still seen. */
const leastShareOfHeight = 0.3;

/** Of a bar's height that a thin one takes. */
const thinShare = 0.4;

export class LanePainter {
  private readonly context: CanvasRenderingContext2D;
  private image: ImageData;
  private words: Uint32Array;
  private baseOf: Uint32Array;
  private busyTop: Uint8Array;
  private queuedTop: Uint8Array;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser gives no 2D canvas, which the timeline needs.');
    this.context = context;
    this.image = context.createImageData(1, 1);
    this.words = new Uint32Array(this.image.data.buffer);
    this.baseOf = new Uint32Array(1);
    this.busyTop = new Uint8Array(1);
    this.queuedTop = new Uint8Array(1);
  }

  begin(widthPx: number, heightPx: number): void {
    const { canvas } = this.context;
    if (canvas.width !== widthPx || canvas.height !== heightPx) {
      canvas.width = widthPx;
      canvas.height = heightPx;
    }
    if (this.image.width !== widthPx || this.image.height !== heightPx) {
      this.image = this.context.createImageData(widthPx, heightPx);
      this.words = new Uint32Array(this.image.data.buffer);
      this.baseOf = new Uint32Array(widthPx);
      this.busyTop = new Uint8Array(widthPx);
      this.queuedTop = new Uint8Array(widthPx);
    } else {
      this.words.fill(0);
    }
  }

  paint(strip: LaneStrip, place: StripPlace, tiles: TileSet): void {
    this.plan(strip, place, tiles);
    const widthPx = this.image.width;
    const { heightPx, pixels } = tiles;
    const busyBase = tileOffset(tiles, tileOfState(place.busyState), false);
    const queuedBase = tileOffset(tiles, tileOfState(place.queuedState), false);
    const marginPx = place.thin ? Math.floor((heightPx * (1 - thinShare)) / 2) : 0;
    const firstRow = Math.max(marginPx, place.clipTopPx - place.topPx);
    const lastRow = Math.min(heightPx - marginPx, this.image.height - place.topPx);
    for (let y = firstRow; y < lastRow; y++) {
      const out = (place.topPx + y) * widthPx;
      const tileRow = y * tileWidthPx;
      for (let x = 0; x < widthPx; x++) {
        const base =
          y >= (this.busyTop[x] as number)
            ? busyBase
            : y >= (this.queuedTop[x] as number)
              ? queuedBase
              : (this.baseOf[x] as number);
        if (base !== 0) this.words[out + x] = pixels[base + tileRow + ((x + place.phasePx) & 7)] as number;
      }
    }
  }

  end(): void {
    this.context.putImageData(this.image, 0, 0);
  }

  /** For each column: which tile lies behind, and from which row down it is queued and busy. */
  private plan(strip: LaneStrip, place: StripPlace, tiles: TileSet): void {
    const { heightPx } = tiles;
    for (let x = 0; x < this.image.width; x++) {
      const state = strip.state[x] as number;
      const busy = strip.busy[x] as number;
      const queued = place.queuedState === place.busyState ? 0 : (strip.queued[x] as number);
      const flags = strip.flags[x] as number;
      let kind = tileOfState(state);
      let busyTop = heightPx;
      let queuedTop = heightPx;
      if (place.exact) {
        if (busy > 0) kind = tileOfState(place.busyState);
        else if (queued > 0) kind = tileOfState(place.queuedState);
        if (busy > 0 && flags & spanFlag.panicked) kind = panickedTile;
        else if (busy > 0 && flags & spanFlag.spurious) kind = spuriousTile;
      } else {
        // What dominates is drawn by its share below, not behind it.
        if (state === place.busyState || state === place.queuedState) kind = 0;
        busyTop = heightPx - shareHeight(busy, heightPx);
        queuedTop = Math.max(0, busyTop - shareHeight(queued, heightPx));
      }
      const inferred = (flags & (spanFlag.inferred | spanFlag.unknownCause)) !== 0;
      this.baseOf[x] = kind === 0 ? 0 : tileOffset(tiles, kind, inferred);
      this.busyTop[x] = busyTop;
      this.queuedTop[x] = queuedTop;
    }
  }
}

/** The square root keeps small shares apart from each other: 1 % is a tenth of the height, not a hundredth. */
function shareHeight(share255: number, heightPx: number): number {
  if (share255 === 0) return 0;
  return Math.ceil(Math.max(leastShareOfHeight, Math.sqrt(share255 / 255)) * heightPx);
}
