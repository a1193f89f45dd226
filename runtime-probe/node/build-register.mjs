// Builds the writer thread's program and the script for `node --require`, for the npm package and for the extension.
// `./register` is CommonJS without a map: it is loaded into programs that are none of ours.
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
};

/** What the modules that start the writer thread are built with: its program as text. */
export async function writerDefine(build) {
  const writer = await build({
    ...common,
    entryPoints: ['src/probe/writer/main.ts'],
    format: 'cjs',
    minify: true,
    write: false,
  });
  return { WAKELINE_WRITER_SOURCE: JSON.stringify(writer.outputFiles[0].text) };
}

/** `outfile` is what is given to `node --require`; the probe comes beside it. */
export async function buildRegister(build, outfile) {
  const probe = join(dirname(outfile), 'register-probe.cjs');
  await build({
    ...common,
    entryPoints: ['src/register/start.ts'],
    format: 'cjs',
    minify: true,
    outfile: probe,
    // Only the way that loads the writer from its source reads it, and that way is not taken in a bundle.
    define: { ...(await writerDefine(build)), 'import.meta.url': '""' },
  });
  await build({
    ...common,
    // Any Node that anybody may still have; it says that it is too old.
    target: 'es2015',
    entryPoints: ['src/register/index.ts'],
    format: 'cjs',
    minify: true,
    outfile,
    plugins: [
      {
        name: 'probe-beside',
        setup: (hooks) =>
          hooks.onResolve({ filter: /^\.\/start\.ts$/ }, () => ({
            path: `./${basename(probe)}`,
            external: true,
          })),
      },
    ],
  });
}
