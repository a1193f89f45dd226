// Owns what the kernel says of a thread's processor time. Knows nothing of polls.
// Linux tells of any thread of the process; elsewhere a thread can ask for itself, on Node 23.9 and later.
import { readFileSync, readlinkSync } from 'node:fs';

/** In µs. */
type ThreadCpuUsage = () => { readonly user: number; readonly system: number };

// Newer than our floor, so its types do not have it.
const { threadCpuUsage } = process as unknown as { readonly threadCpuUsage?: ThreadCpuUsage };

/** What this thread has used so far, in ns; undefined where nobody tells. */
export function ownCpuNs(): number | undefined {
  if (threadCpuUsage === undefined) return fileCpuNs('/proc/thread-self/schedstat');
  const { user, system } = threadCpuUsage();
  return (user + system) * 1000;
}

/** What another thread of this process has used so far, in ns; undefined where nobody tells. */
export function cpuNsOf(osThread: number): number | undefined {
  return osThread === 0 ? undefined : fileCpuNs(`/proc/self/task/${osThread}/schedstat`);
}

/** The operating system's id of this thread; 0 where it does not tell. */
export function ownOsThread(): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').pop()) || 0;
  } catch {
    return 0;
  }
}

/** The first of its numbers is the time on a processor. A kernel without schedstat has no such file. */
function fileCpuNs(path: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const ns = Number.parseInt(readFileSync(path, 'latin1'), 10);
    return ns > 0 ? ns : undefined;
  } catch {
    return undefined;
  }
}
