// The packaged extension traces a program that is started with F5: the panel opens by itself beside the source, its
// numbers are the program's own, its lanes are drawn, and the view follows, holds still, zooms and pans.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { longTypeScript } from '../support/e2e/example-launches.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { type Interval, type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';
const clientTasks = 100;

const widthNs = ({ fromNs, toNs }: Interval): number => toNs - fromNs;

interface Counters {
  readonly tasks: number;
  readonly polls: readonly number[];
  readonly requests: number;
}

async function printedCounters(workbench: Workbench): Promise<Counters> {
  // Ctrl+Shift+Y shows the debug console, and hides it when it has the focus.
  await workbench.page.keyboard.press('Control+Shift+Y');
  const row = workbench.page.locator('.repl .monaco-list-row', { hasText: '"tasks":' }).last();
  const json = /\{.*\}/s.exec((await row.textContent()) ?? '')?.[0];
  await workbench.page.keyboard.press('Control+Shift+Y');
  return JSON.parse(json ?? '') as Counters;
}

scenario(
  'live trace',
  { file: 'typescript/src/requests.ts', launches: [longTypeScript] },
  async (workbench, step) => {
    const status = workbench.statusItem(statusItemId);

    await step('F5 opens the panel beside the editor, and the source keeps the focus', async () => {
      assert.equal(await workbench.page.locator('.editor-group-container').count(), 1);
      await workbench.startDebugging('requests (TypeScript)');
      await timelineOf(workbench);
      const groups = workbench.page.locator('.editor-group-container');
      assert.equal(await groups.count(), 2);
      assert.match((await groups.nth(1).locator('.tab.active').first().textContent()) ?? '', /Wakeline/);
      assert.equal(await workbench.activeFileName(), 'requests.ts');
    });

    await step(
      'the status bar says live, then ended, and the numbers are what the program counted',
      async () => {
        const timeline = await timelineOf(workbench);
        await status.filter({ hasText: 'ended' }).waitFor();
        assert.match((await status.textContent()) ?? '', /Wakeline: ended · 101 tasks$/);
        // The page hears of it apart from the status bar; its numbers are the last ones from then on.
        await timeline.badge().filter({ hasText: 'ended' }).waitFor();
        const counters = await printedCounters(workbench);
        const clientPolls = counters.polls.reduce((sum, polls) => sum + polls, 0);
        assert.equal(counters.tasks, clientTasks);
        assert.equal(await timeline.total('tasks'), clientTasks + 1);
        assert.equal(await timeline.total('tasksAlive'), 0);
        // What is left are the polls of main, which waits for the clients.
        const mainPolls = (await timeline.total('polls')) - clientPolls;
        assert.ok(mainPolls >= 2 && mainPolls <= clientTasks + 1, `${mainPolls} polls of main`);
        assert.equal(await timeline.total('spuriousPolls'), 0);
        assert.equal(await timeline.total('dropped'), 0);
        assert.ok((await timeline.total('readiness')) >= counters.requests);
        assert.ok((await timeline.total('reactorParks')) > 0);
      },
    );

    await step('lanes are drawn: reactor, worker, and a client that waits and runs', async () => {
      await checkLanes(await timelineOf(workbench));
      await workbench.screenshot('ended-dark');
      await workbench.setTheme('light');
      await checkLanes(await timelineOf(workbench));
      await workbench.screenshot('ended-light');
      await workbench.setTheme('dark');
      await workbench.waitForDebugEnd();
    });

    await step('a second program is shown live, and the view follows it', async () => {
      await workbench.startDebugging(longTypeScript.name);
      await status.filter({ hasText: 'live' }).waitFor();
      const timeline = await timelineOf(workbench);
      await timeline.badge().filter({ hasText: 'live' }).waitFor();
      assert.equal(await timeline.follows(), true);
      const before = await timeline.interval();
      await timeline.intervalThat('later right edge', ({ toNs }) => toNs > before.toNs + 1e9);
      const polls = await timeline.total('polls');
      await timeline.totalThat('polls', (value) => value > polls);
      await workbench.screenshot('live-dark');
    });

    await step('pause holds the picture while the program goes on', async () => {
      const timeline = await timelineOf(workbench);
      await timeline.press(' ');
      await timeline.badge().filter({ hasText: 'frozen' }).waitFor();
      const held = await timeline.interval();
      const polls = await timeline.total('polls');
      await timeline.totalThat('polls', (value) => value > polls + clientTasks);
      await delay(500);
      assert.deepEqual(await timeline.interval(), held);
      await timeline.press(' ');
      await timeline.intervalThat('interval that moves again', ({ toNs }) => toNs > held.toNs);
    });

    await step('keys zoom and pan', async () => checkKeys(await timelineOf(workbench)));

    await step('the mouse zooms and pans', async () => checkMouse(workbench, await timelineOf(workbench)));

    await step('a stopped program ends its session', async () => {
      await workbench.stopDebugging();
      await status.filter({ hasNotText: 'live' }).waitFor();
      assert.deepEqual(workbench.foreignRequests, []);
    });
  },
);

