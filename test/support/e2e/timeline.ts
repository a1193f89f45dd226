// Owns reading and using the timeline's page in a workbench: its figures, its rows, its pixels, its keys and mouse.
// It does what a user could do; what the trace must hold is the tests' business.

import type { Pixels, Rgb } from '../workbench/pixels.ts';
import { waitFor } from '../workbench/wait.ts';
import type { Workbench } from '../workbench/workbench.ts';

/** The browser's types come through the harness, whose own packages hold them. */
type Frame = Awaited<ReturnType<Workbench['webview']>>;
type Locator = ReturnType<Workbench['statusItem']>;

/** A loaded machine takes ten times the usual seconds. */
const timeoutMs = 120_000;

export interface Interval {
  readonly fromNs: number;
  readonly toNs: number;
}

/** A row of the picture: where it stands in the canvas, in CSS px, and what its label says. */
export interface LaneRow {
  readonly label: string;
  readonly kind: string;
  readonly topCssPx: number;
  readonly heightCssPx: number;
}

/** The page of one timeline. A page that was hidden and shown again is a new one: ask `timelineOf` again. */
export class Timeline {
  readonly frame: Frame;
  private readonly workbench: Workbench;

  constructor(workbench: Workbench, frame: Frame) {
    this.workbench = workbench;
    this.frame = frame;
  }

  /** One of the counts at the foot. */
  async total(name: string): Promise<number> {
    const text = await this.frame.locator(`[data-total="${name}"]`).first().textContent();
    if (!/^\d+$/.test(text ?? '')) throw new Error(`the total ${name} is no number: ${text}`);
    return Number(text);
  }

  /** Waits until a count satisfies `is`; the count. */
  async totalThat(name: string, is: (value: number) => boolean): Promise<number> {
    return waitFor(`right count of ${name}`, timeoutMs, async () => {
      const value = await this.total(name);
      return is(value) ? value : undefined;
    });
  }

  async interval(): Promise<Interval> {
    const fromNs = Number(await this.attribute('data-from-ns'));
    return { fromNs, toNs: Number(await this.attribute('data-to-ns')) };
  }

  /** Waits until the interval in view satisfies `is`; the interval. */
  async intervalThat(what: string, is: (interval: Interval) => boolean): Promise<Interval> {
    return waitFor(what, timeoutMs, async () => {
      const interval = await this.interval();
      return is(interval) ? interval : undefined;
    });
  }

  async session(): Promise<string> {
    return this.attribute('data-session');
  }

  async follows(): Promise<boolean> {
    return (await this.attribute('data-follow')) === 'true';
  }

  async ceasesToFollow(): Promise<void> {
    await waitFor('end of following', timeoutMs, async () => ((await this.follows()) ? undefined : true));
  }

  /** The word for the session's state, such as live, ended or recording. */
  badge(): Locator {
    return this.frame.locator('.badge');
  }

  details(): Locator {
    return this.frame.locator('#details');
  }

  /** Waits until what is drawn is what was asked for last. */
  async settled(): Promise<void> {
    // What a key or a click changed is asked for with the next frame, and drawn with the one after the answer.
    await this.frame.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    await this.frame.locator('#root[data-settled="true"]').waitFor();
    await this.frame.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }

  /** The process id that the session's title shows. */
  async pid(): Promise<number> {
    const text = await this.frame.locator('.session-name').textContent();
    const pid = Number(/\((\d+)\)$/.exec(text ?? '')?.[1]);
    if (!Number.isInteger(pid)) throw new Error(`the session's title has no process id: ${text}`);
    return pid;
  }

  /** Rows in view, top to bottom. */
  async rows(): Promise<LaneRow[]> {
    return this.frame.evaluate(() => {
      const picture = document.querySelector('#timeline')?.getBoundingClientRect();
      const rows = [...document.querySelectorAll<HTMLElement>('.rows .row')].filter((row) => !row.hidden);
      return rows
        .map((row) => {
          const box = row.getBoundingClientRect();
          return {
            label: row.querySelector('.lane-name')?.textContent ?? '',
            kind: row.getAttribute('data-kind') ?? '',
            topCssPx: box.top - (picture?.top ?? 0),
            heightCssPx: box.height,
          };
        })
        .sort((a, b) => a.topCssPx - b.topCssPx);
    });
  }

