// The slow, obvious reader: MODEL.md, rule by rule, with plain objects and no care for speed or memory.
// The engine is held equal to it by property tests. Shares only the codec with the engine.
// Longer than other files: it is read beside MODEL.md, from top to bottom, and its rules share their tables.
import {
  type ChunkHead,
  causeKind,
  type DictionaryRecord,
  decodeChunkHead,
  decodeDictionary,
  decodeEvents,
  decodeHello,
  decodeWatermarks,
  EventPlan,
  eventKind,
  type Frame,
  frameKind,
  type Hello,
  pollOutcome,
  shapes,
  taskKind,
  wakeEffect,
} from '../../runtime-probe/protocol/typescript/index.ts';

export interface ReferenceEvent {
  readonly thread: number;
  /** Position in the thread's own stream. */
  readonly index: number;
  readonly ns: number;
  readonly kind: number;
  readonly values: readonly number[];
}

export interface Gap {
  readonly thread: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly dropped: number;
}

export interface ReferencePoll {
  readonly task: number;
  readonly epoch: number;
  readonly thread: number;
  readonly startNs: number;
  /** The start as its thread stamped it; `startNs` is clamped to what precedes it. */
  readonly stampedNs: number;
  /** Undefined while it is open. */
  endNs: number | undefined;
  /** 0 while open or when its end is unknown. */
  outcome: number;
  endUnknown: boolean;
  waits: { onKind: number; onId: number; site: number; stack: number; ns: number }[];
}

export interface ReferenceWake {
  readonly task: number;
  readonly epoch: number;
  readonly epochAfter: number;
  readonly effect: number;
  readonly ns: number;
  readonly thread: number;
  readonly index: number;
  /** As MODEL.md, "Cause of a wake"; kind 0 where unknown. */
  readonly causeKind: number;
  readonly causeId: number;
}

export interface ReferenceSpan {
  readonly fromNs: number;
  readonly toNs: number;
  readonly state: string;
}

export interface ReferenceTask {
  readonly id: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly open: boolean;
  readonly polls: readonly ReferencePoll[];
  readonly spuriousEpochs: readonly number[];
  readonly spans: readonly ReferenceSpan[];
  /** Per poll with epoch > 1 whose predecessor is known. */
  readonly causes: readonly { epoch: number; kind: number; id: number; certainty: string }[];
}

export interface ReferenceModel {
  readonly hello: Hello | undefined;
  readonly dictionary: readonly DictionaryRecord[];
  readonly events: readonly ReferenceEvent[];
  readonly gaps: readonly Gap[];
  readonly wakes: readonly ReferenceWake[];
  readonly tasks: readonly ReferenceTask[];
  readonly endNs: number;
  readonly provisionalFromNs: number;
}

interface ThreadState {
  sequence: number;
  end: number;
  dropped: number;
  lastNs: number;
  open: ReferencePoll[];
  openJob: number;
  eventCount: number;
}

interface Reading {
  readonly events: ReferenceEvent[];
  readonly gaps: Gap[];
  readonly polls: Map<string, ReferencePoll>;
  /** Roots whose wakes are not recorded. */
  readonly unheard: Set<number>;
  readonly wakes: ReferenceWake[];
  readonly threads: Map<number, ThreadState>;
  readonly dictionary: Map<string, DictionaryRecord>;
  /** Chains of awaits that were found after their polls. */
  readonly found: { task: number; epoch: number; stack: number; count: number; ns: number }[];
  rate: bigint;
}

