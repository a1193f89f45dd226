// Owns the system packages that the project's commands need, by named group, and how to get them.
// Runs before any npm install, so it may import nothing but Node's own modules, and it knows nothing of
// what its callers do with the programs.
//
//   node tools/setup/system.mjs workbench lldb

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * One system requirement: any one of `programs` on PATH satisfies it; `packages` are what Debian calls it.
 *
 * @typedef {{ programs: readonly string[], packages: readonly string[], why: string }} Requirement
 */

/**
 * The groups. Programs are in order of preference, which `findProgram` keeps.
 *
 * @type {Readonly<Record<'workbench' | 'lldb' | 'witness' | 'native', Requirement>>}
 */
export const SYSTEM_GROUPS = Object.freeze({
  workbench: {
    programs: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
    packages: ['chromium'],
    why: 'the browser that shows the VS Code workbench without a desktop',
  },
  // lldb-dap got its name with LLVM 18. Debian's unversioned `lldb` may be older, hence the number.
  lldb: {
    programs: ['lldb-dap-19', 'lldb-dap-21', 'lldb-dap-20', 'lldb-dap-18', 'lldb-dap'],
    packages: ['lldb-19'],
    why: 'the debug adapter for Rust programs',
  },
  witness: {
    programs: ['strace'],
    packages: ['strace'],
    why: 'the independent witness of system calls that traces are compared with',
  },
  native: {
    programs: ['cc'],
    packages: ['gcc', 'libc6-dev'],
    why: 'the linker that cargo calls',
  },
});

/** @typedef {keyof typeof SYSTEM_GROUPS} SystemGroup */

/**
 * The absolute path of the first of `programs` that is an executable file on PATH, or undefined.
 *
 * @param {readonly string[]} programs
 * @returns {string | undefined}
 */
export function findProgram(programs) {
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  for (const program of programs) {
    for (const folder of folders) {
      const candidate = path.join(folder, program);
      if (isExecutableFile(candidate)) return candidate;
    }
  }
  return undefined;
}

/**
 * The program that satisfies `group`.
 *
 * @param {SystemGroup} group
 * @returns {string} its absolute path
 * @throws {Error} when none is on PATH; the message names the packages and the command that installs them.
 */
export function requireProgram(group) {
  const program = findProgram(SYSTEM_GROUPS[group].programs);
  if (program === undefined) throw new Error(missingMessage([group]));
  return program;
}

/**
 * Makes sure of every group: silent when all are present; installs what is missing when this process is root
 * and the machine has apt-get.
 *
 * @param {readonly SystemGroup[]} groups
 * @throws {Error} when something is missing and cannot be installed from here; the message names each missing
 *   program, what it is for, and the command to run.
 */
export function ensureSystemGroups(groups) {
  const missing = groups.filter((group) => findProgram(SYSTEM_GROUPS[group].programs) === undefined);
  if (missing.length === 0) return;
  const aptGet = findProgram(['apt-get']);
  if (process.getuid?.() !== 0 || aptGet === undefined) throw new Error(missingMessage(missing));

  const packages = packagesOf(missing);
  process.stderr.write(`Installing system packages: ${packages.join(' ')}\n`);
  runApt(aptGet, ['update'], missing);
  runApt(aptGet, ['install', '--no-install-recommends', '-y', ...packages], missing);

  const stillMissing = missing.filter((group) => findProgram(SYSTEM_GROUPS[group].programs) === undefined);
  if (stillMissing.length > 0) {
    throw new Error(
      `apt-get reported success, yet a program is not on PATH.\n${missingMessage(stillMissing)}`,
    );
  }
}

/** @param {string} file */
function isExecutableFile(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** @param {readonly SystemGroup[]} groups */
function packagesOf(groups) {
  return [...new Set(groups.flatMap((group) => SYSTEM_GROUPS[group].packages))];
}

/** @param {readonly SystemGroup[]} groups */
function missingMessage(groups) {
  const lines = groups.map((group) => {
    const { programs, why } = SYSTEM_GROUPS[group];
    return `  ${programs.join(' or ')}: ${why}`;
  });
  return [
    'Missing from PATH:',
    ...lines,
    'Install it, on Debian or Ubuntu by:',
    `  sudo apt-get update && sudo apt-get install --no-install-recommends -y ${packagesOf(groups).join(' ')}`,
  ].join('\n');
}

/**
 * Runs one apt-get command. Its output stays unseen unless it fails.
 *
 * @param {string} aptGet
 * @param {readonly string[]} args
 * @param {readonly SystemGroup[]} groups what the command is for
 */
function runApt(aptGet, args, groups) {
  // Another apt may hold the lock, as automatic upgrades do after boot: 300 s is longer than those take.
  const result = spawnSync(aptGet, ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
  const reason = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
  throw new Error(`apt-get ${args.join(' ')} failed (${reason}):\n${output}\n${missingMessage(groups)}`);
}

/** @param {readonly string[]} args */
function main(args) {
  const known = Object.keys(SYSTEM_GROUPS);
  const unknown = args.filter((name) => !known.includes(name));
  if (args.length === 0 || unknown.length > 0) {
    const complaint = unknown.length > 0 ? `Unknown group: ${unknown.join(', ')}. ` : '';
    throw new Error(`${complaint}Usage: node tools/setup/system.mjs <group> …, groups: ${known.join(', ')}.`);
  }
  ensureSystemGroups(/** @type {SystemGroup[]} */ (args));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
