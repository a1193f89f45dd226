// Owns the environment of integrated terminals: with the setting on, programs started there connect too.
import type * as vscode from 'vscode';
import { withPreload } from '../debug/injection.ts';
import type { TraceHost } from './trace-host.ts';

/** Brings the terminals' environment in line with the settings. `preload` is the script that records Node programs. */
export async function applyToTerminals(
  wanted: boolean,
  collection: vscode.GlobalEnvironmentVariableCollection,
  host: TraceHost,
  preload: string | undefined,
): Promise<void> {
  // The token must not be written into VS Code's stored state.
  collection.persistent = false;
  collection.clear();
  if (!wanted) return;
  const { endpoint, token } = await host.connect();
  collection.description = 'Connects programs with the Wakeline probe to this window.';
  collection.replace('WAKELINE', endpoint);
  collection.replace('WAKELINE_TOKEN', token);
  // Behind what the user, or a debugger that attaches by itself, has there.
  if (preload !== undefined) collection.append('NODE_OPTIONS', ` ${withPreload('', preload)}`);
}

/** What stands in front of a command so that its program connects, as a POSIX shell takes it. */
export function connectingVariables(
  { endpoint, token }: { readonly endpoint: string; readonly token: string },
  preload: string | undefined,
): string {
  const variables = `WAKELINE=${endpoint} WAKELINE_TOKEN=${token}`;
  if (preload === undefined) return variables;
  const option = withPreload('', preload).replaceAll("'", "'\\''");
  return `${variables} NODE_OPTIONS='${option}'`;
}
