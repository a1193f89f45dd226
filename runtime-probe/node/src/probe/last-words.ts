// Owns sending the stream from the program's own thread, at its exit, when the writer thread never began.
// Debuggers hold each new thread until they have attached to it; a VS Code took longer over that than a program of
// 0.3 s runs. Knows nothing of how events are recorded. The loop does not turn any more here, so all is synchronous.
import { readSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { encodeFrame, encodeHello, encodePreamble, frameKind, role } from '../wire/index.ts';
import { claimStream, controlWord, layOutRing, streamOwner } from './ring-layout.ts';
import { DictionaryStore } from './writer/dictionary-store.ts';
import { EventReader } from './writer/event-reader.ts';
import { anchorFrame, batchBytes, dictionaryFrames, endFrame, watermarkFrame } from './writer/frames.ts';
import { ReplyReader } from './writer/reply.ts';
import type { WriterStart } from './writer/start.ts';

/** How long to wait before a socket that takes or gives nothing is asked again. */
const retryMs = 1;

export class LastWords {
  private readonly words: Int32Array;
  private readonly events: EventReader;
  private readonly dictionary: DictionaryStore;
  private readonly socket: Socket;
  private readonly descriptor: number;
  private readonly deadlineMs: number;
  /** False once the peer has gone or the time is over: nothing more is sent then, for a frame may have been cut. */
  private usable = true;

  private constructor(start: WriterStart, socket: Socket, descriptor: number, deadlineMs: number) {
    const layout = layOutRing(start.ringBytes);
    this.words = new Int32Array(start.memory);
    this.events = new EventReader(start.memory, layout, start.thread);
    this.dictionary = new DictionaryStore(start.memory, layout);
    this.socket = socket;
    this.descriptor = descriptor;
    this.deadlineMs = deadlineMs;
  }

  /**
   * Takes the stream over and connects. Undefined when the writer thread has it, which then does the rest, or where
   * a socket cannot be used without the loop: that is TCP, which Node connects in a later turn, and Windows.
   */
  static open(start: WriterStart, deadlineMs: number): LastWords | undefined {
    const words = new Int32Array(start.memory);
    if (start.endpoint.kind !== 'unix') return undefined;
    if (Atomics.load(words, controlWord.owner) !== streamOwner.nobody) return undefined;
    const socket = openSocket(start.endpoint.path);
    if (socket === undefined) return undefined;
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined || !claimStream(words, streamOwner.programThread)) {
      socket.destroy();
      return undefined;
    }
    const lastWords = new LastWords(start, socket, descriptor, deadlineMs);
    lastWords.write(encodePreamble(role.program, start.token));
    lastWords.write(encodeFrame(frameKind.hello, encodeHello(start.hello)));
    lastWords.write(anchorFrame(start.hello.originTick));
    return lastWords;
  }

  /** Sends what is published and gives its room back. False when nothing more can be sent. */
  sendPublished(): boolean {
    while (this.usable) {
      // The published ends are read before the dictionary: so no event goes out before a record that it refers to.
      const taken = this.events.take(batchBytes);
      this.dictionary.drain();
      const frames = dictionaryFrames(this.dictionary.takeFresh());
      for (const chunk of taken.chunks) frames.push(encodeFrame(frameKind.chunk, chunk));
      for (const chunk of this.dictionary.takeChunks()) frames.push(encodeFrame(frameKind.chunk, chunk));
      if (frames.length === 0) return true;
      const mark = this.events.watermark;
      if (mark !== undefined) frames.push(watermarkFrame(mark));
      this.write(Buffer.concat(frames));
      this.events.free(taken.takenThrough);
    }
    return false;
  }

  /** Sends the rest and the end frame, and leaves when the collector has replied. To be called after finishReason. */
  end(): void {
    this.sendPublished();
    this.write(endFrame(this.words, this.events.watermark));
    this.awaitReply();
    this.socket.destroy();
  }

  /** Closing a connection with an unread reply would tell the collector that it broke, instead of that it ended. */
  private awaitReply(): void {
    const reply = new ReplyReader();
    const bytes = Buffer.alloc(1024);
    while (this.usable && reply.status === undefined) {
      const count = this.attempt(() => readSync(this.descriptor, bytes));
      if (count === 0) return;
      if (count !== undefined) reply.push(bytes.subarray(0, count));
    }
  }

  private write(bytes: Uint8Array): void {
    let sent = 0;
    while (this.usable && sent < bytes.length)
      sent += this.attempt(() => writeSync(this.descriptor, bytes, sent)) ?? 0;
  }

  /** The result of a call on the socket; undefined when it must be made again, after a wait, or never. */
  private attempt(call: () => number): number | undefined {
    try {
      return call();
    } catch (error) {
      const mayComeTrue = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (mayComeTrue && performance.now() < this.deadlineMs)
        Atomics.wait(this.words, controlWord.finished, 0, retryMs);
      else this.usable = false;
      return undefined;
    }
  }
}

function openSocket(path: string): Socket | undefined {
  try {
    const socket = connect({ path });
    // What goes wrong shows at the first write; the event itself would come in a turn that is not to be.
    return socket.on('error', () => undefined);
  } catch {
    // Node's permission model may forbid it. An exit must not throw because of us.
    return undefined;
  }
}

/** Not public, but there since Node 0.x. Node connects a unix socket at once, and the descriptor is then writable. */
function descriptorOf(socket: Socket): number | undefined {
  const descriptor = (socket as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}
