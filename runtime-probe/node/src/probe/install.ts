// Owns the probe's life in a program: switched on by the environment, switched off at exit or when nobody listens.
// Knows nothing of how events are encoded or sent. A program must not notice it: nothing here throws into user code.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isMainThread, type Worker } from 'node:worker_threads';
import { clockNs } from '../executor/clock.ts';
import { setObserver } from '../executor/observe.ts';
import { nextDeadline } from '../executor/timer-queue.ts';
import { detail, endReason } from '../wire/index.ts';
import { DictionaryRing } from './dictionary-ring.ts';
import { type CollectorAddress, readEnvironment } from './environment.ts';
import { EventRing } from './event-ring.ts';
import { describeProgram } from './hello.ts';
import { LastWords } from './last-words.ts';
import { Recorder } from './recorder.ts';
import { controlWord, defaultRingBytes, layOutRing, writerStatus } from './ring-layout.ts';
import type { WriterMessage, WriterStart } from './writer/start.ts';
import { startWriterThread } from './writer-source.ts';

export interface InitOptions {
  /** Memory for what was recorded and not yet sent, in bytes. What finds no room is counted, not waited for. */
  readonly ringBytes?: number;
}

/** Whether, and how, this program is being recorded. */
export interface Recording {
  readonly state: 'off' | 'connecting' | 'streaming' | 'stopped';
  /** Why nothing is recorded; empty while something is. */
  readonly reason: string;
  /** Events that found no room so far. */
  readonly dropped: number;
  /** Stops recording for good; what was recorded is still sent. */
  stop(): void;
}

/** What an exit may wait for the last events, in ms. */
const exitPatienceMs = 300;
/** Node has one thread that records. */
const mainThread = 1;

let recording: Recording | undefined;

/**
 * The one line: records this program for Wakeline when it was started with WAKELINE and WAKELINE_TOKEN in its
 * environment, and does nothing otherwise. Calling it again gives the same recording.
 */
export function init(options: InitOptions = {}): Recording {
  recording ??= start(options);
  return recording;
}

function start(options: InitOptions): Recording {
  const ringBytes = options.ringBytes ?? defaultRingBytes;
  const layout = layOutRing(ringBytes);
  let address: CollectorAddress | undefined;
  try {
    address = readEnvironment(process.env);
  } catch (error) {
    return off(error instanceof Error ? error.message : String(error));
  }
  if (address === undefined) return off('WAKELINE is not set');
  const { endpoint } = address;
  if (endpoint.kind === 'unix' && !existsSync(endpoint.path))
    return off(`there is no collector: ${endpoint.path} does not exist`);
  return new ActiveRecording(address, ringBytes, layout.totalBytes);
}

function off(reason: string): Recording {
  return { state: 'off', reason, dropped: 0, stop: () => undefined };
}

class ActiveRecording implements Recording {
  private readonly words: Int32Array;
  private readonly events: EventRing;
  private readonly recorder: Recorder;
  private readonly writerStart: WriterStart;
  private readonly worker: Worker;
  private readonly onExit = (): void => this.flushAtExit();
  private stopReason = '';
  private detail: number = detail.full;

  constructor(address: CollectorAddress, ringBytes: number, totalBytes: number) {
    const memory = new SharedArrayBuffer(totalBytes);
    const layout = layOutRing(ringBytes);
    const originNs = Math.floor(clockNs());
    this.words = new Int32Array(memory);
    this.events = new EventRing(memory, layout);
    this.recorder = new Recorder({
      events: this.events,
      dictionaryRing: new DictionaryRing(memory, layout),
      originNs,
      thread: mainThread,
      // On Linux the main thread's id equals the process's. Elsewhere, and in workers, Node does not tell it.
      osThread: isMainThread && process.platform === 'linux' ? process.pid : 0,
      nextTimer: nextDeadline,
      onBroken: () => this.end(endReason.detached, 'the program makes names faster than they can be sent'),
    });
    this.writerStart = {
      memory,
      ringBytes,
      endpoint: address.endpoint,
      token: address.token,
      hello: describeProgram(randomBytes(16).toString('hex'), originNs, address.launch),
      thread: mainThread,
    };
    this.worker = startWriterThread({
      workerData: this.writerStart,
      name: 'wakeline writer',
      // Nothing of the program's environment is needed, and NODE_OPTIONS must not reach it.
      env: {},
      stdin: false,
      stdout: true,
      stderr: true,
    });
    this.worker.on('message', (message: WriterMessage) => this.hear(message));
    this.worker.on('error', (error) => this.detach(`the writer thread failed: ${error.message}`));
    this.worker.on('exit', () => this.detach('the writer thread ended'));
    this.worker.unref();
    process.on('exit', this.onExit);
    setObserver(this.recorder);
  }

