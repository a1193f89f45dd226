// Owns cutting a byte stream into frames, however it arrives, and the head of a recording.
// Knows nothing of what frames hold.
import { limits, wireVersion } from './generated/records.js';
import { WireError } from './reader.js';
export const frameHeadBytes = 5;
export const recordingHeadBytes = 16;
const magic = new TextEncoder().encode('WAKELINE');
/** The first bytes of every recording. */
export function recordingHead() {
    const head = new Uint8Array(recordingHeadBytes);
    head.set(magic);
    new DataView(head.buffer).setUint16(8, wireVersion, true);
    return head;
}
/** Throws unless `bytes` begin as a recording that this reader can read does. */
export function checkRecordingHead(bytes) {
    if (bytes.length < recordingHeadBytes)
        throw new WireError('this is no Wakeline recording: it is shorter than its head', bytes.length);
    for (let i = 0; i < magic.length; i++) {
        if (bytes[i] !== magic[i])
            throw new WireError('this is no Wakeline recording: it does not begin with WAKELINE', i);
    }
    const version = new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
    if (version > wireVersion)
        throw new WireError(`this recording has wire version ${version}; this Wakeline reads up to ${wireVersion}. Update Wakeline`, 8);
}
/** One frame as bytes. */
export function encodeFrame(kind, payload) {
    const bytes = new Uint8Array(frameHeadBytes + payload.length);
    bytes[0] = kind;
    new DataView(bytes.buffer).setUint32(1, payload.length, true);
    bytes.set(payload, frameHeadBytes);
    return bytes;
}
/**
 * Takes bytes in pieces of any size and hands out whole frames.
 * Holds at most one unfinished frame, so at most `frameBytes` plus a head.
 */
export class FrameSplitter {
    pending = new Uint8Array(4096);
    pendingLength = 0;
    /** Bytes of whole frames handed out so far. */
    consumedBytes = 0;
    /** Bytes of a frame that is not whole yet. */
    get unfinishedBytes() {
        return this.pendingLength;
    }
    /** Payloads are views that hold only until the next push. */
    push(bytes, onFrame) {
        let rest = bytes;
        while (this.pendingLength > 0 && rest.length > 0)
            rest = this.fillPending(rest, onFrame);
        let position = 0;
        while (rest.length - position >= frameHeadBytes) {
            const length = this.payloadLength(rest, position);
            if (rest.length - position < frameHeadBytes + length)
                break;
            const start = position + frameHeadBytes;
            position = start + length;
            this.consumedBytes += frameHeadBytes + length;
            onFrame({ kind: rest[start - frameHeadBytes], payload: rest.subarray(start, position) });
        }
        if (position < rest.length)
            this.append(rest.subarray(position));
    }
    /** Moves what is missing from `bytes` to the unfinished frame; hands it out when whole. Returns what is left. */
    fillPending(bytes, onFrame) {
        let rest = bytes;
        if (this.pendingLength < frameHeadBytes) {
            const take = Math.min(frameHeadBytes - this.pendingLength, rest.length);
            this.append(rest.subarray(0, take));
            rest = rest.subarray(take);
            if (this.pendingLength < frameHeadBytes)
                return rest;
        }
        const length = this.payloadLength(this.pending, 0);
        const take = Math.min(frameHeadBytes + length - this.pendingLength, rest.length);
        this.append(rest.subarray(0, take));
        rest = rest.subarray(take);
        if (this.pendingLength === frameHeadBytes + length) {
            // The buffer is handed out as it is, so the next unfinished frame gets another one.
            const whole = this.pending.subarray(0, this.pendingLength);
            this.pending = new Uint8Array(4096);
            this.pendingLength = 0;
            this.consumedBytes += whole.length;
            onFrame({ kind: whole[0], payload: whole.subarray(frameHeadBytes) });
        }
        return rest;
    }
    payloadLength(bytes, position) {
        const view = new DataView(bytes.buffer, bytes.byteOffset + position);
        const length = view.getUint32(1, true);
        if (length > limits.frameBytes)
            throw new WireError(`a frame of ${length} bytes is over the limit of ${limits.frameBytes}; the stream is not Wakeline's or is damaged`, this.consumedBytes + position);
        return length;
    }
    append(bytes) {
        const needed = this.pendingLength + bytes.length;
        if (needed > this.pending.length) {
            const larger = new Uint8Array(Math.max(needed, this.pending.length * 2));
            larger.set(this.pending.subarray(0, this.pendingLength));
            this.pending = larger;
        }
        this.pending.set(bytes, this.pendingLength);
        this.pendingLength = needed;
    }
}
//# sourceMappingURL=frames.js.map