// `npm run bench [-- area… --option=value…]`: benchmarks by area. Each prints a table and one line of JSON for each figure.
// Figures are CPU time where possible, minimum and median of at least seven interleaved runs.
import { join } from 'node:path';
import { cargoFolder, installPackages, must, root } from './steps.mjs';

const areas = {
  /** What one event costs the traced Rust program, in ns and bytes. */
  recorder: () =>
    must('cargo', ['bench', '--locked', '--quiet', '-p', 'wakeline', '--bench', 'recorder'], {
      cwd: cargoFolder,
    }),
  /** What recording adds to a poll on tokio, in ns and bytes. */
  tokio: () =>
    must(
      'cargo',
      ['bench', '--locked', '--quiet', '-p', 'wakeline', '--features', 'tokio', '--bench', 'tokio'],
      {
        cwd: cargoFolder,
      },
    ),
  /** What recording adds to a poll on tokio beside what other recorders add, all in one run. */
  rust: (options) => must(process.execPath, ['--import', 'tsx', 'test/bench/rust/bench.ts', ...options]),
  /** Whether memory stays bounded and drops are counted while far more happens than can be sent. */
  load: async (options) => {
    const args = ['build', '--release', '--locked', '--quiet', '--package=wakeline-examples-tokio'];
    await must('cargo', args, { cwd: cargoFolder });
    await must(process.execPath, ['--import', 'tsx', 'test/bench/load.ts', ...options]);
  },
  /** What recording adds to an await and to an HTTP request of an unchanged program, on each line of Node. */
  node: (options) => must(process.execPath, ['--import', 'tsx', 'test/bench/node/bench.ts', ...options]),
  /** Whether memory stays bounded and drops are counted with 10,000 connections and an hour's requests. */
  'node-load': (options) =>
    must(process.execPath, ['--import', 'tsx', 'test/bench/node/load.ts', ...options]),
  /** What polls, wakes and hops cost on the TypeScript executor, beside plain promises. */
  executor: (options) =>
    must(process.execPath, ['--import', 'tsx', 'test/bench/executor/bench.ts', ...options]),
  /** What the collector pays: events/s of ingest, ms of a viewport query. */
  engine: async () => {
    // Bundled as it ships: a loader's hooks would be measured too. The flag is for the memory figure.
    const outfile = join(root, 'dist/bench/engine.mjs');
    const { build } = await import('esbuild');
    const entryPoints = [join(root, 'test/bench/engine.ts')];
    await build({ entryPoints, bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' });
    await must(process.execPath, ['--expose-gc', outfile]);
  },
};

const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
const asked = process.argv.slice(2).filter((word) => !options.includes(word));
const unknown = asked.filter((area) => !(area in areas));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(areas).join(', ')}.`);
  process.exit(2);
}
await installPackages();
for (const area of asked.length > 0 ? asked : Object.keys(areas)) await areas[area](options);
