// Owns whether this process is one to record: a Node that was tested, the program itself and not what starts it.
// Knows nothing of how it is recorded.
import { basename } from 'node:path';

/** What the decision needs of a process. */
export interface ProcessFacts {
  /** As process.versions. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly isMainThread: boolean;
  /** Whether this is a thread that Node or this probe started for itself, or of a process that is left out. */
  readonly isForeignThread: boolean;
  /** The path of the script; undefined for -e and the prompt. */
  readonly script: string | undefined;
}

export type Eligibility =
  | { readonly kind: 'yes'; readonly nodeMajor: number }
  /** Left out without a word. */
  | { readonly kind: 'no' }
  /** Left out, and what it starts is the program. */
  | { readonly kind: 'packageManager' }
  | { readonly kind: 'unsupported'; readonly message: string };

const oldestNode = 20;
const newestNode = 26;

/** Scripts of package managers: they start the program that is meant, and are not it. */
const packageManagers = new Set([
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

export function eligibility({ versions, isMainThread, isForeignThread, script }: ProcessFacts): Eligibility {
  // All threads inherit --require, also the one in which Node runs hooks of its module loader.
  if (!isMainThread && isForeignThread) return { kind: 'no' };
  const name = basename(script ?? '');
  if (isMainThread && (packageManagers.has(name) || yarnRelease.test(name)))
    return { kind: 'packageManager' };
  const nodeMajor = Number.parseInt(versions['node'] ?? '', 10);
  const imitation = versions['bun'] ?? versions['deno'];
  if (imitation !== undefined || !(nodeMajor >= oldestNode && nodeMajor <= newestNode))
    return {
      kind: 'unsupported',
      message: `wakeline/register was tested on Node ${oldestNode} to ${newestNode} and does nothing on ${
        imitation === undefined ? `Node ${versions['node']}` : 'runtimes that only resemble Node'
      }; the program runs as without it`,
    };
  return { kind: 'yes', nodeMajor };
}
