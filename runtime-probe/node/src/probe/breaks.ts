// Owns the program's side of scheduling breakpoints: conditions that stand in shared words, and stopping where one is
// met. Must not know who debugs; without a debugger a condition that is met is only taken away.
//
// A debugger shall show the program's own line and not ours, so two ways of stopping are asked of the writer thread,
// which reaches this thread by a session of the inspector while it waits here:
//
//   before a callback or continuation runs   the next function that is called: Node's own way of `--inspect-brk`, for
//                                            which a script is run with breakFirstLine. That is done while breaks are
//                                            disabled, so the script itself does not stop; the next function does
//   in a wake                                here: the line that wakes is further out on the stack. The wait stands in
//                                            a script of its own; see stopScript
//
// A worker thread does both by itself; see thread-stops.ts.
import { Script } from 'node:vm';
import { captureStack } from '../executor/site.ts';
import { debuggerMayHold } from './looks.ts';
import { breakAsked, controlWord } from './ring-layout.ts';
import { ThreadStops } from './thread-stops.ts';

/** What an answer may take, in waits of 100 ms: it takes some ms, but a machine may have no processor for the writer. */
const waits = 100;
const waitMs = 100;

/** What stands in the stack above the line that wakes. */
type Wait = (words: Int32Array, word: number, value: number, ms: number) => unknown;

/**
 * js-debug steps on by itself from a pause in a file that it is told to skip, past the line that wakes. A script that
 * ends in .cdp it takes for one of its own: such a frame has no source, nothing is stepped, and VS Code shows the next
 * one that has a source and is not skipped. To other debuggers it is a script like any other, of one line.
 */
const stopScript = (captureStack(captureStack, 1)[0]?.getFileName() ?? '').replace(
  /[^/\\]*$/,
  'wakeline-stop.cdp',
);

const stopSource =
  '(function wakelineStop(words, word, value, ms) { return Atomics.wait(words, word, value, ms); })';

export class Breaks {
  private readonly words: Int32Array;
  private readonly nothing = new Script('0', { filename: 'wakeline-break' });
  private waitHere: Wait | undefined;
  private met: { readonly word: number; readonly task: number } | undefined;

  private readonly thread: ThreadStops | undefined;

  constructor(words: Int32Array, isMainThread: boolean) {
    this.words = words;
    this.thread = isMainThread ? undefined : new ThreadStops(stopScript);
  }

  /** The task at whose next poll to stop; 0 for none. */
  get onPoll(): number {
    // Ordering: none needed; who sets it waits for nothing.
    return this.words[controlWord.breakOnPoll] as number;
  }

  /** The task at whose next wake to stop; 0 for none. */
  get onWake(): number {
    return this.words[controlWord.breakOnWake] as number;
  }

  /** Whether the program is to be stopped before it goes on; stopNext() does it. */
  get isMet(): boolean {
    return this.met !== undefined;
  }

  /** The poll of that task begins. */
  pollMet(task: number): void {
    if (this.take(controlWord.breakOnPoll, task)) this.met = { word: controlWord.breakOnPoll, task };
  }

  /** That task was woken, which is told only now that the poll begins. */
  wakeOfPollMet(task: number): void {
    if (this.take(controlWord.breakOnWake, task)) this.met = { word: controlWord.breakOnWake, task };
  }

  /** That task is being woken by what is on the stack: stops there. */
  wakeMet(task: number): void {
    const word = controlWord.breakOnWake;
    if (!this.take(word, task)) return;
    if (this.thread !== undefined) {
      this.thread.here();
      return;
    }
    this.waitHere ??= new Script(stopSource, { filename: stopScript }).runInThisContext() as Wait;
    this.stop(breakAsked.here, word, task, this.waitHere);
  }

  /** To be the last thing that a hook does: what is called next is where the program stops. */
  stopNext(): void {
    const { met } = this;
    this.met = undefined;
    if (met === undefined) return;
    if (this.thread === undefined) this.stop(breakAsked.nextCall, met.word, met.task, Atomics.wait);
    else {
      Atomics.store(this.words, controlWord.breakAsked, breakAsked.nextCall);
      this.thread.evaluate(armCall);
    }
  }

  /** The poll ended and nothing of the program ran in it: the next one is meant. */
  putOff(): void {
    const { met } = this;
    this.met = undefined;
    if (met !== undefined) Atomics.compareExchange(this.words, met.word, 0, met.task);
  }

  /** A condition is met once. */
  private take(word: number, task: number): boolean {
    return Atomics.compareExchange(this.words, word, task, 0) === task;
  }

  /** Called through the inspector, in a worker thread by itself, else while this thread waits in `stop`. */
  arm(): void {
    if (Atomics.load(this.words, controlWord.breakAsked) !== breakAsked.nextCall) return;
    try {
      // Twice: js-debug goes on by itself from a worker thread's "Break on start", and where it has attached to a running
      // program; of two reasons V8 says that they are ambiguous, and then it stops.
      this.nothing.runInThisContext(breakFirstLine);
      this.nothing.runInThisContext(breakFirstLine);
    } finally {
      Atomics.store(this.words, controlWord.breakAsked, breakAsked.nothing);
      Atomics.notify(this.words, controlWord.breakAsked);
    }
  }

  /** For the next call no function of JavaScript may be called behind the wait: the program would stop in it. */
  private stop(how: number, word: number, task: number, wait: Wait): void {
    if (!debuggerMayHold()) return;
    Atomics.store(this.words, controlWord.breakAsked, how);
    Atomics.notify(this.words, controlWord.breakAsked);
    for (let i = 0; i < waits; i++) {
      wait(this.words, controlWord.breakAsked, how, waitMs);
      if (Atomics.load(this.words, controlWord.breakAsked) !== how) return;
    }
    // Nobody answered: the next one is meant.
    Atomics.store(this.words, controlWord.breakAsked, breakAsked.nothing);
    Atomics.compareExchange(this.words, word, 0, task);
  }
}

/** How the recording is reached by an evaluation; `arm` is this class's. */
const armCall = "globalThis[Symbol.for('wakeline.recording')]?.arm?.()";

/** Node knows the option by a symbol that it exports nowhere (Node 20 to 26); it is told when it asks. */
const breakFirstLine = new Proxy(
  {},
  {
    get: (_target, name) =>
      typeof name === 'symbol' && name.description === 'kVmBreakFirstLineSymbol' ? true : undefined,
  },
);
