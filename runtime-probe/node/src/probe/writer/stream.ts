// Owns the stream to the collector: connecting, the order of frames, back-pressure, reconnecting and the end.
// Knows nothing of how events are encoded. Runs on the writer thread, which may keep going while a debugger holds
// the program's thread.
import { connect, type Socket } from 'node:net';
import {
  type Control,
  decodeControl,
  encodeFrame,
  encodeHello,
  encodePreamble,
  frameKind,
  role,
} from '../../wire/index.ts';
import { controlWord, layOutRing, type WriterStatus, writerStatus } from '../ring-layout.ts';
import { DictionaryStore } from './dictionary-store.ts';
import { EventReader } from './event-reader.ts';
import { anchorFrame, batchBytes, dictionaryFrames, endFrame, watermarkFrame } from './frames.ts';
import { ReplyReader } from './reply.ts';
import { RunningTime } from './running-time.ts';
import type { WriterMessage, WriterStart } from './start.ts';
import { Stops } from './stops.ts';
import { waitAsync } from './wait-async.ts';
import { Watch } from './watch.ts';

/** What a kill loses at most, and how fresh the live view is. */
const pumpIntervalMs = 10;
/** Empty rounds before this thread sleeps until the doorbell rings. */
const idleRounds = 3;
/** The doorbell wakes this thread; the time-out is how often an idle program's picture moves on. */
const longestSleepMs = 100;
/** How far the clock must be beyond the last watermark before an idle program gets another. */
const idleWatermarkTicks = 50_000_000;
const firstRetryMs = 50;
const slowestRetryMs = 1000;
/** A window reload takes seconds; a collector that is gone for a minute is gone. */
const patienceMs = 60_000;
const anchorIntervalMs = 10_000;
/** A peer that hangs up this often before it accepts does not want us, whatever the reason. */
const hangUpsTaken = 5;

export class StreamWriter {
  private readonly start: WriterStart;
  private hello: WriterStart['hello'];
  private readonly words: Int32Array;
  private readonly events: EventReader;
  private readonly dictionary: DictionaryStore;
  private readonly tell: (message: WriterMessage) => void;
  private readonly watch: Watch;
  private readonly stops: Stops;
  /** In how many ms one of them wants to look again. */
  private watchMs = Number.POSITIVE_INFINITY;

  private socket: Socket | undefined;
  private accepted = false;
  private batchInFlight = false;
  private toldLiving = false;
  /** Slots that were handed to the kernel but wait for the collector's yes before they are given back. */
  private sentThrough = 0;
  private emptyRounds = 0;
  private stopped = false;
  private sleeping = false;
  private retryMs = firstRetryMs;
  private hangUps = 0;
  private unreachableSinceMs: number | undefined;
  private lastAnchorMs = 0;
  /** The clock at the round before. */
  private roundTick = 0;
  private endSent = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(start: WriterStart, tell: (message: WriterMessage) => void) {
    const layout = layOutRing(start.ringBytes);
    this.start = start;
    this.hello = start.hello;
    this.tell = tell;
    this.words = new Int32Array(start.memory);
    this.events = new EventReader(start.memory, layout, start.thread);
    this.dictionary = new DictionaryStore(start.memory, layout);
    const running = new RunningTime(() => this.tickNow());
    this.watch = new Watch({
      words: this.words,
      session: start.hello.session,
      osThread: start.osThread,
      thresholdNs: start.longPollMs * 1e6,
      running,
    });
    this.stops = new Stops(this.words, running, start.isMainThread);
  }

  run(): void {
    this.connect();
    this.pump();
  }

  /** Something of the hello is known better by now. */
  greetAgain(hello: WriterStart['hello']): void {
    this.hello = hello;
    if (this.socket !== undefined && !this.stopped && !this.endSent)
      this.socket.write(encodeFrame(frameKind.hello, encodeHello(hello)));
  }

  private setStatus(status: WriterStatus): void {
    Atomics.store(this.words, controlWord.status, status);
  }

  private get finishing(): boolean {
    return Atomics.load(this.words, controlWord.finishReason) !== 0;
  }

