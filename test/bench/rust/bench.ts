// `npm run bench -- rust`: what each recorder adds to a poll on tokio, in processor time and bytes, all in one run.
// One process for each measurement; the variants of a program run in turns, so that a busy machine slows all alike.
// Prints a table, one JSON line a figure, and how the figures stand to the targets. `--runs=3`,
// `--polls=100000` and `--only=dial9,wakeline` make it smaller; `--smoke` runs each variant once to see that it works.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Measured, type Measurement, measure, type Needs } from './measured-process.ts';

const folder = join(process.cwd(), 'runtime-probe/rust/bench-peers');

/** What shares tokio's settings shares a build: what a recorder switches on in tokio the others must not pay for. */
const builds = {
  stable: { features: 'wakeline,metrics', rustFlags: '' },
  tracing: { features: 'console,chrome,wakeline-told', rustFlags: '--cfg tokio_unstable' },
  dial9: { features: 'dial9', rustFlags: '--cfg tokio_unstable' },
} as const;

interface Variant {
  readonly name: string;
  readonly build: keyof typeof builds;
  readonly recorder: string;
  readonly needs: Needs;
  /** Part of the polls that it makes: what takes 5 µs a poll need not make a million. */
  readonly share?: number;
  readonly programs?: readonly string[];
}

const polling = ['yield-ct', 'yield-mt', 'ping-pong-ct'] as const;
const echo = 'echo-mt';
const ours = [...polling, echo];

/** An echo is 16 µs of two processes, most of it the kernel's. */
const shareOf = (program: string): number => (program === echo ? 0.1 : 1);

/** The first is what the others are compared with. */
const variants: readonly Variant[] = [
  { name: 'plain', build: 'stable', recorder: 'plain', needs: 'nothing', programs: ours },
  // The same again: what differs between these two is the machine's noise.
  { name: 'plain again', build: 'stable', recorder: 'plain', needs: 'nothing', programs: ours },
  {
    name: 'wakeline, not started',
    build: 'stable',
    recorder: 'wakeline-not-started',
    needs: 'nothing',
    programs: ours,
  },
  { name: 'wakeline, off', build: 'stable', recorder: 'wakeline-off', needs: 'collector', programs: ours },
  { name: 'wakeline', build: 'stable', recorder: 'wakeline', needs: 'collector', programs: ours },
  {
    name: 'wakeline, subscriber',
    build: 'tracing',
    recorder: 'wakeline-subscriber',
    needs: 'collector',
  },
  {
    name: 'wakeline, subscriber, lean',
    build: 'tracing',
    recorder: 'wakeline-subscriber-lean',
    needs: 'collector',
  },
  {
    name: 'wakeline, subscriber, off',
    build: 'tracing',
    recorder: 'wakeline-subscriber-off',
    needs: 'collector',
  },
  { name: 'wakeline, layer', build: 'tracing', recorder: 'wakeline-layer', needs: 'collector' },
  { name: 'wakeline, layer, lean', build: 'tracing', recorder: 'wakeline-layer-lean', needs: 'collector' },
  { name: 'tokio-metrics', build: 'stable', recorder: 'tokio-metrics', needs: 'nothing' },
  {
    name: 'tokio_unstable and tracing, nobody listens',
    build: 'tracing',
    recorder: 'plain',
    needs: 'nothing',
  },
  { name: 'tokio_unstable', build: 'dial9', recorder: 'plain', needs: 'nothing' },
  { name: 'dial9, polls', build: 'dial9', recorder: 'dial9-polls', needs: 'folder' },
  { name: 'dial9, polls and wakes', build: 'dial9', recorder: 'dial9-wakes', needs: 'folder' },
  { name: 'console-subscriber', build: 'tracing', recorder: 'console-subscriber', needs: 'console client' },
  {
    name: 'tracing-chrome',
    build: 'tracing',
    recorder: 'tracing-chrome',
    needs: 'nothing',
    share: 0.1,
    programs: ['yield-ct'],
  },
];

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '9' },
    polls: { type: 'string', default: '1000000' },
    only: { type: 'string', default: '' },
    smoke: { type: 'boolean', default: false },
  },
});
const runs = options.smoke ? 1 : Number(options.runs);
const polls = options.smoke ? 100_000 : Number(options.polls);
const only = options.only.split(',').filter((part) => part !== '');

