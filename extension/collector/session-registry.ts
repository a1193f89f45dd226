// Owns which sessions there are, and what happens when a program comes, goes, stops or comes back:
// recordings, ring files, quota. Must not know sockets, nor how viewers ask.
import { rmSync } from 'node:fs';
import type { Hello } from '../../runtime-probe/protocol/typescript/index.ts';
import type { DebuggerEvent, SessionSummary } from '../messages/queries.ts';
import { TraceSession } from '../trace/session.ts';
import { CollectorSession, type ProgramLink } from './collector-session.ts';
import type { Log } from './log.ts';
import { isProcessAlive } from './processes.ts';
import { RecordingWriter } from './recording.ts';
import { enforceQuota, recordingName } from './recording-folder.ts';
import { RingFile } from './ring-file.ts';

export interface RegistrySettings {
  readonly recordingsFolder: string;
  readonly quotaBytes: number;
  /** For the engine of each session. */
  readonly memoryBudgetBytes: number;
}

/** A hello that names a session whose program is connected already. */
export class DuplicateSessionError extends Error {
  override readonly name = 'DuplicateSessionError';
}

/** Ended sessions that stay in memory, and as many opened ones; recordings stay on disk and can be opened. */
const keptWithoutProgram = 8;
/** A killed program's socket closes a moment before the process is gone; after this long it is alive. */
const deathWaitMs = 2000;
const deathPollMs = 20;
/** A program that lost its connection and lives may come back or die: looked at once a second. */
const lostPollMs = 1000;
/** What the program wrote before a stop is on the socket within this time; after it, silence means that all came. */
const quietMs = 20;
const stopReadAttempts = 25;
/** A program writes at most some hundred MB in that time, by which the quota can be passed. */
const quotaIntervalMs = 2000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class SessionRegistry {
  /** Something about a session changed; `comesOrGoes` when one is new, lost its program or is forgotten. */
  onChange: (comesOrGoes: boolean) => void = () => {};

  private readonly settings: RegistrySettings;
  private readonly log: Log;
  private readonly sessions = new Map<string, CollectorSession>();
  private readonly quotaTimer: NodeJS.Timeout;
  private closed = false;

  constructor(settings: RegistrySettings, log: Log) {
    this.settings = settings;
    this.log = log;
    this.quotaTimer = setInterval(() => {
      if (this.connectedCount > 0) this.keepQuota();
    }, quotaIntervalMs);
    this.quotaTimer.unref();
    this.keepQuota();
  }

  get connectedCount(): number {
    return this.all().filter((session) => session.link !== undefined).length;
  }

  get(id: string): CollectorSession | undefined {
    return this.sessions.get(id);
  }

  all(): CollectorSession[] {
    return [...this.sessions.values()];
  }

  summaries(): SessionSummary[] {
    return this.all().map((session) => session.summary());
  }

  /** A program said hello: its session, new or gone on with. The hello itself is not pushed yet. */
  attach(hello: Hello, link: ProgramLink): CollectorSession {
    const { memoryBudgetBytes } = this.settings;
    let session = this.sessions.get(hello.session);
    if (session?.link !== undefined)
      throw new DuplicateSessionError(
        `session ${hello.session} has a connected program (pid ${session.hello?.pid ?? 0}); this second one (pid ${hello.pid}) is not taken`,
      );
    const isNew = session === undefined || session.state === 'opened';
    if (session === undefined || session.state === 'opened') {
      session = new CollectorSession(hello.session, 'live', new TraceSession({ memoryBudgetBytes }));
      this.sessions.set(session.id, session);
    }
    session.link = link;
    session.state = 'live';
    session.streamProblem = '';
    this.log.info(
      `${isNew ? 'session' : 'session again'} ${session.id}: ${hello.program} (pid ${hello.pid})`,
    );
    this.openRing(session, hello);
    this.openRecording(session, hello);
    this.keepQuota();
    return session;
  }

  /** The first hello of a session was not understood: there is nothing to show of it. */
  drop(session: CollectorSession): void {
    session.link = undefined;
    session.closeRing();
    // Nothing but its head was written.
    void session.closeRecording().then(() => rmSync(session.recordingPath, { force: true }));
    this.sessions.delete(session.id);
    this.onChange(true);
  }

  /** The connection of a session is over. Resolves when its recording is whole. */
  async detach(session: CollectorSession, link: ProgramLink, reason: string): Promise<void> {
    if (session.link !== link) return;
    session.link = undefined;
    session.endedMs = Date.now();
    session.state = session.engine.ended ? 'ended' : 'cut';
    this.log.info(`session ${session.id} ${session.state}: ${reason}`);
    this.onChange(true);
    const isOver = (): boolean => session.link === undefined && !this.closed;
    if (session.ring !== undefined && !session.engine.ended)
      await this.readRingOfLost(session, reason, isOver);
    else if (session.state === 'cut') session.engine.markCut(reason);
    if (session.link !== undefined) return;
    session.closeRing();
    await session.closeRecording();
    this.forgetOldest();
    this.keepQuota();
    this.onChange(true);
  }

  /** Waits for the program's death (or its return), and adds what it published and could not send. */
  private async readRingOfLost(
    session: CollectorSession,
    reason: string,
    isOver: () => boolean,
  ): Promise<void> {
    const ring = session.ring as RingFile;
    const deadlineMs = Date.now() + deathWaitMs;
    while (isOver() && isProcessAlive(ring.pid) && Date.now() < deadlineMs) await wait(deathPollMs);
    if (isOver() && isProcessAlive(ring.pid)) {
      session.engine.markCut(`${reason}; the program goes on without a connection`);
      this.onChange(true);
      while (isOver() && isProcessAlive(ring.pid)) await wait(lostPollMs);
    }
    if (session.link !== undefined || isProcessAlive(ring.pid)) return;
    const tail = session.readRingTail();
    this.logTail(session, tail.frames, tail.problems);
    session.engine.markCut(reason);
    ring.remove();
  }

  /** Tells every live session of a launch. Answers how many there were. */
  debuggerEvent(event: DebuggerEvent): number {
    const hit = this.all().filter(
      (session) => session.link !== undefined && session.hello?.launch === event.launch,
    );
    for (const session of hit) {
      session.addDebuggerEvent(event);
      if (event.event === 'stop' && session.ring !== undefined) void this.readRingAtStop(session);
    }
    if (hit.length > 0) this.onChange(true);
    return hit.length;
  }

  /** All threads stand, the program's flusher too: what it published and did not send is in the ring only. */
  private async readRingAtStop(session: CollectorSession): Promise<void> {
    for (let attempt = 0; attempt < stopReadAttempts; attempt++) {
      const silentMs = Date.now() - (session.link?.lastDataMs ?? 0);
      if (silentMs < quietMs) await wait(quietMs - silentMs);
      // The socket brings everything once the program goes on.
      if (session.link === undefined || !session.engine.stopped()) return;
      if (Date.now() - session.link.lastDataMs < quietMs) continue;
      const tail = session.readRingTail();
      if (!tail.complete) {
        await wait(quietMs);
        continue;
      }
      this.logTail(session, tail.frames, tail.problems);
      this.onChange(false);
      return;
    }
    this.log.warning(
      `session ${session.id}: its ring was not read at the stop, because the socket had not brought what lies before it`,
    );
  }

  private logTail(session: CollectorSession, frames: number, problems: readonly string[]): void {
    if (frames > 0) this.log.info(`session ${session.id}: ${frames} frames read from its ring`);
    for (const problem of problems) this.log.warning(`session ${session.id}, ring: ${problem}`);
  }

  /** A session read from a recording. */
  add(session: CollectorSession): void {
    session.endedMs = Date.now();
    this.sessions.set(session.id, session);
    this.forgetOldest();
    this.onChange(true);
  }

  /** False when there is none, or its program is connected. */
  forget(id: string): boolean {
    const session = this.sessions.get(id);
    if (session === undefined || session.link !== undefined) return false;
    session.closeRing();
    this.sessions.delete(id);
    this.onChange(true);
    return true;
  }

  /** Every recording is whole on return. */
  async close(): Promise<void> {
    clearInterval(this.quotaTimer);
    const links = this.all().map((session) => session.link);
    for (const link of links) link?.close('the collector ends');
    this.closed = true;
    for (const session of this.all()) {
      session.closeRing();
      await session.closeRecording();
    }
  }

  private openRing(session: CollectorSession, hello: Hello): void {
    session.closeRing();
    if (hello.ringFile === '') return;
    try {
      session.ring = RingFile.open(hello);
    } catch (error) {
      this.log.warning(`session ${session.id}: its ring file is not used: ${(error as Error).message}`);
    }
  }

  /** Without a recording the session goes on: what is live can be looked at all the same. */
  private openRecording(session: CollectorSession, hello: Hello): void {
    // Still open where the program came back before its loss was dealt with.
    if (session.recorder !== undefined) return;
    const { recordingsFolder } = this.settings;
    try {
      session.recordTo(
        session.continueRecording() ??
          RecordingWriter.create(recordingsFolder, recordingName(hello.program, hello.session, new Date())),
      );
    } catch (error) {
      const problem = `no recording is kept: ${(error as Error).message}`;
      session.noteRecordingProblem(problem);
      this.log.error(`session ${session.id}: ${problem}`);
    }
  }

  private keepQuota(): void {
    const { recordingsFolder, quotaBytes } = this.settings;
    const inUse = this.all().filter(
      (session) => session.recorder !== undefined || session.state === 'opened',
    );
    try {
      const paths = new Set(inUse.map((session) => session.recordingPath));
      const { deleted, totalBytes } = enforceQuota(recordingsFolder, quotaBytes, paths);
      for (const path of deleted) {
        this.log.info(`deleted ${path}: recordings were over ${quotaBytes} bytes`);
        for (const session of this.all()) if (session.recordingPath === path) session.recordingPath = '';
      }
      if (totalBytes > quotaBytes) this.stopLargest(quotaBytes);
    } catch (error) {
      this.log.error(`the quota of ${recordingsFolder} could not be kept: ${(error as Error).message}`);
    }
  }

  private stopLargest(quotaBytes: number): void {
    const writers = this.all().flatMap((session) => session.recorder ?? []);
    const running = writers.filter((writer) => writer.failure === '');
    const largest = running.sort((a, b) => b.totalBytes - a.totalBytes)[0];
    if (largest === undefined) return;
    largest.stop(`the recording ends here: recordings reached the quota of ${quotaBytes} bytes`);
    this.log.warning(
      `${largest.path} is not written any further: the quota of ${quotaBytes} bytes is reached`,
    );
  }

  /** Of sessions that ended and of recordings that were opened, the last few of each stay in memory. */
  private forgetOldest(): void {
    const resting = this.all().filter((session) => session.link === undefined);
    for (const areOpened of [false, true]) {
      const group = resting.filter((session) => (session.state === 'opened') === areOpened);
      group.sort((a, b) => a.endedMs - b.endedMs);
      for (const session of group.slice(0, Math.max(0, group.length - keptWithoutProgram))) {
        this.log.info(
          `session ${session.id} leaves memory; its recording: ${session.recordingPath || 'none'}`,
        );
        this.forget(session.id);
      }
    }
  }
}
