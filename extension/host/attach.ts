// Owns the commands that attach to a program which listens, and let go of it: what is asked, what is said.
// Must not know how the collector comes to the program.
import * as vscode from 'vscode';
import {
  addressProblem,
  type ListeningProgram,
  listeningPrograms,
  tokenProblem,
} from './listening-programs.ts';
import type { TraceHost } from './trace-host.ts';

interface Choice extends vscode.QuickPickItem {
  readonly program: ListeningProgram | undefined;
}

/** `show` brings the timeline up once the program is attached. */
export function registerAttachCommands(host: TraceHost, show: () => void): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('wakeline.attach', () => attach(host, show)),
    vscode.commands.registerCommand('wakeline.detach', () => detach(host)),
  );
}

async function attach(host: TraceHost, show: () => void): Promise<void> {
  const target = await chooseTarget();
  if (target === undefined) return;
  try {
    await host.request('attach', target);
    show();
  } catch (error) {
    void vscode.window.showErrorMessage(`Wakeline did not attach: ${(error as Error).message}`);
  }
}

async function chooseTarget(): Promise<{ address: string; token: string } | undefined> {
  const found: Choice[] = listeningPrograms().map((program) => ({
    label: program.command,
    description: `pid ${program.pid}`,
    detail: program.address,
    program,
  }));
  const byHand: Choice = {
    label: '$(edit) Enter an address…',
    description: 'of a program that was started with WAKELINE_LISTEN and WAKELINE_TOKEN',
    program: undefined,
  };
  const title = 'Attach to a Listening Program';
  const choice =
    found.length === 0 ? byHand : await vscode.window.showQuickPick([...found, byHand], { title });
  if (choice === undefined) return undefined;
  if (choice.program !== undefined) return { address: choice.program.address, token: choice.program.token };
  const address = await vscode.window.showInputBox({
    title,
    prompt: 'Where the program listens: its WAKELINE_LISTEN',
    placeHolder: 'unix:/tmp/program.sock or tcp://127.0.0.1:4000',
    ignoreFocusOut: true,
    validateInput: (text) => addressProblem(text.trim()),
  });
  if (address === undefined) return undefined;
  const token = await vscode.window.showInputBox({
    title,
    prompt: 'The program’s WAKELINE_TOKEN',
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => tokenProblem(text.trim()),
  });
  return token === undefined ? undefined : { address: address.trim(), token: token.trim() };
}

async function detach(host: TraceHost): Promise<void> {
  const session = host.shown;
  if (session?.state !== 'live') {
    void vscode.window.showInformationMessage('No program is traced live, so there is none to let go of.');
    return;
  }
  const { result } = await host.request('detach', { session: session.session });
  if (!result.detached) void vscode.window.showInformationMessage('The program was not connected any more.');
}
