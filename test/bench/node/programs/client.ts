// Makes requests of the server over kept-alive connections, one at a time on each, as fast as it answers or at a rate.
// Plain sockets: a client of Node's own would need more of the machine than the server.
import { connect, type Socket } from 'node:net';

const [port = 0, connections = 0, requests = 0, perSecond = 0] = process.argv.slice(2).map(Number);
const request = 'GET /item HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** How long a paced client waits between two looks at what is due. */
const paceMs = 4;

let started = 0;
let done = 0;
const beganMs = performance.now();
const idle: Socket[] = [];

function due(): number {
  if (perSecond === 0) return requests;
  return Math.min(requests, Math.floor(((performance.now() - beganMs) / 1000) * perSecond));
}

function begin(socket: Socket): void {
  if (started >= due()) {
    idle.push(socket);
    return;
  }
  started++;
  socket.write(request);
}

function open(): void {
  const socket = connect(port, '127.0.0.1', () => begin(socket));
  let answer = '';
  socket.setNoDelay();
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
    if (!answer.endsWith('\r\n\r\nhello')) return;
    answer = '';
    done++;
    if (done === requests) finish();
    else begin(socket);
  });
  sockets.push(socket);
}

function finish(): void {
  console.log(JSON.stringify({ seconds: (performance.now() - beganMs) / 1000 }));
  process.exit(0);
}

const sockets: Socket[] = [];
for (let i = 0; i < connections; i++) open();
if (perSecond > 0)
  setInterval(() => {
    while (idle.length > 0 && started < due()) begin(idle.pop() as Socket);
  }, paceMs);
setTimeout(() => process.exit(3), 240_000).unref();
