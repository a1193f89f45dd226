// What the four hooks of promises cost when they do nothing: loaded before a measured program. The least that a recorder
// of awaits costs.
import { promiseHooks } from 'node:v8';

const nothing = (): void => undefined;
promiseHooks.createHook({ init: nothing, before: nothing, after: nothing, settled: nothing });