  get state(): 'connecting' | 'streaming' | 'stopped' {
    if (this.stopReason !== '') return 'stopped';
    return Atomics.load(this.words, controlWord.status) === writerStatus.streaming
      ? 'streaming'
      : 'connecting';
  }

  get reason(): string {
    return this.stopReason;
  }

  get dropped(): number {
    return this.events.dropped;
  }

  stop(): void {
    this.end(endReason.detached, 'stopped by the program');
  }

  private hear(message: WriterMessage): void {
    if (message.kind === 'stopped') this.detach(message.why);
    else if (this.stopReason === '') this.control(message.detail, message.snapshot);
  }

  private control(level: number, snapshot: boolean): void {
    const known = level === detail.off || level === detail.lean || level === detail.full;
    if (!known) return;
    const wasOff = this.detail === detail.off;
    if (level !== this.detail) this.recorder.setDetail(level);
    this.detail = level;
    if (level === detail.off) setObserver(undefined);
    // Installing the observer makes the executor tell what is alive.
    else if (wasOff || snapshot) setObserver(this.recorder);
  }

  /** Nobody takes what is recorded: the program goes on as if it had never been. */
  private detach(why: string): void {
    if (this.stopReason === '') this.stopReason = why;
    setObserver(undefined);
    process.off('exit', this.onExit);
  }

  /** No event after this; the writer thread sends what is left and the end frame. */
  private end(reason: number, why: string): void {
    if (this.stopReason !== '') return;
    this.stopReason = why;
    setObserver(undefined);
    this.recorder.stop();
    this.words[controlWord.droppedHigh] = Math.floor(this.events.dropped / 2 ** 31);
    this.words[controlWord.droppedLow] = this.events.dropped % 2 ** 31;
    // Ordering: release; whoever sees the reason sees the last event and the count.
    Atomics.store(this.words, controlWord.finishReason, reason);
    this.events.ringDoorbell();
  }

  /**
   * Loses nothing at a natural exit, process.exit and an uncaught error: all of them come through here. 'beforeExit'
   * is no place for it: whoever waits there makes Node emit it again to the program's own listeners.
   */
  private flushAtExit(): void {
    const deadlineMs = performance.now() + exitPatienceMs;
    const lastWords = LastWords.open(this.writerStart, deadlineMs);
    if (lastWords !== undefined || this.mayBeSent) this.makeRoom(deadlineMs, lastWords);
    this.end(endReason.exit, 'the program ended');
    lastWords?.end();
    // Without a collector there is nothing to wait for.
    if (lastWords === undefined && this.mayBeSent)
      Atomics.wait(this.words, controlWord.finished, 0, Math.max(0, deadlineMs - performance.now()));
  }

  private get mayBeSent(): boolean {
    const status = Atomics.load(this.words, controlWord.status);
    return status <= writerStatus.streaming;
  }

  /** The last event says how many were dropped before it, so it is worth waiting until there is room for it. */
  private makeRoom(deadlineMs: number, lastWords: LastWords | undefined): void {
    while (!this.recorder.hasRoom && performance.now() < deadlineMs) {
      if (lastWords !== undefined) {
        if (lastWords.sendPublished()) continue;
        return;
      }
      this.events.ringDoorbell();
      Atomics.wait(this.words, controlWord.finished, 0, 1);
    }
  }
}
