// Owns one session: its engine, its recording, its ring file, and whether its program is connected.
// Must not know how bytes arrive or who looks. Frames go to the engine first, so a recording holds only what it took.
import {
  type Anchor,
  type BreakOn,
  breakOn,
  type Control,
  decodeAnchor,
  frameKind,
  type Hello,
} from '../../runtime-probe/protocol/typescript/index.ts';
import type { DebuggerEvent, SessionState, SessionSummary } from '../messages/queries.ts';
import type { TraceSession } from '../trace/session.ts';
import { collectorThread, collectorThreadFrame, debuggerFrame } from './debugger-frames.ts';
import { RecordingWriter } from './recording.ts';
import type { RingFile } from './ring-file.ts';
import { ringTail } from './ring-tail.ts';

/** What a session may ask of the connection that feeds it. */
export interface ProgramLink {
  /** When bytes last came, in Date.now() time. */
  readonly lastDataMs: number;
  /** False when it cannot be sent. */
  sendControl(control: Control): boolean;
  /** There is room in the recording again. */
  resume(): void;
  close(reason: string): void;
}

const visibilityNames = { 1: 'recorded', 2: 'inferred', 3: 'notRecorded' } as const;
const detailNames = { 1: 'off', 2: 'lean', 3: 'full', 4: 'native' } as const;

export class CollectorSession {
  /** What requests call it: the hello's session, or another id for a second file of the same session. */
  readonly id: string;
  readonly engine: TraceSession;
  state: SessionState;
  /** The connection that feeds it, while there is one. */
  link: ProgramLink | undefined;
  ring: RingFile | undefined;
  /** What was wrong with the stream; empty when nothing was. */
  streamProblem = '';
  /** Path of the recording; empty when none is kept. */
  recordingPath = '';
  /** When the connection ended or the recording was opened, to forget the oldest first. */
  endedMs = 0;
  private writer: RecordingWriter | undefined;
  private recordingProblem = '';
  /** Bytes of the closed recording; 0 when it cannot be gone on with. */
  private recordedBytes = 0;
  private lastDebuggerTick = 0;
  /** The last one of the connection; the hello's own until one comes. */
  private anchor: Anchor | undefined;

  constructor(id: string, state: SessionState, engine: TraceSession) {
    this.id = id;
    this.state = state;
    this.engine = engine;
  }

  get hello(): Hello | undefined {
    return this.engine.hello;
  }

  get recorder(): RecordingWriter | undefined {
    return this.writer;
  }

  /** From now on frames are written there. */
  recordTo(writer: RecordingWriter): void {
    this.writer = writer;
    this.recordingPath = writer.path;
    this.recordingProblem = '';
    writer.onRoom = () => this.link?.resume();
  }

  noteRecordingProblem(problem: string): void {
    this.recordingProblem = problem;
  }

  /** Throws WireError on what no stream may hold; then nothing of the frame is kept. */
  pushFrame(kind: number, payload: Uint8Array): void {
    this.engine.pushFrame(kind, payload);
    this.writer?.append(kind, payload);
    if (kind === frameKind.hello) this.anchor = undefined;
    else if (kind === frameKind.anchor) this.anchor = decodeAnchor(payload);
  }

  /** Sets a scheduling breakpoint in the program; false where it takes none from here. */
  breakOn(on: BreakOn, value: number): boolean {
    // Others would take the frame for one about the detail.
    if (this.hello?.language !== 'node') return false;
    // The probe reaches Node's main thread alone while it runs; a worker thread stops by itself, between two polls.
    if (on === breakOn.longPoll && this.hello.family?.part.startsWith('worker thread') === true) return false;
    const breaks = { on, value };
    return this.link?.sendControl({ detail: this.engine.detail(), snapshot: false, breaks }) ?? false;
  }

  /** A recording of an earlier collector, whole as far as `wholeBytes`; a reconnection goes on with it. */
  adoptRecording(path: string, wholeBytes: number): void {
    this.recordingPath = path;
    this.recordedBytes = wholeBytes;
  }

  /** The file is whole on return; a reconnection goes on with it. */
  async closeRecording(): Promise<void> {
    const writer = this.writer;
    this.writer = undefined;
    if (writer === undefined) return;
    this.recordingProblem = writer.failure;
    this.recordedBytes = writer.failure === '' ? writer.totalBytes : 0;
    await writer.close();
  }

