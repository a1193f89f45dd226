// Scheduling breakpoints of a plain Node program under VS Code's own debugger, as a user sets them: the program stops in
// the task that was meant, the editor shows the program's own line and the timeline the stop in its poll. And a poll
// that takes long shows its stack, which one that only stood in the debugger does not.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { lineOfText } from '../support/e2e/example-launches.ts';
import { rootFolder } from '../support/e2e/parts.ts';
import { type Step, scenario } from '../support/e2e/scenario.ts';
import { explanationAt, openStop, stopsOf } from '../support/e2e/stops.ts';
import { type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import { nodes, nodeTitle } from '../support/registered-program.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const program = path.join(rootFolder, 'test/support/e2e/programs/turnstile.mjs');
const flag = path.join(rootFolder, 'test-results/e2e/scheduling-node.seen');
const visitor = 'GET /anna';
const passLine = lineOfText(program, 'pass();');
const grindLine = lineOfText(program, 'while (!existsSync(flag))');
/** Where a continuation begins: the await itself, or the line behind it. */
const polledLines = [lineOfText(program, 'await turned();'), lineOfText(program, 'passages++;')];

const launches = nodes.map((runtimeExecutable) => ({
  name: `turnstile on ${nodeTitle(runtimeExecutable)}`,
  type: 'node',
  request: 'launch',
  program,
  args: [flag],
  runtimeExecutable,
  // Longer than a busy machine keeps another poll from its end.
  env: { WAKELINE_LONG_POLL_MS: '2500' },
  console: 'internalConsole',
  outputCapture: 'std',
}));

scenario('scheduling node', { file: 'node/shop.mjs', launches }, async (workbench, step) => {
  for (const { name } of launches)
    await checkLaunch(workbench, (what, work) => step(`${name}: ${what}`, work), name);
});

async function checkLaunch(workbench: Workbench, step: Step, name: string): Promise<void> {
  const picture = name.replaceAll(/\W+/g, '-');

  await step('the next poll of the task that is selected stops in its own line', async () => {
    rmSync(flag, { force: true });
    const before = await shownSession(workbench);
    await workbench.startDebugging(name);
    const timeline = await timelineOf(workbench, before);
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
    await timeline.filter(visitor);
    await timeline.frame.locator('.row .lane-name', { hasText: visitor }).first().click();
    await timeline.frame.locator('.row.selected', { hasText: visitor }).waitFor();
    await workbench.runCommand('Wakeline: Break When This Task Is Next Polled…');
    await standsAt(workbench, polledLines);
    await timeline.badge().filter({ hasText: 'stopped by the debugger' }).waitFor();
  });

  await step('the timeline shows the stop in the poll that holds it', async () => {
    const timeline = await timelineOf(workbench);
    const stop = await openStop(workbench, await timeline.session());
    assert.match(stop.task, new RegExp(`^${visitor} `));
    const details = timeline.details();
    await details.locator('h2', { hasText: visitor }).waitFor();
    await details.locator('.sentence', { hasText: 'It has not returned yet.' }).waitFor();
    for (const theme of ['light', 'dark'] as const) {
      await workbench.setTheme(theme);
      await timeline.settled();
      await workbench.screenshot(`${picture}-in-poll-${theme}`);
    }
  });

  await step('a condition that is not met, then none: the program goes on', async () => {
    const timeline = await timelineOf(workbench);
    await workbench.continueDebugging();
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
    await workbench.runCommand('Wakeline: Break at Next Poll Longer Than…');
    await workbench.answerQuickInput('3600000');
    await goesOn(timeline);
    await workbench.runCommand('Wakeline: Clear Scheduling Breakpoints');
    await goesOn(timeline);
    assert.equal((await stopsOf(workbench, await timeline.session())).length, 1);
  });

  await step('the next wake of the task stops in the line that wakes it', async () => {
    const timeline = await timelineOf(workbench);
    await timeline.frame.locator('.row .lane-name', { hasText: visitor }).first().click();
    await workbench.runCommand('Wakeline: Break When This Task Is Next Woken…');
    await standsAt(workbench, [passLine]);
    const stop = await openStop(workbench, await timeline.session());
    assert.match(stop.task, /^main /, 'whoever wakes it runs');
    await workbench.screenshot(`${picture}-in-wake-dark`);
    await workbench.continueDebugging();
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
  });

  await step('a poll that is too long is stopped where it is', async () => {
    const timeline = await timelineOf(workbench);
    await workbench.runCommand('Wakeline: Break at Next Poll Longer Than…');
    // Longer than a busy machine keeps another poll from its end.
    await workbench.answerQuickInput('5000');
    process.kill(await timeline.pid(), 'SIGUSR2');
    await standsAt(workbench, [grindLine]);
    const stop = await openStop(workbench, await timeline.session());
    assert.match(stop.task, /^main /);
    writeFileSync(flag, '');
    await workbench.continueDebugging();
    await timeline.badge().filter({ hasText: 'live' }).waitFor();
  });

  await step('a long poll shows its stack, one that stood in the debugger does not', async () => {
    const timeline = await timelineOf(workbench);
    const session = await timeline.session();
    const [first, , last] = await stopsOf(workbench, session);
    assert.ok(first !== undefined && last !== undefined);
    const stood = await explanationAt(workbench, { session, lane: first.lane, atNs: first.fromNs });
    assert.equal(stood.stateName, 'running');
    // Before it stood it waited for the writer thread, which a busy machine may keep from answering; then it ran nothing.
    const inProgram = stood.stacks.flatMap(({ frames }) => frames).filter(({ file }) => file === program);
    assert.deepEqual(inProgram, []);
    const long = await explanationAt(workbench, { session, lane: last.lane, atNs: last.fromNs });
    const innermost = long.stacks.map(({ frames: [frame] }) => frame);
    assert.ok(
      innermost.some((frame) => frame?.file === program && frame.line === grindLine),
      JSON.stringify(long.stacks),
    );
    await timeline.frame.locator('.row .lane-name', { hasText: visitor }).first().click();
    await workbench.screenshot(`${picture}-after-dark`);
    await workbench.stopDebugging();
  });
}

/** The program stands, and the editor shows one of these lines of it. */
async function standsAt(workbench: Workbench, lines: readonly number[]): Promise<void> {
  const { page } = workbench;
  await page.locator('.monaco-editor .debug-top-stack-frame-line').first().waitFor();
  await page.locator('.editor-group-container .tab.active', { hasText: path.basename(program) }).waitFor();
  await waitFor(`the cursor in line ${lines.join(' or ')}`, 60_000, async () => {
    const cursor = await workbench.cursor();
    return cursor !== undefined && lines.includes(cursor.line) ? true : undefined;
  });
}

/** The program polls, however long it takes. */
async function goesOn(timeline: Timeline): Promise<void> {
  const polls = await timeline.total('polls');
  await timeline.totalThat('polls', (value) => value > polls + 50);
}

/** The session that a timeline shows which is open already; empty where none is. */
async function shownSession(workbench: Workbench): Promise<string> {
  const isOpen = await workbench.page.locator('.tab', { hasText: 'Wakeline' }).count();
  return isOpen === 0 ? '' : (await timelineOf(workbench)).session();
}