/** Reads all frames; the order of chunks of different threads does not matter. */
export function readReference(frames: readonly Frame[]): ReferenceModel {
  let hello: Hello | undefined;
  let plan = new EventPlan(new Map(shapes.map((s) => [s.kind, s])));
  let ended = false;
  const dictionary = new Map<string, DictionaryRecord>();
  const watermarks = new Map<number, number>();
  const reading: Reading = {
    events: [],
    gaps: [],
    polls: new Map(),
    wakes: [],
    unheard: new Set(),
    threads: new Map(),
    dictionary,
    found: [],
    rate: 1_000_000_000n,
  };
  for (const frame of frames) {
    if (frame.kind === frameKind.hello) {
      hello = decodeHello(frame.payload);
      reading.rate = hello.tickRate;
      plan = new EventPlan(hello.shapes);
    } else if (frame.kind === frameKind.dictionary && hello !== undefined) {
      decodeDictionary(frame.payload, hello.shapes, (r) => {
        dictionary.set(`${r.record} ${r.id}`, r);
        if (r.record === 'task' && r.taskKind === taskKind.rootUnheard) reading.unheard.add(r.id);
      });
    } else if (frame.kind === frameKind.chunk) readChunk(reading, frame.payload, plan);
    else if (frame.kind === frameKind.watermarks)
      for (const w of decodeWatermarks(frame.payload)) watermarks.set(w.thread, toNs(w.tick, reading.rate));
    else if (frame.kind === frameKind.end) ended = true;
  }
  for (const { task, epoch, stack, count, ns } of reading.found.sort((x, y) => x.stack - y.stack)) {
    const poll = reading.polls.get(`${task} ${epoch}`);
    if (poll !== undefined) addChain(reading, poll.waits, stack, count, ns);
  }
  const endNs = [...reading.events.map((e) => e.ns), ...watermarks.values()].reduce(
    (a, b) => Math.max(a, b),
    0,
  );
  const stopped = new Set(reading.events.filter((e) => e.kind === eventKind.threadStop).map((e) => e.thread));
  const living = [...watermarks].filter(([thread]) => !stopped.has(thread)).map(([, ns]) => ns);
  return {
    hello,
    dictionary: [...dictionary.values()],
    events: reading.events,
    gaps: reading.gaps,
    wakes: reading.wakes,
    tasks: tasksOf(reading, endNs),
    endNs,
    provisionalFromNs: ended || living.length === 0 ? endNs : Math.min(endNs, ...living),
  };
}

export function toNs(tick: number, rate: bigint): number {
  return Number((BigInt(tick) * 1_000_000_000n) / rate);
}

function readChunk(reading: Reading, payload: Uint8Array, plan: EventPlan): void {
  const head = decodeChunkHead(payload);
  const thread = reading.threads.get(head.thread) ?? newThread();
  reading.threads.set(head.thread, thread);
  const firstNs = toNs(head.firstTick, reading.rate);
  const repeats = head.sequence === thread.sequence && head.offset < thread.end;
  if (head.sequence < thread.sequence) return;
  if (!repeats) meetGap(reading, thread, head, firstNs);
  const alreadyRead = head.sequence === thread.sequence ? thread.end : 0;
  thread.sequence = head.sequence;
  decodeEvents(payload, head.eventsAt, payload.length, head.firstTick, plan, (kind, tick, fields, end) => {
    const endInSlot = head.offset + (end - head.eventsAt);
    if (endInSlot <= alreadyRead) return;
    readEvent(reading, head.thread, thread, kind, toNs(tick, reading.rate), [...fields]);
  });
  thread.end = Math.max(alreadyRead, head.offset + (payload.length - head.eventsAt));
}

/** The wait to which a chain of awaits belongs that is told at the end of the poll; see MODEL.md. */
function waitOfChain(reading: Reading, waits: ReferencePoll['waits'], stack: number) {
  const lineOf = (site: number): string => {
    const record = reading.dictionary.get(`site ${site}`);
    return record?.record === 'site' ? `${record.file} ${record.line}` : '';
  };
  const record = reading.dictionary.get(`stack ${stack}`);
  const lines = record?.record === 'stack' ? record.sites.map(lineOf).filter((line) => line !== '') : [];
  const free = waits.slice(0, 64).filter((wait) => wait.stack === 0);
  return free.find((wait) => lines.includes(lineOf(wait.site))) ?? (waits.length === 1 ? free[0] : undefined);
}

function addChain(
  reading: Reading,
  waits: ReferencePoll['waits'],
  stack: number,
  count: number,
  ns: number,
): void {
  if (joinChain(reading, waits, stack, count)) return;
  const record = reading.dictionary.get(`stack ${stack}`);
  const site = record?.record === 'stack' ? record.site : 0;
  waits.push({ onKind: causeKind.unknown, onId: count, site, stack, ns });
}

/** A chain of so many futures belongs to so many waits of the poll; false where to none. */
function joinChain(reading: Reading, waits: ReferencePoll['waits'], stack: number, count: number): boolean {
  let told = 0;
  for (; told < Math.min(64, Math.max(1, count)); told++) {
    const joined = waitOfChain(reading, waits, stack);
    if (joined === undefined) break;
    joined.stack = stack;
  }
  return told > 0;
}

function newThread(): ThreadState {
  return { sequence: 0, end: 0, dropped: 0, lastNs: 0, open: [], openJob: 0, eventCount: 0 };
}

