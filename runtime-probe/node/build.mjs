// Builds the package into dist/ with esbuild: the writer thread's program first, because it goes into the module as text.
// `.` and `./executor` share their modules (splitting), for there must be one `observer` variable in a program.
// `./register` is one CommonJS file without a map: it is loaded into programs that are none of ours.
// `node build.mjs <folder>` builds into another folder. Types are made by tsc (tsconfig.build.json).
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { build } = createRequire(here('../../package.json'))('esbuild');

const outdir = process.argv[2] ?? here('dist');

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  absWorkingDir: here('.'),
};

const writer = await build({
  ...common,
  entryPoints: ['src/probe/writer/main.ts'],
  format: 'cjs',
  minify: true,
  write: false,
});

const define = { WAKELINE_WRITER_SOURCE: JSON.stringify(writer.outputFiles[0].text) };

await rm(outdir, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { index: 'src/index.ts', 'executor/index': 'src/executor/index.ts' },
  format: 'esm',
  splitting: true,
  sourcemap: true,
  outdir,
  define,
});
await build({
  ...common,
  entryPoints: ['src/register/index.ts'],
  format: 'cjs',
  minifySyntax: true,
  outfile: `${outdir}/register.cjs`,
  // Only the way that loads the writer from its source reads it, and that way is cut out of the bundle.
  define: { ...define, 'import.meta.url': '""' },
});
