// Owns the events that Node's own tasks and frames need beyond what the executor tells.
// Knows nothing of hooks.
//
// One instant often has several events: a continuation that ends tells where its call waits, that it is left, the end
// of the poll and the next wake. The clock costs 40 ns and publishing 10, so whoever calls reads the clock once for all
// of them (`instant`) and publishes them together.
import { put } from '../probe/event-ring.ts';
import { Recorder } from '../probe/recorder.ts';
import { causeKind, detail, eventKind, frameKindOfTask, shortKind, wakeEffect } from '../wire/index.ts';
import type { Place } from './places.ts';

/** What is told of a call. */
export interface ToldCall {
  readonly id: number;
  readonly parent: number;
  readonly task: { readonly id: number };
  readonly call: { readonly place: Place };
  readonly waitsAt: Place | undefined;
  readonly onKind: number;
  readonly onId: number;
}

export class NodeRecorder extends Recorder {
  private instantAt = -1;

  /** Whether each call of an async function is told as it begins; else only those that come to wait. */
  get tellsCalls(): boolean {
    return this.full;
  }

  instant(): number {
    return this.tick();
  }

  /** What was begun since the last time is seen from here on. */
  publish(): void {
    this.events.commit();
  }

  /** The instant that ended just now is also that at which the next continuation of the same queue begins. */
  keepInstant(tick: number): void {
    this.instantAt = tick;
  }

  /** The instant that was kept, once; else a new one. */
  takeInstant(): number {
    const kept = this.instantAt;
    this.instantAt = -1;
    return kept < 0 ? this.tick() : kept;
  }

  /** The instant that was kept, which stays so; else a new one. */
  passingInstant(): number {
    return this.instantAt < 0 ? this.tick() : this.instantAt;
  }

  /** The task ended with the last that was told of this thread: it is only told later. */
  taskOver(task: number, outcome: 'completed' | 'cancelled'): void {
    this.taskEndedAt(this.events.lastTick, task, outcome, 0);
  }

  pollBegins(task: number, epoch: number, tick: number): void {
    const { events } = this;
    const at = this.mayWrite ? events.beginRun(eventKind.pollStart, tick, 1) : -1;
    if (at < 0) this.write(eventKind.pollStart, tick, 2, task, epoch);
    else events.endRun(put(events.bytes, put(events.bytes, at, task), epoch));
    events.openPolls.push(task, epoch, Math.max(tick, events.lastTick));
  }

  pollEnds(tick: number): void {
    if (this.events.openPolls.length === 0) return;
    if (this.looks.anyLookedAt) this.looks.pollEnds();
    this.write(shortKind.pollPending, tick, 0, 0);
    this.events.openPolls.pop();
  }

  /**
   * A continuation of the task ends with an await of its call whose value is there: it waits, the poll ends, and the
   * task wakes itself. As frameWaits, pollEnds and woken tell it, at a third of their cost; false when it cannot be.
   */
  turnEnds(frame: ToldCall, task: number, epoch: number, tick: number): boolean {
    const { events } = this;
    const siteId = frame.waitsAt?.siteId ?? 0;
    if (siteId === 0 || !this.mayWrite || this.looks.anyLookedAt || events.openPolls.length === 0)
      return false;
    const { bytes } = events;
    let at = events.beginRun(eventKind.waitStart, tick, 3);
    if (at < 0) return false;
    at = put(bytes, at, frame.id);
    bytes[at] = frame.onKind;
    at = put(bytes, at + 1, frame.onId);
    bytes[at] = 0;
    at = put(bytes, at + 1, siteId);
    bytes[at] = 0;
    bytes[at + 1] = shortKind.pollPending;
    bytes[at + 2] = 0;
    bytes[at + 3] = eventKind.wakeFrom;
    bytes[at + 4] = 0;
    at = put(bytes, at + 5, task);
    at = put(bytes, at, epoch);
    bytes[at] = wakeEffect.scheduled;
    bytes[at + 1] = causeKind.poll;
    at = put(bytes, at + 2, task);
    events.endRun(put(bytes, at, epoch));
    events.openPolls.pop();
    return true;
  }

