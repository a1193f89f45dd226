// In which processes the main thread can be reached by the inspector: where not, connecting would end the process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type InspectorFacts, whyNotInspectable } from '../../../runtime-probe/node/src/probe/inspectable.ts';

const ordinary: InspectorFacts = {
  built: true,
  execArgv: ['--require', 'wakeline/register', '--enable-source-maps', '--test-only'],
  nodeOptions: '--max-old-space-size=4096 --require wakeline/register',
  hasPermissions: false,
  isEmbedded: false,
};

test('an ordinary program has an inspector', () => {
  assert.equal(whyNotInspectable(ordinary), undefined);
});

for (const [what, facts] of Object.entries({
  'a Node that was built without': { built: false },
  'a Node that is a part of another program': { isEmbedded: true },
  'restricted permissions': { hasPermissions: true },
  'the process that starts tests': { execArgv: ['--test'] },
  'a configuration file': { execArgv: ['--experimental-config-file=node.json'] },
  'the configuration file of that name': { execArgv: ['--experimental_default_config_file'] },
  'a configuration file by NODE_OPTIONS': { nodeOptions: '--no-warnings --experimental-default-config-file' },
}))
  test(`nobody connects: ${what}`, () => {
    assert.match(whyNotInspectable({ ...ordinary, ...facts }) ?? '', /inspector/);
  });
