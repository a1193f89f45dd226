// Owns simple lawful streams of any length for tests of transport and storage: one task that is polled and woken.
// Must not know who reads them. What a stream must be counted as is known from how it was made.
import {
  encodeChunk,
  encodeDictionary,
  encodeEnd,
  encodeHello,
  endReason,
  type Frame,
  frameKind,
  type Hello,
  pollOutcome,
  type TimedEvent,
  threadRole,
  wakeEffect,
} from '../../runtime-probe/protocol/typescript/index.ts';
import { testHello } from './text-trace.ts';

export const thread = 1;
export const ticksPerPoll = 100;

export function helloFrame(change: Partial<Omit<Hello, 'shapes'>>): Frame {
  return { kind: frameKind.hello, payload: encodeHello({ ...testHello, ...change }) };
}

export function dictionaryFrame(): Frame {
  return {
    kind: frameKind.dictionary,
    payload: encodeDictionary([
      { record: 'text', id: 1, text: 'main' },
      { record: 'thread', id: thread, osId: 77, name: 1, runtime: 0, role: threadRole.main },
      { record: 'task', id: 1, parent: 0, site: 0, name: 1, taskKind: 1, runtime: 0 },
    ]),
  };
}

/** Events of poll `epoch`: start, end, and the wake that asks for the next. */
export function pollEvents(epoch: number): TimedEvent[] {
  const tick = epoch * ticksPerPoll;
  const spawn: TimedEvent = { tick, event: { record: 'taskSpawn', task: 1, parent: 0 } };
  return [
    ...(epoch === 1 ? [spawn] : []),
    { tick, event: { record: 'pollStart', task: 1, epoch } },
    { tick: tick + 40, event: { record: 'pollEnd', outcome: pollOutcome.pending } },
    {
      tick: tick + 60,
      event: { record: 'wake', task: 1, epoch, effect: wakeEffect.scheduled },
    },
  ];
}

/** Slot `sequence` of the thread with polls `from` to `to` (that one not included). */
export function pollChunk(sequence: number, from: number, to: number): Frame {
  const events: TimedEvent[] = [];
  for (let epoch = from; epoch < to; epoch++) events.push(...pollEvents(epoch));
  const firstTick = events[0]?.tick ?? 0;
  const head = { thread, sequence, offset: 0, dropped: 0, firstTick, lastTick: 0 };
  return {
    kind: frameKind.chunk,
    payload: encodeChunk({ ...head, openPolls: [], openFrames: [], openJob: 0 }, events),
  };
}

export function endFrame(): Frame {
  return { kind: frameKind.end, payload: encodeEnd({ reason: endReason.exit, threads: [] }) };
}

/** Hello, dictionary, `chunkCount` chunks of `pollsPerChunk` polls each; no end. */
export function pollStream(
  hello: Partial<Omit<Hello, 'shapes'>>,
  chunkCount: number,
  pollsPerChunk: number,
): Frame[] {
  const chunks = Array.from({ length: chunkCount }, (_, i) =>
    pollChunk(i + 1, i * pollsPerChunk + 1, (i + 1) * pollsPerChunk + 1),
  );
  return [helloFrame(hello), dictionaryFrame(), ...chunks];
}
