// Starts one launch configuration when the demo's window opens, once for each window: a reload must not start it again.
const vscode = require('vscode');

exports.activate = async (context) => {
  const settings = vscode.workspace.getConfiguration('wakelineDemo');
  const name = settings.get('start');
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  if (!name || folder === undefined || context.workspaceState.get('started') === name) return;
  await context.workspaceState.update('started', name);
  const file = settings.get('file');
  if (file) await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, file), { viewColumn: 1 });
  await vscode.debug.startDebugging(folder, name);
};