  /** Waits for the first row in view that satisfies `is`. */
  async rowThat(what: string, is: (row: LaneRow) => boolean): Promise<LaneRow> {
    return waitFor(what, timeoutMs, async () => (await this.rows()).find(is));
  }

  /** Pixels of the picture with all that lies on it. The pointer is taken away first: it draws a line and a tooltip. */
  async pixels(): Promise<Pixels> {
    await this.workbench.page.mouse.move(1, 1);
    return this.workbench.pixelsOf(this.frame.locator('#timeline'));
  }

  /** A theme colour as the page has it, such as `charts-green`, opaque. */
  async colour(name: string): Promise<Rgb> {
    const [red = 0, green = 0, blue = 0] = await this.frame.evaluate((property) => {
      const context = document.createElement('canvas').getContext('2d');
      if (context === null) throw new Error('no canvas');
      context.fillStyle = getComputedStyle(document.body).getPropertyValue(property).trim();
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data];
    }, `--vscode-${name}`);
    return { red, green, blue };
  }

  /** The share of a row's columns that hold the colour anywhere within the bar's height. */
  async coverOf(row: LaneRow, colour: Rgb): Promise<number> {
    const pixels = await this.pixels();
    return columnsWith(pixels, row, colour).length / pixels.widthPx;
  }

  /** Clicks into the picture. */
  async click(xCssPx: number, yCssPx: number, clicks: 1 | 2 = 1): Promise<void> {
    await this.frame
      .locator('.picture')
      .click({ position: { x: xCssPx, y: yCssPx }, clickCount: clicks, timeout: timeoutMs });
  }

  /** The middle of the picture on the page, for the mouse. */
  async middle(): Promise<{ x: number; y: number }> {
    const box = await this.frame.locator('.picture').boundingBox();
    if (box === null) throw new Error('the picture is not on the page');
    return { x: box.x + box.width / 2, y: box.y + Math.min(box.height, 300) / 2 };
  }

  /** Presses a key with the focus on the lanes. */
  async press(key: string): Promise<void> {
    await this.frame.locator('.scroller').focus();
    await this.workbench.page.keyboard.press(key);
  }

  /** Leaves only the task lanes whose label contains the text, and waits until they are drawn. */
  async filter(text: string): Promise<void> {
    await this.frame.locator('input.filter').fill(text);
    await waitFor(`lanes of ${text}`, timeoutMs, async () => {
      const labels = (await this.rows()).filter((row) => row.kind === 'task').map((row) => row.label);
      return labels.length > 0 && labels.every((label) => label.includes(text)) ? true : undefined;
    });
    await this.settled();
  }

  private async attribute(name: string): Promise<string> {
    return (await this.frame.locator('#root').getAttribute(name)) ?? '';
  }
}

/** The timeline that is open in the workbench, once it shows a session, and another than `notSession` if given. */
export async function timelineOf(workbench: Workbench, notSession = ''): Promise<Timeline> {
  const shown = `#root[data-session]:not([data-session=""]):not([data-session="${notSession}"])`;
  return new Timeline(workbench, await workbench.webview(shown));
}

export function isNear(a: Rgb, b: Rgb, tolerance: number): boolean {
  return (
    Math.abs(a.red - b.red) <= tolerance &&
    Math.abs(a.green - b.green) <= tolerance &&
    Math.abs(a.blue - b.blue) <= tolerance
  );
}

/** Columns of a row in which a colour stands somewhere within the row's height, left to right, in CSS px. */
export function columnsWith(pixels: Pixels, row: LaneRow, colour: Rgb, tolerance = 40): number[] {
  const columns: number[] = [];
  for (let xPx = 0; xPx < pixels.widthPx; xPx += 1) {
    for (
      let y = row.topCssPx + 1;
      y < Math.min(row.topCssPx + row.heightCssPx - 1, pixels.heightPx);
      y += 1
    ) {
      if (!isNear(pixels.at(xPx, y), colour, tolerance)) continue;
      columns.push(xPx);
      break;
    }
  }
  return columns;
}
