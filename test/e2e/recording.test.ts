// A recording is a document: it opens with the numbers that the live view showed, and one that was cut in the middle
// opens too and says where.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { recordingsOf } from '../support/e2e/collector.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';
const names = [
  'tasks',
  'tasksAlive',
  'polls',
  'wakes',
  'reactorParks',
  'readiness',
  'wouldBlocks',
  'jobs',
  'dropped',
];

async function totalsOf(timeline: Timeline): Promise<Record<string, number>> {
  const entries = [];
  for (const name of names) entries.push([name, await timeline.total(name)] as const);
  return Object.fromEntries(entries);
}

/** The timeline of a session that has ended: its totals are the last ones. */
async function endedTimeline(workbench: Workbench, notSession = ''): Promise<Timeline> {
  const timeline = await timelineOf(workbench, notSession);
  await timeline.badge().filter({ hasText: 'ended' }).waitFor();
  return timeline;
}

/** Runs an example to its end and gives back its recording. */
async function record(workbench: Workbench, launch: string): Promise<string> {
  const before = new Set(recordingsOf(workbench));
  await workbench.startDebugging(launch);
  const recording = await waitFor(`recording of ${launch}`, 120_000, () =>
    recordingsOf(workbench).find((file) => !before.has(file)),
  );
  await workbench.waitForDebugEnd();
  await workbench.statusItem(statusItemId).filter({ hasText: 'ended' }).waitFor();
  return recording;
}

scenario('recording', { file: 'typescript/src/file-writes.ts' }, async (workbench, step) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wakeline-recordings-'));
  const whole = path.join(folder, 'whole.wakeline');
  const cut = path.join(folder, 'cut.wakeline');
  let files: Record<string, number> = {};
  let requests: Record<string, number> = {};
  let cutBytes = 0;
  let wholeSession = '';
  try {
    await step('two runs leave their recordings', async () => {
      copyFileSync(await record(workbench, 'file writes (TypeScript)'), whole);
      const ofFiles = await endedTimeline(workbench);
      files = await totalsOf(ofFiles);
      assert.equal(files['tasks'], 101);
      assert.equal(files['jobs'], 100);
      assert.equal(files['readiness'], 0);
      await workbench.screenshot('file-writes-dark');
      const filesSession = await ofFiles.session();
      const bytes = readFileSync(await record(workbench, 'requests (TypeScript)'));
      requests = await totalsOf(await endedTimeline(workbench, filesSession));
      // Five rounds are dozens of frames: a good part of them lies before this.
      cutBytes = Math.floor(bytes.length * 0.6);
      writeFileSync(cut, bytes.subarray(0, cutBytes));
    });

    await step('a recording opens as a document and shows the same numbers', async () => {
      await workbench.open({ folder });
      // A file that is opened before the extension is there is opened as text.
      await workbench.statusItem(statusItemId).waitFor();
      await workbench.openFile('whole.wakeline');
      const timeline = await timelineOf(workbench);
      await timeline.badge().filter({ hasText: 'recording' }).waitFor();
      wholeSession = await timeline.session();
      assert.deepEqual(await totalsOf(timeline), files);
      await timeline.settled();
      const orange = await timeline.colour('charts-orange');
      const queue = await timeline.rowThat('lane of the pool queue', (row) => row.kind === 'pool queue');
      const queued = await timeline.coverOf(queue, await timeline.colour('charts-yellow'));
      assert.ok(queued > 0, 'jobs wait in the queue somewhere');
      const writer = await timeline.rowThat('lane of a writer', (row) => row.label.includes('writer 0'));
      const cover = await timeline.coverOf(writer, orange);
      assert.ok(cover > 0, 'the writer waits for its job somewhere');
      await workbench.screenshot('whole-dark');
      await workbench.setTheme('light');
      await workbench.screenshot('whole-light');
      await workbench.setTheme('dark');
    });

    await step('one that was cut opens with what precedes the cut, and says where it is', async () => {
      await workbench.openFile('cut.wakeline');
      const timeline = await timelineOf(workbench, wholeSession);
      await timeline.badge().filter({ hasText: 'recording' }).waitFor();
      const place = new RegExp(`cut at byte ${cutBytes}\\b`);
      await timeline.frame.locator('.foot .message').filter({ hasText: place }).waitFor();
      const totals = await totalsOf(timeline);
      for (const name of ['polls', 'wakes', 'readiness']) {
        const [before, all] = [totals[name] ?? 0, requests[name] ?? 0];
        assert.ok(before > 0 && before < all, `${before} ${name} before the cut, ${all} in all`);
      }
      await workbench.screenshot('cut-dark');
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
