// Owns the connection of one traced program: bytes to frames to its session, and control frames back.
// Must not know other sessions or viewers. Whatever goes wrong here ends this connection and nothing else.
import type { Socket } from 'node:net';
import {
  decodeHello,
  encodeControl,
  encodeFrame,
  type Frame,
  FrameSplitter,
  frameKind,
  WireError,
} from '../../runtime-probe/protocol/typescript/index.ts';
import type { CollectorSession, ProgramLink } from './collector-session.ts';
import type { Log } from './log.ts';
import { DuplicateSessionError, type SessionRegistry } from './session-registry.ts';
import { writeAside } from './write-aside.ts';

/** A probe sends its hello with its preamble; one that has none to send is no program. */
const helloTimeoutMs = 10_000;
/** Read in one turn of the loop: some ten ms of engine work, so that viewers are answered while a program floods. */
const turnBytes = 128 * 1024;

export class ProgramConnection implements ProgramLink {
  lastDataMs = Date.now();
  /** Called once, when the connection is over and its session is put away. */
  onClosed: () => void = () => {};
  /** Called once when the program is not taken after all. */
  onRefused: () => void = () => {};

  private readonly socket: Socket;
  private readonly registry: SessionRegistry;
  private readonly log: Log;
  private readonly splitter = new FrameSplitter();
  private readonly helloTimer: NodeJS.Timeout;
  private session: CollectorSession | undefined;
  private over = false;
  private bytesInTurn = 0;

  constructor(socket: Socket, registry: SessionRegistry, log: Log) {
    this.socket = socket;
    this.registry = registry;
    this.log = log;
    this.helloTimer = setTimeout(
      () => this.finish(`the program sent no hello within ${helloTimeoutMs} ms`),
      helloTimeoutMs,
    );
  }

  /** `first` is what came behind the preamble. */
  start(first: Uint8Array): void {
    this.socket.on('data', (bytes: Buffer) => this.receive(bytes));
    this.socket.on('end', () => this.finish('the connection was closed'));
    this.socket.on('error', (error) => this.finish(`the connection broke: ${error.message}`));
    this.socket.on('close', () => this.finish('the connection was closed'));
    this.receive(first);
    this.resume();
  }

  sendControl(detail: number, snapshot: boolean): boolean {
    if (this.over) return false;
    return writeAside(this.socket, encodeFrame(frameKind.control, encodeControl({ detail, snapshot })));
  }

  resume(): void {
    if (!this.over && this.session?.recorder?.isFull !== true) this.socket.resume();
  }

  close(reason: string): void {
    this.finish(reason);
  }

  private receive(bytes: Uint8Array): void {
    if (this.over || bytes.length === 0) return;
    this.lastDataMs = Date.now();
    try {
      this.splitter.push(bytes, (frame) => this.take(frame));
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    // The disk is slower than the program: the socket fills, then the program's rings, and it counts its drops.
    if (this.session?.recorder?.isFull === true) this.socket.pause();
    this.endTurnAfter(bytes.length);
    if (this.session !== undefined) this.registry.onChange(false);
  }

  private endTurnAfter(byteCount: number): void {
    const isFirst = this.bytesInTurn === 0;
    this.bytesInTurn += byteCount;
    if (this.bytesInTurn >= turnBytes) this.socket.pause();
    if (!isFirst) return;
    setImmediate(() => {
      const wasPaused = this.bytesInTurn >= turnBytes;
      this.bytesInTurn = 0;
      if (wasPaused) this.resume();
    });
  }

  private take(frame: Frame): void {
    if (this.over) return;
    if (frame.kind === frameKind.hello || this.session === undefined) this.takeHello(frame);
    else this.session.pushFrame(frame.kind, frame.payload);
  }

  private takeHello(frame: Frame): void {
    if (frame.kind !== frameKind.hello)
      throw new WireError(`the first frame of a connection is a hello, not one of kind ${frame.kind}`, 0);
    const hello = decodeHello(frame.payload);
    if (this.session !== undefined && this.session.id !== hello.session)
      throw new WireError('a connection carries one session, and this hello names a second', 0);
    const isFirst = this.session === undefined;
    const session = this.session ?? this.registry.attach(hello, this);
    try {
      session.pushFrame(frame.kind, frame.payload);
    } catch (error) {
      if (session.engine.hello === undefined) this.registry.drop(session);
      throw error;
    } finally {
      this.session = session;
    }
    clearTimeout(this.helloTimer);
    if (isFirst) this.registry.onChange(true);
  }

  private fail(error: Error): void {
    if (error instanceof DuplicateSessionError) {
      this.log.warning(`a program was refused: ${error.message}`);
      this.onRefused();
      this.finish('refused');
      return;
    }
    const where = `byte ${this.splitter.consumedBytes} of its stream`;
    const what =
      error instanceof WireError
        ? `the program’s stream was not understood near ${where}: ${error.message}. What came before is kept; check that the probe and Wakeline are of the same version`
        : `Wakeline failed near ${where} of the program: ${error.message}`;
    if (this.session !== undefined) this.session.streamProblem = what;
    this.log.error(`session ${this.session?.id ?? '(none)'}: ${what}`);
    if (!(error instanceof WireError)) this.log.error(error.stack ?? '');
    this.finish('its stream was not understood');
  }

  private finish(reason: string): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.helloTimer);
    this.socket.destroySoon();
    if (this.session === undefined) {
      if (reason !== 'refused') this.log.warning(`a program left before its hello: ${reason}`);
      this.onClosed();
      return;
    }
    const unfinished = this.splitter.unfinishedBytes;
    const cut =
      unfinished > 0 ? `${reason}, in the middle of a frame (${unfinished} bytes of it came)` : reason;
    this.registry.detach(this.session, this, cut).then(
      () => this.onClosed(),
      (error: unknown) => {
        this.log.error(`session ${this.session?.id ?? ''} could not be put away: ${String(error)}`);
        this.onClosed();
      },
    );
  }
}