  private connect(): void {
    if (this.stopped) return;
    this.setStatus(writerStatus.connecting);
    const { endpoint } = this.start;
    const socket =
      endpoint.kind === 'unix'
        ? connect({ path: endpoint.path })
        : connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
    const reply = new ReplyReader();
    socket.on('connect', () => this.greet(socket));
    socket.on('data', (bytes: Buffer) => {
      try {
        this.hear(reply, bytes);
      } catch {
        // What comes back is not Wakeline's protocol, so nobody there can use the stream.
        this.giveUp(writerStatus.refused, 'the peer does not speak the Wakeline protocol');
      }
    });
    // The close that follows each error decides what to do.
    socket.on('error', () => undefined);
    socket.on('close', () => this.lost(socket));
  }

  private greet(socket: Socket): void {
    const { hello } = this;
    const { token } = this.start;
    this.socket = socket;
    this.accepted = false;
    this.toldLiving = false;
    this.batchInFlight = false;
    this.events.rewind();
    this.sentThrough = this.events.freed;
    socket.write(encodePreamble(role.program, token));
    socket.write(encodeFrame(frameKind.hello, encodeHello(hello)));
    this.pump();
  }

  private hear(reply: ReplyReader, bytes: Buffer): void {
    const rest = reply.push(bytes);
    if (reply.status === undefined) return;
    if (reply.status !== 0) {
      this.giveUp(writerStatus.refused, reply.message);
      return;
    }
    if (!this.accepted) {
      this.accepted = true;
      this.hangUps = 0;
      this.retryMs = firstRetryMs;
      this.unreachableSinceMs = undefined;
      this.setStatus(writerStatus.streaming);
      this.giveBack();
      if (this.endSent && !this.batchInFlight) this.finishWhenAccepted();
    }
    reply.frames.push(rest, ({ kind, payload }) => {
      if (kind === frameKind.control) this.obey(decodeControl(payload));
    });
  }

  private obey({ detail, snapshot, breaks }: Control): void {
    if (breaks !== undefined) this.stops.set(breaks.on, breaks.value);
    else this.tell({ kind: 'control', detail, snapshot });
  }

  private lost(socket: Socket): void {
    const wasConnected = this.socket === socket;
    if (wasConnected) {
      this.socket = undefined;
      if (!this.accepted) this.hangUps++;
    } else if (this.socket !== undefined) return;
    if (this.stopped) return;
    if (this.finishing) {
      this.finish(writerStatus.unreachable);
      return;
    }
    const now = performance.now();
    this.unreachableSinceMs ??= now;
    if (this.hangUps >= hangUpsTaken) {
      this.giveUp(
        writerStatus.refused,
        'the collector closed the connection each time before it accepted it',
      );
      return;
    }
    if (now - this.unreachableSinceMs > patienceMs) {
      this.giveUp(writerStatus.gaveUp, `no collector could be reached for ${patienceMs / 1000} s`);
      return;
    }
    this.setStatus(writerStatus.unreachable);
    setTimeout(() => this.connect(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, slowestRetryMs);
  }

  private giveUp(status: WriterStatus, why: string): void {
    if (this.stopped) return;
    this.tell({ kind: 'stopped', why });
    this.finish(status);
  }

  /**
   * All is with the kernel. A program that left before the collector's reply could be written would close a
   * connection that holds an unread reply, and the collector would be told of a broken one instead of an end.
   */
  private finishWhenAccepted(): void {
    if (this.accepted) this.finish(writerStatus.ended);
  }

  /** Nothing more can be done: frees whoever waits for the end, and lets this thread end. */
  private finish(status: WriterStatus): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.watch.stop();
    this.stops.stop();
    this.setStatus(status);
    Atomics.store(this.words, controlWord.finished, 1);
    Atomics.notify(this.words, controlWord.finished);
    if (status === writerStatus.ended) this.socket?.end();
    else this.socket?.destroy();
  }

  /** One round: take what was published, hand it to the socket, decide when to look again. */
  private pump(): void {
    // After the end frame only the collector's reply is waited for.
    if (this.stopped || this.endSent) return;
    clearTimeout(this.timer);
    const sent = this.sendBatch();
    if (this.stopped) return;
    if (sent) this.emptyRounds = 0;
    else this.emptyRounds++;
    // A batch in flight calls back here when the kernel has taken it.
    if (this.batchInFlight && sent) return;
    if (this.emptyRounds < idleRounds || this.socket === undefined)
      this.timer = setTimeout(() => this.pump(), this.finishing ? 1 : pumpIntervalMs);
    else this.sleep();
  }

