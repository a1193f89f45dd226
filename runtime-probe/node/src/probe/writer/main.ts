// Owns the start of the writer thread. Nothing else may import this file: it begins to work when it is loaded.
import { parentPort, workerData } from 'node:worker_threads';
import type { WriterMessage, WriterStart } from './start.ts';
import { StreamWriter } from './stream.ts';

const writer = new StreamWriter(workerData as WriterStart, (message: WriterMessage) =>
  parentPort?.postMessage(message),
);
writer.run();