function meetGap(reading: Reading, thread: ThreadState, head: ChunkHead, firstNs: number): void {
  const lost = head.dropped > thread.dropped || head.sequence > thread.sequence + 1;
  if (lost) {
    const dropped = Math.max(0, head.dropped - thread.dropped);
    reading.gaps.push({ thread: head.thread, fromNs: thread.lastNs, toNs: firstNs, dropped });
    const named = (p: ReferencePoll) => head.openPolls.some((o) => o.task === p.task && o.epoch === p.epoch);
    for (const poll of thread.open.filter((p) => !named(p))) {
      poll.endNs = Math.max(poll.startNs, thread.lastNs);
      poll.endUnknown = true;
    }
    thread.open = head.openPolls.map((o) =>
      pollOf(reading, head.thread, o.task, o.epoch, toNs(o.startTick, reading.rate)),
    );
    thread.openJob = head.openJob;
  } else if (thread.eventCount === 0) {
    thread.open = head.openPolls.map((o) =>
      pollOf(reading, head.thread, o.task, o.epoch, toNs(o.startTick, reading.rate)),
    );
    thread.openJob = head.openJob;
  }
  thread.dropped = Math.max(thread.dropped, head.dropped);
}

function pollOf(
  reading: Reading,
  thread: number,
  task: number,
  epoch: number,
  startNs: number,
): ReferencePoll {
  const key = `${task} ${epoch}`;
  const known = reading.polls.get(key);
  if (known !== undefined) return known;
  const poll = {
    task,
    epoch,
    thread,
    startNs,
    stampedNs: startNs,
    endNs: undefined,
    outcome: 0,
    endUnknown: false,
    waits: [],
  };
  reading.polls.set(key, poll);
  return poll;
}

function readEvent(
  reading: Reading,
  threadId: number,
  thread: ThreadState,
  kind: number,
  ns: number,
  values: number[],
): void {
  if (kind === eventKind.pollEndAt) {
    // One record for two: where the task awaits, and that the poll ended so.
    const poll = thread.open.at(-1);
    if (poll !== undefined) addChain(reading, poll.waits, values[0] ?? 0, 0, ns);
    readEvent(reading, threadId, thread, eventKind.pollEnd, ns, [pollOutcome.pending]);
    return;
  }
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  const index = thread.eventCount++;
  thread.lastNs = ns;
  reading.events.push({ thread: threadId, index, ns, kind, values });
  const innermost = thread.open.at(-1);
  const running = (): { causeKind: number; causeId: number } => {
    if (innermost !== undefined) return { causeKind: causeKind.poll, causeId: innermost.task };
    if (thread.openJob !== 0) return { causeKind: causeKind.job, causeId: thread.openJob };
    return { causeKind: causeKind.thread, causeId: threadId };
  };
  if (kind === eventKind.pollStart) thread.open.push(pollOf(reading, threadId, a, b, ns));
  else if (kind === eventKind.pollEnd) {
    const poll = thread.open.pop();
    if (poll !== undefined) {
      poll.endNs = ns;
      poll.outcome = a === pollOutcome.returned ? pollOutcome.pending : a;
    }
  } else if (kind === eventKind.pollSettled) {
    const key = `${a} ${b}`;
    const poll = reading.polls.get(key);
    if (poll?.endNs !== undefined && c === pollOutcome.none) reading.polls.delete(key);
    else if (poll?.endNs !== undefined) poll.outcome = c;
  } else if (kind === eventKind.waitStart) {
    const joined = b === causeKind.unknown && f !== 0 && joinChain(reading, innermost?.waits ?? [], f, c);
    if (!joined) innermost?.waits.push({ onKind: b, onId: c, site: e, stack: f, ns });
  } else if (kind === eventKind.waitFound) reading.found.push({ task: a, epoch: b, stack: c, count: d, ns });
  else if (kind === eventKind.jobStart || kind === eventKind.jobSeen) thread.openJob = a;
  else if (kind === eventKind.jobEnd) thread.openJob = 0;
  else if (kind === eventKind.wake)
    reading.wakes.push({
      task: a,
      epoch: b,
      epochAfter: b,
      effect: c,
      ns,
      thread: threadId,
      index,
      ...running(),
    });
  else if (kind === eventKind.wakeFrom) {
    const cause = d === causeKind.unknown ? running() : { causeKind: d, causeId: e };
    reading.wakes.push({
      task: a,
      epoch: b,
      epochAfter: f,
      effect: c,
      ns,
      thread: threadId,
      index,
      ...cause,
    });
  }
}

