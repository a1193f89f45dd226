// Owns the page that compares the three traces: tables and sentences from figures. Sentences say what follows from how
// each way works or from the numbers beside them, and never who is faster in general. Knows nothing of recording.
import type { FileCounters } from '../../test/support/example-claims.ts';
import type { TraceFigures } from './trace-figures.ts';

/** What the program printed of itself beyond what the claims need. */
export interface Counters extends FileCounters {
  readonly wallNs: number;
  readonly cpuNs: number;
  readonly contextSwitches: number;
  readonly kernelThreads: number;
}

export interface Run {
  readonly counters: Counters;
  readonly figures: TraceFigures;
}

export interface Way {
  readonly key: 'pool' | 'threads' | 'io-uring';
  readonly title: string;
  readonly runs: readonly Run[];
  /** System calls of one run that was not recorded, by name; undefined where they could not be counted. */
  readonly calls: ReadonlyMap<string, number> | undefined;
  /** Of the run that the picture shows. */
  readonly shown: Run;
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly kernel: string;
  readonly fileSystem: string;
  readonly date: string;
}

export function page(ways: readonly Way[], machine: Machine): string {
  const rounds = ways[0]?.runs.length ?? 0;
  return `# One hundred file writes, three ways

One program, one thread that polls, one hundred tasks; each writes a file of 1 MB.
What differs is how the executor makes a file operation: \`--files pool\`, \`--files threads\` or \`--files io-uring\`.
This page, its figures and its pictures are made by \`npm run compare\` from recordings; nothing is typed in.

## Why files are different

A socket has readiness: the kernel tells epoll when a read would not block, so one thread can wait for all of them.
A file has none: a read or write of it simply takes as long as it takes, and epoll refuses to watch it.
So an "asynchronous" file write is one of two things: a blocking call on a thread that may block, or an operation handed to the kernel through io_uring, which tells when it is done.

${ways.map((way) => section(way)).join('\n')}
## The figures

${rounds} runs of each, interleaved, recorded; least and median.

${table(ways)}

${callsTable(ways)}
## What to read in them

- With the pool, hand-over is quick and the rest is waiting: of ${shownOf(ways, 'pool').peakInFlight} jobs in flight at the most, ${shownOf(ways, 'pool').peakQueued} stood in the queue, as the pool has ${ways[0]?.shown.counters.poolThreads ?? 0} threads.
- With a thread for each write there is no queue of the program's own; the ${shownOf(ways, 'threads').jobThreads} threads wait for the processor and for each other in the kernel instead, where the trace shows them as running.
- With io_uring the program has no thread for files at all: ${shownOf(ways, 'io-uring').submissions} submissions (an open, a write and a close for each file), up to ${shownOf(ways, 'io-uring').peakInFlight} in flight, and each completion is found by the reactor, which has the ring among its sources.
  What the kernel cannot do without blocking it gives to threads of its own (\`iou-wrk\`), which work in the program's name but run none of its code. They are counted above; no trace of the program can show what they do.
- "Written" means that the page cache has the bytes. None of the three waits for a device; \`File::sync_all\` would.
- Processor time is that of all threads of the process, the kernel's workers for io_uring included.

## The machine

${machine.processor}, ${machine.processors} processors, Linux ${machine.kernel}, files on ${machine.fileSystem}, ${machine.date}.
Other work may have run beside it, so compare the columns with each other and not with other machines.
`;
}

function shownOf(ways: readonly Way[], key: Way['key']): TraceFigures {
  const way = ways.find((each) => each.key === key);
  if (way === undefined) throw new Error(`there is no recording of ${key}`);
  return way.shown.figures;
}

function section(way: Way): string {
  return `## ${way.title}\n\n![${way.title}: operations in flight and threads over time](pictures/file-writes-${way.key}.svg)\n`;
}

type Row = readonly [string, (run: Run) => number, (value: number) => string];

const rows: readonly Row[] = [
  ['time from the first poll to the last', ({ figures }) => figures.toNs - figures.fromNs, ms],
  ['time as the program measured it', ({ counters }) => counters.wallNs, ms],
  ['processor time', ({ counters }) => counters.cpuNs, ms],
  ['context switches', ({ counters }) => counters.contextSwitches, String],
  ['threads of the program that made file operations', ({ figures }) => figures.jobThreads, String],
  ['threads of the kernel (`iou-wrk`) at the end', ({ counters }) => counters.kernelThreads, String],
  ['jobs', ({ figures }) => figures.jobs, String],
  ['submissions', ({ figures }) => figures.submissions, String],
  ['most operations in flight', ({ figures }) => figures.peakInFlight, String],
  ['most jobs that no thread had begun', ({ figures }) => figures.peakQueued, String],
  ['one operation, from hand-over to its end: median', ({ figures }) => middle(figures.operationNs), ms],
  ['one operation: longest', ({ figures }) => figures.operationNs.at(-1) ?? 0, ms],
  ['polls', ({ figures }) => figures.polls, String],
  ['parks of the reactor', ({ figures }) => figures.reactorTurns, String],
];

function table(ways: readonly Way[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...ways.map((way) => way.title)]),
    line(['---', ...ways.map(() => '--:')]),
    ...rows.map(([name, value, format]) =>
      line([
        name,
        ...ways.map(({ runs }) => {
          const values = runs.map(value).sort((x, y) => x - y);
          const [least, median] = [format(values[0] ?? 0), format(middle(values))];
          return least === median ? least : `${least} / ${median}`;
        }),
      ]),
    ),
  ].join('\n');
}

/** Names that at least one way calls this often have a row; start and end of the program are in all columns. */
const fewestCalls = 20;

function callsTable(ways: readonly Way[]): string {
  if (ways.some(({ calls }) => calls === undefined))
    return 'System calls were not counted: strace is not there or may not trace.\n';
  const callsOf = (way: Way, name: string) => way.calls?.get(name) ?? 0;
  const names = new Set(ways.flatMap(({ calls }) => [...(calls?.keys() ?? [])]));
  const most = (name: string) => Math.max(...ways.map((way) => callsOf(way, name)));
  const shown = [...names]
    .filter((name) => most(name) >= fewestCalls)
    .sort((x, y) => most(y) - most(x) || (x < y ? -1 : 1));
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const totals = ways.map(({ calls }) => [...(calls?.values() ?? [])].reduce((sum, each) => sum + each, 0));
  return `System calls of one run each, not recorded, under strace, start and end of the program included; those that one of the three makes ${fewestCalls} times or more.

${[
  line(['', ...ways.map((way) => way.title)]),
  line(['---', ...ways.map(() => '--:')]),
  line(['all', ...totals]),
  ...shown.map((name) => line([`\`${name}\``, ...ways.map((way) => callsOf(way, name))])),
].join('\n')}
`;
}

export function middle(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function ms(ns: number): string {
  return `${(ns / 1e6).toFixed(ns < 1e7 ? 2 : 1)} ms`;
}
