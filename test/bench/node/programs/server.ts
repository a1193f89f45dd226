// The simplest HTTP server: answers as many requests as it is told to, and says what those after the first cost.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { since, type Used, used } from './meter.ts';

const warmUp = Number(process.argv[2]);
const requests = Number(process.argv[3]);
let served = 0;
let before: Used | undefined;

const server = createServer((_request, response) => {
  served++;
  if (served === warmUp) before = used();
  response.end('hello');
  if (served !== warmUp + requests || before === undefined) return;
  console.log(JSON.stringify({ ...since(before), count: requests }));
  server.close();
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
// The load ends by itself; a client that died must not leave this server behind.
setTimeout(() => process.exit(3), 300_000).unref();
