// Owns the question whether a process can still do anything. Must not know whose processes they are.
import { readFileSync } from 'node:fs';

/**
 * Whether a process may still run code. A zombie runs none: its parent has not asked for its exit status yet, which
 * for a program under a debugger can be long after its death.
 */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
}

/** Linux only; elsewhere a zombie counts as alive until it is reaped. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state stands behind the program's name, which is in brackets and may hold brackets itself.
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state === 'Z' || state === 'X';
  } catch {
    return false;
  }
}
