// Owns random traces with few tasks and long lives, so that each fills many pages of polls: what random-trace.ts, whose
// tasks end after a dozen polls, does not reach. Threads hand the tasks to each other, chunks are cut anywhere and may be lost.
import {
  type ChunkHeadToWrite,
  causeKind,
  type EventRecord,
  encodeChunk,
  encodeHello,
  type Frame,
  frameKind,
  pollOutcome,
  type TimedEvent,
  wakeEffect,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import type { RandomTrace } from '../../support/random-trace.ts';
import { testHello } from '../../support/text-trace.ts';

interface WritingThread {
  readonly id: number;
  clock: number;
  sequence: number;
  dropped: number;
  events: TimedEvent[];
  open: { task: number; epoch: number; startTick: number }[];
  openAtStart: ChunkHeadToWrite['openPolls'];
  readonly chunks: Frame[];
}

/** `choices` decide, one number a poll: who polls which task, what woke it, where chunks end, which are lost. */
export function longTrace(choices: readonly number[], threadCount: number, losses: boolean): RandomTrace {
  const threads: WritingThread[] = Array.from({ length: threadCount }, (_, i) => ({
    id: i + 1,
    // Clocks disagree by up to 30 ns.
    clock: 100 + i * 15,
    sequence: 0,
    dropped: 0,
    events: [],
    open: [],
    openAtStart: [],
    chunks: [],
  }));
  const epochs = [0, 0, 0];
  const emit = (thread: WritingThread, after: number, event: EventRecord) => {
    if (thread.events.length === 0) thread.openAtStart = [...thread.open];
    thread.clock += after;
    thread.events.push({ tick: thread.clock, event });
  };
  const finish = (thread: WritingThread, lose: boolean) => {
    const first = thread.events[0];
    if (first === undefined) return;
    thread.sequence++;
    if (lose) thread.dropped += thread.events.length;
    else {
      const head = {
        thread: thread.id,
        sequence: thread.sequence,
        offset: 0,
        dropped: thread.dropped,
        firstTick: first.tick,
        lastTick: 0,
        openPolls: thread.openAtStart,
        openFrames: [],
        openJob: 0,
      };
      thread.chunks.push({ kind: frameKind.chunk, payload: encodeChunk(head, thread.events) });
    }
    thread.events = [];
  };
  for (const choice of choices) {
    const index = choice % epochs.length;
    const task = index + 1;
    const thread = threads[Math.floor(choice / 3) % threadCount] as WritingThread;
    const waker = threads[Math.floor(choice / 9) % threadCount] as WritingThread;
    const detail = Math.floor(choice / 27);
    const epoch = (epochs[index] as number) + 1;
    epochs[index] = epoch;
    // All clocks have come as far as the slowest may be behind.
    const nowTick = Math.max(...threads.map((each) => each.clock)) - 30;
    for (const each of threads) each.clock = Math.max(each.clock, nowTick);
    if (epoch === 1) emit(waker, 5, { record: 'taskSpawn', task, parent: 0 });
    else wakeOf(emit, waker, task, epoch, detail);
    emit(thread, 1 + (detail % 40), { record: 'pollStart', task, epoch });
    thread.open.push({ task, epoch, startTick: thread.clock });
    if (detail % 17 === 0) finish(thread, losses && detail % 34 === 0);
    if (detail % 3 === 0)
      emit(thread, 2, {
        record: 'operation',
        source: 1 + (detail % 3),
        operationKind: 1,
        outcome: 1,
        bytes: 8,
        madeBy: 1,
      });
    if (detail % 4 !== 0)
      emit(thread, 1, {
        record: 'waitStart',
        frame: 0,
        onKind: 1 + (detail % 7),
        onId: 1,
        interest: 0,
        site: 0,
        stack: 0,
      });
    emit(thread, 1 + (detail % 90), { record: 'pollEnd', outcome: pollOutcome.pending });
    thread.open.pop();
    if (detail % 11 === 0) finish(thread, losses && detail % 77 === 0);
  }
  for (const thread of threads) finish(thread, false);
  return {
    hello: { kind: frameKind.hello, payload: encodeHello(testHello) },
    chunksOf: threads.map((thread) => thread.chunks),
  };
}

/** One of every kind of wake that a poll may have before it, or none. */
function wakeOf(
  emit: (thread: WritingThread, after: number, event: EventRecord) => void,
  waker: WritingThread,
  task: number,
  epoch: number,
  detail: number,
): void {
  const named = { task, epoch: epoch - 1, effect: wakeEffect.scheduled };
  const from = { causeId: 1 + (detail % 3), epochAfter: epoch - 1 };
  if (detail % 23 === 0) return;
  if (detail % 7 === 0) {
    emit(waker, 3, { record: 'park', parkKind: 1, timeoutNs: 0, timer: 0 });
    emit(waker, 20, { record: 'unpark', parkKind: 1, events: 1 });
    emit(waker, 1, { record: 'readiness', source: 1 + (detail % 2), mask: 1, waitingBytes: 0 });
    emit(waker, 1, { record: 'wakeFrom', ...named, ...from, causeKind: causeKind.turn, causeId: 0 });
  } else if (detail % 7 === 1)
    emit(waker, 4, { record: 'wakeFrom', ...named, ...from, causeKind: causeKind.timer });
  else if (detail % 7 === 2) emit(waker, 4, { record: 'wake', ...named, effect: wakeEffect.unknown });
  else if (detail % 7 === 3)
    emit(waker, 4, {
      record: 'wakeFrom',
      ...named,
      ...from,
      causeKind: causeKind.unknown,
      epochAfter: epoch,
    });
  else emit(waker, 4, { record: 'wake', ...named });
}
