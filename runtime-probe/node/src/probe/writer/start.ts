// Owns what the program's thread hands to the writer thread at its start, and what they tell each other later.
import type { Hello } from '../../wire/index.ts';

/** Where the collector listens. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface WriterStart {
  readonly memory: SharedArrayBuffer;
  readonly ringBytes: number;
  readonly endpoint: Endpoint;
  /** 32 hexadecimal digits. */
  readonly token: string;
  readonly hello: Omit<Hello, 'shapes'>;
  /** Dictionary id of the thread whose events the ring holds. */
  readonly thread: number;
  /** How long to hold the greeting back unless the program releases it earlier, in ms. */
  readonly holdMs: number;
  /** From when on an open poll is looked at, in ms; 0 for never. */
  readonly longPollMs: number;
  /** Whether the program's thread is the process's main thread. */
  readonly isMainThread: boolean;
  /** The operating system's id of the program's thread; 0 when it is not known. */
  readonly osThread: number;
}

/** Program's thread to writer thread. */
export interface ProgramMessage {
  readonly kind: 'named';
  /** What the hello shall call the program from now on. */
  readonly program: string;
}

/** A thread of the pool has begun or ended a piece of work. */
export interface PoolStep {
  readonly osThread: number;
  /** As Node calls the kind of work: `crypto`, `zlib`. */
  readonly work: string;
  readonly begins: boolean;
  /** CLOCK_MONOTONIC, in whole µs. */
  readonly atNs: number;
}

/** Writer thread to program's thread; seen when the program's loop next turns. */
export type WriterMessage =
  | { readonly kind: 'pool'; readonly steps: readonly PoolStep[]; readonly others: boolean }
  | { readonly kind: 'control'; readonly detail: number; readonly snapshot: boolean }
  | { readonly kind: 'stopped'; readonly why: string };