  /** The recording of the connection before, opened again; undefined when there is none to go on with. */
  continueRecording(): RecordingWriter | undefined {
    if (this.recordingPath === '' || this.recordedBytes === 0) return undefined;
    return RecordingWriter.continue(this.recordingPath, this.recordedBytes);
  }

  /** Adds what the ring file holds beyond what the socket brought. `complete` is false when a hole may still close. */
  readRingTail(): { frames: number; complete: boolean; problems: readonly string[] } {
    const hello = this.hello;
    if (this.ring === undefined || hello === undefined) return { frames: 0, complete: true, problems: [] };
    const tail = ringTail(this.ring.readSlots(), hello.shapes, this.engine.threadPositions());
    if (tail.threadsWithHole.length > 0 && this.link !== undefined)
      return { frames: 0, complete: false, problems: [] };
    const problems = [...tail.problems];
    let frames = 0;
    for (const frame of tail.frames) {
      try {
        this.pushFrame(frame.kind, frame.payload);
        frames++;
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
    return { frames, complete: true, problems };
  }

  closeRing(): void {
    this.ring?.close();
    this.ring = undefined;
  }

  /** Writes a stop or its end into the stream, at the tick of the machine's monotonic clock. */
  addDebuggerEvent(event: DebuggerEvent): void {
    const sequence =
      this.engine.threadPositions().find((position) => position.thread === collectorThread)?.sequence ?? 0;
    // The editor hears of a stop after the last event before it, however the two clocks disagree.
    const earliest = event.event === 'stop' ? this.engine.nsToTick(this.engine.endNs) : 0;
    const tick = Math.max(earliest, this.lastDebuggerTick, this.tickOf(event.monotonicNs));
    this.lastDebuggerTick = tick;
    if (sequence === 0) {
      const thread = collectorThreadFrame();
      this.pushFrame(thread.kind, thread.payload);
    }
    const frame = debuggerFrame(event, tick, sequence + 1);
    this.pushFrame(frame.kind, frame.payload);
  }

  /**
   * Counted from the last anchor, because the program's clock may run some parts in a million fast or slow.
   * A program without a monotonic anchor is stopped where it is known to be.
   */
  private tickOf(monotonicNs: number): number {
    const { engine } = this;
    const firstAnchorNs = this.hello?.anchorMonotonicNs ?? 0n;
    if (firstAnchorNs === 0n) return engine.nsToTick(engine.endNs);
    const anchor = this.anchor ?? { tick: 0, monotonicNs: firstAnchorNs };
    const sinceAnchorNs = Number(BigInt(Math.round(monotonicNs)) - anchor.monotonicNs);
    return engine.nsToTick(Math.max(0, engine.tickToNs(anchor.tick) + sinceAnchorNs));
  }

  summary(): SessionSummary {
    const hello = this.hello;
    return {
      session: this.id,
      program: hello?.program ?? '',
      language: hello?.language ?? '',
      tier: hello?.tier ?? '',
      pid: hello?.pid ?? 0,
      launch: hello?.launch ?? '',
      ...(hello?.family === undefined ? {} : { family: hello.family }),
      state: this.state,
      workingFolder: hello?.workingFolder ?? '',
      sourceRoot: hello?.sourceRoot ?? '',
      startedWallUs: Number(hello?.anchorWallUs ?? 0n),
      endNs: this.engine.endNs,
      totals: this.engine.totals(),
      capabilities: (hello?.capabilities ?? []).map(({ name, visibility, note }) => ({
        name,
        visibility: visibilityNames[visibility as 1 | 2 | 3] ?? 'notRecorded',
        note,
      })),
      recording: this.recordingPath,
      problem: this.problem(),
      stopped: this.state === 'live' && this.engine.stopped(),
      detail: detailNames[this.engine.detail() as 1 | 2 | 3 | 4] ?? 'full',
    };
  }

  private problem(): string {
    const recording = this.writer?.failure || this.recordingProblem;
    return [this.streamProblem, this.engine.problem, recording].filter((each) => each !== '').join('. ');
  }
}
