// `npm run package`: builds, packs wakeline.vsix, and fails when anything is in it that must not ship.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX, listFiles } from '@vscode/vsce';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const allowed = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'dist/collector.cjs',
  'dist/extension.cjs',
  'dist/register.cjs',
  'dist/register-probe.cjs',
  'dist/server.cjs',
  'dist/webview.css',
  'dist/webview.js',
  'media/icon.png',
  'media/icon.svg',
  'package.json',
];

execFileSync(process.execPath, [join(root, 'tools/build.mjs')], { stdio: 'inherit' });
const files = (await listFiles({ cwd: root, dependencies: false })).sort();
const extra = files.filter((file) => !allowed.includes(file));
const missing = allowed.filter((file) => !files.includes(file));
if (extra.length > 0 || missing.length > 0) {
  console.error(
    `The package would hold ${extra.join(', ') || 'nothing'} too much and lack ${missing.join(', ') || 'nothing'}.`,
  );
  process.exit(1);
}
await createVSIX({
  cwd: root,
  dependencies: false,
  packagePath: join(root, 'wakeline.vsix'),
  // No public address is named yet, so the README's links to other pages of the project stay as they are.
  allowMissingRepository: true,
  rewriteRelativeLinks: false,
});
