// Owns which sessions there are, and what happens when a program comes, goes, stops or comes back:
// recordings, ring files, quota. Must not know sockets, nor how viewers ask.
import { rmSync } from 'node:fs';
import type { Hello } from '../../runtime-probe/protocol/typescript/index.ts';
import type { DebuggerEvent, SessionSummary } from '../messages/queries.ts';
import { TraceSession } from '../trace/session.ts';
import { CollectorSession, type ProgramLink } from './collector-session.ts';
import { concerns, EarlyStops } from './debugged-parts.ts';
import type { Log } from './log.ts';
import { isOpenElsewhere, isProcessAlive } from './processes.ts';
import { RecordingWriter } from './recording.ts';
import { enforceQuota, findRecording, recordingName } from './recording-folder.ts';
import { reviveRecording } from './replay.ts';
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

const inMib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function describeEnd(session: CollectorSession, reason: string): string {
  const program = `session ${session.id}: ${session.hello?.program ?? 'its program'} (pid ${session.hello?.pid ?? 0})`;
  const recording = session.recordingPath || 'nowhere, because no recording could be kept';
  if (session.state === 'ended')
    return `${program} ended and had sent everything. Its recording: ${recording}`;
  return `${program} is cut off: ${reason}, without the stream’s end, as when a program is killed or crashes. What came until then is recorded: ${recording}`;
}

export class SessionRegistry {
  /** Something about a session changed; `comesOrGoes` when one is new, lost its program or is forgotten. */
  onChange: (comesOrGoes: boolean) => void = () => {};

  private readonly settings: RegistrySettings;
  private readonly log: Log;
  private readonly sessions = new Map<string, CollectorSession>();
  /** Sessions whose recording is being read for a program that came back, and the paths of those. */
  private readonly reviving = new Map<string, string>();
  private readonly earlyStops = new EarlyStops();
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

  /** Whether the ring file and the recording of a session are this registry's matter now. */
  holds(id: string): boolean {
    const session = this.sessions.get(id);
    return (
      this.reviving.has(id) ||
      session?.link !== undefined ||
      session?.ring !== undefined ||
      session?.recorder !== undefined
    );
  }

  /**
   * Brings back what was recorded of a session that is not in memory: its collector was killed, or it was forgotten.
   * `attach` goes on with it then. Undefined when there is nothing to wait for; never rejects.
   */
  revive(hello: Hello): Promise<void> | undefined {
    this.refuseSecond(hello);
    const known = this.sessions.get(hello.session);
    if (this.closed || (known !== undefined && known.state !== 'opened')) return undefined;
    const path = this.recordingLeftOf(hello);
    if (path === undefined) return undefined;
    this.reviving.set(hello.session, path);
    this.log.info(
      `session ${hello.session}: ${hello.program} (pid ${hello.pid}) is back; what was recorded of it before is read again from ${path}, and goes on there`,
    );
    return reviveRecording(path, this.settings.memoryBudgetBytes)
      .then(
        (session) => void this.sessions.set(session.id, session),
        (error: unknown) =>
          this.log.warning(
            `session ${hello.session}: the recording that there is cannot be gone on with, so a new one begins: ${(error as Error).message}`,
          ),
      )
      .finally(() => this.reviving.delete(hello.session));
  }

  private recordingLeftOf(hello: Hello): string | undefined {
    try {
      const path = findRecording(this.settings.recordingsFolder, hello.session);
      if (path === undefined || !isOpenElsewhere([path])) return path;
      this.log.warning(
        `session ${hello.session}: another process has its recording ${path} open, so a new one begins. If that is a collector that hangs, end it`,
      );
    } catch (error) {
      this.log.error(
        `${this.settings.recordingsFolder} cannot be searched for the recording of session ${hello.session}: ${(error as Error).message}`,
      );
    }
    return undefined;
  }

  private refuseSecond(hello: Hello): void {
    const session = this.sessions.get(hello.session);
    if (session?.link === undefined && !this.reviving.has(hello.session)) return;
    throw new DuplicateSessionError(
      `session ${hello.session} has a connected program (pid ${session?.hello?.pid ?? hello.pid}); this second one (pid ${hello.pid}) is not taken, because one session has one program. Start it anew to give it its own`,
    );
  }

