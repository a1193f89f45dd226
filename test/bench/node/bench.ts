// `npm run bench -- node`: what recording an unchanged program costs its main thread, for an await and for an HTTP request,
// beside what Node's own means and another profiler cost, on each line of Node that is supported; and whether anything is
// dropped at 4,000 requests a second. One process for each measurement; the ways of looking run in turns, so that a busy
// machine slows all alike. Prints a table, one JSON line a figure, and how the figures stand to the targets.
//
// A request is measured twice. As fast as the server answers, several requests come in one turn of its loop and its code
// never leaves the processor's caches, so one costs half of what it does at a rate; but then the server, its client and
// the collector contend for two processors, which a recorded server pays for too. At 4,000 requests a second, each at
// its own instant, the server sleeps before each: that is what a request costs in a server that is not overloaded.
//
// A run of all takes 25 to 30 minutes, and says how long each part took. One turn of one Node takes, in seconds: awaits
// 12, requests 17, requests at the rate 26, losses 4; of these the dear ways of looking (trace events, bubbleprof) take
// 12, so three turns of them must do.
// `--runs=3`, `--nodes=24,26`, `--only=lean,full`, `--parts=awaits,requests,steady,losses`, `--awaits=…`, `--requests=…`
// and `--steady-requests=…` make it smaller; `--smoke` runs each once with little to do, to see that it works.
import { parseArgs } from 'node:util';
import { nodeOf, nodeVersions } from './fetched.ts';
import { type Measured, MeasuredPrograms, type Mode, type Work } from './measured-program.ts';

/** The first is what the others are compared with. */
const modes: readonly Mode[] = [
  { name: 'plain', by: 'nothing' },
  // The same again: what differs between these two is the machine's noise.
  { name: 'plain again', by: 'nothing' },
  { name: 'off', by: 'wakeline', detail: 'off' },
  { name: 'native', by: 'wakeline', detail: 'native' },
  // With the sites of awaits.
  { name: 'lean', by: 'wakeline', detail: 'lean' },
  { name: 'full', by: 'wakeline', detail: 'full' },
  { name: 'async_hooks that do nothing', by: 'script', script: 'no-op-hooks' },
  // What no recorder that is told by these hooks can be below: of each await, and of each callback of the loop.
  { name: 'promise hooks that do nothing', by: 'script', script: 'no-op-promise-hooks' },
  { name: 'callback hooks that do nothing', by: 'script', script: 'no-op-callback-hooks' },
  { name: 'trace events node.async_hooks', by: 'trace events' },
  { name: 'bubbleprof', by: 'bubbleprof' },
];
/** Slower by an order: they get a part of the work, and of the turns. */
const shareOfOthers = 0.1;
const mostTurnsOfOthers = 3;
/** What may be told of requests at a rate: whoever looks at awaits alone costs them nothing, and others far too much. */
const atTheRate: ReadonlySet<string> = new Set([
  'plain',
  'plain again',
  'native',
  'lean',
  'full',
  'callback hooks that do nothing',
]);

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    awaits: { type: 'string', default: '300000' },
    requests: { type: 'string', default: '10000' },
    'steady-requests': { type: 'string', default: '10000' },
    parts: { type: 'string', default: '' },
    nodes: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    smoke: { type: 'boolean', default: false },
  },
});
const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
const runs = options.smoke ? 1 : Number(options.runs);
const awaits = options.smoke ? 30_000 : Number(options.awaits);
const requests = options.smoke ? 1_000 : Number(options.requests);
const versions = nodeVersions.filter(
  (version) =>
    list(options.nodes).length === 0 || list(options.nodes).some((part) => version.startsWith(part)),
);
const chosen = modes.filter(
  (mode, place) => place === 0 || list(options.only).length === 0 || list(options.only).includes(mode.name),
);
const load = { connections: 16, perSecond: 4000 };
const steadyRequests = options.smoke ? 2_000 : Number(options['steady-requests']);
const has = (part: string): boolean => list(options.parts).length === 0 || list(options.parts).includes(part);

interface Figure {
  readonly figure: string;
  readonly node: string;
  readonly mode: string;
  readonly unit: string;
  /** Median of the runs, of what each has more than the plain run of the same turn where it is an addition. */
  readonly value: number;
  /** Least of the values; for an addition, less the least of the plain ones. */
  readonly min: number;
  readonly runs: number;
}

