// Owns how set-up code calls npm: with which environment, and when an install can be left out.
// Runs before any npm install, so it may import nothing but Node's own modules.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * What a running `npm run` tells its own scripts about their package. An npm started for another folder must
 * not inherit it, or it would take that package for its own.
 */
const OUTER_RUN_VARIABLES = /^(npm_package_|npm_lifecycle_|npm_config_(local_prefix|workspace)|INIT_CWD$)/;

/**
 * Runs npm in `folder`; its output stays unseen unless it fails.
 *
 * @param {string} folder
 * @param {readonly string[]} args
 * @param {{ nodeFolder?: string }} [options] `nodeFolder` goes first on PATH, so that npm runs under that Node.
 * @throws {Error} with the end of npm's output.
 */
export function runNpm(folder, args, options = {}) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !OUTER_RUN_VARIABLES.test(name)),
  );
  if (options.nodeFolder !== undefined)
    env['PATH'] = `${options.nodeFolder}${path.delimiter}${env['PATH'] ?? ''}`;
  const result = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-30).join('\n');
  const reason = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
  throw new Error(`npm ${args.join(' ')} failed in ${folder} (${reason}):\n${output}`);
}

/**
 * Installs the packages of `folder` from its lock file, unless what is installed already matches it, whoever
 * installed it.
 *
 * @param {string} folder holds package.json and package-lock.json
 */
export function ensurePackages(folder) {
  if (packagesMatchLock(folder)) return;
  process.stderr.write(`Installing npm packages in ${folder}\n`);
  runNpm(folder, ['ci', '--include=dev']);
}

/**
 * Whether every package that the lock file asks for is installed in that version. npm leaves the list of what
 * it installed in node_modules/.package-lock.json; packages for other platforms are absent from it by right.
 *
 * @param {string} folder
 * @returns {boolean}
 */
export function packagesMatchLock(folder) {
  const wanted = readPackages(path.join(folder, 'package-lock.json'));
  if (wanted === undefined)
    throw new Error(`No readable package-lock.json in ${folder}: restore it from git.`);
  const installed = readPackages(path.join(folder, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([location, entry]) => {
    if (location === '') return true;
    const present = installed[location];
    return present === undefined ? entry.optional === true : present.version === entry.version;
  });
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readPackages(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    ensurePackages(path.resolve(process.argv[2] ?? '.'));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