  /** A program said hello: its session, new or gone on with. The hello itself is not pushed yet. */
  attach(hello: Hello, link: ProgramLink): CollectorSession {
    const { memoryBudgetBytes } = this.settings;
    this.refuseSecond(hello);
    let session = this.sessions.get(hello.session);
    const isNew = session === undefined || session.state === 'opened';
    if (session === undefined || session.state === 'opened') {
      session = new CollectorSession(hello.session, 'live', new TraceSession({ memoryBudgetBytes }));
      this.sessions.set(session.id, session);
    }
    session.link = link;
    session.state = 'live';
    session.streamProblem = '';
    this.log.info(
      `${isNew ? 'session' : 'session again'} ${session.id}: ${hello.program} (pid ${hello.pid}) is connected`,
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
    this.log.info(describeEnd(session, reason));
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

  /** A program's first hello is in its session: viewers are told, and a stop that came before it stands in it too. */
  greeted(session: CollectorSession): void {
    const stop = session.hello === undefined ? undefined : this.earlyStops.take(session.hello);
    if (stop !== undefined) this.debuggerEvent(stop);
    this.onChange(true);
  }

  /** Tells every live session that the event is about. Answers how many there were. */
  debuggerEvent(event: DebuggerEvent): number {
    const hit = this.all().filter(
      ({ link, hello }) => link !== undefined && hello !== undefined && concerns(event, hello),
    );
    this.earlyStops.heard(event, hit.length > 0);
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
      `session ${session.id}: what its program published and had not sent at the stop is not shown yet, because the socket has not brought what lies before it. It comes when the program goes on`,
    );
  }

  private logTail(session: CollectorSession, frames: number, problems: readonly string[]): void {
    if (frames > 0)
      this.log.info(
        `session ${session.id}: ${frames} frames that its program could not send any more were read from its shared memory`,
      );
    for (const problem of problems)
      this.log.warning(
        `session ${session.id}: a part of its program’s shared memory cannot be read and is left out: ${problem}`,
      );
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
      this.log.warning(
        `session ${session.id}: its program’s shared memory is not used, so what is not sent when it is stopped or killed is lost: ${(error as Error).message}`,
      );
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
      const problem = `no recording is kept, the trace is gone with the collector: ${(error as Error).message}. Make ${recordingsFolder} writable and start the program again`;
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
      const paths = new Set([...inUse.map((session) => session.recordingPath), ...this.reviving.values()]);
      const { deleted, totalBytes } = enforceQuota(recordingsFolder, quotaBytes, paths);
      for (const path of deleted) {
        this.log.info(
          `deleted the oldest recording ${path}: together they were over the quota of ${inMib(quotaBytes)}`,
        );
        for (const session of this.all()) if (session.recordingPath === path) session.recordingPath = '';
      }
      if (totalBytes > quotaBytes) this.stopLargest(quotaBytes);
    } catch (error) {
      this.log.error(
        `recordings in ${recordingsFolder} may take more than the quota of ${inMib(quotaBytes)}, because old ones cannot be deleted: ${(error as Error).message}. Delete some by hand or make the folder yours`,
      );
    }
  }

  private stopLargest(quotaBytes: number): void {
    const writers = this.all().flatMap((session) => session.recorder ?? []);
    const running = writers.filter((writer) => writer.failure === '');
    const largest = running.sort((a, b) => b.totalBytes - a.totalBytes)[0];
    if (largest === undefined) return;
    largest.stop(
      `the recording ends here, because recordings reached the quota of ${inMib(quotaBytes)}; the live view goes on. Raise the quota (wakeline.recordings.quotaMiB) to keep more`,
    );
    this.log.warning(
      `${largest.path} is not written any further: recordings reached the quota of ${inMib(quotaBytes)}. Raise it (wakeline.recordings.quotaMiB, --quota-mib) to keep more`,
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
          session.recordingPath === ''
            ? `session ${session.id} leaves memory, because newer ones need it; it had no recording and is gone`
            : `session ${session.id} leaves memory, because newer ones need it. Open ${session.recordingPath} to look at it again`,
        );
        this.forget(session.id);
      }
    }
  }
}
