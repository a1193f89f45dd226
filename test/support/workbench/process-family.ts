// Owns finding, measuring and ending every process that descends from one we started, on Linux.
// A process group is not enough: terminals, debug adapters and daemons leave it. What all of them keep is the
// environment they inherit, so a family is the processes whose environment holds one marker variable.
// It knows nothing of what those processes are.

import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

/** The variable that marks a family; its value is the family's own throw-away folder. */
export const FAMILY_VARIABLE = 'WORKBENCH_FAMILY';

/** Time that a process gets to end by itself after SIGTERM; code-server needs under 1 s. */
const END_GRACE_MS = 5_000;

/** Process ids of all living members of the family, oldest id first, without this process. */
export function familyMembers(familyValue: string): number[] {
  const marker = `${FAMILY_VARIABLE}=${familyValue}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(marker));
}

/** Memory of the family in MiB: proportional set size, so that shared pages count once. */
export function familyMemoryMib(familyValue: string): number {
  let totalKib = 0;
  for (const pid of familyMembers(familyValue)) {
    const match = /^Pss:\s+(\d+) kB/m.exec(readProcFile(pid, 'smaps_rollup'));
    totalKib += Number(match?.[1] ?? 0);
  }
  return Math.round(totalKib / 1024);
}

/** Ends the family: SIGTERM, then SIGKILL for what is still there after 5 s. */
export async function endFamily(familyValue: string): Promise<void> {
  signalAll(familyMembers(familyValue), 'SIGTERM');
  const gone = () => (familyMembers(familyValue).length === 0 ? true : undefined);
  try {
    await waitFor('end of the processes', END_GRACE_MS, gone);
  } catch {
    killFamilyNow(familyValue);
    await waitFor('end of the killed processes', END_GRACE_MS, gone);
  }
}

/** Kills the family without waiting: for exit handlers, which cannot wait. */
export function killFamilyNow(familyValue: string): void {
  signalAll(familyMembers(familyValue), 'SIGKILL');
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }
}

function environmentOf(pid: number): string[] {
  return readProcFile(pid, 'environ').split('\0');
}

/** A file of /proc, or nothing when the process has ended or belongs to somebody else. */
function readProcFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
