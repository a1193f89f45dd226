// Owns what tests of the page share: one headless browser and one server for a file of tests, recordings that the file
// writes itself, and reading what the page shows. Knows no single test.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { ToHost, ToWebview } from '../../../extension/messages/webview.ts';
import { type HeadlessBrowser, launchBrowser } from '../workbench/browser.ts';
import { decodePng, type Pixels } from '../workbench/pixels.ts';
import { type PageServer, servePage } from './serve.ts';

declare global {
  interface Window {
    wakelineSent: ToHost[];
    wakelineToView: (message: ToWebview) => void;
  }
}

/** What the tests of one file use; the browser is there while they run. */
export interface PageTests {
  readonly shown: {
    readonly page: HeadlessBrowser['page'];
    readonly url: (settings: string) => string;
  };
  /** Errors of the page that is open. */
  readonly problems: readonly string[];
  readonly open: (settings: string) => Promise<void>;
  readonly settled: () => Promise<void>;
  /** One of the figures that the page has for onlookers. */
  readonly figure: (name: string) => Promise<string>;
  readonly interval: () => Promise<{ fromNs: number; toNs: number; widthNs: number }>;
  readonly sent: (type: ToHost['type']) => Promise<ToHost[]>;
  readonly picture: () => Promise<Pixels>;
  /** Where a row with that label stands in the picture. */
  readonly rowTop: (label: string) => Promise<number>;
}

/** `recordings`: by the names under which the page opens them, beside the golden ones. */
export function pageTests(recordings: Readonly<Record<string, () => Uint8Array>>): PageTests {
  const problems: string[] = [];
  let server: PageServer | undefined;
  let browser: HeadlessBrowser | undefined;
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wakeline-page-'));
    const files = Object.entries(recordings).map(([name, make]) => ({ path: join(folder, name), make }));
    for (const { path, make } of files) await writeFile(path, make());
    server = await servePage(files.map(({ path }) => path));
    browser = await launchBrowser({ widthCssPx: 1200, heightCssPx: 700 });
    browser.page.on('pageerror', (error) => problems.push(error.message));
    browser.page.on('console', (message) => {
      // The browser asks for an icon that the page does not have.
      if (message.type() === 'error' && !message.location().url.endsWith('favicon.ico'))
        problems.push(message.text());
    });
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    if (folder !== '') await rm(folder, { recursive: true });
  });

  const shown = {
    get page() {
      assert.ok(browser !== undefined, 'the browser is there while tests run');
      return browser.page;
    },
    url: (settings: string) => server?.url(settings) ?? '',
  };

  async function open(settings: string): Promise<void> {
    const { page } = shown;
    problems.length = 0;
    await page.goto(shown.url(settings));
    // The page of before may be about to save what was selected in it: this one begins with nothing.
    await page.evaluate(() => {
      sessionStorage.clear();
      Storage.prototype.setItem = () => {};
    });
    await page.goto(shown.url(settings));
    await page.mouse.move(1, 1);
    await settled();
  }

  async function settled(): Promise<void> {
    const { page } = shown;
    // Two frames: one in which what was done takes effect, one in which what was asked for is known.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)))),
    );
    await page.locator('#root[data-settled="true"]').waitFor();
  }

  const figure = async (name: string) =>
    (await shown.page.locator('#root').getAttribute(`data-${name}`)) ?? '';

  async function interval(): Promise<{ fromNs: number; toNs: number; widthNs: number }> {
    const fromNs = Number(await figure('from-ns'));
    const toNs = Number(await figure('to-ns'));
    return { fromNs, toNs, widthNs: toNs - fromNs };
  }

  const sent = (type: ToHost['type']) =>
    shown.page.evaluate((wanted) => window.wakelineSent.filter((each) => each.type === wanted), type);

  const picture = async () => decodePng(await shown.page.locator('.picture').screenshot());

  async function rowTop(label: string): Promise<number> {
    const { page } = shown;
    const row = page.locator('.row:visible', { has: page.getByText(label, { exact: true }) });
    const box = await row.first().boundingBox();
    const base = await page.locator('.picture').boundingBox();
    assert.ok(box !== null && base !== null, `the row ${label} is in view`);
    return Math.round(box.y - base.y);
  }

  return { shown, problems, open, settled, figure, interval, sent, picture, rowTop };
}
