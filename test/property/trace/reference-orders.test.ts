// The model is a function of the set of records: every order of chunks that keeps each thread's own gives the same model,
// and the parts of a task's life add up to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interleave, randomTrace } from '../../support/random-trace.ts';
import { dumpReference, readReference } from '../../support/reference-reader.ts';

const choices = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 250 });

test('any order of chunks that keeps each thread’s own gives the same model', () => {
  fc.assert(
    fc.property(choices, fc.array(fc.nat(5), { minLength: 1 }), fc.boolean(), (list, picks, losses) => {
      const trace = randomTrace(list, 3, losses);
      const model = (order: readonly number[]) =>
        sorted(dumpReference(readReference(interleave(trace, order))));
      assert.equal(model(picks), model([0]));
    }),
  );
});

test('the parts of every life add up to it and never overlap', () => {
  fc.assert(
    fc.property(choices, fc.boolean(), (list, losses) => {
      const model = readReference(interleave(randomTrace(list, 2, losses), [0, 1]));
      for (const task of model.tasks) {
        let at = task.fromNs;
        for (const span of task.spans) {
          assert.equal(span.fromNs, at, `task ${task.id}`);
          at = span.toNs;
        }
        assert.equal(at, task.toNs, `task ${task.id}`);
      }
    }),
  );
});

test('without losses each poll after the first has the one wake that caused it', () => {
  fc.assert(
    fc.property(choices, (list) => {
      const model = readReference(interleave(randomTrace(list, 3, false), [0]));
      for (const task of model.tasks) {
        assert.deepEqual(task.spuriousEpochs, []);
        assert.ok(task.causes.every((cause) => cause.certainty === 'recorded'));
      }
    }),
  );
});

/** Gaps are listed in the order of arrival; everything else has an order of its own. */
function sorted(dump: string): string {
  const lines = dump.split('\n');
  return [
    ...lines.filter((l) => l.startsWith('gap')).sort(),
    ...lines.filter((l) => !l.startsWith('gap')),
  ].join('\n');
}
