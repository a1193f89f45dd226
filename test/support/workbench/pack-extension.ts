// Owns making a VSIX out of the folder of a small, dependency-free test extension. The extension that we ship is
// packaged by its own script, not here.

import { createVSIX } from '@vscode/vsce';

/** Packs `extensionFolder` (package.json and plain JavaScript) into `vsixFile`, an absolute path. */
export async function packExtension(extensionFolder: string, vsixFile: string): Promise<void> {
  await createVSIX({
    cwd: extensionFolder,
    packagePath: vsixFile,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  });
}
