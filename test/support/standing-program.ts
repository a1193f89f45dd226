// Owns what can be seen of a program that was stopped, from outside: that it stands, and what it has published.
// Must not know of collectors or recordings.
import { readdirSync, readFileSync } from 'node:fs';
import { RingFile } from '../../extension/collector/ring-file.ts';
import {
  decodeEvents,
  EventPlan,
  type Shape,
  shapes,
} from '../../runtime-probe/protocol/typescript/index.ts';

const shapeMap: ReadonlyMap<number, Shape> = new Map(shapes.map((shape) => [shape.kind, shape]));

/** The last tick that each thread of a standing program has published in its ring. */
export function lastTicksInRing(pid: number): Map<number, number> {
  const name = ringName(pid);
  if (name === undefined) throw new Error(`program ${pid} has no ring in /dev/shm`);
  const session = name.slice(-32);
  const ring = RingFile.open({ ringFile: `/dev/shm/${name}`, pid, session });
  const ticks = new Map<number, number>();
  const plan = new EventPlan(shapeMap);
  for (const { state, thread, firstTick, records } of ring.readSlots()) {
    if (state !== 2 || records.length === 0) continue;
    const last = decodeEvents(records, 0, records.length, firstTick, plan, () => {});
    ticks.set(thread, Math.max(ticks.get(thread) ?? 0, last));
  }
  ring.close();
  return ticks;
}

/** Whether a process stands, all its threads with it. */
export function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /\) [tT] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')),
  );
}

/** The file in /dev/shm that holds the program's rings; undefined when there is none. */
export function ringName(pid: number): string | undefined {
  return readdirSync('/dev/shm').find((each) => each.startsWith(`wakeline-${pid}-`));
}
