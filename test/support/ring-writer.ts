// Owns making a ring file as a native probe leaves it (WIRE.md, "Rings in shared memory"), for tests of its readers.
// Must not know the readers.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import {
  ByteWriter,
  type DictionaryRecord,
  type EventRecord,
  limits,
  type OpenPoll,
  writeDictionaryRecord,
  writeEvent,
} from '../../runtime-probe/protocol/typescript/index.ts';

export interface RingEvent {
  readonly tick: number;
  readonly event: EventRecord;
}

export class RingWriter {
  readonly path: string;
  private readonly descriptor: number;
  readonly slotCount: number;

  constructor(pid: number, session: string, slotCount = 8, path = `/dev/shm/wakeline-${pid}-${session}`) {
    this.path = path;
    this.slotCount = slotCount;
    this.descriptor = openSync(path, 'w+', 0o600);
    const header = Buffer.alloc(limits.ringHeaderBytes);
    header.write('WAKERING', 0, 'latin1');
    header.writeUInt16LE(1, 8);
    header.writeUInt32LE(slotCount, 12);
    header.writeUInt32LE(limits.slotBytes, 16);
    header.write(session, 24, 'latin1');
    writeSync(this.descriptor, header, 0, header.length, 0);
    writeSync(this.descriptor, Buffer.alloc(slotCount * limits.slotBytes), 0, undefined, header.length);
  }

  dictionary(slot: number, sequence: number, records: readonly DictionaryRecord[]): void {
    const w = new ByteWriter();
    for (const record of records) writeDictionaryRecord(w, record);
    this.slot(slot, {
      state: 1,
      thread: 0,
      sequence,
      dropped: 0,
      firstTick: 0,
      context: 0,
      payload: w.take(),
    });
  }

  /** Returns how many event bytes the slot holds. */
  events(
    slot: number,
    thread: number,
    sequence: number,
    events: readonly RingEvent[],
    openPolls: readonly OpenPoll[] = [],
    dropped = 0,
  ): number {
    const w = new ByteWriter();
    w.uint(openPolls.length);
    for (const poll of openPolls) w.uint(poll.task).uint(poll.epoch).uint(poll.startTick);
    w.uint(0).uint(0);
    const context = w.written;
    const firstTick = events[0]?.tick ?? 0;
    let tick = firstTick;
    for (const { tick: at, event } of events) {
      writeEvent(w, event, at - tick);
      tick = at;
    }
    const payload = w.take();
    this.slot(slot, { state: 2, thread, sequence, dropped, firstTick, context, payload });
    return payload.length - context;
  }

  /** Raw bytes over a slot, for what no probe writes. */
  raw(slot: number, at: number, bytes: Uint8Array): void {
    writeSync(this.descriptor, bytes, 0, bytes.length, limits.ringHeaderBytes + slot * limits.slotBytes + at);
  }

  /** As when the program is gone: nobody has the file open any more. */
  close(): void {
    closeSync(this.descriptor);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  private slot(
    index: number,
    slot: {
      readonly state: number;
      readonly thread: number;
      readonly sequence: number;
      readonly dropped: number;
      readonly firstTick: number;
      readonly context: number;
      readonly payload: Uint8Array;
    },
  ): void {
    const bytes = Buffer.alloc(limits.slotBytes);
    bytes.writeUInt32LE(slot.state, 0);
    bytes.writeUInt32LE(slot.thread, 4);
    bytes.writeBigUInt64LE(BigInt(slot.sequence), 8);
    bytes.writeBigUInt64LE(BigInt(slot.dropped), 16);
    bytes.writeBigUInt64LE(BigInt(slot.firstTick), 24);
    bytes.writeUInt32LE(slot.payload.length, 40);
    bytes.writeUInt32LE(slot.context, 48);
    bytes.set(slot.payload, limits.slotHeaderBytes);
    this.raw(index, 0, bytes);
  }
}
