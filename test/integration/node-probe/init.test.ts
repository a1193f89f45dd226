// init() where it is called oddly: in a worker thread, twice, after a stop, as the program ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ProbePrograms, runProgram } from '../../support/node-probe-program.ts';
import { readReference } from '../../support/reference-reader.ts';
import { StreamReceiver, until } from '../../support/stream-receiver.ts';

const programs = new ProbePrograms();
let inits = '';

before(async () => {
  inits = await programs.build(new URL('./programs/inits.ts', import.meta.url));
});
after(() => programs.remove());

for (const over of ['unix', 'tcp'] as const)
  test(`over ${over} each thread that calls it is a session of one family; a second call changes nothing`, async () => {
    const receiver = await StreamReceiver.listen({ over });
    try {
      const result = await runProgram(inits, { environment: receiver.environment });
      assert.equal(result.stderr, '');
      assert.equal(result.stdout, 'true, stopped: stopped by the program\n');
      await until(
        () => receiver.connections.length === 2 && receiver.connections.every((each) => each.closed),
        'the end of both sessions',
      );
      const names = receiver.connections.map(({ frames }) => {
        const model = readReference(frames);
        const texts = new Map(
          model.dictionary.flatMap((each) => (each.record === 'text' ? [[each.id, each.text] as const] : [])),
        );
        return model.dictionary
          .flatMap((each) => (each.record === 'task' ? [texts.get(each.name) ?? ''] : []))
          .sort();
      });
      assert.deepEqual(names.sort(), [
        ['child of main', 'root of main'],
        ['child of worker', 'root of worker'],
      ]);
      const [main, worker] = receiver.hellos;
      assert.ok(main !== undefined && worker !== undefined);
      assert.notEqual(main.session, worker.session);
      assert.deepEqual(worker.family?.group, main.family?.group);
    } finally {
      await receiver.close();
    }
  });

test('called as the program ends it says why it records nothing', async () => {
  const receiver = await StreamReceiver.listen();
  try {
    const result = await runProgram(inits, { environment: receiver.environment, arguments: ['--late'] });
    assert.equal(result.stderr, '');
    assert.equal(result.stdout, 'off: the program is ending; call init() in its first lines to record it\n');
    assert.equal(result.code, 0);
    assert.equal(receiver.connections.length, 0);
  } finally {
    await receiver.close();
  }
});
