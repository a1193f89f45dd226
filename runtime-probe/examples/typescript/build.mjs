// Builds the npm package and then the examples against it, into dist/, with source maps.
// A program of your own installs the package instead and needs nothing of this.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { build } = createRequire(here('../../../package.json'))('esbuild');

execFileSync(process.execPath, [here('../../node/build.mjs')], { stdio: 'inherit' });
await build({
  absWorkingDir: here('.'),
  entryPoints: ['src/requests.ts', 'src/file-writes.ts', 'src/server.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  outdir: 'dist',
  logLevel: 'warning',
  alias: { wakeline: here('../../node/dist/index.js') },
});
