export interface Frame {
    readonly kind: number;
    readonly payload: Uint8Array;
}
export declare const frameHeadBytes = 5;
export declare const recordingHeadBytes = 16;
/** The first bytes of every recording. */
export declare function recordingHead(): Uint8Array;
/** Throws unless `bytes` begin as a recording that this reader can read does. */
export declare function checkRecordingHead(bytes: Uint8Array): void;
/** One frame as bytes. */
export declare function encodeFrame(kind: number, payload: Uint8Array): Uint8Array;
/**
 * Takes bytes in pieces of any size and hands out whole frames.
 * Holds at most one unfinished frame, so at most `frameBytes` plus a head.
 */
export declare class FrameSplitter {
    private pending;
    private pendingLength;
    /** Bytes of whole frames handed out so far. */
    consumedBytes: number;
    /** Bytes of a frame that is not whole yet. */
    get unfinishedBytes(): number;
    /** Payloads are views that hold only until the next push. */
    push(bytes: Uint8Array, onFrame: (frame: Frame) => void): void;
    /** Moves what is missing from `bytes` to the unfinished frame; hands it out when whole. Returns what is left. */
    private fillPending;
    private payloadLength;
    private append;
}
