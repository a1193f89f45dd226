// `npm run bench -- node-load`: 10,000 connections at once, and over them as many requests as 10,000 clients with one a
// minute make in an hour, as fast as the server answers. Prints for the server plain, recorded by a collector that reads,
// and by one that stalls: what it served, how its memory grew in the second half, and what was dropped.
// `--connections=` and `--requests=` make it smaller. One run of each: it is long, and what it asks is a yes or no.
import { parseArgs } from 'node:util';
import {
  type Load,
  type Loaded,
  type RecordedLoad,
  recordLoad,
  runLoad,
} from '../../support/many-connections.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    requests: { type: 'string', default: '600000' },
  },
});
const connections = Number(options.connections);
const requests = Number(options.requests);
const mib = 1024 ** 2;

function tell(variant: string, loaded: Loaded | RecordedLoad): void {
  const { served, accepted, seconds, halfWay, atEnd } = loaded;
  const rows: [string, number, string][] = [
    ['connections', accepted, 'connections'],
    ['requests', served, 'requests'],
    ['requests a second', served / seconds, 'requests/s'],
    ['memory half way', halfWay.residentBytes / mib, 'MiB'],
    ['memory growth, the rest', (atEnd.residentBytes - halfWay.residentBytes) / mib, 'MiB'],
    ['heap half way', halfWay.heapBytes / mib, 'MiB'],
    ['heap growth, the rest', (atEnd.heapBytes - halfWay.heapBytes) / mib, 'MiB'],
  ];
  if ('dropped' in loaded) {
    rows.push(['events', loaded.events, 'events'], ['events dropped', loaded.dropped, 'events']);
    if (loaded.dropped === 0) rows.push(['requests without a task', served + 1 - loaded.ended, 'requests']);
  }
  for (const [figure, value, unit] of rows) {
    const rounded = Number(value.toFixed(1));
    console.log(
      JSON.stringify({ bench: 'node-load', figure, variant, value: rounded, unit, min: rounded, runs: 1 }),
    );
  }
}

const programs = new ProbePrograms();
try {
  const program = new URL('../../integration/node-register/programs/many-connections.ts', import.meta.url);
  const path = await programs.build(program);
  const load: Load = {
    path,
    connections,
    requests,
    nodeArguments: [],
    environment: {},
    timeoutMs: 900_000,
  };
  const recorded = { ...load, nodeArguments: ['--require', programs.register()] };
  tell('plain', await runLoad(load));
  tell('recorded', await recordLoad(recorded));
  tell('recorded, the collector reads nothing until the end', await recordLoad(recorded, true));
} finally {
  programs.remove();
}
