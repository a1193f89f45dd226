// Owns reading the wire's primitive types from bytes. Hostile until decoded: every limit is checked before
// memory is taken, and every failure is a WireError that says where. Knows nothing of frames or records.
import { limits } from './generated/records.js';
/** Bytes that are not what the wire allows. `atByte` counts from the start of the bytes handed to the reader. */
export class WireError extends Error {
    atByte;
    constructor(what, atByte) {
        super(`${what} (at byte ${atByte})`);
        this.name = 'WireError';
        this.atByte = atByte;
    }
}
const textDecoder = new TextDecoder('utf-8', { fatal: false });
/** A cursor over bytes. Reading past `end` throws. */
export class ByteReader {
    bytes;
    position;
    end;
    constructor(bytes, position = 0, end = bytes.length) {
        this.bytes = bytes;
        this.position = position;
        this.end = end;
    }
    get atEnd() {
        return this.position >= this.end;
    }
    /** Unsigned LEB128 up to 2^53 − 1. One-byte values, which are most, take the first branch. */
    uint() {
        const { bytes, end } = this;
        let position = this.position;
        if (position >= end)
            throw new WireError('a number is cut off', position);
        let byte = bytes[position++];
        if (byte < 0x80) {
            this.position = position;
            return byte;
        }
        // Shifts work on 32 bits only, so the value is built by multiplication beyond 28 bits.
        let value = byte & 0x7f;
        let scale = 128;
        for (;;) {
            if (position >= end)
                throw new WireError('a number is cut off', position);
            byte = bytes[position++];
            value += (byte & 0x7f) * scale;
            if (byte < 0x80)
                break;
            scale *= 128;
            if (scale > 2 ** 49)
                throw new WireError('a number has more than 8 bytes', position);
        }
        if (value > Number.MAX_SAFE_INTEGER)
            throw new WireError('a number is above 2^53 - 1', position);
        this.position = position;
        return value;
    }
    /** Zigzag-coded signed number. */
    sint() {
        const raw = this.uint();
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    }
    /** Unsigned LEB128 of up to 64 bits. */
    wide() {
        let value = 0n;
        for (let shift = 0n; shift < 70n; shift += 7n) {
            if (this.position >= this.end)
                throw new WireError('a number is cut off', this.position);
            const byte = this.bytes[this.position++];
            value |= BigInt(byte & 0x7f) << shift;
            if (byte < 0x80) {
                if (value >= 1n << 64n)
                    break;
                return value;
            }
        }
        throw new WireError('a number is above 64 bits', this.position);
    }
    text() {
        const start = this.position;
        const length = this.uint();
        if (length > limits.textBytes)
            throw new WireError(`a text of ${length} bytes is over the limit of ${limits.textBytes}`, start);
        if (length > this.end - this.position)
            throw new WireError('a text is cut off', start);
        const text = textDecoder.decode(this.bytes.subarray(this.position, this.position + length));
        this.position += length;
        return text;
    }
    list() {
        return this.repeat(limits.listItems, 'list', () => this.uint());
    }
    /** A count, then that many items. The count is held against `limit` and against the bytes that are left. */
    repeat(limit, what, item) {
        const start = this.position;
        const count = this.uint();
        if (count > limit)
            throw new WireError(`a ${what} of ${count} items is over the limit of ${limit}`, start);
        if (count > this.end - this.position)
            throw new WireError(`a ${what} is cut off`, start);
        const items = [];
        for (let i = 0; i < count; i++)
            items.push(item());
        return items;
    }
}
//# sourceMappingURL=reader.js.map