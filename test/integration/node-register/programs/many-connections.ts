// A server with very many kept-alive connections, and their client in a process of its own, which makes requests over all
// of them in turn. It says what it served and how its memory grew. Knows nothing of the probe.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const [connections = 0, requests = 0, port = 0, lingerMs = 0] = process.argv.slice(2).map(Number);
const request = 'GET /item HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** Fewer than a listener's backlog, so that no attempt waits for its second try. */
const openAtOnce = 100;
const requestsAtOnce = 64;
const collectGarbage = (globalThis as { gc?: () => void }).gc;

interface Memory {
  readonly residentBytes: number;
  /** Of JavaScript's heap, after its garbage was collected. */
  readonly heapBytes: number;
}

function memory(): Memory {
  collectGarbage?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed };
}

function serve(): void {
  let served = 0;
  let accepted = 0;
  let halfWay: Memory | undefined;
  const server = createServer((_request, response) => {
    served++;
    if (served === Math.floor(requests / 2)) halfWay = memory();
    response.end('hello');
  });
  server.keepAliveTimeout = 0;
  server.on('connection', () => accepted++);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    const listening = (server.address() as AddressInfo).port;
    // Its environment is bare: the client is not what is recorded.
    const client = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), `${connections}`, `${requests}`, `${listening}`],
      { env: {}, stdio: 'inherit' },
    );
    client.on('exit', (code) => {
      const atEnd = memory();
      server.close(() => {
        console.log(JSON.stringify({ served, accepted, halfWay, atEnd, client: code }));
        setTimeout(() => undefined, lingerMs);
      });
      server.closeAllConnections();
    });
  });
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** One request and its answer. */
function ask(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    let answer = '';
    const hear = (bytes: Buffer): void => {
      answer += bytes.toString('latin1');
      if (!answer.endsWith('\r\n\r\nhello')) return;
      socket.off('data', hear);
      resolve();
    };
    socket.on('data', hear);
    socket.write(request);
  });
}

async function load(): Promise<void> {
  const sockets: Socket[] = [];
  while (sockets.length < connections) {
    const some = Math.min(openAtOnce, connections - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, open))));
  }
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests) {
      const socket = sockets[next++ % connections];
      if (socket !== undefined) await ask(socket);
    }
  };
  // As many requests at once, each over the connection whose turn it is: no two over one.
  await Promise.all(Array.from({ length: Math.min(requestsAtOnce, connections) }, lane));
  for (const socket of sockets) socket.destroy();
}

if (port === 0) serve();
else {
  await load();
  process.exit(0);
}
