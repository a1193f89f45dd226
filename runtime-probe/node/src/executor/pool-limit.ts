// Owns how many threads libuv's pool has. Must not know what runs on them.

// libuv's own default and bound.
const DEFAULT_POOL_THREADS = 4;
const MAX_POOL_THREADS = 1024;

let limit: number | undefined;

/** Threads of libuv's pool: UV_THREADPOOL_SIZE as libuv reads it (once, 0 or rubbish counts as 1), else 4. */
export function poolLimit(): number {
  if (limit === undefined) {
    const setting = process.env['UV_THREADPOOL_SIZE'];
    const threads = setting === undefined ? DEFAULT_POOL_THREADS : Number.parseInt(setting, 10) || 1;
    limit = Math.min(Math.max(threads, 1), MAX_POOL_THREADS);
  }
  return limit;
}
