// Owns which sessions a debugger's event is about, and the stops of programs that have not connected yet.
// Pure: it compares what the debugger told with hellos, and must not know sessions or the registry.
import type { Hello } from '../../runtime-probe/protocol/typescript/index.ts';
import type { DebuggedPart, DebuggerEvent } from '../messages/queries.ts';

/** Parts that stop and never connect are programs without a probe: only the latest are worth remembering. */
const keptEarlyStops = 16;

/** Whether the event is about that program. Where nobody knows the part, it is about all of the launch. */
export function concerns({ launch, part }: DebuggerEvent, hello: Hello): boolean {
  if (hello.launch !== launch) return false;
  if (part === undefined) return true;
  if (part.pid !== hello.pid) return false;
  // The executor without the probe does not say in which thread it runs.
  if (part.nodeThread === undefined || hello.family === undefined) return true;
  return part.nodeThread === nodeThreadOf(hello.family.part);
}

/** Of a family's part, as the probe writes it; 0 for a process's main thread. */
function nodeThreadOf(part: string): number {
  return Number(/^worker thread (\d+)$/.exec(part)?.[1] ?? 0);
}

/** A breakpoint may be hit before the probe's connection is here: the last word about each part counts once it is. */
export class EarlyStops {
  private stops: DebuggerEvent[] = [];

  /** An event, and whether a session heard it. */
  heard(event: DebuggerEvent, bySession: boolean): void {
    this.stops = this.stops.filter((stop) => stop.launch !== event.launch || !overlap(stop.part, event.part));
    if (bySession || event.event !== 'stop' || event.launch === '') return;
    this.stops.push(event);
    if (this.stops.length > keptEarlyStops) this.stops.shift();
  }

  /** The stop in which that program stands; it is kept no longer. */
  take(hello: Hello): DebuggerEvent | undefined {
    const stop = this.stops.find((each) => concerns(each, hello));
    this.stops = this.stops.filter((each) => each !== stop);
    return stop;
  }
}

function overlap(a: DebuggedPart | undefined, b: DebuggedPart | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  if (a.pid !== b.pid) return false;
  return a.nodeThread === undefined || b.nodeThread === undefined || a.nodeThread === b.nodeThread;
}
