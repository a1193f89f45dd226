// Owns a program's ring file in shared memory: opening it with distrust, reading its slots, removing it.
// Must not know of sessions or sockets; what of a slot is new is ring-tail.ts's matter.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Hello, limits, wireVersion } from '../../runtime-probe/protocol/typescript/index.ts';
import { isProcessAlive } from './processes.ts';

const folder = '/dev/shm';
const fileName = /^wakeline-(\d+)-([0-9a-f]{32})$/;
/** A probe's memory is 8 MiB unless told otherwise; reading 1 GiB takes most of a second, and nobody needs more. */
const fileLimitBytes = 1024 * 1024 * 1024;

/** A ring file that is not what its hello says. The message names the file and the fault. */
export class RingFileError extends Error {
  override readonly name = 'RingFileError';
}

export const slotState = { free: 0, dictionary: 1, events: 2 } as const;

/** Where the header holds the path of the recording that the program writes itself, behind a count of 2 bytes. */
const recordingAt = 56;

/** A slot with what was published in it when it was read. */
export interface RingSlot {
  readonly state: 1 | 2;
  /** 0 for dictionary. */
  readonly thread: number;
  readonly sequence: number;
  readonly dropped: number;
  readonly firstTick: number;
  /** What was open at the slot's start, as in a chunk's head; empty for dictionary. */
  readonly context: Uint8Array;
  /** Events or dictionary records. */
  readonly records: Uint8Array;
}

export class RingFile {
  readonly path: string;
  readonly pid: number;
  private readonly descriptor: number;
  private readonly slotCount: number;
  /** The recording that the program writes itself; empty when it writes none. */
  readonly recording: string;

  private constructor(path: string, pid: number, descriptor: number, head: RingHead) {
    this.path = path;
    this.pid = pid;
    this.descriptor = descriptor;
    this.slotCount = head.slotCount;
    this.recording = head.recording;
  }

