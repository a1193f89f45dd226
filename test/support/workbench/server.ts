// Owns one code-server: its throw-away folder, extensions, settings, start and end. It knows nothing of browsers.
// Run by hand it serves until Ctrl-C:  npx tsx test/support/workbench/server.ts --folder /abs [--vsix x.vsix]

import { execFile, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { installWorkbench, WORKBENCH_ENTRY, WORKBENCH_NODE } from './install.mjs';
import { endFamily, FAMILY_VARIABLE, familyMemoryMib, killFamilyNow } from './process-family.ts';
import { waitFor } from './wait.ts';

const execFileAsync = promisify(execFile);

export interface ServerOptions {
  /** VSIX files to install before the start. */
  readonly vsixFiles?: readonly string[];
  /** User settings on top of the quiet defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Environment on top of this process's; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Loopback port; a free one when absent. */
  readonly port?: number;
}

/** What a workbench opens with. */
export interface OpenTarget {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Absolute path of a file to show. */
  readonly file?: string;
  /** One-based line to put the cursor on; only with `file`. */
  readonly line?: number;
  /** One-based column; only with `line`. */
  readonly column?: number;
  /** Further pairs of VS Code's web start payload, such as extensionDevelopmentPath. */
  readonly payload?: ReadonlyArray<readonly [string, string]>;
}

export interface WorkbenchServer {
  /** http://127.0.0.1:port, without a slash at the end. */
  readonly baseUrl: string;
  /** The throw-away folder of everything that this server writes. */
  readonly rootFolder: string;
  /** Process id of code-server. */
  readonly pid: number;
  /** Time from spawn to healthy, without the installation of extensions. */
  readonly startMs: number;
  /** The URL that opens `target`. */
  urlFor(target: OpenTarget): string;
  /** Merges into the user settings. An open workbench does not notice: it takes the change at its next `open`. */
  changeSettings(changes: Readonly<Record<string, unknown>>): void;
  /** The texts of all log files of VS Code and its extensions by path below the log folder. */
  readLogs(): Map<string, string>;
  /** What code-server itself has printed. */
  readServerOutput(): string;
  /** Memory of code-server and all its descendants, in MiB. */
  memoryMib(): number;
  /** Ends all processes that descend from the server and removes the folder. May be called twice. */
  stop(): Promise<void>;
}

/** Settings that keep the workbench quiet: no welcome page, no suggestion, no network, no second side bar. */
const QUIET_SETTINGS: Readonly<Record<string, unknown>> = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Dark Modern',
  'window.autoDetectColorScheme': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'js/ts.tsserver.automaticTypeAcquisition.enabled': false,
  'npm.autoDetect': 'off',
};

/**
 * Variables of this process that must not reach the workbench: an outer VS Code's, an outer npm's, and those
 * that would change every Node program or every probe started in it.
 */
const NOT_INHERITED = /^(VSCODE_|ELECTRON_|npm_|WAKELINE|NODE_OPTIONS$|NODE_TEST_CONTEXT$|XDG_RUNTIME_DIR$)/;

/** A start takes 0.4–1.3 s on an idle machine; a busy continuous-integration machine gets a hundred times that. */
const START_TIMEOUT_MS = 120_000;

/** One installation of an extension takes about 1 s. */
const EXTENSION_INSTALL_TIMEOUT_MS = 120_000;

/**
 * Starts code-server, after installing it when it is not there yet.
 *
 * The caller owns the result and must call `stop`; should this process exit first, the server is killed.
 *
 * @throws Error with the server's output when it does not become healthy.
 */
