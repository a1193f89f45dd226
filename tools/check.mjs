// `npm run check`: types, format and lint, layers, generated files; for Rust format and clippy. Equals what CI checks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cargoFolder, filesBelow, installPackages, root, run } from './steps.mjs';

await installPackages();
const bin = (name) => join(root, 'node_modules/.bin', name);
const hasWorkbench = existsSync(join(root, 'test/support/workbench/node_modules'));
const zones = [
  'runtime-probe/protocol/typescript',
  'runtime-probe/node',
  'runtime-probe/examples/typescript',
  'extension',
  'webview',
  'tools',
  'test',
]
  .flatMap((folder) => filesBelow(folder, 'tsconfig.json'))
  // The workbench harness has packages of its own, which need not be installed; what drives it needs them too.
  .filter((path) => hasWorkbench || !/^test\/(e2e|support\/(e2e|workbench|webview-page))\//.test(path));

const steps = [
  ...zones.map((path) => [`types of ${path}`, bin('tsc'), ['-p', path]]),
  ['format and lint', bin('biome'), ['ci', '--colors=off', '--error-on-warnings', '.']],
  ['layers', process.execPath, ['tools/layers.mjs']],
  ['generated files', bin('tsx'), ['tools/wire/generate.ts', '--check']],
  ['Rust format', 'cargo', ['fmt', '--all', '--check'], cargoFolder],
  [
    'clippy',
    'cargo',
    ['clippy', '--quiet', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings'],
    cargoFolder,
  ],
  [
    'clippy of the probe as a tokio program has it, without the executor',
    'cargo',
    [
      'clippy',
      '--quiet',
      '--package=wakeline',
      '--lib',
      '--features=tokio',
      '--locked',
      '--',
      '-D',
      'warnings',
    ],
    cargoFolder,
  ],
];

let failed = 0;
for (const [name, command, args, cwd = root] of steps) {
  const { code, output } = await run(command, args, { quiet: true, cwd });
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (code !== 0) {
    console.log(output);
    failed += 1;
  }
}
console.log(`${steps.length - failed} checks passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
