// `npm run compare`: builds the hundred file writes, records them over pool, plain threads and io_uring, and writes
// runtime-probe/examples/FILE-WRITES.md from the recordings. The work itself is tools/compare/main.ts.
import { join } from 'node:path';
import { cargoFolder, installPackages, installSystemPackages, must, root } from './steps.mjs';

await installSystemPackages('native', 'witness');
await installPackages();
await must(
  'cargo',
  ['build', '--release', '--locked', '--quiet', '-p', 'wakeline-examples', '--bin', 'file-writes'],
  { cwd: cargoFolder },
);
await must(process.execPath, [
  join(root, 'node_modules/tsx/dist/cli.mjs'),
  join(root, 'tools/compare/main.ts'),
  ...process.argv.slice(2),
]);
