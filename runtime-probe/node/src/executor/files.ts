// Owns file operations: each is one job of libuv's pool, for a file has no readiness to wait for.
// Must not know tasks or the queue of the pool.

import { readFile as nodeReadFile, writeFile as nodeWriteFile } from 'node:fs';
import { observer } from './observe.ts';
import { Job } from './pool.ts';
import { captureSite } from './site.ts';

// Node serves one writeFile by three requests to the pool, one after the other: open, write, close.
const WRITE_FILE_REQUESTS = 3;

/** Writes the whole file, making or replacing it. Dropping it does not stop a write that was submitted. */
export function writeFile(path: string, data: Uint8Array | string): Job<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return new Job<void>(
    {
      kind: 'fileWrite',
      name: path,
      requests: WRITE_FILE_REQUESTS,
      start: (done) =>
        nodeWriteFile(path, bytes, (error) =>
          done(fileError('write', path, error), undefined, error ? 0 : bytes.byteLength),
        ),
    },
    observer && captureSite(writeFile),
  );
}

/** Reads the whole file. */
export function readFile(path: string): Job<Buffer> {
  return new Job<Buffer>(
    {
      kind: 'fileRead',
      name: path,
      // open, fstat, one read per 512 KiB, close: known only once the size is.
      requests: undefined,
      start: (done) =>
        nodeReadFile(path, (error, data) =>
          // On failure Node gives no data at all, whatever the type says.
          done(fileError('read', path, error), data, error ? 0 : data.byteLength),
        ),
    },
    observer && captureSite(readFile),
  );
}

/** Node's error tells what happened; it is kept as the cause, with what was wanted in front. */
function fileError(
  operation: 'read' | 'write',
  path: string,
  error: NodeJS.ErrnoException | null,
): Error | null {
  return error === null
    ? null
    : new Error(`cannot ${operation} file ${path}: ${error.message}`, { cause: error });
}
