// `npm run demo`: builds everything and opens a VS Code in which an example runs under the debugger, its lanes live.
// `npm run demo -- --check` does it without a screen and fails unless the lanes hold what the programs did.
// Set-up comes first, with nothing but Node; the rest is tools/demo/main.ts.
import { join } from 'node:path';
import { installPackages, installSystemPackages, must, root } from './steps.mjs';

const isCheck = process.argv.includes('--check');
await installSystemPackages('native', 'lldb', ...(isCheck ? ['workbench'] : []));
await installPackages();
await must(process.execPath, [
  join(root, 'node_modules/tsx/dist/cli.mjs'),
  join(root, 'tools/demo/main.ts'),
  ...process.argv.slice(2),
]);
