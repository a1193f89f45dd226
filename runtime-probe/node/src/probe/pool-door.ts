// Owns asking the writer thread to listen to the threads of the pool. Knows nothing of jobs, nor of how it listens.
import { isMainThread } from 'node:worker_threads';
import { readPoolThreads } from './environment.ts';
import { inspectorFacts, whyNotInspectable } from './inspectable.ts';
import { controlWord } from './ring-layout.ts';

/** Why the threads are not listened to; undefined when they are. */
export function whyPoolUnheard(): string | undefined {
  if (!readPoolThreads(process.env))
    return 'when a pool thread takes a job up Node tells only by its trace events: WAKELINE_POOL_THREADS=1 asks for it';
  if (!isMainThread) return "Node's trace events reach a session with the main thread alone";
  return whyNotInspectable(inspectorFacts());
}

export class PoolDoor {
  private readonly words: Int32Array;
  private readonly able = whyPoolUnheard() === undefined;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** Whether it listens from here on: not where nobody asked for it, or it cannot. */
  listen(on: boolean): boolean {
    const listens = on && this.able;
    Atomics.store(this.words, controlWord.poolListening, listens ? 1 : 0);
    return listens;
  }

  /** A job of which the threads tell was handed to the pool. */
  jobSubmitted(): void {
    Atomics.add(this.words, controlWord.poolJobsUnderWay, 1);
  }

  /** One is over: there is something new to hear. */
  jobOver(): void {
    Atomics.sub(this.words, controlWord.poolJobsUnderWay, 1);
    Atomics.add(this.words, controlWord.poolJobsOver, 1);
  }

  /** What is under way is not waited for any more. */
  forget(): void {
    Atomics.store(this.words, controlWord.poolJobsUnderWay, 0);
  }
}
