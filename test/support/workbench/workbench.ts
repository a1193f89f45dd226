// Owns driving one open workbench through its page: commands, files, webviews, lenses, debugging, themes, pictures.
// It does what a user could do and reads what a user could see. It knows nothing of any extension.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { decodePng, type Pixels } from './pixels.ts';
import type { OpenTarget, WorkbenchServer } from './server.ts';
import { waitFor } from './wait.ts';

/** The two built-in themes that pictures are taken in. */
export const COLOR_THEMES = { light: 'Light Modern', dark: 'Dark Modern' } as const;

export type ThemeKind = keyof typeof COLOR_THEMES;

/** Where the debugger stands: the top frame, as the call stack view shows it. */
export interface StoppedAt {
  readonly fileName: string;
  readonly line: number;
}

/** As the page's own: a loaded machine takes ten times the usual seconds. */
const WAIT_TIMEOUT_MS = 90_000;

/** The quick input opens and lists in well under a second. */
const QUICK_PICK_MS = 3_000;

/** A click that was given up may have been taken all the same, and must not be made twice: so a busy page gets long. */
const QUICK_CLICK_MS = 40_000;

/** Files of an extension in its webviews: VS Code's service worker answers them from the server, no network is asked. */
const WEBVIEW_RESOURCE = /^https:\/\/[^/]+\.vscode-resource\.vscode-cdn\.net\//;

const QUICK_INPUT = '.quick-input-widget:visible input.input';
const QUICK_ROW = '.quick-input-widget:visible .quick-input-list .monaco-list-row';
const STOPPED_LINE = '.monaco-editor .debug-top-stack-frame-line';
const DEBUG_TOOLBAR = '.debug-toolbar:visible';

/** One workbench in one page. Made by `withWorkbench`. */
export class Workbench {
  readonly page: Page;
  readonly server: WorkbenchServer;
  /** Errors that the page's own scripts printed; VS Code itself prints a few harmless ones. */
  readonly consoleErrors: string[] = [];
  /** Requests that went anywhere else than to the server. An extension that is offline-only has none. */
  readonly foreignRequests: string[] = [];
  readonly #screenshotFolder: string | undefined;