const namingKinds: ReadonlySet<number> = new Set([
  eventKind.taskSpawn,
  eventKind.pollStart,
  eventKind.wake,
  eventKind.wakeFrom,
  eventKind.snapshotTask,
]);

/** What is read of each task, so that a trace of thousands of them is not searched whole for every one. */
interface ByTask {
  readonly polls: ReadonlyMap<number, readonly ReferencePoll[]>;
  readonly wakes: ReadonlyMap<number, readonly ReferenceWake[]>;
  /** Events that name it, and its end. */
  readonly events: ReadonlyMap<number, readonly ReferenceEvent[]>;
}

function tasksOf(reading: Reading, endNs: number): ReferenceTask[] {
  const ofTask = reading.events.filter((e) => namingKinds.has(e.kind) || e.kind === eventKind.taskEnd);
  const byTask: ByTask = {
    polls: grouped(reading.polls.values(), (p) => p.task),
    wakes: grouped(reading.wakes, (w) => w.task),
    events: grouped(ofTask, (e) => e.values[0] as number),
  };
  const named = new Set(ofTask.filter((e) => namingKinds.has(e.kind)).map((e) => e.values[0] as number));
  for (const task of byTask.polls.keys()) named.add(task);
  return [...named].sort((x, y) => x - y).map((id) => taskOf(reading, byTask, id, endNs));
}

function grouped<T>(all: Iterable<T>, keyOf: (each: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const each of all) {
    const group = groups.get(keyOf(each));
    if (group === undefined) groups.set(keyOf(each), [each]);
    else group.push(each);
  }
  return groups;
}

function taskOf(reading: Reading, byTask: ByTask, id: number, endNs: number): ReferenceTask {
  const stamped = [...(byTask.polls.get(id) ?? [])].sort((x, y) => x.epoch - y.epoch);
  const wakes = [...(byTask.wakes.get(id) ?? [])].sort(
    (x, y) => x.ns - y.ns || x.thread - y.thread || x.index - y.index,
  );
  const events = byTask.events.get(id) ?? [];
  const of = (kind: number) => events.find((e) => e.kind === kind);
  const spawn = of(eventKind.taskSpawn);
  const snapshot = of(eventKind.snapshotTask);
  // Not spread into one call: a program that polls a task some 100,000 times has more than a stack holds.
  const seenNs = [
    ...events.filter((e) => namingKinds.has(e.kind)).map((e) => e.ns),
    ...stamped.map((p) => p.startNs),
  ];
  const firstNs = seenNs.reduce((least, ns) => Math.min(least, ns), Number.POSITIVE_INFINITY);
  const fromNs = spawn?.ns ?? firstNs;
  const polls = clampedToOrder(stamped, fromNs);
  const finalPoll = polls.find((p) => p.outcome === pollOutcome.ready || p.outcome === pollOutcome.panicked);
  const taskEnd = of(eventKind.taskEnd);
  const toNs = Math.max(fromNs, finalPoll?.endNs ?? taskEnd?.ns ?? endNs);
  const life = { id, fromNs, toNs, open: finalPoll === undefined && taskEnd === undefined };
  return { ...life, polls, ...livedThrough(reading, life, polls, wakes, spawn !== undefined, snapshot) };
}

/** Clocks of two threads may disagree: a poll begins not before what precedes it. An open poll before another lost its end. */
function clampedToOrder(polls: readonly ReferencePoll[], fromNs: number): ReferencePoll[] {
  let floorNs = fromNs;
  return polls.map((poll, i) => {
    const startNs = Math.max(poll.startNs, floorNs);
    const lostEnd = poll.endNs === undefined && i < polls.length - 1;
    const endNs = lostEnd ? startNs : poll.endNs === undefined ? undefined : Math.max(poll.endNs, startNs);
    floorNs = endNs ?? startNs;
    return { ...poll, startNs, endNs, endUnknown: poll.endUnknown || lostEnd };
  });
}

type Life = Pick<ReferenceTask, 'id' | 'fromNs' | 'toNs' | 'open'>;