interface Series {
  readonly mode: Mode;
  readonly measured: Measured[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const least = (values: readonly number[]): number => Math.min(...values);

async function inTurns(node: string, work: Work, ways: readonly Mode[]): Promise<Series[]> {
  let series: Series[] = ways.map((mode) => ({ mode, measured: [] }));
  for (let run = 0; run < runs; run++)
    for (const { mode, measured } of series) {
      const slow = mode.by === 'trace events' || mode.by === 'bubbleprof';
      if (slow && run >= mostTurnsOfOthers) continue;
      const own = slow ? { ...work, count: Math.ceil(work.count * shareOfOthers) } : work;
      try {
        const one = await programs.measure(node, mode, own);
        if (one.dropped > 0)
          console.error(`${mode.name}: ${one.dropped} of ${one.events} events were dropped`);
        measured.push(one);
      } catch (error) {
        console.error(`${mode.name} does not work here: ${String(error)}`);
        series = series.filter((each) => each.mode !== mode);
      }
    }
  return series;
}

type What = 'an await' | 'a request' | 'a request at 4,000/s';

function figuresOf(node: string, what: What, series: readonly Series[]): Figure[] {
  const [plain] = series;
  if (plain === undefined) return [];
  const unit = what === 'an await' ? 'ns' : 'µs';
  const scale = what === 'an await' ? 1 : 1000;
  const per = (key: 'mainNs' | 'processNs', { measured }: Series): number[] =>
    measured.map((one) => one[key] / one.count / scale);
  return series.flatMap((each) => {
    const at = { node, mode: each.mode.name, unit, runs: each.measured.length };
    const main = per('mainNs', each);
    const whole = per('processNs', each);
    const absolute: Figure[] = [
      { ...at, figure: `main thread, ${what}`, value: median(main), min: least(main) },
      { ...at, figure: `whole process, ${what}`, value: median(whole), min: least(whole) },
    ];
    if (each === plain) return absolute;
    const base = per('mainNs', plain);
    const pairs = main.map((value, run) => value - (base[run] ?? Number.NaN));
    const added = { value: median(pairs), min: least(main) - least(base) };
    absolute.push({ ...at, figure: `main thread, added to ${what}`, ...added });
    const eventsOf = each.measured.map((one) => (one.events + one.dropped) / one.made);
    // What is not recorded costs nothing for an event.
    if (each.mode.by !== 'wakeline' || median(eventsOf) < 1) return absolute;
    const perEvent = pairs.map((value, run) => (value * scale) / (eventsOf[run] ?? Number.NaN));
    absolute.push({
      ...at,
      figure: `main thread, an event of ${what}`,
      unit: 'ns',
      value: median(perEvent),
      min: (added.min * scale) / median(eventsOf),
    });
    return absolute;
  });
}

/** Whether all is recorded at the rate that the target names, in all runs together, and whether that rate was held. */
function dropsOf(node: string, series: readonly Series[]): Figure[] {
  return series.flatMap(({ mode, measured }) => {
    const at = { node, mode: mode.name, runs: measured.length };
    const rates = measured.map((one) => one.perSecond);
    const rate: Figure = {
      ...at,
      figure: 'requests a second',
      unit: 'requests/s',
      value: median(rates),
      min: least(rates),
    };
    if (mode.by !== 'wakeline') return [rate];
    const dropped = measured.reduce((sum, one) => sum + one.dropped, 0);
    const drops = {
      figure: 'events dropped at 4,000 requests/s',
      unit: 'events',
      value: dropped,
      min: dropped,
    };
    return [rate, { ...at, ...drops }];
  });
}

/** What a death by a signal that nobody handles loses. */
async function lossesOf(node: string, version: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  const at = { node: version, mode: 'lean', unit: 'ms', runs };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const lost: number[] = [];
    for (let run = 0; run < runs; run++) lost.push(await programs.lostMs(node, signal));
    figures.push({ ...at, figure: `lost by ${signal}`, value: median(lost), min: least(lost) });
  }
  return figures;
}

function tell(figures: readonly Figure[]): void {
  const number = (each: number): string => each.toFixed(Math.abs(each) < 100 ? 1 : 0).padStart(9);
  for (const { node, mode, figure, unit, value, min } of figures)
    console.log(
      `Node ${node.padEnd(8)} ${mode.padEnd(30)} ${figure.padEnd(36)} median ${number(value)}  min ${number(min)} ${unit}`,
    );
  const round = (each: number): number => Number(each.toFixed(2));
  for (const { node, mode, figure, unit, value, min, runs: count } of figures)
    console.log(
      JSON.stringify({
        bench: 'node',
        figure,
        variant: `Node ${node}, ${mode}`,
        value: round(value),
        unit,
        min: round(min),
        runs: count,
      }),
    );
}

/** The targets of the product. */
function judge(figures: readonly Figure[]): void {
  const find = (node: string, mode: string, figure: string): Figure | undefined =>
    figures.find((each) => each.node === node && each.mode === mode && each.figure === figure);
  const say = (target: string, figure: Figure | undefined, most: number): void => {
    if (figure === undefined) return;
    const { node, value, min, unit } = figure;
    console.log(
      `${value <= most ? 'met    ' : 'NOT MET'} Node ${node}, ${target}: ${value.toFixed(1)} ${unit} (least ${min.toFixed(1)})`,
    );
  };
  for (const node of versions) {
    const isNew = Number.parseInt(node, 10) >= 24;
    const most = isNew ? 600 : 800;
    say('lean: at most 100 ns an event', find(node, 'lean', 'main thread, an event of an await'), 100);
    say(`lean, with sites: at most ${most} ns an await`, find(node, 'lean', 'main thread, an await'), most);
    for (const what of ['a request at 4,000/s', 'a request'] as const) {
      const plain = find(node, 'plain', `main thread, ${what}`);
      const shareOf = (mode: string): Figure | undefined => {
        const added = find(node, mode, `main thread, added to ${what}`);
        if (plain === undefined || added === undefined) return undefined;
        const share = { value: (added.value / plain.value) * 100, min: (added.min / plain.min) * 100 };
        return { ...added, ...share, unit: '%' };
      };
      const when = what === 'a request' ? `${what} as fast as it answers` : what;
      say(`native: at most 20 % more for ${when}`, shareOf('native'), 20);
      say(
        `hooks that do nothing: at most 20 % more for ${when}`,
        shareOf('callback hooks that do nothing'),
        20,
      );
    }
    for (const signal of ['SIGTERM', 'SIGINT'])
      say(`${signal} loses at most 10 ms`, find(node, 'lean', `lost by ${signal}`), 10);
    for (const mode of ['native', 'lean', 'full'])
      say(`${mode}: nothing dropped`, find(node, mode, 'events dropped at 4,000 requests/s'), 0);
  }
}

const programs = new MeasuredPrograms();
try {
  await programs.build();
  const figures: Figure[] = [];
  for (const version of versions) {
    const node = nodeOf(version);
    const part = async (name: string, work: () => Promise<Figure[]>): Promise<void> => {
      if (!has(name)) return;
      const beganMs = performance.now();
      const some = await work();
      // At once: a run of all takes minutes.
      tell(some);
      figures.push(...some);
      console.log(`${name}: ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
    };
    await part('awaits', async () => {
      const ways = chosen.filter((mode) => mode.script !== 'no-op-callback-hooks');
      return figuresOf(version, 'an await', await inTurns(node, { kind: 'awaits', count: awaits }, ways));
    });
    await part('requests', async () => {
      const work: Work = { kind: 'requests', count: requests, ...load, perSecond: 0 };
      const ways = chosen.filter((mode) => mode.script !== 'no-op-promise-hooks');
      return figuresOf(version, 'a request', await inTurns(node, work, ways));
    });
    await part('steady', async () => {
      const work: Work = { kind: 'requests', count: steadyRequests, ...load };
      const ways = chosen.filter((mode) => atTheRate.has(mode.name));
      const series = await inTurns(node, work, ways);
      return [...figuresOf(version, 'a request at 4,000/s', series), ...dropsOf(version, series)];
    });
    await part('losses', () => lossesOf(node, version));
  }
  judge(figures);
} finally {
  programs.remove();
}
