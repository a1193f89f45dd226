// Measures the engine: how fast it takes events in, how fast it answers, what memory it holds. Run by hand or by the
// benchmark runner: `npx tsx --expose-gc test/bench/engine.ts [polls]`. Prints a table, then one JSON line a figure.
// Variants of a figure are run in turns, so that a busy machine slows all alike; CPU time, not wall time, is what counts.

import { TraceSession } from '../../extension/trace/session.ts';
import type { EventRecord } from '../../runtime-probe/protocol/typescript/index.ts';
import {
  ByteWriter,
  encodeDictionary,
  encodeHello,
  encodeWatermarks,
  type Frame,
  frameKind,
  limits,
  writeChunkHead,
  writeEvent,
} from '../../runtime-probe/protocol/typescript/index.ts';

const runs = 7;
/** A viewer asks many times a second; a single question would measure the compiler. */
const viewsPerRun = 20;
const pollCount = Number(process.argv[2] ?? 1_000_000);
/** Event bytes of one chunk: what a slot of the ring holds. */
const chunkBytes = limits.slotBytes - limits.slotHeaderBytes;

const benchHello: Parameters<typeof encodeHello>[0] = {
  session: '0123456789abcdef0123456789abcdef',
  tickRate: 1_000_000_000n,
  originTick: 0n,
  anchorMonotonicNs: 0n,
  anchorWallUs: 0n,
  pid: 1,
  language: 'rust',
  program: 'bench',
  workingFolder: '/',
  sourceRoot: '',
  probe: 'bench 1',
  tier: 'bench',
  launch: '',
  ringFile: '',
  detail: 3,
  capabilities: [],
};

interface Variant {
  readonly name: string;
  readonly frames: readonly Frame[];
  readonly events: number;
}

/** Writes events of one thread into chunks of slot size, as a probe does. */
class ThreadStream {
  readonly frames: Frame[];
  readonly id: number;
  events = 0;
  private readonly body = new ByteWriter();
  private sequence = 0;
  private firstTick = 0;
  private lastTick = 0;
  private open: { task: number; epoch: number; startTick: number }[] = [];
  private openAtStart: { task: number; epoch: number; startTick: number }[] = [];

  constructor(id: number, frames: Frame[]) {
    this.id = id;
    this.frames = frames;
  }

  event(tick: number, event: EventRecord): void {
    if (this.body.written === 0) {
      this.firstTick = tick;
      this.lastTick = tick;
      this.openAtStart = [...this.open];
    }
    writeEvent(this.body, event, tick - this.lastTick);
    this.lastTick = tick;
    this.events++;
    if (event.record === 'pollStart')
      this.open.push({ task: event.task, epoch: event.epoch, startTick: tick });
    else if (event.record === 'pollEnd') this.open.pop();
    if (this.body.written > chunkBytes - 64) this.finish();
  }

  finish(): void {
    if (this.body.written === 0) return;
    const writer = new ByteWriter();
    writeChunkHead(writer, {
      thread: this.id,
      sequence: ++this.sequence,
      offset: 0,
      dropped: 0,
      firstTick: this.firstTick,
      lastTick: this.lastTick,
      openPolls: this.openAtStart,
      openFrames: [],
      openJob: 0,
    });
    writer.raw(this.body.take());
    this.frames.push({ kind: frameKind.chunk, payload: writer.take() });
  }
}

function newStream(): Frame[] {
  return [{ kind: frameKind.hello, payload: encodeHello(benchHello) }];
}

/** One loop, a thousand tasks in turn: start, end, wake by the reactor. What the timeline's targets are stated for. */
function oneLoop(polls: number, rich: boolean): Variant {
  const frames = newStream();
  const texts = [
    { record: 'text', id: 1, text: 'client' } as const,
    { record: 'text', id: 2, text: 'src/main.rs' } as const,
  ];
  const site = { record: 'site', id: 1, file: 2, line: 10, column: 5, function: 1 } as const;
  frames.push({ kind: frameKind.dictionary, payload: encodeDictionary([...texts, site]) });
  const thread = new ThreadStream(1, frames);
  const tasks = 1000;
  const epochs = new Array<number>(tasks).fill(0);
  let tick = 1000;
  const after = (ns: number) => {
    tick += ns;
    return tick;
  };
  for (let task = 1; task <= tasks; task++) thread.event(after(50), { record: 'taskSpawn', task, parent: 0 });
  for (let i = 0; i < polls; i++) {
    const task = (i % tasks) + 1;
    const epoch = (epochs[task - 1] as number) + 1;
    epochs[task - 1] = epoch;
    if (rich && i % 8 === 0) {
      thread.event(after(80), { record: 'park', parkKind: 1, timeoutNs: 0, timer: 0 });
      thread.event(after(4000), { record: 'unpark', parkKind: 1, events: 8 });
    }
    if (epoch > 1) {
      if (rich) {
        thread.event(after(30), { record: 'readiness', source: task, mask: 1, waitingBytes: 0 });
        thread.event(after(30), {
          record: 'wakeFrom',
          task,
          epoch: epoch - 1,
          effect: 1,
          causeKind: 2,
          causeId: task,
          epochAfter: epoch - 1,
        });
      } else thread.event(after(90), { record: 'wake', task, epoch: epoch - 1, effect: 1 });
    }
    thread.event(after(200), { record: 'pollStart', task, epoch });
    if (rich) {
      thread.event(after(300), {
        record: 'operation',
        source: task,
        operationKind: 1,
        outcome: 1,
        bytes: 64,
        madeBy: 1,
      });
      thread.event(after(40), {
        record: 'waitStart',
        frame: 0,
        onKind: 2,
        onId: task,
        interest: 1,
        site: 1,
        stack: 0,
      });
    }
    thread.event(after(900), { record: 'pollEnd', outcome: 2 });
  }
  thread.finish();
  frames.push({
    kind: frameKind.watermarks,
    payload: encodeWatermarks([{ thread: 1, tick, sequence: 0, end: 0 }]),
  });
  return { name: rich ? 'reads, one loop' : 'polls and wakes, one loop', frames, events: thread.events };
}

