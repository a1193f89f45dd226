// A program: one workload of the executor, or the same with plain promises, and what an operation of it cost as JSON.
// `--workload=<name>`; with `--record` it is recorded, by the probe whose address stands in the environment.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  channel,
  deferred,
  init,
  joinAll,
  run,
  spawn,
  unboundedChannel,
  yieldNow,
} from '../../../runtime-probe/node/src/index.ts';

/** Operations that a workload counts, and how it makes them. */
interface Workload {
  readonly operations: number;
  readonly make: (operations: number) => Promise<unknown>;
}

const tasks = 100;

/** A promise and what resolves it, as the language has them. */
function nativeDeferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const workloads: Readonly<Record<string, Workload>> = {
  /** A poll that wakes its own task: into the queue and out again. */
  yield: {
    operations: 400_000,
    make: (operations) =>
      run(function* () {
        const work = function* () {
          for (let i = 0; i < operations / tasks; i += 1) yield* yieldNow();
        };
        yield* joinAll(Array.from({ length: tasks }, () => spawn(work)));
      }),
  },
  /** The same with async functions: an await of nothing. */
  'plain await': {
    operations: 400_000,
    make: async (operations) => {
      const work = async (): Promise<void> => {
        for (let i = 0; i < operations / tasks; i += 1) await undefined;
      };
      await Promise.all(Array.from({ length: tasks }, work));
    },
  },
  /** A value from one task to another that waits for it, and back: two hops a round. */
  'channel hop': {
    operations: 200_000,
    make: (operations) =>
      run(function* () {
        const there = unboundedChannel<number>();
        const back = unboundedChannel<number>();
        spawn(function* () {
          for (;;) back.sender.send(Number(yield* there.receiver.receive()));
        });
        for (let i = 0; i < operations / 2; i += 1) {
          there.sender.send(i);
          yield* back.receiver.receive();
        }
      }),
  },
  /** The same hand-over with a promise for each value. */
  'plain hop': {
    operations: 200_000,
    make: async (operations) => {
      let there = nativeDeferred<number>();
      let back = nativeDeferred<number>();
      const answer = async (): Promise<void> => {
        for (let i = 0; i < operations / 2; i += 1) {
          const value = await there.promise;
          there = nativeDeferred();
          back.resolve(value);
        }
      };
      const answered = answer();
      for (let i = 0; i < operations / 2; i += 1) {
        there.resolve(i);
        await back.promise;
        back = nativeDeferred();
      }
      await answered;
    },
  },
  /** Values through a channel that is mostly full: most need no wait. */
  'bounded value': {
    operations: 400_000,
    make: (operations) =>
      run(function* () {
        const { sender, receiver } = channel<number>(64);
        spawn(function* () {
          for (let i = 0; i < operations; i += 1) yield* sender.send(i);
        });
        for (let i = 0; i < operations; i += 1) yield* receiver.receive();
      }),
  },
  /** A task from its spawn to its end, awaited by its handle. */
  'spawn and join': {
    operations: 100_000,
    make: (operations) =>
      run(function* () {
        const child = function* () {};
        for (let i = 0; i < operations; i += 1) yield* spawn(child);
      }),
  },
  /** A reaction of the executor's promise, each on the promise that the one before gave. */
  'promise reaction': {
    operations: 50_000,
    make: async (operations) => {
      const { promise, resolve } = deferred<number>();
      let last = promise;
      for (let i = 0; i < operations; i += 1) last = last.then((n) => n + 1);
      resolve(0);
      await last;
    },
  },
  'plain reaction': {
    operations: 50_000,
    make: async (operations) => {
      const { promise, resolve } = nativeDeferred<number>();
      let last = promise;
      for (let i = 0; i < operations; i += 1) last = last.then((n) => n + 1);
      resolve(0);
      await last;
    },
  },
};

const { values: settings } = parseArgs({
  options: {
    workload: { type: 'string', default: 'yield' },
    record: { type: 'boolean', default: false },
    /** Which part of the work is made. */
    part: { type: 'string', default: '1' },
  },
});

/** Processor time of the main thread in ns, by the kernel's account, which each Node can read on Linux. */
function cpuNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
}

const workload = workloads[settings.workload];
if (workload === undefined) throw new Error(`no workload ${settings.workload}: ${Object.keys(workloads)}`);
const operations = workload.operations * Number(settings.part);
// Before the warm-up, so that the ring's memory has been touched when it counts.
if (settings.record) init({ ringBytes: 32 * 1024 * 1024 });
while (settings.record && init().state === 'connecting')
  await new Promise((resolve) => setTimeout(resolve, 5));
// Twice half of it to warm up: what is compiled late would be counted otherwise.
await workload.make(operations / 2);
await workload.make(operations / 2);
const before = cpuNs();
await workload.make(operations);
const ns = cpuNs() - before;
console.log(JSON.stringify({ ns, operations, dropped: settings.record ? init().dropped : 0 }));
