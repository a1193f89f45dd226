// Owns listening to the threads of libuv's pool: when each begins and ends a piece of work of Node's own.
// Knows nothing of jobs. Runs on the writer thread.
//
// Node tells of it in its trace events alone, and only of what runs through its own class for such work: cryptography
// and compression, not files and names. They are handed out when a session that listens ends; so one session listens,
// and a second one begins and ends whenever there is something new. That costs 1.5 ms of processor time each time, most
// of it the main thread's, and an event on a pool thread 1 µs; and while a session is open Node says on stderr,
// when a signal ends the program, that it waits for a debugger; so it is done by request only. What happens in the some
// ms in which Node hands over is lost, so that is done where nothing is under way, and else once a second.
import { controlWord } from '../ring-layout.ts';
import { MainSession } from './main-session.ts';
import type { PoolStep, WriterMessage } from './start.ts';

const intervalMs = 100;
const busyIntervalMs = 1000;
const categories = { traceConfig: { includedCategories: ['node.threadpoolwork'] } };
/** A batch is a message to the program's thread; what is more than that is left out. */
const stepsLimit = 20_000;

interface TraceEvent {
  readonly ph?: unknown;
  readonly cat?: unknown;
  readonly name?: unknown;
  readonly tid?: unknown;
  readonly ts?: unknown;
}

export class PoolTrace {
  private readonly words: Int32Array;
  private readonly mainThread: number;
  private readonly tell: (message: WriterMessage) => void;
  /** Sessions that are open; another list from each time on that all were closed. */
  private open: MainSession[] = [];
  /** The one that begins and ends, once the other one listens. */
  private second: MainSession | undefined;
  private able = true;
  private busy = false;
  private over = 0;
  private flushedAtMs = 0;
  private steps: PoolStep[] = [];
  /** Whether another thread of the program, too, hands work to the pool. */
  private others = false;

  constructor(words: Int32Array, mainThread: number, tell: (message: WriterMessage) => void) {
    this.words = words;
    this.mainThread = mainThread;
    this.tell = tell;
  }

  /** Gives in how many ms to come again at the latest. */
  round(): number {
    const wanted = this.able && Atomics.load(this.words, controlWord.poolListening) === 1;
    if (!wanted || this.busy) {
      if (!wanted) this.close();
      return Number.POSITIVE_INFINITY;
    }
    if (this.second === undefined) {
      void this.begin();
      return intervalMs;
    }
    if (Atomics.load(this.words, controlWord.poolJobsOver) === this.over) return Number.POSITIVE_INFINITY;
    const busy = Atomics.load(this.words, controlWord.poolJobsUnderWay) > 0;
    const dueMs = this.flushedAtMs + (busy ? busyIntervalMs : intervalMs) - performance.now();
    if (dueMs > 0) return Math.min(dueMs, intervalMs);
    void this.flush(this.second);
    return intervalMs;
  }

  /** Closes what is open: the program is about to end. */
  stop(): void {
    this.able = false;
    this.close();
  }

  private async begin(): Promise<void> {
    const { open } = this;
    this.busy = true;
    try {
      const session = await this.connect(open);
      const second = await this.connect(open);
      session.hear('NodeTracing.dataCollected', (parameters) => this.take(parameters));
      const began = await session.ask('NodeTracing.start', categories);
      if (open !== this.open) return;
      // Node may refuse.
      if (began) this.second = second;
      else this.stop();
    } catch {
      // Closed meanwhile, it may be asked for again; else it cannot be.
      if (open === this.open) this.stop();
    } finally {
      if (open === this.open) this.busy = false;
    }
  }

  /** Each is known at once: this thread may end, with the program, behind any of them. */
  private async connect(open: readonly MainSession[]): Promise<MainSession> {
    const session = await MainSession.connect(this.words);
    if (open !== this.open) {
      session.close();
      throw new Error('it is not asked for any more');
    }
    this.open.push(session);
    return session;
  }

  private async flush(second: MainSession): Promise<void> {
    const { open } = this;
    this.busy = true;
    this.over = Atomics.load(this.words, controlWord.poolJobsOver);
    const began = await second.ask('NodeTracing.start', categories);
    const ended = began && (await second.ask('NodeTracing.stop', {}));
    // Closed meanwhile, when Node answers that it failed: then the batch is nobody's.
    if (open !== this.open) return;
    if (!ended) {
      this.stop();
      return;
    }
    this.flushedAtMs = performance.now();
    this.busy = false;
    const { steps, others } = this;
    if (steps.length === 0 && !others) return;
    this.steps = [];
    this.tell({ kind: 'pool', steps, others });
    // Nothing of what comes behind that is told any more.
    if (others) this.stop();
  }

  private take(parameters: unknown): void {
    const events = (parameters as { readonly value?: readonly TraceEvent[] } | undefined)?.value ?? [];
    for (const { ph, cat, name, tid, ts } of events) {
      if (typeof cat !== 'string' || typeof tid !== 'number' || typeof ts !== 'number') continue;
      if (ph === 'b' && cat.endsWith('threadpoolwork.async') && tid !== this.mainThread) this.others = true;
      if ((ph !== 'B' && ph !== 'E') || !cat.endsWith('threadpoolwork.sync')) continue;
      if (this.steps.length < stepsLimit)
        this.steps.push({ osThread: tid, work: String(name), begins: ph === 'B', atNs: ts * 1000 });
    }
  }

  private close(): void {
    if (this.open.length === 0 && !this.busy) return;
    const { open } = this;
    this.open = [];
    for (const session of open) session.close();
    this.second = undefined;
    this.steps = [];
    // Whoever waits for an answer finds another list, and does nothing more.
    this.busy = false;
  }
}
