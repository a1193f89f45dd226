// At detail native nothing is known of promises, and the main module of a program is loaded in their continuations: what it
// makes there is recorded all the same.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventKind } from '../../../runtime-probe/protocol/typescript/index.ts';
import { ProbePrograms } from '../../support/node-probe-program.ts';
import { modelOf, nodes, nodeTitle, ofKind, record } from '../../support/registered-program.ts';

const programs = new ProbePrograms();
let path = '';
before(async () => {
  path = await programs.build(new URL('./programs/http-server.ts', import.meta.url));
});
after(() => programs.remove());

for (const executable of nodes)
  describe(`an ES module on ${nodeTitle(executable)}`, () => {
    test('its server is a source, and each request is read from one', () =>
      record(
        programs,
        path,
        { executable, environment: { WAKELINE_DETAIL: 'native' } },
        async ({ result, receiver }) => {
          const { served } = JSON.parse(result.stdout) as { served: number };
          const model = await modelOf(receiver);
          assert.ok(ofKind(model, eventKind.readiness).length >= served);
          assert.ok(ofKind(model, eventKind.operation).length >= 2 * served, 'a read and a write of each');
        },
      ));
  });
