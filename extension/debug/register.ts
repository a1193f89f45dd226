// Owns the extension's ties to the debugger: every launch gets the environment, every stop and continue is told.
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { DebuggerEvent } from '../messages/queries.ts';
import { debuggeeEvent, NodeSession } from './adapter-messages.ts';
import { partOfNodeSession, processTold } from './debugged-process.ts';
import { launchKey, wantsEnvironment, withEnvironment } from './injection.ts';
import { isNodes } from './scheduling.ts';

export interface DebugTies {
  /** Where a program connects, with its token. Rejects when the collector cannot be had. */
  connect(): Promise<{ endpoint: string; token: string }>;
  debuggerEvent(event: DebuggerEvent): void;
  /** Something that the user may want to read later. */
  log(message: string): void;
  injects(): boolean;
  /** The script that Node loads first, which records programs without a probe; undefined: not wanted. */
  nodePreload(): string | undefined;
}

export function registerDebugTies(ties: DebugTies): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider('*', {
      resolveDebugConfigurationWithSubstitutedVariables: async (_folder, configuration) => {
        if (!ties.injects() || !wantsEnvironment(configuration)) return configuration;
        try {
          const { endpoint, token } = await ties.connect();
          ties.log(
            `Launch "${configuration.name}" (${configuration.type}) gets the environment that connects it.`,
          );
          const environment = {
            WAKELINE: endpoint,
            WAKELINE_TOKEN: token,
            WAKELINE_LAUNCH: randomUUID(),
          };
          return withEnvironment(configuration, environment, ties.nodePreload()) as vscode.DebugConfiguration;
        } catch (error) {
          // The program must start all the same: a trace is never worth a failed launch.
          ties.log(`Launch "${configuration.name}" goes on without a trace: ${String(error)}`);
          return configuration;
        }
      },
    }),
    vscode.debug.registerDebugAdapterTrackerFactory('*', {
      createDebugAdapterTracker: (session) => {
        const launch = launchOf(session);
        if (launch === undefined) return undefined;
        const osThreads = session.type === 'lldb-dap' || session.type === 'lldb';
        const node = isNodes(session.type) ? new NodeSession() : undefined;
        let part = node === undefined ? undefined : partOfNodeSession(session);
        return {
          onWillReceiveMessage: (message: unknown) => node?.asked(message),
          onDidSendMessage: (message: unknown) => {
            // Of the adapters that send it, only lldb's were looked at: the others' stops mark the whole launch.
            if (osThreads) part = processTold(message) ?? part;
            const event = node === undefined ? debuggeeEvent(message) : node.said(message);
            if (event === undefined) return;
            ties.debuggerEvent({
              launch,
              ...(part === undefined ? {} : { part }),
              event: event.event,
              monotonicNs: Number(process.hrtime.bigint()),
              reason: event.event === 'stop' ? event.reason : 'unknown',
              // lldb's adapters number threads as the operating system does; js-debug's numbers are its own.
              osThread: event.event === 'stop' && osThreads ? event.threadId : 0,
            });
          },
        };
      },
    }),
  );
}

/** The launch id of a session, or of the nearest parent that has one: js-debug's stops come on child sessions. */
function launchOf(session: vscode.DebugSession): string | undefined {
  for (let each: vscode.DebugSession | undefined = session; each !== undefined; each = each.parentSession) {
    const launch: unknown = each.configuration[launchKey];
    if (typeof launch === 'string') return launch;
  }
  return undefined;
}