  /** The task is to be polled once more: `epoch` polls of it have begun. */
  woken(task: number, epoch: number, running: boolean, cause: number, causeId: number, tick: number): void {
    const effect = running ? wakeEffect.whileRunning : wakeEffect.scheduled;
    // Nothing of ours runs at this time: then the wake is of the thread, which is what the plain record says.
    if (cause === causeKind.unknown) this.write(eventKind.wake, tick, 3, task, epoch, effect);
    else this.write(eventKind.wakeFrom, tick, 6, task, epoch, effect, cause, causeId, epoch);
  }

  frameOpen(frame: ToldCall, tick: number): void {
    const { place } = frame.call;
    const site = this.siteOf(place);
    if (place.nameId === 0) place.nameId = this.dictionary.text(place.functionName);
    const name = place.nameId;
    const { asyncCall } = frameKindOfTask;
    this.write(eventKind.frameOpen, tick, 6, frame.id, frame.parent, frame.task.id, asyncCall, site, name);
  }

  frameEnter(frame: number, tick: number): void {
    this.write(eventKind.frameEnter, tick, 1, frame);
    this.events.openFrames.push(frame);
  }

  frameLeave(outcome: number, tick: number): void {
    // Empty when it was entered before a pause of the recording.
    if (this.events.openFrames.length === 0) return;
    this.write(eventKind.frameLeave, tick, 1, outcome);
    this.events.openFrames.pop();
  }

  frameEnd(frame: number, outcome: number, tick: number): void {
    this.write(eventKind.frameEnd, tick, 2, frame, outcome);
  }

  frameWaits(frame: ToldCall, tick: number): void {
    this.waitAt(frame.id, frame.onKind, frame.onId, frame.waitsAt, tick);
  }

  /** What is awaited outside any call that is told; published at once. */
  waits(frame: number, onFrame: number, place: Place): void {
    this.waitAt(frame, onFrame === 0 ? causeKind.unknown : causeKind.frame, onFrame, place, this.tick());
    this.publish();
  }

  /** What the frame awaits was settled. */
  frameWoken(frame: number, cause: number, causeId: number, tick: number): void {
    this.write(eventKind.frameWake, tick, 3, frame, cause, causeId);
  }

  /** The frame's promise held a value. */
  frameSettled(frame: number): void {
    this.write(eventKind.settle, this.passingInstant(), 1, frame);
    this.publish();
  }

  /** The frame's promise held an error of that name. */
  frameRejected(frame: number, errorName: string): void {
    const name = this.dictionary.text(errorName);
    this.write(eventKind.reject, this.passingInstant(), 2, frame, name);
    this.publish();
  }

  /** The tick of the event that was written last: an event is never before another one. */
  get lastTick(): number {
    return this.events.lastTick;
  }

  /** What the frame awaited held an error; its frameWake stands at that tick. */
  waitRejected(frame: number, wokenAt: number, errorName: string): void {
    const name = this.dictionary.text(errorName);
    const tick = Math.max(this.passingInstant(), this.events.lastTick);
    this.write(eventKind.waitRejected, tick, 3, frame, tick - wokenAt, name);
    this.publish();
  }

  override setDetail(level: number): void {
    const open = this.events.openFrames.slice();
    super.setDetail(level);
    // Frames are told at each level but off, so what is entered stays so.
    if (level !== detail.off) this.events.openFrames.splice(0, this.events.openFrames.length, ...open);
  }

  private waitAt(frame: number, onKind: number, onId: number, place: Place | undefined, tick: number): void {
    const site = place === undefined ? 0 : this.siteOf(place);
    this.write(eventKind.waitStart, tick, 6, frame, onKind, onId, 0, site, 0);
  }

  private write(
    kind: number,
    tick: number,
    count: number,
    a: number,
    b = 0,
    c = 0,
    d = 0,
    e = 0,
    f = 0,
  ): void {
    if (this.mayWrite) this.events.write(kind, tick, count, a, b, c, d, e, f);
  }

  private siteOf(place: Place): number {
    if (place.siteId === 0) place.siteId = this.dictionary.site(place.site);
    return place.siteId;
  }
}