function build(name: keyof typeof builds): void {
  const { features, rustFlags } = builds[name];
  const args = ['build', '--release', '--locked', '--quiet', '--features', features];
  const env = { ...process.env, RUSTFLAGS: rustFlags, CARGO_TARGET_DIR: join(folder, 'target', name) };
  const { status } = spawnSync('cargo', args, { cwd: folder, env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`the build '${name}' of bench-peers failed`);
}

const binaryOf = (variant: Variant): string =>
  join(folder, 'target', variant.build, 'release/wakeline-bench-peers');

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
};

interface Figure {
  readonly program: string;
  readonly variant: string;
  readonly figure: string;
  readonly unit: string;
  /** Median of what each run has more than the plain run of the same turn, or of the values themselves. */
  readonly value: number;
  /** Least of the values less least of the plain ones, or least of the values themselves. */
  readonly min: number;
  readonly runs: number;
}

interface Series {
  readonly variant: Variant;
  readonly polls: number;
  readonly measured: Measured[];
}

async function measureProgram(program: string): Promise<Figure[]> {
  const series: Series[] = variants
    .filter((variant) => (variant.programs ?? polling).includes(program))
    .filter(
      (variant, place) =>
        place === 0 || only.length === 0 || only.some((part) => variant.name.includes(part)),
    )
    .map((variant) => ({ variant, polls: polls * (variant.share ?? shareOf(program)), measured: [] }));
  for (let run = 0; run < runs; run++)
    for (const { variant, polls: own, measured } of series) {
      const { recorder, needs } = variant;
      const asked: Measurement = { binary: binaryOf(variant), program, recorder, needs, polls: own };
      const one = await measure(asked);
      if (one.dropped > 0) console.error(`${program}, ${variant.name}: ${one.dropped} events were dropped`);
      measured.push(one);
    }
  return figuresOf(program, series);
}

function figuresOf(program: string, series: readonly Series[]): Figure[] {
  const [plain] = series as [Series];
  // The programs' own polls, where a trace has counted them: ping-pong has some more than was asked for. The
  // highest count, as a trace that is off has those before it went off at the most.
  const counted = Math.max(0, ...series.flatMap(({ measured }) => measured.map((one) => one.polls)));
  const scale = program === echo || counted < polls ? 1 : counted / polls;
  const cpuOf = ({ measured, polls: own }: Series): number[] =>
    measured.map((one) => one.processNs / (own * scale));
  const base = cpuOf(plain);
  const what = program === echo ? 'request' : 'poll';
  return series.flatMap((each) => {
    const figure = (
      name: string,
      unit: string,
      values: readonly number[],
      pairs: readonly number[],
    ): Figure => ({
      program,
      variant: each.variant.name,
      figure: name,
      unit,
      value:
        pairs.length === 0
          ? median(values)
          : median(values.map((value, at) => value - (pairs[at] as number))),
      min: Math.min(...values) - (pairs.length === 0 ? 0 : Math.min(...pairs)),
      runs: values.length,
    });
    const list: Figure[] = [];
    if (each === plain) list.push(figure(`processor time of a ${what}`, 'ns', base, []));
    else list.push(figure(`processor time added to a ${what}`, 'ns', cpuOf(each), base));
    const { measured } = each;
    const bytes = measured.map((one) => one.bytes / (each.polls * scale));
    if (Math.min(...bytes) > 0 && !each.variant.name.endsWith('off')) {
      list.push(figure(`bytes of a ${what}`, 'B', bytes, []));
      const ofEvent = measured.map((one) => one.bytes / one.events);
      if (measured.every((one) => one.events > 0)) list.push(figure('bytes of an event', 'B', ofEvent, []));
    }
    if (program === echo && each !== plain) {
      const change = measured.map(
        (one, at) => (one.wallNs / (plain.measured[at] as Measured).wallNs - 1) * 100,
      );
      list.push(figure('time for all requests, change', '%', change, []));
    }
    return list;
  });
}

