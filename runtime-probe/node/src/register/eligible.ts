// Owns whether this process is one to record: the program itself and not what starts it.
// Knows nothing of how it is recorded, nor of versions.
import { isPackageManager } from './package-managers.ts';

/** What the decision needs of a process. */
export interface ProcessFacts {
  readonly isMainThread: boolean;
  /** Whether this is a thread that Node or this probe started for itself, or of a process that is left out. */
  readonly isForeignThread: boolean;
  /** The path of the script; undefined for -e and the prompt. */
  readonly script: string | undefined;
}

/** `no`: left out without a word. `packageManager`: left out, and what it starts is the program. */
export type Eligibility = 'yes' | 'no' | 'packageManager';

export function eligibility({ isMainThread, isForeignThread, script }: ProcessFacts): Eligibility {
  // All threads inherit --require, also the one in which Node runs hooks of its module loader.
  if (!isMainThread) return isForeignThread ? 'no' : 'yes';
  return isPackageManager(script) ? 'packageManager' : 'yes';
}
