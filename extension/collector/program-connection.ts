// Owns the connection of one traced program: bytes to frames to its session, and control frames back.
// Must not know other sessions or viewers. Whatever goes wrong here ends this connection and nothing else.
import type { Socket } from 'node:net';
import {
  type Control,
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
/**
 * What is taken while the session's history is read from its recording: as much as two probes' rings hold, so that a
 * program of some MB a second drops nothing in the seconds that a large recording takes.
 */
const heldLimitBytes = 16 * 1024 * 1024;

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
  /** Frames that wait for the session's history; undefined when nothing has to wait. */
  private held: Frame[] | undefined;
  private heldBytes = 0;
  /** Why the connection ended while frames were held: they are taken before it counts as over. */
  private endWhileHeld: string | undefined;
  private isRevived = false;
  /** For the session, once there is one: what was wrong with the stream. */
  private streamProblem = '';

  constructor(socket: Socket, registry: SessionRegistry, log: Log) {
    this.socket = socket;
    this.registry = registry;
    this.log = log;
    this.helloTimer = setTimeout(
      () => this.finish(`it sent no hello within ${helloTimeoutMs / 1000} s`),
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

  sendControl(control: Control): boolean {
    if (this.over) return false;
    return writeAside(this.socket, encodeFrame(frameKind.control, encodeControl(control)));
  }

  resume(): void {
    const isFull = this.session?.recorder?.isFull === true || this.heldBytes > heldLimitBytes;
    if (!this.over && !isFull) this.socket.resume();
  }

  close(reason: string): void {
    this.finish(reason);
  }

  private receive(bytes: Uint8Array): void {
    if (this.over || this.endWhileHeld !== undefined || bytes.length === 0) return;
    this.lastDataMs = Date.now();
    try {
      this.splitter.push(bytes, (frame) => this.take(frame));
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    // The disk is slower than the program: the socket fills, then the program's rings, and it counts its drops.
    if (this.session?.recorder?.isFull === true || this.heldBytes > heldLimitBytes) this.socket.pause();
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
    if (this.held === undefined) this.process(frame);
    else this.hold(frame);
  }

  /** A payload is a view that holds only until the next bytes come. */
  private hold(frame: Frame): void {
    this.held?.push({ kind: frame.kind, payload: frame.payload.slice() });
    this.heldBytes += frame.payload.length;
  }

  /** The history is there: what came meanwhile follows, in turns of the loop as from the socket. */
  private async release(): Promise<void> {
    let inTurn = 0;
    try {
      // More may come behind while this waits for its next turn: an array's iterator meets those too.
      for (const frame of this.held ?? []) {
        inTurn += frame.payload.length;
        this.process(frame);
        if (inTurn < turnBytes) continue;
        inTurn = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.held = undefined;
      this.fail(error as Error);
      return;
    }
    this.held = undefined;
    this.heldBytes = 0;
    if (this.endWhileHeld === undefined) this.resume();
    else this.finish(this.endWhileHeld);
  }

  private process(frame: Frame): void {
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
    if (isFirst && !this.isRevived) {
      this.isRevived = true;
      const revival = this.registry.revive(hello);
      if (revival !== undefined) {
        clearTimeout(this.helloTimer);
        this.held = [];
        this.hold(frame);
        void revival.then(() => this.release());
        return;
      }
    }
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
    if (isFirst) this.registry.greeted(session);
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
        ? `the program’s stream was not understood near ${where}: ${error.message}. What came before is kept; see that the probe and Wakeline are of the same version`
        : `Wakeline itself failed near ${where}: ${error.message}. What came before is kept; please report this with the log`;
    this.streamProblem = what;
    this.log.error(`session ${this.session?.id ?? '(none)'}: ${what}`);
    if (!(error instanceof WireError)) this.log.error(error.stack ?? '');
    this.finish('its stream was not understood');
  }

  private finish(reason: string): void {
    if (this.over) return;
    if (this.held !== undefined) {
      this.endWhileHeld ??= reason;
      return;
    }
    this.over = true;
    clearTimeout(this.helloTimer);
    this.socket.destroySoon();
    if (this.session === undefined) {
      if (reason !== 'refused')
        this.log.warning(
          `a program showed the right token and was disconnected before its hello, so there is nothing of it: ${reason}. If it ends at once, that is all; else see that its probe and Wakeline are of the same version`,
        );
      this.onClosed();
      return;
    }
    if (this.streamProblem !== '') this.session.streamProblem = this.streamProblem;
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
