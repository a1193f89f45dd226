// Owns making the VSIX of this folder's extension. It knows nothing of who installs it.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packExtension } from '../workbench/pack-extension.ts';

/** Packs the extension into `outputFolder` and returns the path of the VSIX. */
export async function packLldbDapExtension(outputFolder: string): Promise<string> {
  const vsixFile = path.join(outputFolder, 'lldb-dap-for-tests.vsix');
  await packExtension(path.dirname(fileURLToPath(import.meta.url)), vsixFile);
  return vsixFile;
}
