// Owns what the collector says about its own work: lines on stderr and events to viewers.
// Must not know what happened to whom; must never let the token out.

export type LogLevel = 'info' | 'warning' | 'error';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
}

/** Entries kept while no viewer listens, so that a refusal before the window was up is still seen. */
const keptEntries = 200;
/** Long enough for a path and a sentence, short enough that a hostile peer cannot fill a log with one line. */
const messageChars = 2000;
/** Warnings written in one window; a peer that knocks in a loop is counted beyond that, not written. */
const warningsPerWindow = 20;
const windowMs = 10_000;

export class Log {
  private readonly secrets: readonly string[];
  private readonly write: (line: string) => void;
  private readonly listeners = new Set<(entry: LogEntry) => void>();
  private kept: LogEntry[] = [];
  private windowStartMs = Number.NEGATIVE_INFINITY;
  private warningsInWindow = 0;
  private unwritten = 0;

  /** `secrets` are cut out of every message, whoever put them there. */
  constructor(secrets: readonly string[], write: (line: string) => void) {
    this.secrets = secrets.filter((secret) => secret !== '');
    this.write = write;
  }

  info(message: string): void {
    this.add('info', message);
  }

  /** Something that a peer did wrong. Bounded in time, because peers can be many. */
  warning(message: string): void {
    const nowMs = Date.now();
    if (nowMs - this.windowStartMs > windowMs) {
      if (this.unwritten > 0) this.add('warning', `${this.unwritten} more warnings were not written`);
      this.windowStartMs = nowMs;
      this.warningsInWindow = 0;
      this.unwritten = 0;
    }
    if (++this.warningsInWindow > warningsPerWindow) this.unwritten++;
    else this.add('warning', message);
  }

  error(message: string): void {
    this.add('error', message);
  }

  /** Hands over what was kept while nobody listened, then everything new. Returns how to stop. */
  listen(listener: (entry: LogEntry) => void): () => void {
    const kept = this.kept;
    this.kept = [];
    this.listeners.add(listener);
    for (const entry of kept) listener(entry);
    return () => this.listeners.delete(listener);
  }

  private add(level: LogLevel, raw: string): void {
    const entry = { level, message: this.clean(raw) };
    this.write(`${new Date().toISOString()} ${level} ${entry.message}\n`);
    if (this.listeners.size > 0) for (const listener of this.listeners) listener(entry);
    else this.kept = [...this.kept, entry].slice(-keptEntries);
  }

  /** Control characters would let a program's name rewrite a terminal or fake a line. */
  private clean(raw: string): string {
    let message = raw;
    for (const secret of this.secrets) message = message.replaceAll(secret, '(token)');
    message = message.replace(/\p{Cc}+/gu, ' ');
    return message.length > messageChars ? `${message.slice(0, messageChars)}…` : message;
  }
}
