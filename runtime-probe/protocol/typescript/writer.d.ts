import { type DictionaryRecord, type EventRecord, type Shape } from './generated/records.ts';
import type { Anchor, ChunkHead, Control, Hello, StreamEnd, Watermark } from './payloads.ts';
/** Grows as needed. `take` gives what was written and starts anew. */
export declare class ByteWriter {
    private bytes;
    private length;
    /** Unsigned LEB128. Throws on a negative, fractional or unsafe number: it would decode to something else. */
    uint(value: number): this;
    /** Zigzag. The most negative safe number would leave 53 bits, so the range is half that of uint. */
    sint(value: number): this;
    wide(value: bigint): this;
    /** Texts over the limit are cut: a name that is too long must not cost the trace. */
    text(value: string): this;
    list(values: readonly number[]): this;
    raw(bytes: Uint8Array): this;
    get written(): number;
    /** A copy of what was written; the writer is empty after. */
    take(): Uint8Array;
    private reserve;
}
/** An event with the tick at which it happened. */
export interface TimedEvent {
    readonly tick: number;
    readonly event: EventRecord;
}
/** Kind, then fields. For events use `writeEvent`, which has the tick between. */
export declare function writeDictionaryRecord(writer: ByteWriter, record: DictionaryRecord): void;
export declare function writeEvent(writer: ByteWriter, event: EventRecord, tickDelta: number): void;
/** The hello of a stream whose shapes are this version's unless others are given. */
export declare function encodeHello(hello: Omit<Hello, 'shapes'>, shapes?: readonly Shape[]): Uint8Array;
export declare function encodeDictionary(records: readonly DictionaryRecord[], head?: {
    readonly sequence: number;
    readonly offset: number;
}): Uint8Array;
/** Everything of a chunk's head but where its events begin, which only a decoder needs. */
export type ChunkHeadToWrite = Omit<ChunkHead, 'eventsAt'>;
export declare function writeChunkHead(w: ByteWriter, head: ChunkHeadToWrite): void;
/** A chunk of these events. `firstTick` and `lastTick` of the head are taken from the events where there are any. */
export declare function encodeChunk(head: ChunkHeadToWrite, events: readonly TimedEvent[]): Uint8Array;
export declare function encodeWatermarks(watermarks: readonly Watermark[]): Uint8Array;
export declare function encodeAnchor(anchor: Anchor): Uint8Array;
export declare function encodeEnd(end: StreamEnd): Uint8Array;
export declare function encodeControl(control: Control): Uint8Array;
/** The bytes with which a program or viewer opens a connection. `token` is 32 hexadecimal digits. */
export declare function encodePreamble(role: number, token: string): Uint8Array;
export declare const preambleBytes = 28;
