import { type DictionaryRecord, type Shape } from './generated/records.ts';
import { ByteReader } from './reader.ts';
export interface Capability {
    readonly name: string;
    readonly visibility: number;
    readonly note: string;
}
export interface Hello {
    readonly session: string;
    readonly tickRate: bigint;
    readonly originTick: bigint;
    readonly anchorMonotonicNs: bigint;
    readonly anchorWallUs: bigint;
    readonly pid: number;
    readonly language: string;
    readonly program: string;
    readonly workingFolder: string;
    readonly sourceRoot: string;
    readonly probe: string;
    readonly tier: string;
    readonly launch: string;
    readonly ringFile: string;
    readonly detail: number;
    readonly capabilities: readonly Capability[];
    readonly shapes: ReadonlyMap<number, Shape>;
}
export declare function decodeHello(payload: Uint8Array): Hello;
export interface DictionaryHead {
    readonly sequence: number;
    readonly offset: number;
}
/** Decodes the records of a dictionary frame; kinds that only the writer knows are skipped by their shape. */
export declare function decodeDictionary(payload: Uint8Array, shapes: ReadonlyMap<number, Shape>, onRecord: (record: DictionaryRecord) => void): DictionaryHead;
export interface OpenPoll {
    readonly task: number;
    readonly epoch: number;
    readonly startTick: number;
}
export interface ChunkHead {
    readonly thread: number;
    readonly sequence: number;
    readonly offset: number;
    readonly dropped: number;
    readonly firstTick: number;
    readonly lastTick: number;
    readonly openPolls: readonly OpenPoll[];
    readonly openFrames: readonly number[];
    readonly openJob: number;
    /** Where in the payload the events begin. */
    readonly eventsAt: number;
}
export declare function decodeChunkHead(payload: Uint8Array): ChunkHead;
/** What is open at the start of a slot: part of a chunk's head, and of a ring slot's payload. */
export declare function decodeContext(r: ByteReader): Pick<ChunkHead, 'openPolls' | 'openFrames' | 'openJob'>;
/**
 * How events of each kind are read: how many fields the writer puts there, how many of these we know, which are signed.
 * Made once per hello, so that the loop over events looks up an array and reads numbers.
 */
export declare class EventPlan {
    readonly written: Int16Array;
    readonly known: Uint8Array;
    readonly signed: Uint32Array;
    readonly foreign: (Shape | undefined)[];
    constructor(shapes: ReadonlyMap<number, Shape>);
}
/** Receives one event. `fields` is reused: copy what must stay. Fields the writer did not send read 0. */
export type OnEvent = (kind: number, tick: number, fields: Float64Array, eventEnd: number) => void;
/**
 * Walks the events of a chunk from `position` to `end`, ticks counted from `baseTick`.
 * `eventEnd` is the byte behind the event, counted in `bytes`. Returns the last tick.
 * The loop is the engine's hot path: no allocation, numbers only.
 */
export declare function decodeEvents(bytes: Uint8Array, position: number, end: number, baseTick: number, plan: EventPlan, onEvent: OnEvent): number;
export interface Watermark {
    readonly thread: number;
    readonly tick: number;
    readonly sequence: number;
    readonly end: number;
}
export declare function decodeWatermarks(payload: Uint8Array): Watermark[];
export interface Anchor {
    readonly tick: number;
    readonly monotonicNs: bigint;
    readonly wallUs: bigint;
}
export declare function decodeAnchor(payload: Uint8Array): Anchor;
export interface StreamEnd {
    readonly reason: number;
    readonly threads: readonly {
        thread: number;
        sequence: number;
        end: number;
        dropped: number;
    }[];
}
export declare function decodeEnd(payload: Uint8Array): StreamEnd;
export interface Control {
    readonly detail: number;
    readonly snapshot: boolean;
}
export declare function decodeControl(payload: Uint8Array): Control;