function table(figures: readonly Figure[]): void {
  for (const { program, variant, figure, unit, value, min } of figures) {
    const number = (each: number) => each.toFixed(Math.abs(each) < 100 ? 1 : 0).padStart(8);
    console.log(
      `${program.padEnd(13)} ${variant.padEnd(43)} ${figure.padEnd(33)} median ${number(value)}  min ${number(min)} ${unit}`,
    );
  }
}

function tellEach(figures: readonly Figure[]): void {
  const round = (each: number) => Number(each.toFixed(2));
  for (const { program, variant, figure, unit, value, min, runs: count } of figures) {
    const name = `${program}, ${variant}`;
    console.log(
      JSON.stringify({
        bench: 'rust',
        figure,
        variant: name,
        value: round(value),
        unit,
        min: round(min),
        runs: count,
      }),
    );
  }
}

/** The targets of the product, in the order in which it states them. */
function judge(figures: readonly Figure[]): void {
  const find = (program: string, variant: string, beginning: string): Figure | undefined =>
    figures.find(
      (each) => each.program === program && each.variant === variant && each.figure.startsWith(beginning),
    );
  const say = (
    target: string,
    value: number | undefined,
    unit: string,
    isMet: (value: number) => boolean,
  ): void => {
    if (value !== undefined)
      console.log(`${isMet(value) ? 'met    ' : 'NOT MET'} ${target}: ${value.toFixed(1)} ${unit}`);
  };
  const added = 'processor time added';
  for (const program of polling) {
    const on = find(program, 'wakeline', added);
    say(`${program}: at most 40 ns a poll`, on?.value, 'ns', (value) => value <= 40);
    const told = find(program, 'wakeline, subscriber', added);
    say(`${program}: at most 100 ns a poll as a subscriber`, told?.value, 'ns', (value) => value <= 100);
    const lean = find(program, 'wakeline, subscriber, lean', added);
    say(`${program}: the same at lean detail`, lean?.value, 'ns', (value) => value <= 100);
    const off = find(program, 'wakeline, off', added);
    say(`${program}: at most 3 ns a poll when off`, off?.value, 'ns', (value) => value <= 3);
    const bytes = find(program, 'wakeline', 'bytes of an event');
    say(`${program}: at most 6 bytes an event`, bytes?.value, 'B', (value) => value <= 6);
    for (const [peer, factor] of [
      ['dial9, polls and wakes', 8],
      ['console-subscriber', 30],
    ] as const) {
      const other = find(program, peer, added);
      const times = on === undefined || other === undefined ? undefined : other.value / on.value;
      say(`${program}: ${factor} times cheaper than ${peer}`, times, 'times', (value) => value >= factor);
    }
  }
  const throughput = 'time for all requests';
  const noise = find(echo, 'plain again', throughput);
  const change = find(echo, 'wakeline', throughput);
  if (noise === undefined || change === undefined) return;
  const note = `the same program twice differs by ${noise.value.toFixed(1)} %`;
  if (Math.abs(noise.value) > 3) {
    console.log(`?       ${echo}: throughput within 3 % cannot be told: ${note}`);
    return;
  }
  say(`${echo}: throughput within 3 % (${note})`, change.value, '%', (value) => value <= 3);
}

for (const name of Object.keys(builds) as (keyof typeof builds)[])
  if (!existsSync(join(folder, 'Cargo.toml'))) throw new Error('run this from the root of the repository');
  else build(name);
const figures: Figure[] = [];
for (const program of ours) {
  const some = await measureProgram(program);
  // At once: a run of all programs takes minutes.
  table(some);
  tellEach(some);
  figures.push(...some);
}
judge(figures);
