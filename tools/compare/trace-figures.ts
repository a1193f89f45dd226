// Owns what one recording of the hundred file writes says in numbers and curves: what was in flight, what waited, on
// which threads. Knows nothing of how it was recorded or how it is shown.
import { eventField, eventKind, threadRole } from '../../runtime-probe/protocol/typescript/index.ts';
import type { ReferenceEvent, ReferenceModel } from '../../test/support/reference-reader.ts';

/** A level that holds from that instant to the next step's. */
export interface Step {
  readonly ns: number;
  readonly level: number;
}

export interface Bar {
  readonly fromNs: number;
  readonly toNs: number;
}

/** One thread of the program as the recording has it. */
export interface ThreadLane {
  readonly name: string;
  readonly polls: readonly Bar[];
  readonly parks: readonly Bar[];
  readonly jobs: readonly Bar[];
}

export interface TraceFigures {
  /** First poll to last poll's end. */
  readonly fromNs: number;
  readonly toNs: number;
  /** Operations handed over and not done: jobs, or submissions to the ring. */
  readonly inFlight: readonly Step[];
  /** Jobs that no thread had begun. */
  readonly queued: readonly Step[];
  readonly jobs: number;
  readonly submissions: number;
  readonly peakInFlight: number;
  readonly peakQueued: number;
  /** Threads of the program that ran jobs. */
  readonly jobThreads: number;
  /** How long each job or submission took from hand-over to its end, in ns, ascending. */
  readonly operationNs: readonly number[];
  readonly polls: number;
  readonly reactorTurns: number;
  /** The thread that polls comes first, then those that ran jobs, in the order in which they began. */
  readonly lanes: readonly ThreadLane[];
}

export function traceFigures(model: ReferenceModel): TraceFigures {
  const of = (kind: number) => model.events.filter((each) => each.kind === kind);
  const submits = [...of(eventKind.jobSubmit), ...of(eventKind.submission)];
  const starts = of(eventKind.jobStart);
  const ends = [...of(eventKind.jobEnd), ...of(eventKind.completion)];
  const polls = [...of(eventKind.pollStart), ...of(eventKind.pollEnd)];
  const inFlight = levels(submits, ends);
  const queued = levels(of(eventKind.jobSubmit), starts);
  return {
    fromNs: Math.min(...polls.map((each) => each.ns)),
    toNs: Math.max(...polls.map((each) => each.ns)),
    inFlight,
    queued,
    jobs: of(eventKind.jobSubmit).length,
    submissions: of(eventKind.submission).length,
    peakInFlight: peak(inFlight),
    peakQueued: peak(queued),
    jobThreads: new Set(starts.map((each) => each.thread)).size,
    operationNs: durations(of(eventKind.jobSubmit), of(eventKind.jobEnd)).concat(
      durations(of(eventKind.submission), of(eventKind.completion)),
    ),
    polls: of(eventKind.pollStart).length,
    reactorTurns: of(eventKind.unpark).length,
    lanes: lanesOf(model),
  };
}

/** Up by one at each of the first events, down by one at each of the second; at the same instant up comes first. */
function levels(up: readonly ReferenceEvent[], down: readonly ReferenceEvent[]): Step[] {
  const changes = [...up.map(({ ns }) => ({ ns, by: 1 })), ...down.map(({ ns }) => ({ ns, by: -1 }))].sort(
    (x, y) => x.ns - y.ns || y.by - x.by,
  );
  const steps: Step[] = [];
  let level = 0;
  for (const { ns, by } of changes) {
    level += by;
    // Two threads' clocks may put an end a little before its beginning.
    steps.push({ ns, level: Math.max(0, level) });
  }
  return steps;
}

function peak(steps: readonly Step[]): number {
  return steps.reduce((most, { level }) => Math.max(most, level), 0);
}

/** From each first event to the second one with the same id, which is the first field of both. */
function durations(from: readonly ReferenceEvent[], to: readonly ReferenceEvent[]): number[] {
  const ends = new Map(to.map((each) => [each.values[0], each.ns]));
  return from
    .flatMap((each) => {
      const end = ends.get(each.values[0]);
      return end === undefined ? [] : [Math.max(0, end - each.ns)];
    })
    .sort((x, y) => x - y);
}

function lanesOf(model: ReferenceModel): ThreadLane[] {
  const names = new Map<number, string>();
  const texts = new Map<number, string>();
  const pools = new Set<number>();
  for (const record of model.dictionary) if (record.record === 'text') texts.set(record.id, record.text);
  for (const record of model.dictionary)
    if (record.record === 'thread') {
      names.set(record.id, texts.get(record.name) ?? `thread ${record.id}`);
      if (record.role === threadRole.pool) pools.add(record.id);
    }
  const byThread = new Map<number, ReferenceEvent[]>();
  for (const event of model.events) {
    const known = byThread.get(event.thread);
    if (known === undefined) byThread.set(event.thread, [event]);
    else known.push(event);
  }
  const lanes = [...byThread].map(([thread, events]) => ({
    firstNs: events[0]?.ns ?? 0,
    isPool: pools.has(thread),
    lane: {
      name: names.get(thread) ?? `thread ${thread}`,
      polls: barsOf(events, eventKind.pollStart, eventKind.pollEnd),
      parks: barsOf(events, eventKind.park, eventKind.unpark),
      jobs: barsOf(events, eventKind.jobStart, eventKind.jobEnd),
    },
  }));
  return lanes
    .filter(({ lane }) => lane.polls.length + lane.jobs.length > 0)
    .sort((x, y) => Number(x.isPool) - Number(y.isPool) || x.firstNs - y.firstNs)
    .map(({ lane }) => lane);
}

/** In one thread's own order each second event ends what the last first one began. */
function barsOf(events: readonly ReferenceEvent[], begin: number, end: number): Bar[] {
  const bars: Bar[] = [];
  let fromNs: number | undefined;
  for (const event of events)
    if (event.kind === begin) fromNs = event.ns;
    else if (event.kind === end && fromNs !== undefined) {
      bars.push({ fromNs, toNs: event.ns });
      fromNs = undefined;
    }
  return bars;
}

/** How many bytes the recording says were written. */
export function bytesWritten(model: ReferenceModel): number {
  let sum = 0;
  const writes = new Set<number | undefined>();
  for (const event of model.events) {
    const { kind, values } = event;
    if (kind === eventKind.jobEnd) sum += values[eventField.jobEnd.bytes] ?? 0;
    else if (kind === eventKind.submission && (values[eventField.submission.bytes] ?? 0) > 0)
      writes.add(values[eventField.submission.submission]);
    else if (kind === eventKind.completion && writes.has(values[eventField.completion.submission]))
      sum += Math.max(0, values[eventField.completion.result] ?? 0);
  }
  return sum;
}
