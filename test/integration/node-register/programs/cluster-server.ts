// A cluster of two workers that answer requests, and a thread and a forked process that are asked by messages. Each counts
// what it was asked; the parent prints all counts. Knows nothing of the probe.
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { Agent, createServer, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);
const requests = 40;
const messages = 25;

/** Answers each message until there are none. */
function answer(
  hear: (listener: (message: number) => void) => void,
  tell: (n: number) => void,
  end: () => void,
) {
  hear((message) => (message < 0 ? end() : tell(message)));
}

/** Sends one message after the other; resolves with how many were answered. */
function ask(
  peer: {
    on(event: 'message', listener: (message: number) => void): unknown;
    once(event: 'exit', l: () => void): unknown;
  },
  send: (n: number) => void,
): Promise<number> {
  let answered = 0;
  peer.on('message', () => send(++answered < messages ? answered : -1));
  send(0);
  return new Promise((resolve) => peer.once('exit', () => resolve(answered)));
}

function request(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    get({ host: '127.0.0.1', port, agent, path: '/work' }, (response) =>
      response.resume().on('end', resolve),
    ).on('error', reject);
  });
}

async function parent(): Promise<void> {
  const served: Record<number, number> = {};
  cluster.setupPrimary({ exec: self });
  const workers = [cluster.fork(), cluster.fork()];
  // They share one port.
  const [port = 0] = await Promise.all(
    workers.map(
      (worker) =>
        new Promise<number>((resolve) => worker.on('listening', (address) => resolve(address.port))),
    ),
  );
  for (let i = 0; i < requests; i++) await request(port);
  for (const worker of workers) {
    worker.on('message', (count: number) => {
      served[worker.process.pid ?? 0] = count;
    });
    worker.send('how many?');
    await new Promise((resolve) => worker.once('exit', resolve));
  }
  const thread = new Worker(self);
  const byThread = await ask(thread, (n) => thread.postMessage(n));
  const child = fork(self, ['child']);
  const byChild = await ask(child, (n) => child.send(n));
  console.log(JSON.stringify({ served, byThread, byChild, child: child.pid }));
}

function serve(): void {
  let count = 0;
  const server = createServer((_request, response) => {
    count++;
    setTimeout(() => response.end('done'), 1);
  }).listen(0, '127.0.0.1');
  process.on('message', () =>
    process.send?.(count, () => {
      server.close();
      cluster.worker?.disconnect();
    }),
  );
}

if (!isMainThread)
  answer(
    (listener) => parentPort?.on('message', listener),
    (n) => parentPort?.postMessage(n),
    () => parentPort?.close(),
  );
else if (process.argv[2] === 'child')
  answer(
    (listener) => process.on('message', (message) => listener(message as number)),
    (n) => process.send?.(n),
    () => process.disconnect(),
  );
else if (cluster.isPrimary) await parent();
else serve();
