// Owns reading pixels out of PNG screenshots, so that a test can ask what colour is really on the screen.
// It decodes what browsers write (8 bits per channel, RGB or RGBA, not interlaced) and knows nothing of pages.

import { inflateSync } from 'node:zlib';

export interface Rgb {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

export interface Pixels {
  readonly widthPx: number;
  readonly heightPx: number;
  /** The colour at a pixel, counted from the upper left corner. Throws outside the picture. */
  at(xPx: number, yPx: number): Rgb;
  /** How many pixels satisfy `predicate`. */
  count(predicate: (colour: Rgb) => boolean): number;
  /** Number of pixels by colour, as "#rrggbb". */
  histogram(): Map<string, number>;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BYTES_PER_PIXEL_BY_COLOUR_TYPE: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

/**
 * Decodes a PNG file.
 *
 * @throws Error when it is no PNG or of a kind that browsers do not write.
 */
export function decodePng(file: Buffer): Pixels {
  if (!file.subarray(0, 8).equals(PNG_SIGNATURE)) throw new Error('not a PNG: its signature is wrong');
  const chunks = readChunks(file);
  const header = chunks.find((chunk) => chunk.type === 'IHDR')?.data;
  if (header === undefined) throw new Error('not a PNG: it has no IHDR chunk');
  const widthPx = header.readUInt32BE(0);
  const heightPx = header.readUInt32BE(4);
  const bytesPerPixel = BYTES_PER_PIXEL_BY_COLOUR_TYPE[header.readUInt8(9)];
  if (header.readUInt8(8) !== 8 || bytesPerPixel === undefined || header.readUInt8(12) !== 0) {
    throw new Error('unsupported PNG: only RGB and RGBA of 8 bits, not interlaced, are read here');
  }
  const packed = Buffer.concat(chunks.filter((chunk) => chunk.type === 'IDAT').map((chunk) => chunk.data));
  const bytes = unfilter(inflateSync(packed), widthPx * bytesPerPixel, heightPx, bytesPerPixel);
  return toPixels(bytes, widthPx, heightPx, bytesPerPixel);
}

function readChunks(file: Buffer): Array<{ readonly type: string; readonly data: Buffer }> {
  const chunks = [];
  // A chunk: length (4 bytes), type (4), data (length), checksum (4).
  for (let offset = 8; offset + 12 <= file.length; ) {
    const length = file.readUInt32BE(offset);
    const type = file.toString('latin1', offset + 4, offset + 8);
    chunks.push({ type, data: file.subarray(offset + 8, offset + 8 + length) });
    offset += 12 + length;
  }
  return chunks;
}

/** Undoes the per-row prediction: each byte was stored as its difference from a guess. */
function unfilter(filtered: Buffer, rowBytes: number, rowCount: number, bytesPerPixel: number): Uint8Array {
  const bytes = new Uint8Array(rowBytes * rowCount);
  for (let row = 0; row < rowCount; row += 1) {
    const source = row * (rowBytes + 1);
    const filter = filtered[source] ?? 0;
    const target = row * rowBytes;
    for (let column = 0; column < rowBytes; column += 1) {
      const left = column >= bytesPerPixel ? (bytes[target + column - bytesPerPixel] ?? 0) : 0;
      const above = row > 0 ? (bytes[target - rowBytes + column] ?? 0) : 0;
      const corner =
        row > 0 && column >= bytesPerPixel ? (bytes[target - rowBytes + column - bytesPerPixel] ?? 0) : 0;
      const stored = filtered[source + 1 + column] ?? 0;
      bytes[target + column] = stored + predict(filter, left, above, corner);
    }
  }
  return bytes;
}

/** The guess of the PNG filter kinds: 0 none, 1 left, 2 above, 3 their mean, 4 the nearest to left+above−corner. */
function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function toPixels(bytes: Uint8Array, widthPx: number, heightPx: number, bytesPerPixel: number): Pixels {
  const colourAt = (index: number): Rgb => {
    const offset = index * bytesPerPixel;
    return { red: bytes[offset] ?? 0, green: bytes[offset + 1] ?? 0, blue: bytes[offset + 2] ?? 0 };
  };
  const pixelCount = widthPx * heightPx;
  return {
    widthPx,
    heightPx,
    at(xPx, yPx) {
      if (xPx < 0 || yPx < 0 || xPx >= widthPx || yPx >= heightPx) {
        throw new RangeError(`pixel ${xPx},${yPx} is outside a picture of ${widthPx} × ${heightPx}`);
      }
      return colourAt(Math.floor(yPx) * widthPx + Math.floor(xPx));
    },
    count(predicate) {
      let count = 0;
      for (let index = 0; index < pixelCount; index += 1) if (predicate(colourAt(index))) count += 1;
      return count;
    },
    histogram() {
      const counts = new Map<string, number>();
      for (let index = 0; index < pixelCount; index += 1) {
        const { red, green, blue } = colourAt(index);
        const key = `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, '0')}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      return counts;
    },
  };
}
