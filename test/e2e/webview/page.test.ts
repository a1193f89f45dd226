// The view's own bundle in a headless browser, under the policy of an editor's webview: real recordings through the real
// engine, drawn traces for what no short recording has. What a user does with mouse and keys, and what is then seen.
// Longer than other files: one browser is started for all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHello, frameKind, visibility } from '../../../runtime-probe/protocol/typescript/index.ts';
import { framesTrace, packagesTrace } from '../../support/frames-trace.ts';
import { framesOf, recordingOf, testHello } from '../../support/text-trace.ts';
import { pageTests } from '../../support/webview-page/page-tests.ts';
import type { Pixels, Rgb } from '../../support/workbench/pixels.ts';

const { open, settled, figure, interval, sent, picture, rowTop, problems, shown } = pageTests({
  'tier.wakeline': tierRecording,
  'calls.wakeline': () => recordingOf(framesOf(framesTrace)),
  'packages.wakeline': () => recordingOf(framesOf(packagesTrace)),
});

/** A program that says of itself what it records and why some of it not. */
function tierRecording(): Uint8Array {
  const { recorded, inferred, notRecorded } = visibility;
  const hello = {
    ...testHello,
    tier: 'tokio stable',
    capabilities: [
      { name: 'polls', visibility: recorded, note: 'of wrapped futures' },
      { name: 'timers', visibility: notRecorded, note: 'timers are inside the runtime' },
      { name: 'awaitSites', visibility: inferred, note: 'by line' },
      { name: 'resources', visibility: notRecorded, note: '' },
    ],
  };
  return recordingOf([
    { kind: frameKind.hello, payload: encodeHello(hello) },
    ...framesOf('chunk thread=1\n  100 taskSpawn task=1\n  200 pollStart task=1 epoch=1'),
  ]);
}

/** Share of a row's columns that hold something near the colour. */
function cover(pixels: Pixels, yCssPx: number, colour: Rgb): number {
  let columns = 0;
  for (let x = 0; x < pixels.widthPx; x++) {
    for (let y = yCssPx + 1; y < yCssPx + 19; y++) {
      const at = pixels.at(x, y);
      const far = Math.max(
        Math.abs(at.red - colour.red),
        Math.abs(at.green - colour.green),
        Math.abs(at.blue - colour.blue),
      );
      if (far > 24) continue;
      columns++;
      break;
    }
  }
  return columns / pixels.widthPx;
}

const green: Rgb = { red: 0x89, green: 0xd1, blue: 0x85 };
const blue: Rgb = { red: 0x59, green: 0xa4, blue: 0xf9 };

test('a recording of one client: its totals, its lanes, each state where it was recorded', async () => {
  await open('recording=read-chain.wakeline');
  const { page } = shown;
  const total = (name: string) => page.locator(`[data-total="${name}"]`).textContent();
  assert.equal(await total('tasks'), '1');
  assert.equal(await total('polls'), '2');
  assert.equal(await total('wakes'), '1');
  assert.equal(await figure('lanes'), '3');
  assert.deepEqual(await interval(), { fromNs: 0, toNs: 1000, widthNs: 1000 });
  const labels = await page.locator('.row:visible .lane-name').allTextContents();
  const task = labels.find((label) => label.startsWith('client #'));
  assert.ok(task !== undefined, labels.join());
  const pixels = await picture();
  const top = await rowTop(task);
  // The task waits for its source from 240 to 920, and runs from 200 to 240 and from 930 to 960.
  const waiting = cover(pixels, top, blue);
  assert.ok(Math.abs(waiting - 0.68) < 0.02, `${waiting} of the width is drawn as waiting`);
  const running = cover(pixels, top, green);
  assert.ok(Math.abs(running - 0.07) < 0.02, `${running} of the width is drawn as running`);
  assert.deepEqual(problems, []);
});

