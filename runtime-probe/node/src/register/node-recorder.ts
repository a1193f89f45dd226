// Owns the events that Node's own tasks need beyond what the executor tells.
// Knows nothing of hooks.
import { Recorder } from '../probe/recorder.ts';
import { causeKind, eventKind, wakeEffect } from '../wire/index.ts';

export class NodeRecorder extends Recorder {
  /** The task is to be polled once more: `epoch` polls of it have begun. */
  woken(task: number, epoch: number, running: boolean, cause: number, causeId: number): void {
    this.wokenAt(task, epoch, running, cause, causeId, this.tick());
  }

  /** A wake and the poll that it made, at one reading of the clock: where only the callback tells of the wake. */
  wokenPoll(task: number, epoch: number, cause: number, causeId: number): void {
    const tick = this.tick();
    this.wokenAt(task, epoch - 1, false, cause, causeId, tick);
    this.pollStartAt(task, epoch, tick);
  }

  private wokenAt(
    task: number,
    epoch: number,
    running: boolean,
    cause: number,
    causeId: number,
    tick: number,
  ): void {
    // Nothing of ours runs at this time: then the wake is of the thread, which is what the plain record says.
    const plain = cause === causeKind.unknown;
    if (!this.beginAt(plain ? eventKind.wake : eventKind.wakeFrom, tick)) return;
    this.events.uint(task);
    this.events.uint(epoch);
    this.events.uint(running ? wakeEffect.whileRunning : wakeEffect.scheduled);
    if (!plain) {
      this.events.uint(cause);
      this.events.uint(causeId);
      this.events.uint(epoch);
    }
    this.events.commit();
  }
}
