// The debugger and the trace: a breakpoint stops the program with the panel in view, the stop is counted and shaded,
// the trace goes on after it, and what the user had in the launch's environment is kept. JavaScript and native.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { asViewer, collectorOf, summaryOf } from '../support/e2e/collector.ts';
import {
  environmentOf,
  lineOf,
  longRust,
  longTypeScript,
  ownVariable,
} from '../support/e2e/example-launches.ts';
import { buildRustExamples, lldbDapExtension } from '../support/e2e/parts.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { isNear, type Timeline, timelineOf } from '../support/e2e/timeline.ts';
import type { Rgb } from '../support/workbench/pixels.ts';
import { waitFor } from '../support/workbench/wait.ts';
import type { Workbench } from '../support/workbench/workbench.ts';

const statusItemId = 'wakeline.wakeline.wakeline.status';

/** How long the program stands at the breakpoint at least. */
const standMs = 1_500;

interface Example {
  readonly language: string;
  /** Below the examples' folder. */
  readonly file: string;
  /** The only line that holds this gets the breakpoint; the program is well under way when it comes there. */
  readonly stopAt: string;
  readonly launch: string;
}

const typeScript: Example = {
  language: 'TypeScript',
  file: 'typescript/src/requests.ts',
  stopAt: 'counters.requests++',
  launch: longTypeScript.name,
};
const rust: Example = {
  language: 'Rust',
  file: 'rust/src/bin/requests.rs',
  stopAt: 'totals.requests += 1;',
  launch: longRust.name,
};

async function prepareNative(): Promise<readonly string[]> {
  await buildRustExamples();
  return [await lldbDapExtension()];
}

scenario(
  'debugger',
  { file: typeScript.file, launches: [longTypeScript, longRust], prepare: prepareNative },
  async (workbench, step) => {
    for (const example of [typeScript, rust]) {
      await step(`${example.language}: a breakpoint stops the program, the panel is there and says so`, () =>
        checkStop(workbench, example),
      );
      await step(`${example.language}: the user's own environment reaches the program, and ours`, () =>
        checkEnvironment(workbench),
      );
      await step(`${example.language}: the trace goes on after the stop, which is counted and shaded`, () =>
        checkContinue(workbench, example),
      );
      await step(`${example.language}: the end of debugging ends the session`, async () => {
        await workbench.stopDebugging();
        await workbench.statusItem(statusItemId).filter({ hasNotText: 'live' }).waitFor();
      });
    }
  },
);

async function checkStop(workbench: Workbench, { file, stopAt, launch }: Example): Promise<void> {
  const line = lineOf(file, stopAt);
  await workbench.focusEditorGroup(1);
  await workbench.openFile(file);
  await workbench.setBreakpoint(line);
  await workbench.startDebugging(launch);
  const stopped = await workbench.waitForStop();
  assert.equal(stopped.line, line);
  assert.ok(`/${file}`.endsWith(`/${stopped.fileName}`), stopped.fileName);
  const timeline = await timelineOf(workbench);
  await timeline.badge().filter({ hasText: 'stopped by the debugger' }).waitFor();
  await workbench.statusItem(statusItemId).filter({ hasText: 'stopped' }).waitFor();
  await workbench.screenshot(`${launch}-stopped`);
  // What was on its way to the collector when the program stood still may come a while after it; a program that runs
  // never stops polling for so long.
  let polls = Number.NaN;
  for (let looks = 0; looks < 20; looks++) {
    const before = await timeline.total('polls');
    await delay(standMs);
    polls = await timeline.total('polls');
    if (polls === before) break;
    polls = Number.NaN;
  }
  assert.ok(polls > 0, 'a program that stands polls nothing, and polls before the stop are shown');
}

async function checkEnvironment(workbench: Workbench): Promise<void> {
  const timeline = await timelineOf(workbench);
  const { endpoint, token } = await collectorOf(workbench);
  const environment = environmentOf(await timeline.pid());
  assert.equal(environment.get(ownVariable.name), ownVariable.value);
  assert.equal(environment.get('WAKELINE'), endpoint);
  assert.equal(environment.get('WAKELINE_TOKEN') === token, true, 'the token of this window');
  const summary = await summaryOf(await collectorOf(workbench), await timeline.session());
  assert.equal(environment.get('WAKELINE_LAUNCH'), summary.launch);
}

