// What async hooks cost when they do nothing: loaded before a measured program.
import { createHook } from 'node:async_hooks';

const nothing = (): void => undefined;
createHook({ init: nothing, before: nothing, after: nothing, promiseResolve: nothing }).enable();
