// Owns a session of the inspector from the writer thread to the main thread. Knows nothing of what is asked by it.
// Node does not let a program end before all of them are closed, so each is open as short as can be, and the shared
// word tells the main thread that there is one.
import type { Session } from 'node:inspector';
import { controlWord } from '../ring-layout.ts';

/** From the answer to a request to stop to the stop itself: the same thread does both, one after the other. */
const graceMs = 2000;

interface Evaluated {
  readonly result: { readonly value?: unknown };
}

export class MainSession {
  private readonly words: Int32Array;
  private open: Session | undefined;

  private constructor(words: Int32Array, session: Session) {
    this.words = words;
    this.open = session;
    Atomics.add(words, controlWord.looking, 1);
  }

  /** Rejects where there is nobody to ask: a Node without an inspector, a program that forbids it. */
  static async connect(words: Int32Array): Promise<MainSession> {
    if (Atomics.load(words, controlWord.inspectable) === 0) throw new Error('there is no inspector');
    const inspector = await import('node:inspector');
    const session = new inspector.Session();
    session.connectToMainThread();
    return new MainSession(words, session);
  }

  /**
   * Whether a debugger holds the main thread. V8 refuses to evaluate in a frame of a program that runs before it looks
   * at the frame's name, which is none; with these words since Node 20 at least.
   */
  isHeld(): Promise<boolean> {
    return new Promise((resolve) => {
      this.open?.post('Debugger.evaluateOnCallFrame', { callFrameId: '', expression: '0' }, (error) =>
        resolve(error?.message.includes('only perform operation while paused') !== true),
      );
    });
  }

  /** What a method of the recording answers, called in the middle of whatever runs; undefined when it does not. */
  evaluate(call: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.open?.post(
        'Runtime.evaluate',
        {
          expression: `globalThis[Symbol.for('wakeline.recording')]?.${call}`,
          returnByValue: true,
          silent: true,
          disableBreaks: true,
        },
        (error, answered) => resolve(error === null ? (answered as Evaluated).result.value : undefined),
      );
    });
  }

  /**
   * Stops the main thread where it is; whether it stands then. A debugger that holds it already makes the request void
   * without a word, and then it does not stand for this one.
   */
  pause(): Promise<boolean> {
    return new Promise((resolve) => {
      const { open } = this;
      open?.once('Debugger.paused', () => resolve(true));
      open?.post('Debugger.enable');
      open?.post('Debugger.pause', () => setTimeout(() => resolve(false), graceMs).unref());
    });
  }

  close(): void {
    const session = this.open;
    if (session === undefined) return;
    this.open = undefined;
    session.disconnect();
    Atomics.sub(this.words, controlWord.looking, 1);
    Atomics.notify(this.words, controlWord.looking);
  }
}
