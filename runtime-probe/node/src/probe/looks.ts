// Owns looks at the poll that runs now: its stack, and how much processor time it has used, told while it is open.
// Knows nothing of when a look is due; writer/watch.ts decides that.
//
//   writer thread: a poll is open for long ── inspector: evaluate ──► look(), between two steps of the program's code
//
// V8 evaluates what another thread's session asks for where it would also look for a time-out: at a call or a loop's
// end. So the program may stand anywhere then, also inside the recorder: what is half written is left alone, and the
// look is asked for again. Nothing is set up in advance and nothing is paused; a poll that nobody looks at pays one
// comparison at its end.
import type { Site } from '../executor/site.ts';
import { eventKind } from '../wire/index.ts';
import type { Dictionary } from './dictionary.ts';
import type { EventRing, OpenPollOfRing } from './event-ring.ts';
import { ownCpuNs } from './processor-time.ts';

/** What the writer thread asks. Ticks are those of the recording. */
export interface LookRequest {
  /** The session of the recording that is meant. */
  readonly session: string;
  readonly task: number;
  readonly epoch: number;
  readonly startTick: number;
  /** From when on processor time is counted, and what the thread had used by then; -1 where nobody told. */
  readonly baseTick: number;
  readonly baseCpuNs: number;
}

export const lookAnswer = {
  told: 'told',
  /** The program stands inside the recorder. */
  busy: 'busy',
  /** That poll is over, or nothing is recorded any more. */
  over: 'over',
  /** A debugger holds the program, or did so until now. Said by the writer thread, which asks V8 first. */
  held: 'held',
} as const;
export type LookAnswer = (typeof lookAnswer)[keyof typeof lookAnswer];

/** The most frames of a stack that is told. */
const deepestStack = 64;
/** Frames of ours and of the inspector's that stand above the program's. */
const framesOfOurs = 8;
/** Positions whose sites are kept; a program that makes code for ever must not fill the memory with them. */
const positionLimit = 1 << 14;

interface LookedAt {
  readonly poll: OpenPollOfRing;
  readonly baseTick: number;
  readonly baseCpuNs: number;
}

interface LookParts {
  readonly events: EventRing;
  readonly dictionary: Dictionary;
  readonly tick: () => number;
  /** Whether the next event may be written now. */
  readonly mayWrite: () => boolean;
  /** Where in the source that is, as the user wrote it; undefined for the probe's own code. */
  readonly toSource: ToSource;
}

/** Line and column count from 1. */
export type ToSource = (file: string, line: number, column: number, functionName: string) => Site | undefined;

export class Looks {
  private readonly parts: LookParts;
  private readonly sites = new Map<string, number>();
  private lookedAt: LookedAt | undefined;
  /** When the poll began whose end was told last: it stays innermost for some steps more, and a look may come there. */
  private endedStartTick = -1;

  constructor(parts: LookParts) {
    this.parts = parts;
  }

  /** Whether the end of the innermost poll may have to tell something. */
  get anyLookedAt(): boolean {
    return this.lookedAt !== undefined;
  }

  /** Called in the middle of the program's code. `above` is the function on the stack below which that stands. */
  look(request: LookRequest, above: (request: LookRequest) => unknown): LookAnswer {
    const { events, dictionary, mayWrite } = this.parts;
    if (events.unpublished || dictionary.inUse) return lookAnswer.busy;
    const poll = events.openPolls.innermost();
    if (poll === undefined || poll.task !== request.task || poll.epoch !== request.epoch)
      return lookAnswer.over;
    if (poll.startTick !== request.startTick || poll.startTick === this.endedStartTick)
      return lookAnswer.over;
    // Whatever is thrown here would be thrown into the program's code.
    try {
      if (!mayWrite()) return lookAnswer.busy;
      const stack = this.stackBelow(above);
      const { baseTick, baseCpuNs } = this.lookedAtNow(poll, request);
      this.tell({ poll, baseTick, baseCpuNs }, stack);
      return lookAnswer.told;
    } catch {
      return lookAnswer.over;
    }
  }

