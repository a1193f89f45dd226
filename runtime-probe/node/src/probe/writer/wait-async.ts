// Owns the type of the standard's way to wait for a shared word without holding the thread.
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
) => { readonly async: false } | { readonly async: true; readonly value: Promise<string> };

// In V8 since Node 16, and in the standard's library types only from ES2024, which is newer than our floor.
export const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };
