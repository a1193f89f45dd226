// Owns stopping a worker thread: no session of the inspector from another thread reaches one, but the thread may have a
// session with itself. Knows nothing of conditions.
import type { Session } from 'node:inspector';
import { Script } from 'node:vm';

type BuiltinOf = (name: string) => { readonly Session: new () => Session } | undefined;

export class ThreadStops {
  /** Stays open: to close it would call functions of Node's, in which the thread would stop. */
  private session: Session | undefined;
  private stopHere: (() => void) | undefined;
  private readonly stopScript: string;

  constructor(stopScript: string) {
    this.stopScript = stopScript;
  }

  /**
   * Evaluates that while no breakpoint counts. Does nothing on a Node that gives no inspector: before 20.16, or built
   * without one, which throws. Called in a hook, and what a hook throws ends the program.
   */
  evaluate(expression: string): void {
    try {
      this.session ??= connected();
      this.session?.post('Runtime.evaluate', { expression, disableBreaks: true, silent: true });
    } catch {
      // Then it stops nowhere.
    }
  }

  /** Stops the thread here, if a debugger is attached: the line that calls is further out on the stack. */
  here(): void {
    this.stopHere ??= new Script('(function wakelineStop() { debugger; })', {
      filename: this.stopScript,
    }).runInThisContext() as () => void;
    this.stopHere();
  }
}

function connected(): Session | undefined {
  const { getBuiltinModule } = process as unknown as { readonly getBuiltinModule?: BuiltinOf };
  const inspector = getBuiltinModule?.('node:inspector');
  if (inspector === undefined) return undefined;
  const session = new inspector.Session();
  session.connect();
  return session;
}
