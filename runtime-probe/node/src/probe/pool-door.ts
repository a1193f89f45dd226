// Owns asking the writer thread to listen to the threads of the pool. Knows nothing of jobs, nor of how it listens.
import { isMainThread } from 'node:worker_threads';
import { readPoolThreads } from './environment.ts';
import { controlWord } from './ring-layout.ts';

/** Whether it was asked for and can be. A session of the inspector reaches the process's main thread alone. */
export function poolCanBeHeard(): boolean {
  return isMainThread && process.features.inspector === true && readPoolThreads(process.env);
}

export class PoolDoor {
  private readonly words: Int32Array;
  private readonly able = poolCanBeHeard();

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
