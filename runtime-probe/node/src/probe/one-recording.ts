// Owns that a program is recorded in one way at a time, whichever copies of this package it has loaded.
// Knows nothing of what is recorded. The register script and a program's own init() may come from two bundles, so
// what they share stands under a registered symbol of the global object.
import type { Site } from '../executor/site.ts';

/** What a program may tell of itself. None of it throws or waits; without a recording it does nothing. */
export interface Annotations {
  /** A span of the program's own begins, in the task that runs; its id, or 0 when it is not recorded. */
  spanOpened(name: string, site: Site | undefined): number;
  spanClosed(span: number): void;
  /** `value` is a whole number. */
  marked(name: string, value: number): void;
  /** A name for the task that runs. */
  taskNamed(name: string): void;
}

/** Whoever records this program. */
interface Recorded {
  /** Makes room for a recording that the program asks for in its own code. */
  withdraw(): void;
  readonly annotations: Annotations;
}

const key = Symbol.for('wakeline.recording');
const place = globalThis as unknown as Record<symbol, Recorded | undefined>;

/** Undefined when the program is not recorded. */
export function annotations(): Annotations | undefined {
  return place[key]?.annotations;
}

export function isRecorded(): boolean {
  return place[key] !== undefined;
}

/** Begins a recording in place of the one that there is. */
export function takePlace<T extends Recorded>(begin: () => T): T {
  place[key]?.withdraw();
  const recording = begin();
  // Not enumerable: a program that walks its globals need not see it.
  Object.defineProperty(globalThis, key, { value: recording, configurable: true });
  return recording;
}
