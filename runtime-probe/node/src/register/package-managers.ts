// Owns which scripts are package managers: they start the program that is meant, and are not it.
// Runs on any Node, so nothing of Node's own is imported here.

const names = new Set([
  'npm',
  'npm-cli.js',
  'npm-prefix.js',
  'npx',
  'npx-cli.js',
  'yarn',
  'yarn.js',
  'yarn.cjs',
  'yarnpkg',
  'pnpm',
  'pnpm.cjs',
  'pnpm.js',
  'pnpm.mjs',
  'pnpx',
  'pnpx.cjs',
  'pnpx.js',
  'npx.js',
  'yarnpkg.js',
  'corepack',
  'corepack.js',
]);
/** Yarn's releases as projects keep them: `.yarn/releases/yarn-4.5.0.cjs`. */
const yarnRelease = /^yarn-\d[\w.-]*\.c?js$/;

/** Takes the path of a script; undefined for -e and the prompt. */
export function isPackageManager(script: string | undefined): boolean {
  const name = (script ?? '').split(/[\\/]/).pop() ?? '';
  return names.has(name) || yarnRelease.test(name);
}
