// Owns the writer thread's side of the dictionary ring and the living dictionary: every record that an event still to
// be sent may refer to, so that a new connection can be told all of it. Knows nothing of sockets.
import { ByteReader } from '../../wire/index.ts';
import {
  controlWord,
  dictionaryEntryHeadBytes,
  dictionaryEntryKind,
  type RingLayout,
} from '../ring-layout.ts';

/** Beyond this the program makes more living names and tasks than a trace can carry, and recording stops. */
const livingLimitBytes = 64 * 1024 * 1024;
/** Chunks of other threads that wait for a connection; beyond it the oldest go, which the next ones' numbers show. */
const waitingChunkBytes = 4 * 1024 * 1024;
/** What a map entry and a small array cost in V8 beside the record's own bytes. */
const entryOverheadBytes = 160;

export class DictionaryStore {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly layout: RingLayout;
  private tail = 0;
  private readonly living = new Map<string, Uint8Array>();
  private livingBytes = 0;
  private fresh: Uint8Array[] = [];
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  /** In the order of their sequence numbers. */
  private retired: { key: string; sequence: number }[] = [];

  constructor(memory: SharedArrayBuffer, layout: RingLayout) {
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.layout = layout;
  }

  get overLimit(): boolean {
    return this.livingBytes > livingLimitBytes;
  }

  /** Moves what stands in the ring to this thread's memory, so that the program's thread always finds room. */
  drain(): void {
    // Ordering: acquire; the entries below the head were written before it.
    const head = Atomics.load(this.words, controlWord.dictionaryHead);
    while (this.tail !== head) {
      const at = this.layout.dictionaryAt + (this.tail & (this.layout.dictionaryBytes - 1));
      const byteCount = this.words[at >> 2] ?? 0;
      const kind = this.words[(at >> 2) + 1] ?? dictionaryEntryKind.skip;
      const start = at + dictionaryEntryHeadBytes;
      if (kind !== dictionaryEntryKind.skip) this.accept(kind, this.bytes.slice(start, start + byteCount));
      this.tail = (this.tail + ((dictionaryEntryHeadBytes + byteCount + 7) & ~7)) | 0;
    }
    // Ordering: release; everything up to the tail was copied.
    Atomics.store(this.words, controlWord.dictionaryTail, this.tail);
  }

  /** Records that came since the last call. */
  takeFresh(): Uint8Array[] {
    const taken = this.fresh;
    this.fresh = [];
    return taken;
  }

  /** Payloads of chunks of other threads that came since the last call, in their order. */
  takeChunks(): Uint8Array[] {
    const taken = this.chunks;
    this.chunks = [];
    this.chunkBytes = 0;
    return taken;
  }

  /** All that lives, older before newer, so that a record comes after those it names. Counts as taken. */
  takeLiving(): Uint8Array[] {
    this.fresh = [];
    return [...this.living.values()];
  }

  /** Forgets what was retired while a slot up to this one was written: nothing refers to it any more. */
  forget(freedSequence: number): void {
    const { retired } = this;
    let count = 0;
    for (; count < retired.length; count++) {
      const { key, sequence } = retired[count] as (typeof retired)[number];
      if (sequence > freedSequence) break;
      this.livingBytes -= costOf(this.living.get(key));
      this.living.delete(key);
    }
    if (count > 0) retired.splice(0, count);
  }

  private accept(kind: number, entry: Uint8Array): void {
    if (kind === dictionaryEntryKind.chunk) {
      this.acceptChunk(entry);
      return;
    }
    const reader = new ByteReader(entry);
    const key = `${reader.uint()}:${reader.uint()}`;
    if (kind === dictionaryEntryKind.retire) {
      this.retired.push({ key, sequence: reader.uint() });
      return;
    }
    // A record that is told again in more words goes to the end: it may name newer texts.
    this.livingBytes -= costOf(this.living.get(key));
    this.living.delete(key);
    this.living.set(key, entry);
    this.livingBytes += costOf(entry);
    this.fresh.push(entry);
  }

  private acceptChunk(entry: Uint8Array): void {
    this.chunks.push(entry);
    this.chunkBytes += costOf(entry);
    if (this.chunkBytes <= waitingChunkBytes) return;
    // Half of them at once, so that a program without a collector does not pay for each.
    this.chunks = this.chunks.slice(this.chunks.length >> 1);
    this.chunkBytes = this.chunks.reduce((sum, chunk) => sum + costOf(chunk), 0);
  }
}

function costOf(entry: Uint8Array | undefined): number {
  return entry === undefined ? 0 : entry.length + entryOverheadBytes;
}