test('the wheel with Ctrl zooms at the pointer, a drag pans, keys go back to all of it', async () => {
  await open('tasks=40');
  const { page } = shown;
  const all = await interval();
  const box = await page.locator('.picture').boundingBox();
  assert.ok(box !== null);
  const atShare = 0.3;
  const instant = all.fromNs + all.widthNs * atShare;
  await page.mouse.move(box.x + box.width * atShare, box.y + 200);
  await page.keyboard.down('Control');
  for (let i = 0; i < 5; i++) await page.mouse.wheel(0, -120);
  await page.keyboard.up('Control');
  await settled();
  const near = await interval();
  assert.ok(near.widthNs < all.widthNs / 2);
  const under = near.fromNs + near.widthNs * atShare;
  assert.ok(Math.abs(under - instant) < near.widthNs / 100, 'the same instant is under the pointer');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * atShare - 100, box.y + 200, { steps: 5 });
  await page.mouse.up();
  await settled();
  const moved = await interval();
  assert.ok(Math.abs(moved.widthNs - near.widthNs) < 2);
  const expected = near.fromNs + (100 / box.width) * near.widthNs;
  assert.ok(Math.abs(moved.fromNs - expected) < near.widthNs / 100);
  await page.keyboard.press('0');
  await settled();
  assert.deepEqual(await interval(), all);
});

test('keys zoom and pan', async () => {
  await open('tasks=40');
  const { page } = shown;
  await page.locator('.scroller').focus();
  const all = await interval();
  await page.keyboard.press('+');
  await page.keyboard.press('w');
  await settled();
  const near = await interval();
  assert.ok(Math.abs(near.widthNs / all.widthNs - 0.49) < 0.01);
  await page.keyboard.press('d');
  await settled();
  assert.ok((await interval()).fromNs > near.fromNs);
  await page.keyboard.press('Home');
  await settled();
  assert.equal((await interval()).fromNs, 0);
  await page.keyboard.press('End');
  await settled();
  assert.equal((await interval()).toNs, all.toNs);
});

