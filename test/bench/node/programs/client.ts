// Makes requests of the server over kept-alive connections, one at a time on each, as fast as it answers; with a rate,
// those behind the first `unpaced` at that rate, each at its own instant. Node's timers count whole ms, so a paced
// client sleeps by a futex until the next request is due, and looks at its sockets between two sleeps.
// Plain sockets: a client of Node's own would need more of the machine than the server.
import { connect, type Socket } from 'node:net';

const [port = 0, connections = 0, requests = 0, perSecond = 0, unpaced = 0] = process.argv
  .slice(2)
  .map(Number);
const request = 'GET /item HTTP/1.1\r\nHost: localhost\r\n\r\n';
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

let started = 0;
let done = 0;
/** When the first request was made that is paced. */
let beganMs = performance.now();
const idle: Socket[] = [];

/** How many are to be begun by now. */
function due(): number {
  if (perSecond === 0) return requests;
  if (done < unpaced) return unpaced;
  return Math.min(requests, unpaced + Math.floor(((performance.now() - beganMs) / 1000) * perSecond));
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
    else if (done === unpaced && perSecond > 0) pace(socket);
    else begin(socket);
  });
  sockets.push(socket);
}

/** From here on at the rate. */
function pace(socket: Socket): void {
  beganMs = performance.now();
  begin(socket);
  const turn = (): void => {
    while (idle.length > 0 && started < due()) begin(idle.pop() as Socket);
    const nextMs = beganMs + ((started + 1 - unpaced) / perSecond) * 1000;
    const waitMs = nextMs - performance.now();
    if (waitMs > 0) Atomics.wait(nobodyWakes, 0, 0, waitMs);
    // Behind it the loop looks at the sockets, without waiting for them.
    setImmediate(turn);
  };
  setImmediate(turn);
}

/** Says how many requests a second there were: of those that are paced, if any are. */
function finish(): void {
  const seconds = (performance.now() - beganMs) / 1000;
  const paced = perSecond > 0 ? requests - unpaced : requests;
  console.log(JSON.stringify({ perSecond: paced / seconds }));
  process.exit(0);
}

const sockets: Socket[] = [];
for (let i = 0; i < connections; i++) open();
setTimeout(() => process.exit(3), 240_000).unref();
