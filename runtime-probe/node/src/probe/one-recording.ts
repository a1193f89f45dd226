// Owns that a program is recorded in one way at a time, whichever copies of this package it has loaded.
// Knows nothing of what is recorded. The register script and a program's own init() may come from two bundles, so
// what they share stands under a registered symbol of the global object.

/** Whoever records this program. */
interface Recorded {
  /** Makes room for a recording that the program asks for in its own code. */
  withdraw(): void;
}

const key = Symbol.for('wakeline.recording');
const place = globalThis as unknown as Record<symbol, Recorded | undefined>;

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
