// Prints what a script that was loaded before could have left in the process. Knows nothing of the probe.
import { executionAsyncId } from 'node:async_hooks';

const promise = Promise.resolve(1);
await promise;
console.log(
  JSON.stringify({
    exitListeners: process.listenerCount('exit'),
    globals: Object.keys(globalThis),
    symbols: Object.getOwnPropertySymbols(promise).length,
    own: Reflect.ownKeys(promise),
    // 0 unless someone follows promises.
    executionId: executionAsyncId(),
    resources: process.getActiveResourcesInfo(),
  }),
);
