// Owns reading what comes back from the collector: first its reply to the preamble, then frames.
// Knows nothing of sockets.
import { FrameSplitter } from '../../wire/index.ts';

/** Reads the collector's yes or no, then leaves the rest to the frames. */
export class ReplyReader {
  readonly frames = new FrameSplitter();
  status: number | undefined;
  message = '';
  private head = Buffer.alloc(0);

  /** Returns what stands behind the reply. */
  push(bytes: Buffer): Uint8Array {
    if (this.status !== undefined) return bytes;
    this.head = Buffer.concat([this.head, bytes]);
    if (this.head.length < 4) return new Uint8Array(0);
    const end = 4 + this.head.readUInt16LE(2);
    if (this.head.length < end) return new Uint8Array(0);
    this.status = this.head.readUInt8(0);
    this.message = this.head.toString('utf8', 4, end);
    return this.head.subarray(end);
  }
}