  /** The innermost poll is about to end: what it used in all, if it was looked at. */
  pollEnds(): void {
    const { lookedAt } = this;
    const poll = this.parts.events.openPolls.innermost();
    if (lookedAt === undefined || poll?.startTick !== lookedAt.poll.startTick) return;
    this.lookedAt = undefined;
    this.endedStartTick = poll.startTick;
    if (poll.task === lookedAt.poll.task && poll.epoch === lookedAt.poll.epoch) this.tell(lookedAt, 0);
  }

  forget(): void {
    this.lookedAt = undefined;
  }

  /** Processor time is counted from what the writer thread saw, else from the first look on. */
  private lookedAtNow(poll: OpenPollOfRing, { baseTick, baseCpuNs }: LookRequest): LookedAt {
    const known = this.lookedAt;
    const told = baseCpuNs >= 0;
    // A later one than before: the debugger held the program meanwhile.
    const isAnew = told && known !== undefined && baseTick > known.baseTick;
    if (known?.poll.startTick === poll.startTick && !isAnew) return known;
    this.lookedAt = {
      poll,
      baseTick: told ? baseTick : this.parts.tick(),
      baseCpuNs: told ? baseCpuNs : (ownCpuNs() ?? -1),
    };
    return this.lookedAt;
  }

  private tell({ poll, baseTick, baseCpuNs }: LookedAt, stack: number): void {
    const { events } = this.parts;
    const cpuNs = baseCpuNs < 0 ? undefined : ownCpuNs();
    const tick = this.parts.tick();
    const watched = cpuNs === undefined ? 0 : Math.max(0, tick - baseTick);
    // The two clocks are read one after the other.
    const used = cpuNs === undefined ? 0 : Math.min(watched, Math.max(0, Math.floor(cpuNs - baseCpuNs)));
    const wall = Math.max(0, tick - poll.startTick);
    if (!this.parts.mayWrite()) return;
    events.write(eventKind.pollSample, tick, 6, poll.task, poll.epoch, wall, watched, used, stack);
    events.commit();
  }

  private stackBelow(above: (request: LookRequest) => unknown): number {
    const sites: number[] = [];
    // Node's own functions that called the program say nothing of it.
    let inside = 0;
    for (const frame of framesBelow(above)) {
      // From there on they are who awaits, not who runs.
      if (frame.isAsync() || sites.length === deepestStack) break;
      const file = frame.getFileName();
      const site = file ? this.siteOf(frame, file) : 0;
      if (site === 0) continue;
      sites.push(site);
      if (!file?.startsWith('node:')) inside = sites.length;
    }
    return this.parts.dictionary.stack(inside === 0 ? sites : sites.slice(0, inside));
  }

  private siteOf(frame: NodeJS.CallSite, file: string): number {
    const line = frame.getLineNumber() ?? 0;
    const column = frame.getColumnNumber() ?? 0;
    const key = `${file}:${line}:${column}`;
    const known = this.sites.get(key);
    if (known !== undefined) return known;
    if (this.sites.size >= positionLimit) return 0;
    const site = this.parts.toSource(file, line, column, frame.getFunctionName() ?? '');
    const id = this.parts.dictionary.site(site);
    this.sites.set(key, id);
    return id;
  }
}

/** The program's frames, innermost first. Not executor/site.ts's, whose own capture may be what was interrupted. */
function framesBelow(above: (request: LookRequest) => unknown): readonly NodeJS.CallSite[] {
  let frames: readonly NodeJS.CallSite[] = [];
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.prepareStackTrace = (_error, callSites) => {
      frames = callSites;
      return '';
    };
    Error.stackTraceLimit = deepestStack + framesOfOurs;
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, above);
    // V8 formats a stack when it is first read, so the read must come before our formatter is taken away.
    if (holder.stack !== '') frames = [];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  return frames;
}

type BuiltinOf = (name: string) => { readonly url?: () => string | undefined } | undefined;

/** Whether somebody may be attached. A Node that cannot be asked (before 20.16) is one where somebody may. */
export function debuggerMayHold(): boolean {
  const { getBuiltinModule } = process as unknown as { readonly getBuiltinModule?: BuiltinOf };
  if (getBuiltinModule === undefined) return true;
  return getBuiltinModule('node:inspector')?.url?.() !== undefined;
}
