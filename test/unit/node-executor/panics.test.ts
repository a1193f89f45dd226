// The errors of tasks that nobody awaits: told as warnings of the process, once it is likely that nobody will.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JoinError, Notify, run, sleep, spawn } from '../../../runtime-probe/node/src/executor/index.ts';

test('a panic that nobody awaits becomes a warning of the process', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  await run(function* () {
    spawn({
      poll() {
        throw new Error('unseen');
      },
    });
    yield* sleep(2);
  });
  const warning = await warned;
  assert.equal(warning.name, 'TaskPanicked');
  assert.match(warning.message, /panicked: unseen/);
});

test('a panic that nobody awaits is told while the program goes on', async () => {
  // Told by a timer that does not keep the process alive, as a program with nothing else to do need not wait for it.
  const busy = setInterval(() => undefined, 1000);
  const news = new Notify();
  let told: Error | undefined;
  process.once('warning', (warning) => {
    told = warning;
    news.notifyOne();
  });
  await run(function* () {
    spawn({
      poll() {
        throw new Error('unseen for long');
      },
    });
    yield* news.notified();
  });
  clearInterval(busy);
  assert.match(told?.message ?? '', /panicked: unseen for long/);
});

test('a panic that is awaited later is no warning', async () => {
  const warnings: string[] = [];
  const listener = (warning: Error): void => {
    warnings.push(warning.message);
  };
  process.on('warning', listener);
  const caught: string[] = [];
  await run(function* () {
    const failing = (text: string) =>
      spawn({
        poll() {
          throw new Error(text);
        },
      });
    for (const handle of [failing('early'), failing('late')]) {
      try {
        yield* handle;
      } catch (error) {
        caught.push(error instanceof JoinError && error.cause instanceof Error ? error.cause.message : '');
      }
    }
  });
  // Warnings are told in the queue of ticks.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listener);
  assert.deepEqual(caught, ['early', 'late']);
  assert.deepEqual(
    warnings.filter((text) => /early|late/.test(text)),
    [],
  );
});