/** Walks from poll to poll and names the state of every interval between. */
function livedThrough(
  reading: Reading,
  life: Life,
  polls: readonly ReferencePoll[],
  wakes: readonly ReferenceWake[],
  spawned: boolean,
  snapshot: ReferenceEvent | undefined,
): Pick<ReferenceTask, 'spans' | 'spuriousEpochs' | 'causes'> {
  const spans: ReferenceSpan[] = [];
  const spuriousEpochs: number[] = [];
  const causes: { epoch: number; kind: number; id: number; certainty: string }[] = [];
  const add = (from: number, to: number, state: string) => {
    const fromNs = Math.max(from, life.fromNs);
    const toNs = Math.min(to, life.toNs);
    if (toNs > fromNs) spans.push({ fromNs, toNs, state });
  };
  let at = life.fromNs;
  let before: ReferencePoll | undefined;
  for (const poll of [...polls, undefined]) {
    const until = poll?.startNs ?? life.toNs;
    const epoch = poll?.epoch ?? (before?.epoch ?? snapshot?.values[1] ?? 0) + 1;
    const effective = effectiveWake(wakes, epoch);
    if (before === undefined) {
      if (spawned && (poll === undefined || poll.epoch === 1)) add(at, until, 'scheduled');
      else if (snapshot !== undefined && epoch === (snapshot.values[1] as number) + 1)
        fromSnapshot(add, snapshot, effective, at, until);
      else add(at, until, 'gap');
    } else if (before.endNs === undefined) {
      // Still open: it runs to the end of what is known.
      add(before.startNs, life.toNs, 'running');
    } else if (before.endUnknown || (poll !== undefined && poll.epoch > before.epoch + 1)) {
      add(at, until, 'gap');
      if (poll !== undefined && poll.epoch === before.epoch + 1)
        causes.push({ epoch: poll.epoch, kind: 0, id: 0, certainty: 'unknown' });
    } else if (before.outcome === pollOutcome.pending) {
      const wokenAt =
        effective === undefined ? undefined : Math.min(Math.max(effective.wake.ns, at), Math.max(until, at));
      if (poll === undefined) {
        add(at, wokenAt ?? until, idleState(before, effective?.wake));
        if (wokenAt !== undefined) add(wokenAt, until, 'scheduled');
      } else if (effective === undefined || wokenAt === undefined) {
        // The wake may have come as soon as the poll before had begun, which is before a gap's end where it was
        // open there.
        const inGap = reading.gaps.some((g) => g.fromNs < poll.startNs && g.toNs >= (before?.stampedNs ?? 0));
        if (!inGap && !reading.unheard.has(life.id)) spuriousEpochs.push(poll.epoch);
        add(at, until, inGap ? 'gap' : 'idleUnknown');
        causes.push({ epoch: poll.epoch, kind: 0, id: 0, certainty: 'unknown' });
      } else {
        add(at, wokenAt, idleState(before, effective.wake));
        add(wokenAt, until, 'scheduled');
        causes.push({ epoch: poll.epoch, ...causeOf(reading, effective, poll) });
      }
    }
    if (poll !== undefined && poll.endNs !== undefined) add(poll.startNs, poll.endNs, 'running');
    at = Math.max(at, poll?.endNs ?? at);
    before = poll;
  }
  return { spans, spuriousEpochs, causes };
}

function fromSnapshot(
  add: (from: number, to: number, state: string) => void,
  snapshot: ReferenceEvent,
  effective: EffectiveWake | undefined,
  at: number,
  until: number,
): void {
  const [, , state = 0, onKind = 0] = snapshot.values;
  if (state === 2) add(at, until, 'scheduled');
  else if (state === 3) add(at, until, 'running');
  else {
    const wokenAt = effective === undefined ? until : Math.min(Math.max(effective.wake.ns, at), until);
    add(at, wokenAt, stateOfWait(onKind));
    add(wokenAt, until, 'scheduled');
  }
}

interface EffectiveWake {
  readonly wake: ReferenceWake;
  readonly ambiguous: boolean;
}

/** Of a task's wakes in their order. */
function effectiveWake(wakes: readonly ReferenceWake[], epoch: number): EffectiveWake | undefined {
  const asking = wakes.filter((w) => w.epoch + 1 === epoch);
  const effectual = asking.find(
    (w) => w.effect === wakeEffect.scheduled || w.effect === wakeEffect.whileRunning,
  );
  if (effectual !== undefined) return { wake: effectual, ambiguous: effectual.epochAfter > effectual.epoch };
  const unknown = asking.filter((w) => w.effect === wakeEffect.unknown);
  const first = unknown[0];
  if (first !== undefined)
    return {
      wake: first,
      ambiguous: first.epochAfter > first.epoch || new Set(unknown.map((w) => w.thread)).size > 1,
    };
  const spread = wakes.find(
    (w) =>
      w.effect !== wakeEffect.redundant &&
      w.effect !== wakeEffect.afterCompletion &&
      w.epoch + 1 < epoch &&
      epoch <= w.epochAfter + 1,
  );
  return spread === undefined ? undefined : { wake: spread, ambiguous: true };
}

