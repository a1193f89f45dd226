// Owns the tests' own ways to the collector of a workbench: its address and secret as the window keeps them, a viewer
// of the test's, a raw socket for peers that do not behave, and the recordings on disk.

import { readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { type CollectorClient, connect } from '../../../extension/collector/client.ts';
import type { SessionSummary } from '../../../extension/messages/queries.ts';
import { waitFor } from '../workbench/wait.ts';
import type { Workbench } from '../workbench/workbench.ts';

export interface Secret {
  readonly endpoint: string;
  readonly token: string;
}

/** What the window wrote down to find its collector again. */
export async function collectorOf(workbench: Workbench): Promise<Secret> {
  return waitFor('collector.json of the workspace', 120_000, () => {
    const file = filesBelow(workbench.server.rootFolder).find((each) => each.endsWith('/collector.json'));
    return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Secret);
  });
}

/** Asks the collector as one more viewer beside the window. */
export async function asViewer<T>(secret: Secret, ask: (client: CollectorClient) => Promise<T>): Promise<T> {
  const client = await connect(secret.endpoint, secret.token);
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

/** What the collector says of a session. */
export async function summaryOf(secret: Secret, session: string): Promise<SessionSummary> {
  const { result } = await asViewer(secret, (client) => client.request('sessions', {}));
  const found = result.find((each) => each.session === session);
  if (found === undefined) throw new Error(`the collector does not know session ${session}`);
  return found;
}

/** Sends bytes to a unix socket endpoint and gives back all that comes until the other side closes. */
export function knock(endpoint: string, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: endpoint.replace(/^unix:/, '') });
    const received: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(new Error('the collector did not close in 20 s')), 20_000);
    socket.on('data', (data: Buffer) => received.push(data));
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(received));
    });
    socket.once('connect', () => socket.end(bytes));
  });
}

/** Recordings that the collectors of this workbench have written, newest last. */
export function recordingsOf(workbench: Workbench): string[] {
  return filesBelow(workbench.server.rootFolder)
    .filter((file) => file.endsWith('.wakeline'))
    .sort();
}

/** All regular files below a folder, as absolute paths. A file may go away during the look. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
