// Owns the one way to get a workbench: server, browser and clean-up in the right order, with what is needed to
// understand a failure. This is the file that tests and the demo import.

import { type BrowserOptions, launchBrowser } from './browser.ts';
import { type OpenTarget, type ServerOptions, withServer } from './server.ts';
import { Workbench } from './workbench.ts';

export interface WorkbenchOptions extends ServerOptions {
  /** What to open at first. */
  readonly open: OpenTarget;
  readonly browser?: BrowserOptions;
  /** Where `screenshot` and the picture of a failure go; no pictures when absent. */
  readonly screenshotFolder?: string;
}

/**
 * Runs `work` with an open workbench: VSIX files installed, folder shown. Ends the browser and all processes of the
 * server whatever happens.
 *
 * @throws what `work` throws, with the end of the server's output and, in the screenshot folder, `failure.png`.
 */
export async function withWorkbench<T>(
  options: WorkbenchOptions,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  return withServer(options, async (server) => {
    const browser = await launchBrowser(options.browser);
    try {
      const workbench = new Workbench(browser.page, server, options.screenshotFolder);
      try {
        await workbench.open(options.open);
        return await work(workbench);
      } catch (error) {
        throw await explain(error, workbench);
      }
    } finally {
      await browser.close();
    }
  });
}

/** An error around `error` with the circumstances added: they are gone once the clean-up has run. */
async function explain(error: unknown, workbench: Workbench): Promise<Error> {
  const picture = await workbench.screenshot('failure').catch(() => undefined);
  const output = workbench.server.readServerOutput().trim().split('\n').slice(-15).join('\n');
  const consoleErrors = workbench.consoleErrors.slice(-5).join('\n');
  const message = [
    error instanceof Error ? error.message : String(error),
    ...(picture === undefined ? [] : [`Picture: ${picture}`]),
    `End of the server's output:\n${output}`,
    `Last errors of the page's console:\n${consoleErrors}`,
  ].join('\n');
  return new Error(message, { cause: error });
}
