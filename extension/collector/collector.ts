// Owns one running collector: it listens, lets peers in by the handshake, gives programs and viewers their
// connections, tells viewers what changes, and ends when nobody needs it. Must not know argv or the terminal.
import { mkdirSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Role, role } from '../../runtime-probe/protocol/typescript/index.ts';
import type { CollectorStatus } from '../messages/queries.ts';
import { ensurePrivateFolder, listenOnLoopback, listenOnSocket, removeLeftOverSockets } from './endpoint.ts';
import { readPreamble, refuseSocket } from './handshake.ts';
import type { Log } from './log.ts';
import { ProgramConnection } from './program-connection.ts';
import { dialProgram } from './program-dialer.ts';
import { RingSalvage } from './ring-salvage.ts';
import { RingSweep } from './ring-sweep.ts';
import { SessionRegistry } from './session-registry.ts';
import { ViewerConnection } from './viewer-connection.ts';
import { RequestHandler } from './viewer-requests.ts';

export interface CollectorSettings {
  /** Private folder of the socket. */
  readonly folder: string;
  /** The socket is `<folder>/<name>.sock`. */
  readonly name: string;
  readonly recordingsFolder: string;
  /** 32 hexadecimal digits. */
  readonly token: string;
  /** Loopback port instead of a socket, 0 for any free one; undefined for the socket. */
  readonly tcpPort: number | undefined;
  /** Ends after this long without programs and viewers; 0 for never. */
  readonly idleTimeoutMs: number;
  readonly quotaBytes: number;
  readonly memoryBudgetBytes: number;
}

export const collectorVersion = '0.1.0';

/** At most four session lists a second. */
const sessionsIntervalMs = 250;
/** Peers that have not shown a token yet; a crowd beyond it is refused at the door. */
const strangersLimit = 64;
/** How long answers that are on their way may take when the collector ends. */
const closeGraceMs = 500;

export class Collector {
  /** `unix:<path>` or `tcp://127.0.0.1:<port>`; set once it listens. */
  endpoint = '';
  /** Resolves when everything is closed and every recording is whole. */
  readonly ended: Promise<void>;

  private readonly settings: CollectorSettings;
  private readonly log: Log;
  private readonly token: Uint8Array;
  private readonly server: Server;
  private readonly registry: SessionRegistry;
  private readonly rings: RingSweep;
  private readonly handler: RequestHandler;
  private readonly viewers = new Set<ViewerConnection>();
  private readonly programs = new Set<ProgramConnection>();
  private readonly sockets = new Set<Socket>();
  private strangers = 0;
  private refused = 0;
  private idleTimer: NodeJS.Timeout | undefined;
  private sessionsTimer: NodeJS.Timeout | undefined;
  private lastSessionsMs = 0;
  private isClosing = false;
  private resolveEnded: () => void = () => {};

