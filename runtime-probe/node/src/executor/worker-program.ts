// Owns what a worker thread of the compute pool runs, as source text, and what it and the pool tell each other.
// Must not know jobs, tasks or futures.
//
// The program is made from a function of this file, so that the package may be bundled into one file: there is no
// second file to find. So that function may use nothing of this module.

/** What to run: a function's own source, or an export of a module. */
export type WorkSource =
  | { readonly is: 'function'; readonly source: string }
  | { readonly is: 'module'; readonly url: string; readonly name: string };

export interface WorkMessage {
  readonly work: WorkSource;
  readonly args: readonly unknown[];
}

/** Times are ns of CLOCK_MONOTONIC, as clock.ts counts them. */
export type WorkerMessage =
  /** `osThread` is the operating system's id of the thread; 0 where it cannot be had. */
  | { readonly is: 'ready'; readonly osThread: number; readonly atNs: number }
  | { readonly is: 'started'; readonly atNs: number }
  | { readonly is: 'done'; readonly atNs: number; readonly value: unknown }
  | { readonly is: 'failed'; readonly atNs: number; readonly error: unknown };

type AnyFunction = (...args: readonly unknown[]) => unknown;

async function workerProgram(): Promise<void> {
  const { parentPort } = await import('node:worker_threads');
  const { readlinkSync } = await import('node:fs');
  if (parentPort === null) return;
  const port = parentPort;
  const tell = (message: WorkerMessage): void => port.postMessage(message);
  const nowNs = (): number => Number(process.hrtime.bigint());
  // A program that makes new functions all the time must not fill this thread's memory.
  const mostKnown = 1000;
  const known = new Map<string, AnyFunction>();

  const osThread = (): number => {
    try {
      // Linux only: <pid>/task/<tid>.
      return Number(readlinkSync('/proc/thread-self').split('/')[2] ?? 0);
    } catch {
      return 0;
    }
  };
  const compile = (source: string): AnyFunction => {
    const compiled = known.get(source);
    if (compiled !== undefined) return compiled;
    if (known.size >= mostKnown) known.clear();
    // Some compilers wrap each named function in a call of __name, a helper of theirs that stays behind in the file.
    const make = new Function('__name', `return (${source});`) as (
      name: (f: unknown) => unknown,
    ) => AnyFunction;
    const made = make((named) => named);
    known.set(source, made);
    return made;
  };
  const load = async (work: WorkSource): Promise<AnyFunction> => {
    if (work.is === 'function') return compile(work.source);
    const exports = (await import(work.url)) as Record<string, unknown>;
    const found = exports[work.name];
    if (typeof found === 'function') return found as AnyFunction;
    throw new TypeError(
      `${work.url} exports no function ${work.name}; it exports: ${Object.keys(exports).join(', ')}`,
    );
  };
  const tellFailure = (thrown: unknown): void => {
    const atNs = nowNs();
    // Node clones a DOMException, which is what a value that cannot be cloned leads to, as an empty object.
    const plain = !(thrown instanceof DOMException);
    try {
      if (plain) tell({ is: 'failed', atNs, error: thrown });
    } catch {
      tellFailure(new DOMException(String(thrown)));
      return;
    }
    if (plain) return;
    const error = new Error(thrown.message);
    if (thrown.stack !== undefined) error.stack = thrown.stack;
    tell({ is: 'failed', atNs, error });
  };
  port.on('message', async ({ work, args }: WorkMessage) => {
    tell({ is: 'started', atNs: nowNs() });
    try {
      const run = await load(work);
      const value = await run(...args);
      tell({ is: 'done', atNs: nowNs(), value });
    } catch (error) {
      tellFailure(error);
    }
  });
  tell({ is: 'ready', osThread: osThread(), atNs: nowNs() });
}

/** The source of a worker thread, for `new Worker(source, { eval: true })`. */
export const workerSource = `const __name = (named) => named;\n(${workerProgram.toString()})();`;
