// Behaviour of the channels: bounded, unbounded, broadcast, watch.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Async,
  broadcast,
  CLOSED,
  channel,
  LaggedError,
  type Receiver,
  run,
  select,
  spawn,
  unboundedChannel,
  watch,
  yieldNow,
} from '../../../runtime-probe/node/src/executor/index.ts';
import { record, siteLabel } from '../../support/executor-observer.ts';

/** Receives until the channel is closed. */
function* drain<T>(receiver: Receiver<T>): Async<T[]> {
  const values: T[] = [];
  for (;;) {
    const value = yield* receiver.receive();
    if (value === CLOSED) return values;
    values.push(value);
  }
}

test('a bounded channel holds its sender back: never more values than its capacity lie there', async () => {
  const { trace, value } = await record(function* () {
    const { sender, receiver } = channel<number>(2);
    const sizes: number[] = [];
    spawn(
      function* () {
        for (let n = 1; n <= 6; n += 1) {
          assert.equal(yield* sender.send(n), true);
          sizes.push(receiver.size);
        }
        sender.close();
      },
      { name: 'sending' },
    );
    const received = yield* drain(receiver);
    return { received, largest: Math.max(...sizes) };
  });
  assert.deepEqual(value, { received: [1, 2, 3, 4, 5, 6], largest: 2 });
  assert.deepEqual(trace.brokenEpochs(), []);
  const wakes = trace.wakesOf(trace.taskNamed('sending')).map((wake) => wake.cause);
  assert.ok(wakes.length > 0, 'the channel was full at some time');
  assert.ok(wakes.every((cause) => cause.kind === 'context' && cause.id === trace.taskNamed('root')));
});

test('a wait for a channel names it, and the send stands right before the wake', async () => {
  const { trace } = await record(function* receiving() {
    const { sender, receiver } = channel<string>(1);
    spawn(
      function* () {
        yield* sender.send('hello');
      },
      { name: 'sending' },
    );
    yield* receiver.receive();
  });
  const wait = trace.waits.find((each) => each.target.kind === 'resource');
  assert.equal(wait?.target.id, trace.resources[0]?.resource);
  assert.equal(siteLabel(wait?.site), 'channels.test.ts:receiving');
  assert.equal(siteLabel(trace.resources[0]?.site), 'channels.test.ts:receiving');
  const lines = trace.trace();
  const sent = lines.indexOf('channel released by sending');
  assert.equal(lines[sent + 1], 'root woken by sending at epoch 1: scheduled');
  assert.equal(lines.filter((line) => line === 'channel acquired by root').length, 1);
});

test('values come in the order in which they were sent, from waiting senders too', async () => {
  const received = await run(function* () {
    const { sender, receiver } = channel<string>(1);
    for (const name of ['a', 'b', 'c']) {
      const mine = sender.clone();
      spawn(function* () {
        for (let n = 0; n < 2; n += 1) yield* mine.send(`${name}${n}`);
        mine.close();
      });
    }
    sender.close();
    yield* yieldNow();
    return yield* drain(receiver);
  });
  // The first asks again as soon as it was let in: its second value stands in line before theirs.
  assert.deepEqual(received, ['a0', 'a1', 'b0', 'c0', 'b1', 'c1']);
});

test('a channel is closed when each of its senders is; what lies there is still received', async () => {
  await run(function* () {
    const { sender, receiver } = channel<number>(3);
    const second = sender.clone();
    yield* sender.send(1);
    sender.close();
    sender.close();
    assert.throws(() => sender.clone(), /is closed/);
    yield* second.send(2);
    second.close();
    assert.deepEqual(yield* drain(receiver), [1, 2]);
    assert.equal(yield* receiver.receive(), CLOSED);
  });
});

test('a closed receiver turns senders away, those that wait too', async () => {
  await run(function* () {
    const { sender, receiver } = channel<number>(1);
    assert.equal(sender.trySend(1), 'sent');
    assert.equal(sender.trySend(2), 'full');
    const waiting = spawn(sender.send(3));
    yield* yieldNow();
    receiver.close();
    assert.equal(yield* waiting, false);
    assert.equal(sender.trySend(4), 'closed');
    assert.equal(yield* sender.send(5), false);
    assert.equal(yield* receiver.receive(), CLOSED);
  });
});

test('a sender that is cancelled while it waits, or after it was let in, gives its place on', async () => {
  await run(function* () {
    const { sender, receiver } = channel<string>(1);
    yield* sender.send('first');
    const waiting = spawn(sender.send('gone'));
    const letIn = spawn(sender.send('gone too'));
    const last = spawn(sender.send('last'));
    yield* yieldNow();
    waiting.abort();
    // Room is made for `letIn`, which is cancelled before it is polled.
    assert.equal(yield* receiver.receive(), 'first');
    letIn.abort();
    assert.equal(yield* receiver.receive(), 'last');
    assert.equal(yield* last, true);
  });
});

