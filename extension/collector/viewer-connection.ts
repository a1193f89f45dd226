// Owns the connection of one viewer: requests in, answers and events out, with bounds on both.
// Must not know what requests do. A viewer that does not read stops its own requests and nothing else.
import type { Socket } from 'node:net';
import { GuardError, guardRequest, requestId } from '../messages/guards.ts';
import type { CollectorEvent } from '../messages/queries.ts';
import {
  encodeViewerFrame,
  requestLimits,
  type ViewerAnswer,
  ViewerFrameError,
  ViewerFrameSplitter,
} from '../messages/viewer-frames.ts';
import type { Log } from './log.ts';
import { type Answer, isForViewer, type RequestHandler } from './viewer-requests.ts';

/** Requests that wait here before the socket is no longer read. A webview has at most a handful under way. */
const queueLimit = 64;
/** Answers that wait for the viewer to read: beyond this its requests wait. A large answer has about 3 MB. */
const unreadLimitBytes = 8 * 1024 * 1024;
/** Requests that are answered later (recordings being opened) at the same time. */
const laterLimit = 16;

export class ViewerConnection {
  /** Called once. */
  onClosed: () => void = () => {};

  private readonly socket: Socket;
  private readonly handler: RequestHandler;
  private readonly log: Log;
  private readonly splitter = new ViewerFrameSplitter(requestLimits);
  private readonly queue: unknown[] = [];
  private laterCount = 0;
  private isPumping = false;
  private over = false;

  constructor(socket: Socket, handler: RequestHandler, log: Log) {
    this.socket = socket;
    this.handler = handler;
    this.log = log;
  }

  /** `first` is what came behind the preamble. */
  start(first: Uint8Array): void {
    this.socket.on('data', (bytes: Buffer) => this.receive(bytes));
    this.socket.on('drain', () => this.pump());
    this.socket.on('end', () => this.finish());
    this.socket.on('close', () => this.finish());
    this.socket.on('error', () => this.finish());
    this.receive(first);
    if (!this.over) this.socket.resume();
  }

  /** Whether it reads what it is sent. Events that can be told later are kept back while it does not. */
  get isReading(): boolean {
    return !this.over && this.socket.writableLength < unreadLimitBytes;
  }

  send(event: CollectorEvent): void {
    if (this.isReading) this.socket.write(encodeViewerFrame(event));
  }

  close(): void {
    this.finish();
  }

  private receive(bytes: Uint8Array): void {
    if (this.over) return;
    try {
      this.splitter.push(bytes, ({ message }) => this.queue.push(message));
    } catch (error) {
      if (!(error instanceof ViewerFrameError)) throw error;
      this.log.warning(`a viewer was disconnected: ${error.message}`);
      this.finish();
      return;
    }
    this.pump();
  }

  /** One request a turn of the loop, so that a viewer with many does not hold up programs and other viewers. */
  private pump(): void {
    if (this.queue.length > queueLimit) this.socket.pause();
    else if (!this.over) this.socket.resume();
    if (this.isPumping || this.over || this.queue.length === 0) return;
    if (!this.isReading || this.laterCount >= laterLimit) return;
    this.isPumping = true;
    this.answer(this.queue.shift());
    setImmediate(() => {
      this.isPumping = false;
      this.pump();
    });
  }

  private answer(message: unknown): void {
    const id = requestId(message);
    if (id === undefined) {
      this.log.warning(
        'a viewer was disconnected: its request has no number, so it cannot be answered. Use a viewer of the same version',
      );
      this.finish();
      return;
    }
    try {
      const answer = this.handler.handle(guardRequest(message));
      if (!(answer instanceof Promise)) {
        this.reply(id, answer);
        return;
      }
      this.laterCount++;
      answer
        .then(
          (later) => this.reply(id, later),
          (error: unknown) => this.refuse(id, error),
        )
        .finally(() => {
          this.laterCount--;
          this.pump();
        });
    } catch (error) {
      this.refuse(id, error);
    }
  }

  private reply(id: number, answer: Answer): void {
    this.write({ id, ok: true, result: answer.result }, answer.binary);
  }

  private refuse(id: number, error: unknown): void {
    const isExpected = isForViewer(error) || error instanceof GuardError;
    const message = error instanceof Error ? error.message : String(error);
    if (!isExpected)
      this.log.error(`request ${id} failed: ${error instanceof Error ? error.stack : message}`);
    this.write({ id, ok: false, error: message });
  }

  private write(answer: ViewerAnswer, binary?: Uint8Array): void {
    if (!this.over) this.socket.write(encodeViewerFrame(answer, binary));
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.queue.length = 0;
    this.socket.destroySoon();
    this.onClosed();
  }
}