  /** True when something was handed to the socket. */
  private sendBatch(): boolean {
    const { socket, finishing } = this;
    const tickBefore = this.roundTick;
    this.roundTick = this.tickNow();
    const ready = socket !== undefined && !this.batchInFlight;
    // The published ends are read before the dictionary: so no event goes out before a record that it refers to.
    const taken = ready ? this.events.take(batchBytes) : undefined;
    if (finishing) {
      this.watch.stop();
      this.stops.stop();
    } else if (ready) {
      const { openPoll } = this.events;
      const tick = this.tickNow();
      this.watchMs = Math.min(this.watch.round(openPoll, tick), this.stops.round(openPoll, tick));
    }
    this.dictionary.drain();
    if (this.dictionary.overLimit) {
      this.giveUp(
        writerStatus.gaveUp,
        'the program makes more living names and tasks than the probe may hold',
      );
      return false;
    }
    // Without a connection only the living dictionary counts; it is told whole on the next.
    if (socket === undefined) this.dictionary.takeFresh();
    if (socket === undefined || taken === undefined) return false;
    const frames = dictionaryFrames(this.newRecords());
    for (const chunk of taken.chunks) frames.push(encodeFrame(frameKind.chunk, chunk));
    for (const chunk of this.dictionary.takeChunks()) frames.push(encodeFrame(frameKind.chunk, chunk));
    if (frames.length > 0) {
      const mark = this.events.watermark;
      if (mark !== undefined) frames.push(watermarkFrame(mark));
      this.addAnchor(frames);
    } else if (finishing && !this.endSent) {
      frames.push(endFrame(this.words, this.events.watermark));
      this.endSent = true;
    }
    if (frames.length === 0) {
      this.tellIdle(socket, tickBefore);
      return false;
    }
    this.batchInFlight = true;
    socket.write(Buffer.concat(frames), (error) => {
      if (socket !== this.socket) return;
      this.batchInFlight = false;
      if (error) return;
      this.sentThrough = taken.takenThrough;
      this.giveBack();
      if (this.endSent) this.finishWhenAccepted();
      else this.paceAfterBatch(taken.chunks.length);
    });
    return true;
  }

  /** Looks again at once when the batch was full or the program ends, else after the interval. */
  private paceAfterBatch(chunkCount: number): void {
    const full = chunkCount > 16;
    if (full || this.finishing) this.pump();
    else this.timer = setTimeout(() => this.pump(), pumpIntervalMs);
  }

  private giveBack(): void {
    if (!this.accepted) return;
    this.events.free(this.sentThrough);
    this.dictionary.forget(this.sentThrough);
  }

  private newRecords(): Uint8Array[] {
    const records = this.toldLiving ? this.dictionary.takeFresh() : this.dictionary.takeLiving();
    this.toldLiving = true;
    return records;
  }

  /**
   * Outside any poll nothing new means that nothing happened, so the watermark follows the clock. It is the clock of
   * the round before: what was stamped by then is published by now. Only the park itself comes later, see WIRE.md.
   */
  private tellIdle(socket: Socket, tick: number): void {
    const told = this.events.watermark?.tick;
    if (told === undefined || this.events.insidePoll || tick < told + idleWatermarkTicks) return;
    this.events.raiseWatermark(tick);
    const mark = this.events.watermark;
    if (mark !== undefined) socket.write(watermarkFrame(mark));
  }

  private tickNow(): number {
    return Number(process.hrtime.bigint() - this.start.hello.originTick);
  }

  private addAnchor(frames: Uint8Array[]): void {
    const now = performance.now();
    if (now - this.lastAnchorMs < anchorIntervalMs) return;
    this.lastAnchorMs = now;
    frames.push(anchorFrame(this.start.hello.originTick));
  }

  /** Sleeps until the program's thread rings. */
  private sleep(): void {
    const rings = Atomics.load(this.words, controlWord.doorbell);
    // Ordering: the flag goes up before the last look, so an event published after that look finds it up.
    Atomics.store(this.words, controlWord.writerSleeps, 1);
    if (this.sendBatch() || this.stopped) {
      Atomics.store(this.words, controlWord.writerSleeps, 0);
      return;
    }
    if (this.sleeping) return;
    this.sleeping = true;
    const waited = waitAsync(this.words, controlWord.doorbell, rings, Math.min(longestSleepMs, this.watchMs));
    const wake = (): void => {
      this.sleeping = false;
      Atomics.store(this.words, controlWord.writerSleeps, 0);
      this.pump();
    };
    if (waited.async) void waited.value.then(wake);
    else this.timer = setTimeout(wake, 0);
  }
}
