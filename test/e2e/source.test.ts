// The trace and the source, both ways: a span opens the line where its task waits, a line marks its spans, and the
// lens above a spawn tells how many tasks it made.
import assert from 'node:assert/strict';
import { lineOf } from '../support/e2e/example-launches.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { columnsWith, type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const file = 'typescript/src/requests.ts';
const readLine = lineOf(file, 'yield* stream.read()');
const spawnLine = lineOf(file, 'spawn(counted');
const statusItemId = 'wakeline.wakeline.wakeline.status';

async function cursorOn(workbench: Workbench, line: number): Promise<void> {
  await waitFor(`cursor on line ${line}`, 120_000, async () =>
    (await workbench.cursor())?.line === line ? true : undefined,
  );
  assert.equal(await workbench.activeFileName(), 'requests.ts');
}

/** Selects the longest wait of a client: the middle of its longest blue stretch. */
async function selectWait(timeline: Timeline, label: string): Promise<{ x: number; y: number }> {
  await timeline.filter(label);
  const row = await timeline.rowThat(`lane ${label}`, (each) => each.label.includes(label));
  const columns = columnsWith(await timeline.pixels(), row, await timeline.colour('charts-blue'));
  const at = { x: middleOfLongest(columns), y: row.topCssPx + row.heightCssPx / 2 };
  await timeline.click(at.x, at.y);
  await timeline.details().locator('.sentence').waitFor();
  return at;
}

/** The middle of the longest run of neighbouring columns. */
function middleOfLongest(columns: readonly number[]): number {
  let best = { from: -1, length: 0 };
  let from = 0;
  columns.forEach((column, i) => {
    if (i > 0 && column !== (columns[i - 1] ?? 0) + 1) from = i;
    if (i - from + 1 > best.length) best = { from: columns[from] ?? 0, length: i - from + 1 };
  });
  assert.ok(best.length > 0, 'no wait is drawn');
  return best.from + Math.floor(best.length / 2);
}

scenario('source', { file }, async (workbench, step) => {
  await workbench.startDebugging('requests (TypeScript)');
  await workbench.statusItem(statusItemId).filter({ hasText: 'ended' }).waitFor();
  const timeline = await timelineOf(workbench);
  await timeline.badge().filter({ hasText: 'ended' }).waitFor();

  await step('a span explains itself, and its site opens the line of the await', async () => {
    await workbench.goToLine(1);
    const at = await selectWait(timeline, 'client 59');
    const details = timeline.details();
    assert.match((await details.locator('h2').textContent()) ?? '', /client 59/);
    assert.match((await details.locator('.chip.state').first().textContent()) ?? '', /source/);
    assert.equal(await details.locator('.chip.certainty').first().textContent(), 'recorded');
    await workbench.screenshot('span-dark');
    await timeline.click(at.x, at.y, 2);
    await cursorOn(workbench, readLine);
  });

  await step('the links of the details open the spawn and the await', async () => {
    await timeline
      .details()
      .locator('.link', { hasText: `requests.ts:${spawnLine}` })
      .first()
      .click();
    await cursorOn(workbench, spawnLine);
    await timeline
      .details()
      .locator('.link', { hasText: `requests.ts:${readLine}` })
      .first()
      .click();
    await cursorOn(workbench, readLine);
  });

  await step('the cursor on an await marks the waits there; on a spawn, the tasks', async () => {
    await workbench.focusEditorGroup(1);
    await workbench.goToLine(1);
    await timeline.frame.locator('.highlight-label', { hasText: /^$/ }).waitFor({ state: 'attached' });
    await workbench.goToLine(readLine);
    await timeline.frame.locator('.highlight-label', { hasText: `requests.ts:${readLine}` }).waitFor();
    await timeline.filter('');
    await workbench.focusEditorGroup(1);
    await workbench.goToLine(spawnLine);
    await timeline.frame.locator('.highlight-label', { hasText: `requests.ts:${spawnLine}` }).waitFor();
    const marked = await timeline.frame.locator('.rows .row.highlighted .lane-name').allTextContents();
    assert.ok(marked.length > 5, `${marked.length} rows are marked`);
    assert.ok(
      marked.every((label) => label.startsWith('client ')),
      marked.join(),
    );
    await workbench.screenshot('marked-dark');
  });

  await step('the lens above the spawn counts its tasks, and its click marks them', async () => {
    const lens = workbench.codeLens(/^100 tasks · ran .* · waited .*source/);
    await lens.waitFor();
    await workbench.focusEditorGroup(1);
    await workbench.goToLine(1);
    await timeline.frame.locator('.highlight-label', { hasText: /^$/ }).waitFor({ state: 'attached' });
    await workbench.goToLine(spawnLine - 3);
    await lens.click();
    await timeline.frame.locator('.highlight-label', { hasText: `requests.ts:${spawnLine}` }).waitFor();
    await timeline.frame.locator('.rows .row.highlighted').first().waitFor();
    // The first of the tasks is selected at an instant of its life, and explained.
    await timeline.details().locator('h2', { hasText: 'client 0' }).waitFor();
    await timeline.details().locator('.sentence').waitFor();
    await workbench.screenshot('lens-dark');
    await workbench.setTheme('light');
    await workbench.screenshot('lens-light');
  });
});