async function checkLanes(timeline: Timeline): Promise<void> {
  await timeline.press('0');
  await timeline.settled();
  const [green, blue] = [await timeline.colour('charts-green'), await timeline.colour('charts-blue')];
  const rows = await timeline.rows();
  assert.deepEqual(
    rows.slice(0, 2).map((row) => row.kind),
    ['reactor', 'worker'],
  );
  const row = (kind: string) => timeline.rowThat(`lane of kind ${kind}`, (each) => each.kind === kind);
  // How much of a lane each state takes is up to the machine; the page tests know where each must be.
  assert.ok((await timeline.coverOf(await row('reactor'), blue)) > 0, 'the reactor is parked somewhere');
  assert.ok((await timeline.coverOf(await row('worker'), green)) > 0, 'the worker runs somewhere');
  await timeline.filter('client 59');
  const client = await timeline.rowThat('lane of client 59', (each) => each.label.includes('client 59'));
  assert.ok((await timeline.coverOf(client, blue)) > 0, 'the client waits for its source somewhere');
  assert.ok((await timeline.coverOf(client, green)) > 0, 'the client runs somewhere');
  await timeline.filter('');
}

async function checkKeys(timeline: Timeline): Promise<void> {
  await timeline.press('f');
  const start = await timeline.interval();
  await timeline.press('+');
  await timeline.intervalThat('narrower interval', (each) => widthNs(each) < widthNs(start));
  // What follows moves on, on a busy machine by more than one key pans: the first key ends that.
  await timeline.press('a');
  await timeline.ceasesToFollow();
  const still = await timeline.interval();
  await timeline.press('a');
  const earlier = await timeline.intervalThat('earlier interval', (each) => each.fromNs < still.fromNs);
  await timeline.press('-');
  await timeline.intervalThat('wider interval', (each) => widthNs(each) > widthNs(earlier));
  await timeline.press('Home');
  await timeline.intervalThat('interval at the start', (each) => each.fromNs === 0);
  await timeline.press('f');
  await timeline.intervalThat('interval that follows again', (each) => each.toNs > start.toNs);
  assert.equal(await timeline.follows(), true);
}

async function checkMouse(workbench: Workbench, timeline: Timeline): Promise<void> {
  const { mouse, keyboard } = workbench.page;
  const { x, y } = await timeline.middle();
  await mouse.move(x, y);
  await timeline.press('f');
  const start = await timeline.interval();
  await keyboard.down('Control');
  await mouse.wheel(0, -300);
  await keyboard.up('Control');
  await timeline.intervalThat('narrower interval', (each) => widthNs(each) < widthNs(start));
  const drag = async (): Promise<void> => {
    await mouse.move(x, y);
    await mouse.down();
    await mouse.move(x + 60, y, { steps: 4 });
    await mouse.up();
  };
  // As with the keys: the first one ends the following.
  await drag();
  await timeline.ceasesToFollow();
  const still = await timeline.interval();
  await drag();
  const dragged = await timeline.intervalThat('dragged interval', (each) => each.fromNs < still.fromNs);
  await keyboard.down('Shift');
  await mouse.wheel(0, 120);
  await keyboard.up('Shift');
  const panned = await timeline.intervalThat('panned interval', (each) => each.fromNs > dragged.fromNs);
  assert.ok(Math.abs(widthNs(panned) - widthNs(dragged)) <= 2, 'panning keeps the width');
}