  private constructor(settings: CollectorSettings, log: Log) {
    this.settings = settings;
    this.log = log;
    this.token = Buffer.from(settings.token, 'hex');
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.registry = new SessionRegistry(settings, log);
    this.registry.onChange = (comesOrGoes) => this.tellSessions(comesOrGoes);
    const salvage = new RingSalvage(settings.memoryBudgetBytes, log);
    this.rings = new RingSweep(settings.recordingsFolder, salvage, log, (session) =>
      this.registry.holds(session),
    );
    this.handler = new RequestHandler({
      registry: this.registry,
      salvage,
      memoryBudgetBytes: settings.memoryBudgetBytes,
      status: () => this.status(),
      attach: (address, token) => this.attach(address, token),
      // After the answer has left.
      shutdown: () => setImmediate(() => void this.close('a viewer asked for it')),
    });
    // Half open: a peer that closes its side early still hears why it is refused.
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.meet(socket));
  }

  /** Listens when this resolves. Throws SettingsError when the settings do not allow it. */
  static async start(settings: CollectorSettings, log: Log): Promise<Collector> {
    ensurePrivateFolder(settings.folder);
    mkdirSync(settings.recordingsFolder, { recursive: true, mode: 0o700 });
    removeLeftOverSockets(settings.folder);
    const collector = new Collector(settings, log);
    collector.endpoint =
      settings.tcpPort === undefined
        ? await listenOnSocket(collector.server, settings.folder, settings.name)
        : await listenOnLoopback(collector.server, settings.tcpPort);
    collector.server.on('error', (error) =>
      log.error(
        `listening on ${collector.endpoint} failed, so no more programs can connect: ${error.message}. Those that are connected go on; to trace new ones, end this collector and start another`,
      ),
    );
    collector.rings.start();
    collector.armIdle();
    return collector;
  }

  status(): CollectorStatus {
    return {
      version: collectorVersion,
      pid: process.pid,
      refused: this.refused,
      endpoint: this.endpoint,
      viewers: this.viewers.size,
    };
  }

  /** Ends every connection and finishes every recording. */
  async close(reason: string): Promise<void> {
    if (this.isClosing) return this.ended;
    this.isClosing = true;
    this.log.info(`the collector ends: ${reason}`);
    clearTimeout(this.idleTimer);
    clearTimeout(this.sessionsTimer);
    this.rings.stop();
    this.server.close();
    await this.registry.close();
    for (const viewer of this.viewers) viewer.close();
    const deadlineMs = Date.now() + closeGraceMs;
    while (this.sockets.size > 0 && Date.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 10));
    for (const socket of this.sockets) socket.destroy();
    this.resolveEnded();
    return this.ended;
  }

  private meet(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (this.isClosing || this.strangers >= strangersLimit) {
      this.countRefused(`${this.strangers} other peers have not shown their token yet`);
      refuseSocket(socket, 'the collector is busy with others that show no token. Try again in some seconds');
      return;
    }
    this.strangers++;
    readPreamble(
      socket,
      this.token,
      (peer, rest) => {
        this.strangers--;
        this.welcome(socket, peer, rest);
      },
      (reason) => {
        this.strangers--;
        this.countRefused(reason);
      },
    );
  }

  private countRefused(reason: string): void {
    this.refused++;
    this.log.warning(`a peer was refused: ${reason}`);
  }

  private welcome(socket: Socket, peer: Role, rest: Uint8Array): void {
    clearTimeout(this.idleTimer);
    if (peer === role.viewer) this.welcomeViewer(socket, rest);
    else this.welcomeProgram(socket, rest);
  }

  /** Comes to a program that listens; from there on it is one as any other. */
  private async attach(address: string, token: string): Promise<void> {
    const { socket, first } = await dialProgram(address, token);
    this.log.info(`attached to the program that listens at ${address}`);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (this.isClosing) {
      socket.destroy();
      return;
    }
    clearTimeout(this.idleTimer);
    this.welcomeProgram(socket, first);
  }

  private welcomeProgram(socket: Socket, rest: Uint8Array): void {
    const program = new ProgramConnection(socket, this.registry, this.log);
    this.programs.add(program);
    program.onRefused = () => this.refused++;
    program.onClosed = () => {
      this.programs.delete(program);
      this.armIdle();
    };
    program.start(rest);
  }

  private welcomeViewer(socket: Socket, rest: Uint8Array): void {
    const viewer = new ViewerConnection(socket, this.handler, this.log);
    this.viewers.add(viewer);
    const stopLog = this.log.listen((entry) => viewer.send({ event: 'log', ...entry }));
    viewer.onClosed = () => {
      stopLog();
      this.viewers.delete(viewer);
      this.armIdle();
    };
    viewer.start(rest);
    viewer.send({ event: 'sessions', sessions: this.registry.summaries() });
  }

  private armIdle(): void {
    clearTimeout(this.idleTimer);
    const { idleTimeoutMs } = this.settings;
    if (idleTimeoutMs === 0 || this.viewers.size > 0 || this.programs.size > 0 || this.isClosing) return;
    this.idleTimer = setTimeout(
      () => void this.close(`no program and no viewer for ${idleTimeoutMs / 1000} s`),
      idleTimeoutMs,
    );
  }

  /** At once when a session comes or goes, else at the next quarter of a second. */
  private tellSessions(comesOrGoes: boolean): void {
    if (this.isClosing || this.viewers.size === 0) return;
    const waitMs = comesOrGoes ? 0 : this.lastSessionsMs + sessionsIntervalMs - Date.now();
    if (waitMs <= 0) {
      this.sendSessions();
      return;
    }
    this.sessionsTimer ??= setTimeout(() => this.sendSessions(), waitMs);
  }

  private sendSessions(): void {
    clearTimeout(this.sessionsTimer);
    this.sessionsTimer = undefined;
    this.lastSessionsMs = Date.now();
    const event = { event: 'sessions', sessions: this.registry.summaries() } as const;
    let someoneMissedIt = false;
    for (const viewer of this.viewers) {
      if (viewer.isReading) viewer.send(event);
      else someoneMissedIt = true;
    }
    // A viewer that reads again must see the last state even if nothing changes any more.
    if (someoneMissedIt) this.sessionsTimer = setTimeout(() => this.sendSessions(), sessionsIntervalMs * 4);
  }
}
