// Owns running the project's steps as child processes: output shown as it comes, tests counted, failures collected.
// Uses nothing but Node, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from './setup/npm.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const cargoFolder = join(root, 'runtime-probe/rust');

/** Runs a command to its end; resolves with its exit code and what it printed. */
export function run(command, args, options = {}) {
  const { quiet = false, cwd = root, env = process.env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const [stream, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        if (!quiet) target.write(text);
      });
    }
    child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => resolve({ code: code ?? 1, signal, output }));
  });
}

/** Runs a command and throws when it fails. A quiet one shows its output only then. */
export async function must(command, args, options = {}) {
  const { code, output } = await run(command, args, options);
  if (code === 0) return output;
  if (options.quiet) process.stderr.write(output);
  throw new Error(`${command} ${args.join(' ')} ended with code ${code}`);
}

/** Sums of test runners' own summaries: node's test runner and cargo's. */
export function countTests(output) {
  const sum = (pattern) =>
    [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  return {
    passed: sum(/^(?:ℹ|#) pass (\d+)$/gm) + sum(/^test result: \w+\. (\d+) passed/gm),
    failed: sum(/^(?:ℹ|#) fail (\d+)$/gm) + sum(/^test result: \w+\. \d+ passed; (\d+) failed/gm),
  };
}

/** Files below a folder whose names end so, as paths from the root. Node 20's runner takes no patterns. */
export function filesBelow(folder, ending) {
  const found = [];
  const visit = (path) => {
    if (!existsSync(join(root, path))) return;
    for (const name of readdirSync(join(root, path)).sort()) {
      const each = `${path}/${name}`;
      if (statSync(join(root, each)).isDirectory()) {
        if (name !== 'node_modules') visit(each);
      } else if (name.endsWith(ending)) found.push(each);
    }
  };
  visit(folder);
  return found;
}

/** Installs the root's packages when they are not what the lock file says. */
export async function installPackages() {
  ensurePackages(root);
}

/** Makes sure of system packages by group: see tools/setup/system.mjs. */
export async function installSystemPackages(...groups) {
  await must(process.execPath, [join(root, 'tools/setup/system.mjs'), ...groups]);
}
