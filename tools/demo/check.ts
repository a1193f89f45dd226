// Owns `npm run demo -- --check`: every example runs under the debugger in a real workbench without a screen; what the
// webview shows and what the recording holds must be what the program counted itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ReferenceModel, readReference } from '../../test/support/reference-reader.ts';
import { framesOfRecording } from '../../test/support/text-trace.ts';
import { waitFor } from '../../test/support/workbench/wait.ts';
import { withWorkbench } from '../../test/support/workbench/with-workbench.ts';
import type { Workbench } from '../../test/support/workbench/workbench.ts';
import { root } from '../steps.mjs';
import type { DemoParts } from './build.ts';
import { type Example, examples } from './examples.ts';
import { demoSettings, examplesFolder } from './open.ts';

const timeoutMs = 90_000;
const settleMs = 10_000;

/** Runs all examples; prints what holds and what does not. Exit code 0 only when everything holds. */
export async function checkExamples(parts: DemoParts, screenshotFolder: string): Promise<number> {
  const outcomes = await withWorkbench(
    {
      vsixFiles: Object.values(parts) as string[],
      settings: demoSettings(undefined),
      open: { folder: examplesFolder },
      screenshotFolder: join(root, screenshotFolder),
    },
    async (workbench) => {
      const broken: string[] = [];
      for (const example of examples) {
        const found = await checkExample(workbench, example);
        console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${example.name}`);
        for (const sentence of found.slice(0, 20)) console.log(`     ${sentence}`);
        broken.push(...found);
      }
      return broken;
    },
  );
  console.log(
    `demo: ${examples.length} examples, ${outcomes.length} claims broken; pictures in ${screenshotFolder}`,
  );
  return outcomes.length === 0 ? 0 : 1;
}

async function checkExample(workbench: Workbench, example: Example): Promise<string[]> {
  const before = new Set(recordings(workbench));
  await workbench.focusEditorGroup(1);
  await workbench.openFile(example.file);
  await workbench.startDebugging(example.name);
  const timeline = await workbench.webview('#timeline');
  const total = async (name: string) =>
    Number(await timeline.locator(`[data-total="${name}"]`).first().textContent());
  const recording = await waitFor(`recording of ${example.name}`, timeoutMs, () =>
    recordings(workbench).find((file) => !before.has(file)),
  );
  await waitFor('tasks in the timeline', timeoutMs, async () =>
    (await total('tasks')) > 0 ? true : undefined,
  );
  await workbench.screenshot(`${example.key}-live`);
  await workbench.statusItem('wakeline.wakeline.wakeline.status').filter({ hasText: 'ended' }).waitFor();
  await workbench.waitForDebugEnd();
  const model = readReference(framesOfRecording(new Uint8Array(readFileSync(recording))));
  const counters = await printedCounters(workbench, model.hello?.pid ?? 0);
  const broken = example.broken(model, counters);
  const session = model.hello?.session ?? '';
  await timeline.locator(`[data-session="${session}"]`).waitFor();
  broken.push(...(await differences(total, model)));
  await workbench.screenshot(`${example.key}-dark`);
  await workbench.setTheme('light');
  await workbench.screenshot(`${example.key}-light`);
  await workbench.setTheme('dark');
  return broken;
}

/** What the timeline shows otherwise than the recording holds. Totals come at most four times a second, so it gets a while. */
async function differences(
  total: (name: string) => Promise<number>,
  model: ReferenceModel,
): Promise<string[]> {
  const expected = {
    tasks: model.tasks.length,
    polls: model.tasks.reduce((sum, task) => sum + task.polls.length, 0),
    wakes: model.wakes.length,
    spuriousPolls: 0,
    dropped: 0,
  };
  const look = async () => {
    const found: string[] = [];
    for (const [name, held] of Object.entries(expected)) {
      const shown = await total(name);
      if (shown !== held) found.push(`the timeline shows ${shown} ${name}, the recording holds ${held}`);
    }
    return found;
  };
  const startMs = performance.now();
  for (;;) {
    const found = await look();
    if (found.length === 0 || performance.now() - startMs > settleMs) return found;
    await delay(100);
  }
}

/** The line of JSON that the example with this process id prints at its end, from the debug console. */
async function printedCounters(workbench: Workbench, pid: number): Promise<unknown> {
  const line = workbench.page.locator('.repl .monaco-list-row', { hasText: `{"pid":${pid},` }).last();
  await workbench.page.keyboard.press('Control+Shift+Y');
  const text = (await line.textContent()) ?? '';
  // Ctrl+J hides the panel.
  await workbench.page.keyboard.press('Control+J');
  const json = /\{.*\}/s.exec(text)?.[0].replaceAll('\n', '');
  if (json === undefined) throw new Error(`The example printed no whole line of counters, but: ${text}`);
  return JSON.parse(json);
}

/** Recordings that collectors of this workbench have written so far. */
function recordings(workbench: Workbench): string[] {
  return (readdirSync(workbench.server.rootFolder, { recursive: true }) as string[])
    .filter((path) => /recordings\/[^/]+\.wakeline$/.test(path))
    .map((path) => join(workbench.server.rootFolder, path));
}