function stateOfWait(kind: number): string {
  if (kind === causeKind.source) return 'idleSource';
  if (kind === causeKind.timer) return 'idleTimer';
  if (kind === causeKind.job || kind === causeKind.submission) return 'idleJob';
  if (kind === causeKind.poll || kind === causeKind.frame) return 'idleTask';
  if (kind === causeKind.resource) return 'idleResource';
  return 'idleUnknown';
}

function idleState(before: ReferencePoll, wake: ReferenceWake | undefined): string {
  const kinds = before.waits.map((w) => w.onKind).filter((waited) => waited !== causeKind.unknown);
  if (wake === undefined) return kinds.length === 0 ? 'idleUnknown' : stateOfWait(kinds[0] as number);
  const direct: readonly number[] = [causeKind.source, causeKind.timer, causeKind.job, causeKind.submission];
  if (direct.includes(wake.causeKind)) return stateOfWait(wake.causeKind);
  if (kinds.includes(causeKind.resource)) return 'idleResource';
  if (kinds.includes(causeKind.poll) || kinds.includes(causeKind.frame)) return 'idleTask';
  if (kinds.length === 1) return stateOfWait(kinds[0] as number);
  return wake.causeKind === causeKind.poll ? 'idleTask' : 'idleUnknown';
}

function causeOf(
  reading: Reading,
  { wake, ambiguous }: EffectiveWake,
  poll: ReferencePoll,
): { kind: number; id: number; certainty: string } {
  if (ambiguous) return { kind: 0, id: 0, certainty: 'unknown' };
  if (wake.causeKind !== causeKind.turn)
    return { kind: wake.causeKind, id: wake.causeId, certainty: 'recorded' };
  // Rule "operation after wake".
  const stream = reading.events.filter((e) => e.thread === wake.thread);
  const turnStart = stream.findLast((e) => e.index < wake.index && e.kind === eventKind.unpark);
  const turnEnd = stream.find((e) => e.index > wake.index && e.kind === eventKind.park);
  const readySources = new Set(
    stream
      .filter(
        (e) =>
          e.kind === eventKind.readiness &&
          e.index > (turnStart?.index ?? -1) &&
          e.index < (turnEnd?.index ?? Number.POSITIVE_INFINITY),
      )
      .map((e) => e.values[0] as number),
  );
  const onPollThread = reading.events.filter((e) => e.thread === poll.thread);
  const start = onPollThread.find(
    (e) => e.kind === eventKind.pollStart && e.values[0] === poll.task && e.values[1] === poll.epoch,
  );
  const end = onPollThread.find((e) => e.kind === eventKind.pollEnd && e.index > (start?.index ?? 0));
  const operation = onPollThread.find(
    (e) =>
      e.kind === eventKind.operation &&
      e.index > (start?.index ?? Number.POSITIVE_INFINITY) &&
      e.index < (end?.index ?? Number.POSITIVE_INFINITY) &&
      readySources.has(e.values[0] as number),
  );
  return operation === undefined
    ? { kind: causeKind.turn, id: 0, certainty: 'unknown' }
    : { kind: causeKind.source, id: operation.values[0] as number, certainty: 'inferred' };
}

/** The model as text, one task a block, for golden files. */
export function dumpReference(model: ReferenceModel): string {
  const lines = [`end ${model.endNs} provisional from ${model.provisionalFromNs}`];
  for (const gap of model.gaps)
    lines.push(`gap thread ${gap.thread} ${gap.fromNs}..${gap.toNs} dropped ${gap.dropped}`);
  for (const task of model.tasks) {
    lines.push(`task ${task.id} ${task.fromNs}..${task.toNs}${task.open ? ' open' : ''}`);
    for (const span of task.spans) lines.push(`  ${span.fromNs}..${span.toNs} ${span.state}`);
    for (const cause of task.causes)
      lines.push(`  poll ${cause.epoch} because of ${causeName(cause.kind)} ${cause.id}, ${cause.certainty}`);
    if (task.spuriousEpochs.length > 0) lines.push(`  spurious ${task.spuriousEpochs.join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function causeName(kind: number): string {
  return Object.entries(causeKind).find(([, value]) => value === kind)?.[0] ?? String(kind);
}
