// Starts one launch configuration when the demo's window opens, once for each window: a reload must not start it again.
const vscode = require('vscode');

exports.activate = async (context) => {
  const settings = vscode.workspace.getConfiguration('wakelineDemo');
  const name = settings.get('start');
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  if (!name || folder === undefined || context.workspaceState.get('started') === name) return;
  await context.workspaceState.update('started', name);
  const file = settings.get('file');
  if (file) await show(vscode.Uri.joinPath(folder.uri, file), settings.get('line'));
  await vscode.debug.startDebugging(folder, name);
};

async function show(uri, lineText) {
  const document = await vscode.workspace.openTextDocument(uri);
  const at = document.positionAt(Math.max(0, document.getText().indexOf(lineText)));
  await vscode.window.showTextDocument(document, {
    viewColumn: 1,
    selection: new vscode.Range(at, at),
    preview: false,
  });
}
