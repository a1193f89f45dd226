// `npm test`: everything that CI runs, on a fresh machine too: set-up, checks, Rust and TypeScript tests,
// the package, the real workbench, the demo's check. Ends with one line `N passed, N failed`.
import { join } from 'node:path';
import {
  cargoFolder,
  countTests,
  filesBelow,
  installPackages,
  installSystemPackages,
  must,
  root,
  run,
} from './steps.mjs';

const total = { passed: 0, failed: 0 };
const started = Date.now();

/** Runs a step; its tests count, and a failure that no test names counts as one. */
async function step(name, command, args, cwd = root, env = process.env) {
  const at = Date.now();
  console.log(`\n=== ${name}`);
  const { code, output } = await run(command, args, { cwd, env });
  const { passed, failed } = countTests(output);
  total.passed += passed;
  total.failed += Math.max(failed, code === 0 ? 0 : 1);
  console.log(`=== ${name}: ${code === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - at) / 1000).toFixed(0)} s`);
}

const nodeTests = (...folders) => [
  '--import',
  'tsx',
  '--test',
  '--test-reporter=spec',
  ...folders.flatMap((folder) => filesBelow(folder, '.test.ts')),
];

await installSystemPackages('native', 'witness', 'workbench', 'lldb');
await installPackages();
await must(process.execPath, [join(root, 'test/support/workbench/install.mjs')]);

await step('checks', process.execPath, ['tools/check.mjs']);
await step('Rust tests', 'cargo', ['test', '--workspace', '--locked', '--quiet'], cargoFolder);
// tokio counts polls, and tells of its tasks, only when it is built so; a folder of its own keeps the other builds.
await step(
  'Rust tests, tokio_unstable',
  'cargo',
  [
    'test',
    '--package=wakeline',
    '--features=tokio,tracing-layer',
    '--test=tokio_metrics',
    '--lib',
    '--test=tokio_told',
    '--test=tokio_told_levels',
    '--target-dir=target/unstable',
    '--locked',
    '--quiet',
  ],
  cargoFolder,
  { ...process.env, RUSTFLAGS: '--cfg tokio_unstable' },
);
await step('loom', process.execPath, ['tools/sanitize.mjs', 'loom']);
await step(
  'Rust example on hyper, tokio_unstable',
  'cargo',
  ['build', '--target-dir=../../rust/target/unstable', '--locked', '--quiet'],
  join(root, 'runtime-probe/examples/rust-hyper'),
  { ...process.env, RUSTFLAGS: '--cfg tokio_unstable' },
);
await step(
  'Rust tests of the feature tokio-1-47',
  'cargo',
  'test --package wakeline --features tokio-1-47 --locked --quiet --test tokio_cancel'.split(' '),
  cargoFolder,
);
await step(
  'Rust tests on tokio 1.8.0',
  'cargo',
  ['test', '--locked', '--quiet'],
  join(cargoFolder, 'oldest-tokio'),
);
await step('crates as they would be published', process.execPath, ['tools/crates.mjs']);
await step('Rust examples', 'cargo', ['build', '--workspace', '--locked', '--quiet', '--bins'], cargoFolder);
await step('bundles', process.execPath, ['tools/build.mjs']);
await step(
  'unit, property and golden tests',
  process.execPath,
  nodeTests('test/unit', 'test/property', 'test/golden'),
);
await step('integration tests', process.execPath, nodeTests('test/integration'));
await step('package', process.execPath, ['tools/package.mjs']);
// One workbench at a time: two would take the machine's memory and each other's time.
await step('workbench tests', process.execPath, ['--test-concurrency=1', ...nodeTests('test/e2e')]);
await step('demo check', process.execPath, ['tools/demo.mjs', '--check']);

console.log(`\n${((Date.now() - started) / 60_000).toFixed(1)} minutes`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
