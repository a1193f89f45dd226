// Very many connections and requests: each is told of, or counted as dropped, and nothing of a request that is over stays
// in the program's memory. `npm run bench -- node-load` is the long form.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { recordLoad } from '../../support/many-connections.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';

const programs = new ProbePrograms();
after(() => programs.remove());

/** As many as the system lets a process have open, at most a thousand: it may allow 1024 in all. */
const hardLimit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
const connections = Math.min(
  1_000,
  (hardLimit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hardLimit)) - 250,
);
const requests = 20_000;
/** Of the half of the requests that came between the two looks: 800 bytes each. One task of the probe's is more. */
const heapGrowthBytes = 8 * 1024 * 1024;

test(`${requests} requests over ${connections} connections`, async (context) => {
  const path = await programs.build(new URL('./programs/many-connections.ts', import.meta.url));
  const load = await recordLoad({
    path,
    connections,
    requests,
    nodeArguments: ['--require', programs.register()],
    environment: {},
    timeoutMs: 300_000,
  });
  assert.equal(load.served, requests);
  assert.equal(load.accepted, connections);
  // A machine without a processor left for the writer thread drops, and says how many.
  assert.ok(Number.isSafeInteger(load.dropped) && load.dropped >= 0);
  const withMain = requests + 1;
  if (load.dropped === 0) assert.equal(load.ended, withMain);
  else assert.ok(load.ended + load.dropped >= withMain);
  const grown = load.atEnd.heapBytes - load.halfWay.heapBytes;
  assert.ok(grown < heapGrowthBytes, `the heap grew by ${grown} bytes`);
  context.diagnostic(`${load.events} events, ${load.dropped} dropped`);
});
