// How many jobs wait, held against counting them one by one, for submissions and starts that come in any order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pool } from '../../../extension/trace/model/pool.ts';

const jobs = fc.array(fc.record({ submitNs: fc.nat(60), waits: fc.nat(30) }), {
  minLength: 1,
  maxLength: 40,
});

test('the steps of a pool’s queue equal a count at every instant, in any order of arrival and asking', () => {
  fc.assert(
    fc.property(jobs, fc.array(fc.nat()), fc.array(fc.boolean()), (list, order, asks) => {
      const facts = list.flatMap(({ submitNs, waits }) => [
        { submit: true, ns: submitNs },
        { submit: false, ns: submitNs + waits },
      ]);
      // A shuffle that the picks decide.
      const shuffled = facts
        .map((fact, i) => ({ fact, key: order[i % Math.max(1, order.length)] ?? 0, i }))
        .sort((x, y) => x.key - y.key || x.i - y.i);
      const pool = new Pool(1, 0);
      shuffled.forEach(({ fact }, i) => {
        if (fact.submit) pool.submit(fact.ns);
        else pool.depart(fact.ns);
        if (asks[i % Math.max(1, asks.length)] === true) pool.waiting();
      });
      const steps = pool.waiting();
      for (let ns = 0; ns < 100; ns++) {
        const expected = list.filter((job) => job.submitNs <= ns && ns < job.submitNs + job.waits).length;
        let found = 0;
        for (let i = 0; i < steps.count; i++)
          if (steps.startOf(i) <= ns && ns < steps.endOf(i, Number.POSITIVE_INFINITY))
            found += steps.refOf(i);
        assert.equal(found, expected, `at ${ns}`);
      }
    }),
  );
});
