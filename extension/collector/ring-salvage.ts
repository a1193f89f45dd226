// Owns putting what a left-over ring holds behind the recording that its program, or its collector, left.
// Must not know when that is tried.
import type { Log } from './log.ts';
import { isOpenElsewhere } from './processes.ts';
import { sessionOfRecording } from './recording-folder.ts';
import { reviveRecording } from './replay.ts';
import { type LeftOverRing, leftOverRings, RingFile, removeLeftOverRing } from './ring-file.ts';

export class RingSalvage {
  private readonly memoryBudgetBytes: number;
  private readonly log: Log;
  /** By the ring's path: two that write behind one recording at once would spoil it. */
  private readonly underWay = new Map<string, Promise<number>>();

  constructor(memoryBudgetBytes: number, log: Log) {
    this.memoryBudgetBytes = memoryBudgetBytes;
    this.log = log;
  }

  /**
   * Answers how many frames were new; then the recording is whole and the ring is gone.
   * Throws where nothing can be written behind the recording; then the ring stays.
   */
  append(ring: LeftOverRing, recording: string): Promise<number> {
    const underWay = this.underWay.get(ring.path);
    if (underWay !== undefined) return underWay;
    const appending = this.appendNow(ring, recording).finally(() => this.underWay.delete(ring.path));
    this.underWay.set(ring.path, appending);
    return appending;
  }

  private async appendNow(ring: LeftOverRing, recording: string): Promise<number> {
    const session = await reviveRecording(recording, this.memoryBudgetBytes);
    let frames = 0;
    // Else its program said its end and was killed before it removed the ring: everything was sent.
    if (session.state !== 'ended') {
      session.ring = RingFile.open({ ringFile: ring.path, pid: ring.pid, session: ring.session });
      try {
        const writer = session.continueRecording();
        if (writer === undefined) return 0;
        session.recordTo(writer);
        const tail = session.readRingTail();
        frames = tail.frames;
        for (const problem of tail.problems)
          this.log.warning(
            `session ${ring.session}: a part of ${ring.path} cannot be read and is left out: ${problem}`,
          );
        await session.closeRecording();
        if (writer.failure !== '') throw new Error(writer.failure);
      } finally {
        session.closeRing();
      }
    }
    removeLeftOverRing(ring);
    return frames;
  }

  /**
   * Before a recording is read: if its program was killed, what it had published and not written goes behind it.
   * A program that runs, and a recording that another collector works on, is left alone.
   */
  async complete(recording: string): Promise<void> {
    const session = sessionOfRecording(recording);
    const ring = leftOverRings().find((each) => each.session === session);
    if (ring === undefined || isOpenElsewhere([ring.path, recording])) return;
    try {
      const frames = await this.append(ring, recording);
      this.log.info(
        `${recording}: its program (pid ${ring.pid}) was killed; ${frames} frames of its last events were added`,
      );
    } catch (error) {
      this.log.warning(
        `${recording}: the last events of its program (pid ${ring.pid}, gone) could not be saved from ${ring.path}: ${(error as Error).message}`,
      );
    }
  }
}

/** The recording that the ring's program wrote itself; undefined when it wrote none, or that is gone. */
export function ownRecordingOf(ring: LeftOverRing): string | undefined {
  let file: RingFile;
  try {
    file = RingFile.open({ ringFile: ring.path, pid: ring.pid, session: ring.session });
  } catch {
    return undefined;
  }
  const { recording } = file;
  file.close();
  // The path comes from outside: only a recording of that very session is written to.
  return recording !== '' && sessionOfRecording(recording) === ring.session ? recording : undefined;
}
