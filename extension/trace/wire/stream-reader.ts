// Owns the state of one stream: which frames came, up to where each thread was read, where the gaps are,
// what is open on each thread. Hands facts to the model. Knows nothing of queries.
import {
  type ChunkHead,
  checkEvents,
  type DictionaryRecord,
  decodeAnchor,
  decodeChunkHead,
  decodeDictionary,
  decodeEnd,
  decodeHello,
  decodeWatermarks,
  EventPlan,
  frameKind,
  type Hello,
  visibility,
  WireError,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { none } from '../model/columns.ts';
import type { OpenPoll, Thread } from '../model/entities.ts';
import type { Model } from '../model/model.ts';
import { EventReader } from './event-reader.ts';
import { TickClock } from './ticks.ts';

/** Slots keep a thread's index in 16 bits. */
const threadLimit = 65_535;

export class StreamReader {
  private readonly model: Model;
  private readonly events: EventReader;
  private plan: EventPlan | undefined;
  hello: Hello | undefined;
  clock = new TickClock(1_000_000_000n);
  ended = false;
  hasWatermarks = false;
  private dictionarySequence = 0;
  private dictionaryEnd = 0;

  constructor(model: Model) {
    this.model = model;
    this.events = new EventReader(model);
  }

  /** Throws WireError and leaves the model as it was when the frame is none that a stream may hold. */
  pushFrame(kind: number, payload: Uint8Array): void {
    if (kind === frameKind.hello) {
      this.takeHello(decodeHello(payload));
      return;
    }
    if (this.hello === undefined || this.plan === undefined)
      throw new WireError(`a stream begins with a hello, not with a frame of kind ${kind}`, 0);
    if (kind === frameKind.dictionary) this.takeDictionary(payload, this.hello);
    else if (kind === frameKind.chunk) this.takeChunk(payload, this.plan);
    else if (kind === frameKind.watermarks) this.takeWatermarks(payload);
    else if (kind === frameKind.anchor) decodeAnchor(payload);
    else if (kind === frameKind.end) {
      decodeEnd(payload);
      this.ended = true;
    }
  }

  dictionaryPosition(): { sequence: number; end: number } {
    return { sequence: this.dictionarySequence, end: this.dictionaryEnd };
  }

  private takeHello(hello: Hello): void {
    const before = this.hello;
    if (before !== undefined && before.session !== hello.session)
      throw new WireError(
        `a stream of session ${before.session} cannot go on as session ${hello.session}`,
        0,
      );
    if (before !== undefined && before.tickRate !== hello.tickRate)
      throw new WireError(
        `the tick rate changed from ${before.tickRate} to ${hello.tickRate} inside a session`,
        0,
      );
    this.hello = hello;
    this.plan = new EventPlan(hello.shapes);
    this.clock = new TickClock(hello.tickRate);
    // A program that reconnects after its end frame lives on.
    this.ended = false;
    this.model.detail = hello.detail;
    const jobThreads = hello.capabilities.find((each) => each.name === 'jobThreads');
    this.model.jobThreadsRecorded =
      jobThreads === undefined || jobThreads.visibility !== visibility.notRecorded;
  }

  private takeDictionary(payload: Uint8Array, hello: Hello): void {
    const records: DictionaryRecord[] = [];
    const head = decodeDictionary(payload, hello.shapes, (record) => records.push(record));
    for (const record of records) this.model.define(record);
    this.model.dictionaryBytes += payload.length;
    if (head.sequence < this.dictionarySequence) return;
    const end = head.offset + payload.length - headLength(head);
    this.dictionaryEnd = head.sequence > this.dictionarySequence ? end : Math.max(this.dictionaryEnd, end);
    this.dictionarySequence = head.sequence;
  }

  private takeWatermarks(payload: Uint8Array): void {
    for (const mark of decodeWatermarks(payload)) {
      const ns = this.clock.toNs(mark.tick);
      const thread = this.roomFor(mark.thread);
      thread.watermarkNs = Math.max(thread.watermarkNs, ns);
      if (!this.model.full) this.model.endNs = Math.max(this.model.endNs, ns);
      this.hasWatermarks = true;
    }
  }

  private roomFor(id: number): Thread {
    if (this.model.threads.length >= threadLimit && this.model.thread(id) === undefined)
      throw new WireError(`a session of more than ${threadLimit} threads cannot be read`, 0);
    return this.model.threadFor(id);
  }

  private takeChunk(payload: Uint8Array, plan: EventPlan): void {
    const head = decodeChunkHead(payload);
    const eventCount = checkEvents(payload, head.eventsAt, payload.length, plan);
    const thread = this.roomFor(head.thread);
    if (head.sequence < thread.sequence) return;
    const sameSlot = head.sequence === thread.sequence;
    const alreadyRead = sameSlot ? thread.end : 0;
    if (!(sameSlot && head.offset < thread.end)) {
      if (this.model.full) this.countDropped(thread, head);
      else this.meetHead(thread, head);
    }
    thread.sequence = head.sequence;
    thread.end = Math.max(alreadyRead, head.offset + payload.length - head.eventsAt);
    if (eventCount === 0) return;
    const skipTo = head.eventsAt + Math.max(0, alreadyRead - head.offset);
    this.events.read(thread, this.clock, payload, head.eventsAt, skipTo, head.firstTick, plan);
    if (!this.model.full && thread.lastNs > this.model.endNs) this.model.endNs = thread.lastNs;
  }

  /** A gap where the chunk does not follow what was read; what is open where it does not say so itself. */
  private meetHead(thread: Thread, head: ChunkHead): void {
    const lost = head.dropped > thread.dropped || head.sequence > thread.sequence + 1;
    if (lost) {
      const dropped = Math.max(0, head.dropped - thread.dropped);
      const toNs = Math.max(thread.lastNs, this.clock.toNs(head.firstTick));
      this.model.gaps.add({ thread: thread.id, fromNs: thread.lastNs, toNs, dropped });
      this.model.counts.dropped += dropped;
      this.model.invalidateFrom(thread.lastNs);
      this.cutAtGap(thread, head);
    }
    if (lost || thread.eventCount === 0) this.openAsHeadSays(thread, head);
    thread.dropped = Math.max(thread.dropped, head.dropped);
  }

  private countDropped(thread: Thread, head: ChunkHead): void {
    this.model.counts.dropped += Math.max(0, head.dropped - thread.dropped);
    thread.dropped = Math.max(thread.dropped, head.dropped);
  }

  private cutAtGap(thread: Thread, head: ChunkHead): void {
    const named = (poll: OpenPoll) =>
      head.openPolls.some((each) => each.task === poll.task.id && each.epoch === poll.epoch);
    for (const poll of thread.open)
      if (!named(poll)) this.model.pollEnds(poll, thread.lastNs, 0, true, thread.log.length);
    if (thread.open[0] !== undefined && !named(thread.open[0])) thread.polls.end();
    thread.parks.end(thread.lastNs);
    thread.turns.end(thread.lastNs);
    thread.lockParks.end(thread.lastNs);
    if (thread.openJob !== head.openJob) thread.jobs.end(thread.lastNs);
  }

  private openAsHeadSays(thread: Thread, head: ChunkHead): void {
    const held = thread.open;
    thread.open = [];
    for (const each of head.openPolls) {
      const known = held.find((poll) => poll.task.id === each.task && poll.epoch === each.epoch);
      if (known !== undefined) thread.open.push(known);
      else {
        const startNs = this.clock.toNs(each.startTick);
        const task = this.model.taskFor(each.task, startNs);
        thread.open.push(this.model.pollBegins(task, each.epoch, startNs, thread, noLog));
      }
    }
    thread.openFrames = [...head.openFrames];
    if (head.openJob !== 0 && head.openJob !== thread.openJob)
      this.events.jobRuns(thread, head.openJob, this.clock.toNs(head.firstTick));
    thread.openJob = head.openJob;
  }
}

/** A poll that a chunk's head names began in what was lost: nothing of the log is its. */
const noLog = none;

function headLength(head: { readonly sequence: number; readonly offset: number }): number {
  return lengthOf(head.sequence) + lengthOf(head.offset);
}

/** Bytes of a number on the wire. */
function lengthOf(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}
