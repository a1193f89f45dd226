// Owns how requests, answers and events between the collector and a viewer are laid out as bytes.
// Knows nothing of sockets, nor of what a request means.
import type { CollectorEvent, Method, Requests } from './queries.ts';

/** Viewer → collector. `params` has passed no guard yet. */
export interface ViewerRequest<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly params: Requests[M]['params'];
}

/** Collector → viewer, once for each request, in any order. The binary part of the frame belongs to `result`. */
export type ViewerAnswer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

export type ViewerMessage = ViewerRequest | ViewerAnswer | CollectorEvent;

export interface ViewerFrame {
  /** Parsed JSON, of which nothing is known yet. */
  readonly message: unknown;
  /** A copy that the receiver owns, so that its ArrayBuffer can be handed on. */
  readonly binary: Uint8Array<ArrayBuffer>;
}

/** What a receiver accepts of one frame, in bytes. */
export interface ViewerFrameLimits {
  readonly jsonBytes: number;
  readonly binaryBytes: number;
}

/** A request is a few hundred bytes; a filter and a path are the longest that it holds. */
export const requestLimits: ViewerFrameLimits = { jsonBytes: 64 * 1024, binaryBytes: 0 };

/** An answer with 8192 pixels of some hundred lanes is about 3 MB; the site list of a large program less. */
export const answerLimits: ViewerFrameLimits = { jsonBytes: 32 * 1024 * 1024, binaryBytes: 64 * 1024 * 1024 };

/** Bytes that are no frame of this protocol, or one over the receiver's limits. */
export class ViewerFrameError extends Error {
  override readonly name = 'ViewerFrameError';
}

/** `u32 json bytes · u32 binary bytes`, little endian. */
const headBytes = 8;
const noBytes = new Uint8Array(0);
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** One frame: head, JSON, binary. */
export function encodeViewerFrame(message: ViewerMessage, binary: Uint8Array = noBytes): Uint8Array {
  const json = textEncoder.encode(JSON.stringify(message));
  const bytes = new Uint8Array(headBytes + json.length + binary.length);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, json.length, true);
  head.setUint32(4, binary.length, true);
  bytes.set(json, headBytes);
  bytes.set(binary, headBytes + json.length);
  return bytes;
}

/** Takes bytes in pieces of any size and hands out whole frames. Holds at most one unfinished frame. */
export class ViewerFrameSplitter {
  private readonly limits: ViewerFrameLimits;
  private pending = new Uint8Array(headBytes);
  private length = 0;
  private needed = headBytes;

  constructor(limits: ViewerFrameLimits) {
    this.limits = limits;
  }

  /** Throws ViewerFrameError; the connection is of no use after that. */
  push(bytes: Uint8Array, onFrame: (frame: ViewerFrame) => void): void {
    let rest = bytes;
    while (rest.length > 0) {
      const take = Math.min(this.needed - this.length, rest.length);
      this.append(rest.subarray(0, take));
      rest = rest.subarray(take);
      if (this.length === headBytes && this.needed === headBytes) this.needed += this.bodyBytes();
      if (this.length === this.needed) onFrame(this.takeFrame());
    }
  }

  /** Checked before any memory is taken for the body. */
  private bodyBytes(): number {
    const { jsonBytes, binaryBytes } = this.partLengths();
    if (jsonBytes === 0 || jsonBytes > this.limits.jsonBytes)
      throw new ViewerFrameError(
        `a message of ${jsonBytes} bytes; 1 to ${this.limits.jsonBytes} are allowed`,
      );
    if (binaryBytes > this.limits.binaryBytes)
      throw new ViewerFrameError(
        `a binary part of ${binaryBytes} bytes; ${this.limits.binaryBytes} are allowed`,
      );
    return jsonBytes + binaryBytes;
  }

  private partLengths(): { jsonBytes: number; binaryBytes: number } {
    const head = new DataView(this.pending.buffer, this.pending.byteOffset);
    return { jsonBytes: head.getUint32(0, true), binaryBytes: head.getUint32(4, true) };
  }

  private takeFrame(): ViewerFrame {
    const { jsonBytes } = this.partLengths();
    const json = this.pending.subarray(headBytes, headBytes + jsonBytes);
    const binary = this.pending.slice(headBytes + jsonBytes, this.length);
    const message = parseJson(textDecoder.decode(json));
    this.length = 0;
    this.needed = headBytes;
    // A large answer must not keep its memory for the life of the connection.
    if (this.pending.length > 1024 * 1024) this.pending = new Uint8Array(headBytes);
    return { message, binary };
  }

  private append(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.pending.length) {
      // Doubling, so that a peer that only announces much makes the receiver take little.
      const larger = new Uint8Array(Math.max(length, Math.min(this.needed, this.pending.length * 2)));
      larger.set(this.pending.subarray(0, this.length));
      this.pending = larger;
    }
    this.pending.set(bytes, this.length);
    this.length = length;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ViewerFrameError(`a message is no JSON: ${String(error)}`);
  }
}
