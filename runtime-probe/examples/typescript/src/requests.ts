// One hundred clients on one thread. Each connects, sends a request and reads the answer, a few times over.
// No thread waits for an answer: a client that has nothing to do is a future that stored a waker, and the one
// thread sleeps in epoll_wait until the kernel has something for any of them.
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Async, Coroutine, connect, init, run, spawn } from 'wakeline';
import { Counted } from './counted.ts';

init();

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
const clientCount = 100;
const counters = { requests: 0, bytesRead: 0, bytesWritten: 0 };

/** One request on a connection of its own; the answer is over when the server closes. */
function* request(port: number, item: number): Async<void> {
  const stream = yield* connect({ port });
  const head = `GET /item/${item} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  yield* stream.write(Buffer.from(head));
  counters.bytesWritten += head.length;
  for (;;) {
    const bytes = yield* stream.read();
    if (bytes.length === 0) break;
    counters.bytesRead += bytes.length;
  }
  stream.close();
  counters.requests++;
}

function* client(port: number, item: number): Async<void> {
  for (let round = 0; round < rounds; round++) yield* request(port, item);
}

function* main(port: number): Async<number[]> {
  const clients: Counted<void>[] = [];
  const handles = [];
  for (let item = 0; item < clientCount; item++) {
    const counted = new Counted(new Coroutine(client(port, item)));
    clients.push(counted);
    handles.push(spawn(counted, { name: `client ${item}` }));
  }
  // One after the other: those that are done by then are met without a wait.
  for (const handle of handles) yield* handle;
  return clients.map(({ polls }) => polls);
}

const server = new Worker(new URL('./server.js', import.meta.url));
const port = await new Promise<number>((resolve, reject) => {
  server.once('message', resolve);
  server.once('error', reject);
});
const polls = await run(main(port), { name: 'main' });
await server.terminate();
console.log(JSON.stringify({ pid: process.pid, tasks: clientCount, polls, ...counters }));