export async function startServer(options: ServerOptions = {}): Promise<WorkbenchServer> {
  await installWorkbench();
  // Unix sockets lie below this folder and their paths may have at most 107 bytes, hence the short name.
  const rootFolder = mkdtempSync(path.join(realpathSync(os.tmpdir()), 'wl-'));
  const stop = stopper(rootFolder);
  try {
    return await startIn(rootFolder, options, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startIn(
  rootFolder: string,
  options: ServerOptions,
  stop: () => Promise<void>,
): Promise<WorkbenchServer> {
  const files = layOutFolder(rootFolder, options.settings ?? {});
  const env = serverEnvironment(rootFolder, options.env ?? {});
  const commonArgs = [
    WORKBENCH_ENTRY,
    ...['--config', files.configFile],
    ...['--user-data-dir', files.userDataFolder],
    ...['--extensions-dir', files.extensionsFolder],
  ];
  for (const vsixFile of options.vsixFiles ?? []) {
    await execFileAsync(WORKBENCH_NODE, [...commonArgs, '--install-extension', path.resolve(vsixFile)], {
      env,
      timeout: EXTENSION_INSTALL_TIMEOUT_MS,
    });
  }

  const startedAtMs = Date.now();
  const outputFd = openSync(files.outputFile, 'a');
  const child = spawn(
    WORKBENCH_NODE,
    [
      ...['--require', path.join(path.dirname(fileURLToPath(import.meta.url)), 'end-with-parent.cjs')],
      ...commonArgs,
      ...['--auth', 'none'],
      ...['--bind-addr', `127.0.0.1:${options.port ?? 0}`],
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-workspace-trust',
      '--disable-getting-started-override',
      // The default is 3 h, for which the extension host would outlive the browser's page.
      ...['--reconnection-grace-time', '2'],
      // Without it VS Code silently ignores extensionTestsPath.
      ...['--vscode-option', 'enable-smoke-test-driver'],
    ],
    { env, stdio: ['ignore', outputFd, outputFd], detached: true },
  );
  closeSync(outputFd);
  const spawnError = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const readServerOutput = () => readFileSync(files.outputFile, 'utf8');
  const baseUrl = await Promise.race([
    spawnError,
    waitUntilHealthy(readServerOutput, () => child.exitCode ?? child.signalCode),
  ]);

  return {
    baseUrl,
    rootFolder,
    pid: child.pid ?? 0,
    startMs: Date.now() - startedAtMs,
    urlFor: (target) => urlFor(baseUrl, target),
    changeSettings: (changes) => changeSettings(files.settingsFile, changes),
    readLogs: () => readLogs(path.join(files.userDataFolder, 'logs')),
    readServerOutput,
    memoryMib: () => familyMemoryMib(rootFolder),
    stop,
  };
}

interface ServerFiles {
  readonly userDataFolder: string;
  readonly extensionsFolder: string;
  readonly configFile: string;
  readonly settingsFile: string;
  readonly outputFile: string;
}

function layOutFolder(rootFolder: string, settings: Readonly<Record<string, unknown>>): ServerFiles {
  const files: ServerFiles = {
    userDataFolder: path.join(rootFolder, 'ud'),
    extensionsFolder: path.join(rootFolder, 'ext'),
    configFile: path.join(rootFolder, 'config.yaml'),
    settingsFile: path.join(rootFolder, 'ud', 'User', 'settings.json'),
    outputFile: path.join(rootFolder, 'server.log'),
  };
  for (const folder of [
    path.dirname(files.settingsFile),
    files.extensionsFolder,
    path.join(rootFolder, 't'),
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(files.configFile, 'auth: none\ncert: false\n');
  writeFileSync(files.settingsFile, JSON.stringify({ ...QUIET_SETTINGS, ...settings }, undefined, 2));
  return files;
}

function serverEnvironment(
  rootFolder: string,
  changes: Readonly<Record<string, string | undefined>>,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  return {
    ...Object.fromEntries(inherited),
    [FAMILY_VARIABLE]: rootFolder,
    // Temporary files and sockets of everything in the workbench go away with it.
    TMPDIR: path.join(rootFolder, 't'),
    XDG_CONFIG_HOME: path.join(rootFolder, 'xdg'),
    XDG_DATA_HOME: path.join(rootFolder, 'xdg'),
    XDG_CACHE_HOME: path.join(rootFolder, 'xdg'),
    // Without an empty gallery, code-server asks a public one.
    EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":""}',
    ...changes,
  };
}

/** Waits until code-server has named its port, which it alone chose, and answers on it. */
async function waitUntilHealthy(
  readServerOutput: () => string,
  exitReason: () => number | string | null,
): Promise<string> {
  try {
    return await waitFor('healthy code-server', START_TIMEOUT_MS, async () => {
      const reason = exitReason();
      if (reason !== null) throw new Error(`code-server ended at its start (${reason})`);
      const baseUrl = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(readServerOutput())?.[1];
      if (baseUrl === undefined) return undefined;
      const healthy = await fetch(`${baseUrl}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
      return healthy ? baseUrl : undefined;
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}; its output:\n${readServerOutput()}`);
  }
}

function urlFor(baseUrl: string, target: OpenTarget): string {
  const authority = new URL(baseUrl).host;
  const payload: Array<readonly [string, string]> = [...(target.payload ?? [])];
  if (target.file !== undefined) {
    const position = target.line === undefined ? '' : `:${target.line}:${target.column ?? 1}`;
    payload.push(
      ['openFile', `vscode-remote://${authority}${target.file}${position}`],
      ['gotoLineMode', 'true'],
    );
  }
  const query = new URLSearchParams({ folder: target.folder });
  if (payload.length > 0) query.set('payload', JSON.stringify(payload));
  return `${baseUrl}/?${query.toString()}`;
}

function changeSettings(settingsFile: string, changes: Readonly<Record<string, unknown>>): void {
  const present: unknown = JSON.parse(readFileSync(settingsFile, 'utf8'));
  writeFileSync(settingsFile, JSON.stringify({ ...(present as object), ...changes }, undefined, 2));
}

function readLogs(logFolder: string): Map<string, string> {
  const logs = new Map<string, string>();
  for (const entry of readdirSync(logFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    logs.set(path.relative(logFolder, file), readFileSync(file, 'utf8'));
  }
  return logs;
}

/** The function that ends what lives below `rootFolder`, once; until then an exit of this process does so. */
function stopper(rootFolder: string): () => Promise<void> {
  const removeFolder = () =>
    rmSync(rootFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  const stopAtExit = () => {
    killFamilyNow(rootFolder);
    removeFolder();
  };
  process.once('exit', stopAtExit);
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= endFamily(rootFolder).then(() => {
      process.off('exit', stopAtExit);
      removeFolder();
    });
    return stopping;
  };
}

/** Thrown out of `withServer` when the user ends this process by a signal; the clean-up is done by then. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}

/**
 * Runs `work` with a server and stops the server whatever happens: success, error, Ctrl-C, end of the terminal.
 *
 * @throws Interrupted on SIGINT, SIGTERM or SIGHUP; whatever `work` throws.
 */
export async function withServer<T>(
  options: ServerOptions,
  work: (server: WorkbenchServer) => Promise<T>,
): Promise<T> {
  const interruption = listenForSignals();
  let server: WorkbenchServer | undefined;
  try {
    server = await startServer(options);
    return await Promise.race([work(server), interruption.promise]);
  } finally {
    await server?.stop();
    interruption.dispose();
  }
}

/** Serves until Ctrl-C: `onReady` is told the server, for instance to print its URL. */
export async function serveUntilInterrupted(
  options: ServerOptions,
  onReady: (server: WorkbenchServer) => void | Promise<void>,
): Promise<void> {
  try {
    await withServer(options, async (server) => {
      await onReady(server);
      await new Promise<never>(() => {
        // Never settled: only the signal that withServer listens for ends this wait.
      });
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}

function listenForSignals(): { readonly promise: Promise<never>; dispose(): void } {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let reject: (reason: Interrupted) => void;
  const promise = new Promise<never>((_resolve, rejectPromise) => {
    reject = rejectPromise;
  });
  // A signal that comes while the server starts is thrown once the work begins; till then nobody awaits it.
  promise.catch(() => {});
  const listener = (signal: NodeJS.Signals) => reject(new Interrupted(signal));
  for (const signal of signals) process.on(signal, listener);
  return {
    promise,
    dispose: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      vsix: { type: 'string', multiple: true },
      port: { type: 'string' },
    },
  });
  const { folder } = values;
  if (folder === undefined)
    throw new Error('Usage: server.ts --folder <path> [--vsix <file>]… [--port <number>]');
  const options: ServerOptions = {
    vsixFiles: values.vsix ?? [],
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
  };
  await serveUntilInterrupted(options, (server) => {
    console.log(`${server.urlFor({ folder: path.resolve(folder) })}\nCtrl-C ends it.`);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
