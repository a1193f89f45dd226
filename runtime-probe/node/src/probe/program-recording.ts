// Owns one recording of this program: the rings, the writer thread, what the collector asks, and the flush at exit.
// Knows nothing of what is recorded, of how events are encoded or sent. A program must not notice it: nothing here
// throws into user code.
import { randomBytes } from 'node:crypto';
import { isMainThread, type Worker } from 'node:worker_threads';
import { clockNs } from '../executor/clock.ts';
import type { TaskInfo } from '../executor/observe.ts';
import { detail, endReason, type Hello } from '../wire/index.ts';
import { Breaks } from './breaks.ts';
import { DictionaryRing } from './dictionary-ring.ts';
import { type CollectorAddress, readExitMs, readLongPollMs } from './environment.ts';
import { EventRing } from './event-ring.ts';
import { joinFamily } from './family.ts';
import { pollSamples } from './hello.ts';
import { inspectorFacts, whyNotInspectable } from './inspectable.ts';
import { LastWords } from './last-words.ts';
import { type LookAnswer, type LookRequest, lookAnswer } from './looks.ts';
import type { Annotations } from './one-recording.ts';
import { OwnMarks } from './own-marks.ts';
import { ownOsThread } from './processor-time.ts';
import type { Recorder, RecorderOptions } from './recorder.ts';
import { controlWord, greeting, layOutRing, writerStatus } from './ring-layout.ts';
import type { ProgramMessage, WriterMessage, WriterStart } from './writer/start.ts';
import { startWriterThread } from './writer-source.ts';

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

/** What differs between the ways in which a program is recorded. */
export interface RecordingOptions<R extends Recorder> {
  readonly address: CollectorAddress;
  readonly ringBytes: number;
  readonly hello: (session: string, originNs: number, launch: string) => Omit<Hello, 'shapes'>;
  readonly makeRecorder: (options: RecorderOptions) => R;
  readonly nextTimer: RecorderOptions['nextTimer'];
  /** The task that runs now. */
  readonly current: () => TaskInfo | undefined;
  /**
   * Begins to tell the recorder what happens at this detail, beginning with what is alive; undefined: tells nobody any
   * more.
   */
  readonly listen: (recorder: R | undefined, level: number) => void;
  /** What is recorded to begin with, one of the wire's `detail`, unless the environment says another. */
  readonly detail: number;
  /** Is handed each native object of the probe's own, whose callbacks are no part of the program. */
  readonly leaveOut?: (own: object) => void;
  /** Called before the last event, to close what is open. */
  readonly finish?: () => void;
  /** How long the greeting is held back at most, in ms; `release` lets it go earlier. */
  readonly holdMs: number;
  readonly toSource: RecorderOptions['toSource'];
}

/** Node has one thread that records. */
const mainThread = 1;
/** What a collector may ask for. */
const known: ReadonlySet<number> = new Set(Object.values(detail));

export class ProgramRecording<R extends Recorder> implements Recording {
  private readonly words: Int32Array;
  private readonly events: EventRing;
  private readonly options: RecordingOptions<R>;
  private readonly recorder: R;
  private writerStart: WriterStart;
  private readonly worker: Worker;
  private readonly onExit = (): void => this.flushAtExit();
  /** What an exit may wait for the last events, as the program began. */
  private readonly exitMs = readExitMs(process.env);
  private stopReason = '';
  readonly annotations: Annotations;
  private detail: number;
  private readonly session: string;