  /** The ring file that a hello announces. Throws RingFileError unless everything about it is as it must be. */
  static open(hello: Pick<Hello, 'ringFile' | 'pid' | 'session'>): RingFile {
    const path = hello.ringFile;
    // The program chooses the path, so nothing but its own ring may be named: the collector must not be made to read,
    // or later remove, a file of the user's.
    if (path !== join(folder, `wakeline-${hello.pid}-${hello.session}`))
      throw new RingFileError(`${path} is not where the ring file of pid ${hello.pid} must be`);
    let descriptor: number;
    try {
      // NOFOLLOW: no link. NONBLOCK: a pipe of that name must not hold the collector.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      throw new RingFileError(`${path} cannot be opened: ${(error as Error).message}`);
    }
    try {
      return new RingFile(path, hello.pid, descriptor, checkedHead(descriptor, path, hello.session));
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /**
   * Every slot in use. Event slots are read before dictionary slots, so that what an event names is there.
   * The program may be running: a slot whose header changed during the copy has been given back, so it is left out.
   */
  readSlots(): RingSlot[] {
    const events = this.readSlotsOf(slotState.events);
    return [...this.readSlotsOf(slotState.dictionary), ...events];
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** Only for a program that is gone: one that lives removes its file itself. */
  remove(): void {
    rmSync(this.path, { force: true });
  }

  private readSlotsOf(state: 1 | 2): RingSlot[] {
    const slots: RingSlot[] = [];
    const slot = Buffer.alloc(limits.slotBytes);
    const again = Buffer.alloc(limits.slotHeaderBytes);
    for (let index = 0; index < this.slotCount; index++) {
      const at = limits.ringHeaderBytes + index * limits.slotBytes;
      if (!this.fill(slot.subarray(0, limits.slotHeaderBytes), at)) break;
      if (slot.readUInt32LE(0) !== state) continue;
      // The payload after the header: bytes below `committed` of the header in hand never change while it stands.
      if (!this.fill(slot.subarray(limits.slotHeaderBytes), at + limits.slotHeaderBytes)) break;
      if (!this.fill(again, at) || !sameOwner(slot, again)) continue;
      const read = parseSlot(slot, state);
      if (read !== undefined) slots.push(read);
    }
    return slots;
  }

  private fill(target: Buffer, position: number): boolean {
    return readSync(this.descriptor, target, 0, target.length, position) === target.length;
  }
}

/** State, thread and sequence: the sequence rises whenever a slot is taken again. */
function sameOwner(first: Buffer, second: Buffer): boolean {
  return first.compare(second, 0, 16, 0, 16) === 0;
}

/** A slot's header can be anything: what does not fit leaves the slot out. */
function parseSlot(slot: Buffer, state: 1 | 2): RingSlot | undefined {
  const sequence = Number(slot.readBigUInt64LE(8));
  const dropped = Number(slot.readBigUInt64LE(16));
  const firstTick = Number(slot.readBigUInt64LE(24));
  const committed = slot.readUInt32LE(40);
  const contextBytes = slot.readUInt32LE(48);
  if (![sequence, dropped, firstTick].every(Number.isSafeInteger)) return undefined;
  if (committed > limits.slotBytes - limits.slotHeaderBytes || contextBytes > committed) return undefined;
  const payload = Uint8Array.prototype.slice.call(
    slot,
    limits.slotHeaderBytes,
    limits.slotHeaderBytes + committed,
  );
  return {
    state,
    thread: slot.readUInt32LE(4),
    sequence,
    dropped,
    firstTick,
    context: payload.subarray(0, contextBytes),
    records: payload.subarray(contextBytes),
  };
}

interface RingHead {
  readonly slotCount: number;
  readonly recording: string;
}

function checkedHead(descriptor: number, path: string, session: string): RingHead {
  const stat = fstatSync(descriptor);
  const user = process.getuid?.();
  if (!stat.isFile()) throw new RingFileError(`${path} is no regular file`);
  if (stat.uid !== user) throw new RingFileError(`${path} belongs to user ${stat.uid}, not to you (${user})`);
  if ((stat.mode & 0o077) !== 0) throw new RingFileError(`${path} can be used by others`);
  if (stat.size > fileLimitBytes) throw new RingFileError(`${path} has ${stat.size} bytes, over the limit`);
  const header = Buffer.alloc(limits.ringHeaderBytes);
  if (readSync(descriptor, header, 0, header.length, 0) !== header.length)
    throw new RingFileError(`${path} is shorter than its header`);
  if (header.toString('latin1', 0, 8) !== 'WAKERING' || header.readUInt16LE(8) !== wireVersion)
    throw new RingFileError(`${path} is no ring file of version ${wireVersion}`);
  const slotCount = header.readUInt32LE(12);
  if (header.readUInt32LE(16) !== limits.slotBytes)
    throw new RingFileError(
      `${path} has slots of ${header.readUInt32LE(16)} bytes; this Wakeline reads ${limits.slotBytes}`,
    );
  if (stat.size !== limits.ringHeaderBytes + slotCount * limits.slotBytes)
    throw new RingFileError(`${path} has ${stat.size} bytes, which ${slotCount} slots do not make`);
  if (header.toString('latin1', 24, 56) !== session)
    throw new RingFileError(`${path} is the ring file of another session`);
  const recordingBytes = Math.min(header.readUInt16LE(recordingAt), header.length - recordingAt - 2);
  const recording = header.toString('utf8', recordingAt + 2, recordingAt + 2 + recordingBytes);
  return { slotCount, recording };
}

/** A ring file whose program is gone. */
export interface LeftOverRing {
  readonly path: string;
  readonly pid: number;
  readonly session: string;
  /** Since its inode last changed. */
  readonly ageMs: number;
}

/** Ring files of this user whose program is gone; what they hold is not looked at. */
export function leftOverRings(): LeftOverRing[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // No such folder: a system without rings.
    return [];
  }
  return names.flatMap((name) => {
    const [, digits, session] = fileName.exec(name) ?? [];
    const pid = Number(digits);
    if (session === undefined || !Number.isSafeInteger(pid) || isProcessAlive(pid)) return [];
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile() || stat.uid !== process.getuid?.()) return [];
    return [{ path, pid, session, ageMs: Date.now() - stat.ctimeMs }];
  });
}

export function removeLeftOverRing(ring: LeftOverRing): void {
  rmSync(ring.path, { force: true });
}
