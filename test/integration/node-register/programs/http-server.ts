// A server of the simplest kind, and its clients in a process of their own: over kept-alive connections they make the
// requests that it counts. Knows nothing of the probe.
import { spawn } from 'node:child_process';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const requests = 200;
const connections = 8;

function serve(): void {
  let served = 0;
  let accepted = 0;
  const server = createServer(async (request, response) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    response.end(`hello ${request.url}`);
    served++;
  });
  server.on('connection', () => accepted++);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    // Its NODE_OPTIONS are its own: the clients are not what is recorded.
    const { WAKELINE: _address, NODE_OPTIONS: _options, ...env } = process.env;
    const clients = spawn(process.execPath, [fileURLToPath(import.meta.url), String(port)], {
      env,
      stdio: 'inherit',
    });
    // Longer than a second: Node renews the date of its answers by a timer that the first of them has set.
    clients.on('exit', () =>
      setTimeout(() => server.close(() => console.log(JSON.stringify({ served, accepted }))), 1_100),
    );
  });
}

function request(port: number): void {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let started = 0;
  let done = 0;
  const next = (): void => {
    if (started === requests) return;
    started++;
    get({ host: '127.0.0.1', port, agent, path: `/item?number=${started}` }, (response) => {
      response.resume();
      response.on('end', () => {
        done++;
        if (done === requests) agent.destroy();
        else next();
      });
    });
  };
  for (let i = 0; i < connections; i++) next();
}

const port = process.argv[2];
if (port === undefined) serve();
else request(Number(port));
