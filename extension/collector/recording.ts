// Owns one recording on disk: the head and the frames as they came, written in order without blocking the loop.
// Must not know what frames mean. Files of the folder beyond the quota are recording-folder.ts's matter.
import { close, ftruncateSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import { encodeFrame, recordingHead } from '../../runtime-probe/protocol/typescript/index.ts';

/** Above this much unwritten data the program's socket is not read; below half of it, again. */
export const pendingLimitBytes = 4 * 1024 * 1024;

export class RecordingWriter {
  readonly path: string;
  /** Bytes of this file that are written or wait to be. */
  totalBytes: number;
  /** Why nothing is written any more; empty while all is well. */
  failure = '';
  /** Called when what waits has fallen below half the limit, and when the writer fails. */
  onRoom: () => void = () => {};

  private readonly descriptor: number;
  private queue: Uint8Array[] = [];
  private pendingBytes = 0;
  private writing = false;
  private closing = false;
  private closed = false;
  private onClosed: () => void = () => {};

  private constructor(path: string, descriptor: number, totalBytes: number) {
    this.path = path;
    this.descriptor = descriptor;
    this.totalBytes = totalBytes;
  }

  /** A new file, only the owner may read it; a name that is taken gets a number behind. Throws what the disk says. */
  static create(folder: string, name: string): RecordingWriter {
    for (let attempt = 1; ; attempt++) {
      const path = join(folder, `${name}${attempt === 1 ? '' : `-${attempt}`}.wakeline`);
      try {
        const writer = new RecordingWriter(path, openSync(path, 'wx', 0o600), 0);
        writer.enqueue(recordingHead());
        return writer;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 1000) throw error;
      }
    }
  }

  /** Goes on behind the last whole frame of a file that a collector wrote. Throws what the disk says. */
  static continue(path: string, totalBytes: number): RecordingWriter {
    // Without O_CREAT: a recording that was deleted meanwhile must not come back without its beginning.
    const descriptor = openSync(path, 'r+');
    // A frame that was torn by a kill can be longer than what is written over it: its rest must not stay behind.
    ftruncateSync(descriptor, totalBytes);
    return new RecordingWriter(path, descriptor, totalBytes);
  }

  get isFull(): boolean {
    return this.pendingBytes > pendingLimitBytes;
  }

  /** One frame, exactly as it came. */
  append(kind: number, payload: Uint8Array): void {
    if (this.failure === '' && !this.closing) this.enqueue(encodeFrame(kind, payload));
  }

  /** Writes nothing more and says why; what is written stays. */
  stop(reason: string): void {
    if (this.failure !== '') return;
    this.failure = reason;
    this.totalBytes -= this.pendingBytes;
    this.queue = [];
    this.pendingBytes = 0;
    this.onRoom();
  }

  /** Done when everything is in the hands of the operating system. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.closed) {
        resolve();
        return;
      }
      const before = this.onClosed;
      this.onClosed = () => {
        before();
        resolve();
      };
      this.closing = true;
      this.pump();
    });
  }

  private enqueue(bytes: Uint8Array): void {
    this.queue.push(bytes);
    this.pendingBytes += bytes.length;
    this.totalBytes += bytes.length;
    this.pump();
  }

  private pump(): void {
    if (this.writing || this.closed) return;
    if (this.queue.length === 0) {
      if (!this.closing) return;
      this.closed = true;
      close(this.descriptor, () => this.onClosed());
      return;
    }
    const batch = this.queue.length === 1 ? (this.queue[0] as Uint8Array) : Buffer.concat(this.queue);
    this.queue = [];
    this.writing = true;
    this.writeAll(batch, this.totalBytes - this.pendingBytes, 0);
  }

  /** A write may take less than it is given; the position is stated so that a torn tail is written over. */
  private writeAll(batch: Uint8Array, position: number, done: number): void {
    write(this.descriptor, batch, done, batch.length - done, position + done, (error, written) => {
      if (error !== null) {
        this.writing = false;
        this.stop(`the recording ends here, the disk said: ${error.message}`);
        this.pump();
        return;
      }
      if (done + written < batch.length && this.failure === '') {
        this.writeAll(batch, position, done + written);
        return;
      }
      this.writing = false;
      const wasOverHalf = this.pendingBytes > pendingLimitBytes / 2;
      this.pendingBytes = Math.max(0, this.pendingBytes - batch.length);
      if (wasOverHalf && this.pendingBytes <= pendingLimitBytes / 2) this.onRoom();
      this.pump();
    });
  }
}
