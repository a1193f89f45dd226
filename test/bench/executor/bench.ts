// `npm run bench -- executor`: what a poll, a wake, a hop over a channel and their like cost on the TypeScript executor,
// unobserved and recorded, beside the same with plain promises. One process for each measurement; the workloads run in
// turns, so that a busy machine slows all alike. Prints a table and one JSON line a figure.
// `--runs=3` and `--nodes=24` make it smaller; `--smoke` runs each once with a tenth of the work, to see that it works.
import { parseArgs } from 'node:util';
import { EventCounter } from '../../support/event-counter.ts';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';
import { nodeOf, nodeVersions } from '../node/fetched.ts';

/** Each operation of the executor, and the one of plain promises that does the same. */
const workloads = [
  { name: 'yield', what: 'a poll that wakes its own task', plain: 'plain await' },
  { name: 'channel hop', what: 'a value to a task that waits for it', plain: 'plain hop' },
  { name: 'bounded value', what: 'a value through a channel of 64', plain: undefined },
  { name: 'spawn and join', what: 'a task from its spawn to its end', plain: undefined },
  { name: 'promise reaction', what: 'a reaction of a promise', plain: 'plain reaction' },
] as const;

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    nodes: { type: 'string', default: '20,24' },
    smoke: { type: 'boolean', default: false },
  },
});
const runs = options.smoke ? 1 : Number(options.runs);
const asked = options.nodes.split(',').filter((part) => part !== '');
const versions = nodeVersions.filter((version) => asked.some((part) => version.startsWith(part)));
if (versions.length === 0) throw new Error(`no Node of ${nodeVersions.join(', ')} is asked for`);

interface Figure {
  readonly node: string;
  readonly workload: string;
  readonly figure: 'plain promises' | 'executor' | 'recorded' | 'added by recording' | 'added to an event';
  readonly unit: 'ns';
  readonly value: number;
  readonly min: number;
  readonly runs: number;
}

interface Measured {
  readonly ns: number;
  readonly eventsPerOperation: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const least = (values: readonly number[]): number => Math.min(...values);

const programs = new ProbePrograms();

async function measure(path: string, node: string, workload: string, record: boolean): Promise<Measured> {
  const counter = new EventCounter();
  const receiver = record
    ? await StreamReceiver.listen({ onFrame: (frame) => counter.take(frame) })
    : undefined;
  try {
    const result = await runProgram(path, {
      executable: node,
      arguments: [
        `--workload=${workload}`,
        ...(record ? ['--record'] : []),
        ...(options.smoke ? ['--part=0.1'] : []),
      ],
      environment: receiver?.environment ?? {},
      nodeArguments: [],
      timeoutMs: 300_000,
    });
    if (result.code !== 0) throw new Error(`${workload} failed: ${result.stderr}`);
    if (receiver !== undefined)
      await until(() => receiver.connections[0]?.closed === true, 'the end', 60_000);
    const told = JSON.parse(result.stdout) as { ns: number; operations: number; dropped: number };
    if (told.dropped > 0) console.error(`${workload}: ${told.dropped} events were dropped`);
    return {
      ns: told.ns / told.operations,
      // The warm-up is as much again.
      eventsPerOperation: (counter.events + told.dropped) / (2 * told.operations),
    };
  } finally {
    await receiver?.close();
  }
}

async function figuresOf(path: string, version: string): Promise<Figure[]> {
  const node = nodeOf(version);
  const plain = new Map<string, number[]>();
  const off = new Map<string, number[]>();
  const recorded = new Map<string, Measured[]>();
  const into = <T>(map: Map<string, T[]>, key: string, value: T): void => {
    map.set(key, [...(map.get(key) ?? []), value]);
  };
  for (let run = 0; run < runs; run++)
    for (const { name, plain: same } of workloads) {
      if (same !== undefined) into(plain, name, (await measure(path, node, same, false)).ns);
      into(off, name, (await measure(path, node, name, false)).ns);
      into(recorded, name, await measure(path, node, name, true));
    }
  return workloads.flatMap(({ name }) => {
    const at = { node: version, workload: name, unit: 'ns', runs } as const;
    const own = off.get(name) ?? [];
    const withEvents = recorded.get(name) ?? [];
    const pairs = withEvents.map(({ ns }, run) => ns - (own[run] ?? Number.NaN));
    const perEvent = pairs.map((ns, run) => ns / (withEvents[run]?.eventsPerOperation ?? Number.NaN));
    const same = plain.get(name);
    const rows: Array<readonly [Figure['figure'], readonly number[]]> = [
      ['executor', own],
      ['recorded', withEvents.map(({ ns }) => ns)],
      ['added by recording', pairs],
      ['added to an event', perEvent],
    ];
    if (same !== undefined) rows.unshift(['plain promises', same]);
    return rows.map(([figure, values]) => ({ ...at, figure, value: median(values), min: least(values) }));
  });
}

function printTable(version: string, figures: readonly Figure[]): void {
  const cell = (workload: string, figure: Figure['figure']): string => {
    const found = figures.find((each) => each.workload === workload && each.figure === figure);
    return found === undefined ? '–' : `${found.value.toFixed(0)} (${found.min.toFixed(0)})`;
  };
  console.log(`\nNode ${version}: ns of processor time, median (least) of ${runs} runs\n`);
  console.log('| One operation | plain promises | executor | recorded | added | of it an event |');
  console.log('|---|---|---|---|---|---|');
  for (const { name, what } of workloads) {
    const cells = [
      'plain promises',
      'executor',
      'recorded',
      'added by recording',
      'added to an event',
    ] as const;
    console.log(`| ${what} | ${cells.map((figure) => cell(name, figure)).join(' | ')} |`);
  }
}

try {
  const path = await programs.build(new URL('./workloads.ts', import.meta.url));
  for (const version of versions) {
    const figures = await figuresOf(path, version);
    printTable(version, figures);
    for (const figure of figures) console.log(JSON.stringify(figure));
  }
} finally {
  programs.remove();
}
