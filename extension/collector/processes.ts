// Owns the questions whether a process can still do anything, and whether one has a file open.
// Must not know whose processes they are.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/**
 * Whether another process of this user has one of the files open, by their true paths. Linux only, some ms: /proc
 * names every descriptor; elsewhere, and for processes of others, the answer is no.
 */
export function isOpenElsewhere(paths: readonly string[]): boolean {
  const wanted = new Set(paths);
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .some((pid) => namesIn(`/proc/${pid}/fd`).some((fd) => wanted.has(target(`/proc/${pid}/fd/${fd}`))));
}

/** Empty for a process that has ended meanwhile or is somebody else's. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
