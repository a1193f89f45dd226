// Owns whether this Node's async_hooks can be told to leave promises alone: 26 can, and the later 24 and 25.
// Knows nothing of what the hooks tell.
import { createHook, type HookCallbacks } from 'node:async_hooks';

/** Where the option is known, its value is looked at: nothing is switched on by asking with one that can't be. */
export function tracksPromisesByChoice(): boolean {
  const impossible = { trackPromises: 'asked' };
  try {
    createHook(impossible as HookCallbacks);
  } catch {
    return true;
  }
  return false;
}
