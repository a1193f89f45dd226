// Owns which handles this process or thread was born with: no hook tells of those, as they are older than any script.
// Knows nothing of what becomes of them.
import { parentPort } from 'node:worker_threads';

export interface InheritedHandle {
  /** As async_hooks call its kind. */
  readonly type: 'MESSAGEPORT' | 'PIPEWRAP';
  readonly handle: object;
  readonly asyncId: number;
}

/** A worker's port to whoever made it; a forked process's channel to its parent, by which cluster's workers get theirs. */
export function inheritedHandles(): InheritedHandle[] {
  const found: InheritedHandle[] = [];
  if (parentPort !== null) found.push(described('MESSAGEPORT', parentPort));
  const key = Object.getOwnPropertySymbols(process).find(
    ({ description }) => description === 'kChannelHandle',
  );
  const channel: unknown = key === undefined ? undefined : Reflect.get(process, key);
  if (typeof channel === 'object' && channel !== null) found.push(described('PIPEWRAP', channel));
  return found;
}

function described(type: InheritedHandle['type'], handle: object): InheritedHandle {
  const ask: unknown = Reflect.get(handle, 'getAsyncId');
  const asyncId: unknown = typeof ask === 'function' ? Reflect.apply(ask, handle, []) : 0;
  return { type, handle, asyncId: typeof asyncId === 'number' ? asyncId : 0 };
}
