// Owns what a measured program used of the processor: its main thread apart from the whole process.
// Knows nothing of the probe.
import { readFileSync } from 'node:fs';

export interface Used {
  /** By the kernel's account of the thread (Linux): Node 20 has none of its own. */
  readonly mainNs: number;
  readonly processNs: number;
}

/** Processor time so far. */
export function used(): Used {
  const { user, system } = process.cpuUsage();
  const [mainNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return { mainNs: Number(mainNs), processNs: (user + system) * 1000 };
}

export function since(before: Used): Used {
  const now = used();
  return { mainNs: now.mainNs - before.mainNs, processNs: now.processNs - before.processNs };
}
