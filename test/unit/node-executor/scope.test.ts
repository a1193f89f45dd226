// Behaviour of structured scopes: no child outlives its scope.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Async,
  joinAll,
  run,
  scope,
  select,
  sleep,
  spawn,
  unboundedChannel,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

/** Never done; notes how it was left. */
function* endless(left: string[], name: string): Async<never> {
  try {
    for (;;) yield* sleep(60_000);
  } finally {
    left.push(name);
  }
}

test('a scope gives its body’s value when all children have ended', async () => {
  const { trace, value } = await record(function* () {
    const order: string[] = [];
    const result = yield* scope(function* inScope(s) {
      for (const [name, turns] of [
        ['slow', 6],
        ['quick', 1],
      ] as const) {
        s.spawn(
          function* () {
            for (let i = 0; i < turns; i += 1) yield* yieldNow();
            order.push(name);
          },
          { name },
        );
      }
      yield* yieldNow();
      order.push('body');
      return 7;
    });
    return { result, order };
  });
  assert.deepEqual(value, { result: 7, order: ['body', 'quick', 'slow'] });
  assert.deepEqual(trace.brokenEpochs(), []);
  // It waits for the oldest child that lives, and says where.
  const wait = trace.waits.find((each) => each.target.kind === 'task');
  assert.equal(wait?.target.id, trace.taskNamed('slow'));
  assert.match(siteLabel(wait?.site), /^scope\.test\.ts/);
  assert.equal(trace.tasks.get(trace.taskNamed('quick'))?.parent, trace.taskNamed('root'));
});

test('a child that fails cancels its siblings and the body, and its error is the scope’s', async () => {
  const left: string[] = [];
  const { trace } = await record(function* () {
    let caught: unknown;
    try {
      yield* scope(function* (s) {
        s.spawn(endless(left, 'sibling'), { name: 'sibling' });
        s.spawn(
          function* () {
            yield* yieldNow();
            throw new Error('child failed');
          },
          { name: 'failing' },
        );
        yield* endless(left, 'body');
      });
    } catch (error) {
      caught = error;
    }
    assert.ok(caught instanceof Error && caught.message === 'child failed');
  });
  assert.deepEqual(left, ['body', 'sibling']);
  assert.ok(trace.trace('taskEnded').includes('sibling cancelled by root'));
  assert.deepEqual(trace.trace('frameEnded'), ['end scope body cancelled']);
  assert.equal(trace.wakerCloneBalance.get(trace.taskNamed('root')) ?? 0, 0);
});

test('a body that fails cancels the children', async () => {
  const left: string[] = [];
  await run(function* () {
    let message = '';
    try {
      yield* scope(function* (s) {
        s.spawn(endless(left, 'child'));
        yield* yieldNow();
        throw new Error('body failed');
      });
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.equal(message, 'body failed');
  });
  assert.deepEqual(left, ['child']);
});

test('a scope that loses a select takes its children with it, nested ones too', async () => {
  const left: string[] = [];
  await run(function* () {
    const work = scope(function* (outer) {
      outer.spawn(endless(left, 'child'));
      yield* scope(function* (inner) {
        inner.spawn(endless(left, 'grandchild'));
        yield* endless(left, 'body');
      });
    });
    const first = yield* select(work, joinAll([yieldNow(), yieldNow()]));
    assert.equal(first.index, 1);
    assert.deepEqual(left.toSorted(), ['body', 'child', 'grandchild']);
  });
});

test('children may spawn into the scope while it lives, and not after', async () => {
  await run(function* () {
    const { sender, receiver } = unboundedChannel<string>();
    let escaped: { spawn(work: Async<void>): unknown } | undefined;
    yield* scope(function* (s) {
      yield* yieldNow();
      escaped = s;
      s.spawn(function* () {
        yield* yieldNow();
        s.spawn(function* () {
          yield* yieldNow();
          sender.send('grandchild');
        });
      });
    });
    assert.equal(receiver.size, 1, 'the scope waited for it');
    assert.throws(() => escaped?.spawn(endless([], '')), /scope is over/);
  });
});

test('a child that is aborted by its handle is no failure, and its value is had by its handle', async () => {
  const value = await run(function* () {
    return yield* scope(function* (s) {
      const aborted = s.spawn(endless([], ''));
      const counted = s.spawn(function* () {
        yield* yieldNow();
        return 5;
      });
      aborted.abort();
      return yield* counted;
    });
  });
  assert.equal(value, 5);
});

test('only the first failure is the scope’s; one of clean-up code is warned of', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  await run(function* () {
    let message = '';
    try {
      yield* scope(function* (s) {
        s.spawn(function* () {
          try {
            yield* sleep(60_000);
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: clean-up code that fails is what is tested.
            throw new Error('clean-up failed');
          }
        });
        yield* yieldNow();
        throw new Error('first');
      });
    } catch (error) {
      message = error instanceof Error ? error.message : '';
    }
    assert.equal(message, 'first');
  });
  const warning = await warned;
  assert.match(warning.stack ?? '', /clean-up failed/);
});

test('ten thousand children: the scope is polled once for each at most', async () => {
  const { trace } = await record(function* () {
    yield* scope(function* (s) {
      for (let i = 0; i < 10_000; i += 1) s.spawn(yieldNow());
      yield* yieldNow();
    });
    // Tasks that nobody keeps are forgotten as they end.
    spawn(yieldNow());
  });
  assert.ok(trace.pollsOf(trace.taskNamed('root')) <= 10_002);
  assert.deepEqual(trace.trace('taskEnded').length, 10_002);
});
