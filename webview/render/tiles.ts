// Owns the fill of a bar as pixels: for each state a tile 8 px wide and as high as the bar, made once per theme.
// Knows themes and appearances; nothing of lanes or answers.
import { spanState } from '../../extension/messages/lanes.ts';
import { appearanceOf, fillStyle, stateCount, type Texture, texture } from '../layout/appearance.ts';
import type { Rgba, Theme } from './theme.ts';

export const tileWidthPx = 8;

/** Fills beside those of the states. */
const panickedTile = stateCount;
const spuriousTile = stateCount + 1;
const kinds = stateCount + 2;

export interface TileSet {
  readonly heightPx: number;
  /** Pixels as the canvas stores them: tile by tile, row by row, 8 to a row. */
  readonly pixels: Uint32Array;
}

/** Where a tile begins. `inferred` draws its strong lines dashed: the cause is not recorded. */
export function tileOffset(tiles: TileSet, kind: number, inferred: boolean): number {
  return (kind * 2 + (inferred ? 1 : 0)) * tiles.heightPx * tileWidthPx;
}

export function tileOfState(state: number): number {
  return state < stateCount ? state : spanState.idleUnknown;
}

export { panickedTile, spuriousTile };

export function makeTiles(theme: Theme, heightPx: number, devicePixelRatio: number): TileSet {
  const pixels = new Uint32Array(kinds * 2 * heightPx * tileWidthPx);
  const tiles = { heightPx, pixels };
  const linePx = Math.max(1, Math.round(2 * devicePixelRatio));
  for (let kind = 0; kind < kinds; kind++) {
    for (const inferred of [false, true]) {
      const base = tileOffset(tiles, kind, inferred);
      for (let y = 0; y < heightPx; y++) {
        for (let x = 0; x < tileWidthPx; x++)
          pixels[base + y * tileWidthPx + x] = pixelOf(theme, kind, inferred, x, y, heightPx, linePx);
      }
    }
  }
  return tiles;
}

function pixelOf(
  theme: Theme,
  kind: number,
  inferred: boolean,
  x: number,
  y: number,
  heightPx: number,
  linePx: number,
): number {
  if (kind === panickedTile) return packed(theme.colours.red, 1);
  if (kind === spuriousTile) return packed(y < linePx + 1 ? theme.colours.red : theme.colours.green, 1);
  const { colour: name, fill, texture: drawn } = appearanceOf(kind);
  const colour = theme.colours[name];
  // A dashed line: half of each 8 px.
  const lineHere = !inferred || x < tileWidthPx / 2;
  const onBottom = y >= heightPx - linePx;
  const onTop = y < Math.max(1, linePx >> 1);
  const body = theme.highContrast && drawn !== texture.none && onTexture(drawn, x, y) ? 0.85 : -1;
  switch (fill) {
    case fillStyle.none:
      return 0;
    case fillStyle.solid:
      return packed(colour, theme.dark ? 0.92 : 1);
    case fillStyle.tall:
      return packed(colour, body > 0 ? 1 : theme.highContrast ? 0.35 : onTop || onBottom ? 0.95 : 0.6);
    case fillStyle.rail:
      if (onBottom && lineHere) return packed(colour, theme.highContrast ? 1 : 0.9);
      return packed(colour, body > 0 ? body : theme.dark ? 0.2 : 0.16);
    case fillStyle.hatch:
      return packed(colour, (x + y) % tileWidthPx < 2 ? 0.7 : 0.08);
    case fillStyle.hollow:
      return packed(colour, onTop || y >= heightPx - Math.max(1, linePx >> 1) ? 0.75 : 0.1);
  }
}

/** Whether a texture has a line at this place of its 8 × 8 grid. */
function onTexture(drawn: Texture, x: number, y: number): boolean {
  switch (drawn) {
    case texture.dots:
      return x % 4 === 1 && y % 4 === 1;
    case texture.slantUp:
      return (x + y) % 4 === 0;
    case texture.slantDown:
      return (x + tileWidthPx - (y % tileWidthPx)) % tileWidthPx < 2;
    case texture.vertical:
      return x % 4 === 0;
    case texture.cross:
      return (x + y) % tileWidthPx === 0 || (x + tileWidthPx - (y % tileWidthPx)) % tileWidthPx === 0;
    case texture.horizontal:
      return y % 4 === 0;
    case texture.none:
      return false;
  }
}

/** One pixel as a canvas's little-endian 32-bit word: alpha, blue, green, red. */
function packed(colour: Rgba, opacity: number): number {
  const alpha = Math.round(colour.alpha * opacity * 255);
  return ((alpha << 24) | (colour.blue << 16) | (colour.green << 8) | colour.red) >>> 0;
}
