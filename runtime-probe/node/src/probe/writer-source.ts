// Owns where the writer thread's program comes from.
// The published package carries it as text inside the module (build.mjs puts it there), so that it still works when
// a program that uses the package is bundled into one file. Run from its sources, it is loaded through tsx.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

declare const WAKELINE_WRITER_SOURCE: string | undefined;

/** Starts the writer thread. `options` must not carry `eval` or `execArgv`. */
export function startWriterThread(options: WorkerOptions): Worker {
  // No execArgv and no NODE_OPTIONS of the program: a --require of the user's must not run a second time there.
  if (typeof WAKELINE_WRITER_SOURCE === 'string')
    return new Worker(WAKELINE_WRITER_SOURCE, { ...options, eval: true, execArgv: [] });
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return new Worker(new URL('./writer/main.ts', import.meta.url), {
    ...options,
    execArgv: ['--import', tsx],
  });
}
