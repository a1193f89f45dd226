// Owns one of everything that the harness can read, so that the self-check tests the harness and nothing else.

const { randomBytes } = require('node:crypto');
const vscode = require('vscode');

exports.activate = (context) => {
  const log = vscode.window.createOutputChannel('Self Check', { log: true });
  const status = vscode.window.createStatusBarItem('state', vscode.StatusBarAlignment.Left);
  status.name = 'Self Check';
  status.text = 'self-check ready';
  status.show();

  const lenses = {
    provideCodeLenses: () => [
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), {
        title: 'Open the panel',
        command: 'selfCheck.open',
      }),
    ],
  };
  context.subscriptions.push(
    log,
    status,
    vscode.languages.registerCodeLensProvider({ scheme: '*', language: 'javascript' }, lenses),
    vscode.commands.registerCommand('selfCheck.open', () => openPanel(log, status)),
  );
};

function openPanel(log, status) {
  const panel = vscode.window.createWebviewPanel('selfCheck', 'Self Check', vscode.ViewColumn.Beside, {
    enableScripts: true,
  });
  // The host answers with the square, so that the number in the page has made the whole way there and back.
  panel.webview.onDidReceiveMessage((message) => {
    log.info(`asked for the square of ${message.value}`);
    status.text = `self-check squared ${message.value}`;
    panel.webview.postMessage({ square: message.value ** 2 });
  });
  panel.webview.html = page(randomBytes(16).toString('base64'));
}

function page(nonce) {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'">
<title>Self Check</title>
<style nonce="${nonce}">
  body { color: var(--vscode-editor-foreground); background: var(--vscode-editor-background); }
</style>
</head>
<body>
<p>The square is <output id="self-check-square"></output></p>
<canvas id="self-check-canvas" width="200" height="40"></canvas>
<script nonce="${nonce}">
  const vscode = acquireVsCodeApi();
  addEventListener('message', (event) => {
    document.getElementById('self-check-square').textContent = event.data.square;
  });
  const drawing = document.getElementById('self-check-canvas').getContext('2d');
  drawing.fillStyle = '#ff8000';
  drawing.fillRect(0, 0, 100, 40);
  vscode.postMessage({ value: 12 });
</script>
</body>
</html>`;
}
