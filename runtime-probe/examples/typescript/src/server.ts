// The server of the requests example. It runs on a worker thread with a loop of its own, so that what the client's
// loop shows is the client's work alone. It answers /item/<n> after a time that depends on n only.
import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

const shortestDelayMs = 5;
const longestDelayMs = 250;

/** Spread over the whole range and out of order: 61 and 100 have no common divisor. */
function delayMs(item: number): number {
  const place = (item * 61) % 100;
  return shortestDelayMs + (place / 99) * (longestDelayMs - shortestDelayMs);
}

const server = createServer((request, response) => {
  const item = Number(/^\/item\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 0);
  setTimeout(() => response.end('x'.repeat(1000 + item * 10)), delayMs(item));
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') parentPort?.postMessage(address.port);
});
