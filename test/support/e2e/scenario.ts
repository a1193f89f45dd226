// Owns how every end-to-end test begins and ends: one workbench for the whole file with the packaged extension,
// the examples open, and steps that leave a picture when they fail.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { withWorkbench } from '../workbench/with-workbench.ts';
import type { Workbench } from '../workbench/workbench.ts';
import { buildTypeScriptExamples, examplesFolder, packagedExtension, rootFolder } from './parts.ts';

/** A step of a scenario: a test of its own, which goes on where the one before ended. */
export type Step = (name: string, work: () => Promise<void>) => Promise<void>;

export interface ScenarioOptions {
  /** The file to show at first, below the examples' folder. */
  readonly file: string;
  /** Launch configurations of the user's own, beside the examples'. */
  readonly launches?: readonly Readonly<Record<string, unknown>>[];
  /** More extensions to install, and what else has to be built before. */
  readonly prepare?: () => Promise<readonly string[]>;
}

/** One step may wait for a window, a program and a debugger; each takes seconds, a loaded machine tenfold. */
const stepTimeoutMs = 300_000;

/** Once the window is there everything on the page takes well under a second; a loaded machine takes tenfold. */
const pageTimeoutMs = 120_000;

/** Whoever looks at the debug console asks for it; by itself it would cover what is tested. */
const quietDebugging = {
  'debug.internalConsoleOptions': 'neverOpen',
  'debug.toolBarLocation': 'floating',
};

/** Runs `work` in one workbench with the packaged extension, the examples' folder open. */
export function scenario(
  name: string,
  options: ScenarioOptions,
  work: (workbench: Workbench, step: Step) => Promise<void>,
): void {
  test(name, async (context) => {
    await buildTypeScriptExamples();
    const more = (await options.prepare?.()) ?? [];
    const settings = {
      ...quietDebugging,
      launch: { version: '0.2.0', configurations: options.launches ?? [] },
    };
    await withWorkbench(
      {
        vsixFiles: [await packagedExtension(), ...more],
        settings,
        open: { folder: examplesFolder, file: path.join(examplesFolder, options.file) },
        screenshotFolder: path.join(rootFolder, 'test-results/e2e', name.replaceAll(/\W+/g, '-')),
      },
      async (workbench) => {
        workbench.page.setDefaultTimeout(pageTimeoutMs);
        await work(workbench, stepIn(context, workbench));
      },
    );
  });
}

function stepIn(context: TestContext, workbench: Workbench): Step {
  let failed: string | undefined;
  return (name, work) =>
    context.test(name, { timeout: stepTimeoutMs }, async () => {
      // What follows a failure would only wait for what cannot come.
      if (failed !== undefined) throw new Error(`not reached: "${failed}" failed before`);
      try {
        await work();
      } catch (error) {
        failed = name;
        await keepTraces(workbench, `failed-${name.replaceAll(/\W+/g, '-')}`);
        throw error;
      }
    });
}

/** A picture and the extension's log: they are gone once the workbench is. */
async function keepTraces(workbench: Workbench, name: string): Promise<void> {
  const picture = await workbench.screenshot(name).catch(() => undefined);
  if (picture === undefined) return;
  const logs = [...workbench.server.readLogs()].filter(([file]) => file.includes('wakeline'));
  const text = logs.map(([file, log]) => `=== ${file}\n${log}`).join('\n');
  writeFileSync(
    picture.replace(/\.png$/, '.log'),
    `${text}\n=== console\n${workbench.consoleErrors.join('\n')}`,
  );
}
