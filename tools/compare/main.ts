// Owns `npm run compare`: records the hundred file writes in each of the three ways, checks each recording against the
// program's own counts, and writes the page and its pictures. `--rounds <n>` sets how many runs of each; 9 otherwise.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokenFileClaims } from '../../test/support/example-claims.ts';
import { readReference } from '../../test/support/reference-reader.ts';
import { runProgram } from '../../test/support/rust-example.ts';
import { StreamReceiver, until } from '../../test/support/stream-receiver.ts';
import { type Counters, type Machine, middle, page, type Run, type Way } from './page.ts';
import { picture } from './picture.ts';
import { bytesWritten, traceFigures } from './trace-figures.ts';

const program = fileURLToPath(
  new URL('../../runtime-probe/rust/target/release/file-writes', import.meta.url),
);
const examples = fileURLToPath(new URL('../../runtime-probe/examples/', import.meta.url));

const titles: readonly (readonly [Way['key'], string])[] = [
  ['pool', 'A pool of four threads'],
  ['threads', 'A thread for each write'],
  ['io-uring', 'io_uring'],
];

async function record(key: Way['key']): Promise<Run> {
  const receiver = await StreamReceiver.listen();
  try {
    const { code, stdout, stderr } = await runProgram(program, ['--files', key], receiver.environment);
    if (code !== 0) throw new Error(`file-writes --files ${key} failed: ${stderr}`);
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    const model = readReference(receiver.frames);
    const counters = JSON.parse(stdout) as Counters;
    const broken = brokenFileClaims(model, counters, 'rust');
    if (bytesWritten(model) !== counters.bytes) broken.push('the bytes of trace and program differ');
    if (broken.length > 0) throw new Error(`the recording of ${key} does not hold: ${broken.join('; ')}`);
    return { counters, figures: traceFigures(model) };
  } finally {
    await receiver.close();
  }
}

/** Calls of all threads by name, from strace's summary; undefined when it cannot be had. */
function systemCalls(key: Way['key']): ReadonlyMap<string, number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'wakeline-compare-'));
  try {
    const output = join(folder, 'summary');
    const { status } = spawnSync('strace', ['-f', '-c', '-o', output, program, '--files', key], {
      env: { PATH: process.env['PATH'] ?? '' },
      timeout: 60_000,
      stdio: 'ignore',
    });
    if (status !== 0) return undefined;
    const calls = new Map<string, number>();
    for (const line of readFileSync(output, 'utf8').split('\n')) {
      // time · seconds · µs a call · calls · errors, often missing · name
      const row = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line);
      if (row !== null && row[2] !== 'total') calls.set(row[2] ?? '', Number(row[1]));
    }
    return calls;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const fileSystems: Readonly<Record<number, string>> = {
  [0xef53]: 'ext4',
  [0x01021994]: 'tmpfs',
  [0x58465342]: 'xfs',
  [0x9123683e]: 'btrfs',
  [0x794c7630]: 'overlayfs',
};

function machine(): Machine {
  const type = statfsSync(tmpdir()).type;
  return {
    processor: cpus()[0]?.model ?? 'unknown processor',
    processors: cpus().length,
    kernel: release().replace(/-.*/, ''),
    fileSystem: fileSystems[type] ?? `a file system of type 0x${type.toString(16)}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

function roundsOf(args: readonly string[]): number {
  const at = args.indexOf('--rounds');
  const rounds = at < 0 ? 9 : Number(args[at + 1]);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds needs a whole number from 1 on');
  return rounds;
}

const rounds = roundsOf(process.argv.slice(2));
const runs = new Map<Way['key'], Run[]>(titles.map(([key]) => [key, []]));
for (let round = 0; round < rounds; round++)
  for (const [key] of titles) runs.get(key)?.push(await record(key));

const ways = titles.map(([key, title]): Way => {
  const all = runs.get(key) ?? [];
  const byTime = [...all].sort((x, y) => x.counters.wallNs - y.counters.wallNs);
  const shown = byTime[Math.floor((byTime.length - 1) / 2)];
  if (shown === undefined) throw new Error(`there is no recording of ${key}`);
  return { key, title, runs: all, calls: systemCalls(key), shown };
});
const spanNs = Math.max(...ways.map(({ shown }) => shown.figures.toNs - shown.figures.fromNs));
mkdirSync(join(examples, 'pictures'), { recursive: true });
for (const { key, title, shown } of ways)
  writeFileSync(join(examples, `pictures/file-writes-${key}.svg`), picture(title, shown.figures, spanNs));
writeFileSync(join(examples, 'FILE-WRITES.md'), page(ways, machine()));
for (const { title, runs: all } of ways) {
  const wall = middle(all.map(({ counters }) => counters.wallNs).sort((x, y) => x - y));
  console.log(`${title}: median ${(wall / 1e6).toFixed(1)} ms of ${all.length} runs`);
}
console.log('wrote runtime-probe/examples/FILE-WRITES.md and its pictures');
