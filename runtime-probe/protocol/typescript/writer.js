// Owns writing the wire's primitive types, records and frame payloads to bytes. Knows nothing of sockets or rings.
import { dictionaryKind, eventKind, limits, shapes as ownShapes, typeCode, wireVersion, } from './generated/records.js';
const textEncoder = new TextEncoder();
/** Grows as needed. `take` gives what was written and starts anew. */
export class ByteWriter {
    bytes = new Uint8Array(1024);
    length = 0;
    /** Unsigned LEB128. Throws on a negative, fractional or unsafe number: it would decode to something else. */
    uint(value) {
        if (!Number.isSafeInteger(value) || value < 0)
            throw new RangeError(`only whole numbers from 0 to 2^53 - 1 fit on the wire, not ${value}`);
        let rest = value;
        this.reserve(8);
        while (rest >= 0x80) {
            this.bytes[this.length++] = (rest % 128) | 0x80;
            rest = Math.floor(rest / 128);
        }
        this.bytes[this.length++] = rest;
        return this;
    }
    /** Zigzag. The most negative safe number would leave 53 bits, so the range is half that of uint. */
    sint(value) {
        return this.uint(value >= 0 ? value * 2 : -value * 2 - 1);
    }
    wide(value) {
        if (value < 0n || value >= 1n << 64n)
            throw new RangeError(`${value} does not fit in 64 bits`);
        let rest = value;
        this.reserve(10);
        while (rest >= 0x80n) {
            this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
            rest >>= 7n;
        }
        this.bytes[this.length++] = Number(rest);
        return this;
    }
    /** Texts over the limit are cut: a name that is too long must not cost the trace. */
    text(value) {
        let encoded = textEncoder.encode(value);
        if (encoded.length > limits.textBytes)
            encoded = encoded.subarray(0, limits.textBytes);
        this.uint(encoded.length);
        return this.raw(encoded);
    }
    list(values) {
        const kept = values.slice(0, limits.listItems);
        this.uint(kept.length);
        for (const value of kept)
            this.uint(value);
        return this;
    }
    raw(bytes) {
        this.reserve(bytes.length);
        this.bytes.set(bytes, this.length);
        this.length += bytes.length;
        return this;
    }
    get written() {
        return this.length;
    }
    /** A copy of what was written; the writer is empty after. */
    take() {
        const taken = this.bytes.slice(0, this.length);
        this.length = 0;
        return taken;
    }
    reserve(more) {
        if (this.length + more <= this.bytes.length)
            return;
        const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
        larger.set(this.bytes);
        this.bytes = larger;
    }
}
const shapeByName = new Map(ownShapes.map((shape) => [shape.name, shape]));
/** Kind, then fields. For events use `writeEvent`, which has the tick between. */
export function writeDictionaryRecord(writer, record) {
    writer.uint(dictionaryKind[record.record]);
    writeFields(writer, record);
}
export function writeEvent(writer, event, tickDelta) {
    writer.uint(eventKind[event.record]).uint(tickDelta);
    writeFields(writer, event);
}
function writeFields(writer, record) {
    const shape = shapeByName.get(record.record);
    const values = record;
    for (const field of shape.fields) {
        const value = values[field.name];
        if (field.type === typeCode.text)
            writer.text(value);
        else if (field.type === typeCode.list)
            writer.list(value);
        else if (field.type === typeCode.wide)
            writer.wide(value);
        else if (field.type === typeCode.sint)
            writer.sint(value);
        else
            writer.uint(value);
    }
}
/** The hello of a stream whose shapes are this version's unless others are given. */
export function encodeHello(hello, shapes = ownShapes) {
    const w = new ByteWriter();
    w.text(hello.session).wide(hello.tickRate).wide(hello.originTick);
    w.wide(hello.anchorMonotonicNs).wide(hello.anchorWallUs).uint(hello.pid);
    w.text(hello.language).text(hello.program).text(hello.workingFolder).text(hello.sourceRoot);
    w.text(hello.probe).text(hello.tier).text(hello.launch).text(hello.ringFile).uint(hello.detail);
    w.uint(hello.capabilities.length);
    for (const each of hello.capabilities)
        w.text(each.name).uint(each.visibility).text(each.note);
    w.uint(shapes.length);
    for (const shape of shapes) {
        w.uint(shape.kind).text(shape.name).uint(shape.fields.length);
        for (const field of shape.fields)
            w.uint(field.type);
    }
    return w.take();
}
export function encodeDictionary(records, head = { sequence: 1, offset: 0 }) {
    const w = new ByteWriter();
    w.uint(head.sequence).uint(head.offset);
    for (const record of records)
        writeDictionaryRecord(w, record);
    return w.take();
}
export function writeChunkHead(w, head) {
    w.uint(head.thread).uint(head.sequence).uint(head.offset).uint(head.dropped);
    w.uint(head.firstTick).uint(head.lastTick);
    w.uint(head.openPolls.length);
    for (const poll of head.openPolls)
        w.uint(poll.task).uint(poll.epoch).uint(poll.startTick);
    w.uint(head.openFrames.length);
    for (const frame of head.openFrames)
        w.uint(frame);
    w.uint(head.openJob);
}
/** A chunk of these events. `firstTick` and `lastTick` of the head are taken from the events where there are any. */
export function encodeChunk(head, events) {
    const w = new ByteWriter();
    writeChunkHead(w, { ...head, lastTick: events.at(-1)?.tick ?? head.firstTick });
    let tick = head.firstTick;
    for (const { tick: at, event } of events) {
        writeEvent(w, event, at - tick);
        tick = at;
    }
    return w.take();
}
export function encodeWatermarks(watermarks) {
    const w = new ByteWriter();
    w.uint(watermarks.length);
    for (const each of watermarks)
        w.uint(each.thread).uint(each.tick).uint(each.sequence).uint(each.end);
    return w.take();
}
export function encodeAnchor(anchor) {
    return new ByteWriter().uint(anchor.tick).wide(anchor.monotonicNs).wide(anchor.wallUs).take();
}
export function encodeEnd(end) {
    const w = new ByteWriter();
    w.uint(end.reason).uint(end.threads.length);
    for (const each of end.threads)
        w.uint(each.thread).uint(each.sequence).uint(each.end).uint(each.dropped);
    return w.take();
}
export function encodeControl(control) {
    return new ByteWriter()
        .uint(control.detail)
        .uint(control.snapshot ? 1 : 0)
        .take();
}
/** The bytes with which a program or viewer opens a connection. `token` is 32 hexadecimal digits. */
export function encodePreamble(role, token) {
    if (!/^[0-9a-f]{32}$/.test(token))
        throw new RangeError('a token is 32 hexadecimal digits');
    const bytes = new Uint8Array(preambleBytes);
    bytes.set(textEncoder.encode('WAKELINE'));
    new DataView(bytes.buffer).setUint16(8, wireVersion, true);
    bytes[10] = role;
    for (let i = 0; i < limits.tokenBytes; i++)
        bytes[12 + i] = Number.parseInt(token.slice(i * 2, i * 2 + 2), 16);
    return bytes;
}
export const preambleBytes = 28;
//# sourceMappingURL=writer.js.map