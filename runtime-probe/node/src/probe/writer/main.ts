// Owns the start of the writer thread. Nothing else may import this file: it begins to work when it is loaded.
import { parentPort, workerData } from 'node:worker_threads';
import {
  claimStream,
  controlWord,
  greeting,
  layOutRing,
  slotBytes,
  slotField,
  slotState,
  streamOwner,
} from '../ring-layout.ts';
import { PoolTrace } from './pool-trace.ts';
import type { ProgramMessage, WriterMessage, WriterStart } from './start.ts';
import { StreamWriter } from './stream.ts';

/** How often a held greeting is looked at, in ms. */
const heldIntervalMs = 5;

let start = workerData as WriterStart;
let stream: StreamWriter | undefined;
const words = new Int32Array(start.memory);
const heldUntilMs = performance.now() + start.holdMs;
const tell = (message: WriterMessage): void => parentPort?.postMessage(message);
const pool = new PoolTrace(words, start.osThread, tell);

/** Slots are taken one after the other, and none is given back before the greeting. */
function halfFull(): boolean {
  const { slotsAt, slotCount } = layOutRing(start.ringBytes);
  const half = slotsAt + (slotCount >> 1) * slotBytes;
  return Atomics.load(words, (half + slotField.state) >> 2) !== slotState.free;
}

function begin(): void {
  if (performance.now() >= heldUntilMs || halfFull())
    Atomics.compareExchange(words, controlWord.greeting, greeting.held, greeting.released);
  const state = Atomics.load(words, controlWord.greeting);
  // The program may end before it greets.
  if (Atomics.load(words, controlWord.finishReason) !== 0) pool.stop();
  if (state === greeting.held) {
    pool.round();
    setTimeout(begin, heldIntervalMs);
  } else if (state === greeting.released) {
    stream = new StreamWriter(start, pool, tell);
    stream.run();
  }
}

parentPort?.on('message', ({ program }: ProgramMessage) => {
  start = { ...start, hello: { ...start.hello, program } };
  stream?.greetAgain(start.hello);
});
// This thread ends with the stream.
parentPort?.unref();

// A debugger may let this thread go when the program has already ended and sent its events itself.
if (claimStream(words, streamOwner.writerThread)) begin();
