/** Bytes that are not what the wire allows. `atByte` counts from the start of the bytes handed to the reader. */
export declare class WireError extends Error {
    readonly atByte: number;
    constructor(what: string, atByte: number);
}
/** A cursor over bytes. Reading past `end` throws. */
export declare class ByteReader {
    readonly bytes: Uint8Array;
    position: number;
    readonly end: number;
    constructor(bytes: Uint8Array, position?: number, end?: number);
    get atEnd(): boolean;
    /** Unsigned LEB128 up to 2^53 − 1. One-byte values, which are most, take the first branch. */
    uint(): number;
    /** Zigzag-coded signed number. */
    sint(): number;
    /** Unsigned LEB128 of up to 64 bits. */
    wide(): bigint;
    text(): string;
    list(): number[];
    /** A count, then that many items. The count is held against `limit` and against the bytes that are left. */
    repeat<T>(limit: number, what: string, item: () => T): T[];
}
