// Builds the package into dist/ with esbuild: the writer thread's program first, because it goes into the module as text.
// `.` and `./executor` share their modules (splitting), for there must be one `observer` variable in a program.
// `node build.mjs <folder>` builds into another folder. Types are made by tsc (tsconfig.build.json).
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildRegister, common, writerDefine } from './build-register.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { build } = createRequire(here('../../package.json'))('esbuild');

const outdir = process.argv[2] ?? here('dist');

await rm(outdir, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { index: 'src/index.ts', 'executor/index': 'src/executor/index.ts' },
  format: 'esm',
  splitting: true,
  sourcemap: true,
  outdir,
  define: await writerDefine(build),
});
await buildRegister(build, join(outdir, 'register.cjs'));
// It exports nothing, which `import 'wakeline/register'` in TypeScript wants to read.
await writeFile(join(outdir, 'register.d.cts'), 'export {};\n');
