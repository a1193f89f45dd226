// Builds the writer thread's program and the script for `node --require`, for the npm package and for the extension.
// `./register` is one CommonJS file without a map: it is loaded into programs that are none of ours.
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

export async function buildRegister(build, outfile) {
  await build({
    ...common,
    entryPoints: ['src/register/index.ts'],
    format: 'cjs',
    minify: true,
    outfile,
    // Only the way that loads the writer from its source reads it, and that way is not taken in a bundle.
    define: { ...(await writerDefine(build)), 'import.meta.url': '""' },
  });
}
