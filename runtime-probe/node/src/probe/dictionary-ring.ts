// Owns the program's side of the dictionary ring: lossless, bounded, never waiting.
// Knows nothing of what records mean.
import { put } from './event-ring.ts';
import {
  controlWord,
  dictionaryEntryHeadBytes,
  dictionaryEntryKind,
  type RingLayout,
} from './ring-layout.ts';

/**
 * How much may wait in the program's own memory when the ring is full; beyond it recording must stop. A collector that
 * reads nothing while 100,000 requests come and go costs about half of it.
 */
const backlogLimitBytes = 64 * 1024 * 1024;
/** What an entry of a dozen bytes costs in V8 beside them: 600,000 made a heap grow by 190 MiB. */
const entryOverheadBytes = 320;

/** Of seven numbers. */
const mostNumbersBytes = 7 * 8;

/** Up to this many bytes a loop is cheaper than a copy by `set`, which needs a view of its own. */
const shortBytes = 64;

interface Entry {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

export class DictionaryRing {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly layout: RingLayout;
  private head = 0;
  /** Numbers on their way to where `put` writes them. */
  private readonly aside = new Uint8Array(mostNumbersBytes);
  private backlog: Entry[] = [];
  private backlogBytes = 0;
  private overLimit = false;
  /** Above 0 while something is put in: whoever interrupts this thread then must put nothing. */
  inUse = 0;

  constructor(memory: SharedArrayBuffer, layout: RingLayout) {
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.layout = layout;
  }

  /** True when records wait outside the ring: events that refer to them must not be published before. */
  get behind(): boolean {
    return this.backlog.length > 0;
  }

  /** True when a record was lost: nothing that follows can be trusted, so recording must stop. */
  get broken(): boolean {
    return this.overLimit;
  }

  /** Puts the first `length` bytes, which are copied. */
  put(kind: number, bytes: Uint8Array, length = bytes.length): void {
    this.inUse++;
    if (this.behind || !this.tryPut(kind, bytes, length)) this.putBehind(kind, bytes, length);
    this.inUse--;
  }

  /** Puts the first `count` of these numbers. Most often straight to where they belong: a request puts two entries. */
  putNumbers(
    kind: number,
    count: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
  ): void {
    this.inUse++;
    const { dictionaryAt, dictionaryBytes } = this.layout;
    const at = this.head & (dictionaryBytes - 1);
    const most = dictionaryEntryHeadBytes + mostNumbersBytes;
    // Ordering: as in tryPut.
    const used = (this.head - Atomics.load(this.words, controlWord.dictionaryTail)) | 0;
    const fits = at + most <= dictionaryBytes && used + most <= dictionaryBytes && !this.behind;
    const bytes = fits ? this.bytes : this.aside;
    const begin = fits ? dictionaryAt + at + dictionaryEntryHeadBytes : 0;
    let end = put(bytes, begin, a);
    end = put(bytes, end, b);
    end = put(bytes, end, c);
    if (count > 3) end = put(bytes, put(bytes, put(bytes, put(bytes, end, d), e), f), g);
    if (!fits) this.put(kind, bytes, end);
    else {
      this.writeHead(dictionaryAt + at, kind, end - begin);
      this.head = (this.head + padded(dictionaryEntryHeadBytes + end - begin)) | 0;
      // Ordering: as in tryPut.
      Atomics.store(this.words, controlWord.dictionaryHead, this.head);
    }
    this.inUse--;
  }

  private putBehind(kind: number, bytes: Uint8Array, length: number): void {
    const costBytes = length + entryOverheadBytes;
    if (this.backlogBytes + costBytes > backlogLimitBytes) {
      this.overLimit = true;
      return;
    }
    this.backlog.push({ kind, bytes: bytes.slice(0, length) });
    this.backlogBytes += costBytes;
  }

  /** Moves what waits into the ring as far as there is room. True when nothing waits any more. */
  catchUp(): boolean {
    this.inUse++;
    let moved = 0;
    for (const entry of this.backlog) {
      if (!this.tryPut(entry.kind, entry.bytes, entry.bytes.length)) break;
      this.backlogBytes -= entry.bytes.length + entryOverheadBytes;
      moved++;
    }
    if (moved > 0) this.backlog.splice(0, moved);
    this.inUse--;
    return this.backlog.length === 0;
  }

  private tryPut(kind: number, bytes: Uint8Array, length: number): boolean {
    const { dictionaryAt, dictionaryBytes } = this.layout;
    const needed = padded(dictionaryEntryHeadBytes + length);
    const at = this.head & (dictionaryBytes - 1);
    const toEnd = dictionaryBytes - at;
    const skipped = needed > toEnd ? toEnd : 0;
    // Ordering: acquire; the writer thread has read an entry before it moves the tail past it.
    const tail = Atomics.load(this.words, controlWord.dictionaryTail);
    const used = (this.head - tail) | 0;
    if (used + skipped + needed > dictionaryBytes) return false;
    if (skipped > 0)
      this.writeHead(dictionaryAt + at, dictionaryEntryKind.skip, toEnd - dictionaryEntryHeadBytes);
    const entryAt = dictionaryAt + ((this.head + skipped) & (dictionaryBytes - 1));
    this.writeHead(entryAt, kind, length);
    this.copy(bytes, length, entryAt + dictionaryEntryHeadBytes);
    this.head = (this.head + skipped + needed) | 0;
    // Ordering: release, so that a reader who sees the head sees the entry.
    Atomics.store(this.words, controlWord.dictionaryHead, this.head);
    return true;
  }

  private copy(from: Uint8Array, length: number, to: number): void {
    if (length > shortBytes) this.bytes.set(from.subarray(0, length), to);
    else for (let i = 0; i < length; i++) this.bytes[to + i] = from[i] as number;
  }

  private writeHead(at: number, kind: number, byteCount: number): void {
    this.words[at >> 2] = byteCount;
    this.words[(at >> 2) + 1] = kind;
  }
}

function padded(byteCount: number): number {
  return (byteCount + 7) & ~7;
}
