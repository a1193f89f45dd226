// Owns ring files that outlived their program and its collector, or a program that recorded itself: what they hold goes
// behind the recording that was left, then they are removed. Must not touch a session whose program is connected, nor what another
// collector works on.
import type { Log } from './log.ts';
import { isOpenElsewhere } from './processes.ts';
import { findRecording } from './recording-folder.ts';
import { type LeftOverRing, leftOverRings, removeLeftOverRing } from './ring-file.ts';
import { ownRecordingOf, type RingSalvage } from './ring-salvage.ts';

/** A ring takes up to 8 MiB of memory; a program that dies before it finds its new collector waits this long. */
const intervalMs = 10_000;
/** The recording can be in the folder of another window's collector, which may start within this time. */
const strangerAgeMs = 10 * 60 * 1000;

export class RingSweep {
  private readonly recordingsFolder: string;
  private readonly salvage: RingSalvage;
  private readonly log: Log;
  /** Of a session that this collector holds, the ring is read by what holds it. */
  private readonly isHeldHere: (session: string) => boolean;
  /** Paths that were tried in vain and said so. */
  private readonly failed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    recordingsFolder: string,
    salvage: RingSalvage,
    log: Log,
    isHeldHere: (session: string) => boolean,
  ) {
    this.recordingsFolder = recordingsFolder;
    this.salvage = salvage;
    this.log = log;
    this.isHeldHere = isHeldHere;
  }

  /** Sweeps now and again and again until `stop`. */
  start(): void {
    void this.sweep().finally(() => {
      if (this.stopped) return;
      this.timer = setTimeout(() => this.start(), intervalMs);
      this.timer.unref();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async sweep(): Promise<void> {
    for (const ring of leftOverRings()) {
      if (this.stopped || this.isHeldHere(ring.session)) continue;
      try {
        await this.settle(ring);
      } catch (error) {
        this.complain(ring, error as Error);
      }
    }
  }

  private complain(ring: LeftOverRing, error: Error): void {
    if (this.failed.has(ring.path)) return;
    this.failed.add(ring.path);
    this.log.warning(
      `session ${ring.session}: the last events of its program (pid ${ring.pid}, gone) could not be saved from ${ring.path}: ${error.message}. The file is removed ${strangerAgeMs / 60_000} minutes after the program began to write it`,
    );
  }

  private async settle(ring: LeftOverRing): Promise<void> {
    const recording = this.failed.has(ring.path)
      ? undefined
      : (ownRecordingOf(ring) ?? findRecording(this.recordingsFolder, ring.session));
    if (recording === undefined) {
      if (ring.ageMs < strangerAgeMs || isOpenElsewhere([ring.path])) return;
      removeLeftOverRing(ring);
      this.log.info(
        `removed ${ring.path}: its program (pid ${ring.pid}) is gone, and no recording of its session is here`,
      );
      return;
    }
    // Another collector reads it at this moment, and removes it.
    if (isOpenElsewhere([ring.path, recording])) return;
    const frames = await this.salvage.append(ring, recording);
    this.log.info(
      `session ${ring.session}: its program (pid ${ring.pid}) was killed; ${frames} frames of its last events were added to ${recording}. Open that file to look at them`,
    );
  }
}
