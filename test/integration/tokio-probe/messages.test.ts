// A tokio program moves bytes in every way that the probe records: each system call that strace saw on a source must
// stand in the trace, in the same order, with the same outcome, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  eventField,
  eventKind,
  operationKind,
  operationOutcome,
} from '../../../runtime-probe/protocol/typescript/index.ts';
import { type ReferenceEvent, readReference } from '../../support/reference-reader.ts';
import { probeTestProgram } from '../../support/rust-example.ts';
import { type CallName, type SystemCall, witness } from '../../support/strace.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const kindOfCall: Readonly<Partial<Record<CallName, number>>> = {
  recvfrom: operationKind.read,
  recvmsg: operationKind.read,
  recvmmsg: operationKind.read,
  readv: operationKind.read,
  splice: operationKind.read,
  sendto: operationKind.write,
  sendmsg: operationKind.write,
  sendmmsg: operationKind.write,
  writev: operationKind.write,
  sendfile: operationKind.write,
  accept4: operationKind.accept,
  connect: operationKind.connect,
  // The program shuts down the writing side only.
  shutdown: operationKind.shutdownWrite,
};

/** Those that move no bytes. */
const withoutBytes: ReadonlySet<number> = new Set([
  operationKind.accept,
  operationKind.connect,
  operationKind.shutdownWrite,
]);

const names = new Map<number, string>(Object.entries(operationKind).map(([name, value]) => [value, name]));

function describeCall(call: SystemCall): string {
  const kind = kindOfCall[call.name] as number;
  const done = withoutBytes.has(kind) ? 0 : call.bytes;
  const outcome = call.result >= 0 ? `${done} bytes` : call.error.replace('EINPROGRESS', 'EAGAIN');
  return `fd ${call.descriptor}: ${names.get(kind)}, ${outcome}`;
}

function describeOperation(event: ReferenceEvent, descriptors: ReadonlyMap<number, number>): string {
  const [source, kind, outcome, bytes] = (['source', 'operationKind', 'outcome', 'bytes'] as const).map(
    (field) => event.values[eventField.operation[field]] as number,
  ) as [number, number, number, number];
  const told = outcome === operationOutcome.wouldBlock ? 'EAGAIN' : `${bytes} bytes`;
  assert.notEqual(outcome, operationOutcome.error, `error ${bytes}`);
  return `fd ${descriptors.get(source)}: ${names.get(kind)}, ${told}`;
}

test('tokio: each call on a source is an operation, messages, vectors, sendfile, splice and copies of a socket too', async () => {
  const receiver = await StreamReceiver.listen();
  try {
    const { callsByThread, stdout } = await witness(
      [probeTestProgram('messages')],
      Object.keys(kindOfCall) as CallName[],
      receiver.environment,
    );
    await until(() => receiver.connections[0]?.closed === true, 'the connection to close');
    const model = readReference(receiver.frames);
    assert.deepEqual(model.gaps, []);
    const descriptors = new Map(
      model.dictionary.flatMap((each) => (each.record === 'source' ? [[each.id, each.fd] as const] : [])),
    );
    const operations = model.events.filter((event) => event.kind === eventKind.operation);
    const [thread] = [...new Set(operations.map((event) => event.thread))];
    const record = model.dictionary.find((each) => each.record === 'thread' && each.id === thread);
    assert.ok(record?.record === 'thread');
    const calls = callsByThread.get(record.osId);
    assert.ok(calls !== undefined, `strace saw no thread ${record.osId}`);

    const sources = new Set(descriptors.values());
    const onSources = calls.filter((call) => sources.has(call.descriptor));
    assert.deepEqual(
      operations.map((event) => describeOperation(event, descriptors)),
      onSources.map(describeCall),
    );
    for (const name of Object.keys(kindOfCall))
      assert.ok(
        onSources.some((call) => call.name === name),
        `the program makes no ${name}`,
      );
    const counted = JSON.parse(stdout) as { bytesRead: number; bytesWritten: number };
    const sum = (kind: number) =>
      operations
        .filter((event) => event.values[eventField.operation.operationKind] === kind)
        .reduce((total, event) => total + (event.values[eventField.operation.bytes] as number), 0);
    assert.deepEqual({ bytesRead: sum(operationKind.read), bytesWritten: sum(operationKind.write) }, counted);
  } finally {
    await receiver.close();
  }
});