/** Four workers that hand tasks to each other; their chunks arrive in turns, so lives are put together out of order. */
function fourWorkers(polls: number): Variant {
  const frames = newStream();
  const threads = [1, 2, 3, 4].map((id) => new ThreadStream(id, frames));
  const tasks = 10_000;
  const epochs = new Array<number>(tasks).fill(0);
  let tick = 1000;
  for (let i = 0; i < polls; i++) {
    const task = ((i * 7919) % tasks) + 1;
    const thread = threads[(i * 31) % 4] as ThreadStream;
    const waker = threads[(i * 17 + 1) % 4] as ThreadStream;
    const epoch = (epochs[task - 1] as number) + 1;
    epochs[task - 1] = epoch;
    tick += 300;
    if (epoch > 1) waker.event(tick, { record: 'wake', task, epoch: epoch - 1, effect: 1 });
    thread.event(tick + 10, { record: 'pollStart', task, epoch });
    thread.event(tick + 150, { record: 'pollEnd', outcome: 2 });
  }
  for (const thread of threads) thread.finish();
  const events = threads.reduce((sum, thread) => sum + thread.events, 0);
  return { name: 'polls and wakes, 10,000 tasks on 4 workers', frames, events };
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

interface Figure {
  readonly figure: string;
  readonly variant: string;
  readonly unit: string;
  readonly values: number[];
  readonly better: 'more' | 'less';
}

const figures = new Map<string, Figure>();

function note(figure: string, variant: string, unit: string, better: Figure['better'], value: number): void {
  const key = `${figure} ${variant}`;
  const known = figures.get(key) ?? { figure, variant, unit, values: [], better };
  known.values.push(value);
  figures.set(key, known);
}

function ingest(frames: readonly Frame[]): TraceSession {
  const session = new TraceSession({ memoryBudgetBytes: 8 * 1024 ** 3 });
  for (const frame of frames) session.pushFrame(frame.kind, frame.payload);
  return session;
}

function queries(variant: Variant, session: TraceSession): void {
  const { endNs } = session;
  const middle = endNs / 2;
  const views = [
    ['viewport, all', 0, endNs],
    ['viewport, a tenth', middle, middle + endNs / 10],
    ['viewport, close', middle, middle + 2e6],
  ] as const;
  for (const [figure, fromNs, toNs] of views) {
    const query = { session: '', fromNs, toNs, widthPx: 1200, firstLane: 0, laneCount: 60, filter: '' };
    const ms = cpuMs(() => {
      for (let i = 0; i < viewsPerRun; i++) session.viewport(query);
    });
    note(figure, variant.name, 'ms', 'less', ms / viewsPerRun);
  }
  const lane =
    session.viewport({ session: '', fromNs: 0, toNs: 1, widthPx: 1, firstLane: 40, laneCount: 1, filter: '' })
      .answer.lanes[0]?.lane ?? 0;
  note(
    'explain',
    variant.name,
    'ms',
    'less',
    cpuMs(() => {
      for (let i = 0; i < 100; i++) session.explain({ session: '', lane, atNs: (endNs * i) / 101 });
    }) / 100,
  );
  note(
    'totals',
    variant.name,
    'ms',
    'less',
    cpuMs(() => session.totals()),
  );
}

function heldBytes(): number {
  // The memory behind typed arrays goes one collection after the arrays themselves.
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const variants = [oneLoop(pollCount, false), oneLoop(pollCount / 4, true), fourWorkers(pollCount)];
/** One turn of one variant, in a function of its own so that its session is free before the next. */
function measure(variant: Variant): void {
  const before = heldBytes();
  let session = new TraceSession();
  const ms = cpuMs(() => {
    session = ingest(variant.frames);
  });
  note('ingest', variant.name, 'M events/s', 'more', variant.events / ms / 1000);
  if (globalThis.gc !== undefined)
    note('memory', variant.name, 'bytes/event', 'less', (heldBytes() - before) / variant.events);
  note(
    'first totals',
    variant.name,
    'ms',
    'less',
    cpuMs(() => session.totals()),
  );
  queries(variant, session);
}

for (let run = 0; run < runs; run++) for (const variant of variants) measure(variant);

const rows = [...figures.values()].map(({ figure, variant, unit, values, better }) => {
  const sorted = [...values].sort((x, y) => x - y);
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  const best = (better === 'more' ? sorted.at(-1) : sorted[0]) as number;
  return { figure, variant, unit, median, best, min: sorted[0] as number, runs: values.length };
});
const digits = (value: number) => value.toPrecision(3);
for (const row of rows)
  console.log(
    `${row.figure.padEnd(18)} ${row.variant.padEnd(44)} median ${digits(row.median).padStart(8)}  best ${digits(row.best).padStart(8)} ${row.unit}`,
  );
for (const { figure, variant, unit, median, min, runs: count } of rows)
  console.log(JSON.stringify({ bench: 'engine', figure, variant, value: median, unit, min, runs: count }));