test('a receiver that is cancelled after a value was given to it leaves it to the next', async () => {
  await run(function* () {
    const { sender, receiver } = unboundedChannel<number>();
    const cancelled = spawn(receiver.receive());
    const next = spawn(receiver.receive());
    yield* yieldNow();
    assert.equal(sender.send(7), true);
    cancelled.abort();
    assert.equal(yield* next, 7);
  });
});

test('a receive that loses a select leaves the value in the channel', async () => {
  await run(function* () {
    const { sender, receiver } = channel<number>(4);
    const lost = yield* select(receiver.receive(), yieldNow());
    assert.equal(lost.index, 1);
    yield* sender.send(1);
    assert.equal(yield* receiver.receive(), 1);
  });
});

test('an unbounded channel takes values from callbacks of the loop', async () => {
  const { trace, value } = await record(function* () {
    const { sender, receiver } = unboundedChannel<number>();
    setImmediate(() => {
      for (let n = 0; n < 200; n += 1) sender.send(n);
      sender.close();
    });
    return yield* drain(receiver);
  });
  assert.deepEqual(
    value,
    Array.from({ length: 200 }, (_, n) => n),
  );
  assert.equal(trace.trace('resourceReleased').filter((line) => line.endsWith('by outside')).length, 200);
});

test('a broadcast reaches every receiver that there is, and nobody who comes later', async () => {
  const { trace, value } = await record(function* () {
    const sender = broadcast<string>(4);
    assert.equal(sender.send('nobody hears this'), 0);
    const heard = ['a', 'b'].map((name) => {
      const receiver = sender.subscribe();
      return spawn(
        function* () {
          const messages: string[] = [];
          for (let m = yield* receiver.receive(); m !== CLOSED; m = yield* receiver.receive())
            messages.push(m);
          return messages;
        },
        { name },
      );
    });
    yield* yieldNow();
    assert.equal(sender.send('one'), 2);
    yield* yieldNow();
    assert.equal(sender.send('two'), 2);
    const late = sender.subscribe();
    sender.close();
    assert.equal(yield* late.receive(), CLOSED);
    return [yield* heard[0] ?? assert.fail(), yield* heard[1] ?? assert.fail()];
  });
  assert.deepEqual(value, [
    ['one', 'two'],
    ['one', 'two'],
  ]);
  assert.deepEqual(
    trace.trace('resourceReleased'),
    Array.from({ length: 2 }, () => 'broadcast released by root'),
  );
});

test('a slow receiver of a broadcast is told what it missed and goes on with the oldest that is left', async () => {
  await run(function* () {
    const sender = broadcast<number>(2);
    const receiver = sender.subscribe();
    for (let n = 0; n < 5; n += 1) sender.send(n);
    let missed = 0;
    try {
      yield* receiver.receive();
    } catch (error) {
      assert.ok(error instanceof LaggedError);
      missed = error.missed;
    }
    assert.equal(missed, 3);
    assert.equal(yield* receiver.receive(), 3);
    assert.equal(yield* receiver.receive(), 4);
    receiver.close();
    assert.equal(yield* receiver.receive(), CLOSED);
    assert.equal(sender.send(9), 0);
  });
});

test('a watch gives the newest value once, however often it was set', async () => {
  await run(function* () {
    const sender = watch('start');
    const receiver = sender.subscribe();
    assert.equal(receiver.value, 'start');
    const waiting = spawn(receiver.changed());
    yield* yieldNow();
    sender.send('a');
    sender.send('b');
    assert.equal(yield* waiting, 'b');
    const unseen = sender.subscribe();
    sender.send('c');
    sender.close();
    assert.equal(yield* unseen.changed(), 'c');
    assert.equal(yield* unseen.changed(), CLOSED);
    assert.throws(() => sender.send('d'), /is closed/);
  });
});

test('a capacity that is none is refused', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => channel(capacity), /whole number from 1/);
    assert.throws(() => broadcast(capacity), /whole number from 1/);
  }
});

test('a resource that was made before the observer came is told at its first event', async () => {
  const { sender, receiver } = unboundedChannel<number>();
  const { trace } = await record(function* () {
    setImmediate(() => sender.send(1));
    yield* receiver.receive();
  });
  assert.deepEqual(trace.trace('resourceCreated', 'resourceReleased'), [
    'channel created',
    'channel released by outside',
  ]);
});
