// A program that starts others in each way that Node has: they say who they are. Knows nothing of the probe.
import { execFileSync, fork, spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, SHARE_ENV, Worker, workerData } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);
/** Hooks of the module loader run in a thread of Node's own. */
const hooks = 'export function resolve(specifier, context, next) { return next(specifier, context); }';

function ended(thing: { once(event: 'exit', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => thing.once('exit', () => resolve()));
}

async function parent(): Promise<void> {
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
  await import('node:os');
  const spawned = spawn(process.execPath, [self, 'spawned'], { stdio: 'inherit' });
  await ended(spawned);
  const forked = fork(self, ['forked']);
  await ended(forked);
  execFileSync(process.execPath, [self, 'executed'], { stdio: 'inherit' });
  await ended(new Worker(self, { workerData: 'thread' }));
  await ended(new Worker(self, { workerData: 'thread', env: SHARE_ENV }));
  await ended(new Worker(self, { workerData: 'parent thread' }));
  cluster.setupPrimary({ exec: self, args: ['clustered'] });
  await ended(cluster.fork().process);
  await ended(cluster.fork().process);
  console.log('parent');
}

const what: unknown = isMainThread ? process.argv[2] : workerData;
if (what === undefined) await parent();
else {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (what === 'parent thread')
    execFileSync(process.execPath, [self, 'executed by a thread'], { stdio: 'inherit' });
  if (!isMainThread) parentPort?.postMessage('done');
  console.log(what);
  process.exitCode = 0;
  if (cluster.isWorker) cluster.worker?.disconnect();
}
