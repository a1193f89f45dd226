// Scheduling breakpoints as a user sets them: on the task that is selected in the timeline, by the palette. The program stops
// in that task's next poll, the timeline shows the stop and the poll, and what is set is taken away by a command.
// The debugger is the system's lldb-dap.
import assert from 'node:assert/strict';
import { lineOf } from '../support/e2e/example-launches.ts';
import { buildRustExamples, examplesFolder, lldbDapExtension } from '../support/e2e/parts.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { openStop, stopsOf } from '../support/e2e/stops.ts';
import { timelineOf } from '../support/e2e/timeline.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';
const taskLabel = 'client 59';
const file = 'rust-tokio/src/bin/requests-tokio.rs';
const readLine = lineOf(file, 'stream.read_exact(&mut response).await');
/** The await of the future around, which stands on a line of its own. */
const countLine = lineOf(file, '    .await');

const launch = {
  name: 'long requests (tokio)',
  type: 'lldb-dap',
  request: 'launch',
  program: `${examplesFolder}/../rust/target/debug/requests-tokio`,
  // Several minutes: nobody waits for its end.
  args: ['--rounds', '2400'],
  cwd: examplesFolder,
} as const;

async function prepare(): Promise<readonly string[]> {
  await buildRustExamples('all');
  return [await lldbDapExtension()];
}

scenario('scheduling', { file, launches: [launch], prepare }, async (workbench, step) => {
  await step('the task that is selected is meant: no list asks, and the program stops', async () => {
    await workbench.startDebugging(launch.name);
    const timeline = await timelineOf(workbench);
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
    await timeline.filter(taskLabel);
    await timeline.frame.locator('.row .lane-name', { hasText: taskLabel }).first().click();
    await timeline.frame.locator('.row.selected', { hasText: taskLabel }).waitFor();
    await workbench.runCommand('Wakeline: Break When This Task Is Next Polled…');
    await stopsInProbe(workbench);
    await timeline.badge().filter({ hasText: 'stopped by the debugger' }).waitFor();
    await workbench.statusItem(statusItemId).filter({ hasText: 'stopped' }).waitFor();
  });

  await step('the stop is in the timeline, and its task is in the poll that holds it', async () => {
    const timeline = await timelineOf(workbench);
    const stop = await openStop(workbench, await timeline.session());
    assert.equal(stop.reason, 'breakpoint');
    assert.match(stop.task, new RegExp(`^${taskLabel} `));
    // What is selected is the poll that holds the stop now, not what was looked at before.
    const details = timeline.details();
    await details.locator('h2', { hasText: taskLabel }).waitFor();
    await details.locator('.sentence', { hasText: 'It has not returned yet.' }).waitFor();
    await workbench.screenshot('stopped-in-poll-dark');
    await workbench.setTheme('light');
    await workbench.screenshot('stopped-in-poll-light');
    await workbench.setTheme('dark');
  });

  await step('a hover over an await tells of the waits there, and their chain of awaits', async () => {
    await workbench.focusEditorGroup(1);
    await workbench.openFile(file);
    await workbench.goToLine(readLine, 12);
    await workbench.runCommand('Show or Focus Hover');
    const hover = workbench.page.locator('.monaco-hover:visible', { hasText: 'Show these waits' }).first();
    await hover.waitFor();
    const text = (await hover.textContent()) ?? '';
    // How many stand there at this moment is up to the machine: all answers may have come while the program stood.
    assert.match(text, /\d waits/);
    const chain = `count_polls requests-tokio.rs:${countLine} → client requests-tokio.rs:${readLine} → ReadExact`;
    assert.ok(text.includes(chain), text);
    await workbench.screenshot('hover-dark');
    await workbench.setTheme('light');
    await workbench.goToLine(readLine, 12);
    await workbench.runCommand('Show or Focus Hover');
    await hover.waitFor();
    await workbench.screenshot('hover-light');
    await workbench.setTheme('dark');
  });

  await step('a condition that is not met: the program goes on, for the debugger too', async () => {
    const timeline = await timelineOf(workbench);
    await workbench.continueDebugging();
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
    await workbench.runCommand('Wakeline: Break at Next Poll Longer Than…');
    await workbench.answerQuickInput('3600000');
    const polls = await timeline.total('polls');
    await timeline.totalThat('polls', (value) => value > polls + 500);
    await workbench.page.locator('.debug-toolbar:visible .codicon-debug-pause').waitFor();
    await workbench.screenshot('goes-on-dark');
  });

  await step('what is set is taken away, and the program goes on', async () => {
    const timeline = await timelineOf(workbench);
    await workbench.runCommand('Wakeline: Clear Scheduling Breakpoints');
    await workbench.page
      .locator('.debug-breakpoints .breakpoint', { hasText: 'wakeline_breakpoint' })
      .waitFor({ state: 'hidden' });
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
    const polls = await timeline.total('polls');
    await timeline.totalThat('polls', (value) => value > polls + 500);
    // The other stops are those in which the conditions were written.
    const stops = await stopsOf(workbench, await timeline.session());
    const reasons = stops.map(({ reason }) => reason).toSorted();
    assert.deepEqual([...new Set(reasons)], ['breakpoint', 'pause']);
    assert.equal(reasons.filter((reason) => reason === 'breakpoint').length, 1);
    await workbench.stopDebugging();
  });
});

/** The debugger stands at a breakpoint in the probe's function, and the timeline is still beside it. */
async function stopsInProbe(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await page
    .locator('.debug-call-stack .thread', { hasText: /breakpoint/i })
    .first()
    .waitFor();
  await page.locator('.monaco-editor .debug-top-stack-frame-line').first().waitFor();
  await page.locator('.editor-group-container .tab.active', { hasText: 'breakpoints.rs' }).waitFor();
  await page.locator('.editor-group-container .tab.active', { hasText: 'Wakeline' }).waitFor();
}
