// Owns random but lawful traces for property tests: a small simulated executor with several threads writes chunks
// as a probe would, sometimes losing some. Deterministic for a given choice list, so fast-check can shrink it.
import {
  type ChunkHeadToWrite,
  causeKind,
  type EventRecord,
  encodeChunk,
  encodeFrame,
  encodeHello,
  type Frame,
  frameKind,
  limits,
  pollOutcome,
  type TimedEvent,
  wakeEffect,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { testHello } from './text-trace.ts';

export interface RandomTrace {
  readonly hello: Frame;
  /** Chunks of each thread, in the thread's order. */
  readonly chunksOf: readonly (readonly Frame[])[];
}

interface SimulatedTask {
  epoch: number;
  state: 'queued' | 'idle' | 'running' | 'runningNotified' | 'done';
  holder: number;
}

interface SimulatedThread {
  readonly id: number;
  events: TimedEvent[];
  clock: number;
  sequence: number;
  dropped: number;
  polling: number;
  startTick: number;
  openAtChunkStart: ChunkHeadToWrite['openPolls'];
  chunks: Frame[];
  losing: boolean;
}

/** Each number of `choices` decides one step. `losses`: whether chunks may be lost. */
export function randomTrace(choices: readonly number[], threadCount: number, losses: boolean): RandomTrace {
  const tasks: SimulatedTask[] = [];
  const threads: SimulatedThread[] = Array.from({ length: threadCount }, (_, i) => ({
    id: i + 1,
    events: [],
    // Clocks that disagree by up to 40 ns: order between threads must come from epochs.
    clock: 100 + i * 20,
    sequence: 0,
    dropped: 0,
    polling: -1,
    startTick: 0,
    openAtChunkStart: [],
    chunks: [],
    losing: false,
  }));
  const emit = (thread: SimulatedThread, event: EventRecord) => {
    thread.events.push({ tick: thread.clock, event });
  };
  const wake = (thread: SimulatedThread, id: number, choice: number) => {
    const task = tasks[id] as SimulatedTask;
    const effect = {
      idle: wakeEffect.scheduled,
      queued: wakeEffect.redundant,
      running: wakeEffect.whileRunning,
      runningNotified: wakeEffect.redundant,
      done: wakeEffect.afterCompletion,
    }[task.state];
    if (task.state === 'idle') task.state = 'queued';
    else if (task.state === 'running') task.state = 'runningNotified';
    const named = { task: id + 1, epoch: task.epoch, effect };
    const kinds = [causeKind.source, causeKind.timer, causeKind.job];
    const kind = kinds[choice % 6];
    if (kind === undefined) emit(thread, { record: 'wake', ...named });
    else
      emit(thread, {
        record: 'wakeFrom',
        ...named,
        causeKind: kind,
        causeId: 1 + (choice % 9),
        epochAfter: task.epoch,
      });
  };
  const finishChunk = (thread: SimulatedThread, lose: boolean) => {
    if (thread.events.length === 0) return;
    thread.sequence += 1;
    if (lose) thread.dropped += thread.events.length;
    else {
      const first = thread.events[0] as TimedEvent;
      const head = {
        thread: thread.id,
        sequence: thread.sequence,
        offset: 0,
        dropped: thread.dropped,
        firstTick: first.tick,
        lastTick: 0,
        openPolls: thread.openAtChunkStart,
        openFrames: [],
        openJob: 0,
      };
      thread.chunks.push({ kind: frameKind.chunk, payload: encodeChunk(head, thread.events) });
    }
    thread.events = [];
    const task = tasks[thread.polling];
    thread.openAtChunkStart =
      task === undefined
        ? []
        : [{ task: thread.polling + 1, epoch: task.epoch, startTick: thread.startTick }];
  };
  for (const choice of choices) {
    const thread = threads[choice % threadCount] as SimulatedThread;
    const detail = Math.floor(choice / threadCount);
    thread.clock += 1 + (detail % 97);
    const polled = tasks[thread.polling];
    if (polled === undefined) {
      const queued = tasks.findIndex((t) => t.state === 'queued');
      if (queued >= 0 && detail % 4 !== 0) {
        const task = tasks[queued] as SimulatedTask;
        task.state = 'running';
        task.epoch += 1;
        thread.polling = queued;
        thread.startTick = thread.clock;
        emit(thread, { record: 'pollStart', task: queued + 1, epoch: task.epoch });
      } else if (tasks.length < 12 && detail % 3 === 0) {
        tasks.push({ epoch: 0, state: 'queued', holder: -1 });
        emit(thread, { record: 'taskSpawn', task: tasks.length, parent: 0 });
      } else if (tasks.length > 0) wake(thread, detail % tasks.length, detail);
    } else if (detail % 5 === 0) wake(thread, detail % tasks.length, detail);
    else if (detail % 5 === 1) {
      const kinds = [causeKind.source, causeKind.timer, causeKind.resource, causeKind.poll];
      const onKind = kinds[detail % 4] as number;
      emit(thread, {
        record: 'waitStart',
        frame: 0,
        onKind,
        onId: 1 + (detail % 9),
        interest: 0,
        site: 0,
        stack: 0,
      });
    } else {
      const ready = detail % 11 === 0;
      emit(thread, { record: 'pollEnd', outcome: ready ? pollOutcome.ready : pollOutcome.pending });
      if (ready) {
        emit(thread, { record: 'taskEnd', task: thread.polling + 1, outcome: 1, byKind: 0, byId: 0 });
        polled.state = 'done';
      } else polled.state = polled.state === 'runningNotified' ? 'queued' : 'idle';
      thread.polling = -1;
    }
    if (detail % 13 === 0) finishChunk(thread, losses && detail % 39 === 0);
  }
  for (const thread of threads) finishChunk(thread, false);
  return {
    hello: { kind: frameKind.hello, payload: encodeHello(testHello) },
    chunksOf: threads.map((thread) => thread.chunks),
  };
}

/** One order of all frames in which each thread's chunks keep theirs; `picks` decides which thread comes next. */
export function interleave(trace: RandomTrace, picks: readonly number[]): Frame[] {
  const frames: Frame[] = [trace.hello];
  const rest = trace.chunksOf.map((chunks) => [...chunks]);
  for (let i = 0; rest.some((chunks) => chunks.length > 0); i++) {
    const waiting = rest.filter((chunks) => chunks.length > 0);
    const next = waiting[(picks[i % Math.max(1, picks.length)] ?? 0) % waiting.length]?.shift();
    if (next !== undefined) frames.push(next);
  }
  return frames;
}

/** The frames as they travel: without the head of a recording. */
export function streamOf(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(frames.map((f) => encodeFrame(f.kind, f.payload)));
}

export const largestFrame = limits.frameBytes;
