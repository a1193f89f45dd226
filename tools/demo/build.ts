// Owns building all that the demo needs: the package, the examples in both languages, the support extensions.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packExtension } from '../../test/support/workbench/pack-extension.ts';
import { cargoFolder, must, root } from '../steps.mjs';

export interface DemoParts {
  readonly wakeline: string;
  /** Lets a workbench without the marketplace launch Rust programs. */
  readonly lldbDap: string;
  readonly start: string;
}

/** Builds and packs; paths of the VSIX files. Skips nothing: cargo and esbuild know what is up to date. */
export async function buildDemo(): Promise<DemoParts> {
  console.log('Building the extension, the probes and the examples…');
  await must('cargo', ['build', '--locked', '--quiet', '-p', 'wakeline-examples', '--bins'], {
    cwd: cargoFolder,
  });
  await must(process.execPath, ['build.mjs'], { cwd: join(root, 'runtime-probe/examples/typescript') });
  await must(process.execPath, [join(root, 'tools/package.mjs')], { quiet: true });
  const folder = join(root, 'dist/demo');
  mkdirSync(folder, { recursive: true });
  const parts = {
    wakeline: join(root, 'wakeline.vsix'),
    lldbDap: join(folder, 'lldb-dap.vsix'),
    start: join(folder, 'start.vsix'),
  };
  await packExtension(join(root, 'test/support/lldb-dap-extension'), parts.lldbDap);
  await packExtension(join(root, 'tools/demo/start-extension'), parts.start);
  return parts;
}