test('a click explains a span; sites open, steps lead to their lanes, Escape clears', async () => {
  await open('tasks=40');
  const { page } = shown;
  const box = await page.locator('.picture').boundingBox();
  assert.ok(box !== null);
  await page.mouse.click(box.x + 200, box.y + (await rowTop('client 6')) + 10);
  await page.locator('#details .sentence').waitFor();
  await settled();
  assert.match((await page.locator('#details h2').textContent()) ?? '', /client 6/);
  assert.equal(await page.locator('.row.selected').count(), 1);
  assert.match((await page.locator('[aria-live="polite"]').textContent()) ?? '', /client 6: /);
  await page.locator('#details .sites .link').first().click();
  const opened = await sent('openSite');
  assert.deepEqual(
    opened.map((each) => (each.type === 'openSite' ? each.site.line : 0)),
    [42],
  );
  await page.mouse.dblclick(box.x + 200, box.y + (await rowTop('client 6')) + 10);
  await settled();
  assert.equal((await sent('openSite')).length, 2);
  await page.locator('#details .steps button.step-text', { hasText: 'parked' }).click();
  await page.locator('.row.selected', { hasText: 'reactor' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#details .hint').waitFor();
  await settled();
  assert.equal(await page.locator('.row.selected').count(), 0);
});

test('a running span shows the stacks that were taken in it; a frame opens its line', async () => {
  await open('tasks=40');
  const { page } = shown;
  await page.locator('.scroller').focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
  await page.locator('#details .sentence').waitFor();
  // Spans of a lane are of several kinds: on to the next that runs.
  const running = page.locator('#details .chip.state', { hasText: 'running' });
  for (let i = 0; i < 12 && (await running.count()) === 0; i++) {
    await page.keyboard.press('ArrowRight');
    await settled();
  }
  const frames = page.locator('#details .stacks details[open] li');
  await frames.first().waitFor();
  assert.deepEqual(await frames.locator('.function').allTextContents(), [
    'memcpy',
    'client::parse',
    'client::handle::{async_fn#0}',
  ]);
  // A function of which no line is known leads nowhere.
  assert.deepEqual(await frames.locator('.link').count(), 2);
  await frames.locator('.link').first().click();
  const opened = await sent('openSite');
  assert.deepEqual(
    opened.map((each) => (each.type === 'openSite' ? each.site.line : 0)),
    [88],
  );
});

test('the keyboard walks lanes and spans', async () => {
  await open('tasks=40');
  const { page } = shown;
  await page.locator('.scroller').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.locator('.row.selected', { hasText: 'client 1' }).waitFor();
  await page.locator('#details .sentence').waitFor();
  const first = await page.locator('#details .details-head p').textContent();
  await page.keyboard.press('ArrowRight');
  await settled();
  await page.waitForFunction(
    (before) => document.querySelector('#details .details-head p')?.textContent !== before,
    first,
  );
  const active = await page.locator('.scroller').getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${active}.selected`).count(), 1);
});

test('ten thousand lanes: only those in view are asked for and have a row', async () => {
  await open('tasks=10000&rounds=1');
  const { page } = shown;
  assert.equal(await figure('lanes'), '10005');
  await page.locator('.scroller').evaluate((scroller) => {
    scroller.scrollTop = scroller.scrollHeight;
  });
  await settled();
  await page.getByText('client 9999', { exact: true }).waitFor();
  // Pinned lanes stay.
  assert.equal(await page.locator('.row:visible', { hasText: 'reactor' }).count(), 1);
  const asked = (await sent('request')).flatMap((each) =>
    each.type === 'request' && 'laneCount' in each.params ? [each.params.laneCount] : [],
  );
  assert.ok(Math.max(...asked) < 80, `at most ${Math.max(...asked)} lanes in a query`);
  assert.ok((await page.locator('.row').count()) < 80);
});

test('a lane that is far away is revealed', async () => {
  await open('tasks=3000&rounds=1');
  const session = await figure('session');
  await shown.page.evaluate((shown) => {
    window.wakelineToView({ type: 'reveal', session: shown, lane: 2500, fromNs: 1e6, toNs: 2e6 });
  }, session);
  await shown.page.locator('.row.selected', { hasText: 'client 2495' }).waitFor();
  const { fromNs, toNs } = await interval();
  assert.ok(fromNs < 1e6 && toNs > 2e6 && toNs - fromNs < 10e6);
});

test('while an answer is on the way the old picture stands, moved and scaled; two queries at most are out', async () => {
  await open('tasks=40&delay=400');
  const { page } = shown;
  await page.locator('.scroller').focus();
  for (let i = 0; i < 6; i++) await page.keyboard.press('+');
  // One frame later: the answer takes 400 ms.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve(null))));
  assert.equal(await figure('settled'), 'false');
  const lit = await page.locator('#timeline').evaluate((node) => {
    const canvas = node as HTMLCanvasElement;
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if ((data[i] ?? 0) > 0) count++;
    return count / (data.length / 4);
  });
  assert.ok(lit > 0.2, `${lit} of the picture is drawn`);
  const viewports = (await sent('request')).filter(
    (each) => each.type === 'request' && each.method === 'viewport',
  );
  // One for the first picture, one for the first key; the other five wait as one.
  assert.ok(viewports.length <= 3, `${viewports.length} queries`);
  await settled();
});

test('a filter leaves the tasks that it names and the lanes of threads', async () => {
  await open('tasks=40');
  const { page } = shown;
  await page.locator('.scroller').focus();
  await page.keyboard.press('/');
  await page.keyboard.type('client 3');
  await settled();
  await page.waitForFunction(() => document.querySelector('#root')?.getAttribute('data-lanes') === '16');
  const labels = await page.locator('.row:visible .lane-name').allTextContents();
  assert.ok(labels.includes('reactor 1') && labels.includes('client 37') && !labels.includes('client 1'));
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelector('#root')?.getAttribute('data-lanes') === '45');
});

test('a live trace is followed, frozen, and goes on', async () => {
  await open('tasks=40&live=6');
  const { page } = shown;
  assert.equal(await figure('follow'), 'true');
  const first = (await interval()).toNs;
  await page.waitForFunction((before) => {
    const toNs = Number(document.querySelector('#root')?.getAttribute('data-to-ns'));
    return toNs > before;
  }, first);
  await page.locator('.scroller').focus();
  await page.keyboard.press(' ');
  await settled();
  const frozen = await interval();
  await page.waitForTimeout(700);
  assert.deepEqual(await interval(), frozen);
  assert.equal(await page.locator('.badge').textContent(), 'frozen');
  await page.keyboard.press(' ');
  await page.waitForFunction(
    (before) => Number(document.querySelector('#root')?.getAttribute('data-to-ns')) > before,
    frozen.toNs,
  );
});

test('recording goes off and on from the toolbar, and the badge says so', async () => {
  await open('tasks=40&live=6');
  const { page } = shown;
  const record = page.getByRole('button', { name: 'Record what the program does' });
  assert.equal(await record.getAttribute('aria-pressed'), 'true');
  await record.click();
  await page.locator('.badge', { hasText: 'live, not recorded' }).waitFor();
  assert.equal(await record.getAttribute('aria-pressed'), 'false');
  await record.click();
  await page.locator('.badge[data-state="live"]').waitFor();
  assert.equal(await record.getAttribute('aria-pressed'), 'true');
  const level = page.getByRole('combobox', { name: 'How much is recorded' });
  assert.equal(await level.inputValue(), 'full');
  await level.selectOption('lean');
  await page.waitForFunction(() => document.querySelector('.detail-picker[title*="tasks, polls"]') !== null);
  await record.click();
  await page.locator('.badge', { hasText: 'live, not recorded' }).waitFor();
  assert.equal(await level.inputValue(), 'off');
  await record.click();
  await page.locator('.badge[data-state="live"]').waitFor();
  assert.equal(await level.inputValue(), 'lean', 'it goes on as it was');
  const told = (await sent('control')) as readonly { detail: string }[];
  assert.deepEqual(
    told.map(({ detail }) => detail),
    ['off', 'full', 'lean', 'off', 'lean'],
  );
});

test('what was shown is shown again after the page was torn down', async () => {
  await open('tasks=200');
  const { page } = shown;
  await page.locator('.scroller').focus();
  for (const key of ['+', '+', 'd', 'ArrowDown']) await page.keyboard.press(key);
  await page.locator('.scroller').evaluate((scroller) => {
    scroller.scrollTop = 600;
  });
  await settled();
  const before = await interval();
  // The page keeps its state a moment after the last change, which was the scroll.
  await page.waitForFunction(
    () =>
      ((JSON.parse(sessionStorage.getItem('state') ?? '{}') as { firstLane?: number }).firstLane ?? 0) > 0,
  );
  await page.reload();
  await settled();
  assert.deepEqual(await interval(), before);
  await page.waitForFunction(() => document.querySelector('.scroller')?.scrollTop === 600);
  await page.locator('#details .sentence').waitFor();
});

test('what the cursor’s line has in the trace is marked', async () => {
  await open('tasks=40');
  const { page } = shown;
  const session = await figure('session');
  const { toNs } = await interval();
  await page.evaluate(
    ({ shown, untilNs }) => {
      const waits = [{ lane: 8, fromNs: 0, toNs: untilNs }];
      window.wakelineToView({
        type: 'highlight',
        session: shown,
        lanes: [7],
        waits,
        label: 'line 42: 1 wait',
      });
    },
    { shown: session, untilNs: toNs },
  );
  await page.getByText('line 42: 1 wait').waitFor();
  await settled();
  assert.deepEqual(await page.locator('.row.highlighted .lane-name').allTextContents(), [
    'client 2',
    'client 3',
  ]);
});

test('labels are made wider by pointer and by keys, and the picture makes room', async () => {
  await open('tasks=20');
  const { page } = shown;
  const handle = page.getByRole('separator', { name: 'Width of the labels' });
  const left = async () => (await page.locator('.picture').boundingBox())?.x ?? 0;
  const before = await left();
  const box = await handle.boundingBox();
  assert.ok(box !== null);
  await page.mouse.move(box.x, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 60, box.y + 10, { steps: 3 });
  await page.mouse.up();
  assert.equal((await left()) - before, 60);
  await handle.focus();
  await page.keyboard.press('ArrowLeft');
  assert.equal((await left()) - before, 44);
  await settled();
  const canvas = await page.locator('#timeline').evaluate((node) => (node as HTMLCanvasElement).width);
  assert.equal(canvas, Math.round((await page.locator('.picture').boundingBox())?.width ?? 0));
});

test('sessions can be chosen, and the host is told', async () => {
  await open('tasks=20&sessions=2');
  const { page } = shown;
  const second = '2'.repeat(32);
  await page.locator('.session-picker').selectOption(second);
  await page.locator(`#root[data-session="${second}"]`).waitFor();
  assert.deepEqual(await sent('showSession'), [{ type: 'showSession', session: second }]);
});

test('without a session a new user is told what to do', async () => {
  const { page } = shown;
  await page.goto(shown.url('tasks=1&sessions=0'));
  await page.getByRole('heading', { name: 'No program is connected yet' }).waitFor();
  assert.equal(await page.locator('.picture').isVisible(), false);
  await shown.page.getByRole('button', { name: 'Copy the environment that connects it' }).click();
  const commands = (await shown.page.evaluate(() => window.wakelineSent)).filter((m) => m.type === 'command');
  assert.deepEqual(commands, [{ type: 'command', command: 'copyEnvironment' }]);
});

test('what the tier does not record is said, and why in a pane', async () => {
  await open('tasks=20');
  await shown.page.getByText('Tier executor, not recorded: job threads').waitFor();
  await open('recording=tier.wakeline');
  const { page } = shown;
  const tier = page.getByRole('button', { name: 'Tier tokio stable, not recorded: timers, resources' });
  await tier.click();
  const pane = page.getByRole('dialog', { name: 'What this program’s tier records' });
  await pane.getByText('Tier: tokio stable.').waitFor();
  // What is missing first, each with the reason that the program gave.
  assert.deepEqual(await pane.locator('dt').allTextContents(), [
    'timersnot recorded',
    'resourcesnot recorded',
    'awaitSitesinferred',
    'pollsrecorded',
  ]);
  assert.deepEqual(await pane.locator('dd').allTextContents(), [
    'timers are inside the runtime',
    '',
    'by line',
    'of wrapped futures',
  ]);
  await page.keyboard.press('Escape');
  await settled();
  assert.equal(await pane.count(), 0);
  assert.deepEqual(problems, []);
});

test("the program's own spans stand below their task, named; a click tells what the task did in one", async () => {
  await open('recording=own-spans.wakeline');
  const { page } = shown;
  const labels = await page.locator('.row:visible .lane-name').allTextContents();
  assert.deepEqual(labels.slice(labels.indexOf('spans outside of tasks')), [
    'spans outside of tasks',
    'client #1',
    'spans of client #1',
    'spans of client #1, 2 deep',
    'task 2',
    'spans of task 2',
  ]);
  const pixels = await picture();
  // The edge of a hollow bar: three quarters of the colour on the ground.
  const purple: Rgb = { red: 0x8c, green: 0x68, blue: 0xa9 };
  // The span is open from 210 to 600 of 1000 ns, another beneath it from 215 to 225 and from 230 to 520.
  const outer = cover(pixels, await rowTop('spans of client #1'), purple);
  const inner = cover(pixels, await rowTop('spans of client #1, 2 deep'), purple);
  assert.ok(Math.abs(outer - 0.39) < 0.02, `${outer} of the width is drawn as the outer span`);
  assert.ok(Math.abs(inner - 0.3) < 0.02, `${inner} of the width is drawn as the inner spans`);
  const box = await page.locator('.picture').boundingBox();
  assert.ok(box !== null);
  await page.mouse.click(box.x + box.width * 0.4, box.y + (await rowTop('spans of client #1')) + 10);
  await page
    .locator('#details .sentence', { hasText: 'The span “checkout” of task 1 (client) lasted' })
    .waitFor();
  await page.locator('#details .sites .link', { hasText: 'main.rs:12' }).first().click();
  const opened = await sent('openSite');
  assert.deepEqual(
    opened.map((each) => (each.type === 'openSite' ? each.site.line : 0)),
    [12],
  );
  // Commands of the host are about the task that is selected, here by a lane below its own.
  const selected = (await sent('selected')).at(-1);
  assert.equal(selected?.type === 'selected' ? selected.task : -1, 1);
  // What was marked is named beside the pointer.
  await page.mouse.move(box.x + box.width * 0.02, box.y + (await rowTop('spans outside of tasks')) + 10);
  await page.locator('.tooltip', { hasText: 'mark: queue length' }).waitFor();
  await page.mouse.move(box.x + box.width * 0.45, box.y + (await rowTop('spans of client #1, 2 deep')) + 10);
  await page.locator('.tooltip', { hasText: 'price list' }).waitFor();
  assert.deepEqual(problems, []);
});

test('the calls of a task open below it, each deeper than its caller, and tell where they wait', async () => {
  await open('recording=calls.wakeline');
  const { page } = shown;
  const rows = async (): Promise<number> => Number(await figure('lanes'));
  const closed = await rows();
  await page.getByRole('button', { name: 'Show 5 async calls' }).click();
  await page.getByRole('button', { name: 'Hide 5 async calls' }).waitFor();
  await settled();
  assert.equal(await rows(), closed + 5);
  const names = page.locator('.row[data-kind="frame"] .lane-name');
  assert.deepEqual(await names.allTextContents(), ['main', 'load', 'fetchUser', 'fetchUser', 'audit']);
  const lefts = await names.evaluateAll((all) =>
    all.map((each) => Number.parseFloat(getComputedStyle(each).paddingLeft)),
  );
  assert.deepEqual(
    lefts.map((left) => left - (lefts[0] ?? 0)),
    [0, 8, 16, 24, 32],
  );
  // The middle of the view is 15 ms: the second fetchUser waits for its timer.
  await names.nth(3).click();
  await page.locator('.sentence', { hasText: 'in fetchUser (users.ts:14:9) on timer 2' }).waitFor();
  await page.keyboard.press('Enter');
  const [opened] = (await sent('openSite')).slice(-1);
  assert.equal(
    opened?.type === 'openSite' ? `${opened.site.file}:${opened.site.line}` : '',
    '/app/users.ts:14',
  );
  // From a call's row the key closes them all and selects the task.
  await page.keyboard.press('c');
  await page.getByRole('button', { name: 'Show 5 async calls' }).waitFor();
  await settled();
  assert.equal(await rows(), closed);
  assert.deepEqual(problems, []);
});

test('calls inside packages are one thin row by their package, and rows of their own when asked for', async () => {
  await open('recording=packages.wakeline');
  const { page } = shown;
  await page.getByRole('button', { name: 'Show 6 async calls' }).click();
  await page.getByRole('button', { name: 'Hide 6 async calls' }).waitFor();
  await settled();
  const names = page.locator('.row[data-kind="frame"] .lane-name');
  assert.deepEqual(await names.allTextContents(), ['main', 'in undici', 'onBody', 'in @scope/parse']);
  // The ground is seen above and below a thin bar, in a column where the bar of the row above begins at its top.
  const pixels = await picture();
  const heightAt = async (label: string): Promise<number> => {
    const top = await rowTop(label);
    const x = Math.round(pixels.widthPx * 0.25);
    const ground = pixels.at(x, top);
    let height = 0;
    for (let y = top; y < top + 20; y++) {
      const { red, green: g, blue: b } = pixels.at(x, y);
      if (red !== ground.red || g !== ground.green || b !== ground.blue) height++;
    }
    return height;
  };
  const [whole, thin] = [await heightAt('main'), await heightAt('in undici')];
  assert.ok(thin > 0 && thin < whole, `${thin} px beside ${whole}`);
  const toggle = page.getByRole('button', { name: 'Show calls inside packages and Node too' });
  assert.equal(await toggle.getAttribute('aria-pressed'), 'false');
  await toggle.click();
  await page.locator('.lane-name', { hasText: 'dispatch' }).waitFor();
  await settled();
  assert.equal(await toggle.getAttribute('aria-pressed'), 'true');
  assert.deepEqual(await names.allTextContents(), [
    'main',
    'request',
    'dispatch',
    'onBody, connect',
    'parse',
  ]);
  await toggle.click();
  await page.locator('.lane-name', { hasText: 'in undici' }).waitFor();
  assert.deepEqual(problems, []);
});

test('colours follow the theme, and every control has a name', async () => {
  await open('tasks=20');
  const { page } = shown;
  const before = cover(await picture(), await rowTop('worker 1 (main)'), green);
  assert.ok(before > 0.02);
  await page.evaluate(() => {
    document.documentElement.style.setProperty('--vscode-charts-green', '#ff00ff');
    document.body.className = 'vscode-light';
  });
  await settled();
  const pixels = await picture();
  const top = await rowTop('worker 1 (main)');
  assert.ok(cover(pixels, top, { red: 255, green: 0, blue: 255 }) > 0.02);
  assert.equal(cover(pixels, top, green), 0);
  for (const control of await page.locator('button, select, input').all()) {
    const name = await control.evaluate(
      (node) => node.getAttribute('aria-label') ?? node.textContent?.trim() ?? '',
    );
    assert.notEqual(name, '');
  }
  assert.deepEqual(problems, []);
});

test('legend and keys open and close from the keyboard', async () => {
  await open('tasks=20');
  const { page } = shown;
  await page.locator('.scroller').focus();
  await page.keyboard.press('l');
  await page.getByRole('dialog', { name: 'Legend' }).waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.className), 'scroller');
});
