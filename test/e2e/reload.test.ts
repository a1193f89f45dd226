// The collector outlives the window: after a reload it is found again, the program's session goes on with all its
// history, and the panel is back where it was.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { asViewer, collectorOf, summaryOf } from '../support/e2e/collector.ts';
import { examplesFolder } from '../support/e2e/parts.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { timelineOf } from '../support/e2e/timeline.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';

/** Starts the requests as one would in a terminal, with the variables that the command has put on the clipboard. */
async function startOutside(workbench: Workbench): Promise<ChildProcess> {
  await workbench.runCommand('Wakeline: Copy Environment That Connects a Program');
  const copied = await waitFor('environment on the clipboard', 120_000, async () => {
    const text = await workbench.page.evaluate(() => navigator.clipboard.readText());
    return text.startsWith('WAKELINE=') ? text : undefined;
  });
  assert.match(copied, /^WAKELINE=\S+ WAKELINE_TOKEN=\S+ NODE_OPTIONS=/);
  // As the shell reads it; `exec` leaves the program the shell's process.
  const command = `exec env ${copied} "$0" "$@"`;
  const program = `${examplesFolder}/typescript/dist/requests.js`;
  return spawn(
    '/bin/sh',
    ['-c', command, process.execPath, '--enable-source-maps', program, '--rounds', '400'],
    { stdio: 'ignore' },
  );
}

async function collectorPid(workbench: Workbench): Promise<number> {
  const { result } = await asViewer(await collectorOf(workbench), (client) => client.request('status', {}));
  return result.pid;
}

scenario('reload', { file: 'typescript/src/requests.ts' }, async (workbench, step) => {
  await workbench.runCommand('Wakeline: Show Timeline');
  const program = await startOutside(workbench);
  try {
    await workbench.statusItem(statusItemId).filter({ hasText: 'live' }).waitFor();
    const before = await timelineOf(workbench);
    const session = await before.session();
    const polls = await before.totalThat('polls', (value) => value > 500);
    const pid = await collectorPid(workbench);

    await step('the window finds the collector again, and the panel is restored', async () => {
      await before.filter('client 59');
      await workbench.waitForStoredState('client 59');
      // Without a file in the address: with one, the workbench opens that file in place of what was open.
      await workbench.open({ folder: examplesFolder });
      await workbench.statusItem(statusItemId).filter({ hasText: 'live' }).waitFor();
      const after = await timelineOf(workbench);
      assert.equal(await after.session(), session);
      assert.equal(await collectorPid(workbench), pid);
      await workbench.logWith(/Found the collector again at unix:/);
      assert.equal(await after.frame.locator('input.filter').inputValue(), 'client 59');
      await workbench.screenshot('restored-dark');
    });

    await step('the session goes on with all its history', async () => {
      const after = await timelineOf(workbench);
      const known = await after.total('polls');
      assert.ok(known >= polls, `${known} polls after, ${polls} before`);
      await after.totalThat('polls', (value) => value > known + 100);
      await after.press('0');
      await after.intervalThat('interval from the start', ({ fromNs }) => fromNs === 0);
      await after.filter('client 59');
      const row = await after.rowThat('lane of client 59', (each) => each.label.includes('client 59'));
      const cover = await after.coverOf(row, await after.colour('charts-blue'));
      assert.ok(cover > 0, 'the client waits somewhere: how long is up to the machine');
      const summary = await summaryOf(await collectorOf(workbench), session);
      assert.equal(summary.totals.dropped, 0);
      assert.equal(summary.totals.gaps, 0);
      assert.equal(summary.problem, '');
      assert.equal(summary.pid, program.pid);
    });

    await step('a program without its window keeps its collector, and vice versa', async () => {
      assert.equal(program.exitCode, null, 'the reload did not disturb the program');
      const gone = new Promise((resolve) => program.once('exit', resolve));
      program.kill('SIGKILL');
      await gone;
      await workbench.statusItem(statusItemId).filter({ hasText: 'cut' }).waitFor();
      await (await timelineOf(workbench)).badge().filter({ hasText: 'connection lost' }).waitFor();
    });
  } finally {
    program.kill('SIGKILL');
  }
});
