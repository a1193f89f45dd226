// A plain Node program, which imports nothing of Wakeline: a small shop's server, a worker thread that seals its orders,
// and customers in a process of their own. It ends when they have all been served, and prints what it counted.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);
const customers = 4;
const ordersOfEach = Number(process.env.SHOP_ORDERS ?? 15);

/** The thread: a digest for each order, until it is told that there are no more. */
function sealOrders() {
  parentPort.on('message', ({ order, text }) => {
    if (order === undefined) parentPort.close();
    else parentPort.postMessage({ order, seal: createHash('sha256').update(text).digest('hex') });
  });
}

/** The child: each customer orders one thing after the other. */
async function buy(port) {
  const customer = async (name) => {
    for (let i = 0; i < ordersOfEach; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/order?customer=${name}&number=${i}`);
      await response.text();
      await sleep(10);
    }
  };
  await Promise.all(Array.from({ length: customers }, (_, name) => customer(name)));
}

function keepShop() {
  const counters = { served: 0, sealed: 0 };
  const waiting = new Map();
  const thread = new Worker(self);
  thread.on('message', ({ order, seal }) => {
    counters.sealed++;
    waiting.get(order)(seal);
    waiting.delete(order);
  });

  async function seal(order) {
    const catalogue = await readFile(self, 'utf8');
    return new Promise((resolve) => {
      waiting.set(order, resolve);
      thread.postMessage({ order, text: catalogue + order });
    });
  }

  async function takeOrder(request, response) {
    const sealed = await seal(request.url);
    // The parcel.
    await sleep(5);
    counters.served++;
    response.end(sealed);
  }

  const server = createServer(takeOrder);
  server.listen(0, '127.0.0.1', () => {
    fork(self, ['customers', String(server.address().port)]).on('exit', () => {
      thread.postMessage({});
      server.close(() => console.log(JSON.stringify(counters)));
    });
  });
}

if (!isMainThread) sealOrders();
else if (process.argv[2] === 'customers') await buy(Number(process.argv[3]));
else keepShop();
