// Owns the frames that the collector adds to a stream when a debugger stops the program or lets it go on.
// Pure: it must not know sessions or how the debugger is heard of. WIRE.md, "The collector's thread", is its contract.
import {
  encodeChunk,
  encodeDictionary,
  frameKind,
  stopReason,
  threadRole,
} from '../../runtime-probe/protocol/typescript/index.ts';
import type { DebuggerEvent } from '../messages/queries.ts';
import type { TailFrame } from './ring-tail.ts';

/** Probes count their threads from 1 and hold ids in 32 bits; none will make four thousand million threads. */
export const collectorThread = 0xffff_ffff;

/** The thread's dictionary record. Sequence 0 is no ring slot, so it moves no position of the program's dictionary. */
export function collectorThreadFrame(): TailFrame {
  return {
    kind: frameKind.dictionary,
    payload: encodeDictionary(
      [{ record: 'thread', id: collectorThread, osId: 0, name: 0, runtime: 0, role: threadRole.collector }],
      { sequence: 0, offset: 0 },
    ),
  };
}

/** One event in a chunk of its own. `sequence` counts the collector's chunks of the session from 1. */
export function debuggerFrame(event: DebuggerEvent, tick: number, sequence: number): TailFrame {
  const record =
    event.event === 'stop'
      ? ({
          record: 'debuggerStop',
          reason: stopReason[event.reason],
          osThread: event.osThread,
        } as const)
      : ({ record: 'debuggerContinue' } as const);
  const head = {
    thread: collectorThread,
    sequence,
    offset: 0,
    dropped: 0,
    firstTick: tick,
    lastTick: tick,
    openPolls: [],
    openFrames: [],
    openJob: 0,
  };
  return { kind: frameKind.chunk, payload: encodeChunk(head, [{ tick, event: record }]) };
}
