// The program of the workbench test of scheduling breakpoints: plain Node, no import of Wakeline. Visitors wait at a
// turnstile, and a timer lets them through again and again. At SIGUSR2 it computes until the file named first is there.
import { existsSync } from 'node:fs';
import { createServer, get } from 'node:http';

const [, , flag = ''] = process.argv;
const turnMs = 10;
/** Nobody waits for its end; one that was forgotten ends by itself. */
const longestMs = 600_000;
const waiting = new Set();
let passages = 0;

function turn() {
  for (const pass of waiting) {
    waiting.delete(pass);
    pass();
  }
}

function turned() {
  return new Promise((resolve) => waiting.add(resolve));
}

async function visit() {
  for (;;) {
    await turned();
    passages++;
  }
}

function grind() {
  while (!existsSync(flag)) for (let i = 0; i < 100_000; i++) passages = Math.max(passages, i % 2);
}

setInterval(turn, turnMs);
setTimeout(() => process.exit(), longestMs).unref();
process.on('SIGUSR2', () => setTimeout(grind, 1));
const server = createServer(() => void visit());
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  for (const name of ['anna', 'bert']) get({ host: '127.0.0.1', port, path: `/${name}` });
});
