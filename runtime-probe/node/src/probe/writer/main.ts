// Owns the start of the writer thread. Nothing else may import this file: it begins to work when it is loaded.
import { parentPort, workerData } from 'node:worker_threads';
import { claimStream, streamOwner } from '../ring-layout.ts';
import type { WriterMessage, WriterStart } from './start.ts';
import { StreamWriter } from './stream.ts';

const start = workerData as WriterStart;
// A debugger may let this thread go when the program has already ended and sent its events itself.
if (claimStream(new Int32Array(start.memory), streamOwner.writerThread))
  new StreamWriter(start, (message: WriterMessage) => parentPort?.postMessage(message)).run();
