// Owns the events that Node's own tasks need beyond what the executor tells.
// Knows nothing of hooks.
import { Recorder } from '../probe/recorder.ts';
import { causeKind, eventKind, wakeEffect } from '../wire/index.ts';

export class NodeRecorder extends Recorder {
  /**
   * A wake and the poll that it made, at one reading of the clock. Node tells nothing when it queues a continuation,
   * so the wake is known only when it has taken effect.
   */
  wokenPoll(task: number, epoch: number, cause: number, causeId: number): void {
    const tick = this.tick();
    // Nothing of ours runs at this time: then the wake is of the thread, which is what the plain record says.
    const plain = cause === causeKind.unknown;
    if (this.beginAt(plain ? eventKind.wake : eventKind.wakeFrom, tick)) {
      this.events.uint(task);
      this.events.uint(epoch - 1);
      this.events.uint(wakeEffect.scheduled);
      if (!plain) {
        this.events.uint(cause);
        this.events.uint(causeId);
        this.events.uint(epoch - 1);
      }
      this.events.commit();
    }
    this.pollStartAt(task, epoch, tick);
  }
}
