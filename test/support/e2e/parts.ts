// Owns having built what an end-to-end test needs: the package as it ships, the debug adapter's extension, the
// examples in both languages. It knows nothing of workbenches.

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoFolder, must } from '../../../tools/steps.mjs';
import { packLldbDapExtension } from '../lldb-dap-extension/pack.ts';

export const rootFolder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The folder that tests open, as a user of the demo does. */
export const examplesFolder = path.join(rootFolder, 'runtime-probe/examples');

/** What goes into the package, and what makes it. */
const packageSources = [
  'extension',
  'webview',
  'runtime-probe/protocol/typescript',
  'runtime-probe/node/src',
  'runtime-probe/node/build-register.mjs',
  'media',
  'package.json',
  'package-lock.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  '.vscodeignore',
  'tools/build.mjs',
  'tools/package.mjs',
];

/** The VSIX that `npm run package` makes, made anew when it is older than what goes into it. */
export async function packagedExtension(): Promise<string> {
  const vsixFile = path.join(rootFolder, 'wakeline.vsix');
  const newest = Math.max(...packageSources.map((each) => newestChangeMs(path.join(rootFolder, each))));
  const made = statSync(vsixFile, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made < newest)
    await must(process.execPath, [path.join(rootFolder, 'tools/package.mjs')], { quiet: true });
  return vsixFile;
}

/** The extension for `lldb-dap` launches in a workbench that has none from the marketplace. */
export async function lldbDapExtension(): Promise<string> {
  const folder = path.join(rootFolder, 'test-results/parts');
  mkdirSync(folder, { recursive: true });
  return packLldbDapExtension(folder);
}

export async function buildTypeScriptExamples(): Promise<void> {
  await must(process.execPath, [path.join(examplesFolder, 'typescript/build.mjs')], { quiet: true });
}

/**
 * Debug builds: what the launch configurations name. Cargo knows when there is nothing to do, which it does only for the
 * same choice of packages as before: those of tokio come with all, as `npm test` builds them.
 */
export async function buildRustExamples(which: 'own executor' | 'all' = 'own executor'): Promise<void> {
  const packages = which === 'all' ? ['--workspace'] : ['-p', 'wakeline-examples'];
  await must('cargo', ['build', '--locked', '--quiet', ...packages, '--bins'], {
    quiet: true,
    cwd: cargoFolder,
  });
}

function newestChangeMs(file: string): number {
  const stat = statSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const entries = readdirSync(file).filter((name) => name !== 'node_modules');
  return Math.max(stat.mtimeMs, ...entries.map((name) => newestChangeMs(path.join(file, name))));
}
