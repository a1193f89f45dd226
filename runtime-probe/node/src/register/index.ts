// Owns the entry that is given to `node --require`: it looks for a collector in the environment and begins, or not.
// Must do nothing else when WAKELINE is not set: not even the rest of the probe is loaded then.
//
// It is built for any Node, and the rest, a file of its own beside it, for those that are recorded: a script that an
// old Node can't even read would end the program.
import { isPackageManager } from './package-managers.ts';
import { refusal } from './supported.ts';

if (process.env['WAKELINE']) {
  const refused = refusal(process.versions);
  if (refused === undefined) {
    const { startRegister } = require('./start.ts') as typeof import('./start.ts');
    startRegister();
  } else if (isFirstThread() && !isPackageManager(process.argv[1])) process.stderr.write(`${refused}\n`);
}

function isFirstThread(): boolean {
  try {
    // biome-ignore lint/style/useNodejsImportProtocol: Node before 14.18 does not know it.
    return (require('worker_threads') as { readonly isMainThread: boolean }).isMainThread;
  } catch {
    // A Node without threads.
    return true;
  }
}
