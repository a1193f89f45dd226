// F5 on a plain Node program, which imports nothing of Wakeline: its requests are tasks of the timeline, and its thread and
// its child process stand beside it in the list of sessions, with lanes of their own.
import assert from 'node:assert/strict';
import { scenario } from '../support/e2e/scenario.ts';
import { type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';
/** They order one thing at a time, fifteen each. */
const customers = 4;
const orders = 60;
const timeoutMs = 120_000;

interface Listed {
  readonly session: string;
  readonly title: string;
  readonly program: string;
}

/** The list of sessions as the page shows it. */
async function listed({ frame }: Timeline): Promise<Listed[]> {
  return frame.evaluate(() =>
    [...document.querySelectorAll<HTMLOptionElement>('.session-picker option')].map((option) => ({
      session: option.value,
      title: option.textContent ?? '',
      program: option.closest('optgroup')?.label ?? '',
    })),
  );
}

scenario('plain Node', { file: 'node/shop.mjs' }, async (workbench, step) => {
  const status = workbench.statusItem(statusItemId);

  await step('F5 opens the panel beside the source, with the program itself', async () => {
    await workbench.startDebugging('shop (plain Node)');
    await timelineOf(workbench);
    await status.filter({ hasText: 'ended' }).waitFor();
    await workbench.waitForDebugEnd();
    assert.equal(await workbench.activeFileName(), 'shop.mjs');
  });

  await step('its thread and its customers are listed under its name', async () => {
    const timeline = await timelineOf(workbench);
    const sessions = await waitFor('three sessions, all over', timeoutMs, async () => {
      const now = await listed(timeline);
      return now.length === 3 && now.every(({ title }) => title.endsWith('ended')) ? now : undefined;
    });
    assert.deepEqual(
      sessions.map(({ program, title }) => [
        program,
        title.replace(/\(\d+\)/, '(…)').replace(/thread \d+/, 'thread …'),
      ]),
      [
        ['shop.mjs', 'shop.mjs (…) · ended'],
        ['shop.mjs', 'shop.mjs (…), worker thread … · ended'],
        ['shop.mjs', 'shop.mjs (…), forked process · ended'],
      ],
    );
    assert.equal(await timeline.session(), sessions[0]?.session, 'the program itself is in view');
  });

  await step('each order is a task with a lane', () => checkProgram(workbench));

  await step('the thread has lanes of its own', async () => {
    const timeline = await timelineOf(workbench);
    const thread = (await listed(timeline)).find(({ title }) => title.includes('worker thread'));
    assert.ok(thread);
    await timeline.frame.locator('.session-picker').selectOption(thread.session);
    await waitFor('the thread in view', timeoutMs, async () =>
      (await timeline.session()) === thread.session ? true : undefined,
    );
    // It was sent a message for each order; of several that wait the loop tells once.
    assert.ok((await timeline.total('readiness')) > orders / customers);
    await timeline.rowThat('main task of the thread', ({ label }) => label.includes('main'));
    await timeline.settled();
    await workbench.screenshot('thread-dark');
    assert.deepEqual(workbench.foreignRequests, []);
  });
});

async function checkProgram(workbench: Workbench): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await workbench.setTheme(theme);
    const timeline = await timelineOf(workbench);
    await timeline.press('0');
    await timeline.filter('GET /order');
    const order = await timeline.rowThat('lane of an order', ({ label }) => label.includes('GET /order'));
    await timeline.settled();
    const green = await timeline.colour('charts-green');
    assert.ok((await timeline.coverOf(order, green)) > 0, 'the order runs somewhere');
    const kinds = (await timeline.rows()).map(({ kind }) => kind);
    assert.ok(kinds.includes('reactor'), kinds.join());
    await workbench.screenshot(`orders-${theme}`);
    assert.ok((await timeline.total('tasks')) >= orders + 1);
    assert.equal(await timeline.total('dropped'), 0);
    assert.equal(await timeline.total('spuriousPolls'), 0);
    await timeline.filter('');
  }
}
