// Owns where the collector listens: the private folder, the socket in it, loopback TCP, and reading endpoints.
// Must not know what travels over a connection.
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createConnection, type NetConnectOpts, type Server } from 'node:net';
import { join } from 'node:path';
import { isProcessAlive } from './processes.ts';

/** A setting that the collector cannot work with: the message says what to change. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, one of them the end mark. */
const socketPathBytes = 103;

/**
 * Makes the folder, or makes sure that nobody else can look into or write to the one that is there.
 * Throws SettingsError.
 */
export function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Not stat: a link that somebody else can turn elsewhere is not a private folder.
  const stat = lstatSync(folder);
  if (!stat.isDirectory())
    throw new SettingsError(`${folder} is no folder of its own (a link or a file); choose another path`);
  const user = process.getuid?.();
  if (user === undefined) return;
  if (stat.uid !== user)
    throw new SettingsError(
      `${folder} belongs to user ${stat.uid}, not to you (${user}); choose a folder of your own`,
    );
  if ((stat.mode & 0o077) !== 0)
    throw new SettingsError(
      `${folder} can be used by others (mode ${(stat.mode & 0o777).toString(8)}); run: chmod 700 '${folder}'`,
    );
}

/** The socket of a collector that has no name of its own; its pid tells later whether it can still be alive. */
const unnamedSocket = /^collector-(\d+)\.(?:sock|token)$/;

/** Removes what collectors that were killed left in the folder. */
export function removeLeftOverSockets(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(unnamedSocket.exec(name)?.[1]);
    if (Number.isSafeInteger(pid) && !isProcessAlive(pid)) rmSync(join(folder, name), { force: true });
  }
}

/** Listens on `<folder>/<name>.sock` and answers the endpoint. Throws SettingsError. */
export async function listenOnSocket(server: Server, folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) > socketPathBytes)
    throw new SettingsError(
      `the socket's path has ${Buffer.byteLength(path)} bytes and the system takes ${socketPathBytes}: ${path}. Choose a shorter folder`,
    );
  if (await someoneListens(path))
    throw new SettingsError(`another collector listens on ${path}; stop it or choose another name`);
  rmSync(path, { force: true });
  await listening(server, () => server.listen(path));
  chmodSync(path, 0o600);
  return `unix:${path}`;
}

/** Listens on loopback only; port 0 takes any free one. */
export async function listenOnLoopback(server: Server, port: number): Promise<string> {
  await listening(server, () => server.listen(port, '127.0.0.1'));
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new SettingsError(`the system gave no port for 127.0.0.1:${port}`);
  return `tcp://127.0.0.1:${address.port}`;
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

function someoneListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** How to reach `unix:<path>` or `tcp://127.0.0.1:<port>`. Throws SettingsError on anything else. */
export function connectionOf(endpoint: string): NetConnectOpts {
  if (endpoint.startsWith('unix:') && endpoint.length > 'unix:'.length)
    return { path: endpoint.slice('unix:'.length) };
  const tcp = /^tcp:\/\/(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\/?$/.exec(endpoint);
  const port = Number(tcp?.[2]);
  if (tcp === null || port < 1 || port > 65535)
    throw new SettingsError(
      `an endpoint is unix:<path> or tcp://127.0.0.1:<port>, not ${JSON.stringify(endpoint)}`,
    );
  return { host: (tcp[1] as string).replace(/^\[|\]$/g, ''), port };
}
