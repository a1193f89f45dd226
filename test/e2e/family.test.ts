// A launch of several parts under VS Code's own debugger: a process, its worker thread and a process that it forks. A stop
// of one of them stands in the trace of that one, and in no other's.
import assert from 'node:assert/strict';
import path from 'node:path';
import type { SessionSummary } from '../../extension/messages/queries.ts';
import { asViewer, collectorOf } from '../support/e2e/collector.ts';
import { rootFolder } from '../support/e2e/parts.ts';
import { type Step, scenario } from '../support/e2e/scenario.ts';
import { nodes, nodeTitle } from '../support/registered-program.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const program = path.join(rootFolder, 'test/support/e2e/programs/family.mjs');
/** As their hellos call themselves, numbers left out, in the order in which the signals stop them. */
const parts = ['worker thread', 'forked process', ''];
/** A loaded machine takes ten times the usual seconds. */
const timeoutMs = 120_000;

const launches = nodes.map((runtimeExecutable) => ({
  name: `family on ${nodeTitle(runtimeExecutable)}`,
  type: 'node',
  request: 'launch',
  program,
  runtimeExecutable,
  console: 'internalConsole',
}));

scenario('family', { file: 'node/shop.mjs', launches }, async (workbench, step) => {
  for (const { name } of launches)
    await checkLaunch(workbench, (what, work) => step(`${name}: ${what}`, work), name);
});

async function checkLaunch(workbench: Workbench, step: Step, name: string): Promise<void> {
  await step('all its parts are recorded', async () => {
    await workbench.startDebugging(name);
    await familyThat(workbench, 'three live sessions', (family) => family.length === parts.length);
  });
  for (const part of parts)
    await step(`a stop of the ${part || 'first process'} is no other’s`, async () => {
      const before = await familyOf(workbench);
      const first = before.find((each) => partOf(each) === '');
      assert.ok(first !== undefined);
      process.kill(first.pid, 'SIGUSR2');
      const during = await familyThat(workbench, `a stop of ${part}`, (family) =>
        family.some((each) => partOf(each) === part && each.stopped),
      );
      assert.deepEqual(stopsOf(during), { ...stopsOf(before), [part]: (stopsOf(before)[part] ?? 0) + 1 });
      assert.deepEqual(
        during.filter(({ stopped }) => stopped).map((each) => partOf(each)),
        [part],
      );
      // Only then does the button mean the part that stands.
      await workbench.page.locator('.monaco-editor .debug-top-stack-frame-line').first().waitFor();
      await workbench.continueDebugging();
      await familyThat(workbench, 'all go on', (family) => family.every(({ stopped }) => !stopped));
    });
  await step('the end', async () => {
    await workbench.stopDebugging();
    await familyThat(workbench, 'no live session', (family) => family.length === 0);
  });
}

const partOf = ({ family }: SessionSummary): string => (family?.part ?? '').replace(/ \d+$/, '');

/** The program's live sessions; launches follow one another, so they are of one. */
async function familyOf(workbench: Workbench): Promise<readonly SessionSummary[]> {
  const { result } = await asViewer(await collectorOf(workbench), (client) => client.request('sessions', {}));
  return result.filter((each) => each.state === 'live' && parts.includes(partOf(each)));
}

function familyThat(
  workbench: Workbench,
  what: string,
  is: (family: readonly SessionSummary[]) => boolean,
): Promise<readonly SessionSummary[]> {
  return waitFor(what, timeoutMs, async () => {
    const family = await familyOf(workbench);
    return is(family) ? family : undefined;
  });
}

function stopsOf(family: readonly SessionSummary[]): Record<string, number> {
  return Object.fromEntries(family.map((each) => [partOf(each), each.totals.debuggerStops]));
}
