// Owns the way to the collector: found again by what the last window wrote down, started when it is not there,
// reconnected when it goes. Knows processes and files; what is asked of the collector is others' business.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type CollectorClient, connect } from '../collector/client.ts';

export interface CollectorSettings {
  /** The bundled collector. */
  readonly program: string;
  /** A folder of this workspace's own; recordings and the connection's file stand there. */
  readonly storageFolder: string;
  readonly quotaMiB: number;
  readonly memoryMiB: number;
}

interface Connection {
  readonly endpoint: string;
  readonly token: string;
}

const startTimeoutMs = 10_000;

export interface CollectorLink extends Connection {
  readonly client: CollectorClient;
}

/** The collector that an earlier window of this workspace started, when it still runs. */
export async function findCollector(
  settings: CollectorSettings,
  log: (message: string) => void,
): Promise<CollectorLink | undefined> {
  const known = readConnection(settings.storageFolder);
  if (known === undefined) return undefined;
  try {
    const client = await connect(known.endpoint, known.token);
    log(`Found the collector again at ${known.endpoint}.`);
    return { client, ...known };
  } catch (error) {
    log(`The collector at ${known.endpoint} is gone: ${(error as Error).message}.`);
    return undefined;
  }
}

/** Connects to this workspace's collector, starting it when needed. */
export async function openCollector(
  settings: CollectorSettings,
  log: (message: string) => void,
): Promise<CollectorLink> {
  const found = await findCollector(settings, log);
  if (found !== undefined) return found;
  mkdirSync(settings.storageFolder, { recursive: true, mode: 0o700 });
  const started = await startCollector(settings);
  writeConnection(settings.storageFolder, started);
  log(`Started a collector at ${started.endpoint}.`);
  return { client: await connect(started.endpoint, started.token), ...started };
}

/** Detached, so that a window reload does not end it; it ends by itself when nobody has used it for a while. */
function startCollector(settings: CollectorSettings): Promise<Connection> {
  const token = randomBytes(16).toString('hex');
  const recordings = join(settings.storageFolder, 'recordings');
  const child = spawn(
    process.execPath,
    [
      settings.program,
      'collect',
      '--token-stdin',
      '--folder',
      join(tmpdir(), `wakeline-${userInfo().uid}`),
      '--name',
      socketName(settings.storageFolder),
      '--recordings',
      recordings,
      '--quota-mib',
      String(settings.quotaMiB),
      '--memory-mib',
      String(settings.memoryMiB),
    ],
    {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...withoutDebugger(process.env), ELECTRON_RUN_AS_NODE: '1' },
    },
  );
  // By standard input: arguments and environment can be read by others of this user's tools.
  child.stdin.end(`${token}\n`);
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => {
      child.kill();
      reject(new Error(`the collector said nothing within ${startTimeoutMs / 1000} s`));
    }, startTimeoutMs);
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
      const newline = text.indexOf('\n');
      if (newline < 0) return;
      clearTimeout(timer);
      const { endpoint } = JSON.parse(text.slice(0, newline)) as { endpoint: string };
      child.stdout.destroy();
      child.unref();
      resolve({ endpoint, token });
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the collector ended at once with code ${code}: ${text.slice(0, 500)}`));
    });
  });
}

/**
 * The socket stands in the temp folder, because its path may hold about 100 bytes and workspace storage is deeper.
 * The workspace is in its name so that two windows do not meet, and random digits so that a left-over is no obstacle.
 */
function socketName(storageFolder: string): string {
  const workspace = createHash('sha256').update(storageFolder).digest('hex').slice(0, 8);
  return `${workspace}-${randomBytes(3).toString('hex')}`;
}

/** NODE_OPTIONS of a debugged extension host would make the collector wait for a debugger. */
function withoutDebugger(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, VSCODE_INSPECTOR_OPTIONS: __, ...rest } = environment;
  return rest;
}

function connectionFile(folder: string): string {
  return join(folder, 'collector.json');
}

function readConnection(folder: string): Connection | undefined {
  try {
    const found = JSON.parse(readFileSync(connectionFile(folder), 'utf8')) as Partial<Connection>;
    if (typeof found.endpoint !== 'string' || !/^[0-9a-f]{32}$/.test(found.token ?? '')) return undefined;
    return { endpoint: found.endpoint, token: found.token as string };
  } catch {
    return undefined;
  }
}

function writeConnection(folder: string, connection: Connection): void {
  const file = connectionFile(folder);
  rmSync(file, { force: true });
  writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
  chmodSync(file, 0o600);
}
