// Owns the writer thread's side of the event slots: cutting what is published into chunks that decode alone.
// Knows nothing of sockets. Reads a slot that is still being written, because the program's thread may stand in a
// debugger; it walks the events (about 30 ns each, off the program's thread) to know what is open where the next
// piece begins.
import {
  ByteReader,
  ByteWriter,
  decodeContext,
  decodeEvents,
  EventPlan,
  eventField,
  eventKind,
  type OpenPoll,
  shapes,
  type Watermark,
  writeChunkHead,
} from '../../wire/index.ts';
import { type RingLayout, slotBytes, slotField, slotHeaderBytes, slotState } from '../ring-layout.ts';

const plan = new EventPlan(new Map(shapes.map((shape) => [shape.kind, shape])));

interface Context {
  tick: number;
  readonly openPolls: OpenPoll[];
  readonly openFrames: number[];
  readonly openJob: number;
}

export interface Taken {
  /** Payloads of chunk frames, in order. */
  readonly chunks: Uint8Array[];
  /** Every slot up to this one is sealed and wholly taken. */
  readonly takenThrough: number;
}

export class EventReader {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly bytes: Uint8Array;
  private readonly layout: RingLayout;
  private readonly thread: number;
  private freedSequence = 0;
  /** The slot being read, how many of its event bytes were taken, and what is open there. */
  private sequence = 1;
  private position = 0;
  private context: Context | undefined;
  private mark: Watermark | undefined;

  constructor(memory: SharedArrayBuffer, layout: RingLayout, thread: number) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.bytes = new Uint8Array(memory);
    this.layout = layout;
    this.thread = thread;
  }

  /** Every slot up to this one was given back. */
  get freed(): number {
    return this.freedSequence;
  }

  /** Takes what is published and was not taken yet, up to about `limitBytes`. */
  take(limitBytes: number): Taken {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < limitBytes) {
      const at = this.slotAt(this.sequence);
      // Ordering: acquire; the header was written before the state.
      if (Atomics.load(this.words, (at + slotField.state) >> 2) !== slotState.events) break;
      if (this.double(at, slotField.sequence) !== this.sequence) break;
      // Ordering: the seal is read before the count, so that a count read after a seal is final.
      const sealed = Atomics.load(this.words, (at + slotField.sealed) >> 2) === 1;
      const committed = Atomics.load(this.words, (at + slotField.committed) >> 2);
      const chunk = this.takePiece(at, committed);
      if (chunk !== undefined) {
        chunks.push(chunk);
        bytes += chunk.length;
      }
      if (!sealed) break;
      this.sequence++;
      this.position = 0;
    }
    return { chunks, takenThrough: this.sequence - 1 };
  }

  /** How far this thread's events were taken. Undefined before the first. */
  get watermark(): Watermark | undefined {
    return this.mark;
  }

  /** Whether a poll was open where the events that were taken end. */
  get insidePoll(): boolean {
    return this.context !== undefined && this.context.openPolls.length > 0;
  }

  /** The innermost of them. */
  get openPoll(): OpenPoll | undefined {
    return this.context?.openPolls.at(-1);
  }

  /** Nothing was published up to that tick: the mark moves on. */
  raiseWatermark(tick: number): void {
    if (this.mark !== undefined && tick > this.mark.tick) this.mark = { ...this.mark, tick };
  }

  /** Gives slots back to the program's thread. Only slots that take() has passed. */
  free(throughSequence: number): void {
    while (this.freedSequence < throughSequence) {
      this.freedSequence++;
      const at = this.slotAt(this.freedSequence);
      // Ordering: release; everything of the slot was read before.
      Atomics.store(this.words, (at + slotField.state) >> 2, slotState.free);
    }
  }

  /** Goes back to the oldest slot that was not given back: what was taken of it may not have arrived. */
  rewind(): void {
    this.sequence = this.freedSequence + 1;
    this.position = 0;
    this.context = undefined;
  }

  private takePiece(at: number, committed: number): Uint8Array | undefined {
    const contextBytes = this.words[(at + slotField.contextBytes) >> 2] ?? 0;
    const end = committed - contextBytes;
    if (end <= this.position) return undefined;
    const payloadAt = at + slotHeaderBytes;
    const offset = this.position;
    const context =
      offset === 0 || this.context === undefined ? this.contextAtStart(at, contextBytes) : this.context;
    this.context = context;
    // A copy outside the shared memory: sockets and decoders want bytes that nobody else writes.
    const events = this.bytes.slice(payloadAt + contextBytes + offset, payloadAt + contextBytes + end);
    const writer = new ByteWriter();
    const head = {
      thread: this.thread,
      sequence: this.sequence,
      offset,
      dropped: this.double(at, slotField.dropped),
      firstTick: context.tick,
      openPolls: [...context.openPolls],
      openFrames: [...context.openFrames],
      openJob: context.openJob,
    };
    context.tick = walk(context, events);
    writeChunkHead(writer, { ...head, lastTick: context.tick });
    this.position = end;
    this.mark = {
      thread: this.thread,
      tick: Math.max(context.tick, this.mark?.tick ?? 0),
      sequence: this.sequence,
      end,
    };
    return writer.raw(events).take();
  }

  private contextAtStart(at: number, contextBytes: number): Context {
    const start = at + slotHeaderBytes;
    const reader = new ByteReader(this.bytes.slice(start, start + contextBytes));
    const open = decodeContext(reader);
    return {
      tick: this.double(at, slotField.firstTick),
      openPolls: [...open.openPolls],
      openFrames: [...open.openFrames],
      openJob: open.openJob,
    };
  }

  private slotAt(sequence: number): number {
    return this.layout.slotsAt + ((sequence - 1) % this.layout.slotCount) * slotBytes;
  }

  private double(at: number, field: number): number {
    return this.doubles[(at + field) >> 3] ?? 0;
  }
}

/** Brings the context to the end of these events. Returns the last tick. */
function walk(context: Context, events: Uint8Array): number {
  return decodeEvents(events, 0, events.length, context.tick, plan, (kind, tick, fields) => {
    if (kind === eventKind.pollStart)
      context.openPolls.push({
        task: fields[eventField.pollStart.task] ?? 0,
        epoch: fields[eventField.pollStart.epoch] ?? 0,
        startTick: tick,
      });
    else if (kind === eventKind.pollEnd) context.openPolls.pop();
    else if (kind === eventKind.frameEnter) context.openFrames.push(fields[eventField.frameEnter.frame] ?? 0);
    else if (kind === eventKind.frameLeave) context.openFrames.pop();
  });
}