  constructor(page: Page, server: WorkbenchServer, screenshotFolder: string | undefined) {
    this.page = page;
    this.server = server;
    this.#screenshotFolder = screenshotFolder;
    page.on('console', (message) => {
      if (message.type() === 'error') this.consoleErrors.push(message.text());
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!/^(https?|wss?):/.test(url) || url.startsWith(server.baseUrl)) return;
      if (!WEBVIEW_RESOURCE.test(url)) this.foreignRequests.push(url);
    });
  }

  /** Opens the target and waits until the workbench has drawn it. Opening again is a reload of the window. */
  async open(target: OpenTarget): Promise<void> {
    await this.page.goto(this.server.urlFor(target));
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
    if (target.file !== undefined) await this.#tab(path.basename(target.file)).waitFor();
  }

  /** Runs a command by its title as the command palette shows it, such as "View: Toggle Terminal". */
  async runCommand(title: string): Promise<void> {
    await this.#quickPick('F1', `>${title}`, title);
  }

  /** Picks the row of the open quick input that holds `text`. */
  async pickRow(text: string): Promise<void> {
    await this.page.locator(QUICK_ROW).filter({ hasText: text }).first().click();
  }

  /** Types into the open quick input and accepts it. */
  async answerQuickInput(text: string): Promise<void> {
    await this.page.locator(QUICK_INPUT).fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Opens a file of the folder by its name or path, and puts the cursor on `line` (one-based) when given. */
  async openFile(name: string, line?: number): Promise<void> {
    await this.#quickPick('Control+p', name, path.basename(name));
    await this.#tab(path.basename(name)).waitFor();
    if (line !== undefined) await this.goToLine(line);
  }

  /** Gives the focus to an editor group, counted from 1 at the left; `openFile` opens in the group with the focus. */
  async focusEditorGroup(position: 1 | 2 | 3): Promise<void> {
    await this.page.keyboard.press(`Control+${position}`);
    await this.page
      .locator('.editor-group-container')
      .nth(position - 1)
      .and(this.page.locator('.active'))
      .waitFor();
  }

  /** Puts the cursor of the active editor at a one-based position and gives that editor the focus. */
  async goToLine(line: number, column = 1): Promise<void> {
    await this.runCommand('Go to Line/Column...');
    await this.answerQuickInput(`:${line}:${column}`);
    await this.page.locator(QUICK_INPUT).waitFor({ state: 'hidden' });
  }

  /** The active editor's cursor, as the status bar shows it, both one-based; undefined without an editor. */
  async cursor(): Promise<{ readonly line: number; readonly column: number } | undefined> {
    const item = this.statusItem('status.editor.selection');
    const text = (await item.count()) === 0 ? undefined : await item.textContent();
    const match = /Ln (\d+), Col (\d+)/.exec(text ?? '');
    return match === null ? undefined : { line: Number(match[1]), column: Number(match[2]) };
  }

  /** The name of the file in the active editor. */
  async activeFileName(): Promise<string | undefined> {
    const name = await this.page
      .locator('.editor-group-container.active .tab.active')
      .first()
      .getAttribute('data-resource-name');
    return name ?? undefined;
  }

  /** A status bar item by its full id, such as "wakeline.wakeline.session" (publisher.extension.item). */
  statusItem(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  /** Code lenses whose text holds `text`. */
  codeLens(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration a').filter({ hasText: text });
  }

  /** Notification toasts whose text holds `text`. */
  notification(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text });
  }

  /**
   * The frame of the webview that holds an element for `selector`, however many webviews are open.
   *
   * The frame allows all that a page does: locators, clicks, evaluate. A webview that is hidden and shown again is a
   * new frame: ask again.
   */
  async webview(selector: string): Promise<Frame> {
    return waitFor(`webview that holds ${selector}`, WAIT_TIMEOUT_MS, async () => {
      for (const frame of this.page.frames()) {
        if (frame === this.page.mainFrame()) continue;
        // A frame may go away during the look; the next look is at the new ones.
        const found = await frame.$(selector).catch(() => null);
        if (found !== null) return frame;
      }
      return undefined;
    });
  }

  /** Waits until a log file of VS Code or an extension holds `pattern`, and returns that file's text. */
  async logWith(pattern: RegExp): Promise<string> {
    return waitFor(`log line ${pattern}`, WAIT_TIMEOUT_MS, () =>
      [...this.server.readLogs().values()].find((text) => pattern.test(text)),
    );
  }

  /** Sets a breakpoint on a one-based line of the active editor. */
  async setBreakpoint(line: number): Promise<void> {
    const glyphs = this.page.locator(
      '.monaco-editor .codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified',
    );
    const before = await glyphs.count();
    await this.goToLine(line);
    await this.page.keyboard.press('F9');
    await waitFor(`breakpoint on line ${line}`, WAIT_TIMEOUT_MS, async () =>
      (await glyphs.count()) > before ? true : undefined,
    );
  }

  /** Starts debugging: the named launch configuration, or the selected one (F5). */
  async startDebugging(configurationName?: string): Promise<void> {
    if (configurationName === undefined) {
      await this.page.keyboard.press('F5');
      return;
    }
    await this.#quickPick('Control+p', `debug ${configurationName}`, configurationName);
  }

  /** Waits until the debugger has stopped and the editor shows the line. */
  async waitForStop(): Promise<StoppedAt> {
    await this.page.locator(STOPPED_LINE).first().waitFor();
    return waitFor('top frame in the call stack', WAIT_TIMEOUT_MS, () => this.#topFrame());
  }

  /** Lets the stopped program go on. Returns once the editor no longer shows the line where it stood. */
  async continueDebugging(): Promise<void> {
    await this.page.locator(DEBUG_TOOLBAR).locator('.codicon-debug-continue').click();
    await this.page.locator(STOPPED_LINE).first().waitFor({ state: 'hidden' });
  }

  /** Waits until no debug session is left. */
  async waitForDebugEnd(): Promise<void> {
    await this.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  }

  /** Lines of the debug console that hold `text`. */
  debugOutput(text: string | RegExp): Locator {
    return this.page.locator('.repl .output.expression').filter({ hasText: text }).first();
  }

  /** Ends all debug sessions. */
  async stopDebugging(): Promise<void> {
    await this.page.keyboard.press('Shift+F5');
    await this.waitForDebugEnd();
  }

  /**
   * Switches the colour theme, as a user would, and waits until the workbench is drawn in it. The choice is in the
   * user settings afterwards, so it outlasts a reload.
   */
  async setTheme(kind: ThemeKind): Promise<void> {
    await this.runCommand('Preferences: Color Theme');
    await this.page.locator(QUICK_INPUT).fill(COLOR_THEMES[kind]);
    await this.pickRow(COLOR_THEMES[kind]);
    const themeClass = kind === 'light' ? 'vs' : 'vs-dark';
    await this.page.locator(`.monaco-workbench.${themeClass}`).waitFor();
    await this.page.locator(QUICK_INPUT).waitFor({ state: 'hidden' });
  }

  /**
   * Waits until the workbench has written a text into its stored state. It does so every five seconds when idle;
   * what is not written by then may be lost by a reload.
   */
  async waitForStoredState(text: string): Promise<void> {
    await waitFor(`stored state with ${text}`, WAIT_TIMEOUT_MS, async () =>
      (await this.page.evaluate(storedStateHolds, text)) ? true : undefined,
    );
  }

  /** A picture of the whole page, `<name>.png` in the screenshot folder; its path, or undefined without a folder. */
  async screenshot(name: string): Promise<string | undefined> {
    if (this.#screenshotFolder === undefined) return undefined;
    mkdirSync(this.#screenshotFolder, { recursive: true });
    const file = path.join(this.#screenshotFolder, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  /** The pixels of an element as they are on the screen, WebGL included. */
  async pixelsOf(element: Locator): Promise<Pixels> {
    return decodePng(await element.screenshot({ animations: 'disabled' }));
  }

  /**
   * Opens the quick input by a key, types, and clicks the row that holds `rowText`.
   *
   * The list does not grow while it is open, and some of it comes seconds after the window (commands of the
   * debugger, for one); and a window that still starts takes the focus, which closes the list. So all of it is done
   * anew until the row is clicked.
   */
  async #quickPick(key: string, typed: string, rowText: string): Promise<void> {
    const row = this.page.locator(QUICK_ROW).filter({ hasText: rowText }).first();
    await waitFor(`row ${rowText} for ${typed}`, WAIT_TIMEOUT_MS, async () => {
      await this.page.keyboard.press(key);
      try {
        // As an event of the input's own: what is typed goes to whatever has the focus, which on a busy machine was
        // the editor, whose file the next launch saved.
        await this.page.locator(QUICK_INPUT).waitFor({ timeout: QUICK_PICK_MS });
        await this.page.locator(QUICK_INPUT).evaluate((input, text) => {
          if (!(input instanceof HTMLInputElement)) throw new Error('the quick input is no input');
          input.value = text;
          input.dispatchEvent(new InputEvent('input', { bubbles: true }));
        }, typed);
        await row.waitFor({ timeout: QUICK_PICK_MS });
        await row.click({ timeout: QUICK_CLICK_MS });
        return true;
      } catch {
        await this.page.keyboard.press('Escape');
        return undefined;
      }
    });
  }

  async #topFrame(): Promise<StoppedAt | undefined> {
    const row = this.page
      .locator('.debug-call-stack .stack-frame')
      .filter({ has: this.page.locator('.file') })
      .first();
    if ((await row.count()) === 0) return undefined;
    const fileName = await row.locator('.file-name').textContent();
    const line = /^\d+/.exec((await row.locator('.line-number').textContent()) ?? '')?.[0];
    return fileName === null || line === undefined ? undefined : { fileName, line: Number(line) };
  }

  #tab(fileName: string): Locator {
    return this.page.locator('.editor-group-container .tab.active', { hasText: fileName }).first();
  }
}

/**
 * Runs in the page: whether a value in one of the workbench's state databases holds the text.
 * It names no function of its own, because the loader of the tests would mark it with a helper that the page lacks.
 */
async function storedStateHolds(text: string): Promise<boolean> {
  for (const { name } of await indexedDB.databases()) {
    if (name?.startsWith('vscode-web-state-db') !== true) continue;
    const opening = indexedDB.open(name);
    await new Promise((resolve, reject) => {
      opening.onsuccess = resolve;
      opening.onerror = reject;
    });
    const database = opening.result;
    let found = false;
    for (const table of database.objectStoreNames) {
      const reading = database.transaction(table).objectStore(table).getAll();
      await new Promise((resolve, reject) => {
        reading.onsuccess = resolve;
        reading.onerror = reject;
      });
      found ||= reading.result.some((value: unknown) => typeof value === 'string' && value.includes(text));
    }
    database.close();
    if (found) return true;
  }
  return false;
}
