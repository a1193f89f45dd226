// Owns the start of the system's lldb-dap as a debug adapter, in workbenches without the marketplace's extension
// of the same debug type. It changes no launch configuration, so that what a test sees is what our own extension did.

const { accessSync, constants } = require('node:fs');
const path = require('node:path');
const vscode = require('vscode');

// lldb-dap got its name with LLVM 18; the unversioned one comes last because it may be the oldest.
const PROGRAMS = ['lldb-dap-19', 'lldb-dap-21', 'lldb-dap-20', 'lldb-dap-18', 'lldb-dap'];

function findAdapter() {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(path.delimiter)];
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      const candidate = path.join(folder, program);
      try {
        accessSync(candidate, constants.X_OK);
        return candidate;
      } catch {
        // Not here: look in the next folder.
      }
    }
  }
  throw new Error('No lldb-dap on PATH. Install it: apt-get install --no-install-recommends lldb-19');
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory('lldb-dap', {
      createDebugAdapterDescriptor: () => new vscode.DebugAdapterExecutable(findAdapter(), []),
    }),
  );
};
