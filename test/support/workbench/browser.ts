// Owns the headless Chromium and its one page. It knows nothing of VS Code.

import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core';
import { ensureSystemGroups, requireProgram } from '../../../tools/setup/system.mjs';

export interface BrowserOptions {
  readonly widthCssPx?: number;
  readonly heightCssPx?: number;
  /** Device pixels per CSS pixel; 1 keeps pixel tests simple. */
  readonly deviceScale?: number;
}

export interface HeadlessBrowser {
  readonly page: Page;
  /** Process id of the browser's main process. */
  readonly pid: number;
  close(): Promise<void>;
}

/** Every wait of the page; a loaded machine takes ten times the usual 6–13 s for the first picture. */
const DEFAULT_TIMEOUT_MS = 90_000;

/**
 * Launches Chromium with one page in a fresh context, which means fresh UI state: layout, breakpoints, history.
 *
 * @throws Error when there is no Chromium and it cannot be installed from here.
 */
export async function launchBrowser(options: BrowserOptions = {}): Promise<HeadlessBrowser> {
  ensureSystemGroups(['workbench']);
  const server = await chromium.launchServer({
    executablePath: requireProgram('workbench'),
    headless: true,
    args: [
      // Chromium's sandbox refuses to run as root, which is who runs in a container.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // Without a GPU process of the machine's: software rendering draws the same pixels everywhere.
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
  try {
    const browser = await chromium.connect(server.wsEndpoint());
    const context = await browser.newContext({
      viewport: { width: options.widthCssPx ?? 1400, height: options.heightCssPx ?? 900 },
      deviceScaleFactor: options.deviceScale ?? 1,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(DEFAULT_TIMEOUT_MS);
    const page = await context.newPage();
    return { page, pid: server.process().pid ?? 0, close: () => closeAll(browser, server) };
  } catch (error) {
    await server.kill();
    throw error;
  }
}

async function closeAll(browser: Browser, server: BrowserServer): Promise<void> {
  await browser.close();
  await server.close();
}
