// `npm run build`: bundles what ships into dist/. `--watch` is left to editors; a build takes well under a second.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildRegister } from '../runtime-probe/node/build-register.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const shared = {
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: root,
};
const node = { ...shared, platform: 'node', target: 'node20', format: 'cjs', external: ['vscode'] };

await Promise.all([
  build({ ...node, entryPoints: ['extension/main.ts'], outfile: 'dist/extension.cjs' }),
  build({ ...node, entryPoints: ['extension/collector/main.ts'], outfile: 'dist/collector.cjs' }),
  build({ ...node, entryPoints: ['extension/server/main.ts'], outfile: 'dist/server.cjs' }),
  buildRegister(build, join(dist, 'register.cjs')),
  build({
    ...shared,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    entryPoints: [{ in: 'webview/main.ts', out: 'webview' }],
    outdir: 'dist',
  }),
]);