async function checkContinue(workbench: Workbench, { launch }: Example): Promise<void> {
  const timeline = await timelineOf(workbench);
  const secret = await collectorOf(workbench);
  const session = await timeline.session();
  const polls = await timeline.total('polls');
  await workbench.runCommand('Remove All Breakpoints');
  await workbench.continueDebugging();
  await timeline.totalThat('polls', (value) => value > polls + 200);
  await timeline.badge().filter({ hasText: 'live' }).waitFor();
  assert.equal(await timeline.session(), session);

  const summary = await summaryOf(secret, session);
  assert.equal(summary.totals.debuggerStops, 1);
  assert.equal(await timeline.total('debuggerStops'), 1);
  assert.equal(summary.stopped, false);
  assert.equal(summary.problem, '');
  await checkShade(workbench, timeline);
  await workbench.screenshot(`${launch}-after-stop-dark`);
  await workbench.setTheme('light');
  await waitFor('shade in light colours', 120_000, async () =>
    (await shadeOf(workbench, timeline)).inside > 0.9 ? true : undefined,
  );
  await workbench.screenshot(`${launch}-after-stop-light`);
  await workbench.setTheme('dark');
}

/** The stop stands out from what lies beside it, over the whole height of the lanes. */
async function checkShade(workbench: Workbench, timeline: Timeline): Promise<void> {
  await timeline.press('0');
  await timeline.press(' ');
  await timeline.settled();
  const { inside, outside } = await shadeOf(workbench, timeline);
  assert.ok(inside > 0.9, `shaded inside the stop: ${inside}`);
  assert.ok(outside < 0.1, `shaded outside the stop: ${outside}`);
}

interface Shade {
  /** Share of the pixels between the lanes, inside the stop, that have the shade's colour. */
  readonly inside: number;
  /** The same left and right of it. */
  readonly outside: number;
}

async function shadeOf(workbench: Workbench, timeline: Timeline): Promise<Shade> {
  const stop = await onlyStop(workbench, timeline);
  assert.ok(stop.toNs - stop.fromNs >= standMs * 1e6, `the stop lasts ${stop.toNs - stop.fromNs} ns`);
  const ground = await timeline.colour('editor-background');
  const orange = await timeline.colour('charts-orange');
  // Tint and hatch: a tenth to a half of the way from the ground to orange.
  const isShaded = (colour: Rgb) => {
    const share = shareOfWay(ground, orange, colour);
    return share >= 0.1 && share <= 0.5 && isNear(colour, mixed(ground, orange, share), 12);
  };
  const rows = (await timeline.rows()).filter((row) => row.kind === 'task').slice(2, 12);
  const pixels = await timeline.pixels();
  const { fromNs, toNs } = await timeline.interval();
  const xOf = (ns: number) => ((ns - fromNs) / (toNs - fromNs)) * pixels.widthPx;
  // The uppermost line of a row is free of its bar.
  const shareOf = (isWanted: (xPx: number) => boolean): number => {
    const columns = Array.from({ length: pixels.widthPx }, (_, xPx) => xPx).filter(isWanted);
    assert.ok(columns.length > 3, `only ${columns.length} columns to look at`);
    const shaded = rows.flatMap((row) => columns.filter((xPx) => isShaded(pixels.at(xPx, row.topCssPx + 1))));
    return shaded.length / (rows.length * columns.length);
  };
  const [left, right] = [xOf(stop.fromNs), xOf(stop.toNs)];
  return {
    inside: shareOf((xPx) => xPx > left + 2 && xPx < right - 2),
    outside: shareOf((xPx) => xPx < left - 2 || xPx > right + 2),
  };
}

async function onlyStop(workbench: Workbench, timeline: Timeline): Promise<{ fromNs: number; toNs: number }> {
  const session = await timeline.session();
  const { result } = await asViewer(await collectorOf(workbench), (client) =>
    client.request('viewport', {
      session,
      fromNs: 0,
      toNs: 1e12,
      widthPx: 10,
      firstLane: 0,
      laneCount: 1,
      filter: '',
    }),
  );
  const [stop] = result.stops;
  assert.equal(result.stops.length, 1);
  assert.ok(stop !== undefined);
  return stop;
}

/** How far a colour lies on the way from one to another: 0 at the first, 1 at the second. */
function shareOfWay(from: Rgb, to: Rgb, colour: Rgb): number {
  const channels = ['red', 'green', 'blue'] as const;
  const way = channels.map((each) => to[each] - from[each]);
  const gone = channels.map((each) => colour[each] - from[each]);
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return dot(way, gone) / dot(way, way);
}

function mixed(a: Rgb, b: Rgb, share: number): Rgb {
  const mix = (from: number, to: number) => Math.round(from + (to - from) * share);
  return { red: mix(a.red, b.red), green: mix(a.green, b.green), blue: mix(a.blue, b.blue) };
}
