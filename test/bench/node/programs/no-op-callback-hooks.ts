// What hooks of callbacks, of HTTP's requests and of the loop's turns cost when they do nothing: loaded before a measured
// program. The least that a recorder costs which tells callbacks, requests and parks, and no promises.
import { createHook, executionAsyncResource } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

const nothing = (): void => undefined;
const before = (): void => void executionAsyncResource();
// Node 20 and 22 know no trackPromises, and track them.
createHook(Object.assign({ init: nothing, before, after: nothing }, { trackPromises: false })).enable();
subscribe('http.server.request.start', nothing);
subscribe('http.server.response.finish', nothing);
const watch = (): void => void setImmediate(watch).unref();
watch();
