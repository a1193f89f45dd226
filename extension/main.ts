// activate and deactivate: wires the parts, decides nothing.
import { join } from 'node:path';
import * as vscode from 'vscode';
import { LensClient } from './client/lens-client.ts';
import { registerDebugTies } from './debug/register.ts';
import { registerScheduling } from './debug/scheduling-commands.ts';
import { registerAttachCommands } from './host/attach.ts';
import { EditorLink } from './host/editor-link.ts';
import { RecordingEditor } from './host/recording-editor.ts';
import { setting } from './host/settings.ts';
import { SourceFiles } from './host/source-files.ts';
import { createStatusItem } from './host/status-item.ts';
import { applyToTerminals, connectingVariables } from './host/terminals.ts';
import { TimelinePanel } from './host/timeline-panel.ts';
import { TraceHost } from './host/trace-host.ts';
import { groupOf } from './messages/session-groups.ts';

let lenses: LensClient | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Wakeline', { log: true });
  const dist = (file: string) => join(context.extensionPath, 'dist', file);
  const host = new TraceHost(
    () => ({
      program: dist('collector.cjs'),
      storageFolder: (context.storageUri ?? context.globalStorageUri).fsPath,
      quotaMiB: setting('recordings.quotaMiB', 2048),
      memoryMiB: setting('collector.memoryMiB', 1024),
    }),
    log,
  );
  const files = new SourceFiles();
  const parts = { host, files, log, extensionUri: context.extensionUri };
  const panel = new TimelinePanel(parts);
  const lensClient = new LensClient(dist('server.cjs'));
  lenses = lensClient;
  const lensesWanted = () => setting('codeLens.enabled', true);
  const link = new EditorLink({ host, files, panel, lenses: lensClient, log, lensesWanted });
  const nodePreload = () => (setting('node.register', true) ? dist('register.cjs') : undefined);
  const terminals = () =>
    applyToTerminals(
      setting('terminals.connect', false),
      context.environmentVariableCollection,
      host,
      nodePreload(),
    ).catch((error: unknown) => log.error(`Terminals are not connected: ${String(error)}`));

  const shown = new Set<string>();
  context.subscriptions.push(
    log,
    host,
    panel,
    link,
    createStatusItem(host),
    RecordingEditor.register(parts),
    registerAttachCommands(host, () => panel.show()),
    registerDebugTies({
      connect: () => host.connect(),
      debuggerEvent: (event) => host.debuggerEvent(event),
      log: (message) => log.info(message),
      injects: () => setting('debug.connect', true),
      nodePreload,
    }),
    registerScheduling({
      tasks: () => host.aliveTasks(),
      selectedTask: () => host.selectedTask,
      takesBreaks: () => host.takesBreaks,
      breakOn: (on, value) => host.breakOn(on, value),
      log: (message) => log.info(message),
    }),
    host.onDidChange(() => {
      // The panel opens once for each debugged program, so that one who closed it is left in peace.
      const started = host.sessions.find(
        (s) => s.state === 'live' && s.launch !== '' && !shown.has(groupOf(s)),
      );
      if (started === undefined) return;
      shown.add(groupOf(started));
      if (setting('timeline.openOnLaunch', true)) panel.show();
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      const settings = ['wakeline.terminals', 'wakeline.node.register'];
      if (settings.some((each) => change.affectsConfiguration(each))) void terminals();
    }),
    vscode.commands.registerCommand('wakeline.showTimeline', async () => {
      panel.show();
      await host.connect();
    }),
    vscode.commands.registerCommand('wakeline.showLog', () => log.show()),
    vscode.commands.registerCommand('wakeline.showLine', (uri: string, line: number) =>
      link.showLine(vscode.Uri.parse(uri), line),
    ),
    vscode.commands.registerCommand('wakeline.openRecording', async () => {
      const [picked] = (await vscode.window.showOpenDialog({ filters: { Recordings: ['wakeline'] } })) ?? [];
      if (picked !== undefined)
        await vscode.commands.executeCommand('vscode.openWith', picked, 'wakeline.recording');
    }),
    vscode.commands.registerCommand('wakeline.copyEnvironment', async () => {
      await vscode.env.clipboard.writeText(connectingVariables(await host.connect(), nodePreload()));
      void vscode.window.showInformationMessage(
        'Put the copied variables in front of the command that starts your program. The token is a secret of this window.',
      );
    }),
  );
  if (setting('terminals.connect', false)) void terminals();
  host
    .rejoin()
    .catch((error: unknown) => log.warn(`The last window's collector was not joined: ${String(error)}`));
}

export async function deactivate(): Promise<void> {
  await lenses?.dispose();
}