  constructor(options: RecordingOptions<R>) {
    const { address, ringBytes } = options;
    const layout = layOutRing(ringBytes);
    const memory = new SharedArrayBuffer(layout.totalBytes);
    this.options = options;
    const originNs = Math.floor(clockNs());
    this.words = new Int32Array(memory);
    this.events = new EventRing(memory, layout);
    const wanted = address.detail ?? options.detail;
    // A program that begins with nothing says who it is all the same.
    this.detail = wanted === detail.off ? options.detail : wanted;
    const osThread = ownOsThread();
    const longPollMs = readLongPollMs(process.env);
    const notInspectable = whyNotInspectable(inspectorFacts());
    if (notInspectable === undefined) Atomics.store(this.words, controlWord.inspectable, 1);
    this.recorder = options.makeRecorder({
      events: this.events,
      dictionaryRing: new DictionaryRing(memory, layout),
      originNs,
      thread: mainThread,
      osThread,
      nextTimer: options.nextTimer,
      detail: this.detail,
      toSource: options.toSource,
      breaks: new Breaks(this.words, isMainThread),
      onBroken: () => this.end(endReason.detached, 'the program makes names faster than they can be sent'),
    });
    this.annotations = new OwnMarks({
      recorder: this.recorder,
      current: options.current,
      isOn: () => this.stopReason === '' && this.detail !== detail.off,
    });
    const session = randomBytes(16).toString('hex');
    this.session = session;
    const hello = options.hello(session, originNs, address.launch);
    this.writerStart = {
      memory,
      ringBytes,
      endpoint: address.endpoint,
      token: address.token,
      hello: {
        ...hello,
        capabilities: [...hello.capabilities, pollSamples(longPollMs, isMainThread, notInspectable)],
        detail: this.detail,
        family: joinFamily(session),
      },
      thread: mainThread,
      holdMs: options.holdMs,
      // A session of the inspector reaches the process's main thread, whichever thread this is.
      longPollMs: isMainThread ? longPollMs : 0,
      isMainThread,
      osThread,
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
    if (options.leaveOut !== undefined) partsOf(this.worker).forEach(options.leaveOut);
    process.on('exit', this.onExit);
    // Node puts a worker's script among its arguments after what was preloaded has run.
    if (process.argv[1] === undefined && !isMainThread) process.nextTick(() => this.nameProgram());
    this.options.listen(this.recorder, this.detail);
    if (wanted === detail.off) this.control(wanted, false);
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

  /** Lets the greeting go, if it is still held back. */
  release(): void {
    Atomics.compareExchange(this.words, controlWord.greeting, greeting.held, greeting.released);
  }

  /**
   * Ends this recording without a trace of it when the collector has not been greeted yet, else as a stop would.
   * Another recording of this program may begin after it.
   */
  withdraw(): void {
    if (this.stopReason !== '') return;
    const { held, withdrawn } = greeting;
    if (Atomics.compareExchange(this.words, controlWord.greeting, held, withdrawn) === held) {
      this.detach('another recording of this program took its place');
      this.worker.removeAllListeners();
      void this.worker.terminate();
    } else this.end(endReason.detached, 'another recording of this program took its place');
  }

  /**
   * The writer thread asks for a look at the poll that runs now, in the middle of the program's code; the recording of
   * this name that it finds may be another one by now.
   */
  look(request: LookRequest): LookAnswer {
    if (this.stopReason !== '' || this.detail === detail.off || request.session !== this.session)
      return lookAnswer.over;
    return this.recorder.looks.look(request, this.look);
  }

  /** Whether that poll is the innermost one that is open. */
  isOpen(task: number, epoch: number, startTick: number): boolean {
    const poll = this.events.openPolls.innermost();
    return poll?.task === task && poll.epoch === epoch && poll.startTick === startTick;
  }

  /** Asked for by the writer thread while the program waits to be stopped. */
  arm(): void {
    this.recorder.breaks.arm();
  }

  /** The greeting may have gone without the name; then there is a second one. */
  private nameProgram(): void {
    const program = process.argv[1];
    if (program === undefined || this.stopReason !== '') return;
    this.writerStart = { ...this.writerStart, hello: { ...this.writerStart.hello, program } };
    this.worker.postMessage({ kind: 'named', program } satisfies ProgramMessage);
  }

  private hear(message: WriterMessage): void {
    if (message.kind === 'stopped') this.detach(message.why);
    else if (this.stopReason === '') this.control(message.detail, message.snapshot);
  }

  private control(level: number, snapshot: boolean): void {
    if (!known.has(level)) return;
    const changed = level !== this.detail;
    if (changed) this.recorder.setDetail(level);
    this.detail = level;
    // Listening begins with what is alive.
    if (level === detail.off) this.options.listen(undefined, level);
    else if (changed || snapshot) this.options.listen(this.recorder, level);
  }

  /** Nobody takes what is recorded: the program goes on as if it had never been. */
  private detach(why: string): void {
    if (this.stopReason === '') this.stopReason = why;
    this.options.listen(undefined, detail.off);
    process.off('exit', this.onExit);
  }

  /** No event after this; the writer thread sends what is left and the end frame. */
  private end(reason: number, why: string): void {
    if (this.stopReason !== '') return;
    this.stopReason = why;
    this.options.finish?.();
    this.options.listen(undefined, detail.off);
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
    const deadlineMs = performance.now() + this.exitMs;
    this.release();
    const lastWords = LastWords.open(this.writerStart, deadlineMs);
    if (lastWords !== undefined || this.mayBeSent) this.makeRoom(deadlineMs, lastWords);
    this.end(endReason.exit, 'the program ended');
    lastWords?.end();
    // Without a collector there is nothing to wait for.
    if (lastWords === undefined && this.mayBeSent)
      Atomics.wait(this.words, controlWord.finished, 0, Math.max(0, deadlineMs - performance.now()));
    // Node would wait for a session of its inspector that is open, and say so on stderr.
    for (let open = 1; open > 0 && performance.now() < deadlineMs; ) {
      open = Atomics.load(this.words, controlWord.looking);
      if (open > 0) Atomics.wait(this.words, controlWord.looking, open, deadlineMs - performance.now());
    }
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

/** The thread's native handle and its ports, which Node keeps under symbols of its own. */
function partsOf(worker: Worker): object[] {
  return Object.getOwnPropertySymbols(worker).flatMap((key) => {
    const part: unknown = Reflect.get(worker, key);
    return typeof part === 'object' && part !== null ? [part] : [];
  });
}
