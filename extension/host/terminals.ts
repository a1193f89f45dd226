// Owns the environment of integrated terminals: with the setting on, programs started there connect too.
import type * as vscode from 'vscode';
import type { TraceHost } from './trace-host.ts';

/** Brings the terminals' environment in line with the setting. */
export async function applyToTerminals(
  wanted: boolean,
  collection: vscode.GlobalEnvironmentVariableCollection,
  host: TraceHost,
): Promise<void> {
  // The token must not be written into VS Code's stored state.
  collection.persistent = false;
  if (!wanted) {
    collection.clear();
    return;
  }
  const { endpoint, token } = await host.connect();
  collection.description = 'Connects programs with the Wakeline probe to this window.';
  collection.replace('WAKELINE', endpoint);
  collection.replace('WAKELINE_TOKEN', token);
}
